"""Prove, before a job reads a byte, that the Spark session can do what the job needs.

Extensions are static: a session that is opened on a context which was there before reports them as set and works without
them, until the first MERGE fails. So the settings are read from the context, and the session is made to parse a
statement that only the extension knows. Nothing here starts a Spark job.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from lakehouse.errors import PreflightError
from lakehouse.runtime.jars import find_runtime
from lakehouse.runtime.session import DELTA_CATALOG, DELTA_EXTENSION, ICEBERG_CATALOG, ICEBERG_EXTENSION
from lakehouse.tables.protocol import Format

EXTENSIONS = "spark.sql.extensions"
SESSION_CATALOG = "spark_catalog"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What one table format needs; the first catalog class is the one to recommend."""

    extension: str
    catalogs: tuple[str, ...]
    probe: str


NEEDS: Mapping[Format, _Need] = {
    "delta": _Need(extension=DELTA_EXTENSION, catalogs=(DELTA_CATALOG,), probe="VACUUM probe"),
    "iceberg": _Need(
        extension=ICEBERG_EXTENSION,
        catalogs=(ICEBERG_CATALOG, "org.apache.iceberg.spark.SparkSessionCatalog"),
        probe="ALTER TABLE probe CREATE BRANCH probe",  # CALL would prove nothing: Spark 4 parses it itself
    ),
}


LOSSY = {
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.files.ignoreCorruptFiles": "false",
    "spark.files.ignoreMissingFiles": "false",
    "spark.hadoop.io.skip.checksum.errors": "false",
    "spark.hadoop.mapreduce.input.linerecordreader.line.maxlength": str(2**31 - 1),
}
"""Settings under which Spark reads less than there is without a word, and the value that makes it fail instead."""


def check_session(spark: SparkSession, formats: Collection[Format], catalog: str = "lake") -> None:
    """Refuse a session that loses what it cannot read, or cannot read and write tables of these formats.

    Args:
        spark: the session.
        formats: the table formats the job needs.
        catalog: name of the Iceberg catalog.

    Raises:
        PreflightError: lists what is missing, with the settings to submit the job with.
    """
    if lossy := _lossy_settings(spark):
        raise PreflightError(_losing_settings(lossy))
    conf = dict(spark.sparkContext.getConf().getAll())
    for name in (SESSION_CATALOG, catalog):
        for key in (f"spark.sql.catalog.{name}{part}" for part in ("", ".type", ".catalog-impl", ".warehouse")):
            value = spark.conf.get(key, None)  # catalogs are no static settings: the session decides
            conf |= {key: value} if value else {}
    missing = missing_conf(conf, formats, catalog)
    if missing:
        raise PreflightError(_missing_settings(missing, formats))
    problems = [problem for form in _ordered(formats) for problem in _problems(spark, form, catalog)]
    if problems:
        raise PreflightError(_not_working(problems, formats))


def missing_conf(conf: Mapping[str, str], formats: Collection[Format], catalog: str = "lake") -> dict[str, str]:
    """List the settings to add to `conf` (or to change there) so that it serves the formats; empty when it does.

    Extensions that `conf` has already are kept. An Iceberg catalog that says nothing of its kind is taken to be
    the AWS Glue one, with a warehouse to fill in.

    >>> missing_conf({"spark.sql.extensions": "org.example.Own"}, ["delta"])["spark.sql.extensions"]
    'org.example.Own,io.delta.sql.DeltaSparkSessionExtension'
    """
    needed = {form: NEEDS[form] for form in _ordered(formats)}
    loaded = [name.strip() for name in conf.get(EXTENSIONS, "").split(",") if name.strip()]
    lacking = [need.extension for need in needed.values() if need.extension not in loaded]
    missing = {EXTENSIONS: ",".join([*loaded, *lacking])} if lacking else {}
    for form, need in needed.items():
        key = f"spark.sql.catalog.{_catalog_of(form, catalog)}"
        if conf.get(key) not in need.catalogs:
            missing[key] = need.catalogs[0]
    if "iceberg" in needed:
        missing |= _missing_kind(conf, f"spark.sql.catalog.{catalog}")
    return missing


def submit_arguments(conf: Mapping[str, str]) -> str:
    """Write settings as arguments of spark-submit, one a line.

    >>> print(submit_arguments({"a": "1", "b": "2"}))
    --conf a=1
    --conf b=2
    """
    return "\n".join(f"--conf {shlex.quote(f'{key}={value}')}" for key, value in conf.items())


