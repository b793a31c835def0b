"""The job `zones` on three days of a shop's landing zone, against what its maker knows of the shop."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from lakehouse.runtime.command_line import main as command_line
from lakehouse.runtime.job import DONE
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import Table, open_table
from lakehouse.tables.protocol import Format

SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "zones"
DAYS = ("2026-11-21", "2026-11-22", "2026-11-23")
TABLES = ("orders", "customers", "customers_history", "products", "daily_sales")

_OLD_ORDERS = SAMPLE / "landing" / "shop" / "orders" / "2026" / "11" / "21" / "00"
LATE_LINE = gzip.decompress(next(_OLD_ORDERS.iterdir()).read_bytes()).splitlines()[0]
"""An event that is known long since."""
_HEADER = b"customer_id;name;email;phone;country;marketing_consent;updated_at\n"
_LINES = b"".join(b'{"order_id":"Z-%d"}\n' % number for number in range(50))
GOOD_FILES = {
    "orders/2026/11/24/00/good.gz": gzip.compress(LATE_LINE + b"\n" + LATE_LINE[:40]),
    "customers/2026-11-24/reordered.csv": b"updated_at;name;customer_id;extra\r\n2026-11-24T00:00:00Z;Zo\xc3\xab;90001;x\r\n",
    "customers/2026-11-24/empty.csv": b"",
    "products/2026-11-24/good.json": b'[{"sku": "ZZZ-1", "attributes": {"material": "oak"}, "price": "1.50", "updated_at": "2026-11-24T00:00:00Z"}, 7]',
    "products/2026-11-24/empty.json": b"",
    "products/2026-11-24/.half written": b'[{"sku": "ZZZ-2"',
}
"""Files of the day after the sample with five records, of which two are none; the last file is still being written."""
BAD_FILES = {
    "orders/2026/11/24/01/cut.gz": (gzip.compress(_LINES)[:-12], "truncated"),
    "orders/2026/11/24/01/damaged.gz": (gzip.compress(_LINES)[:-8] + bytes(8), "corrupt"),
    "orders/2026/11/24/01/not packed.gz": (_LINES, "corrupt"),
    "orders/2026/11/24/01/bomb.gz": (gzip.compress(_LINES * 2_000), "over_limit"),
    "orders/2026/11/24/01/latin.gz": (gzip.compress(b'{"status": "caf\xe9"}\n'), "encoding"),
    "customers/2026-11-24/open quote.csv": (
        _HEADER + b'90002;"x;y;z;DE;yes;2026-11-24T00:00:00Z\n',
        "unterminated_quote",
    ),
    "customers/2026-11-24/latin.csv": (_HEADER + b"90002;caf\xe9;;;DE;yes;2026-11-24T00:00:00Z\n", "encoding"),
    "customers/2026-11-24/utf16.csv": ((_HEADER + b"90002;x;;;;;\n").decode().encode("utf-16"), "encoding"),
    "customers/2026-11-24/twice.csv": (b"customer_id;name;name\n90002;x;y\n", "bad_header"),
    "products/2026-11-24/cut.json": (b'[{"sku": "ZZZ-3", "updated_at": "2026-11-24T', "truncated"),
}
"""Files of that day that are refused, and why."""

Rows = list[tuple[str, ...]]


class Lake:
    """The shipped configuration with a landing folder and tables of its own."""

    def __init__(self, spark: SparkSession, folder: Path, table_format: Format) -> None:
        """Make the landing folder; nothing lies in it yet."""
        self.spark, self.format, self.zone = spark, table_format, f"zones_{uuid4().hex[:8]}"
        self.landing = folder / table_format
        for name in ("orders", "customers", "products"):
            (self.landing / "shop" / name).mkdir(parents=True)

    def land(self, *days: str) -> None:
        """Let days of the sample land."""
        for day in days:
            for name, below in (("orders", day.replace("-", "/")), ("customers", day), ("products", day)):
                where = Path("shop") / name / below
                shutil.copytree(SAMPLE / "landing" / where, self.landing / where)

    def land_among(self, files: dict[str, bytes]) -> None:
        """Let files of the day after the sample land, in folders of their own."""
        for name, content in files.items():
            path = self.landing / "shop" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def run(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **limits: int) -> dict[str, Any]:
        """Run the job as a person does, with other limits of files if need be, and return its closing line."""
        warehouse = str(self.spark.sparkContext.getConf().get(WAREHOUSE))
        monkeypatch.setenv("LANDING", str(self.landing))
        settings = {
            "warehouse": warehouse,
            "format": self.format,
            "quarantine": f"{self.zone}.quarantine",
            "ledger": f"{self.zone}.ledger",
            "outputs.silver.table": f"{self.zone}.{{table}}",
            "outputs.history.table": f"{self.zone}.{{table}}_history",
            "gold.daily_sales.table": f"{self.zone}.daily_sales",
            **{f"inputs.{name}.bronze": f"{self.zone}.bronze_{name}" for name in ("orders", "customers", "products")},
            **{f"inputs.orders.limits.{name}": limit for name, limit in limits.items()},
        }
        told = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        assert command_line(["run", "zones", "--log", "json", *told]) == DONE
        last: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return last

    def table(self, name: str) -> Table:
        """One of its tables."""
        warehouse = str(self.spark.sparkContext.getConf().get(WAREHOUSE))
        place = Places(warehouse=warehouse, catalog="lake", delta="path").ref(f"{self.zone}.{name}", self.format)
        return open_table(self.spark, place)

    def shown(self, name: str, *columns: Column | str) -> Rows:
        """Columns of one of its tables as text, as CSV would have them."""
        rows = self.table(name).read().select(*columns).collect()
        return sorted(tuple("" if value is None else str(value) for value in row) for row in rows)

    def everything(self) -> dict[str, list[str]]:
        """Every column of every table that is made of the files, row by row, but for what a run says of itself."""
        return {name: sorted(str(row) for row in self._rows(name)) for name in TABLES}

    def _rows(self, name: str) -> Iterable[object]:
        # Gold counts the batches that it has seen, of which there are more where the days came one by one; a test may run at midnight.
        frame = self.table(name).read().drop("_processed_date")
        return (frame.drop("_sequence") if name == "daily_sales" else frame).collect()


def expected(name: str) -> Rows:
    """What the maker of the sample says."""
    with (SAMPLE / "expected" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return sorted(tuple(row) for row in list(csv.reader(file))[1:])


def instant(name: str) -> Column:
    """A timestamp as ISO 8601 has it in UTC."""
    return F.date_format(name, "yyyy-MM-dd'T'HH:mm:ss'Z'")


def wrong(lake: Lake) -> dict[str, tuple[Rows, Rows]]:
    """Where the tables are not as the maker says: what they show and what they should, by table."""
    attributes = F.to_json("attributes")
    sales = ("order_date", "country_code", "currency", "orders", "units", "revenue")
    order = ("order_id", "status", "total", "currency", F.col("ship_to.country_code"), instant("ordered_at"))
    customer = (
        *("customer_id", "name_standard", "email_standard", "phone_standard", "country_standard"),
        *(F.col("marketing_consent").cast("string"), "loyalty_tier", instant("updated_at")),
    )
    product = ("sku", "title", "category", "price", attributes, instant("updated_at"))
    found: dict[str, Rows] = {
        "orders": lake.shown("orders", *order),
        "customers": lake.shown("customers", *customer),
        "products": lake.shown("products", *product),
        "daily_sales": lake.shown("daily_sales", *sales),
        "quarantine": sorted(
            (unquote(file).partition("/shop/")[2], row, reason)
            for file, row, reason in lake.shown("quarantine", "_source_file", "_row", "_reason")
        ),
    }
    found["quarantine"] = [(f"shop/{file}", row, reason) for file, row, reason in found["quarantine"]]
    return {name: (rows, expected(name)) for name, rows in found.items() if rows != expected(name)}


def refused(lake: Lake) -> dict[str, str]:
    """Why each file of the day after the sample was refused, by its name."""
    kept = lake.table("quarantine").read().where("_row IS NULL").collect()
    names = {unquote(row["_source_file"]).partition("/shop/")[2]: row["_reason"] for row in kept}
    return {name: reason for name, reason in names.items() if "24" in name.removesuffix(Path(name).name)}


def lake_days(lake: Lake) -> set[date | None]:
    """On which days the rows of the silver tables were processed."""
    tables = ("orders", "customers", "products")
    return {row[0] for name in tables for row in lake.table(name).read().select("_processed_date").distinct().collect()}


def test_days_in_any_order_give_what_one_load_gives(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two days and a backfill of the first in Iceberg, all at once in Delta: the same rows, which are what the shop did."""
    daily, whole = Lake(spark, tmp_path, "iceberg"), Lake(spark, tmp_path, "delta")
    told = []
    for days in (DAYS[1:], DAYS[:1]):
        daily.land(*days)
        told.append(daily.run(monkeypatch, capsys))
    whole.land(*DAYS)
    once = whole.run(monkeypatch, capsys)
    assert wrong(daily) == {}
    assert wrong(whole) == {}
    assert daily.everything() == whole.everything()
    assert lake_days(daily) | lake_days(whole) <= {date.today() - timedelta(days=1), date.today()}  # noqa: DTZ011 - the suite's zone is UTC
    assert [one["refused_files"] for one in told] == [{"encoding": 1, "truncated": 1}, {}]
    assert (once["refused_files"], once["hidden_files"]) == ({"encoding": 1, "truncated": 1}, 1)
    drift = {(one["table"], one["column"], one["state"]): one["rows"] for one in once["drift"]}
    assert drift.pop(("shop.orders", "channel", "unknown")) > 0
    assert drift == {("shop.customers", "loyalty_tier", "missing"): 300}
    bad_files_stop_no_other(daily, monkeypatch, capsys)
    assert daily.run(monkeypatch, capsys)["message"] == "nothing new"


