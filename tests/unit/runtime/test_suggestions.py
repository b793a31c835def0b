"""Rules are proposed for tables, and the tables pass them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest
import yaml
from pyspark.sql import SparkSession

from lakehouse.quality.rulesets import check_ruleset, format_ruleset, parse_ruleset
from lakehouse.runtime.command_line import main
from lakehouse.runtime.evaluation import evaluate
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.runtime.suggestions import suggest_rules
from lakehouse.tables import open_table

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SCHEMA = (
    "id bigint, code string, state string, amount decimal(9,2), score double, loss int, born string, seen timestamp, "
    "`größe` float, flag boolean, nothing string, tags array<string>, point struct<x: int>, _op string"
)
STATES = ("open", "paid", 'a "b" \\')


def row(n: int) -> tuple[Any, ...]:
    """One of forty rows: every eighth state, one score, and ten days are null, and one score is NaN."""
    score = {7: None, 9: float("nan")}.get(n, n / 4)
    return (
        n, f"k{n}", None if n % 8 == 0 else STATES[n % 3], Decimal(n) / 4, score, 3 - n, f"2026-01-0{n % 5 + 1}" if n > 10 else None,
        NOON, 0.0, n % 2 == 0, None, ["a"], (n,), "upsert",
    )  # fmt: skip


PROPOSED = r"""# What 40 rows keep. Leave out what is so by chance.
Rules = [
    RowCount > 0,
    IsPrimaryKey "id",
    ColumnValues "id" >= 0,
    IsPrimaryKey "code",
    ColumnLength "code" between 1 and 4,
    Completeness "state" >= 0.77,
    ColumnValues "state" in ["a \"b\" \\", "open", "paid", NULL],
    IsComplete "amount",
    ColumnValues "amount" >= 0,
    Completeness "score" >= 0.92,
    ColumnValues "score" >= 0 where "`score` IS NOT NULL AND NOT isnan(`score`)",
    IsPrimaryKey "loss",
    Completeness "born" >= 0.61,
    ColumnDataType "born" = "DATE" where "`born` IS NOT NULL",
    IsComplete "seen",
    IsComplete "größe",
    ColumnValues "größe" >= 0,
    IsComplete "flag"
]
"""
"""Written by hand: what is nested, has no value at all, or is the library's own is left out."""


def write_config(spark: SparkSession, path: Path, table_format: str, zone: str) -> Places:
    """Write a configuration that keeps the tables orders and items, and say where these are."""
    contract = {"keys": ["id"], "columns": {"id": "bigint"}}
    tables = {"public.orders": contract, "public.items": contract}
    warehouse = str(spark.sparkContext.getConf().get(WAREHOUSE))
    config = {
        "job": "cdc_to_warehouse",
        "warehouse": warehouse,
        "format": table_format,
        "inputs": {"shop": {"path": str(path.parent), "feed": "snapshot", "files": "csv", "tables": tables}},
        "outputs": {"current": {"table": f"{zone}.{{table}}", "write": "current"}},
    }
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return Places(warehouse=warehouse, catalog="lake", delta="path")


@pytest.mark.parametrize("table_format", ["delta", "iceberg"])
def test_a_table_passes_what_is_proposed_for_it(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], table_format: Literal["delta", "iceberg"]
) -> None:
    """The command prints a ruleset for a table of a configuration, in either format."""
    zone, path = f"suggested_{table_format}", tmp_path / "job.yaml"
    table = open_table(spark, write_config(spark, path, table_format, zone).ref(f"{zone}.orders", table_format))
    rows = spark.createDataFrame([row(n) for n in range(1, 41)], SCHEMA).coalesce(1)
    table.create(rows.schema)
    assert main(["suggest-rules", str(path), f"{zone}.orders"]) == 0
    assert capsys.readouterr().out == "# The table has no rows, so that there is nothing to propose.\n"
    table.append(rows)
    assert main(["suggest-rules", str(path), f"{zone}.orders"]) == 0
    text = capsys.readouterr().out
    assert text == PROPOSED
    assert evaluate(table.read(), text, as_of=NOON).passed


