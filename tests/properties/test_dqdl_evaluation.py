"""Random rules on a random frame come to what plain Python makes of them, row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from dqdl_oracle import WHERE, Row, answer
from pyspark.sql import SparkSession

from lakehouse.quality.rules import (
    Between,
    Comparator,
    Comparison,
    Composite,
    Condition,
    Day,
    Duration,
    In,
    Matches,
    Now,
    Number,
    Operand,
    Rule,
    Ruleset,
    Special,
    Text,
    literal,
)
from lakehouse.runtime.evaluation import evaluate

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
SCHEMA = "place int, whole int, real double, exact decimal(12,3), text string, day date, at timestamp"
VALUES: dict[str, Sequence[Any]] = {
    "whole": [-2, -1, 0, 1, 2, 3, None],
    "real": [0.0, -0.0, 1.5, -2.5, 0.1, float("nan"), None],
    "exact": [Decimal("0.1"), Decimal("1.500"), Decimal("-2.5"), Decimal(3), None],
    "text": ["", " ", "a", "ab", "Ab", "é", "名前", "\t\n", "2026-03-01", "😀", None],
    "day": [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2), None],
    "at": [
        NOW,
        NOW - timedelta(hours=24),
        NOW - timedelta(days=1, microseconds=1),
        datetime(2026, 3, 1, tzinfo=UTC),
        None,
    ],
}
NUMBERS = ("whole", "real", "exact")
COLUMNS = tuple(VALUES)
COMPARATORS: tuple[Comparator, ...] = ("=", "!=", ">", ">=", "<", "<=")
CASES = 150


def random_rows(chance: Random, size: int) -> list[Row]:
    """Rows whose values often come twice."""
    return [
        {"place": place, **{name: chance.choice(values) for name, values in VALUES.items()}} for place in range(size)
    ]


def number(chance: Random) -> Number:
    """A number that values have, or nearly."""
    return Number(Decimal(chance.choice(["-2.5", "-1", "0", "0.1", "0.25", "0.5", "1", "1.5", "1.2345", "3"])))


def numeric(chance: Random, make: Any = number) -> Condition:
    """A condition that orders."""
    if chance.random() < 0.3:
        low, high = sorted(
            (make(chance), make(chance)), key=lambda one: getattr(one, "value", getattr(one, "amount", 0))
        )
        if low != high:
            return Between(low, high, negated=chance.random() < 0.5)
    return Comparison(chance.choice(COMPARATORS), make(chance))


def share(chance: Random) -> Condition:
    """A condition on a share."""
    return Comparison(chance.choice(COMPARATORS), Number(Decimal(chance.choice(["0", "0.25", "0.5", "0.8", "1"]))))


def equal(chance: Random, operands: Sequence[Operand]) -> Condition:
    """A condition that compares for being equal."""
    if chance.random() < 0.5:
        return Comparison(chance.choice(["=", "!="]), chance.choice(operands))
    return In(tuple(chance.sample(operands, 3)), negated=chance.random() < 0.5)


def of_values(chance: Random) -> Rule:
    """A rule on the values of a column."""
    name = chance.choice(COLUMNS)
    condition: Condition
    if name in NUMBERS:
        numbers: list[Operand] = [number(chance), number(chance), number(chance), Special("NULL")]
        condition = numeric(chance) if chance.random() < 0.5 else equal(chance, numbers)
    elif name == "text":
        texts: list[Operand] = [
            Text("a"),
            Text("é"),
            Text("😀"),
            literal("2026-03-01"),
            Special("NULL"),
            Special("EMPTY"),
            Special("WHITESPACES_ONLY"),
        ]
        patterns = ["a|A?b", ".", "..?", "[a-z]*", r"\d{4}-\d{2}-\d{2}", ""]
        condition = (
            Matches(chance.choice(patterns), negated=chance.random() < 0.5)
            if chance.random() < 0.4
            else equal(chance, texts)
        )
    else:
        moments: list[Operand] = [
            Day(date(2026, 2, 28)),
            Day(date(2026, 3, 1)),
            Now(),
            Now(Duration(-1, "days")),
            Special("NULL"),
        ]
        condition = (
            equal(chance, moments)
            if chance.random() < 0.5
            else Comparison(chance.choice(COMPARATORS[2:]), chance.choice(moments[:4]))
        )
    return Rule(
        type="ColumnValues", parameters=(name,), condition=condition, threshold=chance.choice([None, share(chance)])
    )


def hours(chance: Random) -> Duration:
    """An age that values have, or nearly."""
    return Duration(chance.choice([0, 6, 24, 48]), "hours")


def simple(chance: Random) -> Rule:
    """A rule of any type."""
    kind = chance.choice(
        ["values", "values", "values", "length", "fresh", "complete", "group", "group", "statistic", "count"]
    )
    where = chance.choice([None, None, *WHERE])
    if kind == "values":
        rule = of_values(chance)
    elif kind == "length":
        rule = Rule(
            type="ColumnLength",
            parameters=("text",),
            condition=numeric(chance),
            threshold=chance.choice([None, share(chance)]),
        )
    elif kind == "fresh":
        rule = Rule(type="DataFreshness", parameters=(chance.choice(["day", "at"]),), condition=numeric(chance, hours))
    elif kind == "complete":
        rule = Rule(type="Completeness", parameters=(chance.choice(COLUMNS),), condition=share(chance))
    elif kind == "group":
        rule = grouped(chance)
    elif kind == "statistic":
        rule = Rule(type=chance.choice(["Sum", "Mean", "StandardDeviation"]), parameters=(chance.choice(["whole", "exact"]),),
                    condition=Comparison(chance.choice(COMPARATORS[2:]), Number(Decimal("0.4321"))))  # fmt: skip
    else:
        rule = Rule(
            type="RowCount",
            condition=Comparison(chance.choice(COMPARATORS), Number(Decimal(chance.choice([0, 30, 60])))),
        )
    return Rule(
        type=rule.type, parameters=rule.parameters, condition=rule.condition, threshold=rule.threshold, where=where
    )


def grouped(chance: Random) -> Rule:
    """A rule on how often values stand there."""
    kind = chance.choice(
        ["IsUnique", "Uniqueness", "IsPrimaryKey", "UniqueValueRatio", "DistinctValuesCount", "Entropy"]
    )
    several = kind in {"IsUnique", "Uniqueness", "IsPrimaryKey"}
    names = chance.choice(
        [("place",), ("real",), ("whole", "text"), ("text", "day", "at", "exact")]
        if several
        else [("real",), ("text",)]
    )
    asked = Comparison(chance.choice(COMPARATORS), Number(Decimal(chance.choice(["0.1", "0.7", "1", "7"]))))
    return Rule(type=kind, parameters=names, condition=None if kind.startswith("Is") else asked)


def random_rule(chance: Random) -> Rule | Composite:
    """A rule, or a composite of some."""
    if chance.random() < 0.15:
        return Composite(chance.choice(["and", "or"]), (simple(chance), simple(chance)))
    return simple(chance)


def test_rules_come_to_what_python_makes_of_them(spark: SparkSession) -> None:
    """Verdicts, metrics, and what each row passes, fails and skips are those of the plain evaluator."""
    chance = Random("rules")  # noqa: S311 - a case, not a secret
    rows, rules = random_rows(chance, 60), tuple(random_rule(chance) for _ in range(CASES))
    frame = spark.createDataFrame([tuple(row.values()) for row in rows], SCHEMA).coalesce(1)
    found = evaluate(frame, Ruleset(rules=rules), as_of=NOW)
    expected = [answer(rule, rows, NOW) for rule in rules]
    told = [(outcome.rule, outcome.verdict) for outcome in found.outcomes]
    assert told == [(one[0], right.verdict) for one, right in zip(told, expected, strict=True)]
    for outcome, right in zip(found.outcomes, expected, strict=True):
        if (
            right.metric is not None and "IsPrimaryKey" not in outcome.rule
        ):  # whose metrics are two, and its verdict both
            assert any(math.isclose(one, right.metric, abs_tol=1e-9) for one in outcome.metrics.values()), outcome
    for row in found.rows.collect():
        lists = {True: row.DataQualityRulesPass, False: row.DataQualityRulesFail, None: row.DataQualityRulesSkip}
        for flag, listed in lists.items():
            wanted = [one[0] for one, right in zip(told, expected, strict=True) if right.rows[row.place] is flag]
            assert listed == wanted, rows[row.place]
