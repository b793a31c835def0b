"""What Firehose delivered of the events of orders: late, twice, spoiled, and in files that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from uuid import UUID

from formats import Dirt, Row, as_json, as_utc, packed
from shop import DAYS, START, Event

HOURS = tuple(START + timedelta(hours=hour) for hour in range(24 * len(DAYS)))
EMPTY, TRUNCATED, CP1252 = HOURS[27], HOURS[41], HOURS[57]
READABLE = tuple(hour for hour in HOURS if hour not in (TRUNCATED, CP1252))
CHANNEL_SINCE = HOURS[36]
REDELIVERED, LATE, CUT = 15, 25, 2


@dataclass(slots=True, kw_only=True, eq=False)
class Line:
    """A line of a delivery: the hour of it, the text, the event that was meant, and why it is set aside (None: it is not)."""

    hour: datetime
    text: str
    event: Event
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiler:
    """How the record of an event is spoiled, how often, and the reason for which it is then set aside."""

    what: str
    count: int
    reason: str
    change: Callable[[Row], Row]


SPOILERS = (
    Spoiler(what="`order_id` left out", count=2, reason="missing_key", change=lambda row: _without(row, "order_id")),
    Spoiler(what="`order_id` null", count=2, reason="missing_key", change=lambda row: row | {"order_id": None}),
    Spoiler(
        what="`total` with a decimal comma",
        count=3,
        reason="bad_value",
        change=lambda row: row | {"total": row["total"].replace(".", ",")},
    ),
    Spoiler(what="`total` N/A", count=2, reason="bad_value", change=lambda row: row | {"total": "N/A"}),
    Spoiler(
        what="`ordered_at` on a day that is in no calendar",
        count=2,
        reason="bad_value",
        change=lambda row: row | {"ordered_at": row["ordered_at"].replace("-11-2", "-11-4")},
    ),
    Spoiler(what="`updated_at` a word", count=2, reason="bad_value", change=lambda row: row | {"updated_at": "now"}),
)


def deliver(random: Random, events: Sequence[Event]) -> tuple[list[Line], list[Dirt]]:
    """Put each event into the delivery of its hour; then let some come late, some twice, and spoil some. None meets two fates."""
    lines = [Line(hour=_hour(event.updated_at), text=as_json(event_row(event)), event=event) for event in events]
    ends = {line.event.order.order_id: line.hour for line in lines}  # the last event of an order comes last
    early = set(READABLE[:-1])  # after these there is a delivery to come late in
    candidates = [line for line in lines if line.hour in early and ends[line.event.order.order_id] in early]
    random.shuffle(candidates)
    late = [line for line in candidates if line.hour < ends[line.event.order.order_id]][:LATE]
    others = (line for line in candidates if line not in late)
    for line in late:
        line.hour = _later(random, ends[line.event.order.order_id])
    lines += [
        Line(hour=_later(random, line.hour), text=line.text, event=line.event) for line in islice(others, REDELIVERED)
    ]
    for spoiler in SPOILERS:
        for line in islice(others, spoiler.count):
            line.text, line.reason = as_json(spoiler.change(event_row(line.event))), spoiler.reason
    for line in islice(others, CUT):
        line.text, line.reason = line.text[: len(line.text) // 2], "malformed"
    return lines, _told(lines)


def _told(lines: Iterable[Line]) -> list[Dirt]:
    """What is to be said of the lines that were delivered."""
    listed, aside = "listed in `expected/quarantine.csv`", "quarantine, with the line as it came"
    return [
        Dirt(what="line delivered again", count=REDELIVERED, where="a later hour", then="count it once"),
        Dirt(
            what="event that is late",
            count=LATE,
            where="a delivery after that of a later event of its order",
            then="order by `updated_at`, not by arrival: the late event changes nothing",
        ),
        *(Dirt(what=one.what, count=one.count, where=listed, then=f"{aside}: `{one.reason}`") for one in SPOILERS),
        Dirt(what="line cut in the middle", count=CUT, where=listed, then=f"{aside}: `malformed`"),
        Dirt(
            what="line with the new field `channel`",
            count=sum('"channel"' in line.text for line in lines if line.hour in READABLE),
            where=f"events since {as_utc(CHANNEL_SINCE)}",
            then="take the event; `channel` stays in bronze until the contract names it",
        ),
    ]


def write_orders(random: Random, landing: Path, lines: Sequence[Line]) -> list[Row]:
    """Write a delivery an hour, its lines in any order, and one without bytes; tell what of them belongs into quarantine."""
    quarantine: list[Row] = []
    for hour in HOURS:
        due = [line for line in lines if line.hour == hour]
        random.shuffle(due)
        text = "".join(f"{line.text}\n" for line in due)
        path = _delivery(random, landing, hour)
        file = str(path.relative_to(landing))
        if hour == TRUNCATED:
            path.write_bytes(packed(text[: len(text) // 2].encode(), whole=False))
            quarantine.append({"file": file, "row": "", "reason": "truncated"})
        elif hour == CP1252:
            path.write_bytes(packed(text.encode("cp1252")))
            quarantine.append({"file": file, "row": "", "reason": "encoding"})
        else:
            path.write_bytes(packed(text.encode()))
            quarantine += [
                {"file": file, "row": row, "reason": line.reason} for row, line in enumerate(due, 1) if line.reason
            ]
    _delivery(random, landing, EMPTY).write_bytes(b"")
    return quarantine


def folder_of(hour: datetime) -> str:
    """Where the deliveries of an hour are, below the landing folder."""
    return f"shop/orders/{hour:%Y/%m/%d/%H}"


def event_row(event: Event) -> Row:
    """An event as the shop sends it: money as text, the time of the order on the customer's clock."""
    order, customer = event.order, event.order.customer
    channel = {"channel": ("web", "app")[customer.customer_id % 2]} if event.updated_at >= CHANNEL_SINCE else {}
    return {
        "order_id": order.order_id,
        "customer_id": customer.customer_id,
        "ordered_at": order.ordered_at.isoformat(),
        "updated_at": as_utc(event.updated_at),
        "status": event.status,
        **channel,
        "currency": customer.country.currency,
        "total": str(order.total),
        "lines": [
            {"sku": product.sku, "quantity": quantity, "unit_price": str(product.price)}
            for product, quantity in order.lines
        ],
        "ship_to": {"city": customer.city, "country_code": customer.country.code, "postcode": customer.postcode},
    }


def _delivery(random: Random, landing: Path, hour: datetime) -> Path:
    """The path of a new delivery, as Firehose names it."""
    folder = landing / folder_of(hour)
    folder.mkdir(parents=True, exist_ok=True)
    at = hour + timedelta(seconds=random.randrange(3_600))
    return folder / f"shop-orders-1-{at:%Y-%m-%d-%H-%M-%S}-{UUID(int=random.getrandbits(128), version=4)}.gz"


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _later(random: Random, hour: datetime) -> datetime:
    """One of the next hours whose delivery can be read."""
    return random.choice([one for one in READABLE if one > hour][:6])


def _without(row: Row, name: str) -> Row:
    return {other: value for other, value in row.items() if other != name}
