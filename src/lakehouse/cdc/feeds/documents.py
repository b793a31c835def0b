"""Changes of MongoDB's documents, as its change streams and Debezium's connector both tell them.

An insert or a replacement carries the document. An update carries the fields it set, the fields it removed, and the arrays
it cut, each by its path: what lies inside a column (`address.city`, an element of an array) does not say what the whole
column is afterwards.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, MapType, StringType, StructField

from lakehouse.cdc.feeds.assembly import Cell, Contract, provided_names
from lakehouse.cdc.feeds.extended_json import uuid_bytes
from lakehouse.cdc.json_text import as_written, texts

FIELDS = MapType(StringType(), StringType())
"""The fields an update set, by path."""

REMOVED = ArrayType(StringType())
"""The paths of the fields an update removed."""
TRUNCATED = ArrayType(texts(["field"]))
"""The arrays an update cut, each with its path."""
PATHS = MapType(StringType(), ArrayType(StringType()))
"""The steps of paths, where their dots are not what they seem."""


def image(exact: Column, written: Column, contract: Contract) -> Column:
    """The texts of a document's columns; null is a struct of nulls.

    Args:
        exact: a struct or map of the document's fields, numbers as text, digit by digit.
        written: the same with numbers as numbers.
        contract: the columns that are wanted.
    """

    def text(field: StructField) -> Column:
        told = as_written(exact[field.name], written[field.name], field.dataType)
        return (uuid_bytes(told) if isinstance(field.dataType, BinaryType) else told).alias(field.name)

    return F.struct(*(text(field) for field in contract.schema.fields))


def changed_fields(
    updated: Column, removed: Column, truncated: Column, paths: Column | None = None
) -> tuple[Column, Column]:
    """The names of the fields that an update tells wholly, and of those that it changes inside.

    A path with dots that nothing explains counts as both: as the column of that name and as a part of another one.

    Args:
        updated: the fields it set, of type `FIELDS`.
        removed: the paths it removed.
        truncated: the arrays it cut, of type `TRUNCATED`.
        paths: what says which dots in paths belong to names (`disambiguatedPaths`), of type `PATHS`.
    """

    def known(path: Column) -> Column:
        return F.lit(None).cast(REMOVED) if paths is None else F.try_element_at(paths, path)

    def steps(path: Column) -> Column:
        return F.coalesce(known(path), F.split(path, r"\."))

    nothing = F.array().cast(REMOVED)
    cut = F.coalesce(F.transform(truncated, lambda array: array["field"]), nothing)
    told = F.concat(F.coalesce(F.map_keys(updated), nothing), F.coalesce(removed, nothing))
    whole = F.filter(told, lambda path: F.size(F.coalesce(known(path), F.array(path))) == 1)
    inner = F.concat(F.filter(told, lambda path: F.size(steps(path)) > 1), cut)
    return whole, F.array_distinct(F.transform(inner, lambda path: F.get(steps(path), F.lit(0))))


# What follows reads a staged frame with these columns: `full`, `updated`, `before` and `keyed` (images), `whole` and
# `inside` (names), `partial` (the row is an update told by its fields) and `fill` (the document may stand for what changed inside).


def document_cells(contract: Contract) -> dict[str, Cell]:
    """The payload: from the document, of an update from its fields, of a delete the key alone."""

    def value(name: str) -> Column:
        told = F.when(_has("inside", name), _of("full", name)).when(_has("whole", name), _of("updated", name))
        return F.when(F.col("partial"), told).otherwise(_of("full", name))

    def key(name: str) -> Column:
        known = F.coalesce(_of("keyed", name), _of("before", name), F.when(F.col("fill"), _of("full", name)))
        updated = F.when(_has("whole", name), _of("updated", name)).otherwise(known)
        return F.when(F.col("partial"), updated).otherwise(F.coalesce(_of("full", name), known))

    return {name: Cell(key(name) if name in contract.key_names else value(name)) for name in contract.names}


def document_keys_before(contract: Contract) -> dict[str, Cell]:
    """The key before the change, where the event has it."""

    def before(name: str) -> Column:
        moved = F.col("partial") & _has("whole", name)
        return F.coalesce(_of("before", name), F.when(moved, _of("keyed", name)))

    return {name: Cell(before(name)) for name in contract.key_names}


def document_provided(contract: Contract) -> Column:
    """The columns that an update tells; null = all."""
    there = {
        name: F.lit(True) if name in contract.key_names else _has("whole", name) | _has("inside", name)
        for name in contract.names
    }
    return F.when(F.col("partial"), provided_names(there))


def document_fault(contract: Contract) -> Column:
    """What is said of columns that are changed inside and not known as a whole."""
    lost = F.array_intersect(F.array(*(F.lit(name) for name in contract.names)), F.col("inside"))
    said = F.concat(F.lit("the update tells only a part of "), F.array_join(lost, ", "))
    return F.when(F.col("partial") & ~F.col("fill") & (F.size(lost) > 0), said)


def _of(image: str, name: str) -> Column:
    return F.col(image)[name]


def _has(names: str, name: str) -> Column:
    return F.array_contains(names, name)
