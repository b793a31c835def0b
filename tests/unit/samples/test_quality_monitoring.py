"""The sample of the job `quality_monitoring` is what its maker makes, and what must be found in it follows from its files."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse.config.loading import load_config
from lakehouse.config.models import Contract
from lakehouse.quality.formatting import format_rule
from lakehouse.quality.rules import Rule
from lakehouse.quality.rulesets import check_ruleset, parse_ruleset

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "configs"
SAMPLE = ROOT / "data" / "samples" / "quality_monitoring"
DIMENSIONS = {"completeness", "uniqueness", "validity", "consistency", "timeliness", "volume"}
COUNTRIES = {"US", "CA", "UK", "DE", "FR"}

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """The export of a day: its rows by the line of the file that they begin on, and how many rows the days before had."""

    day: date
    rows: Mapping[int, Row]
    earlier: Sequence[int]
    segments: frozenset[str]

    def lines(self, fails: Callable[[Row], bool]) -> set[int]:
        """The lines of the rows that fail something."""
        return {line for line, row in self.rows.items() if fails(row)}


def read_csv(file: Path) -> dict[int, Row]:
    """The rows of a CSV file by the line that they begin on."""
    with file.open(encoding="utf-8", newline="") as text:
        reader = csv.reader(text)
        header = next(reader)
        places = [(reader.line_num, values) for values in reader]
    starts = [2, *(line + 1 for line, _ in places)]
    return {start: dict(zip(header, values, strict=True)) for start, (_, values) in zip(starts, places, strict=False)}


@pytest.fixture(scope="module")
def landed() -> list[Landed]:
    """The exports, day by day, read with plain Python."""
    landing = SAMPLE / "landing" / "crm"
    segments = frozenset(row["segment_id"] for row in read_csv(landing / "segments" / "segments.csv").values())
    found: list[Landed] = []
    for file in sorted((landing / "customers").rglob("*.csv")):
        day = date(*(int(part.partition("=")[2]) for part in file.parts[-4:-1]))
        earlier = [len(one.rows) for one in found]
        found.append(Landed(day=day, rows=read_csv(file), earlier=earlier, segments=segments))
    return found


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What must be found, as the maker of the sample says."""
    found: dict[str, Any] = json.loads((SAMPLE / "expected.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def rules() -> dict[str, Rule]:
    """The rules of the ruleset by their texts."""
    ruleset = parse_ruleset((CONFIGS / "rulesets" / "customers.dqdl").read_text(encoding="utf-8"))
    assert check_ruleset(ruleset) == ()
    return {format_rule(rule): rule for rule in ruleset.rules if isinstance(rule, Rule)}


def files_of(folder: Path) -> dict[str, bytes]:
    """The contents of what the maker writes, by path."""
    made = (folder / "README.md", folder / "expected.json", *(folder / "landing").rglob("*"))
    return {str(file.relative_to(folder)): file.read_bytes() for file in made if file.is_file()}


def instant(text: str) -> datetime:
    """The instant that a text means."""
    return datetime.fromisoformat(text).astimezone(UTC)


def failing(one: Landed) -> Iterator[tuple[str, bool, set[int]]]:
    """What each rule says of a day: how its text begins, whether it fails, and the lines of the rows that fail it."""
    times = Counter(row["customer_id"] for row in one.rows.values())
    midnight = datetime.combine(one.day + timedelta(days=1), time(), tzinfo=UTC)
    recent = one.earlier[-7:]
    without_id, without_email = one.lines(lambda row: not row["customer_id"]), one.lines(lambda row: not row["email"])
    yield 'Completeness "customer_id"', bool(without_id), without_id
    yield 'Completeness "email"', 10 * len(without_email) > len(one.rows), without_email
    by_row: dict[str, Callable[[Row], bool]] = {
        "Uniqueness": lambda row: times[row["customer_id"]] > 1,
        'ColumnValues "country_code"': lambda row: row["country_code"] not in COUNTRIES,
        "ColumnLength": lambda row: row["phone"] != "" and not 9 < len(row["phone"]) < 16,
        'ColumnValues "created_date"': lambda row: not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", row["created_date"]),
        "ReferentialIntegrity": lambda row: row["segment_id"] not in one.segments,
        "CustomSql": lambda row: Decimal(row["net"]) + Decimal(row["tax"]) != Decimal(row["total"]),
        "DataFreshness": lambda row: midnight - instant(row["updated_at"]) > timedelta(hours=24),
    }
    for rule, fails in by_row.items():
        lines = one.lines(fails)
        yield rule, bool(lines), lines
    yield "RowCount > 0", not one.rows, set()
    yield "RowCount > avg", bool(recent) and len(one.rows) <= sum(recent) / len(recent) / 2, set()


def set_aside(one: Landed) -> set[int]:
    """The lines of the rows that fail a rule which failed."""
    return set().union(*(lines for _, failed, lines in failing(one) if failed))


def test_the_sample_is_as_made(tmp_path: Path) -> None:
    """Made again, every file is the one that is kept, letter by letter, and there are no others."""
    subprocess.run([sys.executable, "-B", str(SAMPLE / "make_exports.py"), str(tmp_path)], check=True)
    assert files_of(tmp_path) == files_of(SAMPLE)


def test_the_sample_is_small() -> None:
    """All files together have less than 600 KB."""
    assert sum(file.stat().st_size for file in SAMPLE.rglob("*") if file.is_file()) < 600_000


def test_the_days_follow_each_other(landed: Sequence[Landed], expected: Mapping[str, Any]) -> None:
    """There is an export for each of 30 days, and each row knows its day."""
    assert [one.day for one in landed] == [date(2026, 10, 1) + timedelta(days=day) for day in range(30)]
    assert [str(one.day) for one in landed] == [day["export_date"] for day in expected["days"]]
    assert [len(one.rows) for one in landed] == [day["rows"] for day in expected["days"]]
    assert all(row["export_date"] == str(one.day) for one in landed for row in one.rows.values())


def test_rules_find_what_was_planted(landed: Sequence[Landed], expected: Mapping[str, Any]) -> None:
    """Worked out by hand, on each day that has a fault its rule fails and no other, and none on a day that has none."""
    found = [[rule for rule, failed, _ in failing(one) if failed] for one in landed]
    told = [[one["rule"] for one in day["failed"]] for day in expected["days"]]
    assert [len(rules) for rules in found] == [int(day["fault"] is not None) for day in expected["days"]]
    assert [len(rules) for rules in told] == [len(rules) for rules in found]
    for begins, texts in zip(found, told, strict=True):
        assert all(text.startswith(begin) for begin, text in zip(begins, texts, strict=True))
    assert sum(map(len, found)) == 9


def test_rows_that_fail_a_rule_which_failed_are_set_aside(
    landed: Sequence[Landed], expected: Mapping[str, Any]
) -> None:
    """They are those that the maker names, with the line that they begin on; rules that passed set nothing aside."""
    for one, day in zip(landed, expected["days"], strict=True):
        rows = [{"customer_id": int(one.rows[line]["customer_id"]), "row": line} for line in sorted(set_aside(one))]
        assert rows == day["set_aside"], day["export_date"]
    assert sum(len(day["set_aside"]) for day in expected["days"]) == 146


def test_silver_keeps_the_other_rows(landed: Sequence[Landed], expected: Mapping[str, Any]) -> None:
    """Silver holds of each customer the row that was updated last among those that were not set aside."""
    last: dict[int, tuple[datetime, date]] = {}
    for one in landed:
        for line in one.rows.keys() - set_aside(one):
            row = one.rows[line]
            customer_id, place = int(row["customer_id"]), (instant(row["updated_at"]), one.day)
            last[customer_id] = max(place, last.get(customer_id, place))
    kept = {
        customer_id: date.fromisoformat(day["export_date"]) for day in expected["days"] for customer_id in day["kept"]
    }
    assert kept == {customer_id: day for customer_id, (_, day) in last.items()}
    assert sum(len(day["kept"]) for day in expected["days"]) == len(kept)
    assert expected["segments"] == sorted(landed[0].segments)


def test_a_customer_is_exported_once_unless_something_went_wrong(
    landed: Sequence[Landed], expected: Mapping[str, Any]
) -> None:
    """Only rows that were set aside, or stand for one that was, have an id that is exported on another day too."""
    days = [{row["customer_id"] for row in one.rows.values()} for one in landed]
    again = Counter(customer_id for of_day in days for customer_id in of_day)
    repeated = {int(customer_id) for customer_id, times in again.items() if times > 1}
    aside = {day["export_date"]: {row["customer_id"] for row in day["set_aside"]} for day in expected["days"]}
    assert repeated == aside["2026-10-22"] | aside["2026-10-28"]
    ids = [int(row["customer_id"]) for one in landed[:7] for row in one.rows.values()]
    assert all(second == first + 1 for first, second in pairwise(ids))


def test_every_rule_has_a_dimension(rules: Mapping[str, Rule], expected: Mapping[str, Any]) -> None:
    """Rules are labelled with one of the dimensions; all dimensions have a fault, and all rules but the two that none can break."""
    labels = {text: dict(rule.labels)["dimension"] for text, rule in rules.items()}
    told = {one["rule"]: one["dimension"] for day in expected["days"] for one in day["failed"]}
    assert set(labels.values()) == set(told.values()) == DIMENSIONS
    assert told == {text: labels[text] for text in told}
    assert {text.partition(" labels")[0] for text in labels.keys() - told.keys()} == {
        'Completeness "customer_id" = 1.0',
        "RowCount > 0",
    }


def test_rules_are_judged_at_their_bounds(landed: Sequence[Landed]) -> None:
    """Some rows are as far from the middle as a rule allows, and some a step further."""
    rows = {one.day: list(one.rows.values()) for one in landed}
    clean = [row for day, of_day in rows.items() if day != date(2026, 10, 15) for row in of_day]
    assert {len(row["phone"]) for row in clean} == {0, 10, 12, 13, 15}
    assert 16 in {len(row["phone"]) for row in rows[date(2026, 10, 15)]}
    tenth = rows[date(2026, 10, 10)]
    assert (len(tenth), sum(row["email"] == "" for row in tenth)) == (60, 6)
    assert rows[date(2026, 10, 2)][0]["updated_at"] == "2026-10-02T00:00:00Z"
    errors = {Decimal(row["total"]) - Decimal(row["net"]) - Decimal(row["tax"]) for row in rows[date(2026, 10, 22)]}
    assert Decimal("0.01") in errors


def test_exports_are_untidy(landed: Sequence[Landed]) -> None:
    """On days without a fault there are accents, quotes, commas and line breaks in names, and amounts below zero."""
    rows = [row for one in landed if not set_aside(one) for row in one.rows.values()]
    assert all(any(mark in row["name"] for row in rows) for mark in ('"', ",", "\n"))
    assert all(any(not row[column].isascii() for row in rows) for column in ("name", "email"))
    assert any(Decimal(row["total"]) < 0 for row in rows)
    assert not [row for row in rows if row["phone"] != row["phone"].strip()]


@pytest.mark.parametrize("table", ["customers", "segments"])
def test_contracts_name_what_is_sent(table: str) -> None:
    """The columns of a contract are those of the files."""
    contracts = yaml.safe_load((CONFIGS / "contracts" / "crm.yaml").read_text(encoding="utf-8"))
    contract = Contract.model_validate(contracts[f"crm.{table}"])
    files = sorted((SAMPLE / "landing" / "crm" / table).rglob("*.csv"))
    assert files
    assert all(list(read_csv(file)[2]) == list(contract.columns) for file in files)


def test_the_configuration_fits_the_sample() -> None:
    """Days are told by a date of the contract, and the segments that rules ask for are a table of an earlier input."""
    config = load_config("quality_monitoring", environment={})
    [gate] = config.quality
    assert gate.ruleset == (CONFIGS / "rulesets" / "customers.dqdl").read_text(encoding="utf-8")
    assert config.inputs["customers"].tables[gate.select].columns[str(gate.by)] == "date"
    assert list(config.inputs) == ["segments", "customers"]
    assert gate.sources == {"segments": config.outputs["silver"].table.format(table="segments")}
    assert all((ROOT / one.path).is_dir() for one in config.inputs.values())
