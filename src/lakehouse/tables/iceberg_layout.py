"""What the layout of an Iceberg table depends on, from Iceberg's own table object."""

from __future__ import annotations

from typing import Any


def layout_columns(table: Any) -> tuple[str, ...]:
    """The top-level columns of every partition spec, earlier ones included, and of the sort order."""
    fields = [field for spec in table.specs().values() for field in spec.fields()] + list(table.sortOrder().fields())
    names = (table.schema().findColumnName(field.sourceId()) for field in fields)
    return tuple(dict.fromkeys(str(name).partition(".")[0] for name in names if name is not None))
