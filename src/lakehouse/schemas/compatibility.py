"""Whether a new version of a schema may follow the ones that are there, as the Glue Schema Registry names the modes.

| mode | asks of the new version |
|---|---|
| `NONE` | nothing |
| `DISABLED` | not to be: there is no further version |
| `BACKWARD` | that it reads what the latest version wrote |
| `FORWARD` | that the latest version reads what it writes |
| `FULL` | both |
| `BACKWARD_ALL`, `FORWARD_ALL`, `FULL_ALL` | the same, of every version |

Glue itself accepts some changes that are refused here, see `avro_resolution` and `json_containment`: those that would make readers
fail, or read something else, without being told.
Modes: https://docs.aws.amazon.com/glue/latest/dg/schema-registry.html#schema-registry-compatibility
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lakehouse.errors import ConfigError
from lakehouse.schemas.avro import parse_avro
from lakehouse.schemas.avro_resolution import unreadable
from lakehouse.schemas.json_containment import unaccepted
from lakehouse.schemas.json_schema import parse_json_schema
from lakehouse.schemas.problems import Problem

Mode = Literal[
    "NONE", "DISABLED", "BACKWARD", "BACKWARD_ALL", "FORWARD", "FORWARD_ALL", "FULL", "FULL_ALL"
]  # fmt: skip
DataFormat = Literal["AVRO", "JSON"]
Direction = Literal["BACKWARD", "FORWARD"]
Schema = str | Mapping[str, Any]
"""JSON text, or the object that it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One reason why the new version may not follow an earlier one.

    Attributes:
        version: the number of the earlier version.
        direction: `BACKWARD`: the new version cannot read data of the earlier one; `FORWARD`: the other way round; None: no
            version may follow.
        path: where in the schema; empty: the whole.
        reason: a clause that follows the path.
    """

    version: int
    direction: Direction | None
    path: str
    reason: str

    def __str__(self) -> str:
        """A sentence: who cannot read what, where and why."""
        told = f"{self.path} {self.reason}".strip()
        match self.direction:
            case "BACKWARD":
                return f"the new version cannot read data of version {self.version}: {told}"
            case "FORWARD":
                return f"version {self.version} cannot read data of the new version: {told}"
            case _:
                return f"version {self.version} {told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatibility:
    """What a check found: compatible, or the conflicts."""

    mode: Mode
    conflicts: tuple[Conflict, ...] = ()

    @property
    def is_compatible(self) -> bool:
        """Whether the new version may follow."""
        return not self.conflicts

    def __str__(self) -> str:
        """One line for each conflict."""
        return "\n".join(map(str, self.conflicts)) or f"compatible ({self.mode})"


def check_compatibility(
    earlier: Mapping[int, Schema], new: Schema, mode: Mode, *, data_format: DataFormat = "AVRO"
) -> Compatibility:
    """Check a new version against earlier ones.

    >>> print(check_compatibility({1: '"int"'}, '"string"', "BACKWARD"))
    the new version cannot read data of version 1: int cannot be read as string

    Args:
        earlier: the versions that are there, by number; none: every valid schema may be the first.
        new: the version that is to follow.
        mode: what is asked of it.
        data_format: the language of the schemas.

    Raises:
        ConfigError: a schema is not valid, or mode or format are unknown.
    """
    if mode not in get_args(Mode) or data_format not in get_args(DataFormat):
        msg = f"unknown mode {mode!r} or format {data_format!r}; there are {', '.join([*get_args(Mode), *get_args(DataFormat)])}"
        raise ConfigError(msg)
    _problems(data_format, new, new)
    if mode == "NONE" or not earlier:
        return Compatibility(mode=mode)
    if mode == "DISABLED":
        last = Conflict(version=max(earlier), direction=None, path="", reason="is the last: the mode is DISABLED")
        return Compatibility(mode=mode, conflicts=(last,))
    asked = sorted(earlier, reverse=True) if mode.endswith("_ALL") else [max(earlier)]
    sides: tuple[tuple[Direction, bool], ...] = (("BACKWARD", True), ("FORWARD", False))
    conflicts = (
        Conflict(version=number, direction=direction, path=problem.path, reason=problem.reason)
        for number in asked
        for direction, is_read_by_new in sides
        if mode.startswith((direction, "FULL"))
        for problem in _problems(data_format, *((earlier[number], new) if is_read_by_new else (new, earlier[number])))
    )
    return Compatibility(mode=mode, conflicts=tuple(conflicts))


def _problems(data_format: DataFormat, writer: Schema, reader: Schema) -> tuple[Problem, ...]:
    if data_format == "AVRO":
        return unreadable(parse_avro(writer), parse_avro(reader))
    return unaccepted(parse_json_schema(writer), parse_json_schema(reader))
