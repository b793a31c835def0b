"""One row for each key, by a total order."""

from __future__ import annotations

import random

import pytest
from pyspark.sql import SparkSession

from lakehouse.errors import ConfigError, MissingColumnsError
from lakehouse.transforms import dedupe

SCHEMA = "k string, at int, `a.b` string, tags map<string, int>"
ROWS = [
    ("late", 1, "old", None),
    ("late", 3, "new", None),
    ("late", 2, "middle", None),
    ("no order", None, "lost", None),
    ("no order", 1, "kept", None),
    (None, 1, "null key, old", None),
    (None, 2, "null key, new", None),
    ("copies", 1, "same", {"x": 1, "y": 2}),
    ("copies", 1, "same", {"y": 2, "x": 1}),
    ("only nulls", None, None, None),
]


@pytest.mark.parametrize(
    ("keep", "wanted"),
    [
        ("last", {"late": "new", "no order": "kept", None: "null key, new", "copies": "same", "only nulls": None}),
        ("first", {"late": "old", "no order": "kept", None: "null key, old", "copies": "same", "only nulls": None}),
    ],
)
def test_the_end_of_the_order_is_kept(spark: SparkSession, keep: str, wanted: dict[str | None, str | None]) -> None:
    """The last or the first row of each key stays, a row without an order loses, null is a key, copies are one row."""
    found = dedupe(spark.createDataFrame(ROWS, SCHEMA), keys="k", order_by="at", keep=keep).collect()  # type: ignore[arg-type]  # a parameter of the test
    assert len(found) == len(wanted)
    assert {row.k: row["a.b"] for row in found} == wanted


def test_ties_do_not_depend_on_what_comes_first(spark: SparkSession) -> None:
    """Of 200 rows at one place the same one wins in any order, cut into any partitions."""
    rows = [(f"k{i % 10}", 1, f"v{i}", {"n": i}) for i in range(200)]
    outcomes = []
    for seed in (1, 2, 3):
        random.Random(seed).shuffle(rows)  # noqa: S311 - test data
        frame = spark.createDataFrame(rows, SCHEMA).repartition(seed)
        outcomes.append(sorted(row["a.b"] for row in dedupe(frame, keys="k", order_by="at").collect()))
    assert len(outcomes[0]) == 10
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_one_shuffle(spark: SparkSession) -> None:
    """The plan moves the rows once, by the keys."""
    frame = spark.createDataFrame(ROWS, SCHEMA)
    plan = dedupe(frame, keys="k", order_by="at")._jdf.queryExecution().sparkPlan().toString()  # noqa: SLF001 - no public way to a plan
    prepared = dedupe(frame, keys="k", order_by="at")._jdf.queryExecution().executedPlan().toString()  # noqa: SLF001 - no public way to a plan
    assert "Window" in plan
    assert prepared.count("Exchange ") == 1
    assert "hashpartitioning(k" in prepared


def test_what_has_no_order_is_refused(spark: SparkSession) -> None:
    """Without keys, without an order, or with a column that is not there, nothing is kept by luck."""
    frame = spark.createDataFrame(ROWS, SCHEMA)
    with pytest.raises(ConfigError, match="without an order any row could win"):
        dedupe(frame, keys="k", order_by=[])
    with pytest.raises(ConfigError, match="at least one column in keys"):
        dedupe(frame, keys=[], order_by="at")
    with pytest.raises(MissingColumnsError, match="lacks when"):
        dedupe(frame, keys="k", order_by="when")
    with pytest.raises(ConfigError, match="'last' or 'first'"):
        dedupe(frame, keys="k", order_by="at", keep="any")  # type: ignore[arg-type]  # that is the point
