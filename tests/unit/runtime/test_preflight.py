"""The check before a job, on a good session and on the ones that only look good."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import PreflightError
from lakehouse.runtime.preflight import check_session, glue_argument, missing_conf, submit_arguments

DELTA = "io.delta.sql.DeltaSparkSessionExtension"
ICEBERG = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
GOOD = {
    "spark.sql.extensions": f"{DELTA}, {ICEBERG}",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.lake.type": "jdbc",
}

# No jars at all. First a session on a context that was there before, then a context that asks for what is not there.
LOOKS_GOOD = """
import sys
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession
from lakehouse.errors import PreflightError
from lakehouse.runtime.preflight import check_session
from lakehouse.runtime.session import local_conf, open_session
from pathlib import Path

def attempt(spark, formats):
    try:
        check_session(spark, formats)
    except PreflightError as refused:
        print(refused)
    else:
        print("passed")

wanted = local_conf(warehouse=Path(sys.argv[1])) | {"spark.master": "local[1]"}
plain = SparkConf().setMaster("local[1]").setAppName("plain").set("spark.ui.enabled", "false")
context = SparkContext(conf=plain)
spark = SparkSession.builder.config("spark.sql.extensions", wanted["spark.sql.extensions"]).getOrCreate()
print("reported:", spark.conf.get("spark.sql.extensions"))
attempt(spark, ["delta", "iceberg"])
print("same:", open_session(app_name="job", warehouse="/nowhere").sparkContext is context)
spark.stop()
print("=====")
spark = SparkSession.builder.config(map=wanted).getOrCreate()
attempt(spark, ["delta", "iceberg"])
attempt(spark, [])
"""


@pytest.fixture(scope="module")
def looks_good(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What the check says of two sessions that report all settings; `spark` comes first as it finds Java."""
    del spark
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable}
    environment.pop("PYSPARK_GATEWAY_PORT", None)
    done = subprocess.run(
        [sys.executable, "-c", LOOKS_GOOD, str(tmp_path_factory.mktemp("plain"))],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split("=====\n")
    return first, second


def test_a_good_session_passes_without_a_job(spark: SparkSession) -> None:
    """The suite's own session serves both formats, and to find that out starts no Spark job."""
    spark.sparkContext.setJobGroup("preflight", "counted")
    try:
        check_session(spark, ["delta", "iceberg"])
    finally:
        spark.sparkContext.setJobGroup("", "")
    assert list(spark.sparkContext.statusTracker().getJobIdsForGroup("preflight")) == []


def test_a_catalog_that_is_not_there_is_named(spark: SparkSession) -> None:
    """The job's catalog counts, not any catalog."""
    with pytest.raises(PreflightError, match=r"--conf spark\.sql\.catalog\.absent=org\.apache\.iceberg\.spark\.Spark"):
        check_session(spark, ["iceberg"], catalog="absent")


def test_a_catalog_that_does_not_start_is_told_from_a_missing_one(spark: SparkSession) -> None:
    """Settings that are there but wrong give the reason, not the advice to add them."""
    spark.conf.set("spark.sql.catalog.broken", "org.apache.iceberg.spark.SparkCatalog")
    spark.conf.set("spark.sql.catalog.broken.type", "nonsense")
    with pytest.raises(PreflightError, match=r"the catalog broken does not start: .*nonsense"):
        check_session(spark, ["iceberg"], catalog="broken")


def test_settings_that_come_too_late_are_refused(looks_good: tuple[str, str]) -> None:
    """On a context that was there before, extensions are reported and not applied: the context decides."""
    said, _ = looks_good
    assert f"reported: {DELTA},{ICEBERG}" in said
    assert f"    --conf spark.sql.extensions={DELTA},{ICEBERG}\n" in said
    assert "    --datalake-formats delta,iceberg\n" in said
    assert (
        f"    --conf 'spark.sql.extensions={DELTA},{ICEBERG}"
        " --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog"
        " --conf spark.sql.catalog.lake=org.apache.iceberg.spark.SparkCatalog"
        " --conf spark.sql.catalog.lake.type=glue --conf spark.sql.catalog.lake.warehouse=s3://BUCKET/warehouse'\n"
    ) in said


def test_a_session_of_the_platform_is_left_alone(looks_good: tuple[str, str]) -> None:
    """Where a context exists, opening a session returns its session and makes no warehouse."""
    assert "same: True" in looks_good[0]


def test_settings_without_jars_are_refused(looks_good: tuple[str, str]) -> None:
    """Spark starts without the classes of an extension; the check names what is not active and the packages to add."""
    _, said = looks_good
    assert f"- the SQL extension {DELTA} is set but not active" in said
    assert f"- the SQL extension {ICEBERG} is set but not active" in said
    assert "- the catalog lake does not start: " in said
    assert "    --packages io.delta:delta-spark_" in said


def test_no_formats_make_no_demands(looks_good: tuple[str, str]) -> None:
    """A job without lakehouse tables runs on any session."""
    assert looks_good[1].endswith("\npassed\n")
    assert missing_conf({}, []) == {}


def test_good_settings_lack_nothing() -> None:
    """Blanks in the list of extensions do not matter."""
    assert missing_conf(GOOD, ["delta", "iceberg"]) == {}


def test_extensions_that_are_there_stay() -> None:
    """A setting is replaced as a whole, so the line to add repeats what is there."""
    conf = GOOD | {"spark.sql.extensions": f"org.example.Own,{DELTA}"}
    assert missing_conf(conf, ["iceberg"]) == {"spark.sql.extensions": f"org.example.Own,{DELTA},{ICEBERG}"}


def test_the_wrong_catalog_class_is_replaced() -> None:
    """Iceberg's session catalog in the place of Delta's is named with the class that must stand there."""
    key = "spark.sql.catalog.spark_catalog"
    conf = GOOD | {key: "org.apache.iceberg.spark.SparkSessionCatalog"}
    assert missing_conf(conf, ["delta"]) == {key: "org.apache.spark.sql.delta.catalog.DeltaCatalog"}
    assert missing_conf(conf, ["iceberg"], catalog="spark_catalog") == {
        f"{key}.type": "glue",
        f"{key}.warehouse": "s3://BUCKET/warehouse",
    }


def test_a_catalog_of_its_own_kind_is_left_alone() -> None:
    """A catalog that names its implementation needs no type, and a warehouse that is set is kept."""
    lake = "spark.sql.catalog.lake"
    conf = GOOD | {f"{lake}.type": "", f"{lake}.catalog-impl": "org.example.Catalog"}
    assert missing_conf(conf, ["iceberg"]) == {}
    conf = GOOD | {f"{lake}.type": "", f"{lake}.warehouse": "s3://mine/w"}
    assert missing_conf(conf, ["iceberg"]) == {f"{lake}.type": "glue"}


def test_settings_are_written_for_each_submitter() -> None:
    """spark-submit takes a line a setting, quoted for the shell; AWS Glue takes one string."""
    conf = {"a": "1", "b": "x y"}
    assert submit_arguments(conf) == "--conf a=1\n--conf 'b=x y'"
    assert glue_argument(conf) == "a=1 --conf b=x y"


def test_a_session_that_loses_what_it_cannot_read_is_refused(spark: SparkSession) -> None:
    """Each setting under which files or lines vanish is named, with what to set instead; even when no format is needed."""
    hadoop = spark._jsc.hadoopConfiguration()  # noqa: SLF001 - there is no public way
    shortest = "mapreduce.input.linerecordreader.line.maxlength"
    for name in ("spark.sql.files.ignoreCorruptFiles", "spark.sql.files.ignoreMissingFiles", shortest):
        (hadoop.set if name == shortest else spark.conf.set)(name, "1000" if name == shortest else "TRUE")
        try:
            with pytest.raises(PreflightError, match=f"lose what it cannot read without a word: .*{name}"):
                check_session(spark, [])
        finally:
            (hadoop.unset if name == shortest else spark.conf.unset)(name)
    check_session(spark, [])
