"""The recorded shop: its tables, what its server's own log says happened, and how a change log compares with it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)
from recorded_shop import typed

from lakehouse.cdc.changes import ParsedChanges

SHOP = Path(__file__).parents[2] / "data" / "shop_cdc"
TYPES: Mapping[str, DataType] = {
    "bigint": LongType(),
    "integer": IntegerType(),
    "text": StringType(),
    "jsonb": StringType(),
    "boolean": BooleanType(),
    "date": DateType(),
    "timestamptz": TimestampType(),
    "double precision": DoubleType(),
    "numeric(12,2)": DecimalType(12, 2),
    "numeric(10,2)": DecimalType(10, 2),
}

Place = tuple[int, str, tuple[Any, ...]]
"""Position, operation and key of a change: unique in the recording."""


@dataclass(frozen=True)
class Shop:
    """One table of the recording."""

    name: str
    schema: StructType
    keys: tuple[str, ...]

    def path(self, *parts: str) -> str:
        """A file of the recording."""
        return str(SHOP.joinpath(*parts))

    def expected(self, *, empty_is_null: bool = False) -> dict[Place, dict[str, Any]]:
        """Every change of the table as the server's trigger saw it, load rows at position 0; deletes have no values."""
        changes: dict[Place, dict[str, Any]] = {}
        for row in _lines(SHOP / "expected" / "checkpoint_0" / f"{self.name}.jsonl.gz"):
            self._add(changes, 0, "upsert", row)
        for event in _lines(SHOP / "expected" / "audit.jsonl.gz"):
            old, new = event["old"], event["new"]
            if event["table"] != self.name:
                continue
            if old is not None and (new is None or self.key(old) != self.key(new)):
                self._add(changes, event["position"], "delete", old)
            if new is not None:
                self._add(changes, event["position"], "upsert", new)
        if empty_is_null:
            return {place: {k: None if v == "" else v for k, v in row.items()} for place, row in changes.items()}
        return changes

    def key(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """The key of a row."""
        return tuple(row[name] for name in self.keys)

    def actual(self, changes: DataFrame) -> dict[Place, dict[str, Any]]:
        """The change log as `expected` has it; only provided columns are told, none of a delete."""
        found: dict[Place, dict[str, Any]] = {}
        rows = changes.collect()
        for row in rows:
            values = row.asDict()
            provided = values["_provided"] or self.schema.names
            told = {name: values[name] for name in provided} if row["_op"] == "upsert" else {}
            found[int(row["_sequence"]) % 10**19, row["_op"], self.key(values)] = told
        assert len(found) == len(rows)
        return found

    def _add(self, changes: dict[Place, dict[str, Any]], position: int, op: str, row: Mapping[str, Any]) -> None:
        values = {field.name: typed(row.get(field.name), field.dataType) for field in self.schema.fields}
        changes[position, op, self.key(values)] = values if op == "upsert" else {}


@pytest.fixture(params=["customers", "products", "orders", "order_items"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """Each table of the recording in turn."""
    return read_shop(request.param)


@pytest.fixture
def shop_lines() -> Callable[..., list[str]]:
    """The lines of a file of the recording; Spark itself does not see files whose name starts with `_`."""
    return lambda *parts: _text(SHOP.joinpath(*parts)).removesuffix("\n").split("\n")


def read_shop(name: str) -> Shop:
    """One table of the recording."""
    told = json.loads((SHOP / "schema.json").read_text())[name]
    fields = [StructField(column, TYPES[kind]) for column, kind in told["columns"].items()]
    return Shop(name, StructType(fields), tuple(told["primary_key"]))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    yield from map(json.loads, _text(path).removesuffix("\n").split("\n"))


def _text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


Outcomes = dict[Any, Any]


@pytest.fixture
def outcomes() -> Callable[[ParsedChanges], Outcomes]:
    """What became of each bronze row: (kind,), (reason, detail), or the list of its changes, deletes first.

    By `_row`, and for a change of a record that holds several by `_row` and its place there.
    """

    def place(origin: Any) -> Any:
        return origin["row"] if origin["part"] is None else (origin["row"], origin["part"])

    def collect(parsed: ParsedChanges) -> Outcomes:
        found: Outcomes = {}
        for skipped in parsed.skipped.collect():
            assert place(skipped["_origin"]) not in found
            found[place(skipped["_origin"])] = (skipped["_kind"],)
        for rejected in parsed.rejected.collect():
            assert place(rejected["_origin"]) not in found
            found[place(rejected["_origin"])] = (rejected["_reason"], rejected["_detail"])
        for change in parsed.changes.orderBy("_op").collect():
            at = place(change["_origin"])
            assert not isinstance(found.get(at), tuple)
            found.setdefault(at, []).append({k: v for k, v in change.asDict(recursive=True).items() if k != "_origin"})
        return found

    return collect


@pytest.fixture
def text_rows(spark: SparkSession) -> Callable[..., DataFrame]:
    """Bronze rows of text records; `_row` is the place in the list."""

    def make(records: Sequence[str], header: str | None = None) -> DataFrame:
        rows = [(text, header, "f", place) for place, text in enumerate(records)]
        return spark.createDataFrame(rows, "_raw STRING, _header STRING, _source_file STRING, _row BIGINT")

    return make


@pytest.fixture
def typed_rows(spark: SparkSession) -> Callable[[Sequence[str], str], DataFrame]:
    """Typed rows from JSON objects, with the columns of a schema in DDL; `_row` is the place in the list."""

    def make(records: Sequence[str], schema: str) -> DataFrame:
        rows = spark.createDataFrame(list(enumerate(records)), "_row BIGINT, text STRING")
        typed = rows.withColumn("typed", F.from_json("text", schema))
        return typed.select("typed.*", F.lit("f").alias("_source_file"), "_row")

    return make
