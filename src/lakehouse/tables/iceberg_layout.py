"""What the layout of an Iceberg table depends on, from Iceberg's own table object."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from lakehouse.tables.jvm import java_session


def layout_columns(table: Any) -> tuple[str, ...]:
    """The top-level columns of every partition spec, earlier ones included, and of the sort order."""
    fields = [field for spec in table.specs().values() for field in spec.fields()] + list(table.sortOrder().fields())
    names = (table.schema().findColumnName(field.sourceId()) for field in fields)
    return tuple(dict.fromkeys(str(name).partition(".")[0] for name in names if name is not None))


def is_partition_predicate(spark: SparkSession, table: Any, predicate: str) -> bool:
    """Whether a predicate is over identity partition columns alone, so that no file fulfils it in part."""
    if table.specs().size() > 1:
        return False
    fields = [field for field in table.spec().fields() if field.transform().isIdentity()]
    partitioned_by = {(str(table.schema().findColumnName(field.sourceId())),) for field in fields}
    parsed = java_session(spark).sessionState().sqlParser().parseExpression(predicate)
    # Not `references()`: a set of two unresolved columns asks each for the identifier that it does not have yet.
    leaves = [leaf for leaf in _items(parsed.collectLeaves()) if leaf.nodeName() == "UnresolvedAttribute"]
    names = {tuple(_items(leaf.nameParts())) for leaf in leaves}
    return bool(names) and names <= partitioned_by


def _items(sequence: Any) -> list[Any]:
    """The items of a Scala sequence."""
    return [sequence.apply(i) for i in range(sequence.size())]
