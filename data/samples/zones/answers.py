"""What the tables have to hold after the three days, told from what happened in the shop."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from deliveries import READABLE, Line
from exports import product_row
from formats import Row, as_json, as_utc, write_csv
from shop import Customer, Event, Product


def write_expected(
    folder: Path, lines: Iterable[Line], customers: Iterable[Customer], products: Iterable[Product]
) -> None:
    """Write what the tables have to hold."""
    read = [line.event for line in lines if line.reason is None and line.hour in READABLE]
    last = {event.order.order_id: event for event in sorted(read, key=lambda event: event.updated_at)}
    events = [last[order_id] for order_id in sorted(last)]
    write_csv(folder / "orders.csv", map(expected_order, events))
    write_csv(folder / "daily_sales.csv", daily_sales(events))
    write_csv(folder / "customers.csv", map(expected_customer, customers))
    write_csv(folder / "products.csv", map(expected_product, products))


def daily_sales(events: Iterable[Event]) -> list[Row]:
    """Orders, units and revenue of orders that are not cancelled, by day in UTC, country and currency."""
    sales: dict[tuple[str, str, str], tuple[int, int, Decimal]] = {}
    for event in events:
        if event.status != "cancelled":
            row = expected_order(event)
            key = (row["ordered_at"][:10], row["country_code"], row["currency"])
            orders, units, revenue = sales.get(key, (0, 0, Decimal(0)))
            sales[key] = (orders + 1, units + event.order.units, revenue + event.order.total)
    names = ("order_date", "country_code", "currency", "orders", "units", "revenue")
    return [dict(zip(names, (*key, *sales[key]), strict=True)) for key in sorted(sales)]


def expected_order(event: Event) -> Row:
    """The row of an order after its last event that can be read."""
    order, country = event.order, event.order.customer.country
    return {
        "order_id": order.order_id,
        "status": event.status,
        "total": order.total,
        "currency": country.currency,
        "country_code": country.code,
        "ordered_at": as_utc(order.ordered_at),
    }


def expected_customer(customer: Customer) -> Row:
    """The row of a customer, every value in its standard form; a tier that was never delivered is empty."""
    return {
        "customer_id": customer.customer_id,
        "name": " ".join(customer.name.split()),
        "email": customer.email,
        "phone": customer.phone,
        "country_code": customer.country.code,
        "marketing_consent": str(customer.marketing_consent).lower(),
        "loyalty_tier": customer.loyalty_tier,
        "updated_at": as_utc(customer.updated_at),
    }


def expected_product(product: Product) -> Row:
    """The row of a product, its attributes as JSON without blanks."""
    row = product_row(product)
    return row | {"attributes": as_json(row["attributes"])}
