"""The one table of what each Spark runtime needs beside pyspark, and where its jar files are.

`python -m lakehouse.runtime.jars` gets them ready for this machine, and with `--into FOLDER` for a container image.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import pyspark

from lakehouse.errors import ConfigError
from lakehouse.runtime.java import Java, find_java, java_options

Feature = Literal["core", "s3", "deequ"]
CORE: tuple[Feature, ...] = ("core",)

JARS_FOLDER = "LAKEHOUSE_JARS"
"""Environment variable: a folder that holds every jar; nothing is fetched then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The jars of one feature, as `group:artifact:version`.

    Attributes:
        asked: those asked for.
        brought: those that come with them.
        instead: those taken in place of the version that comes with them, which the repositories do not have.
    """

    asked: tuple[str, ...]
    brought: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the jar files as Ivy writes them."""
        return tuple(file_name(coordinate) for coordinate in (*self.asked, *self.brought, *self.instead))


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """One line of Spark: the Java it runs on, the jars of each feature, and what Spark brings itself already."""

    spark: str
    java: range
    java_wheel: bool
    excluded: tuple[str, ...]
    bundles: Mapping[Feature, Bundle] = field(repr=False)

    def files(self, features: Collection[Feature]) -> tuple[str, ...]:
        """Names of the jar files that the features need.

        Raises:
            ConfigError: this Spark has no jars for one; names those that have.
        """
        for feature in features:
            if feature not in self.bundles:
                having = " or ".join(f"Spark {one.spark}" for one in RUNTIMES.values() if feature in one.bundles)
                msg = f"there are no jars for {feature} on Spark {self.spark}, only on {having}"
                raise ConfigError(msg)
        return tuple(name for feature in features for name in self.bundles[feature].files)


SUPPORTED_JAVA = range(17, 23)  # Spark documents 17 and 21; from 23 on Hadoop misses the security manager and fails
SQLITE = "org.xerial:sqlite-jdbc:3.50.3.0"

RUNTIMES: Mapping[str, Runtime] = {
    "3.5": Runtime(
        spark="3.5",
        java=SUPPORTED_JAVA,
        java_wheel=True,
        excluded=(
            "com.amazonaws:aws-java-sdk-*-only",
            "com.fasterxml.jackson.core:*",
            "net.sf.opencsv:*",
            "net.sourceforge.f2j:*",
            "org.antlr:*",
            "org.scala-lang*:*",
            "org.scalanlp:*",
            "org.tukaani:*",
        ),
        bundles={
            "core": Bundle(
                asked=(
                    "io.delta:delta-spark_2.12:3.3.2",
                    "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0",
                    "org.apache.spark:spark-avro_2.12:3.5.6",
                    SQLITE,
                ),
                brought=("io.delta:delta-storage:3.3.2",),
            ),
            "s3": Bundle(
                asked=("org.apache.hadoop:hadoop-aws:3.3.4",),
                brought=(
                    "com.amazonaws:aws-java-sdk-bundle:1.12.262",
                    "org.wildfly.openssl:wildfly-openssl:1.0.7.Final",
                ),
            ),
            "deequ": Bundle(
                asked=("com.amazon.deequ:deequ:2.1.0-spark-3.5",), instead=("software.amazon.glue:dqdl:1.0.0",)
            ),
        },
    ),
    "4.1": Runtime(
        spark="4.1",
        java=SUPPORTED_JAVA,
        java_wheel=False,  # the wheel's Java lacks the module jdk.incubator.vector
        excluded=(
            "com.fasterxml.jackson*:*",
            "com.github.luben:*",
            "com.google.code.findbugs:*",
            "commons-*:*",
            "io.airlift:*",
            "javax.annotation:*",
            "org.apache.hadoop:hadoop-client*",
            "org.apache.logging.log4j:*",
            "org.apache.parquet:*",
            "org.locationtech.jts:*",
            "org.roaringbitmap:*",
            "org.scala-lang.modules:*",
            "org.slf4j:*",
            "org.tukaani:*",
            "org.xerial.snappy:*",
        ),
        bundles={
            "core": Bundle(
                asked=(
                    "io.delta:delta-spark_4.1_2.13:4.2.0",
                    "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0",
                    "org.apache.spark:spark-avro_2.13:4.1.1",
                    SQLITE,
                ),
                brought=(
                    "io.delta:delta-storage:4.2.0",
                    "io.delta:delta-kernel-api:4.2.0",
                    "io.delta:delta-kernel-defaults:4.2.0",
                    "io.delta:delta-kernel-unitycatalog:4.2.0",
                    "io.unitycatalog:unitycatalog-client:0.4.1",
                ),
            ),
            "s3": Bundle(
                asked=("org.apache.hadoop:hadoop-aws:3.4.2",),
                brought=("software.amazon.awssdk:bundle:2.29.52", "org.wildfly.openssl:wildfly-openssl:2.1.4.Final"),
            ),
        },
    ),
}


def file_name(coordinate: str) -> str:
    """Name the file of a jar as Ivy does.

    >>> file_name("io.delta:delta-storage:3.3.2")
    'io.delta_delta-storage-3.3.2.jar'
    """
    group, artifact, version = coordinate.split(":")
    return f"{group}_{artifact}-{version}.jar"


