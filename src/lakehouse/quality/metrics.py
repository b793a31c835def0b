"""What runs measured of tables, as rows that are kept: the history that later evaluations look back on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pyspark.sql import Row
from pyspark.sql.types import DoubleType, StringType, StructField, StructType, TimestampType

from lakehouse.errors import ConfigError
from lakehouse.quality.outcomes import Outcome, Verdict

RULES_PASSED: Final = "glue.data.quality.rules.passed"
RULES_FAILED: Final = "glue.data.quality.rules.failed"
"""How many rules a run passed and failed, as Glue Data Quality calls them in CloudWatch."""
RULES_IN_ERROR: Final = "lakehouse.rules.error"
"""How many rules could not be worked out."""
ROWS_READ: Final = "lakehouse.rows.read"
ROWS_QUARANTINED: Final = "lakehouse.rows.quarantined"
"""How many rows a run looked at, and set aside."""

METRICS = StructType(
    [
        StructField("run_id", StringType()),
        StructField("at", TimestampType()),
        StructField("table_name", StringType()),
        StructField("partition", StringType()),
        StructField("name", StringType()),
        StructField("value", DoubleType()),
    ]
)
"""The columns of the table that keeps metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One number that one run measured.

    Attributes:
        run_id: the run.
        at: its instant, with a zone; the same for all that it measured.
        table: what was measured.
        partition: the part of the table that was measured; None: all of it.
        name: as `Evaluation.metrics` has it: `Column.email.Completeness`.
        value: what was measured.

    Raises:
        ConfigError: the instant has no zone.
    """

    run_id: str
    at: datetime
    table: str
    partition: str | None = None
    name: str
    value: float

    def __post_init__(self) -> None:
        """Refuse an instant that is none."""
        require_zone(self.at)


def require_zone(at: datetime) -> None:
    """See that an instant is one.

    Raises:
        ConfigError: it has no zone.
    """
    if at.utcoffset() is None:
        msg = f"the instant {at} has no time zone: give one such as datetime(2026, 1, 1, tzinfo=UTC)"
        raise ConfigError(msg)


def metric_rows(
    metrics: Mapping[str, float], *, run_id: str, at: datetime, table: str, partition: str | None = None
) -> tuple[MetricRow, ...]:
    """The metrics of one run as rows, in their order.

    Args:
        metrics: `Evaluation.metrics`, and whatever else a run counts.
        run_id: the run.
        at: its instant, with a zone.
        table: what was measured.
        partition: the part of the table that was measured; None: all of it.
    """
    return tuple(
        MetricRow(run_id=run_id, at=at, table=table, partition=partition, name=name, value=float(value))
        for name, value in metrics.items()
    )


def verdict_metrics(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """How many rules passed, failed, and are in error; all three, also where there are none."""
    told = Counter(one.verdict for one in outcomes)
    names: Mapping[Verdict, str] = {"Passed": RULES_PASSED, "Failed": RULES_FAILED, "Error": RULES_IN_ERROR}
    return {name: float(told[verdict]) for verdict, name in names.items()}


def history_of(rows: Iterable[MetricRow], table: str, *, partition: str | None = None) -> list[dict[str, float]]:
    """What earlier runs measured of a table, a run to a mapping, the oldest first, as `evaluate(history=...)` takes it.

    Runs of one instant are ordered by their identifiers. A row that is there twice, as after a write that was tried again,
    counts once.

    Args:
        rows: in any order, of any tables.
        table: whose history it is.
        partition: the part of the table; None: what was measured of all of it, and nothing of parts.
    """
    runs: dict[tuple[datetime, str], dict[str, float]] = {}
    for row in rows:
        if (row.table, row.partition) == (table, partition):
            runs.setdefault((row.at, row.run_id), {})[row.name] = row.value
    return [runs[run] for run in sorted(runs)]


def metric_record(row: MetricRow) -> tuple[object, ...]:
    """A row as `METRICS` has it, for `createDataFrame`."""
    return (row.run_id, row.at, row.table, row.partition, row.name, row.value)


def metric_row(record: Row) -> MetricRow:
    """A collected row of `METRICS`."""
    return MetricRow(
        run_id=record["run_id"],
        at=collected_instant(record["at"]),
        table=record["table_name"],
        partition=record["partition"],
        name=record["name"],
        value=record["value"],
    )


def collected_instant(at: datetime) -> datetime:
    """A collected timestamp as the instant it is; Spark gives it as a clock of the zone of this process."""
    return at.astimezone(UTC)
