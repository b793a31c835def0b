"""Schemas of Spark as records of Avro."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from lakehouse.errors import ConfigError, MissingColumnsError
from lakehouse.schemas.avro import parse_avro
from lakehouse.schemas.avro_records import avro_record
from lakehouse.schemas.compatibility import check_compatibility
from lakehouse.schemas.type_names import parse_schema

COLUMNS = {
    "id": "bigint", "email": "string", "at": "timestamp", "day": "date", "total": "decimal(10,2)", "flag": "boolean", "raw": "binary",
    "small": "smallint", "ratio": "double", "part": "float", "tags": "array<string>", "by": "map<string,int>",
    "lines": "array<struct<sku:string,price:decimal(9,3)>>", "to": "struct<city:string,at:struct<x:int>>",
}  # fmt: skip


def test_every_type_is_what_spark_reads_it_as(spark: SparkSession) -> None:
    """Spark's own converter makes the same columns of the record again; small numbers become ints, as in its own files."""
    record = json.dumps(avro_record(parse_schema(COLUMNS), name="shop.events", required=["id"]))
    jvm: Any = spark._jvm  # noqa: SLF001 - Spark's converter has no Python API
    converters = jvm.org.apache.spark.sql.avro.SchemaConverters
    parsed = getattr(jvm, "org.apache.avro.Schema$Parser")().parse(record)
    found = T.StructType.fromJson(json.loads(converters.toSqlType(parsed).dataType().json()))
    plain = {field.name: field.dataType.simpleString() for field in found}
    assert plain == {name: "int" if kind == "smallint" else kind for name, kind in COLUMNS.items()}
    assert [field.name for field in found if not field.nullable] == ["id"]
    assert parse_avro(record).names


def test_a_field_more_is_compatible_and_a_field_that_becomes_required_is_not() -> None:
    """The example of every introduction: an optional phone may come, a required e-mail may not."""
    columns = {"customer_id": "bigint", "event_type": "string", "timestamp": "timestamp", "email": "string"}
    required = ["customer_id", "event_type", "timestamp"]

    def text(columns: dict[str, str], required: list[str]) -> str:
        return json.dumps(avro_record(parse_schema(columns), name="customer_events", required=required))

    first = {1: text(columns, required)}
    assert check_compatibility(first, text({**columns, "phone": "string"}, required), "BACKWARD").is_compatible
    assert not check_compatibility(first, text(columns, [*required, "email"]), "BACKWARD").is_compatible


def test_what_avro_cannot_say_is_refused() -> None:
    """Names and types that Avro has not, and required columns that are none."""
    with pytest.raises(ConfigError, match="'a b' is no name in Avro"):
        avro_record(parse_schema({"a b": "int"}), name="x")
    with pytest.raises(ConfigError, match="is no name in Avro"):
        avro_record(parse_schema({"a": "int"}), name="my-shop.x")
    with pytest.raises(ConfigError, match="Avro has no type for x_a"):
        avro_record(parse_schema({"a": "map<int,int>"}), name="x")
    with pytest.raises(MissingColumnsError, match="b"):
        avro_record(parse_schema({"a": "int"}), name="x", required=["b"])
