"""Rows that name their columns, CSV, JSON or typed, as the feeds that are made of them read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType, TimestampType

from lakehouse.cdc.csv_records import fields, tokens
from lakehouse.cdc.feeds.assembly import Cell, staged
from lakehouse.cdc.json_text import as_written, names_repeat, parse_object, quote_numbers, texts
from lakehouse.columns import BATCH, FILE, HEADER, LOADED_AT, RAW, ROW, RUN_ID, TABLE, quoted, require
from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import NESTED, BinaryText, instant_text, require_timezone

_BRONZE = frozenset({TABLE, FILE, ROW, HEADER, BATCH, LOADED_AT, RUN_ID})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """The options of feeds whose rows are CSV records, JSON objects or typed.

    Attributes:
        timezone: zone of timestamps that name none.
        binary: how bytes are written in text.
        form: of text records, `csv` or `json` (one object a record); of feed `columns` also `document` (objects one after the
            other, or in arrays).
        delimiter: of CSV, one character.
        null_value: unquoted in CSV it is null.
        columns: the fields of CSV records without a header, in order.
    """

    timezone: str = "UTC"
    binary: BinaryText = "hex"
    form: Literal["csv", "json", "document"] = "csv"
    delimiter: str = ","
    null_value: str = "NULL"
    columns: Sequence[str] | None = None

    def check(self, feed: str, *, forms: Sequence[str] = ("csv", "json")) -> None:
        """Refuse a zone or a form that there is not.

        Raises:
            ConfigError: names the option.
        """
        require_timezone(self.timezone)
        if self.form not in forms:
            msg = f"option form of feed {feed} is {self.form!r}; use {' or '.join(forms)}"
            raise ConfigError(msg)


@dataclass(frozen=True, slots=True)
class Records:
    """A staged frame, and how to find a column of the source in it.

    Attributes:
        frame: the frame.
        raw: the row as text, for quarantine.
        malformed: what is wrong with its form; null = nothing.
        cell: a column by its name, for a value of a type.
        text: text of a column by its name; CSV and typed rows know it in any case.
    """

    frame: DataFrame
    raw: Column
    malformed: Column
    cell: Callable[[str, DataType], Cell]
    text: Callable[[str], Column]

    def control(self, name: str | None) -> Column:
        """Text of a column that says something about the row; null where there is none or an empty one."""
        column = F.lit(None).cast("string") if name is None else self.text(name)
        return F.when(column != "", column)


def text_records(df: DataFrame, names: Iterable[str], options: RecordOptions) -> Records:
    """Bronze rows of text, in the form that the options name.

    Args:
        df: bronze rows.
        names: the fields that are read; also those of CSV records that neither a header nor an option names.
        options: how they are written.
    """
    wanted = tuple(dict.fromkeys(names))
    if options.form == "json":
        return json_records(df, wanted)
    positional = F.array(*(F.lit(name) for name in options.columns or wanted))
    return csv_records(df, positional=positional, delimiter=options.delimiter, null_value=options.null_value)


def csv_records(
    df: DataFrame, *, positional: Column, header: bool | None = None, delimiter: str = ",", null_value: str = "NULL"
) -> Records:
    """Bronze rows whose `_raw` is a CSV record and whose `_header` names its fields. Names match exactly.

    Args:
        df: bronze rows.
        positional: names of the fields of a record without a header, an array; it may look at `values`, the fields.
        header: True refuses records without a header, False ignores headers, None takes them where they are.
        delimiter: one character.
        null_value: unquoted it is null.
    """
    named = F.col(HEADER) if HEADER in df.columns and header is not False else F.lit(None).cast("string")
    frame = (
        staged(df, raw=F.col(RAW), header=named)
        .withColumn("values", fields(tokens("raw", delimiter=delimiter), null_value=null_value))
        .withColumn("named", fields(tokens("header", delimiter=delimiter)))
        .withColumn("names", F.when(F.col("header").isNull(), positional).otherwise(F.col("named")))
        .withColumn("lowered", F.transform("names", F.lower))
    )
    problem = (
        F.when(F.col("header").isNull() & F.lit(header is True), "the file has no header")
        .when(F.col("values").isNull(), "the record is not CSV by RFC 4180")
        .when(F.col("names").isNull(), "the header is not CSV by RFC 4180")
        .when(F.size(F.array_distinct("names")) != F.size("names"), "the header names a column twice")
        .when(F.size("values") != F.size("names"), "the record has another number of fields than the header")
    )

    def at(names: str, name: str) -> Column:
        return F.get("values", F.array_position(names, name).cast("int") - 1)

    return Records(
        frame, F.col("raw"), problem, lambda name, _: Cell(at("names", name)), lambda name: at("lowered", name.lower())
    )


def record_text(df: DataFrame) -> Column:
    """The record of each bronze row as text, for quarantine: as it arrived, or the columns of its own as JSON, in UTC."""
    if RAW in df.columns:
        return F.col(RAW)
    payload = [name for name in df.columns if name not in _BRONZE]
    return F.to_json(F.struct(*(F.col(quoted(name)) for name in payload)), {"timeZone": "UTC"})


def typed_records(df: DataFrame, *, timezone: str) -> Records:
    """Rows with columns of their own; a name matches exactly or else in any case, as Spark has it.

    Args:
        df: the rows; bronze's own columns are not theirs.
        timezone: zone of the text that quarantine keeps.
    """
    payload = [name for name in df.columns if name not in _BRONZE]
    places = {name.lower(): i for i, name in enumerate(payload)} | {name: i for i, name in enumerate(payload)}
    types = [df.schema[name].dataType for name in payload]
    frame = staged(df, **{f"p{i}": F.col(quoted(name)) for i, name in enumerate(payload)})
    row = F.struct(*(F.col(f"p{i}").alias(name) for i, name in enumerate(payload)))

    def text(name: str) -> Column:
        place = places.get(name, places.get(name.lower()))
        return F.lit(None).cast("string") if place is None else _text(F.col(f"p{place}"), types[place])

    def cell(name: str, data_type: DataType) -> Cell:
        place = places.get(name, places.get(name.lower()))
        if place is not None and types[place].simpleString() == data_type.simpleString():
            return Cell(F.col(f"p{place}"), typed=True)
        return Cell(text(name))

    raw = F.to_json(row, {"timeZone": timezone})
    return Records(frame, raw, F.lit(None).cast("string"), cell, text)


def json_records(df: DataFrame, names: Iterable[str], *, text: Column | None = None) -> Records:
    """Bronze rows whose `_raw` is one JSON object, of which the fields `names` are read. Names match exactly.

    Args:
        df: bronze rows.
        names: the fields.
        text: the text of the object, where it is not the whole of `_raw`; the frame keeps it as `text`.
    """
    fields_of = texts([*names])
    frame = staged(df, raw=F.col(RAW), text=F.col(RAW) if text is None else text).select(
        "*",
        parse_object(quote_numbers(F.col("text")), fields_of).alias("message"),
        parse_object(F.col("text"), fields_of).alias("written"),
    )
    problem = F.when(F.col("message").isNull(), "the text is not one JSON object").when(
        names_repeat(F.col("text")), "the object names a field twice"
    )

    def cell(name: str, data_type: DataType) -> Cell:
        return Cell(as_written(F.col("message")[name], F.col("written")[name], data_type))

    return Records(frame, F.col("raw"), problem, cell, lambda name: F.col("message")[name])


def require_columns(df: DataFrame, names: Iterable[str], *, where: str) -> None:
    """Fail when typed rows lack a column of that name in any case.

    Raises:
        MissingColumnsError: names what is missing.
    """
    payload = [name for name in df.columns if name not in _BRONZE]
    lowered = {name.lower(): name for name in payload}
    require([lowered.get(name.lower(), name) for name in names], payload, where=where)


def _text(column: Column, data_type: DataType) -> Column:
    """Exact text of a typed value, from which another type is decoded."""
    match data_type:
        case TimestampType():
            return instant_text(column)
        case BinaryType():
            return F.hex(column)
        case _ if isinstance(data_type, NESTED):
            return F.to_json(column)
        case _:
            return column.cast("string")
