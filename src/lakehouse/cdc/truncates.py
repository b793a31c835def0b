"""Truncates of a whole table: deletes of every key that has an older event, known and yet to come.

A truncate is no event of a key, so nothing can remember it but the table as a whole. For the keys at hand it is turned
into events (`imply`), which give way to an event of the key's own at the same place and are not counted.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import TRUNCATE, ChangeSpec
from lakehouse.columns import EVENT_TIME, OP, SEQUENCE, quoted


def truncates_of(batch: DataFrame, spec: ChangeSpec, known: DataFrame | None = None) -> DataFrame | None:
    """`_sequence` and `_event_time` of the truncates in a normalised batch and of those known before; None: there are none."""
    if spec.on_truncate == "fail":
        return known
    own = batch.where(F.col(OP) == TRUNCATE).select(SEQUENCE, EVENT_TIME)
    return (own if known is None else own.unionByName(known)).distinct()


def imply(keys: DataFrame, truncates: DataFrame, *, like: DataFrame) -> DataFrame:
    """What truncates of the table mean for each of some keys, as events with the columns of `like` and `IMPLIED`.

    Args:
        keys: the key columns; with `_sequence`, only truncates from there on.
        truncates: `_sequence` and `_event_time`.
        like: the frame of events they join.
    """
    at = truncates.select(F.col(SEQUENCE).alias("__lh_at"), F.col(EVENT_TIME).alias("__lh_when"))
    since = F.col("__lh_at") >= F.col(SEQUENCE) if SEQUENCE in keys.columns else F.lit(True)
    pairs = keys.crossJoin(F.broadcast(at)).where(since).drop(SEQUENCE)
    given = {OP: F.lit(TRUNCATE), SEQUENCE: F.col("__lh_at"), EVENT_TIME: F.col("__lh_when"), ev.STORED: F.lit(False)}
    given |= {name: F.lit(False) for name in (ev.BASE, ev.COMPLETE) if name in like.columns}
    columns = [
        given.get(f.name, F.col(quoted(f.name)) if f.name in keys.columns else F.lit(None))
        .cast(f.dataType)
        .alias(f.name)
        for f in like.schema.fields
    ]
    return pairs.select(*columns, F.lit(True).alias(ev.IMPLIED))


def with_implied(events: DataFrame, implied: DataFrame | None) -> DataFrame:
    """The events and what truncates imply for their keys."""
    return events if implied is None else events.withColumn(ev.IMPLIED, F.lit(False)).unionByName(implied)


def with_truncates(events: DataFrame, truncates: DataFrame | None, spec: ChangeSpec) -> DataFrame:
    """The events and what truncates imply for every key among them."""
    if truncates is None:
        return events
    keys = events.select(*[quoted(key) for key in spec.keys]).distinct()
    return with_implied(events, imply(keys, truncates, like=events))
