"""What the feeds of PostgreSQL have in common."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_ADDRESS = r"^([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})$"


def log_address(text: Column) -> Column:
    """The integer of a log sequence number (`hi/lo` in hex: hi * 2^32 + lo) as bigint; null when it is none.

    Its text is no order: the digits grow while a server runs.
    """
    high, low = (F.lpad(F.regexp_extract(text, _ADDRESS, group), 8, "0") for group in (1, 2))
    address = F.conv(F.concat(high, low), 16, -10).cast("bigint")
    return F.when(text.rlike(_ADDRESS) & (address >= 0), address)
