"""Is a history table one? Checks for any SCD 2 table, ours or another tool's.

| rule | what is wrong | judged where |
|---|---|---|
| `null_key` | a key column is null | everywhere |
| `null_start` | a row without a start | everywhere |
| `inverted` | the end lies before the start | everywhere |
| `zero_width` | start and end are one: no query sees the row | where `operation` is not known: ours keep events in such rows |
| `current_flag` | the flag of the open version says something else than its end | where there is a flag |
| `two_current` | more than one open version of a key | everywhere |
| `overlap` | a version begins before the one before it ends | everywhere |
| `gap` | a version ends, no other begins there, and no delete says why | where deletes are known |
| `equal_neighbours` | two versions touch and do not differ in a tracked column | everywhere |
| `orphan` | an absorbed event lies in no version | in our tables |
| `latest_flag` | the latest row of a key is not the one row that is flagged so | in our tables |

Intervals are half open, `[start, end)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import UPSERT, ChangeSpec
from lakehouse.columns import IS_CURRENT, IS_LATEST, OP, RESERVED, SEQUENCE, VALID_FROM, VALID_TO, quoted, require


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryColumns:
    """What the columns of a history table are called; the defaults are those of this library.

    Attributes:
        start: where a version begins, inclusive.
        end: where it ends, exclusive.
        open_end: SQL for the value that means "open" beside null, such as `timestamp '9999-12-31'`.
        current: the flag of the open version; None: there is none.
        operation: the event's operation, whose rows of zero width are events; None: rows are versions, and deletes are not
            known.
        latest: the flag of a key's last row; None: there is none.
        sequence: what names a row in the report; None: its start.
    """

    start: str = VALID_FROM
    end: str = VALID_TO
    open_end: str | None = None
    current: str | None = IS_CURRENT
    operation: str | None = OP
    latest: str | None = IS_LATEST
    sequence: str | None = SEQUENCE

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that have to be there."""
        wanted = (self.start, self.end, self.current, self.operation, self.latest, self.sequence)
        return tuple(dict.fromkeys(name for name in wanted if name is not None))


def versions_only(*, start: str, end: str, current: str | None = None, open_end: str | None = None) -> HistoryColumns:
    """The columns of a table that holds versions and nothing else, as most tools write it."""
    return HistoryColumns(
        start=start, end=end, current=current, open_end=open_end, operation=None, latest=None, sequence=None
    )


def check_history(
    history: DataFrame, spec: ChangeSpec, columns: HistoryColumns | None = None, *, horizon: Column | None = None
) -> DataFrame:
    """Report what is wrong with a history table; no rows: nothing is.

    Args:
        history: the table.
        spec: its keys, and the columns whose change opens a version (None: every column that is data).
        columns: what its columns are called; default: as this library calls them.
        horizon: where the table was compacted: the deletes before it are forgotten, so no gap before it needs one.

    Returns:
        `key` (struct of the keys), `rule` and `sequences` (of the rows that break it, in order). A row may break several rules.

    Raises:
        MissingColumnsError: a named column is not there.
    """
    named = columns or HistoryColumns()
    require([*spec.keys, *(spec.track or ()), *named.named], history.columns, where="the history table")
    rows = _rows(history, spec, named)
    forgotten = F.lit(False) if horizon is None else F.coalesce(F.col("end") < horizon, F.lit(False))
    report = _reported(_with_neighbours(rows), [*_of_rows(named, len(spec.keys)), *_of_neighbours(named, forgotten)])
    if named.operation is not None:
        report = report.unionByName(_reported(_loose_ends(rows, horizon), [_broken("gap", F.lit(True))]))
    return report.select(
        F.struct(*(F.col(f"k{i}").alias(k) for i, k in enumerate(spec.keys))).alias("key"), "rule", "sequences"
    )


def _rows(history: DataFrame, spec: ChangeSpec, named: HistoryColumns) -> DataFrame:
    """Columns: k<i>, start, end (null = open), sequence, tracked, deleted, and the flags."""
    told = set(named.named) | set(spec.keys)
    data = [f for f in history.schema.fields if f.name not in told and f.name not in RESERVED]
    tracked = [f.name for f in data] if spec.track is None else list(spec.track)
    end = F.col(quoted(named.end))
    if named.open_end is not None:
        end = F.when(end != F.expr(named.open_end), end)
    start = F.col(quoted(named.start))

    def flag(name: str | None) -> Column:
        return (
            F.lit(None).cast("boolean")
            if name is None
            else F.coalesce(F.col(quoted(name)).cast("boolean"), F.lit(False))
        )

    rows = history.select(
        *(F.col(quoted(key)).alias(f"k{i}") for i, key in enumerate(spec.keys)),
        start.alias("start"),
        end.alias("end"),
        (start if named.sequence is None else F.col(quoted(named.sequence))).alias("sequence"),
        ev.comparable(tracked, history.schema).alias("tracked"),
        (F.lit(False) if named.operation is None else F.col(quoted(named.operation)) != UPSERT).alias("deleted"),
        flag(named.current).alias("current"),
        flag(named.latest).alias("latest"),
    )
    point = F.col("start").eqNullSafe(F.col("end"))
    return rows.select("*", (~point if named.operation is not None else F.lit(True)).alias("version"))


