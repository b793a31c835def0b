"""Rulesets put to Deequ, through PyDeequ: the same plan as the native engine's, with Deequ's answers. On Spark 3.5 alone.

Deequ works in a session of its own, made of the frame's as Spark makes one for each stream: the same tables and settings, but
without ANSI mode, which stops Deequ's own casts, and with the frame and the sources as views, which nobody else sees.
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from py4j.java_gateway import JavaClass
from py4j.protocol import Py4JError
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from lakehouse.columns import quoted
from lakehouse.errors import ConfigError
from lakehouse.quality.constants import resolve_rule
from lakehouse.quality.deequ import written
from lakehouse.quality.judging import RuleError
from lakehouse.quality.outcomes import Outcome, Verdict
from lakehouse.quality.plans import Branch, Entry, Leaf, leaves, told
from lakehouse.quality.probes import NOTHING, Subject, predicate
from lakehouse.quality.row_results import FAIL, PASS, RESULT, SKIP
from lakehouse.quality.rule_types import SPELLINGS
from lakehouse.quality.rules import Rule, Ruleset, flat
from lakehouse.runtime.jars import find_runtime
from lakehouse.tables.jvm import FAILURES, acting, java_packages, java_session

OURS = {PASS: "__dq_deequ_pass", FAIL: "__dq_deequ_fail"}
"""What Deequ's own columns are called while the results are made of them."""

LENGTHS = ".LengthCompliance"
"""The end of Deequ's name of what is called `ColumnLength.Compliance` elsewhere."""

NOT_OURS = (".ColumnExists", ".MaximumLength", ".MinimumLength", ".PatternMatch")
"""The ends of the names of metrics that are no metrics of Glue, or something else in Deequ."""

BESIDE = (".Completeness", ".RowCount", ".ColumnValues.Compliance")
"""Those of rules that are asked beside another, and of the others, which leave nulls out then."""

EMPTY = re.compile(
    r"Empty state for analyzer|No rows matched the filter|due to data frame being empty|DataFrame is empty|contains no data",
    re.IGNORECASE,
)
FILTERED = re.compile(r"No rows matched the filter")
OF_DATA = re.compile(r"does not meet the constraint requirement|% of rows passed|do not match the pattern")
"""Reasons that tell of the data; every other one tells that the rule could not be worked out."""

KIND = re.compile(r"\b[A-Z]\w+(?:Exception|Error)\b")
"""The name of a class of failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeequAnswers:
    """What Deequ says.

    Attributes:
        outcomes: of each rule by its place.
        entries: the plan, whose flags are Deequ's.
        frame: the frame, with the columns that the flags are made of.
        columns: these columns.
    """

    outcomes: Mapping[int, Outcome]
    entries: tuple[Entry, ...]
    frame: DataFrame
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A rule as Deequ reads it, and as Deequ calls it in its answer."""

    rule: Rule
    text: str
    name: str


def ask_deequ(
    entries: tuple[Entry, ...], ruleset: Ruleset, subject: Subject, history: Sequence[Mapping[str, float]]
) -> DeequAnswers:
    """Put all rules of a plan to Deequ, as many at once as can be.

    Raises:
        ConfigError: this Spark, session or environment has no Deequ.
    """
    deequ = _Deequ(subject)
    outcomes: dict[int, Outcome] = {}
    questions: dict[int, _Question] = {}
    planned = list(leaves(entries))
    for leaf, rule in zip(planned, flat(ruleset.rules), strict=True):
        try:
            questions[leaf.place] = deequ.question(leaf, rule, ruleset, history)
        except RuleError as error:
            outcomes[leaf.place] = _outcome(leaf, "Error", str(error), {})
    answers = deequ.ask(list(questions.values()))
    for leaf in planned:
        if leaf.place in questions:
            outcomes[leaf.place] = _judged(leaf, questions[leaf.place], answers[questions[leaf.place].name])
    flagged = {
        leaf.place: questions[leaf.place]
        for leaf in planned
        if leaf.probe and leaf.probe.flag is not None and outcomes[leaf.place].verdict != "Error"
    }
    frame = deequ.rows(list(flagged.values()))
    return DeequAnswers(
        outcomes=outcomes,
        entries=tuple(_flagged(entry, flagged) for entry in entries),
        frame=frame,
        columns=tuple(OURS.values()) if flagged else (),
    )


