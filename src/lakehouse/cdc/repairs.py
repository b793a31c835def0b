"""Rebuild the damaged keys of a history table from a change log.

`lakehouse.cdc.history_checks` says which keys are damaged. A key is rebuilt when the change log can be trusted to hold all that
the table knows of it; every other key is left as it is, and reported.

| reason | why a key is not rebuilt |
|---|---|
| `null_key` | a part of the key is null: nothing can be looked up |
| `no_events` | the change log holds no event of the key |
| `uncovered` | the table knows a sequence of the key at which the change log has no event, see `sequences` |

A table knows the sequences of its rows, and where its versions begin and end: the end of a version whose delete was lost is
all that is left of the delete. Where such ends are the damage itself, `trust="sequences"` looks at the rows' own alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.changes import TRUNCATE, ChangeSpec
from lakehouse.cdc.events import normalise
from lakehouse.cdc.history import apply_history
from lakehouse.cdc.history_checks import check_history
from lakehouse.cdc.truncates import truncates_of
from lakehouse.columns import OP, REASON, SEQUENCE, VALID_FROM, VALID_TO, as_tuple, quoted, require

NULL_KEY = "null_key"
NO_EVENTS = "no_events"
UNCOVERED = "uncovered"

Trust = Literal["boundaries", "sequences"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What can be mended and what cannot.

    Attributes:
        rows: all rows of the keys that are rebuilt, with the columns of the history table; they replace those that are there.
        unrepaired: the other damaged keys: `key` (struct), `_reason`, `sequences` (those that the change log lacks, in order).
    """

    rows: DataFrame
    unrepaired: DataFrame


def repair_history(
    history: DataFrame,
    changes: DataFrame,
    spec: ChangeSpec,
    *,
    damaged: DataFrame | None = None,
    trust: Trust = "boundaries",
) -> Repair:
    """Rebuild the damaged keys of a history table of this library. Pure and lazy; keys without damage are not touched.

    Args:
        history: the table.
        changes: a change log that holds the whole story of the damaged keys; other keys in it are ignored. Bad rows must
            have been set aside before.
        spec: the table's keys and tracked columns.
        damaged: a frame with `key`, such as the report of `check_history`; None: that report.
        trust: whether the starts and ends of versions count as sequences that the table knows of.

    Raises:
        MissingColumnsError: the frames lack columns.
    """
    keys = list(as_tuple(spec.keys))
    require([*keys, OP, SEQUENCE], changes.columns, where="the change log")
    report = check_history(history, spec) if damaged is None else damaged
    wanted = report.select(*(F.col(f"key.{quoted(key)}").alias(key) for key in keys)).distinct()
    verdicts = _verdicts(wanted, history, changes, keys, trust)
    rebuilt = verdicts.where(F.col(REASON).isNull()).select(*map(quoted, keys))
    story = changes.join(rebuilt, on=keys, how="left_semi")
    key = F.struct(*map(quoted, keys)).alias("key")
    return Repair(
        rows=apply_history(
            history.where(F.lit(False)), story, spec, truncates=truncates_of(normalise(changes, spec), spec)
        ),
        unrepaired=verdicts.where(F.col(REASON).isNotNull()).select(key, REASON, "sequences"),
    )


def _verdicts(wanted: DataFrame, history: DataFrame, changes: DataFrame, keys: list[str], trust: Trust) -> DataFrame:
    """The wanted keys with `_reason` (null: it can be rebuilt) and `sequences`."""
    told = [SEQUENCE] if trust == "sequences" else [SEQUENCE, VALID_FROM, VALID_TO]
    truncates = changes.where(F.col(OP) == TRUNCATE).select(SEQUENCE)
    events = changes.where(F.col(OP) != TRUNCATE).select(*map(quoted, keys), SEQUENCE).distinct()
    known = history.join(wanted, on=keys, how="left_semi").select(
        *map(quoted, keys), F.explode(F.array(*told)).alias(SEQUENCE)
    )
    missing = (
        known.where(F.col(SEQUENCE).isNotNull())
        .join(events, on=[*keys, SEQUENCE], how="left_anti")
        .join(truncates, on=SEQUENCE, how="left_anti")
    )
    lacking = missing.groupBy(*map(quoted, keys)).agg(F.array_sort(F.collect_set(SEQUENCE)).alias("sequences"))
    there = events.select(*map(quoted, keys)).distinct().withColumn("__lh_told", F.lit(True))
    judged = wanted.join(lacking, on=keys, how="left").join(there, on=keys, how="left")
    return judged.select(*map(quoted, keys), _reason(keys).alias(REASON), "sequences")


def _reason(keys: list[str]) -> Column:
    keyless = reduce(or_, (F.col(quoted(key)).isNull() for key in keys))
    return (
        F.when(keyless, NULL_KEY)
        .when(F.col("__lh_told").isNull(), NO_EVENTS)
        .when(F.col("sequences").isNotNull(), UNCOVERED)
    )
