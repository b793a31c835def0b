"""Make the sample of the job `zones`: three days of a retailer's landing zone, with the dirt of real life, and what must come of it.

`python data/samples/zones/make.py` writes `landing/`, `expected/` and `README.md` beside itself, or into the folder that it is
given. The same seed makes the same files. What is expected is told from what was made up, before it was spoiled: no file is read.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random

from answers import write_expected
from deliveries import CP1252, EMPTY, TRUNCATED, deliver, folder_of, write_orders
from exports import write_customers, write_products
from formats import Dirt, write_csv
from shop import (
    CHANGED_CUSTOMERS,
    CHANGED_PRODUCTS,
    COUNTRIES,
    DAYS,
    change_customers,
    change_products,
    make_customers,
    make_events,
    make_products,
)

SEED = 20261121

README = """# Sample of the job `zones`

Three days of a retailer's landing zone and what has to come of it. All people, addresses and orders are made up; the phone
numbers are among those that are kept for films. `python data/samples/zones/make.py` makes the folder anew, this page included.

| below `landing/shop/` | |
|---|---|
| `orders/2026/11/DD/HH/*.gz` | deliveries of Firehose, one an hour: lines of JSON, an event each, in any order; an event is a whole image |
| `customers/2026-11-DD/customers.csv` | an export a day, semicolons: all customers on the first day, then those that changed |
| `products/2026-11-DD/products.json` | an export a day, all products in one array |

| `expected/` | |
|---|---|
| `orders.csv` | each order after the last of its events that can be read, by `updated_at` |
| `customers.csv`, `products.csv` | each as it was exported last, in standard form: names in NFC with single blanks, phones as E.164 |
| `daily_sales.csv` | orders, units and revenue of the orders that are not cancelled, by the day in UTC |
| `quarantine.csv` | what has to be set aside and why; without a row the file as a whole |

What is wrong with the files, and what the job should do:

| what | how many | where | then |
|---|---|---|---|
{dirt}

Where customers live, and how their phone numbers begin:

| code | name | calling code | trunk prefix |
|---|---|---|---|
{countries}
"""


def main(folder: Path) -> None:
    """Make everything anew below a folder."""
    for name in ("landing", "expected"):
        shutil.rmtree(folder / name, ignore_errors=True)
    landing = folder / "landing"
    random = Random(SEED)  # noqa: S311 - the same sample every time
    customers, products = [make_customers(random)], [make_products(random)]
    for day, customers_of_day, products_of_day in zip(DAYS[1:], CHANGED_CUSTOMERS, CHANGED_PRODUCTS, strict=True):
        customers.append(change_customers(random, customers[-1], day, customers_of_day))
        products.append(change_products(random, products[-1], day, products_of_day))
    lines, dirt = deliver(random, make_events(random, customers[0], products[0]))
    quarantine = write_orders(random, landing, lines)
    dirt += write_customers(random, landing / "shop" / "customers", customers)
    write_products(landing / "shop" / "products", products)
    write_expected(folder / "expected", lines, customers[-1], products[-1])
    write_csv(folder / "expected" / "quarantine.csv", quarantine)
    write_readme(folder / "README.md", dirt + odd_files())


def odd_files() -> list[Dirt]:
    """Tell of the files that are odd as a whole."""
    refuse = "refuse the file by name, load the others:"
    day = f"{DAYS[-1]:%Y-%m-%d}"
    return [
        Dirt(
            what="file cut in the middle",
            count=1,
            where=f"`{folder_of(TRUNCATED)}`",
            then=f"{refuse} `truncated`",
        ),
        Dirt(what="file in cp1252", count=1, where=f"`{folder_of(CP1252)}`", then=f"{refuse} `encoding`"),
        Dirt(what="file without bytes", count=1, where=f"`{folder_of(EMPTY)}`", then="load it, with 0 records"),
        Dirt(
            what="hidden file",
            count=1,
            where=f"`shop/customers/{day}/_SUCCESS`",
            then="leave it out and count it as hidden",
        ),
        Dirt(
            what="file with one column more (`loyalty_tier`)",
            count=len(DAYS) - 1,
            where="customers since the second day",
            then="read by name; null for customers who were not delivered again",
        ),
        Dirt(what="file with its columns in another order", count=1, where=f"customers of {day}", then="read by name"),
    ]


def write_readme(file: Path, dirt: Iterable[Dirt]) -> None:
    """Write the page that tells what is where, and what is wrong with it."""
    page = README.format(
        dirt=_table((one.what, f"{one.count:,}", one.where, one.then) for one in dirt),
        countries=_table((one.code, one.name, one.calling_code, one.trunk_prefix) for one in COUNTRIES),
    )
    file.write_text(page, encoding="utf-8")


def _table(rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent)
