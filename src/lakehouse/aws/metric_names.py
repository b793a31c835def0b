"""Names and dimensions of metrics as CloudWatch takes them: printable ASCII of limited length, everything else escaped or refused.

Limits: the API reference of CloudWatch (PutMetricData, MetricDatum, Dimension, MetricStreamFilter) and the specification of its
embedded metric format, whichever is less. Alarms name metrics by the same functions, or they would watch nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lakehouse.errors import ConfigError

TABLE: Final = "Table"
PARTITION: Final = "Partition"
"""The dimensions that tell tables, and parts of them, from each other."""
NO_DIMENSIONS: Mapping[str, str] = MappingProxyType({})

MOST_DIMENSIONS = 30
_NAMESPACE, _NAME, _VALUE = 255, 255, 1024
_KEY = 250  # the API takes 255, the embedded format 250
_UNPRINTABLE = re.compile(r"[^ -~]")
_ESCAPED = re.compile(r"[^ -$&-~]")
_DIGEST = 16


def check_namespace(namespace: str) -> str:
    """The namespace, which CloudWatch takes.

    Raises:
        ConfigError: it is empty, longer than 255 characters, not of printable ASCII, begins with a colon, or is one of AWS.
    """
    if namespace.startswith((":", "AWS/")):
        msg = f"namespace {namespace[:40]!r}: one that begins with a colon or AWS/ is not yours; take another, such as Lakehouse"
        raise ConfigError(msg)
    return _checked("namespace", namespace, _NAMESPACE)


def metric_name(name: str) -> str:
    """A metric's name in CloudWatch: what is no printable ASCII is written as `%` and its bytes of UTF-8, and `%` as `%25`.

    One that is longer than 255 characters, as those with a query in them are, is cut, and ends with a digest of the whole.

    Raises:
        ConfigError: it is blank.

    >>> metric_name("Column.größe.Completeness")
    'Column.gr%C3%B6%C3%9Fe.Completeness'
    """
    escaped = _escape(name)
    if len(escaped) > _NAME:
        digest = hashlib.sha256(escaped.encode()).hexdigest()[:_DIGEST]
        escaped = f"{escaped[: _NAME - _DIGEST - 1]}~{digest}"
    return _checked("metric", escaped, _NAME)


def metric_dimensions(
    table: str, *, partition: str | None = None, more: Mapping[str, str] = NO_DIMENSIONS
) -> dict[str, str]:
    """The dimensions of a table's metrics: the table, its partition if there is one, and `more`; values escaped as names are.

    Each value of a dimension makes a metric of its own, which is paid for: partitions without end are better left out.

    Raises:
        ConfigError: a name is one that CloudWatch does not take, or is taken already; a value is blank or longer than 1,024
            characters; or there are more than 30.
    """
    own = {TABLE: table} | ({} if partition is None else {PARTITION: partition})
    for name in more:
        if name in {TABLE, PARTITION} or name.startswith(":"):
            msg = f"dimension {name[:40]!r}: {TABLE} and {PARTITION} are set already, and no name begins with a colon; take another"
            raise ConfigError(msg)
        _checked("dimension", name, _KEY)
    found = {
        name: _checked(f"value of dimension {name}", _escape(value), _VALUE) for name, value in {**own, **more}.items()
    }
    if len(found) > MOST_DIMENSIONS:
        msg = f"{len(found)} dimensions, and CloudWatch takes {MOST_DIMENSIONS}: leave some out"
        raise ConfigError(msg)
    return found


def dimension_list(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    """Dimensions as the API has them."""
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _escape(text: str) -> str:
    # Half a letter has no UTF-8, and is told by the bytes it would have.
    return _ESCAPED.sub(
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass")), text
    )


def _checked(what: str, text: str, most: int) -> str:
    if not text.strip():
        msg = f"{what} is blank; CloudWatch wants at least one letter"
        raise ConfigError(msg)
    if len(text) > most:
        msg = f"{what} has {len(text)} characters, and CloudWatch takes {most}; shorten it: {text[:40]!r}"
        raise ConfigError(msg)
    if _UNPRINTABLE.search(text):
        msg = f"{what} {text[:40]!r} must be of printable ASCII"
        raise ConfigError(msg)
    return text
