"""Which keys of a batch deserve a second look: ties, whose winner a rule decided, and events that came late."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import TRUNCATE, ChangeSpec
from lakehouse.columns import KIND, OP, PROVIDED, SEQUENCE, quoted

TIE = "tie"
LATE = "late"
KEPT_HASH = "_kept_hash"
LOST_HASHES = "_lost_hashes"

_STATEMENT = "__lh_statement"
_NEWEST = "__lh_newest"


def report(stored: DataFrame, batch: DataFrame, spec: ChangeSpec, *, remnants: bool = False) -> DataFrame:
    """The ties and the late events of a batch; no rows: nothing is ambiguous and all came in order.

    Args:
        stored: what the table held of the batch's keys, as events.
        batch: the normalised events.
        spec: the keys.
        remnants: whether a stored event may be what is left of one; such a one is no rival to an event at its place.

    Returns:
        The keys, `_sequence`, `_kind` (`tie`: different events at one place, of the batch or of batch and table; `late`:
        older than what the table held of its key), and the content hashes of the event that counts and, at ties, of those
        that lost. One row for each kind and place.
    """
    keys = [F.col(quoted(key)) for key in spec.keys]
    places = _statements(stored, spec, remnants=remnants).unionByName(_statements(batch, spec))
    grouped = places.groupBy(*keys, SEQUENCE).agg(
        F.max(_STATEMENT).alias("kept"),
        F.collect_set(_STATEMENT).alias("all"),
        F.bool_and(~F.col(ev.STORED)).alias("new"),
        F.bool_or(~F.col(ev.STORED)).alias("told"),
    )
    newest = stored.groupBy(*keys).agg(F.max(SEQUENCE).alias(_NEWEST))
    known = grouped.join(newest, on=list(spec.keys), how="left")
    lost = F.array_sort(F.transform(F.filter("all", lambda one: one != F.col("kept")), lambda one: one["hash"]))
    late = F.col("new") & (F.col(SEQUENCE) < F.col(_NEWEST))
    kinds = F.array_compact(F.array(F.when(F.size("all") > 1, F.lit(TIE)), F.when(late, F.lit(LATE))))
    return known.where("told").select(
        *keys,
        F.col(SEQUENCE),
        F.explode(kinds).alias(KIND),
        F.col("kept.hash").alias(KEPT_HASH),
        lost.alias(LOST_HASHES),
    )


def _statements(events: DataFrame, spec: ChangeSpec, *, remnants: bool = False) -> DataFrame:
    """What each event says, in the order in which ties are decided: the operation that wins, then the larger hash."""
    said = F.struct(ev.wins(spec).alias("wins"), ev.content_hash(ev.payload_of(events.schema), spec).alias("hash"))
    whole = F.when(~(F.col(ev.STORED) & F.col(PROVIDED).isNotNull()), said) if remnants else said
    keys = [F.col(quoted(key)) for key in spec.keys]
    return events.where(F.col(OP) != TRUNCATE).select(*keys, SEQUENCE, ev.STORED, whole.alias(_STATEMENT))
