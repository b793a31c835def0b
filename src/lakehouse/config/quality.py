"""What the rows of a job are held against before they are merged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from lakehouse.config.base import Model, Name
from lakehouse.errors import ConfigError
from lakehouse.quality.rules import looks_back
from lakehouse.quality.rulesets import check_ruleset, parse_ruleset

OnFailure = Literal["quarantine", "warn", "fail"]


class QualityGate(Model):
    """A ruleset for the changes of some source tables, as the recipe makes them.

    Judged are the upserts of a batch that carry every column; rules of whole datasets speak of those. A table has the first
    gate whose `select` fits. With `by`, the days of a batch are judged apart, the oldest first, each as if it had just ended.

    Attributes:
        ruleset: in DQDL, or the name of a file that ends in `.dqdl`, beside the configuration.
        on_failure: `quarantine` sets the rows aside that fail a rule which failed, `warn` only says so, `fail` stops the run
            before any target is written.
        select: the source tables, as an SQL LIKE pattern.
        by: the column of dates that tells the days.
        sources: what rules call other datasets, and the tables that those are, of the job's format, as they are when a batch is
            judged: after the inputs that are listed before its own, and before all of them where `on_failure` is `fail`.
        metrics: the table that keeps what each batch measured, for rules that look back; nothing is kept when left out.
        states: the table that keeps what every batch had in each column, by day, in a form that adds up.
        categories: columns of which it also counts how often each value stands there; values of rows are kept then.
    """

    ruleset: Name
    on_failure: OnFailure = "quarantine"
    select: Name = "%"
    by: Name | None = None
    sources: dict[Name, Name] = Field(default_factory=dict)
    metrics: Name | None = None
    states: Name | None = None
    categories: tuple[Name, ...] = ()

    @field_validator("ruleset")
    @classmethod
    def _ruleset_makes_sense(cls, text: str) -> str:
        try:
            problems = check_ruleset(parse_ruleset(text))
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if problems:
            raise ValueError("; ".join(map(str, problems)))
        return text

    @model_validator(mode="after")
    def _rules_can_look_back(self) -> QualityGate:
        if self.metrics is None and looks_back(parse_ruleset(self.ruleset)):
            msg = "rules look back on earlier batches; name the table that keeps what they measure: metrics"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _categories_are_kept(self) -> QualityGate:
        if self.categories and self.states is None:
            msg = "categories are counted in a table of states; name it: states"
            raise ValueError(msg)
        return self


class CloudWatch(Model):
    """That what rules measure goes to CloudWatch, once a run, by source table and day.

    Attributes:
        namespace: where metrics go.
        dimensions: of all of them, beside table and partition, such as the environment.
        by: `api` calls PutMetricData; `log` writes lines of the embedded metric format to the standard output, where the log of
            the platform goes to CloudWatch.
    """

    namespace: Name
    dimensions: dict[Name, Name] = Field(default_factory=dict)
    by: Literal["api", "log"] = "api"
