"""All that Deequ does otherwise than DQDL is documented, and what is done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

from lakehouse.quality.judging import RuleError


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What Deequ does otherwise.

    Attributes:
        rules: which rules it is about.
        deequ: what Deequ does, as the rest of a sentence that begins with its name.
        kept: corrected: the rule is written so that the answer is right. refused: the rule is an error, with this as its reason.
            stays: it depends on the data, and nobody can tell beforehand.
        here: what comes of it.
    """

    rules: str
    deequ: str
    kept: Literal["corrected", "refused", "stays"]
    here: str = "the rule is an error"


DIFFERENCES: Mapping[str, Difference] = {
    "types": Difference(
        rules="`DetectAnomalies`, `FileFreshness`, `FileMatch`, `FileSize`, `FileUniqueness`, analyzers",
        deequ="does not know them",
        kept="refused",
        here="the rule is an error; analyzers are listed in `unmeasured`",
    ),
    "several": Difference(
        rules="`Uniqueness`, `IsUnique`, `IsPrimaryKey` of several columns",
        deequ="reads one column only, in this version",
        kept="refused",
    ),
    "data type": Difference(
        rules="`ColumnDataType`",
        deequ="asks whether a value can be cast, even at a loss: 1.5 is an INTEGER to it",
        kept="refused",
    ),
    "threshold": Difference(
        rules="`ColumnValues`, `ColumnLength`, `DataFreshness` with a threshold",
        deequ="leaves the threshold out, or does not read it",
        kept="refused",
    ),
    "not matches": Difference(
        rules="`ColumnValues` `not matches`", deequ="looks for the pattern as a word", kept="refused"
    ),
    "empty match": Difference(
        rules="`ColumnValues` `matches` with a pattern that an empty text matches",
        deequ="takes an empty match for none",
        kept="refused",
    ),
    "blank": Difference(
        rules="`ColumnValues` with `WHITESPACES_ONLY`", deequ="takes blanks alone for white", kept="refused"
    ),
    "other text": Difference(
        rules="`ColumnValues` with texts, where the column holds something else",
        deequ="turns the text into a value of the column",
        kept="refused",
    ),
    "instants": Difference(
        rules="`ColumnValues` with days or `now()`, where the column is no date, `=`, `!=` and `in` of texts aside",
        deequ="cuts instants and texts down to days",
        kept="refused",
    ),
    "clock": Difference(
        rules="`now()`, `DataFreshness`",
        deequ="knows no other now than that of the clock",
        kept="refused",
        here="the rule is an error if `as_of` is more than a minute from the clock",
    ),
    "digits": Difference(
        rules="conditions of numbers with more than 15 digits", deequ="takes numbers for doubles", kept="refused"
    ),
    "quotes": Difference(
        rules="parameters and `where` with a quote in them, or a backslash at the end",
        deequ="keeps the backslash before a quote",
        kept="refused",
    ),
    "dots": Difference(rules="columns with a dot in their name", deequ="takes the dot for a field", kept="refused"),
    "schemas": Difference(
        rules="`SchemaMatch` of datasets whose columns have other names",
        deequ="counts other columns, or none",
        kept="refused",
    ),
    "zero": Difference(
        rules="`ColumnLength` `not in` and `not between` with 0",
        deequ="lets every text pass",
        kept="refused",
    ),
    "name pattern": Difference(
        rules="`ColumnNamesMatchPattern`", deequ="is content with a part of the name", kept="corrected",
        here="the pattern is written to match all of it",
    ),
    "alternatives": Difference(
        rules="`ColumnValues` `matches`", deequ="binds only the first and the last alternative to the ends of the text",
        kept="corrected", here="the pattern is put in parentheses",
    ),
    "escapes": Difference(
        rules="texts with `\\\\` or `'`, and texts that look like days or times",
        deequ="reads them as they stand, or as another kind of value",
        kept="corrected", here="they are written as Spark SQL escapes",
    ),
    "expressions": Difference(
        rules="arithmetic and `last(k)`", deequ="knows no precedence and no history", kept="corrected",
        here="they are worked out beforehand",
    ),
    "nulls": Difference(
        rules="`ColumnLength`, `ColumnValues` `not between` days",
        deequ="leaves nulls out", kept="corrected", here="a rule on nulls is asked beside it",
    ),
    "length": Difference(
        rules="`ColumnLength` `!=`", deequ="looks at the shortest and the longest text alone", kept="corrected",
        here="it is written as `not in`",
    ),
    "range": Difference(
        rules="`ColumnValues` `between` numbers", deequ="does not tell whether there was a row", kept="corrected",
        here="`RowCount` is asked beside it",
    ),
    "distinct": Difference(
        rules="`DistinctValuesCount`", deequ="counts null as a value", kept="corrected", here="nulls are left out by `where`"
    ),
    "null number": Difference(
        rules="`CustomSql` with a condition", deequ="takes null for 0", kept="corrected",
        here="the query gives NaN instead, which is told as nothing to measure",
    ),
    "duplicates": Difference(
        rules="`CustomSql` without a condition", deequ="counts a row once for each equal row of the query", kept="corrected",
        here="the query gives each row once",
    ),
    "views": Difference(
        rules="`CustomSql`", deequ="makes `primary` a view in some forms alone, and leaves it behind", kept="corrected",
        here="the frame and the sources are views of a session of its own",
    ),
    "nothing": Difference(
        rules="rules whose rows are all left out", deequ="lets some of them pass", kept="corrected",
        here="a rule that passes without a metric fails: there is nothing to measure",
    ),
    "spoiled": Difference(
        rules="a rule that fails to run", deequ="fails all rules that are measured in the same query, or raises",
        kept="corrected", here="the others are asked again without it",
    ),
    "same": Difference(
        rules="equal rules, the order of the outcomes, labels, constants", deequ="drops, mixes up or refuses them",
        kept="corrected", here="each rule has its outcome, in the order of the text",
    ),
    "composites": Difference(
        rules="composites", deequ="takes an error for a failure", kept="corrected", here="the verdicts are joined as ours are"
    ),
    "ansi": Difference(
        rules="expressions that ANSI mode stops: a division by zero, a text that is no number",
        deequ="casts texts that are no numbers itself, which ANSI mode would stop",
        kept="stays", here="ANSI mode is off for Deequ, so such an expression is null and no error",
    ),
    "nan": Difference(
        rules="columns with NaN", deequ="takes NaN for greater than every number", kept="stays", here="the native engine takes it as null; by row no engine lets it pass"
    ),
    "large": Difference(
        rules="whole numbers beyond 2^53", deequ="takes numbers for doubles", kept="stays", here="two that are that near count as equal"
    ),
    "ratio": Difference(
        rules="`UniqueValueRatio` where no row is left", deequ="stops with an exception", kept="stays", here="the rule is an error"
    ),
    "ages": Difference(
        rules="`DataFreshness`", deequ="rounds ages to hundredths of an hour", kept="stays", here="an age that near to the limit may be judged otherwise"
    ),
    "empty sum": Difference(
        rules="`AggregateMatch`", deequ="takes the sum of nothing for 0", kept="stays", here="the native engine has nothing to measure then"
    ),
    "row results": Difference(
        rules="`rows`: `DataFreshness`, `CustomSql`, `ReferentialIntegrity`, `DatasetMatch`, and rules with another beside them",
        deequ="says nothing of the rows", kept="stays", here="every row skips them; composites with them, too",
    ),
    "by row": Difference(
        rules='`composites="row"`', deequ="judges composites on the whole dataset", kept="refused", here="a `ConfigError`"
    ),
    "metrics": Difference(
        rules="`Minimum`, `Maximum`, lengths, shares of `ColumnValues` and `ColumnLength`",
        deequ="measures them where it needs them, leaves nulls out of lengths, and has one share for all patterns of a column",
        kept="stays", here="they are left out where they are not ours",
    ),
}  # fmt: skip
"""Everything that Deequ 2.1.0 does otherwise; the page on DQDL has this table."""


def refuse(name: str) -> NoReturn:
    """Refuse a rule for a difference.

    Raises:
        RuleError: always; says what Deequ does, and what to do.
    """
    msg = f"Deequ {DIFFERENCES[name].deequ}: take the native engine"
    raise RuleError(msg)
