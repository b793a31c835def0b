"""Which data a reader's Avro schema can read that another schema wrote, by the rules of schema resolution.

| writer, reader | are read when |
|---|---|
| primitives | they are the same, or the writer's is promoted: int to long, float, double; long to float, double; float to double; bytes and string to each other |
| arrays, maps | their items, their values are |
| records, enums, fixed | the names without namespace are the same, or an alias of the reader is the writer's full name |
| records | each field of the reader is written under its name or an alias and can be read, or has a default; other fields are skipped |
| enums | the reader knows every symbol, or has a default |
| fixed | the sizes are the same |
| the writer's union | each of its types is |
| the reader's union | one of its types fits, and each that an implementation could choose is read |
| logical types | both are the same, or one of them is none; a decimal is read as a decimal of the same precision and scale alone |

Two rules are stricter than the specification, which leaves the cases to implementations: a field that aliases make ambiguous,
and values whose logical type becomes another one (milliseconds that would be taken for microseconds).
Rules: https://avro.apache.org/docs/1.11.1/specification/#schema-resolution
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lakehouse.schemas.avro_types import (
    Array,
    AvroSchema,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Reference,
    Type,
    Union,
    short_name,
    type_name,
)
from lakehouse.schemas.problems import Problem

_PROMOTED = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}


def unreadable(writer: AvroSchema, reader: AvroSchema) -> tuple[Problem, ...]:
    """What of the writer's data the reader cannot read; nothing when it reads everything.

    >>> from lakehouse.schemas.avro import parse_avro
    >>> unreadable(parse_avro('["null", "int"]'), parse_avro("long"))
    (Problem(path='', reason='null cannot be read as long'),)
    """
    reading = _Reading(writer=writer.names, reader=reader.names)
    return tuple(dict.fromkeys(reading.problems(writer.root, reader.root, "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    writer: Mapping[str, Named]
    reader: Mapping[str, Named]
    seen: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of named types that were compared, or are being compared further out: recursion ends there."""

    def problems(self, writer: Type, reader: Type, path: str) -> Iterator[Problem]:
        match writer, reader:
            case Union(branches=branches), _:
                for branch in branches:
                    yield from self.problems(branch, reader, path)
            case _, Union():
                yield from self._of_union(writer, reader, path)
            case Array(), Array():
                yield from self.problems(writer.items, reader.items, f"{path}[]")
            case Map(), Map():
                yield from self.problems(writer.values, reader.values, f"{path}{{}}")
            case _ if not self._fit(writer, reader):
                yield _mismatch(writer, reader, path)
            case Reference(), Reference():
                yield from self._of_named(writer, reader, path)
            case Primitive(), Primitive():
                yield from _of_logical(writer.logical, reader.logical, path)
            case _:
                pass

    def _of_union(self, writer: Type, reader: Union, path: str) -> Iterator[Problem]:
        fitting = [branch for branch in reader.branches if self._fit(writer, branch)]
        if not fitting:
            yield _mismatch(writer, reader, path)
        for branch in fitting:
            yield from self.problems(writer, branch, path)

    def _fit(self, writer: Type, reader: Type) -> bool:
        """Whether the types belong together, whatever their parts."""
        match writer, reader:
            case Primitive(), Primitive():
                return writer.name == reader.name or reader.name in _PROMOTED.get(writer.name, ())
            case Reference(), Reference():
                one, other = self.writer[writer.name], self.reader[reader.name]
                named = short_name(one.name) == short_name(other.name) or one.name in other.aliases
                return named and type(one) is type(other)
            case _:
                return type(writer) is type(reader)

    def _of_named(self, writer: Reference, reader: Reference, path: str) -> Iterator[Problem]:
        if (writer.name, reader.name) in self.seen:
            return
        self.seen.add((writer.name, reader.name))
        match self.writer[writer.name], self.reader[reader.name]:
            case Record() as one, Record() as other:
                yield from self._of_records(one, other, path)
            case Enum() as one, Enum() as other:
                unknown = [symbol for symbol in one.symbols if symbol not in other.symbols]
                if unknown and other.default is None:
                    reason = f"the symbols {', '.join(unknown)} are not known, and there is no default symbol"
                    yield Problem(path=path, reason=reason)
            case Fixed() as one, Fixed() as other:
                if one.size != other.size:
                    yield Problem(path=path, reason=f"{one.size} bytes cannot be read as {other.size}")
                yield from _of_logical(one.logical, other.logical, path)
            case _:
                pass

    def _of_records(self, writer: Record, reader: Record, path: str) -> Iterator[Problem]:
        written = {one.name: one for one in writer.fields}
        sources = {one.name: [name for name in (one.name, *one.aliases) if name in written] for one in reader.fields}
        claims = Counter(name for names in sources.values() for name in {*names})
        for wanted in reader.fields:
            here = f"{path}.{wanted.name}".lstrip(".")
            names = list(dict.fromkeys(sources[wanted.name]))
            if len(names) > 1 or any(claims[name] > 1 for name in names):
                yield Problem(path=here, reason="aliases make it ambiguous which written field is meant")
            elif names:
                yield from self.problems(written[names[0]].type, wanted.type, here)
            elif not wanted.has_default:
                yield Problem(path=here, reason=_missing(wanted))


def _missing(wanted: Field) -> str:
    return f"is not written, and its reader ({type_name(wanted.type)}) has no default for it"


def _mismatch(writer: Type, reader: Type, path: str) -> Problem:
    return Problem(path=path, reason=f"{type_name(writer)} cannot be read as {type_name(reader)}")


def _of_logical(writer: str | None, reader: str | None, path: str) -> Iterator[Problem]:
    told = [logical for logical in (writer, reader) if logical is not None]
    is_decimal = any(logical.startswith("decimal") for logical in told)
    if writer != reader and (len(told) > 1 or is_decimal):
        named = [logical or "no logical type" for logical in (writer, reader)]
        yield Problem(path=path, reason=f"{named[0]} would be taken for {named[1]}")