def glue_argument(conf: Mapping[str, str]) -> str:
    """Write settings as the value of the one job parameter `--conf` that AWS Glue allows.

    >>> glue_argument({"a": "1", "b": "2"})
    'a=1 --conf b=2'
    """
    return " --conf ".join(f"{key}={value}" for key, value in conf.items())


def _ordered(formats: Collection[Format]) -> list[Format]:
    return [form for form in NEEDS if form in formats]


def _catalog_of(form: Format, catalog: str) -> str:
    """Delta lives in Spark's own catalog, Iceberg in one of its own."""
    return SESSION_CATALOG if form == "delta" else catalog


def _missing_kind(conf: Mapping[str, str], key: str) -> dict[str, str]:
    """Without a kind Iceberg looks for a Hive metastore."""
    if conf.get(f"{key}.type") or conf.get(f"{key}.catalog-impl"):
        return {}
    warehouse = {} if conf.get(f"{key}.warehouse") else {f"{key}.warehouse": "s3://BUCKET/warehouse"}
    return {f"{key}.type": "glue", **warehouse}


def _problems(spark: SparkSession, form: Format, catalog: str) -> list[str]:
    """Try the extension and the catalog of one format for real."""
    state: Any = spark._jsparkSession.sessionState()  # noqa: SLF001 - the session's parser has no public way in
    problems = []
    try:
        state.sqlParser().parsePlan(NEEDS[form].probe)
    except (PySparkException, Py4JError):
        problems.append(f"the SQL extension {NEEDS[form].extension} is set but not active")
    name = _catalog_of(form, catalog)
    try:
        loaded = state.catalogManager().catalog(name).getClass().getName()
    except (PySparkException, Py4JError) as failure:
        reason = _java_reason(failure)
        return [*problems, f"the catalog {name} does not start: {reason}"]
    if loaded not in NEEDS[form].catalogs:
        problems.append(f"the catalog {name} is a {loaded}, not a {NEEDS[form].catalogs[0]}")
    return problems


def _java_reason(failure: Exception) -> str:
    """The first line of what the JVM says went wrong."""
    java = getattr(failure, "java_exception", None)
    return str(java.toString() if java is not None else failure).splitlines()[0]


def _lossy_settings(spark: SparkSession) -> dict[str, str]:
    """The settings of a session that lose records, with what they should be."""
    hadoop = spark._jsc.hadoopConfiguration()  # noqa: SLF001 - there is no public way
    context = spark.sparkContext.getConf()
    found = {}
    for name, good in LOSSY.items():
        if name.startswith("spark.hadoop."):
            value = hadoop.get(name.removeprefix("spark.hadoop."), good)
        else:
            value = spark.conf.get(name, None) or context.get(name, good)
        if value is not None and value.lower() != good:
            found[name] = good
    return found


def _losing_settings(lossy: Mapping[str, str]) -> str:
    return (
        f"the Spark session is set to lose what it cannot read without a word: {', '.join(lossy)}.\n"
        "Leave them out, or set in the job's session, spark-submit, EMR or AWS Glue:\n"
        f"{_indented(submit_arguments(lossy))}"
    )


def _missing_settings(missing: Mapping[str, str], formats: Collection[Format]) -> str:
    return (
        f"the Spark session cannot work with {' and '.join(_ordered(formats))}: it was submitted without "
        f"{', '.join(missing)}.\n"
        "Such settings count only when the job is submitted with them; set in the job they are shown but not applied.\n"
        f"spark-submit and EMR:\n{_indented(submit_arguments(missing))}\n"
        f"AWS Glue, job parameters:\n"
        f"    --datalake-formats {','.join(_ordered(formats))}\n"
        f"    --conf '{glue_argument(missing)}'"
    )


def _not_working(problems: list[str], formats: Collection[Format]) -> str:
    packages = [
        coordinate
        for coordinate in find_runtime().bundles["core"].asked
        if any(f"{form}-spark" in coordinate for form in _ordered(formats))
    ]
    listed = "\n".join(f"- {problem}" for problem in problems)
    return (
        f"the Spark session has the settings for {' and '.join(_ordered(formats))}, but they do not work:\n{listed}\n"
        "Most often the jars are missing or of another Spark version.\n"
        f"spark-submit and EMR:\n    --packages {','.join(packages)}\n"
        f"AWS Glue, job parameters:\n    --datalake-formats {','.join(_ordered(formats))}"
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
