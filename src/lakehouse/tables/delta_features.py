"""Table features and properties that the columns of a Delta table ask for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

from lakehouse.schemas.evolution import AddField, DropField, RenameField, Step, WidenField

_DELETION_VECTORS = {"delta.enableDeletionVectors": "true"}
_COLUMN_MAPPING = {"delta.columnMapping.mode": "name"}
_TYPE_WIDENING = {"delta.enableTypeWidening": "true"}
_TIMESTAMP_NTZ = {"delta.feature.timestampNtz": "supported"}
_NO_DELETION_VECTORS = {"delta.enableDeletionVectors": "false"}
_UNMAPPABLE = frozenset(" ,;{}()\n\t=")
"""Characters that a column name may have under column mapping only."""


def features_of(schema: StructType) -> dict[str, str]:
    """Properties of a new table: deletion vectors, and column mapping where a name, nested ones included, needs it.

    Delta marks the rows of a file by joining on a column `path` of its own, which fails where the table has one
    (delta-io/delta#2943): such a table goes without deletion vectors.

    >>> from pyspark.sql.types import LongType
    >>> features_of(StructType([StructField("two words", LongType())]))
    {'delta.enableDeletionVectors': 'true', 'delta.columnMapping.mode': 'name'}
    """
    vectors = _NO_DELETION_VECTORS if _has_path(schema) else _DELETION_VECTORS
    return {**vectors, **(_COLUMN_MAPPING if _needs_mapping(schema) else {})}


def features_for(steps: Sequence[Step]) -> dict[str, str]:
    """Properties that a table needs before the steps are taken; Delta sets them by itself at creation only."""
    added = StructType([StructField(one.path[-1], one.data_type) for one in steps if isinstance(one, AddField)])
    named = {one.path: one.path[-1] for one in steps if isinstance(one, AddField)}
    named |= {one.path: one.name for one in steps if isinstance(one, RenameField)}
    is_path = any(len(path) == 1 and name.casefold() == "path" for path, name in named.items())
    is_mapped = any(isinstance(one, RenameField | DropField) for one in steps)
    return {
        **(_NO_DELETION_VECTORS if is_path else {}),
        **(_COLUMN_MAPPING if is_mapped or _needs_mapping(added) else {}),
        **(_TIMESTAMP_NTZ if "timestamp_ntz" in added.simpleString() else {}),
        **(_TYPE_WIDENING if any(isinstance(one, WidenField) for one in steps) else {}),
    }


def _has_path(schema: StructType) -> bool:
    return any(field.name.casefold() == "path" for field in schema)


def _needs_mapping(schema: StructType) -> bool:
    """Whether a column name, nested ones included, has a character that needs column mapping."""
    return any(_UNMAPPABLE & set(field.name) for field in _fields(schema))


def _fields(data_type: DataType) -> Iterator[StructField]:
    """Every field in a type, at any depth."""
    if isinstance(data_type, StructType):
        for field in data_type:
            yield field
            yield from _fields(field.dataType)
    elif isinstance(data_type, ArrayType):
        yield from _fields(data_type.elementType)
    elif isinstance(data_type, MapType):
        yield from _fields(data_type.keyType)
        yield from _fields(data_type.valueType)
