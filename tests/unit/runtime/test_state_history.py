"""Tables of states: every row counts once, whoever else is at work, and only what is asked for is added up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.config.models import JobConfig
from lakehouse.errors import ConfigError
from lakehouse.runtime.batch_records import BatchRecords
from lakehouse.runtime.gate import check_gates
from lakehouse.runtime.planning import Job
from lakehouse.runtime.runs import Run
from lakehouse.runtime.state_history import StateHistory, roll_up_days
from lakehouse.tables import TableRef, open_table

MONDAY, TUESDAY, SUNDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 8)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_two_runs_that_keep_the_same_rows_count_them_once(spark: SparkSession) -> None:
    """One with a later batch is overtaken while it asks: it adds what the other did not, and the slower one nothing."""
    table = open_table(spark, TableRef(format="iceberg", name=f"lake.states_{uuid4().hex[:8]}.kept"))
    landed = {1: (MONDAY, 10.0), 2: (MONDAY, 20.0), 3: (TUESDAY, 40.0)}

    def history(batch: int, *, job: str = "shop", source: str = "s.orders", by: str | None = "day") -> StateHistory:
        run = Run(job=job, run_id=f"run-{batch}", started_at=NOON)
        return StateHistory(records=BatchRecords(table=table, run=run, source=source, batch=batch), by=by)

    def rows(since: int, through: int) -> DataFrame:
        some = [value for batch, value in landed.items() if since < batch <= through]
        return spark.createDataFrame(some, "day date, total double").coalesce(1)

    def overtaken(since: int) -> DataFrame:
        if since == 0:
            history(1).keep(lambda known: rows(known, 1), at=NOON)
        return rows(since, 3)

    history(3).keep(overtaken, at=NOON)
    history(2).keep(lambda known: rows(known, 2), at=NOON)
    history(3).keep(lambda known: rows(known, 3), at=NOON)
    history(1, job="other", by=None).keep(lambda known: rows(known, 1), at=NOON)
    history(1, source="s.returns").keep(lambda known: rows(known, 1), at=NOON)
    kept = table.read().where("column_name = 'total' AND job = 'shop' AND table_name = 's.orders'")
    assert sorted(map(tuple, kept.select("batch", "partition", "total").collect())) == [
        (1, "2026-03-02", 10.0), (3, "2026-03-02", 20.0), (3, "2026-03-03", 40.0),
    ]  # fmt: skip

    def total(first: date, last: date, source: str = "s.orders", job: str = "shop") -> float | None:
        found = roll_up_days(table.read(), source, first, last, job=job)
        return found["total"].total if found else None

    assert [total(MONDAY, SUNDAY), total(MONDAY, MONDAY), total(TUESDAY, SUNDAY)] == [70.0, 30.0, 40.0]
    assert [total(MONDAY, SUNDAY, source="s.returns"), total(MONDAY, SUNDAY, job="other")] == [10.0, 10.0]
    assert total(date(2026, 2, 1), date(2026, 2, 28)) is None


def test_states_of_full_extracts_are_refused() -> None:
    """Each of them has all rows again."""
    contract = {"keys": ["id"], "columns": {"id": "bigint"}}
    source = {"path": "landing", "feed": "snapshot", "files": "csv", "tables": {"crm.people": contract}}
    gate = {"ruleset": "Rules = [RowCount > 0]", "on_failure": "warn", "states": "ops.states"}
    config = JobConfig.model_validate(
        {
            "job": "j",
            "inputs": {"crm": source},
            "outputs": {"o": {"table": "silver.{table}", "write": "current"}},
            "quality": gate,
        }
    )
    nothing: Any = None
    run = Run(job="j", run_id="r", started_at=NOON)
    job = Job(spark=nothing, config=config, recipe=nothing, params=None, run=run, report=nothing)
    with pytest.raises(ConfigError, match=r"quality\.states: full extracts of crm\.people have the same rows again"):
        check_gates(job)
