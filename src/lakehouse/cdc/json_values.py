r"""JSON text cut into the texts of its values, each letter of them as it was written.

`from_json` into `array<string>` writes nested values anew: `1.10` comes out as `1.1`, 38 digits come out as 17, escapes and blanks
change (measured on Spark 3.5 and 4.1). So the text is cut by regular expressions that know strings and brackets. Every quantifier is
possessive, so the matcher loops instead of recursing, but for brackets in brackets: these lie in the expression as deep as
`DEPTH`, and text that goes deeper is taken for no value.
"""

from __future__ import annotations

import json
import re

from pyspark.sql import Column
from pyspark.sql import functions as F

DEPTH = 100
"""How deep arrays and objects may lie in each other."""

_BLANK = r"[ \t\n\r]*+"
_STRING = r'"(?:[^"\\]++|\\.)*+"'


def _bracketed(depth: int) -> str:
    inside = rf'(?:[^"\[\]{{}}]++|{_STRING})*+'
    for _ in range(depth - 1):
        inside = rf'(?:[^"\[\]{{}}]++|{_STRING}|[\[{{]{inside}[\]}}])*+'
    return rf"[\[{{]{inside}[\]}}]"


_VALUE = rf'(?:{_bracketed(DEPTH)}|{_STRING}|[^ \t\n\r"\[\]{{}},:]++)'
_VALUES = rf"(?s)^(?:{_BLANK}{_VALUE})*+{_BLANK}$"
_NEXT_VALUE = rf"(?s)\G{_BLANK}({_VALUE})"
_ARRAY = rf"(?s)^\[(?:{_BLANK}{_VALUE}{_BLANK}(?:,(?!{_BLANK}\])|(?=\])))*+{_BLANK}\]$"
_NEXT_ELEMENT = rf"(?s)\G(?:\[|{_BLANK},){_BLANK}({_VALUE})"


def values(text: Column) -> Column:
    """The texts of the values that follow one another, with or without blanks between them; null when the text is no such."""
    return F.when(text.rlike(_VALUES), F.regexp_extract_all(text, F.lit(_NEXT_VALUE), F.lit(1)))


def elements(value: Column) -> Column:
    """The texts of the elements of an array, which has no blanks around it; null when the value is none."""
    return F.when(value.rlike(_ARRAY), F.regexp_extract_all(value, F.lit(_NEXT_ELEMENT), F.lit(1)))


def field(value: Column, name: str) -> Column:
    """The text of the first field of a name in an object; empty when there is none, or the value is no object.

    The name has to be written in the text as `json.dumps` writes it or plainly.
    """
    spelled = "|".join(sorted({re.escape(json.dumps(name)), re.escape(f'"{name}"')}))
    key, between = rf"(?:{spelled}){_BLANK}:", rf"{_BLANK}:{_BLANK}{_VALUE}{_BLANK},"
    before = rf"(?:{_BLANK}(?!{key}){_STRING}{between})*+"
    return F.regexp_extract(value, rf"(?s)^\{{{before}{_BLANK}{key}{_BLANK}({_VALUE}){_BLANK}[,}}]", 1)
