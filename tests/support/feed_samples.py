"""Recorded samples of feeds: `records.jsonl`, and in `expected.jsonl`, line by line, what becomes of each record.

Where a feed comes in several forms, the files of another one have its name before theirs.
"""

from __future__ import annotations

import json
import math
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

FEEDS = Path(__file__).parents[1] / "data" / "feeds"


def records(feed: str, file: str = "records.jsonl") -> list[str]:
    """The records as they lie in a file."""
    return FEEDS.joinpath(feed, file).read_text(encoding="utf-8").splitlines()


def expected(feed: str, file: str = "expected.jsonl") -> dict[Any, Any]:
    """By place, in a record with `parts` also by their places: the list of changes (deletes first), or (kind,) of what is skipped, or (reason, detail) of what is rejected."""
    told = [(place, json.loads(line)) for place, line in enumerate(records(feed, file))]
    parts = {(place, i): part for place, record in told if "parts" in record for i, part in enumerate(record["parts"])}
    whole = {place: record for place, record in told if "parts" not in record}
    return {place: _outcome(outcome) for place, outcome in (whole | parts).items()}


def written(outcome: Any) -> Any:
    """An outcome as the files write it: decimals and what is no JSON number as text, times in ISO, bytes in hex."""
    if isinstance(outcome, dict):
        return {name: written(value) for name, value in outcome.items()}
    if isinstance(outcome, list):
        return [written(value) for value in outcome]
    if isinstance(outcome, (bytes, bytearray)):
        return outcome.hex()
    if isinstance(outcome, date):
        return outcome.isoformat()
    odd = isinstance(outcome, Decimal) or (isinstance(outcome, float) and not math.isfinite(outcome))
    return str(outcome) if odd else outcome


def _outcome(told: Any) -> Any:
    if isinstance(told, list):
        return told
    return (told["skipped"],) if "skipped" in told else tuple(told["rejected"])
