"""What producers send and no contract names, and what contracts name and no file has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructField, StructType

from lakehouse.cdc.csv_records import fields, tokens
from lakehouse.columns import BATCH, FILE, HEADER, LOADED_AT, PART, RAW, ROW, RUN_ID, TABLE, quoted
from lakehouse.schemas.differences import Path, written

UNKNOWN = "unknown"
MISSING = "missing"
_NO_COLUMNS = StructType()
_Has = Callable[[Column], Column]
_BRONZE = frozenset({TABLE, FILE, ROW, PART, HEADER, BATCH, LOADED_AT, RUN_ID})


def json_drift(df: DataFrame, known: Collection[str], columns: StructType = _NO_COLUMNS) -> DataFrame:
    """The fields of JSON records that are not known: `name`, `state`, `rows` (how many records have one, also as null).

    Names are compared letter by letter, as they are read. A record that is no JSON object has no fields, and none is ever
    missing: producers of JSON leave out what they like. A field of a nested object is named by its path: `lines.element.colour`.

    Args:
        df: bronze rows: `_raw`.
        known: every name that is read.
        columns: those of the contract; what their structs, arrays and maps hold is looked into.
    """
    whole = F.array(F.col(RAW))
    unknown = [_unknown(whole, known, ()), *_nested_unknown(whole, columns, ())]
    names = df.select(F.explode(F.concat(*unknown)).alias("name"))
    return _stated(names.groupBy("name").agg(F.count(F.lit(1)).alias("rows")), F.lit(UNKNOWN))


def csv_drift(df: DataFrame, known: Collection[str], wanted: Collection[str], *, delimiter: str = ",") -> DataFrame:
    """The columns that headers name and nobody knows, and the wanted ones that they do not name: `name`, `state`, `rows`.

    Looks at each header once, and at no record. Rows without a header, or with one that is no CSV, have no columns.

    Args:
        df: bronze rows: `_header`.
        known: every name that is read.
        wanted: the names of which each file should have a column.
        delimiter: between the names.
    """
    headers = df.where(F.col(HEADER).isNotNull()).groupBy(HEADER).agg(F.count(F.lit(1)).alias("rows"))
    named = headers.select("rows", fields(tokens(HEADER, delimiter=delimiter)).alias("names"))
    wants = F.array(*(F.lit(name) for name in wanted)).cast("array<string>")
    unknown = _without(named.select("rows", F.explode("names").alias("name")), known)
    missing = named.select("rows", F.explode(F.array_except(wants, "names")).alias("name"))
    both = _stated(unknown, F.lit(UNKNOWN)).unionByName(_stated(missing, F.lit(MISSING)))
    return both.groupBy("name", "state").agg(F.sum("rows").alias("rows"))


def typed_drift(df: DataFrame, known: Collection[str], columns: StructType = _NO_COLUMNS) -> DataFrame:
    """The columns of typed rows that are not known, in any case, and how many rows have a value in them: `name`, `state`, `rows`.

    A nested field is named by its path: `lines.element.colour`.

    Args:
        df: bronze rows with columns of their own.
        known: every name that is read.
        columns: those of the contract; what their structs, arrays and maps hold is looked into.
    """
    read = {name.lower() for name in known}
    others = [
        (name, F.col(quoted(name)).isNotNull())
        for name in df.columns
        if name not in _BRONZE and name.lower() not in read
    ]
    contract = {field.name.lower(): field.dataType for field in columns}
    for field in df.schema:
        if field.name.lower() in contract:
            inner = _fields_beside(field.dataType, contract[field.name.lower()], (field.name,))
            others += [(name, has(F.col(quoted(field.name)))) for name, has in inner]
    counted = df.agg(*(F.count_if(has).alias(f"c{i}") for i, (_, has) in enumerate(others)), F.lit(1).alias("any"))
    pairs = [F.struct(F.lit(name).alias("name"), F.col(f"c{i}").alias("rows")) for i, (name, _) in enumerate(others)]
    shape = "array<struct<name:string,rows:bigint>>"
    rows = counted.select(F.inline(F.array(*pairs).cast(shape)))
    return _stated(rows.where(F.col("rows") > 0), F.lit(UNKNOWN))


def _unknown(texts: Column, known: Collection[str], path: Path) -> Column:
    """The names of fields that JSON objects have and nobody knows, each once; of what is no object none."""
    keys = F.transform(texts, lambda text: F.coalesce(F.json_object_keys(text), _texts()))
    unknown = F.array_except(F.flatten(keys), _texts(*known))
    before = f"{written(path)}." if path else ""
    return F.transform(F.coalesce(unknown, _texts()), lambda name: F.concat(F.lit(before), name))


def _nested_unknown(texts: Column, columns: StructType, path: Path) -> Iterator[Column]:
    """The same of the objects within, at any depth."""
    nested = [(field, *_within(field.dataType)) for field in columns]
    shape = StructType([StructField(field.name, _as_text(field.dataType)) for field, _, struct in nested if struct])
    parsed = F.transform(texts, lambda text: F.from_json(text, shape))  # once for all fields
    for field, steps, struct in nested:
        if struct is not None:
            here = (*path, field.name, *steps)
            objects = _flat(parsed.getField(field.name), ArrayType(field.dataType))
            yield _unknown(objects, struct.names, here)
            yield from _nested_unknown(objects, struct, here)


def _within(data_type: DataType) -> tuple[Path, StructType | None]:
    """The struct that arrays and maps hold in the end, and the steps to it; None: they hold none."""
    match data_type:
        case StructType():
            return (), data_type
        case ArrayType():
            steps, struct = _within(data_type.elementType)
            return ("element", *steps), struct
        case MapType():
            steps, struct = _within(data_type.valueType)
            return ("value", *steps), struct
        case _:
            return (), None


def _as_text(data_type: DataType) -> DataType:
    """The type with the struct in it as the JSON text that it is."""
    match data_type:
        case ArrayType():
            return ArrayType(_as_text(data_type.elementType))
        case MapType():
            return MapType(StringType(), _as_text(data_type.valueType))
        case _:
            return StringType()


def _flat(value: Column, data_type: DataType) -> Column:
    """The texts in arrays and maps of arrays and maps, in one array; of nulls none."""
    match data_type:
        case ArrayType(elementType=inner):
            parts = F.transform(F.coalesce(value, _empty(data_type)), lambda one: _flat(one, inner))
            return F.flatten(parts)
        case MapType(valueType=inner):
            return _flat(F.map_values(value), ArrayType(inner))
        case _:
            return F.array(value)


def _empty(data_type: DataType) -> Column:
    return F.array().cast(_as_text(data_type))


def _texts(*texts: str) -> Column:
    return F.array(*map(F.lit, texts)).cast("array<string>")


def _fields_beside(have: DataType, want: DataType, path: Path) -> Iterator[tuple[str, _Has]]:
    """The fields that one type has within and the other lacks, in any case, by their paths; and whether a value has one."""
    match have, want:
        case StructType(), StructType():
            wanted = {field.name.lower(): field.dataType for field in want}
            for field in have:
                here = (*path, field.name)
                if field.name.lower() not in wanted:
                    yield written(here), _has_field(field.name)
                    continue
                for name, has in _fields_beside(field.dataType, wanted[field.name.lower()], here):
                    yield name, _field_has(field.name, has)
        case ArrayType(), ArrayType():
            for name, has in _fields_beside(have.elementType, want.elementType, (*path, "element")):
                yield name, _one_has(has)
        case MapType(), MapType():
            for name, has in _fields_beside(have.valueType, want.valueType, (*path, "value")):
                yield name, _entry_has(has)


def _has_field(name: str) -> _Has:
    return lambda value: value.getField(name).isNotNull()


def _field_has(name: str, has: _Has) -> _Has:
    return lambda value: has(value.getField(name))


def _one_has(has: _Has) -> _Has:
    return lambda values: F.exists(values, has)


def _entry_has(has: _Has) -> _Has:
    return lambda entries: F.exists(F.map_values(entries), has)


def _without(names: DataFrame, known: Collection[str]) -> DataFrame:
    return names.where(~F.col("name").isin(*known)) if known else names


def _stated(rows: DataFrame, state: Column) -> DataFrame:
    return rows.select("name", state.alias("state"), "rows")
