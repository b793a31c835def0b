"""A history with a row for every time in which a key was deleted, as some tools keep it (dbt calls it `new_record`).

Such a row needs no table of its own and no setting: a version that ends where no other begins was deleted there. So the rows are
worked out of the versions, for any history of this library, however late it was decided to look at it that way and after a
compaction too. A key of which nothing is known before its delete has no such row: there are no values to show.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc.events import payload_of
from lakehouse.cdc.history import SHOWN, versions
from lakehouse.columns import (
    EFFECTIVE_FROM,
    EFFECTIVE_TO,
    IS_CURRENT,
    IS_DELETED,
    SEQUENCE,
    VALID_FROM,
    VALID_TO,
    Columns,
    as_tuple,
    quoted,
    require,
)

_NEXT = "__lh_next"
_RECORD = "__lh_record"


def with_deletions(history: DataFrame, *, keys: Columns) -> DataFrame:
    """The versions of a history, and between and behind them a row for each time in which the key was deleted.

    Every interval of a key then ends where the next one begins. A row of a deletion is flagged by `_is_deleted`, has the values of
    the version it ended and is `_is_current` as long as nothing follows: what lives is `_is_current and not _is_deleted`. The order
    of rows is not kept; an empty history gives none.

    Args:
        history: a history table.
        keys: its keys.

    Returns:
        The payload, `_valid_from`, `_valid_to`, `_effective_from`, `_effective_to`, `_is_current`, `_sequence` (of a deletion that of
        the event that deleted), `_is_deleted`.

    Raises:
        MissingColumnsError: the frame is no history table with these keys.
    """
    names = as_tuple(keys)
    require([*names, *SHOWN], history.columns, where="the history table")
    payload = [F.col(quoted(name)) for name in payload_of(history.schema).names]
    in_order = Window.partitionBy(*map(quoted, names)).orderBy(VALID_FROM)
    follower = F.lead(F.struct(F.col(VALID_FROM).alias("s"), F.col(EFFECTIVE_FROM).alias("t"))).over(in_order)
    seen = versions(history).select(*payload, *SHOWN, follower.alias(_NEXT))
    version = F.struct(*SHOWN, F.lit(False).alias(IS_DELETED))
    deletion = F.struct(
        F.col(VALID_TO).alias(VALID_FROM),
        F.col(f"{_NEXT}.s").alias(VALID_TO),
        F.col(EFFECTIVE_TO).alias(EFFECTIVE_FROM),
        F.col(f"{_NEXT}.t").alias(EFFECTIVE_TO),
        F.col(_NEXT).isNull().alias(IS_CURRENT),
        F.col(VALID_TO).alias(SEQUENCE),
        F.lit(True).alias(IS_DELETED),
    )
    deleted = F.col(VALID_TO).isNotNull() & ~F.col(VALID_TO).eqNullSafe(F.col(f"{_NEXT}.s"))
    records = F.array_compact(F.array(version, F.when(deleted, deletion)))
    return seen.select(*payload, F.explode(records).alias(_RECORD)).select(*payload, f"{_RECORD}.*")
