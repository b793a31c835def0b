"""What changed between two schemas, at any depth, as data and as text for people."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

from lakehouse.columns import quoted
from lakehouse.schemas.widening import holds, plain

Kind = Literal[
    "added", "removed", "type changed", "widened", "narrowed", "nullability", "moved", "renamed by case", "comment"
]
Path = tuple[str, ...]
"""Names from the outside in; the parts of arrays and maps are called `element`, `key` and `value`, as in DDL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs.

    Attributes:
        path: where, in the schema that has it; a field that was renamed by case stands under its new name.
        kind: what happened to it. `widened` means that the new type holds every value of the old one, `narrowed` the reverse.
        before: type, nullability, name, comment or place that it had; None: there was none.
        after: the one it has now.
    """

    path: Path
    kind: Kind
    before: str | None = None
    after: str | None = None


def schema_differences(before: StructType, after: StructType) -> tuple[Difference, ...]:
    """List what differs between two schemas, outer before inner, in the order of `after`; removed fields come first.

    Fields belong together by name, and where that finds none by name in another letter case. `moved` names the fewest fields
    that have to be put elsewhere to get the new order.

    >>> from lakehouse.schemas.type_names import parse_schema
    >>> old, new = parse_schema({"id": "int"}), parse_schema({"id": "bigint", "phone": "string"})
    >>> print(describe(schema_differences(old, new)))
    ~ id int -> bigint (widened)
    + phone string
    """
    return tuple(_of_structs((), before, after))


def describe(differences: Sequence[Difference]) -> str:
    """One line each: `+` came, `-` went, `~` is different."""
    return "\n".join(map(_line, differences)) or "no difference"


def describe_changes(before: StructType, after: StructType) -> tuple[str, ...]:
    """The lines of `describe`; none where nothing differs."""
    return tuple(map(_line, schema_differences(before, after)))


def written(path: Path) -> str:
    """A path as people write it, a name quoted where it would be misread.

    >>> written(("items", "element", "unit price"))
    'items.element.`unit price`'
    """
    return ".".join(name if name.isidentifier() else quoted(name) for name in path)


def order_kept(names: Sequence[str], wanted: Sequence[str]) -> frozenset[str]:
    """The most of the `names` that can stay where they are while the others are put into the `wanted` order around them.

    >>> sorted(order_kept(["a", "b", "c", "d"], ["b", "c", "a", "d"]))
    ['b', 'c', 'd']
    """
    place = {name: i for i, name in enumerate(wanted)}
    tails: list[int] = []  # of the rising runs of each length, the one that ends lowest
    runs: list[tuple[str, ...]] = []
    for name in (name for name in names if name in place):
        length = bisect_left(tails, place[name])
        run = (*(runs[length - 1] if length else ()), name)
        tails[length : length + 1], runs[length : length + 1] = [place[name]], [run]
    return frozenset(runs[-1]) if runs else frozenset()


def pair_fields(before: StructType, after: StructType) -> dict[str, str]:
    """The names of `after` that were there before, with the names they had."""
    pairs = {name: name for name in after.names if name in before.names}
    for name in after.names:
        alike = [old for old in before.names if old.casefold() == name.casefold() and old not in after.names]
        rivals = [new for new in after.names if new.casefold() == name.casefold() and new not in before.names]
        if len(alike) == len(rivals) == 1:
            pairs.setdefault(name, alike[0])
    return pairs


def _of_structs(path: Path, before: StructType, after: StructType) -> Iterator[Difference]:
    pairs = pair_fields(before, after)
    for field in before:
        if field.name not in pairs.values():
            yield Difference(path=(*path, field.name), kind="removed", before=_told(field))
    kept = order_kept(before.names, [pairs[name] for name in after.names if name in pairs])
    for i, field in enumerate(after):
        here = (*path, field.name)
        if field.name not in pairs:
            yield Difference(path=here, kind="added", after=_told(field))
            continue
        old = before[pairs[field.name]]
        if old.name != field.name:
            yield Difference(path=here, kind="renamed by case", before=old.name, after=field.name)
        if old.name not in kept:
            places = _place(before.names, before.names.index(old.name)), _place(after.names, i)
            yield Difference(path=here, kind="moved", before=places[0], after=places[1])
        yield from _of_nullability(here, old.nullable, field.nullable)
        yield from _of_types(here, old.dataType, field.dataType)
        comments = [one.metadata.get("comment") for one in (old, field)]
        if comments[0] != comments[1]:
            yield Difference(path=here, kind="comment", before=comments[0], after=comments[1])


def _of_types(path: Path, before: DataType, after: DataType) -> Iterator[Difference]:
    if isinstance(before, StructType) and isinstance(after, StructType):
        yield from _of_structs(path, before, after)
    elif isinstance(before, ArrayType) and isinstance(after, ArrayType):
        yield from _of_nullability((*path, "element"), before.containsNull, after.containsNull)
        yield from _of_types((*path, "element"), before.elementType, after.elementType)
    elif isinstance(before, MapType) and isinstance(after, MapType):
        yield from _of_types((*path, "key"), before.keyType, after.keyType)
        yield from _of_nullability((*path, "value"), before.valueContainsNull, after.valueContainsNull)
        yield from _of_types((*path, "value"), before.valueType, after.valueType)
    elif plain(before) != plain(after):
        kind: Kind = "widened" if holds(after, before) else "narrowed" if holds(before, after) else "type changed"
        yield Difference(path=path, kind=kind, before=before.simpleString(), after=after.simpleString())


def _of_nullability(path: Path, before: bool, after: bool) -> Iterator[Difference]:  # noqa: FBT001 - the two sides of a comparison
    if before != after:
        names = {True: "nullable", False: "required"}
        yield Difference(path=path, kind="nullability", before=names[before], after=names[after])


def _place(names: Sequence[str], i: int) -> str:
    return f"after {written((names[i - 1],))}" if i else "first"


def _told(field: StructField) -> str:
    return field.dataType.simpleString() + ("" if field.nullable else " required")


def _line(difference: Difference) -> str:
    where, before, after = written(difference.path), difference.before, difference.after
    match difference.kind:
        case "added":
            return f"+ {where} {after}"
        case "removed":
            return f"- {where} {before}"
        case "renamed by case":
            return f"~ {where} was written {before}"
        case "comment":
            return f"~ {where} comment {_quoted(before)} -> {_quoted(after)}"
        case kind:
            title = "moved: " if kind == "moved" else ""
            note = f" ({kind})" if kind in {"widened", "narrowed"} else ""
            return f"~ {where} {title}{before} -> {after}{note}"


def _quoted(text: str | None) -> str:
    return "none" if text is None else f'"{text}"'
