"""What the rules of a run measured, into CloudWatch: by its API, or as lines of the log that it takes them from."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime

from lakehouse.aws.clients import open_client
from lakehouse.aws.metrics import embedded_lines, put_metrics
from lakehouse.quality.distributions import without_bins
from lakehouse.quality.metrics import ROWS_QUARANTINED, ROWS_READ, MetricRow, metric_rows, verdict_metrics
from lakehouse.runtime.planning import Job
from lakehouse.runtime.reporting import Judged


def publish_metrics(job: Job, judged: Iterable[Judged], *, now: datetime) -> None:
    """Send the metrics of a run where the configuration wants it. What keeps them from arriving is told, and never fails the run.

    Args:
        job: the job of the run.
        judged: what its rules said.
        now: the instant, with a zone.
    """
    wanted = job.config.cloudwatch
    rows = [row for one in judged for row in _rows(job, one)]
    if wanted is None or not rows:
        return
    namespace, dimensions = wanted.namespace, wanted.dimensions
    try:
        if wanted.by == "log":
            lines, unsent = embedded_lines(rows, namespace=namespace, now=now, dimensions=dimensions)
            sys.stdout.write("".join(f"{line}\n" for line in lines))
        else:
            client = open_client("cloudwatch", purpose="a metric in CloudWatch")
            unsent = put_metrics(client, rows, namespace=namespace, now=now, dimensions=dimensions)
    except Exception as error:  # noqa: BLE001  the run did its work, whoever hears of it
        job.report.step(
            "metrics_not_sent", f"no metrics went to CloudWatch: {type(error).__name__}", error=type(error).__name__
        )
        return
    if unsent:
        reasons = sorted({one.reason for one in unsent})
        message = f"{len(unsent)} of {len(rows)} metrics did not go to CloudWatch: {'; '.join(reasons)}"
        job.report.step("metrics_not_sent", message, metrics=len(unsent))


def _rows(job: Job, judged: Judged) -> tuple[MetricRow, ...]:
    counted = {ROWS_READ: float(judged.rows), ROWS_QUARANTINED: float(judged.failed)}
    return metric_rows(
        {**without_bins(judged.metrics), **verdict_metrics(judged.outcomes), **counted},
        run_id=job.run.run_id,
        at=job.run.started_at,
        table=judged.table,
        partition=judged.day,
    )
