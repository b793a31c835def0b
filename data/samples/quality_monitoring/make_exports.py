"""Make the sample of the job `quality_monitoring`: what a CRM exports in 30 days, with faults on some, and what must be found.

`python data/samples/quality_monitoring/make_exports.py` writes `landing/`, `expected.json` and `README.md` beside itself, or into
the folder that it is given. The same seed makes the same files. What is expected is told from what was planted: no file is read.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

from crm import DAYS, SEGMENTS, Customer, Segment, count_customers, make_customers, make_fakers
from faults import FAULTS, SHORTAGE, Days, Export, lack_rows

SEED = 20261001
FIRST_ID = 100_001

README = """# Sample of the job `quality_monitoring`

What a CRM exports of its customers in 30 days, faults on {days} of them, and what has to be found. All people, addresses and numbers
are made up. `python data/samples/quality_monitoring/make_exports.py` makes the folder anew, this page included.

| below `landing/crm/` | |
|---|---|
| `customers/year=2026/month=10/day=DD/customers.csv` | an export a day: the customers that were dealt with, and what they were last billed; `export_date` is the day |
| `segments/segments.csv` | the segments that `segment_id` refers to |

The rules are in `configs/rulesets/customers.dqdl`. Each day is judged by itself, with the days before it as its history, as of the
midnight after it. On these days one rule fails, on the others none:

| day | what is wrong | dimension | rule | rows | set aside |
|---|---|---|---|---|---|
{faults}

Nothing is set aside where rows are too few: what is there is right. Other rows of these days go on to silver.

`expected.json` has a line for each day: how many `rows` were exported, what is wrong (`fault`), the rules that have `failed`, as the
ruleset has them, the rows that are `set_aside` (`row` is the line of the file that they begin on), and the customers whose row of
this day silver holds in the end (`kept`); then the `segments` of silver.

What is untidy and breaks no rule:

- up to a tenth of the customers of a day have no e-mail address (exactly a tenth on 2026-10-10), some no phone;
- names have accents, commas, quotes and line breaks; addresses have accents too;
- some phone numbers have an extension (15 characters) or lack the code of the country (10);
- amounts of credit notes are negative;
- a customer of 2026-10-02 was updated at midnight, so the row is exactly 24 hours old when it is judged;
- weekends have fewer customers.
"""


def main(folder: Path) -> None:
    """Make everything anew below a folder."""
    shutil.rmtree(folder / "landing", ignore_errors=True)
    landing = folder / "landing" / "crm"
    exports = make_exports(Random(SEED))  # noqa: S311 - the same sample every time
    for day, export in exports.items():
        place = f"year={day:%Y}/month={day:%m}/day={day:%d}"
        write_csv(landing / "customers" / place / "customers.csv", export.rows)
    write_csv(landing / "segments" / "segments.csv", SEGMENTS)
    days = [expected_day(day, export) for day, export in exports.items()]
    write_expected(folder / "expected.json", days=days, segments=[segment.segment_id for segment in SEGMENTS])
    write_readme(folder / "README.md", exports)


def make_exports(random: Random) -> dict[date, Export]:
    """What was exported, day by day: spoiled where a fault is planted, and with what the day before is to be mended by."""
    fakers = make_fakers(random)
    exports: dict[date, Export] = {}
    mended: Sequence[Customer] = ()
    first = FIRST_ID
    for day in DAYS:
        fault = FAULTS.get(day)
        count = count_customers(random, day)
        if fault and fault.plant is lack_rows:
            count //= SHORTAGE
        customers = [*mended, *make_customers(random, fakers, day, first=first, count=count)]
        exports[day] = fault.plant(random, customers, exports) if fault else Export(rows=customers)
        mended = exports[day].mended
        first += count
    return exports


def expected_day(day: date, export: Export) -> dict[str, Any]:
    """What must be found of an export, and which of its rows silver holds in the end."""
    fault = FAULTS.get(day)
    lines = list(lines_of(export.rows))
    return {
        "export_date": str(day),
        "rows": len(export.rows),
        "fault": fault and fault.what,
        "failed": [{"rule": str(fault.rule), "dimension": fault.rule.dimension}] if fault else [],
        "set_aside": [
            {"customer_id": export.rows[place].customer_id, "row": lines[place]} for place in sorted(export.faulty)
        ],
        "kept": [row.customer_id for place, row in enumerate(export.rows) if place not in export.faulty],
    }


def lines_of(rows: Iterable[Customer]) -> Iterator[int]:
    """The lines of the file that rows begin on: the first is the header, and a name may go on on the next."""
    line = 2
    for row in rows:
        yield line
        line += 1 + row.name.count("\n")


def write_csv(file: Path, rows: Sequence[Customer] | Sequence[Segment]) -> None:
    """Write rows under the names of their fields; what is missing is empty."""
    records = [{name: _text(value) for name, value in asdict(row).items()} for row in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, records[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def write_expected(file: Path, **sections: Sequence[object]) -> None:
    """Write lists as JSON, an item to a line."""
    written = (
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n]"
        for name, items in sections.items()
    )
    file.write_text("{\n" + ",\n".join(written) + "\n}\n", encoding="utf-8")


def write_readme(file: Path, exports: Days) -> None:
    """Write the page that tells what is where, and what is wrong with it."""
    faults = "\n".join(_told(day, exports) for day in FAULTS)
    file.write_text(README.format(days=len(FAULTS), faults=faults), encoding="utf-8")


def _told(day: date, exports: Mapping[date, Export]) -> str:
    fault, export = FAULTS[day], exports[day]
    told = (str(day), fault.what, fault.rule.dimension, f"`{fault.rule.text}`", len(export.rows), len(export.faulty))
    return f"| {' | '.join(map(str, told))} |"


def _text(value: object) -> object:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent)
