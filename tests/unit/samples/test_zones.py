"""The sample of the job `zones` is what its maker makes, its page tells the truth, and its answers follow from its files."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse.config.models import Contract
from lakehouse.runtime.checks.content import judge
from lakehouse.runtime.checks.orders import Order, Rules, Verdict

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "data" / "samples" / "zones"
LANDING, EXPECTED = SAMPLE / "landing", SAMPLE / "expected"
PHONE_CODES = {"DE": "49", "FR": "33", "GB": "44", "IE": "353", "US": "1", "AU": "61"}
NAMES = {
    "Germany": "DE",
    "France": "FR",
    "United Kingdom": "GB",
    "Ireland": "IE",
    "United States": "US",
    "Australia": "AU",
}

Row = dict[str, Any]


def content(file: Path) -> bytes:
    """What is in a file, unpacked as far as it goes: another zlib may pack the same in another way."""
    data = file.read_bytes()
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data) if file.suffix == ".gz" else data


def files_of(folder: Path) -> dict[str, bytes]:
    """The contents of what the maker writes, by path."""
    made = (folder / "README.md", *(folder / "landing").rglob("*"), *(folder / "expected").rglob("*"))
    return {str(file.relative_to(folder)): content(file) for file in made if file.is_file()}


def read_csv(file: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, delimiter=delimiter))


def verdict(file: Path, **rules: Any) -> Verdict:
    """What the check of landed files says."""
    return judge(Order(path=str(file), name=file.name, size=file.stat().st_size, rules=Rules(**rules)))


def instant(text: str) -> datetime:
    """The instant that a text means, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def fault(line: str) -> str | None:
    """Why a line cannot be taken."""
    try:
        event = json.loads(line)
    except ValueError:
        return "malformed"
    if event.get("order_id") is None:
        return "missing_key"
    try:
        instant(event["ordered_at"]), instant(event["updated_at"]), Decimal(event["total"])
    except (ValueError, InvalidOperation):
        return "bad_value"
    return None


class Landed:
    """The landing folder, read with plain Python."""

    def __init__(self) -> None:
        """Read all of it."""
        self.deliveries = sorted((LANDING / "shop" / "orders").rglob("*.gz"))
        self.verdicts = {file: verdict(file, kind="json") for file in self.deliveries}
        self.lines = [
            (file, row, line)
            for file in self.deliveries
            if self.verdicts[file].reason is None
            for row, line in enumerate(content(file).decode().splitlines(), 1)
        ]
        self.faults = [(file, row, reason) for file, row, line in self.lines if (reason := fault(line))]
        self.exports = sorted((LANDING / "shop" / "customers").rglob("*.csv"))
        self.customers = [read_csv(file, ";") for file in self.exports]
        catalogs = sorted((LANDING / "shop" / "products").rglob("*.json"))
        self.products: list[list[Row]] = [json.loads(content(file)) for file in catalogs]

    @property
    def events(self) -> list[Row]:
        """The events that can be taken."""
        return [json.loads(line) for _, _, line in self.lines if fault(line) is None]

    @property
    def customer_rows(self) -> Iterator[dict[str, str]]:
        """The rows of all exports of customers."""
        return chain.from_iterable(self.customers)


@pytest.fixture(scope="module")
def landed() -> Landed:
    """The landing folder."""
    return Landed()


