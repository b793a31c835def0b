"""The two engines side by side: the same verdicts, metrics and rows, for every rule that both evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.quality.deequ import KNOWN
from lakehouse.quality.outcomes import Evaluation
from lakehouse.runtime.evaluation import evaluate

HOUR = timedelta(hours=1)
SCHEMA = "id int, n int, kind string, amount decimal(10,2), x double, name string, day date, at timestamp"
NUMBERS = ("= {}", "!= {}", "> {}", ">= {}", "< {}", "<= {}", "between {} and 99", "not between {} and 99", "in [{}, 99]",
           "not in [{}, 99]")  # fmt: skip
TEXTS = ('= "a"', '!= "a"', 'in ["a", "b", "c"]', 'in ["a", "b", "c", NULL]', 'not in ["q"]', 'not in ["q", NULL]', "= NULL",
         "!= NULL", "= EMPTY", "!= EMPTY", "not in [EMPTY, NULL]", 'matches "[a-c]"', 'matches "a|b|c"', 'matches ".+"',
         'in ["O\'Neil \\"x\\" \\d", "Zoë 😀"]', 'matches "[a-c]" where "kind is not null"', 'not in ["2026-01-01"]')  # fmt: skip
DAYS = ('= "2026-01-01"', '!= "2026-01-01"', '> "2024-02-28"', '>= "2024-02-29"', '< "2026-01-02"', '<= "2026-01-02"',
        'between "2024-01-01" and "2027-01-01"', 'not between "2024-01-01" and "2024-02-03"',
        'in ["2026-01-01", "2025-12-31"]', 'not in ["2030-01-01"]', "= NULL", "!= NULL", "< (now() + 2 days)", "> now()")  # fmt: skip
HISTORY = ({"Dataset.*.RowCount": 5.0}, {"Dataset.*.RowCount": 7.0})


def rows(now: datetime) -> list[tuple[object, ...]]:
    """Nulls, ties, texts that are hard to write down, and ages."""
    return [
        (1, 10, "a", Decimal("10.00"), 1.5, "Ann", date(2026, 1, 1), now - HOUR),
        (2, None, "a", Decimal("20.50"), -0.5, "Bob", date(2025, 12, 31), now - 30 * HOUR),
        (3, 10, "b", None, None, "", None, None),
        (4, -3, "b", Decimal("0.10"), 2.25, "  ", date(2026, 1, 2), now - 2 * HOUR),
        (5, 7, None, Decimal("-5.25"), 1.5, None, date(2024, 2, 29), now - 100 * HOUR),
        (6, 7, "c", Decimal("10.00"), 0.0, "Zoë 😀", date(2026, 1, 1), now - 20 * HOUR),
        (7, 7, "c", Decimal("10.00"), 100.0, 'O\'Neil "x" \\d', date(2026, 1, 1), now - 3 * HOUR),
    ]


def conditions(*numbers: float) -> Iterator[str]:
    """Every comparison with each number."""
    return (form.format(number) for number in numbers for form in NUMBERS)


def measured() -> Iterator[str]:
    """Rules on counts and statistics."""
    yield from (f"RowCount {one}" for one in conditions(7))
    yield from ('RowCount = 3 where "n = 7"', "RowCount = 1 + 2 * 3", "RowCount > avg(last(2))", "RowCount = last()")
    yield from (f"ColumnCount {one}" for one in ("= 8", "between 8 and 9", "> 3"))
    for name in ("n", "name"):
        yield from (f'Completeness "{name}" {one}' for one in ("= 1.0", "> 0.5", "<= 0.9", "not in [1]"))
        for kind in ("IsComplete", "IsUnique", "IsPrimaryKey"):
            yield from (f'{kind} "{name}"', f'{kind} "{name}" where "id < 2"', f'{kind} "{name}" where "id > 200"')
        for kind in ("Uniqueness", "UniqueValueRatio", "DistinctValuesCount", "Entropy"):
            yield from (f'{kind} "{name}" {one}' for one in ("<= 0.5", "between 0 and 4", '> 0.5 where "id > 2"'))
        yield from (f'{kind} "{name}" >= 0 where "id > 200"' for kind in ("Uniqueness", "Entropy"))
    for name in ("n", "amount"):
        for kind in ("Mean", "Sum", "StandardDeviation"):
            yield from (f'{kind} "{name}" {one}' for one in ("> 3", "not in [4, 28]"))
            yield from (f'{kind} "{name}" > 3 where "id > 2"', f'{kind} "{name}" >= 0 where "id > 200"')
    yield from ('IsUnique "id"', 'IsPrimaryKey "id"', 'IsComplete "id"', 'Uniqueness "id" = 1.0', 'Entropy "id" > 1')
    yield from ('ColumnCorrelation "id" "n" > -0.5', 'ColumnCorrelation "x" "amount" < 0 where "id < 6"')
    yield from ('ColumnExists "id"', 'ColumnExists "ID"', 'ColumnExists "no"')
    yield from (f'ColumnNamesMatchPattern "{one}"' for one in ("[a-z]+", "[a-z]{1,4}", "i|.*", "\\\\w+"))


def judged() -> Iterator[str]:
    """Rules on the values of columns."""
    yield from (f'ColumnValues "id" {one}' for one in ("between 0 and 99", "> 0", "not between 8 and 99"))
    yield from (f'ColumnValues "n" {one}' for one in conditions(0))
    yield from (
        f'ColumnValues "n" {one} where "n is not null"'
        for one in ("> -7.5", "<= 9", "in [7, 10]", "not between 11 and 12")
    )
    yield from (f'ColumnValues "amount" {one} where "amount is not null"' for one in ("= 10", ">= -5.25", "< 20.5"))
    for name in ("amount", "x"):
        yield from (
            f'ColumnValues "{name}" {one}' for one in ("= NULL", "!= NULL", "in [10, NULL]", "not in [1, NULL]")
        )
    yield from (f'ColumnValues "name" {one}' for one in TEXTS)
    yield from (f'ColumnLength "kind" {one}' for one in conditions(1))
    for name in ("kind", "name"):
        yield from (f'ColumnLength "{name}" {one}' for one in ("in [0, 1]", "!= 3", "not in [3]", "between -1 and 20"))
    yield from (f'ColumnLength "kind" {one} where "kind is not null"' for one in ("= 1", "> 1", "between 0 and 2"))
    yield from (f'ColumnValues "day" {one}' for one in DAYS)
    yield from (f'ColumnValues "day" {one} where "day is not null"' for one in DAYS[2:9:3])
    for one in (
        "<= 24 hours",
        "between 10 minutes and 5 days",
        "not between 1 minutes and 5 minutes",
    ):
        yield from (f'DataFreshness "at" {one}', f'DataFreshness "at" {one} where "at is not null"')


def compared() -> Iterator[str]:
    """Rules on other datasets, queries and composites."""
    yield from (f'ReferentialIntegrity "id" "other.id" {one}' for one in ("> 0.2", "= 1.0", "< 0.5"))
    yield from (
        'ReferentialIntegrity "kind" "other.kind" < 0.6',
        'ReferentialIntegrity "id,name" "other.{id,name}" > 0.2',
    )
    yield from (
        'DatasetMatch "other" "id" "name" > 0.1',
        'DatasetMatch "twin" "id" = 1.0',
        'DatasetMatch "other" "id->id" "kind->kind" = 1.0',
    )
    yield from (
        'SchemaMatch "twin" = 1.0',
        'RowCountMatch "other" > 0.4',
        'RowCountMatch "twin" = 1.0',
        'RowCountMatch "other" < 0.4',
    )
    yield from ('AggregateMatch "sum(id)" "sum(other.id)" > 1', 'AggregateMatch "avg(n)" "avg(twin.n)" = 1.0')
    yield from (
        'CustomSql "SELECT count(*) FROM primary" = 7',
        'CustomSql "SELECT max(n) FROM primary_table -- all" > 10',
    )
    yield from ('CustomSql "SELECT max(n) FROM primary WHERE id > 200" = 0',)
    yield from (
        'CustomSql "SELECT id FROM primary WHERE id > 2" with threshold > 0.5',
        'CustomSql "SELECT kind FROM primary"',
    )
    yield from ('CustomSql "SELECT kind FROM primary WHERE kind is not null" with threshold < 0.9',)
    yield from (
        '(RowCount > 0) and (IsComplete "id")',
        '(RowCount > 99) or (IsComplete "n")',
        '(IsComplete "no") or (RowCount > 0)',
    )


RULES = (*measured(), *judged(), *compared())


def ruleset(*rules: str) -> str:
    """The text of a ruleset."""
    return f"Rules = [{', '.join(rules)}]"


@pytest.fixture(scope="module")
def datasets(spark: SparkSession) -> dict[str, DataFrame]:
    """The rows, nothing, and another dataset."""
    whole = spark.createDataFrame(rows(datetime.now(UTC)), SCHEMA).coalesce(1).cache()
    other = [(1, "Ann", "a"), (2, "Bob", "z"), (9, None, "b")]
    return {
        "whole": whole,
        "empty": whole.where("id < 0"),
        "other": spark.createDataFrame(other, "id int, name string, kind string").coalesce(1).cache(),
    }


def both(df: DataFrame, text: str, sources: MappingProxyType[str, DataFrame]) -> tuple[Evaluation, Evaluation]:
    """What each engine says, each at its own now: Deequ knows no other one."""
    native = evaluate(df, text, sources=sources, as_of=datetime.now(UTC), history=HISTORY)
    return native, evaluate(df, text, sources=sources, as_of=datetime.now(UTC), history=HISTORY, engine="deequ")


@pytest.fixture(scope="module", params=["whole", "empty"])
def found(datasets: dict[str, DataFrame], request: pytest.FixtureRequest) -> tuple[Evaluation, Evaluation]:
    """Every rule by both engines, and every fourth one where there is no row, but for two listed differences."""
    sources = MappingProxyType({"other": datasets["other"], "twin": datasets[request.param]})
    few = [rule for rule in RULES if not rule.startswith(("AggregateMatch", "UniqueValueRatio"))][::4]
    return both(datasets[request.param], ruleset(*(RULES if request.param == "whole" else few)), sources)


def test_the_rules_are_many() -> None:
    """Each is a ruleset of its own, and every type that both evaluate is there."""
    assert len(set(RULES)) >= 150
    assert {rule.lstrip("(").split(" ")[0] for rule in RULES} == set(KNOWN) - {"ColumnDataType"}


def test_every_verdict_is_the_same(found: tuple[Evaluation, Evaluation]) -> None:
    """Each rule has one verdict by both engines, in the order of the text."""
    native, deequ = found
    theirs = {one.rule: (one.verdict, one.reason) for one in deequ.outcomes}
    assert [
        (one.rule, one.verdict, *theirs[one.rule]) for one in native.outcomes if theirs[one.rule][0] != one.verdict
    ] == []
    assert [one.rule for one in deequ.outcomes] == [one.rule for one in native.outcomes]


def test_metrics_are_the_same(found: tuple[Evaluation, Evaluation]) -> None:
    """What Deequ measures has our names and our numbers."""
    native, deequ = found
    for ours, theirs in zip(native.outcomes, deequ.outcomes, strict=True):
        shared = {name: ours.metrics.get(name) for name in theirs.metrics}
        assert theirs.metrics == pytest.approx(shared), theirs.rule
