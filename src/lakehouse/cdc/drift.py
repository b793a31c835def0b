"""What producers send and no contract names, and what contracts name and no file has."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.csv_records import fields, tokens
from lakehouse.columns import BATCH, FILE, HEADER, LOADED_AT, PART, RAW, ROW, RUN_ID, TABLE, quoted

UNKNOWN = "unknown"
MISSING = "missing"
_BRONZE = frozenset({TABLE, FILE, ROW, PART, HEADER, BATCH, LOADED_AT, RUN_ID})


def json_drift(df: DataFrame, known: Collection[str]) -> DataFrame:
    """The fields of JSON records that are not known: `name`, `state`, `rows` (how many records have one, also as null).

    Names are compared letter by letter, as they are read. A record that is no JSON object has no fields, and none is ever
    missing: producers of JSON leave out what they like.

    Args:
        df: bronze rows: `_raw`.
        known: every name that is read.
    """
    names = df.select(F.explode(F.json_object_keys(RAW)).alias("name"))
    return _stated(_without(names, known).groupBy("name").agg(F.count(F.lit(1)).alias("rows")), F.lit(UNKNOWN))


def csv_drift(df: DataFrame, known: Collection[str], wanted: Collection[str], *, delimiter: str = ",") -> DataFrame:
    """The columns that headers name and nobody knows, and the wanted ones that they do not name: `name`, `state`, `rows`.

    Looks at each header once, and at no record. Rows without a header, or with one that is no CSV, have no columns.

    Args:
        df: bronze rows: `_header`.
        known: every name that is read.
        wanted: the names of which each file should have a column.
        delimiter: between the names.
    """
    headers = df.where(F.col(HEADER).isNotNull()).groupBy(HEADER).agg(F.count(F.lit(1)).alias("rows"))
    named = headers.select("rows", fields(tokens(HEADER, delimiter=delimiter)).alias("names"))
    wants = F.array(*(F.lit(name) for name in wanted)).cast("array<string>")
    unknown = _without(named.select("rows", F.explode("names").alias("name")), known)
    missing = named.select("rows", F.explode(F.array_except(wants, "names")).alias("name"))
    both = _stated(unknown, F.lit(UNKNOWN)).unionByName(_stated(missing, F.lit(MISSING)))
    return both.groupBy("name", "state").agg(F.sum("rows").alias("rows"))


def typed_drift(df: DataFrame, known: Collection[str]) -> DataFrame:
    """The columns of typed rows that are not known, in any case, and how many rows have a value in them: `name`, `state`, `rows`.

    Args:
        df: bronze rows with columns of their own.
        known: every name that is read.
    """
    read = {name.lower() for name in known}
    others = [name for name in df.columns if name not in _BRONZE and name.lower() not in read]
    counted = df.agg(*(F.count(quoted(name)).alias(f"c{i}") for i, name in enumerate(others)), F.lit(1).alias("any"))
    pairs = [F.struct(F.lit(name).alias("name"), F.col(f"c{i}").alias("rows")) for i, name in enumerate(others)]
    shape = "array<struct<name:string,rows:bigint>>"
    rows = counted.select(F.inline(F.array(*pairs).cast(shape)))
    return _stated(rows.where(F.col("rows") > 0), F.lit(UNKNOWN))


def _without(names: DataFrame, known: Collection[str]) -> DataFrame:
    return names.where(~F.col("name").isin(*known)) if known else names


def _stated(rows: DataFrame, state: Column) -> DataFrame:
    return rows.select("name", state.alias("state"), "rows")
