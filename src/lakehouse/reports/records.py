"""What is kept of a run beside its page, as JSON: what later pages look back on. It holds counts and metrics, and no values of rows."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from lakehouse.reports.blocks import SEVERITY, Verdict
from lakehouse.reports.findings import RuleResult
from lakehouse.reports.runs import RunReport

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRecord:
    """What came of a rule: its source table, its text, its verdict, and what was measured for it."""

    table: str
    rule: str
    verdict: Verdict
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run that is over.

    Attributes:
        job: what ran.
        run: its identifier.
        started: when it began.
        verdict: of the run.
        read: rows in.
        quarantined: rows set aside.
        rules: of all source tables.
        metrics: all that was measured, by source table.
    """

    job: str
    run: str
    started: datetime
    verdict: Verdict
    read: int
    quarantined: int
    rules: tuple[RuleRecord, ...]
    metrics: Mapping[str, Mapping[str, float]]


def write_record(report: RunReport) -> str:
    """Write what is kept of a run. A metric that is no finite number is left out: JSON has none."""
    told = {
        "version": _VERSION,
        "job": report.job,
        "run": report.run,
        "started": report.started.isoformat(),
        "seconds": report.took.total_seconds(),
        "verdict": report.verdict,
        "files": asdict(report.files),
        "rows": {**asdict(report.rows), "kept": report.rows.kept},
        "targets": [asdict(one) for one in report.targets],
        "rules": [
            {"table": one.table, "rule": rule.rule, "verdict": rule.verdict, "metrics": _finite(rule.metrics)}
            for one in report.judged
            for rule in one.rules
        ],
        "metrics": {one.table: _finite(one.metrics) for one in report.judged},
    }
    return json.dumps(told, ensure_ascii=True, indent=1, allow_nan=False) + "\n"


def read_record(text: str) -> RunRecord | None:
    """Read what `write_record` wrote; None: it is something else, or a part of it."""
    try:
        told = json.loads(text)
        if told["version"] != _VERSION:
            return None
        return RunRecord(
            job=str(told["job"]),
            run=str(told["run"]),
            started=_instant(told["started"]),
            verdict=_verdict(told["verdict"]),
            read=int(told["rows"]["read"]),
            quarantined=sum(map(int, told["rows"]["quarantined"].values())),
            rules=tuple(
                RuleRecord(
                    table=str(one["table"]),
                    rule=str(one["rule"]),
                    verdict=_verdict(one["verdict"]),
                    metrics=_numbers(one["metrics"]),
                )
                for one in told["rules"]
            ),
            metrics={str(table): _numbers(metrics) for table, metrics in told["metrics"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def with_earlier(report: RunReport, records: Sequence[RunRecord]) -> RunReport:
    """The report with what was measured before for each of its rules: by earlier runs, then of parts that come before in this one.

    Args:
        report: of this run.
        records: of earlier runs, the oldest first. Those that did not ask a rule, in these words, say nothing of it.
    """
    before: dict[tuple[str, str], list[Mapping[str, float]]] = {}
    for one in (rule for record in records for rule in record.rules):
        before.setdefault((one.table, one.rule), []).append(one.metrics)
    judged = []
    for part in report.judged:
        asked = [before.setdefault((part.table, rule.rule), []) for rule in part.rules]
        rules = tuple(_looking_back(rule, some) for rule, some in zip(part.rules, asked, strict=True))
        judged.append(replace(part, rules=rules))
        for rule in part.rules:
            before[part.table, rule.rule].append(rule.metrics)
    return replace(report, judged=tuple(judged))


def _looking_back(rule: RuleResult, before: Sequence[Mapping[str, float]]) -> RuleResult:
    return replace(rule, earlier={name: tuple(one.get(name) for one in before) for name in rule.metrics})


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if math.isfinite(value)}


def _numbers(metrics: Any) -> dict[str, float]:
    return {str(name): float(value) for name, value in metrics.items()}


def _verdict(text: str) -> Verdict:
    known: dict[str, Verdict] = {name: name for name in SEVERITY}
    return known[text]


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        msg = f"{text} has no time zone"
        raise ValueError(msg)
    return moment
