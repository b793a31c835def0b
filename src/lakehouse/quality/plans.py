"""A ruleset as a plan: each rule with the probe that works it out, or with what is wrong with it; and its verdict."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.errors import AnalysisException, ParseException, PySparkException

from lakehouse.quality.anomalies import RollingZScore, Strategy, detect
from lakehouse.quality.checking import check_ruleset
from lakehouse.quality.constants import resolve_rule
from lakehouse.quality.distributions import DISTRIBUTIONS
from lakehouse.quality.file_rules import FILE_RULES
from lakehouse.quality.formatting import format_analyzer, format_condition, format_rule
from lakehouse.quality.groupings import GROUPINGS
from lakehouse.quality.judging import RuleError, holds, plainly, told_numbers
from lakehouse.quality.measures import MEASURES, require_number
from lakehouse.quality.outcomes import Outcome, Verdict
from lakehouse.quality.probes import ALL, NOTHING, Compile, Probe, Subject, plain
from lakehouse.quality.references import REFERENCES
from lakehouse.quality.rule_types import SPELLINGS
from lakehouse.quality.rules import Analyzer, Composite, Rule, Ruleset
from lakehouse.quality.shares import SHARES
from lakehouse.quality.statistics import ALL_STATISTICS, spread

COMPILERS: Mapping[str, Compile] = {**MEASURES, **SHARES, **GROUPINGS, **DISTRIBUTIONS, **REFERENCES, **FILE_RULES}
LONGEST_REASON = 300

DETECTOR = RollingZScore()
"""How DetectAnomalies tells anomalies when nothing else is said; Glue does not say how it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One rule: its place among all of the plan, and its probe, or what is wrong with it."""

    place: int
    text: str
    labels: Mapping[str, str]
    probe: Probe | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A composite."""

    operator: str
    parts: tuple[Leaf | Branch, ...]
    text: str
    labels: Mapping[str, str]


Entry = Leaf | Branch


def plan_rules(ruleset: Ruleset, subject: Subject) -> tuple[Entry, ...]:
    """Plan each rule, in the order of the text. A rule that cannot be worked out is planned too, with the reason."""
    places = iter(range(10**9))

    def entry(rule: Rule | Composite) -> Entry:
        text = format_rule(rule)
        if isinstance(rule, Composite):
            labels = dict(ruleset.default_labels)
            return Branch(operator=rule.operator, parts=tuple(map(entry, rule.rules)), text=text, labels=labels)
        labels = ruleset.labels_of(rule)
        try:
            if parts := _detections(rule, ruleset, subject):
                return Branch(operator="and", parts=tuple(map(entry, parts)), text=text, labels=labels)
            probe = _compiled(rule, ruleset, subject)
        except (RuleError, PySparkException) as error:
            return Leaf(place=next(places), text=text, labels=labels, problem=told(error))
        return Leaf(place=next(places), text=text, labels=labels, probe=probe)

    return tuple(map(entry, ruleset.rules))


def plan_analyzers(ruleset: Ruleset, subject: Subject, *, first: int) -> tuple[Leaf, ...]:
    """Plan each analyzer as rules whose verdicts do not matter, one for each that it stands for; their places begin at `first`."""
    places = itertools.count(first)
    planned: list[Leaf] = []
    for analyzer in ruleset.analyzers:
        text = format_analyzer(analyzer)
        try:
            _require_sound(Ruleset(analyzers=(analyzer,), constants=ruleset.constants))
            probes = [_analyzed(one, ruleset, subject) for one in spread(analyzer, subject)]
        except (RuleError, PySparkException) as error:
            planned.append(Leaf(place=next(places), text=text, labels={}, problem=told(error)))
            continue
        planned += [Leaf(place=next(places), text=text, labels={}, probe=probe) for probe in probes]
    return tuple(planned)


def _analyzed(analyzer: Analyzer, ruleset: Ruleset, subject: Subject) -> Probe:
    condition = None if analyzer.type in {"ColumnLength", "ColumnValues"} else ALL
    rule = Rule(type=analyzer.type, parameters=analyzer.parameters, condition=condition, options=analyzer.options)
    return _probe(resolve_rule(rule, dict(ruleset.constants)), subject)


def _compiled(rule: Rule, ruleset: Ruleset, subject: Subject) -> Probe:
    _require_sound(Ruleset(rules=(rule,), constants=ruleset.constants))
    return _probe(resolve_rule(rule, dict(ruleset.constants)), subject)


def _require_sound(ruleset: Ruleset) -> None:
    if problems := [problem.message for problem in check_ruleset(ruleset)]:
        raise RuleError("; ".join(problems))


def _probe(rule: Rule, subject: Subject) -> Probe:
    name = SPELLINGS.get(rule.type, rule.type)
    if name == "DetectAnomalies":
        return _detection(rule, subject)
    if name not in COMPILERS:
        msg = f"{name} is not evaluated yet"
        raise RuleError(msg)
    return COMPILERS[name](replace(rule, type=name), subject)


def _detections(rule: Rule, ruleset: Ruleset, subject: Subject) -> list[Rule]:
    """The rules that DetectAnomalies stands for where it looks at all statistics of a column; none: it stands for itself."""
    if rule.type != "DetectAnomalies" or plain(rule.parameters[0]) != ALL_STATISTICS:
        return []
    _require_sound(Ruleset(rules=(rule,), constants=ruleset.constants))
    whole = resolve_rule(rule, dict(ruleset.constants))
    parts = spread(Analyzer(type=ALL_STATISTICS, parameters=whole.parameters[1:]), subject)
    return [replace(rule, parameters=(part.type, *part.parameters)) for part in parts]


