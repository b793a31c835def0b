"""What a history may forget: events before a horizon that no later event can make visible again.

Before the horizon nothing can happen any more: events that come later and lie before it are refused. So the tombstones
before it, and the absorbed events of runs that ended before it, have told all they had to tell. The absorbed events of a
run that reaches the horizon stay: an event behind the horizon may still split the run, and then they are its first part.
Versions are never forgotten.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import ChangeSpec
from lakehouse.cdc.history import IS_VERSION
from lakehouse.columns import SEQUENCE, VALID_TO

_RUN = "__lh_run"


def reaching(history: DataFrame, spec: ChangeSpec, horizon: Column) -> DataFrame:
    """The rows that an event at the horizon or behind it can still touch: those of runs that do not end before it.

    Args:
        history: whole keys of a history table.
        spec: its keys.
        horizon: a value of the sequence's type.
    """
    return _with_run(history, spec).where(_reaches(horizon)).drop(_RUN)


def forgettable(history: DataFrame, spec: ChangeSpec, horizon: Column) -> DataFrame:
    """The rows of zero width before the horizon that no event behind it can touch."""
    settled = ~F.expr(IS_VERSION) & (F.col(SEQUENCE) < horizon) & ~_reaches(horizon)
    return _with_run(history, spec).where(settled).drop(_RUN)


def _with_run(history: DataFrame, spec: ChangeSpec) -> DataFrame:
    """Beside each row the end of the run it belongs to; of a tombstone, itself."""
    onwards = ev.by_key(spec).rowsBetween(Window.currentRow, Window.unboundedFollowing)
    own = F.when(F.expr(IS_VERSION) | ev.is_end(), F.struct(F.col(VALID_TO).alias("end")))
    return history.withColumn(_RUN, F.first(own, ignorenulls=True).over(onwards))


def _reaches(horizon: Column) -> Column:
    end = F.col(f"{_RUN}.end")
    return end.isNull() | (end >= horizon)
