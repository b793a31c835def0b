"""One execution of a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a job; the only clock there is."""

    job: str
    run_id: str
    started_at: datetime
