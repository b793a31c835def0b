"""Make the sample of the job `schema_evolution`: three days of customer events whose producer learns of phones on the second day.

`python data/samples/schema_evolution/make_customer_events.py [FOLDER]` writes `landing/` and `expected/`.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from faker import Faker

SEED = 20261121
FIRST_DAY = datetime(2026, 11, 21, tzinfo=UTC)
EVENTS_A_DAY = 60
WITH_EMAIL, WITH_PHONE = 0.8, 0.6
TYPES = ("signed_up", "updated_profile", "viewed_offer", "unsubscribed")
FIELDS = ("event_id", "customer_id", "event_type", "timestamp", "email", "phone")

Event = dict[str, object]


def make(folder: Path) -> None:
    """Write what lands, and what the table holds in the end."""
    kept: dict[object, Event] = {}
    for number, events in enumerate(days()):
        day = FIRST_DAY + timedelta(days=number)
        place = folder / "landing" / "crm" / "customer_events" / f"{day:%Y/%m/%d}"
        place.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(event, ensure_ascii=False) for event in events]
        (place / "customer-events.json").write_text("\n".join([*lines, ""]), encoding="utf-8")
        kept |= {event["event_id"]: event for event in events if event.get("event_type") is not None}
    (folder / "expected").mkdir(parents=True, exist_ok=True)
    with (folder / "expected" / "customer_events.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept[key] for key in sorted(kept, key=str))


def days() -> Iterator[list[Event]]:
    """The events of each day; some of the day before come again, and one a day lacks what its contract requires."""
    faker, chance = Faker(["en_US", "de_DE", "fr_FR"]), random.Random(SEED)  # noqa: S311 - no secret
    Faker.seed(SEED)
    before: list[Event] = []
    for day in range(3):
        events = [event(faker, chance, day, number) for number in range(EVENTS_A_DAY)]
        events[7].pop("event_type")
        yield [*events, *chance.sample(before, k=min(4, len(before)))]
        before = [one for one in events if "event_type" in one and "phone" not in one]


def event(faker: Faker, chance: random.Random, day: int, number: int) -> Event:
    """One event; an e-mail is optional, and so is the phone that events have since the second day."""
    moment = FIRST_DAY + timedelta(days=day, seconds=number * 1_371 + chance.randrange(1_000))
    made: Event = {
        "event_id": f"E-{day + 1}{number:04d}",
        "customer_id": 1_000 + chance.randrange(40),
        "event_type": chance.choice(TYPES),
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
    }
    if chance.random() < WITH_EMAIL:
        made["email"] = faker.ascii_safe_email()
    if day and chance.random() < WITH_PHONE:
        made["phone"] = faker.numerify("+1212555####")
    return made


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
