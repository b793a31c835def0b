"""JSON documents cut into the records in them, and what becomes of those that hold none."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DecimalType, LongType, StringType, StructField, StructType

from lakehouse.cdc.parsing import check_options, parse_changes, split_changes
from lakehouse.errors import ConfigError

OPTIONS: dict[str, Any] = {"form": "document", "sequence": {"seq": "bigint"}}
BELOW = OPTIONS | {"records": "$.data.items"}
DEEP = '{"a":' + "[" * 98 + "1" + "]" * 98 + "}"

Parts = dict[int, list[tuple[str, int | None, str | None]]]


def parts(rows: DataFrame, options: dict[str, Any]) -> Parts:
    """The rows that each document becomes, in their order: text, place and table."""
    found: Parts = {}
    kept = split_changes(rows, feed="columns", **options).select("_row", "_raw", "_part", "_table").collect()
    for row in sorted(kept, key=lambda row: (row["_row"], row["_part"] or 0)):
        found.setdefault(row["_row"], []).append((row["_raw"], row["_part"], row["_table"]))
    return found


def random_value(chance: random.Random, depth: int) -> str:
    """JSON as a hostile writer spells it."""

    def blank() -> str:
        return chance.choice(["", "", " ", "\n", "\t", "\r\n "])

    kind = chance.randrange(7 if depth else 4)
    if kind >= 4:
        inner = [random_value(chance, depth - 1) for _ in range(chance.randrange(4))]
        if chance.random() < 0.5:
            return "[" + ",".join(f"{blank()}{value}{blank()}" for value in inner) + "]"
        named = (f"{blank()}{random_text(chance)}{blank()}:{blank()}{value}{blank()}" for value in inner)
        return "{" + ",".join(named) + "}"
    if kind == 3:
        return chance.choice(
            ["0", "-0", "1.10", "9223372036854775807", "1e+400", "0.30000000000000004", "1" * 40, "-1E-7"]
        )
    return random_text(chance) if kind else chance.choice(["true", "false", "null"])


def random_text(chance: random.Random) -> str:
    """A string of what means something outside of strings."""
    pieces = [
        "}{",
        "[",
        "]",
        ",",
        ":",
        '\\"',
        "\\\\",
        "\\/",
        "\\u00e9",
        "\\ud800",
        "é",
        "\U0001f600",
        " ",
        "1.10",
        "null",
        "\u2028",
    ]
    return '"' + "".join(chance.choices(pieces, k=chance.randrange(6))) + '"'


def test_documents_are_cut_into_the_very_text_of_their_objects(spark: SparkSession) -> None:
    """Four hundred documents: values glued, with blanks between, in arrays or not, as their writer spelled them."""
    chance = random.Random(20261127)  # noqa: S311 - cases of a test, not secrets
    documents: list[tuple[str, str, int]] = []
    wanted: Parts = {}
    for row in range(400):
        text, found = "", []
        for _ in range(chance.randrange(1, 4)):
            group = [random_value(chance, 4) for _ in range(chance.randrange(5))]
            blank = chance.choice(["", " ", "\r\n\t"])
            if chance.random() < 0.5:
                text += blank + "[" + f"{blank},{blank}".join(group) + blank + "]"
                found += group
            else:
                group = [value for value in group if value.startswith("{")]
                text += blank.join(group)
                found += group
        documents.append((text + chance.choice(["", "\n"]), "file:///x/app/items/2026/11/25/13/f", row))
        wanted[row] = [(value, place, "app.items") for place, value in enumerate(found)]
        wanted[row] = wanted[row] or [(documents[-1][0], None, "app.items")]
    rows = spark.createDataFrame(documents, "_raw string, _source_file string, _row bigint")
    assert sum(len(found) for found in wanted.values()) > 1000
    assert parts(rows, OPTIONS) == wanted


def test_what_is_no_sequence_of_values_stays_whole(text_rows: Callable[..., DataFrame]) -> None:
    """Nothing is cut off a text that is not whole; an array that is none is one element, and is left to the parser."""
    whole = ["", " \n", "[]", "[]\n[ ]", '{"a":1', '{"a":1},{"a":2}', '{"a":1}]', '"x', '{"a":1} ,', f"[[{DEEP}]]"]
    cut = {
        '[{"a":1} {"a":2}]': ['[{"a":1} {"a":2}]'],
        '[{"a":1},]{"a":2}': ['[{"a":1},]', '{"a":2}'],
        '[,{"a":1}]': ['[,{"a":1}]'],
        '1 "}{" nullx[[1],{"a":2}]': ["1", '"}{"', "nullx", "[1]", '{"a":2}'],
        f"[{DEEP}]{DEEP}": [DEEP, DEEP],
    }
    found = parts(text_rows([*whole, *cut]), OPTIONS)
    assert found == dict(
        enumerate(
            [[(text, None, None)] for text in whole]
            + [[(value, place, None) for place, value in enumerate(values)] for values in cut.values()]
        )
    )


def test_records_lie_at_the_end_of_a_path(text_rows: Callable[..., DataFrame]) -> None:
    """Each object leads to its own array, or to one object; one that leads nowhere stays as it is, without a place."""
    page = '{"next": "}", "data": {"n": [1], "items" : [%s]}, "data2": 1}'
    documents = {
        page % '{"a":1}, {"a":1.10}': [('{"a":1}', 0), ('{"a":1.10}', 1)],
        page % '{"a":1}' + page % "" + "[" + page % '{"a":2},3' + "]": [('{"a":1}', 0), ('{"a":2}', 1), ("3", 2)],
        '{"data":{"items":{"a":1}}}': [('{"a":1}', 0)],
        page % "": [(page % "", None)],
        '{"data":{"items":null}}': [('{"data":{"items":null}}', None)],
        '{"data":[{"items":[]}]}': [('{"data":[{"items":[]}]}', None)],
        '{"items":[{"a":1}],"x":{"data":{"items":[{"a":1}]}}}': [
            ('{"items":[{"a":1}],"x":{"data":{"items":[{"a":1}]}}}', None)
        ],
        '{"data":{"items":[{"a":1}]},"data":{"items":[{"a":2}]}}': [
            ('{"data":{"items":[{"a":1}]},"data":{"items":[{"a":2}]}}', None)
        ],
        '{"x":1}{"data":{"items":[{"a":1}]}}': [('{"x":1}', None), ('{"a":1}', 1)],
        "[1": [("[1", None)],
    }
    found = parts(text_rows([*documents]), BELOW)
    assert [[(text, place) for text, place, _ in found[row]] for row in sorted(found)] == list(documents.values())


SCHEMA = StructType(
    [
        StructField("id", LongType()),
        StructField("price", DecimalType(38, 18)),
        StructField("name", StringType()),
        StructField("tags", ArrayType(StringType())),
    ]
)


def test_no_value_changes_on_the_way(
    text_rows: Callable[..., DataFrame], outcomes: Callable[..., dict[Any, Any]]
) -> None:
    """Every digit and letter arrives; what is no object, or half a letter, is set aside alone; no record is no fault."""
    array = (
        '[{"id":9223372036854775807,"seq":1,"price":12345678901234567890.123456789012345678,"name":"}{[\\"\\\\"},\n'
        ' {"id":2,"seq":1,"price":1.10,"name":{"a":1,"b":["}"]},"tags":["]","\\u00e9"]}, 7,\n'
        ' {"id":3,"seq":1,"name":"\\ud800"}, {"id":4,"id":5,"seq":1}, [{"id":6,"seq":1}]]'
    )
    glued = '{"id":5,"seq":9223372036854775807,"name":"a"}{"id":5,"seq":1,"name":"\\ud83d\\ude00"}'
    documents = [array, glued, " [ ]\n", '{"id":6,"seq":1} {"id":']
    parsed = parse_changes(text_rows(documents), feed="columns", schema=SCHEMA, keys="id", **OPTIONS)
    found = outcomes(parsed)
    told = {
        place: [(c["id"], c["price"], c["name"], c["tags"], c["_sequence"]) for c in changes]
        for place, changes in found.items()
        if isinstance(changes, list)
    }
    price = Decimal("12345678901234567890.123456789012345678")
    assert told == {
        (0, 0): [(9223372036854775807, price, '}{["\\', None, 1)],
        (0, 1): [(2, Decimal("1.10"), '{"a":1,"b":["}"]}', ["]", "é"], 1)],
        (1, 0): [(5, None, "a", None, 9223372036854775807)],
        (1, 1): [(5, None, "\U0001f600", None, 1)],
    }
    assert {place: outcome for place, outcome in found.items() if isinstance(outcome, tuple)} == {
        (0, 2): ("malformed", "the text is not one JSON object"),
        (0, 3): ("malformed", "the text is not one JSON object"),
        (0, 4): ("malformed", "the object names a field twice"),
        (0, 5): ("malformed", "the text is not one JSON object"),
        2: ("no_records",),
        3: ("malformed", "the text is not one or more whole JSON values"),
    }
    kept = {(row["_origin"]["row"], row["_origin"]["part"]): row["_raw"] for row in parsed.rejected.collect()}
    assert kept[0, 3] == '{"id":3,"seq":1,"name":"\\ud800"}'
    assert (kept[0, 2], kept[0, 5], kept[3, None]) == ("7", '[{"id":6,"seq":1}]', documents[3])


def test_objects_that_lead_to_no_records_are_told(
    text_rows: Callable[..., DataFrame], outcomes: Callable[..., dict[Any, Any]]
) -> None:
    """An object whose path ends early is malformed even where it looks like a record; its neighbours go on."""
    documents = ['{"id":1,"seq":1}{"data":{"items":[{"id":2,"seq":1}]}}', '{"data":{"items":[]}}', '{"id":3,"seq":1}']
    found = outcomes(parse_changes(text_rows(documents), feed="columns", schema=SCHEMA, keys="id", **BELOW))
    said = "the text is not one or more whole JSON values with an array of records at $.data.items"
    assert [change["id"] for change in found.pop((0, 1))] == [2]
    assert found == {0: ("malformed", said), 1: ("no_records",), 2: ("malformed", said)}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"form": "xml"}, "use csv or json or document"),
        ({"records": "data.items"}, r"as in \$.data.items"),
        ({"records": "$.data[0]"}, r"as in \$.data.items"),
        ({"records": "$"}, r"as in \$.data.items"),
        ({"records": 7}, r"as in \$.data.items"),
        ({"form": "json", "records": "$.a"}, "set form: document"),
    ],
)
def test_paths_that_lead_nowhere_are_refused(wrong: dict[str, Any], said: str) -> None:
    """A path is names of fields; and it belongs to documents."""
    with pytest.raises(ConfigError, match=said):
        check_options("columns", OPTIONS | wrong)