class _Deequ:
    """Deequ on one frame."""

    def __init__(self, subject: Subject) -> None:
        """Start a session of its own with the frame and the sources in it."""
        spark = subject.frame.sparkSession
        self._evaluator = _evaluator(spark)
        self._jvm: Any = java_packages(spark)
        self._outer = spark
        self._own = SparkSession(spark.sparkContext, java_session(spark).cloneSession())
        self._own.conf.set("spark.sql.ansi.enabled", "false")
        self._subject = subject
        self._clock = datetime.now(UTC)
        self._frame = self._moved(subject.frame, self._own)
        self._sources = {alias: self._moved(frame, self._own) for alias, frame in subject.sources.items()}
        for name, frame in {"primary": self._frame, "primary_table": self._frame, **self._sources}.items():
            frame.createOrReplaceTempView(quoted(name))
        self._evaluated: list[tuple[set[str], DataFrame]] = []

    def question(self, leaf: Leaf, rule: Rule, ruleset: Ruleset, history: Sequence[Mapping[str, float]]) -> _Question:
        """A rule in Deequ's words.

        Raises:
            RuleError: the rule is wrong, or Deequ cannot answer it rightly.
        """
        if leaf.probe is None:
            raise RuleError(leaf.problem)
        name = leaf.probe.name
        whole = resolve_rule(replace(rule, type=SPELLINGS.get(rule.type, rule.type)), dict(ruleset.constants))
        text = written(
            whole,
            self._subject,
            earlier=[run[name] for run in reversed(history) if name in run],
            clock=self._clock,
            matches_empty=lambda pattern: bool(self._jvm.java.util.regex.Pattern.matches(pattern, "")),
        )
        try:
            parsed = self._jvm.software.amazon.glue.dqdl.parser.DQDLParser().parse(f"Rules = [{text}]")
        except Py4JError as error:
            msg = f"Deequ cannot read the rule: {getattr(error, 'java_exception', error).getMessage()}"
            raise RuleError(msg) from None
        return _Question(rule=whole, text=text, name=str(parsed.getRules()[0].toString()))

    def ask(self, questions: Sequence[_Question]) -> dict[str, Row | str]:
        """The answers by Deequ's names of the rules; a text: why there is none.

        Queries that give a number share one metric in Deequ, so each is asked by itself.
        """
        texts = {one.name: one.text for one in questions}
        numbers = (one.name for one in questions if one.rule.type == "CustomSql" and one.rule.condition is not None)
        alone = list(dict.fromkeys(numbers))
        answers = self._ask({name: text for name, text in texts.items() if name not in alone})
        for name in alone:
            answers |= self._ask({name: texts[name]})
        return answers

    def _ask(self, texts: Mapping[str, str]) -> dict[str, Row | str]:
        """Ask all at once; those that were not answered again without the others, until it is clear which are wrong."""
        if not texts:
            return {}
        answers: dict[str, Row | str] = {}
        problems: dict[str, str] = {}
        try:
            found, frame = self._evaluate(texts)
        except FAILURES as error:
            problems = dict.fromkeys(texts, told(error))
        else:
            answers |= {name: row for name, row in found.items() if not _wrong(row)}
            problems = {name: _problem(found.get(name)) for name in texts if name not in answers}
            self._evaluated.append((set(answers), frame))
        if len(texts) == 1:
            return {**answers, **problems}
        names = list(problems)
        half = len(names) // 2 if len(names) == len(texts) else len(names)
        for part in (names[:half], names[half:]):
            answers |= self._ask({name: texts[name] for name in part})
        return answers

    def _evaluate(self, texts: Mapping[str, str]) -> tuple[dict[str, Row], DataFrame]:
        with acting(self._own):  # expressions that Deequ makes take the settings of its session
            found = self._evaluator.processRows(
                self._own, self._frame, f"Rules = [{', '.join(texts.values())}]", self._sources
            )
            outcomes = {row.Rule: row for row in found["ruleOutcomes"].collect()}
        return outcomes, found["rowLevelOutcomes"]

    def rows(self, questions: Sequence[_Question]) -> DataFrame:
        """The frame with Deequ's lists of the rules that each row passes and fails."""
        texts = {one.name: one.text for one in questions}
        if not texts:
            return self._subject.frame
        found = next((frame for names, frame in self._evaluated if names >= texts.keys()), None)
        if found is None:
            _, found = self._evaluate(texts)
        return self._moved(found.withColumnsRenamed(OURS).drop(SKIP, RESULT), self._outer)

    def _moved(self, df: DataFrame, session: SparkSession) -> DataFrame:
        """The same frame in another session of the application."""
        plan = df._jdf.queryExecution().analyzed()  # noqa: SLF001 - as Spark itself does it for the batches of a stream
        return DataFrame(self._jvm.org.apache.spark.sql.Dataset.ofRows(java_session(session), plan), session)