def bad_files_stop_no_other(lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A day of files that are broken in every way, with good ones among them: told by name, and the good ones are loaded."""
    before = {name: set(rows) for name, rows in lake.everything().items()}
    lake.land_among(GOOD_FILES | {name: content for name, (content, _) in BAD_FILES.items()})
    said = lake.run(monkeypatch, capsys, decompressed_bytes=1 << 20)
    assert refused(lake) == {name: reason for name, (_, reason) in BAD_FILES.items()}
    assert said["refused_files"] == Counter(reason for _, reason in BAD_FILES.values())
    told = {(one["table"], one["column"]): one["rows"] for one in said["drift"] if one["state"] == "unknown"}
    assert told == {("shop.customers", "extra"): 1, ("shop.products", "attributes.material"): 1}
    assert (said["files"], said["rows"], said["hidden_files"]) == (len(GOOD_FILES) - 1, 5, 2)
    new = {name: set(rows) - before[name] for name, rows in lake.everything().items()}
    assert {name: len(rows) for name, rows in new.items() if rows} == {
        "customers": 1,
        "customers_history": 1,
        "products": 1,
    }
    assert all(before[name] <= set(rows) for name, rows in lake.everything().items())
    assert ("malformed", LATE_LINE[:40].decode()) in lake.shown("quarantine", "_reason", "_raw")
