"""What a made-up CRM knows: its segments, and the customers that it exports each day, untidy in ways that break no rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from faker import Faker

DAYS = tuple(date(2026, 10, 1) + timedelta(days=day) for day in range(30))
LACKING = {date(2026, 10, 10): (60, 6)}
"""Days whose customers, and those among them without an e-mail address, are of a number that was chosen."""
MIDNIGHT = date(2026, 10, 2)
"""The day whose first customer was updated in its first instant."""
DAY, EVENING = 86_400, 79_200
"""Seconds of a day, and how many are over when its last two hours begin, of which its newest row is."""

_TITLES = (
    "Private", "Private, frequent", "Family", "Student", "Senior", "Freelance", "Small business", "Mid-size business",
    "Enterprise", "Public sector", "Non-profit", "Réseau partenaires",
)  # fmt: skip
_SATURDAY, _SUNDAY = 5, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A group of customers."""

    segment_id: str
    title: str
    updated_at: datetime


SEGMENTS = tuple(
    Segment(segment_id=f"SEG-{number:02}", title=title, updated_at=datetime(2026, 9, number, 8, tzinfo=UTC))
    for number, title in enumerate(_TITLES, 1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """Where customers live: names as they are there, phone numbers that are kept for fiction (`#` a digit), and the tax."""

    code: str
    locale: str
    number: str
    tax: Decimal


COUNTRIES = (
    Country(code="US", locale="en_US", number="+121255501##", tax=Decimal("0.0725")),
    Country(code="CA", locale="fr_CA", number="+161355501##", tax=Decimal("0.13")),
    Country(code="UK", locale="en_GB", number="+4420794600##", tax=Decimal("0.20")),
    Country(code="DE", locale="de_DE", number="+493023125###", tax=Decimal("0.19")),
    Country(code="FR", locale="fr_FR", number="+3319900####", tax=Decimal("0.20")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer as the CRM exports them, column by column; what is text there is text here."""

    customer_id: int
    name: str
    email: str | None
    phone: str | None
    country_code: str
    created_date: str
    updated_at: datetime
    segment_id: str
    net: Decimal
    tax: Decimal
    total: Decimal
    export_date: date


def make_fakers(random: Random) -> Mapping[str, Faker]:
    """Who makes up names, by country."""
    fakers = {country.code: Faker(country.locale) for country in COUNTRIES}
    for faker in fakers.values():
        faker.seed_instance(random.getrandbits(32))
    return fakers


def count_customers(random: Random, day: date) -> int:
    """How many customers a day has: fewer at weekends."""
    bounds = {_SATURDAY: (50, 60), _SUNDAY: (40, 48)}.get(day.weekday(), (60, 80))
    return LACKING[day][0] if day in LACKING else random.randint(*bounds)


def make_customers(random: Random, fakers: Mapping[str, Faker], day: date, *, first: int, count: int) -> list[Customer]:
    """Make the customers of a day, in the order of their ids and of their last updates; at most one in twenty has no address."""
    seconds = sorted([*(random.randrange(DAY) for _ in range(count - 1)), random.randrange(EVENING, DAY)])
    if day == MIDNIGHT:
        seconds[0] = 0
    customers = [
        _customer(random, fakers, day, customer_id=first + place, second=second) for place, second in enumerate(seconds)
    ]
    lacking = LACKING[day][1] if day in LACKING else random.randint(0, count // 20)
    return without_email(customers, random.sample(range(count), lacking))


def without_email(customers: Sequence[Customer], places: Sequence[int]) -> list[Customer]:
    """The customers, some of them without an e-mail address."""
    return [replace(one, email=None) if place in places else one for place, one in enumerate(customers)]


def within(day: date, second: int) -> datetime:
    """A second of a day."""
    return datetime.combine(day, time(), tzinfo=UTC) + timedelta(seconds=second)


def _customer(random: Random, fakers: Mapping[str, Faker], day: date, *, customer_id: int, second: int) -> Customer:
    country = random.choices(COUNTRIES, (3, 1, 2, 3, 2))[0]
    faker = fakers[country.code]
    first, last = faker.first_name(), faker.last_name()
    net = Decimal(random.randint(500, 500_000)).scaleb(-2) * random.choices((1, -1), (40, 1))[0]
    tax = (net * country.tax).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Customer(
        customer_id=customer_id,
        name=_name(random, first, last),
        email=_email(random, first, last, customer_id),
        phone=_phone(random, faker.numerify(country.number)),
        country_code=country.code,
        created_date=str(day - timedelta(days=random.choice((0, random.randint(1, 2_500))))),
        updated_at=within(day, second),
        segment_id=random.choice(SEGMENTS).segment_id,
        net=net,
        tax=tax,
        total=net + tax,
        export_date=day,
    )


def _name(random: Random, first: str, last: str) -> str:
    """A name; some have a comma, some quotes, and some are companies on two lines."""
    forms = (
        f"{first} {last}",
        f"{last}, {first}",
        f'{first} "{first[:3]}" {last}',
        f"{last} & Co.\nattn. {first} {last}",
    )
    return random.choices(forms, (90, 5, 3, 2))[0]


def _email(random: Random, first: str, last: str, customer_id: int) -> str:
    """An address that is kept for examples, with the letters of the name, accents included."""
    local = f"{first}.{last}{customer_id}".lower().replace(" ", "-").replace("'", "")
    return f"{local}@{random.choices(('example.com', 'example.org', 'bücher.example'), (9, 8, 3))[0]}"


def _phone(random: Random, number: str) -> str | None:
    """A phone number, or none. Of those in North America some have an extension (15 characters), some no country (10)."""
    if not number.startswith("+1"):
        return random.choices((number, None), (19, 1))[0]
    return random.choices(
        (number, None, f"{number} x{random.randint(1, 9)}", number.removeprefix("+1")), (16, 1, 1, 2)
    )[0]