def _keys(rows: DataFrame) -> list[str]:
    return [name for name in rows.columns if name[0] == "k" and name[1:].isdigit()]


def _with_neighbours(rows: DataFrame) -> DataFrame:
    """Beside each row what its key has around it: one window, ordered by start, versions before the events inside them."""
    ordered = Window.partitionBy(*_keys(rows)).orderBy("start", F.desc("version"), "sequence")
    so_far = ordered.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    earlier = ordered.rowsBetween(Window.unboundedPreceding, -1)
    whole = ordered.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    version = F.when(F.col("version"), F.struct("start", "end", "sequence", "tracked"))
    before = F.last(version, ignorenulls=True)
    return rows.select(
        "*",
        before.over(earlier).alias("before"),
        before.over(so_far).alias("around"),
        F.count_if(F.col("version") & F.col("end").isNull()).over(so_far).alias("open_so_far"),
        F.max("sequence").over(whole).alias("newest"),
        F.count_if("latest").over(whole).alias("flagged"),
    )


def _of_rows(named: HistoryColumns, keys: int) -> list[Column]:
    """Rules that one row breaks on its own."""
    rules = [
        _broken("null_key", reduce(or_, (F.col(f"k{i}").isNull() for i in range(keys)))),
        _broken("null_start", F.col("start").isNull()),
        _broken("inverted", F.col("end") < F.col("start")),
        _broken("current_flag", F.col("current") != (F.col("end").isNull() & ~F.col("deleted"))),
    ]
    if named.operation is None:
        rules.append(_broken("zero_width", F.col("start") == F.col("end")))
    return rules


def _of_neighbours(named: HistoryColumns, forgotten: Column) -> list[Column]:
    """Rules between the rows of a key. Behind a row that ended before the horizon the latest one may be forgotten."""
    pair = ("before.sequence", "sequence")
    touching = F.col("version") & F.col("before").isNotNull()
    too_soon = F.col("before.end").isNull() | (F.col("before.end") > F.col("start"))
    same = (F.col("before.end") == F.col("start")) & F.col("tracked").eqNullSafe(F.col("before.tracked"))
    second = F.col("version") & F.col("end").isNull() & (F.col("open_so_far") > 1)
    rules = [
        _broken("overlap", touching & too_soon, *pair),
        _broken("two_current", second, *pair),
        _broken("equal_neighbours", touching & same, *pair),
    ]
    if named.operation is not None:
        inside = F.col("around").isNotNull() & (F.col("around.end").isNull() | (F.col("around.end") > F.col("start")))
        rules.append(_broken("orphan", ~F.col("version") & ~F.col("deleted") & ~inside))
    if named.latest is not None:
        newest = F.col("sequence") == F.col("newest")
        wrong = (F.col("latest") != newest) | (newest & (F.col("flagged") != 1))
        wrong = wrong & ~(newest & forgotten & (F.col("flagged") == 0))
        rules.append(_broken("latest_flag", wrong))
    return rules


def _loose_ends(rows: DataFrame, horizon: Column | None) -> DataFrame:
    """Versions that end where nothing of their key begins, neither a version nor a delete."""
    keys = _keys(rows)
    begins = rows.where(F.col("version") | F.col("deleted")).select(*keys, F.col("start").alias("end"))
    remembered = F.lit(True) if horizon is None else F.col("end") >= horizon
    closed = rows.where(F.col("version") & F.col("end").isNotNull() & remembered)
    return closed.join(begins, on=[*keys, "end"], how="left_anti")


def _broken(rule: str, condition: Column, *sequences: str) -> Column:
    """The rule and the sequences of the rows that break it (default: this row's); null where it is kept."""
    return F.when(
        condition, F.struct(F.lit(rule).alias("rule"), F.array(*(sequences or ("sequence",))).alias("sequences"))
    )


def _reported(rows: DataFrame, rules: Sequence[Column]) -> DataFrame:
    """One row for each rule that a row breaks."""
    found = rows.select(*_keys(rows), F.explode(F.array_compact(F.array(*rules))).alias("broken"))
    return found.select(*_keys(rows), "broken.rule", "broken.sequences")
