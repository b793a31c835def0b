"""Every documented rule type and analyzer, as data: what it takes and what it can be asked.

Source: AWS Glue Developer Guide, "DQDL rule type reference" and the pages of the rule types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["number", "text", "day", "time", "duration", "size"]
"""What a condition compares with; `time` is an hour of the day in quotes, `"9:30 AM"` or `"21:45"`."""

ParameterKind = Literal[
    "column", "columns", "mapping", "reference", "aggregate", "dataset", "query", "pattern", "path", "rule type"
]
"""What a parameter is: a column; columns with commas between; pairs of columns (`a->b`); columns of another dataset
(`alias.column`, `alias.{a,b}`); `sum(column)` or `avg(column)`; the alias of a dataset; a query in SQL; a regular expression;
the path of a file or folder; the name of a rule type."""

COLUMN: ParameterKind = "column"
FILTERS = ("recentFiles", "uriRegex", "filterOrder")
NUMBER = frozenset[Kind]({"number"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleType:
    """What a rule type takes.

    Attributes:
        name: as it is written; letter case counts.
        parameters: the kinds of its parameters, in order.
        required: how many of them have to be there.
        more: whether the last one may be given again and again.
        kinds: what its condition may compare with; empty: it takes none.
        condition: whether there has to be a condition.
        equality: whether the condition can only be `=` and `!=`.
        keywords: whether NULL, EMPTY and WHITESPACES_ONLY are values.
        rule: whether it may stand under Rules.
        analyzer: whether it may stand under Analyzers.
        rows: whether it passes or fails each row.
        threshold: whether `with threshold` may say how many rows, or files, have to pass.
        where: whether rows may be left out by `where`.
        dynamic: whether its condition may speak of earlier metrics, `last(k)`.
        options: the other names that may stand behind `with`.
    """

    name: str
    parameters: tuple[ParameterKind, ...] = ()
    required: int | None = None
    more: bool = False
    kinds: frozenset[Kind] = frozenset()
    condition: bool = True
    equality: bool = False
    keywords: bool = False
    rule: bool = True
    analyzer: bool = False
    rows: bool = False
    threshold: bool = False
    where: bool = False
    dynamic: bool = False
    options: tuple[str, ...] = ()

    @property
    def least(self) -> int:
        """How many parameters it needs."""
        return len(self.parameters) if self.required is None else self.required

    @property
    def most(self) -> int | None:
        """How many parameters it takes; None: any number."""
        return None if self.more else len(self.parameters)


def _metric(name: str, *, columns: int = 1, more: bool = False, rows: bool = False, where: bool = True) -> RuleType:
    """A measure that is a number: rule and analyzer, compared with numbers of now or of earlier runs."""
    return RuleType(
        name=name, parameters=(COLUMN,) * columns, more=more, kinds=NUMBER, analyzer=True, rows=rows, where=where, dynamic=True
    )  # fmt: skip


def _comparison(
    name: str, *parameters: ParameterKind, required: int | None = None, rows: bool = False, dynamic: bool = True
) -> RuleType:
    """How far two datasets agree, as a share."""
    return RuleType(name=name, parameters=parameters, required=required, kinds=NUMBER, rows=rows, dynamic=dynamic)


def _question(
    name: str, parameter: ParameterKind = "column", *, more: bool = False, rows: bool = False, where: bool = False
) -> RuleType:
    """A question that is answered by yes or no, without a condition."""
    return RuleType(name=name, parameters=(parameter,), more=more, condition=False, rows=rows, where=where)


_ALL = (
    _metric("ColumnCorrelation", columns=2),
    _metric("ColumnCount", columns=0, where=False),
    _metric("Completeness", rows=True),
    _metric("DistinctValuesCount"),
    _metric("Entropy"),
    _metric("Mean"),
    _metric("RowCount", columns=0),
    _metric("StandardDeviation"),
    _metric("Sum"),
    _metric("Uniqueness", more=True, rows=True),
    _metric("UniqueValueRatio", rows=True),
    _question("ColumnExists"),
    _question("ColumnNamesMatchPattern", "pattern", where=True),
    _question("IsComplete", rows=True, where=True),
    _question("IsPrimaryKey", more=True, rows=True, where=True),
    _question("IsUnique", more=True, rows=True, where=True),
    RuleType(name="DetectAnomalies", parameters=("rule type", "column"), required=1, more=True, condition=False),
    _comparison("AggregateMatch", "aggregate", "aggregate", dynamic=False),
    _comparison("DatasetMatch", "dataset", "mapping", "mapping", required=2, rows=True),
    _comparison("ReferentialIntegrity", "columns", "reference", rows=True),
    _comparison("RowCountMatch", "dataset"),
    _comparison("SchemaMatch", "dataset"),
    RuleType(
        name="ColumnValues", parameters=("column",), kinds=frozenset({"number", "text", "day"}), keywords=True,
        analyzer=True, rows=True, threshold=True, where=True,
    ),
    RuleType(
        name="ColumnLength", parameters=("column",), kinds=NUMBER,
        analyzer=True, rows=True, threshold=True, where=True,
    ),
    RuleType(
        name="ColumnDataType", parameters=("column",), kinds=frozenset({"text"}), equality=True,
        rows=True, threshold=True, where=True, options=("format",),
    ),
    RuleType(
        name="DataFreshness", parameters=("column",), kinds=frozenset({"duration"}), rows=True, threshold=True, where=True,
    ),
    RuleType(
        name="CustomSql", parameters=("query",), kinds=NUMBER, condition=False,
        analyzer=True, rows=True, threshold=True, dynamic=True,
    ),
    RuleType(
        name="FileFreshness", parameters=("path",), required=0, kinds=frozenset({"day", "time"}),
        threshold=True, options=(*FILTERS, "failFast", "timeZone"),
    ),
    RuleType(
        name="FileMatch", parameters=("path", "path"), required=0, kinds=frozenset({"text"}), condition=False,
        options=(*FILTERS, "hashAlgorithm", "matchFileName"),
    ),
    RuleType(
        name="FileSize", parameters=("path",), required=0, kinds=frozenset({"size"}), threshold=True, options=(*FILTERS, "failFast"),
    ),
    RuleType(
        name="FileUniqueness", parameters=("path",), required=0, kinds=NUMBER, options=(*FILTERS, "matchFileName"),
    ),
    RuleType(name="AllStatistics", parameters=("column",), condition=False, rule=False, analyzer=True),
    RuleType(
        name="Distribution", parameters=("column",), condition=False, rule=False, analyzer=True, options=("bins", "rebin"),
    ),
)  # fmt: skip

RULE_TYPES: Mapping[str, RuleType] = {one.name: one for one in sorted(_ALL, key=lambda one: one.name)}
"""By name."""

SPELLINGS = {"CustomSQL": "CustomSql"}
"""Other names that AWS writes too."""


def find_rule_type(name: str) -> RuleType | None:
    """The rule type of a name; None: there is none."""
    return RULE_TYPES.get(SPELLINGS.get(name, name))
