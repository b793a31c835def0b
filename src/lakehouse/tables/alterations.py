"""The statements that carry out a plan of evolution, in the SQL that both formats share. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

from lakehouse.columns import quoted
from lakehouse.schemas.evolution import AddField, AllowNull, DropField, MoveField, RenameField, Step, WidenField
from lakehouse.schemas.type_names import type_text
from lakehouse.tables.statements import quoted_name, quoted_text


def steps_of(schema: StructType, added: Sequence[StructField], widened: Mapping[str, DataType]) -> list[Step]:
    """The steps that add columns at the end and widen others."""
    adding = [AddField(path=(f.name,), data_type=f.dataType, comment=f.metadata.get("comment")) for f in added]
    widening = [
        WidenField(path=(name,), before=schema[name].dataType, after=data_type) for name, data_type in widened.items()
    ]
    return [*adding, *widening]


def alterations(target: str, steps: Sequence[Step]) -> Iterator[str]:
    """One statement for each step; fields that are added one after the other go into one."""
    for adding, group in groupby(steps, key=lambda step: isinstance(step, AddField)):
        clauses = [_clause(step) for step in group]
        yield from (
            f"ALTER TABLE {target} {one}" for one in ([f"ADD COLUMNS ({', '.join(clauses)})"] if adding else clauses)
        )


def widened_columns(schema: StructType, steps: Sequence[WidenField]) -> dict[str, DataType]:
    """The columns that the steps are in, with the types that they have afterwards.

    >>> from lakehouse.schemas.type_names import parse_schema, parse_type
    >>> step = WidenField(path=("a", "element"), before=parse_type("int"), after=parse_type("bigint"))
    >>> widened_columns(parse_schema({"a": "array<int>", "b": "int"}), [step])
    {'a': ArrayType(LongType(), True)}
    """
    types: dict[str, DataType] = {}
    for step in steps:
        name, *inner = step.path
        types[name] = _widened(types.get(name, schema[name].dataType), inner, step.after)
    return types


def _widened(data_type: DataType, path: Sequence[str], new: DataType) -> DataType:
    if not path:
        return new
    name, *inner = path
    if isinstance(data_type, ArrayType):
        return ArrayType(_widened(data_type.elementType, inner, new), data_type.containsNull)
    if isinstance(data_type, MapType):
        return MapType(data_type.keyType, _widened(data_type.valueType, inner, new), data_type.valueContainsNull)
    fields = data_type if isinstance(data_type, StructType) else ()
    return StructType(
        [
            StructField(f.name, _widened(f.dataType, inner, new), f.nullable, f.metadata) if f.name == name else f
            for f in fields
        ]
    )


def _clause(step: Step) -> str:
    """What is altered; of a field that is added its definition."""
    name = quoted_name(step.path)
    match step:
        case AddField():
            comment = f" COMMENT {quoted_text(step.comment)}" if step.comment else ""
            place = "" if step.after is None else f" {_place(step.after)}"
            return f"{name} {type_text(step.data_type)}{comment}{place}"
        case WidenField():
            return f"ALTER COLUMN {name} TYPE {type_text(step.after)}"
        case RenameField():
            return f"RENAME COLUMN {name} TO {quoted(step.name)}"
        case MoveField():
            return f"ALTER COLUMN {name} {_place(step.after)}"
        case AllowNull():
            return f"ALTER COLUMN {name} DROP NOT NULL"
        case DropField():
            return f"DROP COLUMNS ({name})"


def _place(after: str) -> str:
    return f"AFTER {quoted(after)}" if after else "FIRST"