def find_runtime(version: str = pyspark.__version__) -> Runtime:
    """Find the runtime of a Spark version.

    >>> find_runtime("3.5.6").spark
    '3.5'

    Raises:
        ConfigError: there is none; names those there are.
    """
    line = ".".join(version.split(".")[:2])
    if line not in RUNTIMES:
        msg = f"Spark {version} is not supported; install pyspark {' or '.join(f'{known}.*' for known in RUNTIMES)}"
        raise ConfigError(msg)
    return RUNTIMES[line]


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Name the folder for what is fetched or made once on this machine: `$XDG_CACHE_HOME/lakehouse`."""
    base = (os.environ if environment is None else environment).get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lakehouse"


def find_jars(runtime: Runtime, features: Collection[Feature], *, java: Java) -> tuple[Path, ...]:
    """Find the jar files of the features: in the folder `LAKEHOUSE_JARS` names, else in the cache, which is filled once.

    Raises:
        ConfigError: the named folder lacks some, or they could not be fetched.
    """
    given = os.environ.get(JARS_FOLDER)
    folder = Path(given) if given else cache_folder() / f"jars-{runtime.spark}"
    missing = missing_jars(runtime, features, folder)
    if missing and given:
        msg = f"the folder {folder} named by {JARS_FOLDER} lacks {', '.join(missing)}; add them or unset {JARS_FOLDER}"
        raise ConfigError(msg)
    if missing:
        fetch_jars(runtime, features, into=folder, java=java)
    return tuple((folder / name).resolve() for name in runtime.files(features))


def missing_jars(runtime: Runtime, features: Collection[Feature], folder: Path) -> tuple[str, ...]:
    """Name the jar files of the features that are not in `folder`."""
    return tuple(name for name in runtime.files(features) if not (folder / name).is_file())


def fetch_jars(runtime: Runtime, features: Collection[Feature], *, into: Path, java: Java) -> None:
    """Fetch the jar files of the features into a folder by Spark's own resolver, which asks the repositories it knows.

    Each file arrives whole or not at all, so that several processes may fetch at once.

    Raises:
        ConfigError: not all could be fetched; quotes the resolver and says how to do without.
    """
    sys.stderr.write(f"lakehouse: fetching the jars for Spark {runtime.spark} into {into} (once)\n")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=into) as work:
        said = _resolve(runtime, features, work=Path(work), java=java)
        for name in runtime.files(features):
            fetched = Path(work, "ivy", "jars", name)
            if fetched.is_file():
                fetched.replace(into / name)
    missing = missing_jars(runtime, features, into)
    if missing:
        msg = (
            f"could not fetch {', '.join(missing)}. The resolver said:\n{_tail(said)}\n"
            f"Check the network and run again, or put the files into a folder and name it by {JARS_FOLDER}"
        )
        raise ConfigError(msg)


def main(arguments: Sequence[str] | None = None) -> int:
    """Find Java and the jars of this Spark, and fetch what is not there yet."""
    parser = argparse.ArgumentParser(prog="lakehouse.runtime.jars", allow_abbrev=False, description=main.__doc__)
    parser.add_argument("--into", type=Path, help="a folder to fill, instead of the cache")
    parser.add_argument("--feature", choices=get_args(Feature), action="append", help="what they must serve (core)")
    chosen = parser.parse_args(arguments)
    features = tuple(chosen.feature or CORE)
    try:
        runtime = find_runtime()
        java = find_java(versions=runtime.java, wheel=runtime.java_wheel)
        if chosen.into is None:
            find_jars(runtime, features, java=java)
        elif missing_jars(runtime, features, chosen.into):
            fetch_jars(runtime, features, into=chosen.into, java=java)
    except ConfigError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    return 0


def _resolve(runtime: Runtime, features: Collection[Feature], *, work: Path, java: Java) -> str:
    """Let spark-submit ask for the packages, and return what it printed.

    What stands in for another version is left out first and then asked for alone: excluded, no version of it is taken.
    """
    bundles = [runtime.bundles[feature] for feature in features]
    instead = [coordinate for bundle in bundles for coordinate in bundle.instead]
    replaced = [coordinate.rpartition(":")[0] for coordinate in instead]
    said = _submitted(
        [asked for bundle in bundles for asked in bundle.asked], [*runtime.excluded, *replaced], work=work, java=java
    )
    return said + (_submitted(instead, runtime.excluded, work=work, java=java) if instead else "")


def _submitted(packages: Sequence[str], excluded: Sequence[str], *, work: Path, java: Java) -> str:
    """Run an empty program that asks for packages."""
    program = work / "nothing.py"
    program.write_text("", encoding="utf-8")
    home = Path(pyspark.__file__).parent
    options = " ".join(f'"{option}"' for option in java_options(java, cache=cache_folder()))
    conf = {
        "spark.jars.packages": ",".join(packages),
        "spark.jars.excludes": ",".join(excluded),
        "spark.jars.ivy": str(work / "ivy"),
        "spark.driver.extraJavaOptions": options,
    }
    command = [str(home / "bin" / ("spark-submit.cmd" if os.name == "nt" else "spark-submit")), "--master", "local[1]"]
    command += [argument for key, value in conf.items() for argument in ("--conf", f"{key}={value}")]
    own = {"JAVA_HOME": str(java.home), "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(  # noqa: S603 - runs the spark-submit of the installed pyspark with arguments made above
        [*command, str(program)], capture_output=True, text=True, check=False, env=os.environ | own
    )
    return done.stdout + done.stderr


def _tail(said: str, lines: int = 12) -> str:
    telling = [line.strip() for line in said.splitlines() if line.strip().strip(":")]
    return "\n".join(telling[-lines:])


if __name__ == "__main__":
    sys.exit(main())
