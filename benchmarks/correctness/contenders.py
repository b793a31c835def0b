"""The tools under test: ours on both formats, the MERGE statement people write by hand, and `mack`.

Another tool needs a class with a `name` and `answer`, see `battery.Contender`; it is made with a session and a folder.
"""

from __future__ import annotations

import importlib
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from battery import START, Answer, Case, Contender, History, Span
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, LongType, StringType, StructField, StructType

from lakehouse.cdc.changes import ChangeSpec, ParsedChanges
from lakehouse.cdc.history import versions
from lakehouse.cdc.parsing import parse_changes
from lakehouse.columns import FILE, ORIGIN, REASON, ROW, VALID_FROM, VALID_TO
from lakehouse.errors import InvalidChangesError
from lakehouse.tables import Table, TableRef, open_table
from lakehouse.tables.merging import merge_history
from lakehouse.tables.protocol import Format

KEYS = ("case", "key")
SPEC = ChangeSpec(keys=KEYS)
PAYLOAD = StructType(
    [StructField("case", StringType()), StructField("key", LongType()), StructField("name", StringType())]
)
FEED = StructType(
    [
        *PAYLOAD.fields,
        StructField("at", LongType()),
        StructField("op", StringType()),
        StructField(FILE, StringType()),
        StructField(ROW, LongType()),
    ]
)
SPANS = StructType(
    [
        StructField("key", LongType()),
        StructField("name", StringType()),
        StructField("effective_time", LongType()),
        StructField("end_time", LongType()),
        StructField("is_current", BooleanType()),
    ]
)


Make = Callable[[SparkSession, str], Contender]
"""How a contender is made: on a session, with a folder for its tables."""


@dataclass(frozen=True)
class Lakehouse:
    """`merge_history`, with rows that cannot be merged set aside first.

    It works key by key, so the cases go side by side in one table, each with its name as the first part of the key; only
    the tie has a table of its own, because ties are counted by the merge.
    """

    spark: SparkSession
    folder: str
    format: Format
    spec: ChangeSpec = SPEC

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return f"lakehouse, {self.format}"

    def answer(self, cases: Sequence[Case]) -> Mapping[str, Answer]:
        """A merge for each batch of all cases but ties, and one for each of a tie's."""
        tied = [case for case in cases if case.must_tell == "tie"]
        others = [case for case in cases if case.must_tell != "tie"]
        groups = [others, *([case] for case in tied)]
        return {name: answer for group in groups if group for name, answer in self._run(group).items()}

    def _run(self, cases: Sequence[Case]) -> Mapping[str, Answer]:
        table = open_table(self.spark, new_reference(self.format, self.folder))
        parsed = parse(self.spark, cases)
        told: dict[str, Counter[str]] = {case.name: Counter() for case in cases}
        for row in parsed.rejected.select(f"{ORIGIN}.file", REASON).collect():
            told[row["file"]][row[REASON]] += 1
        changes, error = parsed.changes.localCheckpoint(), None
        for turn in range(1 + max(len(case.batches) for case in cases)):
            try:
                ties = merge_history(table, changes.where(F.col(f"{ORIGIN}.row") == turn), self.spec).tie
            except InvalidChangesError as refused:
                error = type(refused).__name__
                break
            for counts in told.values():
                counts.update(tie=ties)
        found = versions(table.read()).select("case", "key", "name", VALID_FROM, VALID_TO).collect()
        rows = {case.name: [(key, *span) for of, key, *span in found if of == case.name] for case in cases}
        return {
            name: Answer(history=history(rows[name]), told={kind: n for kind, n in counts.items() if n}, error=error)
            for name, counts in told.items()
        }


def parse(spark: SparkSession, cases: Sequence[Case]) -> ParsedChanges:
    """All changes of the cases as a change log. The origin of a row is its case and its turn: the start is 0."""
    rows = [
        (case.name, change.key, change.name, change.at, change.op, case.name, turn)
        for case in cases
        for turn, batch in enumerate([START, *case.batches])
        for change in batch
    ]
    frame = spark.createDataFrame(rows, FEED)
    return parse_changes(frame, feed="columns", schema=PAYLOAD, keys=KEYS, op_column="op", sequence={"at": "bigint"})