def told() -> dict[str, int]:
    """How often each kind of dirt is found, as the README says."""
    page = (SAMPLE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \| .+ \| .+ \|$", page, re.MULTILINE)
    return {what: int(count.replace(",", "")) for what, count in rows if what not in PHONE_CODES}


def found(landed: Landed) -> dict[str, int]:
    """How often each kind of dirt is found in the files."""
    return lines_found(landed) | customers_found(list(landed.customer_rows)) | files_found(landed)


def lines_found(landed: Landed) -> dict[str, int]:
    """Count the dirt in deliveries."""
    whole = [json.loads(line) for _, _, line in landed.lines if fault(line) != "malformed"]
    copies = Counter(line for _, _, line in landed.lines)
    first: dict[str, str] = {}
    for file, _, line in landed.lines:
        if fault(line) is None:
            first.setdefault(line, "-".join(file.parts[-5:-1]))
    due = {line: f"{instant(json.loads(line)['updated_at']):%Y-%m-%d-%H}" for line in first}
    return {
        "line delivered again": sum(copies.values()) - len(copies),
        "event that is late": sum(first[line] > due[line] for line in first),
        "`order_id` left out": sum("order_id" not in event for event in whole),
        "`order_id` null": sum(event.get("order_id", "") is None for event in whole),
        "`total` with a decimal comma": sum("," in event["total"] for event in whole),
        "`total` N/A": sum(event["total"] == "N/A" for event in whole),
        "`ordered_at` on a day that is in no calendar": sum("-11-4" in event["ordered_at"] for event in whole),
        "`updated_at` a word": sum(event["updated_at"].isalpha() for event in whole),
        "line cut in the middle": sum(reason == "malformed" for _, _, reason in landed.faults),
        "line with the new field `channel`": sum('"channel"' in line for _, _, line in landed.lines),
    }


def customers_found(rows: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Count the dirt in rows of customers."""
    return {
        "e-mail with blanks and capitals": sum(row["email"] != row["email"].strip().lower() for row in rows),
        "phone in national form": sum(not row["phone"].startswith(("+", "00")) for row in rows),
        "country code in small letters": sum(row["country"].islower() for row in rows),
        "country by its name": sum(row["country"] in NAMES for row in rows),
        "name with a no-break space": sum("\xa0" in row["name"] for row in rows),
        "name with decomposed letters": sum(not unicodedata.is_normalized("NFC", row["name"]) for row in rows),
        "name with quotes": sum('"' in row["name"] for row in rows),
        "name with a line break": sum("\n" in row["name"] for row in rows),
    }


def files_found(landed: Landed) -> dict[str, int]:
    """Count the files that are odd as a whole."""
    refused = Counter(one.reason for one in landed.verdicts.values())
    headers = [list(rows[0]) for rows in landed.customers]
    return {
        "file cut in the middle": refused["truncated"],
        "file in cp1252": refused["encoding"],
        "file without bytes": sum(file.stat().st_size == 0 for file in landed.deliveries),
        "hidden file": sum(file.name.startswith(("_", ".")) for file in LANDING.rglob("*")),
        "file with one column more (`loyalty_tier`)": sum("loyalty_tier" in header for header in headers),
        "file with its columns in another order": sum(header[: len(headers[0])] != headers[0] for header in headers),
    }


def standard_phone(phone: str, country: str) -> str:
    """A phone number as E.164 has it."""
    digits = re.sub(r"\D", "", phone.replace("(0)", ""))
    if phone.startswith(("+", "00")):
        return f"+{digits.removeprefix('00')}"
    return f"+{PHONE_CODES[country]}{digits.removeprefix('0')}"


def standard_customer(row: Mapping[str, str]) -> dict[str, str]:
    """A row of customers in standard form."""
    country = NAMES.get(row["country"], row["country"].upper())
    return {
        "customer_id": row["customer_id"],
        "name": unicodedata.normalize("NFC", " ".join(row["name"].split())),
        "email": row["email"].strip().lower(),
        "phone": standard_phone(row["phone"], country),
        "country_code": country,
        "marketing_consent": {"yes": "true", "no": "false"}[row["marketing_consent"]],
        "loyalty_tier": row.get("loyalty_tier", ""),
        "updated_at": row["updated_at"],
    }


def last_events(landed: Landed) -> list[Row]:
    """The last event of each order."""
    events = sorted(landed.events, key=lambda event: instant(event["updated_at"]))
    return sorted({event["order_id"]: event for event in events}.values(), key=lambda event: str(event["order_id"]))


def test_the_sample_is_as_made(tmp_path: Path) -> None:
    """Made again, every file has the content of the one that is kept, and there are no others."""
    subprocess.run([sys.executable, "-B", str(SAMPLE / "make.py"), str(tmp_path)], check=True)
    assert files_of(tmp_path) == files_of(SAMPLE)


def test_the_sample_is_small() -> None:
    """All files together have less than 600 KB."""
    assert sum(file.stat().st_size for file in SAMPLE.rglob("*") if file.is_file()) < 600_000


def test_the_page_counts_right(landed: Landed) -> None:
    """Each kind of dirt is there as often as the README says, and it names them all."""
    assert told() == found(landed)


def test_quarantine_is_what_cannot_be_taken(landed: Landed) -> None:
    """Refused are the files that the check of landed files refuses; set aside, the lines that plain Python cannot take."""
    refused = [(file, "", one.reason) for file, one in landed.verdicts.items() if one.reason]
    lines = [(file, str(row), reason) for file, row, reason in landed.faults]
    expected = [(LANDING / row["file"], row["row"], row["reason"]) for row in read_csv(EXPECTED / "quarantine.csv")]
    assert Counter(expected) == Counter(refused + lines)


def test_the_check_counts_what_is_there(landed: Landed) -> None:
    """The check of landed files counts the lines of deliveries and the records of exports, line breaks in names or not."""
    assert sum(one.records or 0 for one in landed.verdicts.values()) == len(landed.lines)
    checked = [verdict(file, kind="csv", delimiter=";") for file in landed.exports]
    assert [one.records for one in checked] == [len(rows) for rows in landed.customers] == [300, 60, 50]


def test_orders_are_their_last_events(landed: Landed) -> None:
    """The answer is the event of each order that was updated last, whenever and however often it arrived."""
    answers = [
        {
            "order_id": event["order_id"],
            "status": event["status"],
            "total": event["total"],
            "currency": event["currency"],
            "country_code": event["ship_to"]["country_code"],
            "ordered_at": f"{instant(event['ordered_at']):%Y-%m-%dT%H:%M:%SZ}",
        }
        for event in last_events(landed)
    ]
    assert answers == read_csv(EXPECTED / "orders.csv")


def test_no_two_events_tie(landed: Landed) -> None:
    """Of one order no two different events have the same `updated_at`."""
    different = {json.dumps(event) for event in landed.events}
    places = {(event["order_id"], event["updated_at"]) for event in landed.events}
    assert len(different) == len(places) == len(landed.events) - told()["line delivered again"]


def test_daily_sales_add_up(landed: Landed) -> None:
    """Orders, units and revenue of a day in UTC are the sums over orders that are not cancelled."""
    orders: Counter[tuple[str, str, str]] = Counter()
    units: Counter[tuple[str, str, str]] = Counter()
    revenue: dict[tuple[str, str, str], Decimal] = {}
    for event in last_events(landed):
        if event["status"] != "cancelled":
            place = (f"{instant(event['ordered_at']):%Y-%m-%d}", event["ship_to"]["country_code"], event["currency"])
            orders[place] += 1
            units[place] += sum(line["quantity"] for line in event["lines"])
            bought = (Decimal(line["unit_price"]) * line["quantity"] for line in event["lines"])
            revenue[place] = sum(bought, revenue.get(place, Decimal(0)))
    answers = [[*place, str(orders[place]), str(units[place]), str(revenue[place])] for place in sorted(orders)]
    assert answers == [list(row.values()) for row in read_csv(EXPECTED / "daily_sales.csv")]


def test_customers_are_their_last_rows(landed: Landed) -> None:
    """The answer is the last row of each customer in standard form."""
    last = {row["customer_id"]: standard_customer(row) for row in landed.customer_rows}
    assert list(last.values()) == read_csv(EXPECTED / "customers.csv")


def test_products_are_their_last_objects(landed: Landed) -> None:
    """The answer is the last object of each product."""
    rows = read_csv(EXPECTED / "products.csv")
    assert landed.products[-1] == [row | {"attributes": json.loads(row["attributes"])} for row in rows]
    assert landed.products[0] != landed.products[-1]


@pytest.mark.parametrize("table", ["orders", "customers", "products"])
def test_contracts_name_what_is_sent(landed: Landed, table: str) -> None:
    """Every column of a contract is sent, and every field that is sent is in it, but for the one that is new."""
    contracts = yaml.safe_load((ROOT / "configs" / "contracts" / "zones.yaml").read_text(encoding="utf-8"))
    contract = Contract.model_validate(contracts[f"shop.{table}"])
    sent = {"orders": landed.events, "customers": landed.customer_rows, "products": landed.products[0]}[table]
    assert {name for row in sent for name in row} - {"channel"} == set(contract.columns)
