"""What went wrong on some days: how the export was spoiled, which rule has to fail for it, and which rows it sets aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from crm import Customer, within, without_email


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as the ruleset has it, and the dimension that it is labelled with."""

    text: str
    dimension: str

    def __str__(self) -> str:
        """The rule with its label."""
        return f'{self.text} labels=["dimension"="{self.dimension}"]'


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was exported on a day.

    Attributes:
        rows: in the order of the file.
        faulty: places of the rows that are to be set aside.
        mended: the rows that the next day exports once more, as they should have been.
    """

    rows: Sequence[Customer]
    faulty: frozenset[int] = frozenset()
    mended: Sequence[Customer] = ()


Days = Mapping[date, Export]
Plant = Callable[[Random, Sequence[Customer], Days], Export]
"""Spoils the customers of a day; it is told the exports of the days before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is planted on a day, and the rule that has to fail."""

    what: str
    rule: Rule
    plant: Plant


SHORTAGE = 5
"""On the day that lacks rows, one in so many is there."""
STANDSTILL = timedelta(days=3)
"""How old the export is that is delivered once more."""


def lose_emails(random: Random, rows: Sequence[Customer], _: Days) -> Export:
    """A third of the customers, and those who have none anyway, are without an e-mail address."""
    found = without_email(rows, random.sample(range(len(rows)), -(-len(rows) // 3)))
    return Export(rows=found, faulty=frozenset(place for place, row in enumerate(found) if row.email is None))


def export_twice(random: Random, rows: Sequence[Customer], _: Days) -> Export:
    """The export was resumed too early: some rows stand a second time behind the others."""
    first = random.randrange(5, len(rows) - 20)
    again = range(first, first + 18)
    copies = [rows[place] for place in again]
    return Export(rows=[*rows, *copies], faulty=frozenset([*again, *range(len(rows), len(rows) + len(copies))]))


def spoil_countries(random: Random, rows: Sequence[Customer], _: Days) -> Export:
    """Codes of no country, a code in small letters, a name."""
    return _spoiled(
        random, rows, 9, lambda row: replace(row, country_code=random.choice(("XX", "ZZ", "de", "Germany")))
    )


def add_extensions(random: Random, rows: Sequence[Customer], _: Days) -> Export:
    """Extensions behind phone numbers, which are then of 16 characters or more."""

    def extended(row: Customer) -> Customer:
        extension = random.randint(10, 99) if row.phone and row.phone.startswith("+1") else random.randint(1_000, 9_999)
        return replace(row, phone=f"{row.phone} x{extension}")

    plain = [
        place for place, row in enumerate(rows) if row.phone and row.phone.startswith("+") and " " not in row.phone
    ]
    return _spoiled(random, rows, 10, extended, among=plain)


def write_german_dates(random: Random, rows: Sequence[Customer], _: Days) -> Export:
    """Days as they are written in Germany."""
    return _spoiled(
        random, rows, 12, lambda row: replace(row, created_date=f"{date.fromisoformat(row.created_date):%d.%m.%Y}")
    )


def invent_segments(random: Random, rows: Sequence[Customer], _: Days) -> Export:
    """Segments that there are not."""
    return _spoiled(random, rows, 8, lambda row: replace(row, segment_id=random.choice(("SEG-13", "SEG-77", "seg-01"))))


def miscalculate(random: Random, rows: Sequence[Customer], _: Days) -> Export:
    """Totals that are off, some by a cent; the next day brings them right."""
    errors = (Decimal("0.01"), Decimal("-0.01"), Decimal("10.00"))
    export = _spoiled(random, rows, 8, lambda row: replace(row, total=row.total + random.choice(errors)))
    next_day = rows[0].export_date + timedelta(days=1)
    mended = [
        replace(rows[place], updated_at=within(next_day, random.randrange(30_000, 60_000)), export_date=next_day)
        for place in sorted(export.faulty)
    ]
    return replace(export, mended=mended)


def lack_rows(_: Random, rows: Sequence[Customer], __: Days) -> Export:
    """All rows are as they should be; there are few of them, see `SHORTAGE`."""
    return Export(rows=rows)


def stand_still(_: Random, rows: Sequence[Customer], earlier: Days) -> Export:
    """The replica that is exported from stands still: what it held three days ago goes out under the date of today."""
    today = rows[0].export_date
    stale = [replace(row, export_date=today) for row in earlier[today - STANDSTILL].rows]
    return Export(rows=stale, faulty=frozenset(range(len(stale))))


def _spoiled(
    random: Random,
    rows: Sequence[Customer],
    count: int,
    spoil: Callable[[Customer], Customer],
    *,
    among: Iterable[int] | None = None,
) -> Export:
    places = frozenset(random.sample(list(range(len(rows)) if among is None else among), count))
    return Export(rows=[spoil(row) if place in places else row for place, row in enumerate(rows)], faulty=places)


FAULTS: Mapping[date, Fault] = {
    date(2026, 10, 6): Fault(
        what="a third of the e-mail addresses are missing",
        rule=Rule(text='Completeness "email" >= 0.9', dimension="completeness"),
        plant=lose_emails,
    ),
    date(2026, 10, 8): Fault(
        what="a part of the export stands in it twice",
        rule=Rule(text='Uniqueness "customer_id" = 1.0', dimension="uniqueness"),
        plant=export_twice,
    ),
    date(2026, 10, 13): Fault(
        what="country codes that are none",
        rule=Rule(text='ColumnValues "country_code" in ["US", "CA", "UK", "DE", "FR"]', dimension="validity"),
        plant=spoil_countries,
    ),
    date(2026, 10, 15): Fault(
        what="phone numbers that are too long",
        rule=Rule(text='ColumnLength "phone" between 9 and 16 where "phone IS NOT NULL"', dimension="validity"),
        plant=add_extensions,
    ),
    date(2026, 10, 17): Fault(
        what="`created_date` as `DD.MM.YYYY`",
        rule=Rule(text=r'ColumnValues "created_date" matches "\\d{4}-\\d{2}-\\d{2}"', dimension="validity"),
        plant=write_german_dates,
    ),
    date(2026, 10, 20): Fault(
        what="segments that do not exist",
        rule=Rule(
            text='ReferentialIntegrity "segment_id" "segments.{segment_id}" = 1.0',
            dimension="consistency",
        ),
        plant=invent_segments,
    ),
    date(2026, 10, 22): Fault(
        what="totals that are not net and tax together; the next day exports these customers once more, right",
        rule=Rule(
            text='CustomSql "SELECT net, tax, total FROM primary WHERE total = net + tax"', dimension="consistency"
        ),
        plant=miscalculate,
    ),
    date(2026, 10, 24): Fault(
        what="a fifth of the rows",
        rule=Rule(text="RowCount > avg(last(7)) * 0.5", dimension="volume"),
        plant=lack_rows,
    ),
    date(2026, 10, 28): Fault(
        what="the export of three days ago once more, under the date of the day",
        rule=Rule(text='DataFreshness "updated_at" <= 24 hours', dimension="timeliness"),
        plant=stand_still,
    ),
}