def _detection(rule: Rule, subject: Subject) -> Probe:
    """DetectAnomalies measures what the analyzer of its first parameter does; it says nothing of rows."""
    analyzer = Analyzer(type=plain(rule.parameters[0]), parameters=rule.parameters[1:])
    _require_sound(Ruleset(analyzers=(analyzer,)))
    if analyzer.type == "ColumnValues":  # of what is no number, it measures nothing
        name = plain(analyzer.parameters[0])
        require_number(subject.column_type(name), name)
    return replace(_analyzed(analyzer, Ruleset(), subject), detects=True, flag=None)


def leaves(entries: Sequence[Entry]) -> Iterator[Leaf]:
    """All rules of a plan, those in composites too, in the order of the text."""
    for entry in entries:
        if isinstance(entry, Leaf):
            yield entry
        else:
            yield from leaves(entry.parts)


def judge(
    leaf: Leaf,
    answers: tuple[Any, ...] | str,
    history: Sequence[Mapping[str, float]],
    anomalies: Strategy = DETECTOR,
) -> Outcome:
    """The outcome of a rule.

    Args:
        leaf: the rule.
        answers: to all that its probe asks; a text: why there is none.
        history: metrics of earlier runs, the oldest first.
        anomalies: what DetectAnomalies expects of them.
    """
    if leaf.probe is None or isinstance(answers, str):
        return _outcome(leaf, "Error", leaf.problem or str(answers), {})
    probe = leaf.probe
    earlier = [run[probe.name] for run in reversed(history) if probe.name in run]
    try:
        reading = probe.read(*answers)
        metrics = {name: float(value) for name, value in reading.metrics.items() if value is not None}
        if probe.detects:
            return _detected(leaf, metrics, [_named(run, metrics, probe) for run in history], anomalies)
        if reading.value is None:
            return _outcome(leaf, "Failed", probe.nothing, metrics)
        if holds(probe.expected, reading.value, earlier):
            return _outcome(leaf, "Passed", "", metrics)
    except RuleError as error:
        return _outcome(leaf, "Error", str(error), {})
    said = f"{plainly(reading.value)} is not {format_condition(probe.expected)}{told_numbers(probe.expected, earlier)}"
    return _outcome(leaf, "Failed", reading.failure or said, metrics)


def _named(run: Mapping[str, float], metrics: Mapping[str, float], probe: Probe) -> Mapping[str, float]:
    """What an earlier run measured of the metrics of a probe, by their names without its qualifier."""
    return {name: run[name + probe.qualifier] for name in metrics if name + probe.qualifier in run}


def _detected(
    leaf: Leaf, metrics: Mapping[str, float], history: Sequence[Mapping[str, float]], anomalies: Strategy
) -> Outcome:
    """The outcome of DetectAnomalies: it fails if any of its metrics is an anomaly, and tells of those that nobody can judge."""
    if not metrics:
        return _outcome(leaf, "Failed", NOTHING, metrics)
    found = {name: detect([run.get(name) for run in history], value, anomalies) for name, value in metrics.items()}
    failed = any(one.verdict == "Anomaly" for one in found.values())
    told = {name: one.reason for name, one in found.items() if one.verdict == ("Anomaly" if failed else "Unknown")}
    reasons = [f"{name}: {reason}" for name, reason in told.items()]
    return _outcome(leaf, "Failed" if failed else "Passed", "; ".join(reasons), metrics)


def combine(branch: Branch, parts: Sequence[Outcome]) -> Outcome:
    """The outcome of a composite by those of its parts: an error matters only where the others do not decide."""
    verdicts = [one.verdict for one in parts]
    decisive: Verdict = "Failed" if branch.operator == "and" else "Passed"
    other: Verdict = "Passed" if branch.operator == "and" else "Failed"
    verdict: Verdict = decisive if decisive in verdicts else "Error" if "Error" in verdicts else other
    reasons = [f"{one.rule}: {one.reason}" for one in parts if one.verdict == verdict and one.reason]
    metrics = {name: value for one in parts for name, value in one.metrics.items()}
    return _outcome(branch, verdict, "; ".join(reasons), metrics)


def judge_rows(branch: Branch, outcome: Outcome, answers: tuple[Any, ...] | str) -> Outcome:
    """The outcome of a composite that is asked of each row.

    Args:
        branch: the composite.
        outcome: that of its rules together, which has the metrics, and stands if no row is asked.
        answers: how many rows are asked, and how many pass; a text: why there is no answer.
    """
    if isinstance(answers, str):
        return _outcome(branch, "Error", answers, outcome.metrics)
    rows, passing = answers
    if not rows:
        return outcome
    reason = f"{rows - passing} of {rows} rows do not pass" if passing < rows else ""
    return _outcome(branch, "Failed" if reason else "Passed", reason, outcome.metrics)


def told(error: Exception) -> str:
    """What is wrong, in a line; of what Spark met while it ran only the kind, since its message may hold values of rows."""
    if isinstance(error, RuleError):
        return str(error)
    if isinstance(error, AnalysisException | ParseException):
        return " ".join(re.split(r"== SQL|JVM stacktrace|; ?line \d+ pos|;\n", str(error))[0].split())[:LONGEST_REASON]
    cause = getattr(error, "java_exception", None)
    while cause is not None and cause.getCause() is not None:
        cause = cause.getCause()
    if cause is not None:
        return f"Spark cannot work it out: {cause.getClass().getSimpleName()}"
    kind = getattr(error, "getCondition", getattr(error, "getErrorClass", str))()
    return f"Spark cannot work it out: {kind or type(error).__name__}"


def _outcome(entry: Entry, verdict: Verdict, reason: str, metrics: Mapping[str, float]) -> Outcome:
    return Outcome(rule=entry.text, verdict=verdict, reason=reason, metrics=metrics, labels=entry.labels)
