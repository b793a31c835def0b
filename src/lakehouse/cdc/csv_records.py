"""CSV by RFC 4180, natively: lines to records, a record to its fields.

A quoted field may hold delimiters, line breaks and doubled quotes. A backslash is a plain character. Only the unquoted
null text is null: `"NULL"` in quotes is four letters, an empty field is the empty string.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.json_text import bind
from lakehouse.columns import FILE, RAW, ROW, require
from lakehouse.errors import ConfigError

LINE = "_line"


def split_records(lines: DataFrame) -> DataFrame:
    """Join physical lines to CSV records: a record goes on while the number of quotes so far is odd.

    One row per record: `_raw` (its lines joined by a line feed, a carriage return kept as it was), `_source_file`, and `_row`
    (the `_line` of its first line, so it rises within the file and can be looked up in an editor). Files do not mix. A
    quote that is never closed makes one record of the rest of the file; no text is lost. A null line counts as empty.

    Args:
        lines: `_raw` (text without its line feed), `_source_file`, `_line` (bigint, rising and unique within a file).

    Raises:
        MissingColumnsError: `lines` lacks one of the three columns.
    """
    require((RAW, FILE, LINE), lines.columns, where="lines of CSV files")
    by_line = Window.partitionBy("file").orderBy("line")
    before = by_line.rowsBetween(Window.unboundedPreceding, -1)
    so_far = by_line.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    text = F.coalesce(F.col(RAW), F.lit(""))
    quotes = F.length(text) - F.length(F.replace(text, F.lit('"'), F.lit("")))
    numbered = (
        lines.select(text.alias("text"), F.col(FILE).alias("file"), F.col(LINE).alias("line"), quotes.alias("quotes"))
        .withColumn("starts", F.coalesce(F.sum("quotes").over(before) % 2, F.lit(0)) == 0)
        .withColumn("record", F.max(F.when(F.col("starts"), F.col("line"))).over(so_far))
    )
    parts = F.array_sort(F.collect_list(F.struct("line", "text")))
    return (
        numbered.groupBy("file", "record")
        .agg(parts.alias("parts"))
        .select(
            F.array_join(F.transform("parts", lambda part: part["text"]), "\n").alias(RAW),
            F.col("file").alias(FILE),
            F.col("record").alias(ROW),
        )
    )


def tokens(name: str, *, delimiter: str = ",") -> Column:
    """Cut the record in column `name` into its fields as they are written, quotes included; null when it is not CSV.

    Not CSV: an opening quote that is never closed, text after a closing quote, a quote inside an unquoted field. One
    carriage return at the end of the record belongs to the line ending and is dropped.

    Raises:
        ConfigError: `delimiter` is not one character, or is a quote or a line break.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        msg = f"delimiter {delimiter!r} must be one character, neither a quote nor a line break"
        raise ConfigError(msg)
    mark = f"\\x{{{ord(delimiter):X}}}"
    # Possessive quantifiers: the matcher loops, so a field of a megabyte or of 20,000 quotes costs no stack.
    field = f'{mark}("[^"]*+(?:""[^"]*+)*+"|[^{mark}"]*+)'
    record = F.col(name)
    ending = F.when(record.endswith("\r"), 1).otherwise(0)
    line = F.concat(F.lit(delimiter), record.substr(F.lit(1), F.length(record) - ending))
    return bind(F.struct(line.alias("line")), lambda part: _covering(part["line"], field))


def fields(cut: Column, *, null_value: str | None = None) -> Column:
    """The values of a tokenised record: quotes taken off and undoubled, the unquoted `null_value` as null."""
    return F.transform(cut, lambda token: _value(token, null_value))


def _covering(line: Column, field: str) -> Column:
    """The matches of `field` if they cover the line without a gap, else null."""
    found = F.regexp_extract_all(line, F.lit(field), F.lit(1))
    return bind(found, lambda parts: F.when(_width(parts) == F.length(line), parts))


def _width(parts: Column) -> Column:
    return F.aggregate(parts, F.lit(0), lambda total, part: total + F.length(part) + 1)


def _value(token: Column, null_value: str | None) -> Column:
    inner = token.substr(F.lit(2), F.length(token) - 2)
    text = F.when(token.startswith('"'), F.replace(inner, F.lit('""'), F.lit('"'))).otherwise(token)
    return text if null_value is None else F.when(token != null_value, text)
