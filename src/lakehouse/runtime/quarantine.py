"""Rows that could not be understood: kept with the reason and their text, counted, and never in the way of the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

from lakehouse.cdc.changes import ORIGIN_TYPE, TOO_LATE, ParsedChanges
from lakehouse.columns import BATCH, DETAIL, FILE, LOADED_AT, ORIGIN, RAW, REASON, ROW, RUN_ID, TABLE, quoted
from lakehouse.failpoints import reach
from lakehouse.runtime.ingestion import RefusedFile
from lakehouse.runtime.reporting import Drift
from lakehouse.runtime.runs import Run
from lakehouse.tables import CommitMarker, Table
from lakehouse.tables.guarding import append_unless, create_once
from lakehouse.tables.protocol import applied_property
from lakehouse.tables.statements import quoted_text

SCHEMA = StructType(
    [
        StructField(TABLE, StringType()),
        StructField(REASON, StringType()),
        StructField(DETAIL, StringType()),
        StructField(RAW, StringType()),
        StructField(FILE, StringType()),
        StructField(ROW, LongType()),
        StructField(BATCH, LongType()),
        StructField(LOADED_AT, TimestampType()),
        StructField(RUN_ID, StringType()),
    ]
)

LEFT_OUT = "left out by the recipe"
FAILS_RULES = "fails_rules"
"""The reason of a row that the ruleset of the job holds back."""
REPLAYED = "replayed"
"""The reason of a row that says that a record was mended and landed again."""

Parse = Callable[[DataFrame], ParsedChanges]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the rows of a slice of bronze went: `rows` = `understood` + `rejected` + `skipped`.

    A record that holds several changes counts as a row for each.

    `changes` is what the understood rows yielded: one each, two for a change of key. `drift` is what they hold beside the
    contract, where somebody looked.
    """

    understood: int = 0
    changes: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()

    @property
    def rows(self) -> int:
        """All of them."""
        return self.understood + sum(self.rejected.values()) + sum(self.skipped.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Bronze rows after batch `since` up to batch `through`, and what the feed makes of them, worked out once."""

    rows: DataFrame
    parsed: ParsedChanges
    parse: Parse
    since: int
    through: int

    @classmethod
    def of(cls, rows: DataFrame, parse: Parse, *, since: int, through: int) -> Slice:
        """Cut the slice out of `rows` and parse it."""
        cut = rows.where((F.col(BATCH) > since) & (F.col(BATCH) <= through))
        # Parsed once however many jobs read it, and a leaf to the planner: a parser's plan is long.
        parsed = ParsedChanges(rows=parse(cut).rows.localCheckpoint(eager=False))
        return cls(rows=cut, parsed=parsed, parse=parse, since=since, through=through)

    def rejected(self, *, since: int) -> DataFrame:
        """The rejected rows of the batches after `since`."""
        return (
            self.parsed.rejected if since <= self.since else self.parse(self.rows.where(F.col(BATCH) > since)).rejected
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """The quarantine table of a run. Safe to settle again: what is in there up to a batch is not added twice."""

    table: Table
    run: Run
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self, table: str, slice_: Slice) -> Account:
        """Account for the rows of one source table and keep the rejected ones, before anything is merged."""
        account = account_for(slice_.parsed)
        if account.rejected:
            mine = f"{TABLE} = {quoted_text(table)} AND {REASON} NOT IN ('{TOO_LATE}', '{FAILS_RULES}')"
            self._keep_new(table, mine, slice_)
        return account

    def held_through(self, table: str) -> int:
        """The newest batch of a source table of which rows are held back; 0: none ever was."""
        return self._newest(_held(table)) if self.table.exists() else 0

    def held(self, table: str, *, since: int, through: int) -> DataFrame:
        """Which records of some batches are held back: `_source_file` and `_row`, each once."""
        mine = f"{_held(table)} AND {BATCH} > {since:d} AND {BATCH} <= {through:d}"
        return self.table.read().where(mine).select(FILE, ROW).distinct()

    def hold(self, table: str, rows: DataFrame, *, known: int, through: int) -> None:
        """Hold rows of a batch back, unless another run did meanwhile: then those are held back that it told of."""
        self._ensure()
        self._keep(table, rows, unless=f"{_held(table)} AND {BATCH} > {known:d}", through=through)

    def keep_late(self, table: str, target: str, late: DataFrame, *, through: int) -> None:
        """Keep changes that lie before the horizon of a target, which its merge will set aside."""
        detail = f"before the horizon of {target}"
        raw = F.to_json(F.struct(*[F.col(quoted(name)) for name in late.columns if name != ORIGIN]))
        origin = F.col(ORIGIN) if ORIGIN in late.columns else F.lit(None).cast(ORIGIN_TYPE).alias(ORIGIN)
        rows = late.select(F.lit(TOO_LATE).alias(REASON), F.lit(detail).alias(DETAIL), raw.alias(RAW), origin)
        if rows.isEmpty():
            return
        mine = f"{TABLE} = {quoted_text(table)} AND {DETAIL} = {quoted_text(detail)}"
        while True:
            done = self._kept(mine)
            places = F.struct(F.col(FILE).alias("file"), F.col(ROW).alias("row")).alias("place")
            known = self.table.read().where(mine).select(places)
            place = F.struct(f"{ORIGIN}.file", f"{ORIGIN}.row")
            new = rows.withColumn("place", place).join(known, on="place", how="left_anti").localCheckpoint(eager=False)
            if new.isEmpty() or self._keep(table, new, unless=f"{mine} AND {BATCH} > {done:d}", through=through):
                return

    def settle_unrouted(
        self, app: str, bronze: Table, rows: Callable[[int], DataFrame], parse: Parse, *, through: int
    ) -> Account:
        """Account for rows that belong to no table of the job, and keep what is not skipped on purpose.

        `rows` gives those of the batches after one. How far this went is noted in the properties of bronze, since nothing
        else has to be written for such rows.
        """
        done = int(bronze.properties().get(applied_property(app), "0"))
        if done >= through:
            return Account()
        slice_ = Slice.of(rows(done), parse, since=done, through=through)
        account = account_for(slice_.parsed)
        if account.rejected:
            self._keep_new(None, f"{TABLE} IS NULL", slice_)
        reach("quarantine.before_note")
        bronze.set_properties({applied_property(app): str(through)})
        reach("quarantine.after_note")
        return account

    def keep_files(self, refused: Sequence[RefusedFile]) -> None:
        """Keep files that were not read, by name: a row for each, of no table, no batch and no row.

        One that is in there already, with the same content and for the same reason, is not added twice.
        """
        self._ensure()
        told = [(file.landed.file, file.reason, _described(file)) for file in refused]
        while True:
            named = self.table.read().where(F.col(FILE).isin([file for file, _, _ in told]) & F.col(ROW).isNull())
            known = {(row[FILE], row[REASON], row[DETAIL]) for row in named.select(FILE, REASON, DETAIL).collect()}
            new = [one for one in told if one not in known]
            if not new or self._keep_named(new):
                return

    def note_replayed(self, places: Sequence[tuple[str, int]], *, into: str) -> None:
        """Note that records, by file and row, went into a file; it is told in full or not at all, and once."""
        by_run = self.run.started_at, self.run.run_id
        rows = [(None, REPLAYED, into, None, file, row, None, *by_run) for file, row in places]
        frame = self.table.spark.createDataFrame(rows, SCHEMA)
        with self.lock:
            append_unless(
                self.table, frame.coalesce(1), where=f"{REASON} = '{REPLAYED}' AND {DETAIL} = {quoted_text(into)}"
            )

    def _keep_named(self, new: Sequence[tuple[str, str, str]]) -> bool:
        """Add files with the reason and the detail of each, unless another run added one of them; whether they were added."""
        by_run = self.run.started_at, self.run.run_id
        rows = [(None, reason, detail, None, file, None, None, *by_run) for file, reason, detail in new]
        frame = self.table.spark.createDataFrame(rows, SCHEMA)
        listed = ", ".join(f"({', '.join(map(quoted_text, one))})" for one in new)
        with self.lock:
            return append_unless(
                self.table, frame.coalesce(1), where=f"{ROW} IS NULL AND ({FILE}, {REASON}, {DETAIL}) IN ({listed})"
            )

    def _ensure(self) -> None:
        with self.lock:
            create_once(self.table, SCHEMA)

    def _keep_new(self, table: str | None, mine: str, slice_: Slice) -> None:
        """Keep the rejected rows of the batches that `mine` tells nothing of, also when another run is about to keep some."""
        while (done := self._kept(mine)) < slice_.through:
            rejected = slice_.rejected(since=done)
            if self._keep(table, rejected, unless=f"{mine} AND {BATCH} > {done:d}", through=slice_.through):
                return

    def _kept(self, mine: str) -> int:
        """The newest batch of which such rows are in the table."""
        self._ensure()
        return self._newest(mine)

    def _newest(self, mine: str) -> int:
        known = self.table.read().where(mine).agg(F.max(BATCH)).head()
        return (known[0] or 0) if known else 0

    def _keep(self, table: str | None, rejected: DataFrame, *, unless: str, through: int) -> bool:
        """Add rejected rows unless there are some that another run added meanwhile; whether they were added."""
        kept = rejected.select(
            F.lit(table).cast(StringType()).alias(TABLE),
            REASON,
            DETAIL,
            RAW,
            F.col(f"{ORIGIN}.file").alias(FILE),
            F.col(f"{ORIGIN}.row").alias(ROW),
            F.lit(through).cast(LongType()).alias(BATCH),
            F.lit(self.run.started_at).cast(TimestampType()).alias(LOADED_AT),
            F.lit(self.run.run_id).alias(RUN_ID),
        )
        with self.lock:
            reach("quarantine.before_append")
            marker = CommitMarker(app=f"{self.run.job}/{table or 'unrouted'}", sequence=through)
            added = append_unless(self.table, kept, where=unless, commit=marker)
            reach("quarantine.after_append")
        return added


def _held(table: str) -> str:
    return f"{TABLE} = {quoted_text(table)} AND {REASON} = '{FAILS_RULES}'"


def _described(file: RefusedFile) -> str:
    """What is wrong, and with which content, so that another one of the same name is told apart."""
    content = "" if file.hash is None else f", sha256 {file.hash}"
    return f"{file.detail} ({file.landed.size} bytes{content})"


def account_for(parsed: ParsedChanges) -> Account:
    """Count where the rows went, in one job."""
    rejected: dict[str, int] = {}
    skipped: dict[str, int] = {}
    understood = moved = 0
    counts = F.count_if(~F.col("moved")).alias("rows"), F.count_if("moved").alias("moved")
    for row in parsed.rows.groupBy("kind", "reason").agg(*counts).collect():
        if row.kind is not None:
            skipped[row.kind] = skipped.get(row.kind, 0) + row.rows
        elif row.reason is not None:
            rejected[row.reason] = row.rows
        else:
            understood, moved = row.rows, row.moved
    return Account(understood=understood, changes=understood + moved, rejected=rejected, skipped=skipped)


def left_out(account: Account, changes: DataFrame, *, merged: int) -> Account:
    """The account with the understood rows that the recipe left out counted as skipped.

    Args:
        account: of the rows that `changes` was made from.
        changes: what the recipe made of them.
        merged: how many rows `changes` has; only when these are not as many as were parsed, there is something to look for.
    """
    if merged == account.changes:
        return account
    kept = changes.select(F.count_distinct(ORIGIN)).head()
    missing = account.understood - (kept[0] if kept else 0)
    return replace(account, skipped={**account.skipped, LEFT_OUT: missing}) if missing else account
