"""Damaged history tables rebuilt from a change log: each kind of damage, and the keys that cannot be rebuilt."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import apply_history, history_schema
from lakehouse.cdc.history_checks import check_history
from lakehouse.cdc.repairs import repair_history
from lakehouse.errors import MissingColumnsError

SPEC = ChangeSpec(keys="id")
SCHEMA = history_schema(StructType([StructField("id", LongType()), StructField("v", StringType())]), LongType())
STORY = [("x", "upsert", 1), ("x", "upsert", 3), (None, "delete", 5), ("y", "upsert", 7), ("z", "upsert", 9)]
DAMAGES = {
    1: ("gap", "_sequence = 5", None),
    2: ("orphan", "_sequence = 3", None),
    3: ("latest_flag", "_sequence = 9", None),
    4: ("overlap", None, ("_valid_to", "_sequence = 3", "9")),
    5: ("inverted", None, ("_valid_to", "_sequence = 7", "1")),
    6: ("current_flag", None, ("_is_current", "_sequence = 9", "false")),
    7: ("two_current", None, ("_valid_to", "_sequence = 7", "null")),
    8: ("equal_neighbours", None, ("v", "_sequence = 9", "'y'")),
    9: ("null_start", None, ("_valid_from", "_sequence = 7", "null")),
}
"""By key: the rule that is broken, the row that is lost, or the column that is changed (where, to what)."""


def log(spark: SparkSession, keys: list[int]) -> DataFrame:
    """One story for each key: a version with an absorbed event, a delete, and two versions."""
    rows = [(key, *event) for key in keys for event in STORY]
    return spark.createDataFrame(rows, "id LONG, v STRING, _op STRING, _sequence LONG")


def damaged(history: DataFrame) -> DataFrame:
    """The table with the damage of each key done."""
    for key, (_, lost, changed) in DAMAGES.items():
        if lost is not None:
            history = history.where(f"NOT (id = {key} AND {lost})")
        if changed is not None:
            column, where, value = changed
            new = F.expr(f"CASE WHEN id = {key} AND {where} THEN {value} ELSE {column} END")
            history = history.withColumn(column, new)
    return history


def rows_of(history: DataFrame) -> list[tuple[Any, ...]]:
    """All rows in a fixed order."""
    return sorted((tuple(row) for row in history.select(*SCHEMA.names).collect()), key=repr)


def test_every_kind_of_damage_is_mended(spark: SparkSession) -> None:
    """Nine keys, each damaged in its own way, and one that is sound: afterwards the table is the fold of the events."""
    keys = [*DAMAGES, 10]
    changes = log(spark, keys)
    sound = apply_history(spark.createDataFrame([], SCHEMA), changes, SPEC).localCheckpoint()
    broken = damaged(sound).localCheckpoint()
    report = {(row["key"]["id"], row["rule"]) for row in check_history(broken, SPEC).collect()}
    assert {(key, rule) for key, (rule, *_) in DAMAGES.items()} <= report
    assert {key for key, _ in report} == set(DAMAGES)

    repair = repair_history(broken, changes, SPEC)
    rebuilt = repair.rows.localCheckpoint()
    assert repair.unrepaired.collect() == []
    assert {row["id"] for row in rebuilt.select("id").collect()} == set(DAMAGES)
    mended = broken.join(rebuilt, on="id", how="left_anti").unionByName(rebuilt)
    assert rows_of(mended) == rows_of(sound)
    assert check_history(mended, SPEC).collect() == []


def test_keys_that_the_change_log_does_not_cover_are_left(spark: SparkSession) -> None:
    """No event, a sequence that the log lacks, an end that is all that is left of a delete, a null key: each says why."""
    sound = apply_history(spark.createDataFrame([], SCHEMA), log(spark, [1, 2, 3, 4]), SPEC)
    broken = sound.where("NOT (id IN (1, 2, 4) AND _sequence = 9) AND NOT (id = 3 AND _sequence = 5)")
    keyless = sound.where("id = 4 AND _sequence = 1").withColumn("id", F.lit(None).cast("long"))
    table = broken.unionByName(keyless).localCheckpoint()
    changes = log(spark, [2, 3, 4]).where("NOT (id = 2 AND _sequence IN (3, 7)) AND NOT (id = 3 AND _sequence = 5)")
    repair = repair_history(table, changes, SPEC)
    told = [(row["key"]["id"], row["_reason"], row["sequences"]) for row in repair.unrepaired.collect()]
    assert sorted(told, key=repr) == [
        (1, "no_events", [1, 3, 5, 7, 9]),
        (2, "uncovered", [3, 7]),
        (3, "uncovered", [5]),
        (None, "null_key", None),
    ]
    assert {row["id"] for row in repair.rows.collect()} == {4}


def test_ends_that_are_the_damage_need_not_be_covered(spark: SparkSession) -> None:
    """An end that was made up stands in the way of a repair until it is said that ends are not to be trusted."""
    changes = log(spark, [1])
    sound = apply_history(spark.createDataFrame([], SCHEMA), changes, SPEC)
    made_up = F.expr("IF(_sequence = 7, 8, _valid_to)")
    broken = sound.withColumn("_valid_to", made_up).localCheckpoint()
    strict = repair_history(broken, changes, SPEC)
    assert [(row["_reason"], row["sequences"]) for row in strict.unrepaired.collect()] == [("uncovered", [8])]
    assert strict.rows.collect() == []
    trusting = repair_history(broken, changes, SPEC, trust="sequences")
    assert rows_of(trusting.rows) == rows_of(sound)


def test_a_change_log_without_its_columns_is_refused(spark: SparkSession) -> None:
    """The error names what is missing."""
    history = spark.createDataFrame([], SCHEMA)
    with pytest.raises(MissingColumnsError, match="_op"):
        repair_history(history, log(spark, [1]).drop("_op"), SPEC)
