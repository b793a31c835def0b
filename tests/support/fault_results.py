"""What the fault rig saw, one JSON object a line, for whoever writes down what is guaranteed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyspark

FILE = Path(__file__).parents[2] / ".cache" / "faults.jsonl"
SEED = int(os.environ.get("FAULTS_SEED", "20260101"))
"""Where chance begins; every run of the rig with the same one makes the same choices."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One experiment: the fault, how it was caused, what was seen, and figures."""

    fault: str
    caused_by: str
    seen: str
    figures: dict[str, object]

    def note(self) -> None:
        """Add it to the results, with the seed and the runtime."""
        FILE.parent.mkdir(parents=True, exist_ok=True)
        at = datetime.now(tz=UTC).isoformat(timespec="seconds")
        entry = {"at": at, "spark": pyspark.__version__, "seed": SEED, "fault": self.fault, "caused_by": self.caused_by}
        with FILE.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**entry, "seen": self.seen, **self.figures}, ensure_ascii=False) + "\n")
