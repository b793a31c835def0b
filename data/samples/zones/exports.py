"""What the shop exported every day: its customers, untidy as people type them, and its products."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

from formats import Dirt, Row, as_utc, write_csv
from shop import COUNTRIES, DAYS, START, Customer, Product

UNTIDY_EMAILS, SMALL_COUNTRIES, NAMED_COUNTRIES, HARD_BLANKS, DECOMPOSED = 30, 20, 20, 12, 8

_FIRST = ("customer_id", "name", "email", "phone", "country", "marketing_consent", "updated_at")
CUSTOMER_COLUMNS = (
    _FIRST,
    (*_FIRST, "loyalty_tier"),
    ("updated_at", "customer_id", "loyalty_tier", "email", "name", "country", "marketing_consent", "phone"),
)
"""Of the files of the three days."""


def write_customers(random: Random, folder: Path, days: Sequence[Sequence[Customer]]) -> list[Dirt]:
    """Write all customers on the first day and those that changed on the others, untidily; tell what is wrong with them."""
    changed = [
        [customer for customer in customers if day == START or customer.updated_at >= day]
        for day, customers in zip(DAYS, days, strict=True)
    ]
    rows = [[customer_row(random, customer) for customer in customers] for customers in changed]
    dirt = soil(random, [row for of_day in rows for row in of_day])
    for day, columns, of_day in zip(DAYS, CUSTOMER_COLUMNS, rows, strict=True):
        file = folder / f"{day:%Y-%m-%d}" / "customers.csv"
        write_csv(file, ({name: row[name] for name in columns} for row in of_day), delimiter=";")
    (folder / f"{DAYS[-1]:%Y-%m-%d}" / "_SUCCESS").touch()
    return dirt


def soil(random: Random, rows: Sequence[Row]) -> list[Dirt]:
    """Write some values of customers' rows in other ways, and tell of these and of what is odd about the rows anyway."""
    national = sum(not row["phone"].startswith(("+", "00")) for row in rows)
    quotes, breaks = (sum(mark in row["name"] for row in rows) for mark in ('"', "\n"))
    for row in random.sample(rows, UNTIDY_EMAILS):
        row["email"] = f" {row['email'].title()} "
    foreign = iter(random.sample(rows, SMALL_COUNTRIES + NAMED_COUNTRIES))
    for row in islice(foreign, SMALL_COUNTRIES):
        row["country"] = row["country"].lower()
    for row in foreign:
        row["country"] = next(country.name for country in COUNTRIES if country.code == row["country"])
    for row in random.sample(rows, HARD_BLANKS):
        row["name"] = row["name"].replace(" ", "\N{NO-BREAK SPACE}", 1)
    accented = [row for row in rows if _decomposed(row["name"]) != row["name"]]
    for row in random.sample(accented, DECOMPOSED):
        row["name"] = _decomposed(row["name"])
    told = partial(Dirt, where="customers of all days")
    return [
        told(what="e-mail with blanks and capitals", count=UNTIDY_EMAILS, then="trim it, small letters"),
        told(what="phone in national form", count=national, then="E.164; the others begin with + or 00"),
        told(what="country code in small letters", count=SMALL_COUNTRIES, then="capitals"),
        told(what="country by its name", count=NAMED_COUNTRIES, then="look its code up"),
        told(what="name with a no-break space", count=HARD_BLANKS, then="make it a blank"),
        told(what="name with decomposed letters", count=DECOMPOSED, then="it looks the same: compare in NFC"),
        told(what="name with quotes", count=quotes, then="read CSV as RFC 4180 has it; the quotes stay"),
        told(what="name with a line break", count=breaks, then="read it as one record; make it a blank"),
    ]


def customer_row(random: Random, customer: Customer) -> Row:
    """A customer as the shop exports them: the phone as people write it."""
    country, number = customer.country, customer.number
    forms = [
        f"{country.trunk_prefix}{number}",
        f"{country.trunk_prefix}{number.replace(' ', '-')}",
        f"+{country.calling_code} {number}",
        f"00{country.calling_code}{number.replace(' ', '')}",
        f"+{country.calling_code} ({country.trunk_prefix}){number}" if country.trunk_prefix else customer.phone,
    ]
    return {
        "customer_id": customer.customer_id,
        "name": customer.name,
        "email": customer.email,
        "phone": random.choice(forms),
        "country": country.code,
        "marketing_consent": "yes" if customer.marketing_consent else "no",
        "updated_at": as_utc(customer.updated_at),
        "loyalty_tier": customer.loyalty_tier,
    }


def write_products(folder: Path, days: Sequence[Sequence[Product]]) -> None:
    """Write all products of each day as one array, over many lines."""
    for day, products in zip(DAYS, days, strict=True):
        file = folder / f"{day:%Y-%m-%d}" / "products.json"
        file.parent.mkdir(parents=True)
        rows = [product_row(product) for product in products]
        file.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def product_row(product: Product) -> Row:
    """A product as the shop exports it: money as text."""
    return {
        "sku": product.sku,
        "title": product.title,
        "category": product.category,
        "price": str(product.price),
        "attributes": {"colour": product.colour, "weight_grams": product.weight_grams, "tags": product.tags},
        "updated_at": as_utc(product.updated_at),
    }


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)
