"""Net row changes between two versions of a table, by multiset difference."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from lakehouse.columns import quoted
from lakehouse.errors import ConfigError
from lakehouse.tables.alignment import align
from lakehouse.tables.statements import has_map

CHANGE_TYPE = "_change_type"
INSERT = "insert"
DELETE = "delete"

_BALANCE = "_balance"
_KEY = "_key_"


def net_changes(before: DataFrame, after: DataFrame, *, where: str) -> DataFrame:
    """Rows that `after` has more of (`insert`) and fewer of (`delete`) than `before`, with `_change_type`.

    An update is a delete and an insert; a row that changed and changed back is not there at all. Duplicates count: three
    equal rows that became five are two inserts. Nulls equal nulls, and maps are compared by content. The columns are
    those of `after`; a column that `before` has not is null there. No order.

    Raises:
        ConfigError: the table has a column of the name `_change_type`.
        IncompatibleSchemaError: `before` has a column that `after` has not, or a wider type.
    """
    if CHANGE_TYPE in after.columns:
        msg = f"{where} has a column {CHANGE_TYPE}, which is the name of the change type; rename it"
        raise ConfigError(msg)
    both = after.select("*", F.lit(1).alias(_BALANCE)).unionAll(
        align(before, after.schema, where=where).select("*", F.lit(-1).alias(_BALANCE))
    )
    # Maps are neither grouped nor sorted by Spark: they are compared in a canonical form and carried along.
    maps = [field.name for field in after.schema if has_map(field.dataType)]
    keys = [F.col(quoted(name)) for name in after.columns if name not in maps]
    keys += [
        _canonical(F.col(quoted(name)), after.schema[name].dataType).alias(f"{_KEY}{i}") for i, name in enumerate(maps)
    ]
    grouped = both.groupBy(*keys).agg(
        F.sum(_BALANCE).alias(_BALANCE), *(F.first(quoted(name)).alias(name) for name in maps)
    )
    changed = grouped.where(F.col(_BALANCE) != 0)
    return changed.select(
        *(F.col(quoted(name)) for name in after.columns),
        F.when(F.col(_BALANCE) > 0, F.lit(INSERT)).otherwise(F.lit(DELETE)).alias(CHANGE_TYPE),
        F.explode(F.sequence(F.lit(1), F.abs(F.col(_BALANCE)).cast("int"))).alias(_BALANCE),
    ).drop(_BALANCE)


def _canonical(column: Column, data_type: DataType) -> Column:
    """The value with every map in it turned into its sorted entries."""
    if not has_map(data_type):
        return column
    if isinstance(data_type, StructType):
        fields = [_canonical(column.getField(f.name), f.dataType).alias(f.name) for f in data_type]
        return F.when(column.isNotNull(), F.struct(*fields))
    if isinstance(data_type, ArrayType):
        element_type = data_type.elementType
        return F.transform(column, lambda element: _canonical(element, element_type))
    assert isinstance(data_type, MapType)  # noqa: S101 - narrows the type; has_map left nothing else
    value_type = data_type.valueType
    entries = F.transform(
        F.map_entries(column),
        lambda entry: F.struct(entry["key"].alias("key"), _canonical(entry["value"], value_type).alias("value")),
    )
    return F.array_sort(entries)
