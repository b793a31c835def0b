r"""JSON documents: records that hold many rows, as objects one after the other or as arrays of them, down a path or not.

Each object becomes a record with the object's own text, letter by letter. An element that is no object becomes one too, and is
rejected by whoever reads it. What leads to no records stays whole, without a place: text that is no JSON, an object without the
array that the path names, a document without an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.feeds.folders import route_by_folder
from lakehouse.cdc.feeds.parts import Parts, split
from lakehouse.cdc.feeds.records import Records, json_records
from lakehouse.cdc.json_text import bind, names_repeat
from lakehouse.cdc.json_values import elements, field, values
from lakehouse.columns import RAW, TABLE
from lakehouse.errors import ConfigError

NO_RECORDS = "no_records"
"""The kind of a document that holds none."""

_PATH = re.compile(r"\$(?:\.[^.\s\"\\\[\]{}*]+)+")


def require_path(path: str | None) -> None:
    """Refuse a path that is not `$` and names of fields with a point before each.

    Raises:
        ConfigError: says how one is written.
    """
    if path is not None and not _PATH.fullmatch(str(path)):
        msg = f"option records is {path!r}; name the fields that lead to the array, as in $.data.items"
        raise ConfigError(msg)


def cut(df: DataFrame, *, path: str | None) -> DataFrame:
    """One row for each record of a document, as `lakehouse.cdc.feeds.parts.split` has it.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    table = F.col(TABLE) if TABLE in df.columns else route_by_folder()
    parts = Parts(
        elements=_records(F.col(RAW), path),
        text=lambda record: record["text"],
        table=lambda _: table,
        record_table=table,
        is_part=lambda record: record["found"],
    )
    return split(df, parts)


def document_records(df: DataFrame, names: Iterable[str], *, path: str | None) -> Records:
    """Rows that were cut, of whose objects the fields `names` are read; a row that has no place is malformed."""
    records = json_records(df, names)
    whole = (
        "the text is not one or more whole JSON values"
        if path is None
        else f"the text is not one or more whole JSON values with an array of records at {path}"
    )
    malformed = F.when(F.col("origin.part").isNull(), F.lit(whole)).otherwise(records.malformed)
    return replace(records, malformed=malformed)


def no_records(path: str | None) -> Column:
    """Why a row of `document_records` is skipped, or null."""
    alone = F.when(F.col("origin.part").isNull(), F.size(_records(F.col("raw"), path)))
    return F.when(alone == 0, F.lit(NO_RECORDS))


def _records(text: Column, path: str | None) -> Column:
    """What a document consists of, each with its `text` and whether it was `found` where it should be; null: it is no JSON."""
    top = F.flatten(F.transform(values(text), _opened))
    if path is None:
        return F.transform(top, lambda value: _record(value, found=True))
    names = path.split(".")[1:]
    return F.flatten(F.transform(top, lambda value: _below(value, names)))


def _below(value: Column, names: Iterable[str]) -> Column:
    """The records at the end of a path of names; the value itself where it leads to none, or a name on it is there twice."""
    at = value
    for name in names:
        at = bind(at, partial(_field, name))
    found = F.when(at.rlike(r"^[\[{]"), F.transform(_opened(at), lambda record: _record(record, found=True)))
    return F.coalesce(found, F.array(_record(value, found=False)))


def _field(name: str, value: Column) -> Column:
    return F.when(~names_repeat(value), field(value, name))


def _opened(value: Column) -> Column:
    """The elements of an array; any other value is the one element."""
    return F.coalesce(elements(value), F.array(value))


def _record(text: Column, *, found: bool) -> Column:
    return F.struct(text.alias("text"), F.lit(found).alias("found"))
