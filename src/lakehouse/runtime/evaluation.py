"""Rulesets in DQDL, evaluated: the pure plan of `lakehouse.quality` is asked of Spark here, in as few queries as there can be.

The queries: one for all aggregates of the frame, however many rules there are; one for all sets of columns whose values are
counted (Uniqueness, Entropy and their like), which reads the frame once for each set; one or two for all distributions; one for each source that is counted or
summed; one for each ReferentialIntegrity, DatasetMatch and CustomSql; one for composites, if those are worked out by row. Rules on files run none.
When a query fails, its halves are asked, and so on, so that one bad rule is one error and the others have their verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import Columns, as_tuple, quoted
from lakehouse.errors import ConfigError
from lakehouse.quality.anomalies import Strategy
from lakehouse.quality.asking import ANSWERS, PLACE, count_groups
from lakehouse.quality.deequ_differences import DIFFERENCES
from lakehouse.quality.distributions import count_bins, ends, equal_edges, profile_of
from lakehouse.quality.formatting import format_analyzer
from lakehouse.quality.outcomes import Evaluation, Outcome, Verdict
from lakehouse.quality.plans import (
    DETECTOR,
    Entry,
    Leaf,
    combine,
    judge,
    judge_rows,
    leaves,
    plan_analyzers,
    plan_rules,
    told,
)
from lakehouse.quality.probes import Bins, Groups, Probe, Subject, count
from lakehouse.quality.row_results import branches, passes, require_names, row_results, with_flags
from lakehouse.quality.rules import Ruleset
from lakehouse.quality.rulesets import parse_ruleset
from lakehouse.runtime.deequ import ask_deequ
from lakehouse.runtime.rule_files import file_lister
from lakehouse.tables.jvm import FAILURES, acting, keep_text

T = TypeVar("T")
Answer = tuple[Any, ...] | str
"""Answers in the order of what was asked; a text: why there are none."""

PRIMARY = ("primary", "primary_table")
"""What a query of CustomSql calls the frame."""


def evaluate(  # noqa: PLR0913 - each is something that rules may ask for, given by its name
    df: DataFrame,
    ruleset: Ruleset | str,
    *,
    sources: Mapping[str, DataFrame] = MappingProxyType({}),
    as_of: datetime,
    history: Sequence[Mapping[str, float]] = (),
    anomalies: Strategy = DETECTOR,
    composites: Literal["dataset", "row"] = "dataset",
    carried: Columns = (),
    files: str | None = None,
    engine: Literal["native", "deequ"] = "native",
) -> Evaluation:
    """Work out every rule of a ruleset. Rules fail and err by themselves: nothing of that is raised.

    >>> frame = spark.createDataFrame([(1, "a@b.c"), (2, None)], "id int, email string")
    >>> as_of = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    >>> found = evaluate(frame, 'Rules = [IsPrimaryKey "id", Completeness "email" >= 0.99]', as_of=as_of)
    >>> [(one.verdict, one.reason) for one in found.outcomes]
    [('Passed', ''), ('Failed', '0.5 is not >= 0.99')]

    Args:
        df: the primary dataset. It is read more than once: keep it, if it is dear.
        ruleset: a ruleset or its text.
        sources: the other datasets, by the alias that rules and queries call them.
        as_of: the instant that `now()` and ages are of; days begin at midnight of its zone.
        history: `Evaluation.metrics` of earlier runs, the oldest first, for `last(k)` and `DetectAnomalies`.
        anomalies: what `DetectAnomalies` expects after that history.
        composites: whether a composite joins the verdicts of its rules, or is asked of each row, which all have to pass.
        carried: columns that rules do not see and the rows keep, such as where a row came from; not for Deequ.
        files: the folder or the file that the frame was read from, for rules on files that name no path.
        engine: who works the rules out. Deequ needs Spark 3.5 and the feature `deequ` of the session; the verdicts are the same,
            but for what `lakehouse.quality.deequ_differences.DIFFERENCES` lists.

    Raises:
        RulesetError: the text is no ruleset.
        ConfigError: `as_of` has no zone, the frame has columns that the results are called, or there is no Deequ here.
        PySparkException or Py4JJavaError: the frame itself cannot be read; what Spark says of it.
    """
    if as_of.utcoffset() is None:
        msg = "as_of has no time zone: an instant is needed, such as datetime(2026, 1, 1, tzinfo=UTC)"
        raise ConfigError(msg)
    require_names(df)
    keep_text(df.sparkSession)  # predicates and queries of rules are text, too
    parsed = parse_ruleset(ruleset) if isinstance(ruleset, str) else ruleset
    seen = df.drop(*as_tuple(carried))
    subject = Subject(
        frame=seen,
        sources=sources,
        as_of=as_of,
        query=lambda text: _query(text, seen, sources),
        files=file_lister(df.sparkSession, files),
        history=history,
    )
    with acting(df.sparkSession):
        entries = plan_rules(parsed, subject)
        if engine == "deequ":
            _refuse_what_deequ_lacks(by_row=composites == "row", carried=as_tuple(carried))
            return _by_deequ(parsed, subject, entries, history)
        return _by_spark(df, parsed, subject, entries, anomalies, by_row=composites == "row")


def _by_spark(
    df: DataFrame, parsed: Ruleset, subject: Subject, entries: Sequence[Entry], anomalies: Strategy, *, by_row: bool
) -> Evaluation:
    """What Spark answers, judged; `df` has the carried columns as well."""
    rules = list(leaves(entries))
    analyzers = plan_analyzers(parsed, subject, first=len(rules))
    planned = [*rules, *analyzers]
    answers = _answers(subject, [one.probe for one in planned])
    judged = [judge(one, answer, subject.history, anomalies) for one, answer in zip(planned, answers, strict=True)]
    verdicts = {one.place: outcome.verdict for one, outcome in zip(planned, judged, strict=True)}
    outcomes = [_outcome(entry, judged) for entry in entries]
    return Evaluation(
        outcomes=tuple(_by_row(df, entries, verdicts, outcomes) if by_row else outcomes),
        rows=row_results(df, entries, verdicts, by_row=by_row),
        metrics=_metrics(planned, judged),
        unmeasured={
            judged[one.place].rule: judged[one.place].reason for one in analyzers if verdicts[one.place] == "Error"
        },
        distributions={
            one.probe.bins.column: answer[0]
            for one, answer in zip(planned, answers, strict=True)
            if one.probe and one.probe.bins and not isinstance(answer, str)
        },
    )


def _metrics(planned: Iterable[Leaf], judged: Sequence[Outcome]) -> dict[str, float]:
    """All that was measured, each with what tells it from others of its name."""
    return {
        name + (one.probe.qualifier if one.probe else ""): value
        for one, outcome in zip(planned, judged, strict=True)
        for name, value in outcome.metrics.items()
    }


def _refuse_what_deequ_lacks(*, by_row: bool, carried: Sequence[str]) -> None:
    if by_row:
        msg = f"Deequ {DIFFERENCES['by row'].deequ}: leave composites as they are, or take the native engine"
        raise ConfigError(msg)
    if carried:
        msg = "carried columns are kept by the native engine alone"
        raise ConfigError(msg)


def _by_deequ(
    ruleset: Ruleset, subject: Subject, entries: tuple[Entry, ...], history: Sequence[Mapping[str, float]]
) -> Evaluation:
    found = ask_deequ(entries, ruleset, subject, history)
    judged = [found.outcomes[leaf.place] for leaf in leaves(entries)]
    verdicts = {place: outcome.verdict for place, outcome in found.outcomes.items()}
    lacking = f"Deequ {DIFFERENCES['types'].deequ}: take the native engine"
    return Evaluation(
        outcomes=tuple(_outcome(entry, judged) for entry in entries),
        rows=row_results(found.frame, found.entries, verdicts, by_row=False).drop(*found.columns),
        metrics=_metrics(leaves(entries), judged),
        unmeasured={format_analyzer(one): lacking for one in ruleset.analyzers},
    )


def _answers(subject: Subject, probes: Sequence[Probe | None]) -> list[Answer]:
    """All answers to each probe, as `Probe.read` takes them."""
    frame = subject.frame

    def readable() -> None:
        frame.agg(count(None)).collect()

    plain = _aggregated(frame, [one.aggregates if one else () for one in probes], otherwise=readable)
    sources = {
        alias: _aggregated(
            subject.sources[alias],
            [tuple(column for name, column in one.sources if name == alias) if one else () for one in probes],
        )
        for alias in dict.fromkeys(alias for one in probes if one for alias, _ in one.sources)
    }
    wanted = list(dict.fromkeys(one.groups for one in probes if one and one.groups))
    grouped = dict(zip(wanted, _asked(lambda some: _grouped(frame, some), wanted, otherwise=readable), strict=True))
    binned = list(dict.fromkeys(one.bins for one in probes if one and one.bins))
    profiles = dict(zip(binned, _asked(lambda some: _profiled(frame, some), binned, otherwise=readable), strict=True))
    return [
        _together(
            plain[place],
            *(sources[alias][place] for alias in dict.fromkeys(alias for alias, _ in (one.sources if one else ()))),
            *([grouped[one.groups]] if one and one.groups else []),
            *([profiles[one.bins]] if one and one.bins else []),
            *([_asked(_first_row, [one.query])[0]] if one and one.query is not None else []),
        )
        for place, one in enumerate(probes)
    ]


def _together(*parts: Answer) -> Answer:
    failed = [part for part in parts if isinstance(part, str)]
    return failed[0] if failed else tuple(value for part in parts for value in part)


def _aggregated(
    df: DataFrame, asked: Sequence[tuple[Column, ...]], *, otherwise: Callable[[], None] | None = None
) -> list[Answer]:
    """The values of aggregates of one frame, as they were asked together."""

    def run(some: Sequence[tuple[Column, ...]]) -> list[Answer]:
        values = iter(df.agg(*(column for columns in some for column in columns)).collect()[0])
        return [tuple(next(values) for _ in columns) for columns in some]

    answers = iter(_asked(run, [columns for columns in asked if columns], otherwise=otherwise))
    return [next(answers) if columns else () for columns in asked]


def _grouped(df: DataFrame, some: Sequence[Groups]) -> list[Answer]:
    sets: dict[tuple[str, ...], list[Groups]] = {}
    for one in some:
        sets.setdefault(one.columns, []).append(one)
    found = {row[PLACE]: row[ANSWERS] for row in count_groups(df, list(sets.values())).collect()}
    places = {columns: place for place, columns in enumerate(sets)}
    return [tuple(found[places[one.columns]][sets[one.columns].index(one)]) for one in some]


def _profiled(df: DataFrame, some: Sequence[Bins]) -> list[Answer]:
    """The profile of each column; columns of numbers that have no edges yet are asked for their ends before."""
    without = [one for one in some if one.numeric and not one.edges]
    found = iter(df.agg(*(end for one in without for end in ends(one))).collect()[0] if without else ())
    known = [
        replace(one, edges=equal_edges(next(found), next(found), one.number)) if one in without else one for one in some
    ]
    rows = count_bins(df, known).collect()
    return [(profile_of(rows, place, one),) for place, one in enumerate(known)]


def _first_row(some: Sequence[DataFrame]) -> list[Answer]:
    return [tuple(df.collect()[0]) for df in some]


def _asked(
    run: Callable[[Sequence[T]], list[Answer]], items: Sequence[T], *, otherwise: Callable[[], None] | None = None
) -> list[Answer]:
    """Ask all at once, and if that fails one half and then the other.

    Args:
        run: asks some of them.
        items: what is asked.
        otherwise: what to look at before a failure is taken for one of the rules; it raises if it is not.
    """
    if not items:
        return []
    try:
        return run(items)
    except FAILURES as error:
        if otherwise is not None:
            otherwise()
        if len(items) == 1:
            return [told(error)]
    half = len(items) // 2
    return [*_asked(run, items[:half]), *_asked(run, items[half:])]


def _outcome(entry: Entry, judged: Sequence[Outcome]) -> Outcome:
    if isinstance(entry, Leaf):
        return judged[entry.place]
    return combine(entry, [_outcome(one, judged) for one in entry.parts])


def _by_row(
    df: DataFrame, entries: Sequence[Entry], verdicts: Mapping[int, Verdict], outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """The outcomes, those of composites by how many rows pass them; one with an error in it keeps the outcome of its rules."""
    sound = {one.place for one in leaves(entries) if verdicts[one.place] != "Error"}
    composites = [one for one in branches(entries) if {leaf.place for leaf in leaves([one[1]])} <= sound]
    flags = [passes(branch, verdicts, by_row=True) for _, branch in composites]
    asked = [(F.count(flag), F.count_if(flag)) for flag in flags]
    answers = _aggregated(with_flags(df, entries, verdicts), asked)
    found = list(outcomes)
    for (place, branch), answer in zip(composites, answers, strict=True):
        found[place] = judge_rows(branch, outcomes[place], answer)
    return found


def _query(text: str, df: DataFrame, sources: Mapping[str, DataFrame]) -> DataFrame:
    """The frame of a query that calls frames by name; it can be nothing but a query, since it stands in parentheses."""
    named = {**dict.fromkeys(PRIMARY, df), **sources}
    mentioned = [name for name in named if name.lower() in text.lower()]
    frames: dict[str, Any] = {f"frame_{place}": named[name] for place, name in enumerate(mentioned)}
    views = [_braced(quoted(name)) + f" AS (TABLE {{frame_{place:d}}})" for place, name in enumerate(mentioned)]
    if not views:
        return df.sparkSession.sql(f"SELECT * FROM (\n{text}\n)")  # nosec B608  # noqa: S608 - documented as SQL
    statement = f"WITH {', '.join(views)} SELECT * FROM (\n{_braced(text)}\n)"  # nosec B608  # noqa: S608 - documented as SQL
    return df.sparkSession.sql(statement, **frames)


def _braced(text: str) -> str:
    """Text that stays as it is where braces hold frames."""
    return text.replace("{", "{{").replace("}", "}}")