def test_a_table_that_is_not_there_is_named(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that the configuration does not keep, and one that no run has made yet."""
    path = tmp_path / "job.yaml"
    write_config(spark, path, "iceberg", "unmade")
    assert main(["suggest-rules", str(path), "unmade.order"]) == 2
    assert capsys.readouterr().err == "cdc_to_warehouse keeps no table unmade.order; did you mean unmade.orders?\n"
    assert main(["suggest-rules", str(path), "unmade.items"]) == 2
    assert capsys.readouterr().err == "unmade.items is not there yet; the first run makes it\n"


NAMES = (
    "a.b",
    'say "so"',
    "back\\slash",
    "tick`tick",
    "new\nline",
    "{brace}",
    "$dollar",
    "${env:HOME}",
    "in",
    "größe 名",
    "x,y",
    "# no",
)
KINDS: dict[str, tuple[str, list[Any]]] = {
    "few": ("string", ["", " ", "NULL", "2026-01-01", "é\t\n", "\\d", '"']),
    "text": ("string", ["a", "ab", "😀", "名前\0", "x" * 150, "long and longer"]),
    "number": ("string", ["1", "-2", "007", "99999999999"]),
    "real": ("string", ["1.5", "1e3", "-0.25", "10.20"]),
    "day": ("string", ["2026-01-01", "1582-10-15", "0001-01-01"]),
    "instant": ("string", ["2026-01-01T00:00:00Z", "2026-01-01 10:00:00"]),
    "whole": ("int", [0, 1, 2**31 - 1]),
    "signed": ("bigint", [-(2**63), 0, 2**63 - 1]),
    "exact": ("decimal(38,18)", [Decimal("0.000000000000000001"), Decimal(0)]),
    "floating": ("double", [-0.0, 0.0, float("nan"), float("inf"), 1e300]),
    "date": ("date", [date(1, 1, 1), date(9999, 12, 31)]),
    "bytes": ("binary", [b"", b"\xff"]),
}


def random_columns(chance: Random, size: int) -> dict[tuple[str, str], list[Any]]:
    """Columns of each kind by name and type: with few nulls or many, some without repetition."""
    columns: dict[tuple[str, str], list[Any]] = {}
    for place, (kind, (data_type, values)) in enumerate(KINDS.items()):
        for nulls in (0.0, 0.1, 0.7, 1.0):
            used = values[: chance.randint(1, len(values))]
            name = f"{NAMES[(place + len(columns)) % len(NAMES)]} {kind} {nulls}"
            columns[name, data_type] = [None if chance.random() < nulls else chance.choice(used) for _ in range(size)]
    columns["key", "string"] = [f"key {n}" for n in range(size)]
    columns["sparse key", "int"] = [n if chance.random() < 0.5 else None for n in range(size)]
    return columns


@pytest.mark.parametrize(("seed", "size"), [(1, 120), (2, 1), (3, 0)])
def test_whatever_is_proposed_passes(spark: SparkSession, seed: int, size: int) -> None:
    """Every rule for columns of every kind, under any names, with and without nulls, is read back and passes."""
    columns = random_columns(Random(seed), size)  # noqa: S311 - cases that can be repeated
    schema = ", ".join(f"`{name.replace('`', '``')}` {data_type}" for name, data_type in columns)
    frame = spark.createDataFrame(list(zip(*columns.values(), strict=True)), schema).coalesce(1).localCheckpoint()
    rows, ruleset = suggest_rules(frame)
    assert (rows, len(ruleset.rules) > len(columns) / 2) == (size, size > 0)
    if rows:
        text = format_ruleset(ruleset)
        assert parse_ruleset(text) == ruleset
        assert check_ruleset(ruleset) == ()
        found = evaluate(frame, text, as_of=NOON)
        assert [(one.rule, one.reason) for one in found.outcomes if one.verdict != "Passed"] == []
        always, often = {"RowCount", "IsComplete"}, {"IsPrimaryKey", "IsUnique", "Completeness"}
        of_values = {"ColumnValues", "ColumnLength", "ColumnDataType"}
        expected = always if size == 1 else always | often | of_values
        assert {one.rule.split()[0] for one in found.outcomes} >= expected
