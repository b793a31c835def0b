"""Rules that a table keeps as it is, proposed from profiles of its columns: a ruleset to begin with.

Completeness is proposed as Deequ does (`RetainCompletenessRule`): from a share p of n rows, what p less 1.96 standard errors,
`sqrt(p * (1 - p) / n)`, comes to, rounded down to two digits; shares up to 0.2 are let be. So is a list of values, which a text has
if its values are few and repeat.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lakehouse.columns import quoted
from lakehouse.quality.rules import (
    Between,
    Comparator,
    Comparison,
    Condition,
    In,
    Number,
    Operand,
    Rule,
    Ruleset,
    Special,
    Text,
    literal,
)

MOST_VALUES = 20
"""How many different texts a column has at most for them to be listed."""

LEAST_REPEATED = 10
"""How many rows there are at least for each of them."""

LONGEST_VALUE = 100
"""How many characters they have at most."""

LEAST_COMPLETENESS = 0.2
STANDARD_ERRORS = 1.96
"""How many of them lie on each side of the middle 95 % of a normal distribution."""

ZERO = Number(Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """What is known of a column.

    Attributes:
        name: of the column.
        values: how many rows have a value.
        unique: whether it is known that no value stands twice.
        least: the least of its numbers; None: it has none.
        not_numbers: how many rows have NaN.
        shortest: characters of the shortest of its texts; None: it has none.
        longest: characters of the longest of its texts; None: it has none.
        listed: all its values, in order, if they are known; they are texts.
        fits: the type that all of its texts are values of, as ColumnDataType calls it; None: there is none.
    """

    name: str
    values: int
    unique: bool = False
    least: Decimal | float | None = None
    not_numbers: int = 0
    shortest: int | None = None
    longest: int | None = None
    listed: tuple[str, ...] = ()
    fits: str | None = None


def suggest_ruleset(rows: int, columns: Sequence[ColumnProfile]) -> Ruleset:
    """Propose rules that the rows with these profiles pass; without rows there are none.

    >>> from lakehouse.quality.formatting import format_ruleset
    >>> columns = [ColumnProfile(name="id", values=300, unique=True, least=1), ColumnProfile(name="email", values=291)]
    >>> print(format_ruleset(suggest_ruleset(300, columns)), end="")
    Rules = [
        RowCount > 0,
        IsPrimaryKey "id",
        ColumnValues "id" >= 0,
        Completeness "email" >= 0.95
    ]
    """
    if not rows:
        return Ruleset()
    found = [Rule(type="RowCount", condition=Comparison(">", ZERO))]
    for column in columns:
        found += [*_presence(column, rows), *_text(column, rows), *_number(column, rows)]
    return Ruleset(rules=tuple(found))


def _presence(column: ColumnProfile, rows: int) -> Iterator[Rule]:
    """That values are there, and there once."""
    if column.values == rows:
        yield _rule("IsPrimaryKey" if column.unique else "IsComplete", column)
        return
    if column.unique:
        yield _rule("IsUnique", column)
    if bound := _lower_bound(column.values / rows, rows):
        yield _rule("Completeness", column, _compared(">=", bound))


def _lower_bound(share: float, rows: int) -> Decimal | None:
    """The least completeness that is to be expected of such rows; None: nothing is."""
    error = math.sqrt(share * (1 - share) / rows)
    hundredths = math.floor((share - STANDARD_ERRORS * error) * 100)
    return Decimal(hundredths) / 100 if share > LEAST_COMPLETENESS and hundredths > 0 else None


def _text(column: ColumnProfile, rows: int) -> Iterator[Rule]:
    """What texts are: some that can be listed, or of another type, or of some length."""
    where = _where(column, rows)
    is_listed = 0 < len(column.listed) <= min(MOST_VALUES, column.values / LEAST_REPEATED)
    if is_listed:
        listed: list[Operand] = [literal(value) for value in column.listed]
        yield _rule("ColumnValues", column, In((*listed, *([Special("NULL")] if where else []))))
    if column.fits:
        yield _rule("ColumnDataType", column, Comparison("=", Text(column.fits)), where)
    elif not is_listed and column.shortest is not None and column.longest is not None:
        yield _rule("ColumnLength", column, _lengths(column.shortest, column.longest), where)


def _lengths(shortest: int, longest: int) -> Condition:
    """From the shortest to the longest; the bounds of a range do not belong to it."""
    if shortest == longest:
        return _compared("=", Decimal(longest))
    if not shortest:
        return _compared("<=", Decimal(longest))
    return Between(Number(Decimal(shortest - 1)), Number(Decimal(longest + 1)))


def _number(column: ColumnProfile, rows: int) -> Iterator[Rule]:
    """That numbers are not negative."""
    if column.least is not None and column.least >= 0:
        yield _rule("ColumnValues", column, Comparison(">=", ZERO), _where(column, rows))


def _where(column: ColumnProfile, rows: int) -> str | None:
    """What leaves out rows whose null or NaN would fail a condition; None: there are none."""
    name = quoted(column.name)
    if column.not_numbers:
        return f"{name} IS NOT NULL AND NOT isnan({name})"
    return f"{name} IS NOT NULL" if column.values < rows else None


def _compared(comparator: Comparator, number: Decimal) -> Comparison:
    return Comparison(comparator, Number(number))


def _rule(name: str, column: ColumnProfile, condition: Condition | None = None, where: str | None = None) -> Rule:
    return Rule(type=name, parameters=(column.name,), condition=condition, where=where)
