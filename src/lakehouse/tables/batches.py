"""A batch of change events before it meets a table: what is in it, and which keys it can touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DateType, DecimalType, IntegralType

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import ChangeSpec
from lakehouse.columns import PROVIDED, quoted
from lakehouse.errors import InvalidChangesError

# Bounds become literals of a query plan, and plans end up in logs. Numbers and dates only: a text key may be an address.
_BOUNDED = (IntegralType, DecimalType, DateType)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Smallest and largest value of the key columns that have numbers or dates, to let a table skip files."""

    bounds: dict[str, tuple[object, object]] = field(default_factory=dict)

    def predicate(self) -> Column:
        """Whether a row can be one of the batch."""
        within = F.lit(True)
        for name, (low, high) in self.bounds.items():
            within = within & F.col(quoted(name)).between(F.lit(low), F.lit(high))
        return within

    def sql(self, alias: str) -> list[str]:
        """The same as SQL conditions over the alias of a table."""
        return [
            f"{alias}.{quoted(name)} BETWEEN {_literal(low)} AND {_literal(high)}"
            for name, (low, high) in self.bounds.items()
        ]


def _literal(value: object) -> str:
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, Decimal):
        return f"{value:f}BD"
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Normalised events and what one look at them told.

    Attributes:
        events: the events, as `lakehouse.cdc.events.normalise` makes them.
        rows: how many there are.
        partial: whether some event leaves columns out.
        range: the keys it can touch.
    """

    events: DataFrame
    rows: int
    partial: bool
    range: KeyRange


def measure(events: DataFrame, spec: ChangeSpec) -> Batch:
    """Look at a batch once, in one job, and refuse what no merge may see.

    Raises:
        InvalidChangesError: null keys or sequences, unknown or truncate operations, with their numbers.
    """
    violations = ev.violations(spec)
    bounded = [key for key in spec.keys if _is_bounded(events.schema[key].dataType)]
    counts = [F.count(F.lit(1)), F.coalesce(F.bool_or(F.col(PROVIDED).isNotNull()), F.lit(False))]
    bounds = [bound(quoted(key)) for key in bounded for bound in (F.min, F.max)]
    found = list(events.agg(*counts, *violations.values(), *bounds).head() or ())
    rows, partial, *rest = found
    broken = {label: number for label, number in zip(violations, rest, strict=False) if number}
    if broken:
        listed = "; ".join(f"{number} {label}" for label, number in broken.items())
        msg = f"the change log cannot be merged: {listed}. Set such rows aside first; nothing was written."
        raise InvalidChangesError(msg)
    edges = rest[len(violations) :]
    ranges = {key: (edges[2 * i], edges[2 * i + 1]) for i, key in enumerate(bounded)} if rows else {}
    return Batch(events=events, rows=rows, partial=partial, range=KeyRange(bounds=ranges))


def _is_bounded(data_type: DataType) -> bool:
    return isinstance(data_type, _BOUNDED)
