"""The leases that a configuration asks for."""

from __future__ import annotations

from functools import cache

from lakehouse.aws.slots import open_slots
from lakehouse.config.models import LeaseConfig
from lakehouse.tables.leases import Leases, StoredLease


@cache
def open_leases(config: LeaseConfig | None) -> Leases | None:
    """What makes the lease of a table; None: the configuration names no place for them.

    Raises:
        ConfigError: boto3 is missing.
    """
    if config is None:
        return None
    slots = open_slots(config.at)
    return lambda folder: StoredLease(slot=slots(folder), where=folder, seconds=config.seconds)
