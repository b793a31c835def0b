"""Typed files that Spark cannot read together with the others: one of another type must not stop the batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import DataType, StructType

from lakehouse.bronze.manifest import LandedFile
from lakehouse.errors import IncompatibleSchemaError
from lakehouse.runtime.checks.orders import OTHER_TYPES, UNSUPPORTED, Refused
from lakehouse.runtime.typed_rows import typed_rows
from lakehouse.schemas.widening import fits, plain

UNREAD = (PySparkException, Py4JJavaError)
"""What Spark raises when it cannot make one schema of files; 3.5 passes some of it on as Java threw it."""


def odd_files(
    spark: SparkSession, files: Sequence[LandedFile], table: StructType, *, kind: str
) -> dict[LandedFile, Refused]:
    """The files whose columns are of other types than the table's, or than those of most files, and why each is odd.

    Looks at the files one by one only when they do not go together.

    Args:
        spark: the session.
        files: whole files.
        table: the columns of the table that they are loaded into; empty when there is none.
        kind: `parquet`, `orc` or `avro`.
    """
    if not files or _go_together(spark, files, table, kind):
        return {}
    odd: dict[LandedFile, Refused] = {}
    schemas: dict[LandedFile, StructType] = {}
    for file in files:
        try:
            schemas[file] = typed_rows(spark, [file], kind=kind).schema
        except UNREAD:
            odd[file] = Refused(UNSUPPORTED, "Spark cannot make columns of its schema")
    return odd | differing(schemas, table)


def differing(schemas: Mapping[LandedFile, StructType], table: StructType) -> dict[LandedFile, Refused]:
    """The files with a column that does not fit the table, or is not what it is in most of those that do.

    Of types that are as common, the one of the first file by path is meant. Names are compared in any case.
    """
    odd: dict[LandedFile, Refused] = {}
    for there in (_types(table), {}):
        fitting = {file: _types(schema) for file, schema in sorted(schemas.items(), key=_path) if file not in odd}
        wanted = there or _most_common(list(fitting.values()))
        for file, types in fitting.items():
            for name, data_type in types.items():
                meant = wanted.get(name, data_type)
                if not (fits(meant, data_type) if there else plain(meant) == plain(data_type)):
                    detail = f"column {name} is {data_type.simpleString()}, and {meant.simpleString()} elsewhere"
                    odd[file] = Refused(OTHER_TYPES, detail)
    return odd


def _go_together(spark: SparkSession, files: Sequence[LandedFile], table: StructType, kind: str) -> bool:
    try:
        types = _types(typed_rows(spark, files, kind=kind).schema)
    except (*UNREAD, IncompatibleSchemaError):
        return False
    there = _types(table)
    return all(fits(there.get(name, data_type), data_type) for name, data_type in types.items())


def _types(schema: StructType) -> dict[str, DataType]:
    return {field.name.lower(): field.dataType for field in schema}


def _most_common(schemas: Sequence[Mapping[str, DataType]]) -> dict[str, DataType]:
    """The type of each column in most schemas, the earliest of those that are as common."""
    found: dict[str, list[DataType]] = {}
    for types in schemas:
        for name, data_type in types.items():
            found.setdefault(name, []).append(plain(data_type))
    return {name: Counter(types).most_common(1)[0][0] for name, types in found.items()}


def _path(item: tuple[LandedFile, StructType]) -> str:
    return item[0].file
