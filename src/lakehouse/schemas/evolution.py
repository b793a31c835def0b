"""What has to be done to a table so that it fits a contract, as a plan that people can read before it is carried out.

| mode | what may be done to the table |
|---|---|
| `refuse` | nothing: every difference is refused |
| `add` | fields are added at the end, types widened, fields made nullable; what the contract does not name stays |
| `mirror` | also fields are renamed as told, moved and dropped, until the table is what the contract says |

Reserved columns (`_op`, `_sequence`, ...) belong to the library: no mode touches them. Comments are no matter of a plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from pyspark.sql.types import ArrayType, ByteType, DataType, IntegerType, MapType, ShortType, StructField, StructType

from lakehouse.columns import RESERVED
from lakehouse.errors import ConfigError, IncompatibleSchemaError
from lakehouse.schemas.differences import Path, order_kept, written
from lakehouse.schemas.widening import holds, is_wider, plain

EvolutionMode = Literal["refuse", "add", "mirror"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddField:
    """Add a nullable field, after another one, first (`after` is empty), or at the end (None)."""

    path: Path
    data_type: DataType
    comment: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        """A line of a diff."""
        return f"+ {written(self.path)} {self.data_type.simpleString()}{_place(self.after)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WidenField:
    """Give a field a type that holds all values it has."""

    path: Path
    before: DataType
    after: DataType

    def __str__(self) -> str:
        """A line of a diff."""
        return f"~ {written(self.path)} {self.before.simpleString()} -> {self.after.simpleString()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameField:
    """Give a field another name; its values stay."""

    path: Path
    name: str

    def __str__(self) -> str:
        """A line of a diff."""
        return f"~ {written(self.path)} renamed to {written((self.name,))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveField:
    """Put a field after another one, or first (`after` is empty)."""

    path: Path
    after: str

    def __str__(self) -> str:
        """A line of a diff."""
        return f"~ {written(self.path)} moved{_place(self.after)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowNull:
    """Let a required field be null."""

    path: Path

    def __str__(self) -> str:
        """A line of a diff."""
        return f"~ {written(self.path)} required -> nullable"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropField:
    """Take a field away; older versions of the table still have it."""

    path: Path

    def __str__(self) -> str:
        """A line of a diff."""
        return f"- {written(self.path)}"


Step = AddField | WidenField | RenameField | MoveField | AllowNull | DropField


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that the contract asks and that is not done, with the reason."""

    path: Path
    reason: str

    def __str__(self) -> str:
        """A line of a diff."""
        return f"! {written(self.path)}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """A plan: steps in the order in which they are taken, each with the path that a field has by then, and what is refused.

    A plan with a refusal is not carried out, not even in part.
    """

    steps: tuple[Step, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def __str__(self) -> str:
        """The plan as a diff."""
        return "\n".join(map(str, (*self.steps, *self.refusals))) or "nothing to do"

    def require(self, where: str) -> None:
        """Fail when the table cannot become what the contract says.

        Raises:
            IncompatibleSchemaError: names every refusal.
        """
        if self.refusals:
            reasons = "\n".join(map(str, self.refusals))
            msg = f"{where} cannot become what its contract says; nothing was changed:\n{reasons}"
            raise IncompatibleSchemaError(msg)


def plan_evolution(
    table: StructType,
    contract: StructType,
    mode: EvolutionMode = "add",
    *,
    renames: Mapping[str, str] | None = None,
    layout: Collection[str] = (),
) -> Evolution:
    """Plan how a table becomes what a contract says.

    >>> from lakehouse.schemas.type_names import parse_schema
    >>> print(plan_evolution(parse_schema({"id": "int"}), parse_schema({"id": "bigint", "phone": "string"})))
    + phone string
    ~ id int -> bigint

    Args:
        table: its columns, with their nullability.
        contract: the columns that it should have.
        mode: what may be done.
        renames: names that fields get, by the path they have in the table (`address.zip`, odd names in backticks).
        layout: columns that rows are partitioned or clustered by; they keep name and place in the layout.

    Raises:
        ConfigError: there is no such mode.
    """
    if mode not in get_args(EvolutionMode):
        msg = f"unknown mode {mode!r}; use one of {', '.join(get_args(EvolutionMode))}"
        raise ConfigError(msg)
    own = StructType([field for field in table if field.name not in RESERVED])
    planner = _Planner(mode=mode, renames=dict(renames or {}), layout=frozenset(layout))
    found = list(planner.of_structs((), (), own, contract))
    found += [
        Refusal(path=(path,), reason="is to be renamed, and the table has no such field")
        for path in planner.unused(own)
    ]
    refusals = tuple(one for one in found if isinstance(one, Refusal))
    steps = [one for one in found if not isinstance(one, Refusal)]
    if mode == "refuse":
        return Evolution(refusals=(*refusals, *(Refusal(path=s.path, reason=f"differs ({s})") for s in steps)))
    # Rows may have to be written again to widen types, so that is done once, when everything else is in place.
    ordered = sorted(steps, key=lambda step: isinstance(step, WidenField))
    return Evolution(steps=tuple(ordered), refusals=refusals)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planner:
    mode: EvolutionMode
    renames: Mapping[str, str]
    layout: frozenset[str]

    def unused(self, table: StructType) -> list[str]:
        """The renames of fields that are not there."""
        return sorted({*self.renames} - {written(path) for path in _paths((), table)})

    def of_structs(self, path: Path, old_path: Path, have: StructType, want: StructType) -> Iterator[Step | Refusal]:
        """The steps for one level and those below; `old_path` is the path before any renaming."""
        told = {name: self.renames.get(written((*old_path, name)), name) for name in have.names}
        for old, new in told.items():
            if old != new:
                yield from self._rename((*path, old), new, have, want)
        yield from _unfit(path, want)
        named = {told[field.name]: field for field in have}
        yield from self._in_order(path, named, want)
        for field in want:
            if field.name in named:
                there = named[field.name]
                yield from self._of_fields((*path, field.name), (*old_path, there.name), there, field)
        for name, field in named.items():
            if name not in want.names and self.mode != "add":
                yield from self._drop((*path, name), field.name)

    def _rename(self, path: Path, new: str, have: StructType, want: StructType) -> Iterator[Step | Refusal]:
        if self.mode == "add":
            yield Refusal(path=path, reason=f"is to be renamed to {new}, which takes the mode mirror")
        elif new not in want.names or any(name.casefold() == new.casefold() for name in have.names):
            yield Refusal(
                path=path, reason=f"cannot be renamed to {new}: the contract lacks the name, or the table has it"
            )
        elif len(path) == 1 and path[0] in self.layout:
            yield Refusal(path=path, reason="lays out the table, and cannot be renamed")
        else:
            yield RenameField(path=path, name=new)

    def _in_order(self, path: Path, named: Mapping[str, StructField], want: StructType) -> Iterator[Step | Refusal]:
        """Add what is missing; in the mode mirror each field in its place, and others moved around those that can stay."""
        kept = order_kept([*named], want.names)
        for i, field in enumerate(want):
            here, after = (*path, field.name), want.names[i - 1] if i else ""
            alike = [name for name in named if name.casefold() == field.name.casefold()]
            if field.name in named:
                if field.name not in kept and self.mode != "add":
                    yield MoveField(path=here, after=after)
            elif alike:
                yield Refusal(
                    path=here, reason=f"differs from {alike[0]} in letter case alone; write it as the table does"
                )
            elif not field.nullable:
                yield Refusal(path=here, reason="is required, and rows that are there have no value; make it nullable")
            elif not path and field.name in RESERVED:
                yield Refusal(path=here, reason="is a name that the library keeps for itself; choose another")
            else:
                place = None if self.mode == "add" else after
                yield AddField(path=here, data_type=field.dataType, comment=field.metadata.get("comment"), after=place)

    def _drop(self, path: Path, old: str) -> Iterator[Step | Refusal]:
        if len(path) == 1 and old in self.layout:
            yield Refusal(path=path, reason="lays out the table, and cannot be dropped")
        else:
            yield DropField(path=path)

    def _of_fields(self, path: Path, old_path: Path, have: StructField, want: StructField) -> Iterator[Step | Refusal]:
        if have.nullable and not want.nullable:
            reason = "is to be required, and rows may hold null; leave it nullable and check it as a rule of quality"
            yield Refusal(path=path, reason=reason)
        elif want.nullable and not have.nullable:
            yield AllowNull(path=path)
        yield from self._of_types(path, old_path, have.dataType, want.dataType)

    def _of_types(self, path: Path, old_path: Path, have: DataType, want: DataType) -> Iterator[Step | Refusal]:
        if isinstance(have, StructType) and isinstance(want, StructType):
            yield from self.of_structs(path, old_path, have, want)
        elif isinstance(have, ArrayType) and isinstance(want, ArrayType):
            if have.containsNull != want.containsNull:
                yield Refusal(path=(*path, "element"), reason="cannot become nullable or required where it is")
            yield from self._of_types((*path, "element"), (*old_path, "element"), have.elementType, want.elementType)
        elif isinstance(have, MapType) and isinstance(want, MapType):
            if have.valueContainsNull != want.valueContainsNull:
                yield Refusal(path=(*path, "value"), reason="cannot become nullable or required where it is")
            if plain(have.keyType) != plain(want.keyType):
                yield Refusal(path=(*path, "key"), reason="is the key of a map, and keys do not change")
            yield from self._of_types((*path, "value"), (*old_path, "value"), have.valueType, want.valueType)
        elif is_wider(want, have):
            yield WidenField(path=path, before=have, after=want)
        elif plain(have) != plain(want) and not _is_stored_as(want, have):
            yield Refusal(path=path, reason=_why(have, want))


def _unfit(path: Path, want: StructType) -> Iterator[Refusal]:
    """What no table can have."""
    counted = Counter(name.casefold() for name in want.names)
    if not counted:
        yield Refusal(path=path, reason="has no fields in the contract")
    for name in want.names:
        if counted[name.casefold()] > 1:
            yield Refusal(path=(*path, name), reason="is twice in the contract, letter case aside")


def _why(have: DataType, want: DataType) -> str:
    names = f"{have.simpleString()} cannot become {want.simpleString()}"
    if holds(have, want):
        return f"{names}, which holds fewer values; leave the contract at the wider type"
    if holds(want, have):
        return f"{names} in both formats without writing all rows again; add a field of the new type instead"
    return f"{names}, which is another type; add a field of the new type instead"


def _is_stored_as(want: DataType, have: DataType) -> bool:
    """Whether a format that lacks the type keeps it as the other one: Iceberg has no integers below 32 bits."""
    return isinstance(have, IntegerType) and isinstance(want, ByteType | ShortType)


def _paths(path: Path, data_type: DataType) -> Iterator[Path]:
    if isinstance(data_type, StructType):
        for field in data_type:
            yield (*path, field.name)
            yield from _paths((*path, field.name), field.dataType)
    elif isinstance(data_type, ArrayType):
        yield from _paths((*path, "element"), data_type.elementType)
    elif isinstance(data_type, MapType):
        yield from _paths((*path, "value"), data_type.valueType)


def _place(after: str | None) -> str:
    return "" if after is None else f" after {written((after,))}" if after else " first"
