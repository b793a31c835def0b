"""JSON text to structs of text, without losing a digit.

`from_json` into a string copies a fractional number through a double: `1.10` comes out as `1.1`, 38 digits come out
as 17. So numbers are put into quotes first, by one linear pass over the text, and then read as the text they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructField, StructType

from lakehouse.transforms.decoding import NESTED

_CORRUPT = "__corrupt"
# From the end of the last match on: skip strings and whatever is no number, then take one number. The quantifiers are
# possessive, so the matcher loops instead of recursing and a string of a megabyte costs no stack.
_NUMBER = r'\G((?:[^"0-9\-NI]++|-(?![0-9I])|"(?:[^"\\]++|\\.)*+")*+)(-?+[0-9][0-9.eE+\-]*+|NaN|-?+Infinity)'

_SURROGATE = r"\\u[dD][89a-fA-F]"
_PAIRED = r"(?s)^(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+$"
"""Text in which no escape is half of a letter."""


def texts(names: Sequence[str]) -> StructType:
    """A struct of string fields, each name once."""
    return StructType([StructField(name, StringType()) for name in dict.fromkeys(names)])


def quote_numbers(text: Column) -> Column:
    """The same JSON with every number outside strings written as a string, digit by digit."""
    return F.regexp_replace(text, "(?s)" + _NUMBER, '$1"$2"')


def names_repeat(text: Column) -> Column:
    """Whether a JSON object has two fields of one name, of which Spark would read the last; null when it is no object."""
    return bind(F.json_object_keys(text), lambda names: F.size(F.array_distinct(names)) < F.size(names))


def parse_object(text: Column, schema: StructType | MapType) -> Column:
    """Read `text` as exactly one JSON object of `schema`; null when it is anything else.

    Fields that are absent are null; fields that `schema` does not name are ignored. Text after the object, a second
    object, an array or a bare value is not an object. Neither is one with half a letter in it (the escape of a lone
    surrogate), in whose place Spark would put a question mark.
    """
    # Inside an array inside an object, because on its own `from_json` ignores whatever follows the first value.
    shape = StructType([StructField("rows", ArrayType(schema)), StructField(_CORRUPT, StringType())])
    whole = F.when(~text.rlike(_SURROGATE) | text.rlike(_PAIRED), text)
    wrapped = F.concat(F.lit('{"rows":['), whole, F.lit("]}"))
    parsed = F.from_json(wrapped, shape, {"columnNameOfCorruptRecord": _CORRUPT})
    return bind(parsed, lambda p: F.when(p[_CORRUPT].isNull() & (F.size(p["rows"]) == 1), p["rows"][0]))


def as_written(exact: Column, written: Column, data_type: DataType) -> Column:
    """The text of a field read twice: with its numbers quoted, and as it was written.

    Nested values, and objects and arrays in string columns, have no quotes added. Spark writes these anew: blanks go, and
    fractions in them pass through a double. In all others every digit counts.
    """
    if isinstance(data_type, NESTED):
        return written
    if isinstance(data_type, StringType):
        return F.when(exact.rlike(r"^[\[{]"), written).otherwise(exact)
    return exact


def bind(value: Column, use: Callable[[Column], Column]) -> Column:
    """`use(value)` with `value` computed once, however often `use` mentions it."""
    return F.transform(F.array(value), use)[0]
