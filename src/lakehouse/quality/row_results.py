"""The rows of a frame with the rules that each passes and fails, under the names of Glue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_, or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import folded, quoted
from lakehouse.errors import ConfigError
from lakehouse.quality.outcomes import Verdict
from lakehouse.quality.plans import Branch, Entry, Leaf, leaves

PASS, FAIL, SKIP = "DataQualityRulesPass", "DataQualityRulesFail", "DataQualityRulesSkip"
RESULT = "DataQualityEvaluationResult"
FLAG = "__dq_flag_"


def require_names(df: DataFrame) -> None:
    """Fail when a frame has columns of the names that results have.

    Raises:
        ConfigError: it has.
    """
    ours = {folded(name) for name in (PASS, FAIL, SKIP, RESULT)}
    there = [name for name in df.columns if folded(name) in ours or name.startswith("__dq_")]
    if there:
        msg = f"the frame has {', '.join(there)} already, which the results are called: drop or rename"
        raise ConfigError(msg)


def with_flags(df: DataFrame, entries: Sequence[Entry], verdicts: Mapping[int, Verdict]) -> DataFrame:
    """The frame with a column for each rule that passes or fails rows; a rule that is an error has none."""
    flagged = [one for one in leaves(entries) if _has_flag(one, verdicts)]
    columns = [
        one.probe.flag.alias(f"{FLAG}{one.place}")
        for one in flagged
        if one.probe is not None and isinstance(one.probe.flag, Column)
    ]
    df = df.select("*", *columns)
    for one in flagged:
        if one.probe is not None and one.probe.flag is not None and not isinstance(one.probe.flag, Column):
            df = one.probe.flag(df, f"{FLAG}{one.place}")
    return df


def row_results(df: DataFrame, entries: Sequence[Entry], verdicts: Mapping[int, Verdict], *, by_row: bool) -> DataFrame:
    """The rows of a frame with what they pass, fail and skip.

    A row skips the rules that say nothing of it: those on the whole dataset, those whose `where` leaves it out, and errors.
    It has Passed if it fails none.

    Args:
        df: the frame.
        entries: the plan.
        verdicts: of each rule by its place.
        by_row: whether a composite is worked out for each row, with the verdicts of rules on the whole dataset.
    """
    flags = [(entry.text, passes(entry, verdicts, by_row=by_row)) for entry in entries]
    own = [F.col(quoted(name)) for name in df.columns]
    passed = _listed([F.when(flag, F.lit(text)) for text, flag in flags])
    failed = _listed([F.when(~flag, F.lit(text)) for text, flag in flags])
    skipped = _listed([F.when(flag.isNull(), F.lit(text)) for text, flag in flags])
    results = with_flags(df, entries, verdicts).select(
        *own, passed.alias(PASS), failed.alias(FAIL), skipped.alias(SKIP)
    )
    return results.withColumn(RESULT, F.when(F.size(FAIL) == 0, F.lit("Passed")).otherwise(F.lit("Failed")))


def passes(entry: Entry, verdicts: Mapping[int, Verdict], *, by_row: bool) -> Column:
    """Whether a row passes a rule or composite, of the columns of `with_flags`; null: it says nothing of the row."""
    if isinstance(entry, Leaf):
        if _has_flag(entry, verdicts):
            return F.col(f"{FLAG}{entry.place}")
        verdict = verdicts[entry.place] if by_row else "Error"
        return F.lit(None if verdict == "Error" else verdict == "Passed").cast("boolean")
    silent = [one for one in leaves([entry]) if not _has_flag(one, verdicts)]
    if silent and not by_row:
        return F.lit(None).cast("boolean")
    parts = [passes(one, verdicts, by_row=by_row) for one in entry.parts]
    return reduce(and_ if entry.operator == "and" else or_, parts)


def branches(entries: Sequence[Entry]) -> list[tuple[int, Branch]]:
    """The composites that are entries of a plan, with their place among the entries."""
    return [(place, entry) for place, entry in enumerate(entries) if isinstance(entry, Branch)]


def _has_flag(leaf: Leaf, verdicts: Mapping[int, Verdict]) -> bool:
    return leaf.probe is not None and leaf.probe.flag is not None and verdicts[leaf.place] != "Error"


def _listed(texts: Sequence[Column]) -> Column:
    return F.array_compact(F.array(*texts).cast("array<string>"))
