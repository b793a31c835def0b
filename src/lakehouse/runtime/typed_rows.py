"""Landed files whose rows have columns of their own, as frames: Parquet, ORC and Avro, columns united by name.

Avro's source reads all files by one schema, and would read values of another as nonsense. So files are read by the schema that
each was written with, all of one schema together. It is no part of Spark itself, see `lakehouse.transforms.avro`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructType

from lakehouse.bronze.manifest import LandedFile
from lakehouse.columns import FILE, ROW
from lakehouse.errors import IncompatibleSchemaError, PreflightError
from lakehouse.runtime.landing import file_column, hadoop_path, literal_path
from lakehouse.schemas.widening import plain
from lakehouse.transforms.avro import NO_MODULE

_TIMESTAMP = re.compile(r'"(?:type|elementType|keyType|valueType)":"timestamp"')
_BLOCK, _ID = "__lh_block", "__lh_id"


def typed_rows(spark: SparkSession, files: Sequence[LandedFile], *, kind: str) -> DataFrame:
    """The rows of files: their columns, `_source_file`, and `_row` from 1 within each file.

    Args:
        spark: the session.
        files: at least one, whole files of the kind.
        kind: `parquet`, `orc` or `avro`.

    Raises:
        IncompatibleSchemaError: Avro files have columns of one name and different types.
        PreflightError: the Spark session has no Avro module, or would read timestamps in ORC in another zone than UTC.
    """
    return _READERS[kind](spark, files)


def _parquet_rows(spark: SparkSession, files: Sequence[LandedFile]) -> DataFrame:
    rows = spark.read.parquet(*_paths(spark, files), mergeSchema=True)
    return rows.select("*", file_column().alias(FILE), (F.col("_metadata.row_index") + 1).alias(ROW))


def _orc_rows(spark: SparkSession, files: Sequence[LandedFile]) -> DataFrame:
    rows = spark.read.orc(_paths(spark, files), mergeSchema=True)
    if _TIMESTAMP.search(rows.schema.json()):
        _require_utc(spark)
    return _numbered(_placed(rows))


def _avro_rows(spark: SparkSession, files: Sequence[LandedFile]) -> DataFrame:
    written: dict[str, list[LandedFile]] = {}
    for file in files:
        written.setdefault(_written_with(spark, file), []).append(file)
    groups = [_read_avro(spark, schema, group) for schema, group in written.items()]
    _refuse_contradictions([group.schema for group in groups])
    placed = [_placed(group) for group in groups]
    return _numbered(reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), placed))


_READERS: Mapping[str, Callable[[SparkSession, Sequence[LandedFile]], DataFrame]] = {
    "parquet": _parquet_rows,
    "orc": _orc_rows,
    "avro": _avro_rows,
}


def _read_avro(spark: SparkSession, schema: str, files: Sequence[LandedFile]) -> DataFrame:
    try:
        return spark.read.format("avro").option("avroSchema", schema).load(_paths(spark, files))
    except AnalysisException as error:
        if "data source: avro" not in str(error).lower():
            raise
        raise PreflightError(NO_MODULE) from error


def _written_with(spark: SparkSession, file: LandedFile) -> str:
    """The schema in the header of an Avro file, as JSON text."""
    jvm: Any = spark._jvm  # noqa: SLF001 - Avro's own reader has no Python API
    opened = jvm.org.apache.avro.mapred.FsInput(hadoop_path(spark, file.file), spark._jsc.hadoopConfiguration())  # noqa: SLF001 - as above
    try:
        reader = jvm.org.apache.avro.file.DataFileReader(opened, jvm.org.apache.avro.generic.GenericDatumReader())
        return str(reader.getSchema().toString())
    finally:
        opened.close()


def _require_utc(spark: SparkSession) -> None:
    """ORC keeps what the clock on the wall showed, and Spark takes it for one in the zone of the JVM, whatever the session's is."""
    zones: Any = spark._jvm.java.util.TimeZone  # type: ignore[union-attr]  # noqa: SLF001 - the zone of the JVM has no Python API
    zone = zones.getDefault()
    if not zone.hasSameRules(zones.getTimeZone("UTC")):
        msg = (
            f"timestamps in ORC files would be read as times in the zone of the JVM, {zone.getID()}, and become others; submit "
            "with --conf spark.driver.extraJavaOptions=-Duser.timezone=UTC and --conf "
            "spark.executor.extraJavaOptions=-Duser.timezone=UTC, or set TZ=UTC where the job runs"
        )
        raise PreflightError(msg)


def _refuse_contradictions(schemas: Sequence[StructType]) -> None:
    """Spark would unite a number and a text, or a long and a double, in a way that changes values."""
    there: dict[str, DataType] = {}
    for field in (field for schema in schemas for field in schema):
        meant = there.setdefault(field.name.lower(), plain(field.dataType))
        if plain(field.dataType) != meant:
            msg = f"column {field.name} is {field.dataType.simpleString()} in some files and {meant.simpleString()} in others"
            raise IncompatibleSchemaError(msg)


def _placed(rows: DataFrame) -> DataFrame:
    return rows.select("*", file_column().alias(FILE), F.col("_metadata.file_block_start").alias(_BLOCK))


def _numbered(placed: DataFrame) -> DataFrame:
    """Rows with their place in their file, as `lakehouse.runtime.landing.text_lines` finds that of lines."""
    order = Window.partitionBy(FILE).orderBy(_BLOCK, _ID)
    identified = placed.withColumn(_ID, F.monotonically_increasing_id())
    return identified.withColumn(ROW, F.row_number().over(order).cast("bigint")).drop(_BLOCK, _ID)


def _paths(spark: SparkSession, files: Sequence[LandedFile]) -> list[str]:
    return [literal_path(spark, file.file) for file in files]
