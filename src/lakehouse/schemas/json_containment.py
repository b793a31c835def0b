"""Which documents a reader's JSON Schema accepts that another schema lets be written.

A document that the writer's schema accepts has to be accepted by the reader's. The content model decides what a new property
may be: where additional properties are allowed (the default), a document may hold the property already, with any value, so a
property that gets a type is refused; a closed model (`"additionalProperties": false`) has no such documents, but refuses every
property that the reader does not know.

What is not proven is refused: the check may refuse a change that is harmless, it accepts none that is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from lakehouse.schemas.json_schema import JsonSchema, Node, accepts_all, by_type, unknown_keywords
from lakehouse.schemas.problems import Problem

_Asked = Mapping[str, Any]
_Pairs = frozenset[tuple[int, int]]
_SIZES = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_SAME = {"string": ("pattern", "format"), "array": (), "object": ()}


def unaccepted(writer: JsonSchema, reader: JsonSchema) -> tuple[Problem, ...]:
    """What of the writer's documents the reader does not accept, or may not; nothing when it accepts all of them.

    >>> from lakehouse.schemas.json_schema import parse_json_schema
    >>> unaccepted(parse_json_schema({"type": ["string", "null"]}), parse_json_schema({"type": "string"}))
    (Problem(path='', reason='null is not accepted'),)
    """
    if writer.root == reader.root:
        return ()
    found = _Containment(writer=writer, reader=reader).problems(writer.root, reader.root, "", frozenset())
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Containment:
    writer: JsonSchema
    reader: JsonSchema

    def problems(self, written: Node, wanted: Node, path: str, open_pairs: _Pairs) -> Iterator[Problem]:
        """Compare two parts; pairs that are being compared further out are taken to be contained, so recursion ends."""
        written, wanted = self.writer.resolve(written), self.reader.resolve(wanted)
        pair = (id(written), id(wanted))
        if accepts_all(wanted) or written is False or pair in open_pairs or _is_same(written, wanted):
            return
        unknown = sorted(
            {name for node in (written, wanted) if isinstance(node, dict) for name in unknown_keywords(node)}
        )
        if unknown:
            yield Problem(path=path, reason=f"uses {', '.join(unknown)}, which this check does not understand")
        elif accepts_all(written):
            yield Problem(path=path, reason="may have any value, of which not all are accepted")
        elif isinstance(wanted, dict) and "oneOf" in wanted and not self._are_apart(wanted["oneOf"]):
            yield Problem(path=path, reason="has a oneOf whose schemas accept the same types; use anyOf")
        else:
            options = self._options(self.reader, wanted)
            for kind, asked in self._options(self.writer, written):
                yield from self._of_type(kind, asked, options, path, open_pairs | {pair})

    def _options(self, schema: JsonSchema, node: Node) -> list[tuple[str, _Asked]]:
        """The types of a part, those of unions in it included; what is not understood stays, and is refused where it meets."""
        resolved = schema.resolve(node)
        union = resolved.get("anyOf", resolved.get("oneOf")) if isinstance(resolved, dict) else None
        if union is None:
            return [(kind, asked) for kind, asked in by_type(resolved)]
        if isinstance(resolved, dict) and "oneOf" in resolved and schema is self.reader and not self._are_apart(union):
            return []
        return [option for part in union for option in self._options(schema, part)]

    def _are_apart(self, parts: list[Node]) -> bool:
        """Whether no document has a type that two of the reader's parts accept."""
        types = [{kind.replace("integer", "number") for kind, _ in self._options(self.reader, part)} for part in parts]
        return all(not one & other for one, other in combinations(types, 2))

    def _of_type(
        self, kind: str, asked: _Asked, options: list[tuple[str, _Asked]], path: str, open_pairs: _Pairs
    ) -> Iterator[Problem]:
        """Find the one option that accepts all documents of a type; when there is none, say what the first one minds."""
        fitting = [wanted for name, wanted in options if name == kind or (kind, name) == ("integer", "number")]
        refused = [list(self._of_asked(kind, asked, wanted, path, open_pairs)) for wanted in fitting]
        if not fitting:
            yield Problem(path=path, reason=f"{kind} is not accepted")
        elif all(refused):
            yield from refused[0]

    def _of_asked(self, kind: str, asked: _Asked, wanted: _Asked, path: str, open_pairs: _Pairs) -> Iterator[Problem]:
        unknown = sorted({*unknown_keywords(dict(asked)), *unknown_keywords(dict(wanted))})
        if unknown:
            yield Problem(path=path, reason=f"uses {', '.join(unknown)}, which this check does not understand")
            return
        if "enum" in wanted:
            known = {json.dumps(value, sort_keys=True) for value in wanted["enum"]}
            lost = [value for value in asked.get("enum", ()) if json.dumps(value, sort_keys=True) not in known]
            if "enum" not in asked:
                yield Problem(path=path, reason=f"accepts some values of type {kind} only")
            elif lost:
                yield Problem(path=path, reason=f"the values {json.dumps(lost)} are not accepted")
        match kind:
            case "number" | "integer":
                yield from _of_numbers(asked, wanted, path)
            case "string" | "array" | "object":
                yield from _of_sizes(kind, asked, wanted, path)
        if kind == "array":
            yield from _of_uniqueness(asked, wanted, path)
            yield from self.problems(asked.get("items", True), wanted.get("items", True), f"{path}[]", open_pairs)
        if kind == "object":
            yield from self._of_objects(asked, wanted, path, open_pairs)

    def _of_objects(self, asked: _Asked, wanted: _Asked, path: str, open_pairs: _Pairs) -> Iterator[Problem]:
        had, has = asked.get("properties", {}), wanted.get("properties", {})
        others = asked.get("additionalProperties", True), wanted.get("additionalProperties", True)
        for name in wanted.get("required", ()):
            if name not in asked.get("required", ()):
                yield Problem(path=f"{path}.{name}".lstrip("."), reason="is required, and may be absent")
        for name in dict.fromkeys([*had, *has]):
            here = f"{path}.{name}".lstrip(".")
            written, allowed = had.get(name, others[0]), has.get(name, others[1])
            if allowed is False and written is not False:
                yield Problem(path=here, reason="is not allowed; the content model is closed")
            elif name not in had and accepts_all(written) and not accepts_all(self.reader.resolve(allowed)):
                reason = "may be there with any value, as additional properties are allowed where it is written"
                yield Problem(path=here, reason=reason)
            else:
                yield from self.problems(written, allowed, here, open_pairs)
        if others[1] is False and others[0] is not False:
            yield Problem(path=path, reason="additional properties are not allowed; the content model is closed")
        else:
            yield from self.problems(*others, f"{path}{{}}", open_pairs)


