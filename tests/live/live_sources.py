"""The tables of the workload: columns with what feeds find hard, and keys that come back."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

from live_server import name

Key = tuple[Any, ...]
Draw = Callable[[random.Random], Any]

TEXTS = (
    *("", " ", "it's", 'say "hi"', "a,b;c|d", "line\nbreak\r\n\tend", "Zoë 日本語 🦆", "back\\slash \\n \\u0041"),
    *(
        "NULL",
        "null",
        "true",
        "1e5",
        '{"json": [1, null]}',
        "__debezium",
        "  padded  ",
        "\u2028\u00a0",
        "%_$1 :x ${HOME}",
    ),
)
INTEGERS = (0, 1, -1, 2**63 - 1, -(2**63))
DOUBLES = (0.0, 0.1, -2.5, 1e308, 5e-324, 1 / 3, float("nan"), float("inf"), float("-inf"))
FLOATS = (0.25, 0.1, -8.0, 3.0e10)
NUMERICS = ("0", "0.1", "-2.50", "1e20", "123456789012345678901234567890.5", "NaN", "Infinity", "-Infinity")
DOCUMENTS: tuple[Any, ...] = ({}, [], 1.50, "ü", {"a": [1, {"b": None}], "ß": 'q"t'}, [2**60, "x\ny"])
LARGE = 3000
"""Letters or bytes: more than a page keeps in line."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its type on the server, its type in the contract, how its values are drawn, and whether they get large."""

    server: str
    contract: str
    draw: Draw = lambda _: None
    large: bool = False


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table of the workload.

    Attributes:
        table: `schema.table`.
        keys: the values that each key column takes; few, so that rows come back.
        columns: all columns, the keys first.
        whole: the server logs whole rows (REPLICA IDENTITY FULL).
    """

    table: str
    keys: Mapping[str, Sequence[Any]]
    columns: Mapping[str, Column]
    whole: bool = False

    @property
    def all_keys(self) -> list[Key]:
        """Every key there can be."""
        return list(product(*self.keys.values()))

    @property
    def values(self) -> list[str]:
        """The columns that are no keys."""
        return [column for column in self.columns if column not in self.keys]

    @property
    def large(self) -> list[str]:
        """The columns that may be stored out of line."""
        return [name for name, column in self.columns.items() if column.large]

    def create(self) -> list[str]:
        """The statements that make it; large values stay uncompressed, so that they are large."""
        columns = ", ".join(f"{name(label)} {column.server}" for label, column in self.columns.items())
        made = [f"CREATE TABLE {self.table} ({columns}, PRIMARY KEY ({', '.join(map(name, self.keys))}))"]
        made += [f"ALTER TABLE {self.table} ALTER {name(column)} SET STORAGE EXTERNAL" for column in self.large]
        return [*made, f"ALTER TABLE {self.table} REPLICA IDENTITY FULL"] if self.whole else made


def one_of(*values: Any) -> Draw:
    """One of the values, or null."""
    return lambda chance: chance.choice((None, *values))


def number(precision: int, scale: int) -> Draw:
    """A decimal of up to that many digits, or null."""

    def draw(chance: random.Random) -> Decimal | None:
        digits = chance.choice((1, -1)) * chance.randrange(10 ** chance.randint(1, precision))
        return chance.choice((None, Decimal(digits).scaleb(-scale)))

    return draw


def moment(shape: Callable[[datetime], Any]) -> Draw:
    """A microsecond of the years 1700 to 2199 in some shape, or null."""

    def draw(chance: random.Random) -> Any:
        at = datetime(1700, 1, 1, tzinfo=UTC) + timedelta(
            days=chance.randrange(182_000), microseconds=chance.randrange(86_400 * 10**6)
        )
        return chance.choice((None, shape(at)))

    return draw


def document(chance: random.Random) -> str | None:
    """The text of a JSON document, or null."""
    return chance.choice((None, *map(json.dumps, DOCUMENTS)))


def large_text(chance: random.Random) -> str | None:
    """Often a text that is stored out of line."""
    large = "".join(chance.choices(string.ascii_letters + "é\n", k=LARGE))
    return chance.choice((None, "", "small", large, large, large))


def large_bytes(chance: random.Random) -> bytes | None:
    """Often bytes that are stored out of line."""
    large = chance.randbytes(LARGE)
    return chance.choice((None, b"", b"\x00\xff", large, large))


FLAG = Column(server="boolean", contract="boolean", draw=one_of(True, False))
TEXT = Column(server="text", contract="string", draw=one_of(*TEXTS))
LARGE_TEXT = Column(server="text", contract="string", draw=large_text, large=True)

SOURCES = (
    Source(
        table="live.accounts",
        keys={"id": range(1, 31)},
        columns={
            "id": Column(server="bigint", contract="bigint"),
            "name": TEXT,
            "points": Column(server="bigint", contract="bigint", draw=one_of(*INTEGERS)),
            "balance": Column(server="numeric(30,10)", contract="decimal(30,10)", draw=number(30, 10)),
            "rate": Column(server="double precision", contract="double", draw=one_of(*DOUBLES)),
            "ceiling": Column(server="numeric", contract="double", draw=one_of(*NUMERICS)),
            "active": FLAG,
            "born": Column(server="date", contract="date", draw=moment(datetime.date)),
            "seen": Column(server="timestamptz", contract="timestamp", draw=moment(lambda at: at)),
            "made": Column(
                server="timestamp", contract="timestamp_ntz", draw=moment(lambda at: at.replace(tzinfo=None))
            ),
            "doc": Column(server="jsonb", contract="string", draw=document),
            "story": LARGE_TEXT,
            "scan": Column(server="bytea", contract="binary", draw=large_bytes, large=True),
        },
    ),
    Source(
        table="live.positions",
        keys={"region": ("north", "south", "Østfold"), "seq": range(1, 9)},
        columns={
            "region": Column(server="text", contract="string"),
            "seq": Column(server="integer", contract="int"),
            "price": Column(server="numeric(12,2)", contract="decimal(12,2)", draw=number(12, 2)),
            "note": LARGE_TEXT,
        },
        whole=True,
    ),
    Source(
        table="live.oddities",
        keys={"a.b": range(1, 13)},
        columns={
            "a.b": Column(server="smallint", contract="smallint"),
            "tick`tick": TEXT,
            "two words": Column(server="real", contract="float", draw=one_of(*FLOATS)),
            "größe=(µ)": TEXT,
            "select": FLAG,
        },
    ),
)