def _evaluator(spark: SparkSession) -> Any:
    """PyDeequ's evaluator.

    Raises:
        ConfigError: there is none; says what to do.
    """
    runtime = find_runtime()
    runtime.files(["deequ"])
    os.environ.setdefault("SPARK_VERSION", runtime.spark)  # PyDeequ wants to know when it is imported
    try:
        with warnings.catch_warnings(action="ignore"):  # escapes in its source that Python will refuse one day
            from pydeequ.dqdl import EvaluateDataQuality  # noqa: PLC0415 - an extra, and not to be imported on other Sparks
    except ImportError:
        msg = 'engine="deequ" needs the extra lakehouse[deequ]: pip install it, or take the native engine'
        raise ConfigError(msg) from None
    if not isinstance(java_packages(spark).com.amazon.deequ.dqdl.EvaluateDataQuality, JavaClass):
        msg = 'the session has no Deequ: open it with features=("core", "deequ"), or submit the job with the jars ' + (
            ", ".join(runtime.files(["deequ"]))
        )
        raise ConfigError(msg)
    return EvaluateDataQuality


def _wrong(row: Row) -> bool:
    """Whether a rule failed without a reason that tells of the data."""
    lines = [line for line in (row.FailureReason or "").split("\n") if line.strip()]
    return row.Outcome != "Passed" and not all(OF_DATA.search(line) or EMPTY.search(line) for line in lines)


def _problem(row: Row | None) -> str:
    """Why a rule could not be worked out; of what Spark met only the kind, since its message may hold values of rows."""
    _, unsupported, reason = (row.FailureReason or "" if row else "").partition("not supported due to: ")
    if unsupported:
        return f"Deequ cannot evaluate it: {reason}"
    kinds = KIND.findall(row.FailureReason or "" if row else "")
    return f"Deequ cannot work it out{': ' if kinds else ''}{kinds[0] if kinds else ''}"


def _judged(leaf: Leaf, question: _Question, answer: Row | str) -> Outcome:
    if isinstance(answer, str):
        return _outcome(leaf, "Error", answer, {})
    reason = " ".join((answer.FailureReason or "").split())
    passed = answer.Outcome == "Passed"
    found = {name: float(one) for name, one in (answer.EvaluatedMetrics or {}).items() if not math.isnan(one)}
    if (not found and question.rule.type != "ColumnExists") or (EMPTY if not passed else FILTERED).search(reason):
        return _outcome(leaf, "Failed", NOTHING, {})
    left_out = (*NOT_OURS, *(BESIDE if question.name.startswith("(") else ()))
    metrics = {
        name.replace(LENGTHS, ".ColumnLength.Compliance"): one
        for name, one in found.items()
        if not name.endswith(left_out)
    }
    return _outcome(leaf, "Passed" if passed else "Failed", "" if passed else reason, metrics)


def _outcome(leaf: Leaf, verdict: Verdict, reason: str, metrics: Mapping[str, float]) -> Outcome:
    return Outcome(rule=leaf.text, verdict=verdict, reason=reason, metrics=metrics, labels=leaf.labels)


def _flagged(entry: Entry, questions: Mapping[int, _Question]) -> Entry:
    """The plan with flags made of Deequ's lists; a row in neither is skipped, and so is one that `where` leaves out."""
    if isinstance(entry, Branch):
        return replace(entry, parts=tuple(_flagged(part, questions) for part in entry.parts))
    if entry.probe is None:
        return entry
    question = questions.get(entry.place)
    if question is None:
        return replace(entry, probe=replace(entry.probe, flag=None))
    passed, failed = (F.array_contains(F.col(name), F.lit(question.name)) for name in OURS.values())
    flag = F.when(passed, F.lit(True)).when(failed, F.lit(False))
    where = predicate(question.rule.where)
    return replace(entry, probe=replace(entry.probe, flag=flag if where is None else F.when(where, flag)))
