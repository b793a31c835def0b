"""What came of a ruleset: a verdict for each rule, the metrics behind it, and the rows with what they pass and fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pyspark.sql import DataFrame

from lakehouse.quality.profiles import Profile

Verdict = Literal["Passed", "Failed", "Error"]
"""Passed: the data are as the rule asks. Failed: they are not. Error: the rule cannot be worked out, which says nothing of the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one rule, or of one composite.

    Attributes:
        rule: the rule as `format_rule` writes it.
        verdict: whether the data are as it asks.
        reason: why they are not, or what is wrong with the rule; empty when it passed, unless DetectAnomalies did so for want of
            history. Holds no values of rows.
        metrics: what was measured for it, under Glue's names.
        labels: of the rule, the default ones included; a composite has the default ones.
    """

    rule: str
    verdict: Verdict
    reason: str
    metrics: Mapping[str, float]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came of a ruleset.

    Attributes:
        outcomes: one for each entry under `Rules`, in the order of the text.
        rows: the frame with `DataQualityRulesPass`, `DataQualityRulesFail` and `DataQualityRulesSkip` (texts of rules) and
            `DataQualityEvaluationResult`; worked out when it is read.
        distributions: what `Distribution` measured, by column: of numbers the bins, of other columns the most frequent values.
            They are values of rows.
        metrics: all that was measured; kept, it is the history of later evaluations. A name is Glue's, and where Glue gives
            one name to different things, it is followed by what tells them apart: the `where`, or the query.
        unmeasured: analyzers that could not be measured, with the reason.
    """

    outcomes: tuple[Outcome, ...]
    rows: DataFrame
    metrics: Mapping[str, float]
    unmeasured: Mapping[str, str]
    distributions: Mapping[str, Profile] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every rule passed."""
        return all(one.verdict == "Passed" for one in self.outcomes)