@dataclass(frozen=True)
class ByStatement(ABC):
    """A tool that merges updates into a table of spans, a table a case. It has no word for a delete: those are left out."""

    spark: SparkSession
    folder: str
    format: Format
    name: str

    def answer(self, cases: Sequence[Case]) -> Mapping[str, Answer]:
        """Every case by itself, for one that fails must not keep the others from an answer."""
        return {case.name: self._run(case) for case in cases}

    @abstractmethod
    def merge(self, table: Table, updates: DataFrame) -> None:
        """Merge one batch: `key`, `name`, `effective_time`."""

    def _run(self, case: Case) -> Answer:
        table = open_table(self.spark, new_reference(self.format, self.folder))
        table.create(SPANS)
        table.append(self.spark.createDataFrame([(c.key, c.name, c.at, None, True) for c in START], SPANS))
        error = None
        for batch in case.batches:
            rows = [(change.key, change.name, change.at) for change in batch if change.op == "U"]
            try:
                self.merge(table, self.spark.createDataFrame(rows, StructType(SPANS.fields[:3])))
            except (PySparkException, Py4JError) as failed:
                error = condition(failed)
        found = table.read().select("key", "name", "effective_time", "end_time").collect()
        return Answer(history=history(tuple(row) for row in found), error=error)


@dataclass(frozen=True)
class Textbook(ByStatement):
    """The single MERGE that the Delta documentation prints for SCD 2."""

    null_safe: bool = False

    def merge(self, table: Table, updates: DataFrame) -> None:
        """Changed rows twice: once to close the open span, once, under a key that matches nothing, to open the next."""
        updates.createOrReplaceTempView("updates")
        target = table.ref.name or f"delta.`{table.ref.path}`"
        differs = "NOT t.name <=> {0}.name" if self.null_safe else "t.name <> {0}.name"
        table.spark.sql(f"""
            MERGE INTO {target} t
            USING (
                SELECT u.key AS merge_key, u.* FROM updates u
                UNION ALL
                SELECT NULL AS merge_key, u.* FROM updates u JOIN {target} t ON u.key = t.key
                WHERE t.is_current AND {differs.format("u")}
            ) s ON t.key = s.merge_key
            WHEN MATCHED AND t.is_current AND {differs.format("s")} THEN
                UPDATE SET is_current = false, end_time = s.effective_time
            WHEN NOT MATCHED THEN INSERT (key, name, effective_time, end_time, is_current)
                VALUES (s.key, s.name, s.effective_time, NULL, true)
        """)  # noqa: S608  names of our own


@dataclass(frozen=True)
class Mack(ByStatement):
    """`mack.type_2_scd_upsert`, where the package is installed."""

    def merge(self, table: Table, updates: DataFrame) -> None:
        """One call."""
        delta = importlib.import_module("delta").DeltaTable.forPath(table.spark, table.ref.path)
        importlib.import_module("mack").type_2_scd_upsert(delta, updates, "key", ["name"])


def new_reference(table_format: Format, folder: str) -> TableRef:
    """A table that is not there yet: Delta by path, Iceberg by name."""
    name = f"t_{uuid4().hex}"
    if table_format == "delta":
        return TableRef(format="delta", path=f"{folder}/{name}")
    return TableRef(format="iceberg", name=f"lake.battery.{name}")


def history(rows: Iterable[tuple[int | None, str | None, int, int | None]]) -> History:
    """Rows as the spans of each key, by their start; an open one after a closed one."""
    found: dict[int | None, list[Span]] = {}
    for key, name, start, end in sorted(rows, key=lambda row: (row[2], row[3] is None, row[3] or 0, repr(row))):
        found.setdefault(key, []).append(Span(name, start, end))
    return found


def condition(error: Exception) -> str:
    """The name that Spark or the table format gives to an error."""
    named = re.search(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+){2,}", str(error))
    return named[0] if named else type(error).__name__


CONTENDERS: Mapping[str, Make] = {
    "lakehouse-delta": lambda spark, folder: Lakehouse(spark, folder, "delta"),
    "lakehouse-iceberg": lambda spark, folder: Lakehouse(spark, folder, "iceberg"),
    "textbook-delta": lambda spark, folder: Textbook(spark, folder, "delta", "textbook MERGE, delta"),
    "textbook-iceberg": lambda spark, folder: Textbook(spark, folder, "iceberg", "textbook MERGE, iceberg"),
    "textbook-null-safe": lambda spark, folder: Textbook(
        spark, folder, "delta", "the same with <=>, delta", null_safe=True
    ),
    "mack": lambda spark, folder: Mack(spark, folder, "delta", "mack, delta"),
}
"""By the names the command knows."""


def find(name: str) -> Make:
    """A contender of this module, or `module:name` of one elsewhere.

    Raises:
        ValueError: there is none of that name here.
    """
    module, colon, attribute = name.partition(":")
    if colon:
        made: Make = getattr(importlib.import_module(module), attribute)
        return made
    if name not in CONTENDERS:
        msg = f"no contender {name!r}; use {', '.join(CONTENDERS)} or module:name"
        raise ValueError(msg)
    return CONTENDERS[name]