def _is_same(written: Node, wanted: Node) -> bool:
    """Whether two parts are word for word the same, and do not depend on where they stand."""
    return written == wanted and "$ref" not in json.dumps(written)


def _of_numbers(asked: _Asked, wanted: _Asked, path: str) -> Iterator[Problem]:
    for end, sign in (("Minimum", 1), ("Maximum", -1)):
        had, has = _bound(asked, end, sign), _bound(wanted, end, sign)
        if has is not None and (had is None or had < has):
            yield Problem(path=path, reason=f"numbers beyond the {end.lower()} {sign * has[0]:g} are not accepted")
    step, old = wanted.get("multipleOf"), asked.get("multipleOf")
    if step is not None and not (old == step or (isinstance(old, int) and isinstance(step, int) and old % step == 0)):
        yield Problem(path=path, reason=f"accepts multiples of {step:g} only")


def _bound(asked: _Asked, end: str, sign: int) -> tuple[float, bool] | None:
    """The narrowest bound at one end, times the sign, and whether it is itself left out: the greater, the narrower."""
    bounds = []
    inclusive, exclusive = asked.get(end.lower()), asked.get(f"exclusive{end}")
    if inclusive is not None:
        bounds.append((sign * inclusive, exclusive is True))
    if exclusive is not None and not isinstance(exclusive, bool):
        bounds.append((sign * exclusive, True))
    return max(bounds, default=None)


def _of_sizes(kind: str, asked: _Asked, wanted: _Asked, path: str) -> Iterator[Problem]:
    least, most = _SIZES[kind]
    if wanted.get(least, 0) > asked.get(least, 0):
        yield Problem(path=path, reason=f"{least} is {wanted[least]}, and was {asked.get(least, 0)}")
    if most in wanted and wanted[most] < asked.get(most, float("inf")):
        yield Problem(path=path, reason=f"{most} is {wanted[most]}, and was {asked.get(most, 'not set')}")
    for name in _SAME[kind]:
        if name in wanted and wanted[name] != asked.get(name):
            yield Problem(path=path, reason=f"the {name} is {wanted[name]}, and was {asked.get(name, 'not set')}")


def _of_uniqueness(asked: _Asked, wanted: _Asked, path: str) -> Iterator[Problem]:
    if wanted.get("uniqueItems", False) and not asked.get("uniqueItems", False):
        yield Problem(path=path, reason="items that come twice are not accepted")
