"""Alarms on the metrics of a table, as data: the arguments of PutMetricAlarm, resources of CloudFormation, and a plan of changes.

Form and limits: the API reference of CloudWatch (PutMetricAlarm, MetricDataQuery), its guide on metric math and on missing data.
The metrics are those that `lakehouse.aws.metrics` sends of `verdict_metrics` and of what a run read and quarantined.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

from lakehouse.aws.metric_names import check_namespace, dimension_list, metric_dimensions, metric_name
from lakehouse.errors import ConfigError
from lakehouse.quality.metrics import ROWS_QUARANTINED, ROWS_READ, RULES_FAILED, RULES_IN_ERROR, RULES_PASSED

Alarm = dict[str, Any]
"""The arguments of PutMetricAlarm."""

_MINUTE, _LONGEST = timedelta(minutes=1), timedelta(days=7)
_NAME, _DESCRIPTION, _ACTIONS = 255, 1024, 5
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_COMPARATORS: Mapping[str, str] = {
    "both": "LessThanLowerOrGreaterThanUpperThreshold",
    "below": "LessThanLowerThreshold",
    "above": "GreaterThanUpperThreshold",
}
_SETTINGS = frozenset(
    {
        "AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions",
        "MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit", "EvaluationPeriods",
        "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData", "EvaluateLowSampleCountPercentile",
        "Metrics", "ThresholdMetricId",
    }
)  # fmt: skip
"""What of a described alarm is its configuration; the rest is its state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is watched, and who is told.

    An alarm looks at all that came in the last `every + grace`, not at the last minutes: a metric has the instant at which its run
    began, and comes when that is done.

    Attributes:
        namespace: of the metrics, as they are sent.
        table: whose metrics they are.
        dimensions: of all metrics, as they are sent.
        every: how often the table is measured.
        grace: how much later a run may come; whole minutes together.
        topics: ARNs of SNS topics that are told of an alarm and of its end; five at most.
        prefix: begins the name of each alarm. All alarms that begin with it belong to who plans with it.

    Raises:
        ConfigError: names what CloudWatch would not take.
    """

    namespace: str
    table: str
    dimensions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    every: timedelta
    grace: timedelta = timedelta(hours=1)
    topics: Sequence[str] = ()
    prefix: str = "lakehouse: "

    def __post_init__(self) -> None:
        """Hold it to the limits of alarms."""
        check_namespace(self.namespace)
        metric_dimensions(self.table, more=self.dimensions)
        window = self.every + self.grace
        if window % _MINUTE or not _MINUTE <= window <= _LONGEST:
            msg = f"every {self.every} and grace {self.grace}: together they must be whole minutes, and seven days at most"
            raise ConfigError(msg)
        if len(self.topics) > _ACTIONS:
            msg = f"topics: {len(self.topics)} are too many, an alarm tells {_ACTIONS}; let one topic tell the others"
            raise ConfigError(msg)
        require_prefix(self.prefix)

    @property
    def period(self) -> int:
        """How far an alarm looks back, in seconds."""
        return (self.every + self.grace) // timedelta(seconds=1)


def require_prefix(prefix: str) -> None:
    """See that alarms are told from those of others.

    Raises:
        ConfigError: it is blank.
    """
    if not prefix.strip():
        msg = "the prefix of alarms is blank, so that every alarm of the account would belong to it; give one"
        raise ConfigError(msg)


def failed_rules(watch: Watch) -> Alarm:
    """Rings when a run fails a rule, and until one that passes is all there is in the time that is looked at."""
    return _on_count(watch, RULES_FAILED, "rules failed", "A run failed at least one rule.")


def rules_in_error(watch: Watch) -> Alarm:
    """Rings when a run could not work a rule out."""
    return _on_count(watch, RULES_IN_ERROR, "rules in error", "A run could not work out at least one rule.")


def _on_count(watch: Watch, metric: str, name: str, description: str) -> Alarm:
    # Without a run nothing is known: whoever was alarmed stays so, and missing runs have an alarm of their own.
    return _alarm(watch, name, description) | {
        **_metric(watch, metric),
        "Statistic": "Maximum",
        "Period": watch.period,
        "Threshold": 0.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "ignore",
    }


def missing_runs(watch: Watch) -> Alarm:
    """Rings when no run came in time: what is missing is what is wrong.

    The gaps are filled with zeros, as CloudWatch looks back beyond the time that is asked for when data are missing, and would
    find the run before. Where it finds none at all, there is nothing to fill, and that is wrong as well.
    """
    return _alarm(watch, "runs missing", f"No run was measured within {watch.every + watch.grace}.") | {
        "Metrics": [
            {"Id": "came", "Expression": "FILL(runs, 0)", "Label": "runs that came", "ReturnData": True},
            _query(watch, "runs", RULES_PASSED, "SampleCount", returned=False),
        ],
        "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
    }


def quarantined_rows(watch: Watch, *, share: float) -> Alarm:
    """Rings when more than a share of the rows that were read was quarantined.

    Args:
        watch: what is watched.
        share: from 0 to 1.

    Raises:
        ConfigError: it is no share.
    """
    if not 0 <= share <= 1:
        msg = f"share: {share} must be from 0 to 1"
        raise ConfigError(msg)
    quarantined = "IF(read > 0, quarantined / read, 0)"
    return _alarm(
        watch, "rows quarantined", f"More than {share * 100:g} % of the rows that were read were quarantined."
    ) | {
        "Metrics": [
            {"Id": "share", "Expression": quarantined, "Label": "share of rows in quarantine", "ReturnData": True},
            _query(watch, "read", ROWS_READ, "Sum", returned=False),
            _query(watch, "quarantined", ROWS_QUARANTINED, "Sum", returned=False),
        ],
        "Threshold": float(share),
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "ignore",
    }


def unusual_metric(
    watch: Watch, metric: str, *, deviations: float = 2.0, side: Literal["both", "below", "above"] = "both"
) -> Alarm:
    """Rings when a metric leaves the band that CloudWatch expects of it; it learns from two weeks at most.

    Args:
        watch: what is watched.
        metric: as `Evaluation.metrics` has it: `Dataset.*.RowCount`.
        deviations: half the width of the band, in standard deviations.
        side: on which side of it.

    Raises:
        ConfigError: the width is not above 0.
    """
    if not deviations > 0:
        msg = f"deviations: {deviations} must be above 0"
        raise ConfigError(msg)
    band = f"ANOMALY_DETECTION_BAND(measured, {deviations:g})"
    name = metric_name(metric)
    return _alarm(watch, f"unusual {name}", f"{name} is outside of what is expected of it.") | {
        "Metrics": [
            _query(watch, "measured", metric, "Average", returned=True),
            {"Id": "expected", "Expression": band, "Label": "expected", "ReturnData": True},
        ],
        "ThresholdMetricId": "expected",
        "ComparisonOperator": _COMPARATORS[side],
        "TreatMissingData": "ignore",
    }


def _alarm(watch: Watch, name: str, description: str) -> Alarm:
    full, told = f"{watch.prefix}{watch.table}: {name}", f"{description} Table: {watch.table}"
    for what, text, most in (("name", full, _NAME), ("description", told, _DESCRIPTION)):
        if len(text) > most or _CONTROL.search(text):
            msg = f"the {what} of an alarm has {len(text)} characters; {most} can be, in one line: {text[:40]!r}"
            raise ConfigError(msg)
    topics = {"AlarmActions": list(watch.topics), "OKActions": list(watch.topics)} if watch.topics else {}
    return {"AlarmName": full, "AlarmDescription": told, **topics, "EvaluationPeriods": 1}


def _metric(watch: Watch, metric: str) -> dict[str, Any]:
    dimensions = dimension_list(metric_dimensions(watch.table, more=watch.dimensions))
    return {"Namespace": watch.namespace, "MetricName": metric_name(metric), "Dimensions": dimensions}


def _query(watch: Watch, name: str, metric: str, statistic: str, *, returned: bool) -> dict[str, Any]:
    stat = {"Metric": _metric(watch, metric), "Period": watch.period, "Stat": statistic}
    return {"Id": name, "MetricStat": stat, "ReturnData": returned}


def alarm_resources(alarms: Iterable[Alarm]) -> dict[str, Any]:
    """Alarms as resources of a CloudFormation template, by logical names that depend on the names of the alarms alone."""
    return {_logical(alarm["AlarmName"]): {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm} for alarm in alarms}


def _logical(name: str) -> str:
    return f"Alarm{hashlib.sha256(name.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmPlan:
    """What there is to do so that there are the wanted alarms and no others.

    Attributes:
        put: arguments of PutMetricAlarm, of alarms that are missing or different.
        delete: names of alarms that nobody wants any more.
        unchanged: names of alarms that are as they should be.
    """

    put: tuple[Alarm, ...]
    delete: tuple[str, ...]
    unchanged: tuple[str, ...]


def plan_alarms(wanted: Iterable[Alarm], existing: Iterable[Mapping[str, Any]], *, prefix: str) -> AlarmPlan:
    """Compare alarms with those that are there.

    Args:
        wanted: the alarms that there should be.
        existing: `MetricAlarms` of DescribeAlarms; those without the prefix are somebody else's.
        prefix: begins the names of one's own alarms.

    Raises:
        ConfigError: the prefix is blank, a wanted alarm does not begin with it, or two have one name.
    """
    require_prefix(prefix)
    every = list(wanted)
    names = [alarm["AlarmName"] for alarm in every]
    wrong = sorted({name for name in names if not name.startswith(prefix) or names.count(name) > 1})
    if wrong:
        msg = f"alarms {', '.join(wrong)}: each must have a name of its own that begins with {prefix!r}"
        raise ConfigError(msg)
    there = {one["AlarmName"]: _settings(one) for one in existing if one["AlarmName"].startswith(prefix)}
    same = {alarm["AlarmName"] for alarm in every if there.get(alarm["AlarmName"]) == _settings(alarm)}
    return AlarmPlan(
        put=tuple(alarm for alarm in every if alarm["AlarmName"] not in same),
        delete=tuple(sorted(there.keys() - set(names))),
        unchanged=tuple(name for name in names if name in same),
    )


def _settings(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """What was configured, without what CloudWatch adds for itself and without defaults."""
    told = {name: alarm[name] for name in _SETTINGS & alarm.keys() if alarm[name] not in (None, "", [])}
    if told.get("ActionsEnabled") is True:
        del told["ActionsEnabled"]
    return {name: _in_order(value) for name, value in told.items()}


def _in_order(value: Any) -> Any:
    """Dimensions and topics in one order, which has no meaning; queries by their names."""
    if isinstance(value, Mapping):
        return {name: _in_order(one) for name, one in value.items() if one not in (None, "", [])}
    return sorted(map(_in_order, value), key=repr) if isinstance(value, list | tuple) else value
