"""What happened in a made-up shop within three days: its customers, its products, and the events of its orders."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from faker import Faker

START = datetime(2026, 11, 21, tzinfo=UTC)
DAYS = tuple(START + timedelta(days=day) for day in range(3))
END = START + timedelta(days=len(DAYS))

CUSTOMERS, PRODUCTS, ORDERS = 300, 80, 1_200
NICKNAMED, COMPANIES = 6, 4
CHANGED_CUSTOMERS = (60, 50)
CHANGED_PRODUCTS = (15, 12)

_HOURLY = (1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 11, 10, 11, 11, 10, 10, 11, 13, 15, 16, 14, 10, 6, 3)
"""How busy each hour of a day is."""
_TIERS = ("bronze", "silver", "gold")
_MATERIALS = ("Oak", "Linen", "Steel", "Wool")
_COLOURS = ("black", "white", "blue", "green", "red")
_TAGS = ("new", "sale", "gift", "fair trade", "last pieces")
_THINGS = {
    "kitchen": ("Bowl", "Tray", "Jug", "Pan", "Apron"),
    "living": ("Lamp", "Cushion", "Rug", "Shelf", "Chair"),
    "bath": ("Towel Rail", "Mat", "Basket", "Mirror", "Stool"),
    "outdoor": ("Bench", "Planter", "Lantern", "Hammock", "Parasol"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """Where customers live: how names and addresses look there, and the phone numbers that are kept for fiction (`#` a digit)."""

    code: str
    name: str
    locale: str
    zone: str
    currency: str
    calling_code: str
    trunk_prefix: str
    numbers: str


COUNTRIES = (
    Country(code="DE", name="Germany", locale="de_DE", zone="Europe/Berlin", currency="EUR", calling_code="49", trunk_prefix="0", numbers="30 23125 ###"),
    Country(code="FR", name="France", locale="fr_FR", zone="Europe/Paris", currency="EUR", calling_code="33", trunk_prefix="0", numbers="1 99 00 ## ##"),
    Country(code="GB", name="United Kingdom", locale="en_GB", zone="Europe/London", currency="GBP", calling_code="44", trunk_prefix="0", numbers="20 7946 0###"),
    Country(code="IE", name="Ireland", locale="en_IE", zone="Europe/Dublin", currency="EUR", calling_code="353", trunk_prefix="0", numbers="20 910 ####"),
    Country(code="US", name="United States", locale="en_US", zone="America/New_York", currency="USD", calling_code="1", trunk_prefix="", numbers="212 555 01##"),
    Country(code="AU", name="Australia", locale="en_AU", zone="Australia/Sydney", currency="AUD", calling_code="61", trunk_prefix="0", numbers="2 5550 ####"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer as of `updated_at`. The number is the national one without its trunk prefix; the tier came on the second day."""

    customer_id: int
    name: str
    email: str
    number: str
    country: Country
    city: str
    postcode: str
    marketing_consent: bool
    loyalty_tier: str | None = None
    updated_at: datetime

    @property
    def phone(self) -> str:
        """The number as E.164 has it."""
        return f"+{self.country.calling_code}{self.number.replace(' ', '')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product as of `updated_at`."""

    sku: str
    title: str
    category: str
    price: Decimal
    colour: str
    weight_grams: int
    tags: tuple[str, ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was ordered, when, and by whom: pairs of a product and a quantity."""

    order_id: str
    customer: Customer
    lines: tuple[tuple[Product, int], ...]
    ordered_at: datetime

    @property
    def units(self) -> int:
        """How many pieces were ordered."""
        return sum(quantity for _, quantity in self.lines)

    @property
    def total(self) -> Decimal:
        """What they cost."""
        return sum((product.price * quantity for product, quantity in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An order reaches a status."""

    order: Order
    status: str
    updated_at: datetime


def make_customers(random: Random) -> list[Customer]:
    """Make all customers, last changed before the three days; a few have a nickname in quotes or write a company in two lines."""
    fakers = {country.code: Faker(country.locale) for country in COUNTRIES}
    for faker in fakers.values():
        faker.seed_instance(random.getrandbits(32))
    odd = random.sample(range(1, CUSTOMERS + 1), NICKNAMED + COMPANIES)
    customers = []
    for customer_id in range(1, CUSTOMERS + 1):
        country = random.choice(COUNTRIES)
        faker = fakers[country.code]
        first, last = faker.first_name(), faker.last_name()
        name = f"{first} {last}"
        if customer_id in odd[:NICKNAMED]:
            name = f'{first} "{first[:3]}" {last}'
        elif customer_id in odd:
            name = f"{last} & Co.\nattn. {first} {last}"
        customers.append(
            Customer(
                customer_id=customer_id,
                name=name,
                email=f"{_plain(first)}.{_plain(last)}{customer_id}@example.{random.choice(('com', 'org', 'net'))}",
                number=faker.numerify(country.numbers),
                country=country,
                city=faker.city(),
                postcode=faker.postcode(),
                marketing_consent=random.random() < 0.6,  # noqa: PLR2004 - a share
                updated_at=START - timedelta(minutes=random.randint(1, 500_000)),
            )
        )
    return customers


def change_customers(random: Random, customers: Sequence[Customer], day: datetime, count: int) -> list[Customer]:
    """All customers as they are on a day on which some change their consent, get a tier, and a few write from elsewhere."""
    changed = set(random.sample(range(len(customers)), count))
    return [
        replace(
            customer,
            email=f"new.{customer.email}" if random.randint(0, 2) == 0 else customer.email,
            marketing_consent=not customer.marketing_consent,
            loyalty_tier=random.choice(_TIERS),
            updated_at=_within(random, day),
        )
        if place in changed
        else customer
        for place, customer in enumerate(customers)
    ]


def make_products(random: Random) -> list[Product]:
    """Make all products, last changed before the three days."""
    titles = [
        (category, f"{material} {thing}")
        for category, things in _THINGS.items()
        for thing in things
        for material in _MATERIALS
    ]
    return [
        Product(
            sku=f"{category[:3].upper()}-{number:04}",
            title=title,
            category=category,
            price=_price(random),
            colour=random.choice(_COLOURS),
            weight_grams=random.randint(50, 9_000),
            tags=tuple(random.sample(_TAGS, random.randint(0, 3))),
            updated_at=START - timedelta(minutes=random.randint(1, 500_000)),
        )
        for number, (category, title) in enumerate(titles[:PRODUCTS], 1)
    ]


def change_products(random: Random, products: Sequence[Product], day: datetime, count: int) -> list[Product]:
    """All products as they are on a day on which some get another price."""
    changed = set(random.sample(range(len(products)), count))
    return [
        replace(product, price=_price(random), updated_at=_within(random, day)) if place in changed else product
        for place, product in enumerate(products)
    ]


def make_events(random: Random, customers: Sequence[Customer], products: Sequence[Product]) -> list[Event]:
    """Make the orders of the three days and what becomes of each until they end."""
    events = []
    for number, ordered_at in enumerate(sorted(_busy_moment(random) for _ in range(ORDERS)), 10_001):
        customer = random.choice(customers)
        bought = random.sample(products, random.choices((1, 2, 3), (6, 3, 1))[0])
        order = Order(
            order_id=f"O-{number}",
            customer=customer,
            lines=tuple((product, random.choices((1, 2, 3), (7, 2, 1))[0]) for product in bought),
            ordered_at=ordered_at.astimezone(ZoneInfo(customer.country.zone)),
        )
        events += [event for event in _life(random, order) if event.updated_at < END]
    return events


def _life(random: Random, order: Order) -> list[Event]:
    """An order is placed, mostly paid and shipped, and sometimes cancelled before either."""
    statuses = random.choices(
        (("placed", "paid", "shipped"), ("placed", "paid"), ("placed", "cancelled"), ("placed", "paid", "cancelled")),
        (70, 16, 9, 5),
    )[0]
    waits = {"placed": (0, 1), "paid": (20, 2_400), "shipped": (3_600, 60_000), "cancelled": (600, 20_000)}
    events, at = [], order.ordered_at.astimezone(UTC)
    for status in statuses:
        at += timedelta(seconds=random.randint(*waits[status]), milliseconds=random.randint(1, 999))
        events.append(Event(order=order, status=status, updated_at=at))
    return events


def _plain(name: str) -> str:
    """The letters of a name that an address of mail has."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters.lower() if letter.isalpha())


def _price(random: Random) -> Decimal:
    return Decimal(random.randint(490, 24_990)).scaleb(-2)


def _within(random: Random, day: datetime) -> datetime:
    return day + timedelta(seconds=random.randrange(86_400))


def _busy_moment(random: Random) -> datetime:
    hour = random.choices(range(24), _HOURLY)[0]
    return random.choice(DAYS) + timedelta(hours=hour, seconds=random.randrange(3_600))
