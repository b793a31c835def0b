"""JSON Schemas as far as they can be compared: keywords that are understood, references resolved, one type at a time.

Understood: `type`, `enum`, `const`, `anyOf`, `oneOf`, local `$ref`; of objects `properties`, `required`, `additionalProperties`,
`minProperties`, `maxProperties`; of arrays `items` (one schema), `minItems`, `maxItems`, `uniqueItems`; of numbers `minimum`,
`maximum`, `exclusiveMinimum`, `exclusiveMaximum` (also as draft 4 has them), `multipleOf`; of text `minLength`, `maxLength`,
`pattern`, `format`. Annotations are ignored. A part with any other keyword is compatible with nothing but itself.

Format: https://json-schema.org/draft-07/json-schema-validation, of which Glue's registry takes drafts 4, 6 and 7.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.errors import ConfigError

TYPES = ("null", "boolean", "object", "array", "number", "string")
"""Every document is one of these; an integer is a number."""

ANNOTATIONS = frozenset(
    {
        "$comment", "$defs", "$id", "$schema", "className", "contentEncoding", "contentMediaType", "default", "definitions",
        "deprecated", "description", "example", "examples", "id", "javaType", "readOnly", "title", "writeOnly",
    }
)  # fmt: skip
UNDERSTOOD = frozenset(
    {
        "$ref", "additionalProperties", "anyOf", "const", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "items",
        "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf",
        "oneOf", "pattern", "properties", "required", "type", "uniqueItems",
    }
)  # fmt: skip
_SHAPES: Mapping[str, type | tuple[type, ...]] = {
    "type": (str, list),
    "required": list,
    "enum": list,
    "anyOf": list,
    "oneOf": list,
    "properties": dict,
    "$ref": str,
    "additionalProperties": (bool, dict),
    "uniqueItems": bool,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), (int, float)),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), int),
}

_PYTHON = {"null": type(None), "boolean": bool, "object": dict, "array": list, "string": str}

Node = bool | dict[str, Any]
"""A schema, or a part of one: True accepts everything, False nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonSchema:
    """A schema as the tree that its text holds."""

    root: Node

    def resolve(self, node: Node) -> Node:
        """What a node stands for, its references followed.

        Raises:
            ConfigError: a reference leads nowhere, in a circle, or out of the schema.
        """
        followed: list[str] = []
        while isinstance(node, dict) and "$ref" in node:
            reference = node["$ref"]
            if reference in followed:
                msg = f"the JSON Schema refers to itself by {reference} and to nothing else"
                raise ConfigError(msg)
            followed.append(reference)
            node = self._at(reference)
        return node

    def _at(self, reference: str) -> Node:
        node: Any = self.root
        if reference.startswith("#"):
            for part in reference[1:].lstrip("/").split("/") if reference != "#" else ():
                name = part.replace("~1", "/").replace("~0", "~")
                node = node.get(name) if isinstance(node, dict) else None
            if isinstance(node, bool | dict):
                return node
        msg = f"the JSON Schema has no part {reference}; references stay inside of it, such as #/definitions/address"
        raise ConfigError(msg)


def parse_json_schema(schema: str | Mapping[str, Any] | bool) -> JsonSchema:  # noqa: FBT001 - True and False are schemas
    """Read a schema from JSON text, or from the object it holds.

    Raises:
        ConfigError: it is no JSON text, or no JSON Schema.
    """
    try:
        tree = json.loads(schema) if isinstance(schema, str) else schema
    except ValueError:
        msg = "the JSON Schema is no JSON text"
        raise ConfigError(msg) from None
    parsed = JsonSchema(root=dict(tree) if isinstance(tree, Mapping) else tree)
    _check(parsed, tree, "")
    return parsed


def unknown_keywords(node: dict[str, Any]) -> list[str]:
    """The keywords that are not understood, among them those beside a reference, of which drafts say different things."""
    names = {name for name in node if name not in ANNOTATIONS and not name.startswith("x-")}
    for alone in ("$ref", "anyOf", "oneOf"):
        if alone in node and len(names) > 1:
            return [f"{name} beside {alone}" for name in sorted(names - {alone})]
    unknown = names - UNDERSTOOD
    return sorted(unknown | ({"items as a list"} if isinstance(node.get("items"), list) else set()))


def accepts_all(node: Node) -> bool:
    """Whether nothing is asked of a document."""
    return node is True or (isinstance(node, dict) and ANNOTATIONS.issuperset(node))


def by_type(node: Node) -> list[tuple[str, dict[str, Any]]]:
    """The types that documents of a node may have, each with what is asked of them; a node without `anyOf` and `oneOf`.

    >>> by_type({"type": ["integer", "null"], "minimum": 0})
    [('integer', {'minimum': 0}), ('null', {'minimum': 0})]
    """
    if isinstance(node, bool):
        return [(name, {}) for name in TYPES] if node else []
    given = node.get("type", list(TYPES))
    asked = {name: value for name, value in node.items() if name not in ANNOTATIONS | {"type", "const"}}
    values = [node["const"]] if "const" in node else node.get("enum")
    found = []
    for name in [given] if isinstance(given, str) else given:
        own = None if values is None else [value for value in values if is_of(value, name)]
        if own is None or own:
            found.append((name, asked if own is None else asked | {"enum": own}))
    return found


def is_of(value: Any, kind: str) -> bool:
    """Whether a document is of a type; a whole number is an integer, however it is written."""
    if kind in {"integer", "number"}:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and (kind == "number" or float(value).is_integer())
    return isinstance(value, _PYTHON[kind])


def _check(schema: JsonSchema, node: Any, path: str) -> None:
    """Refuse what no draft allows, in every part that will be compared."""
    if isinstance(node, bool):
        return
    if not isinstance(node, dict):
        msg = f"the JSON Schema is not valid: {path or 'the whole'} is neither an object nor true or false"
        raise ConfigError(msg)
    for keyword, shape in _SHAPES.items():
        if keyword in node and not isinstance(node[keyword], shape):
            msg = f"the JSON Schema is not valid: {keyword} of {path or 'the whole'} is {node[keyword]!r}"
            raise ConfigError(msg)
    types = node.get("type", [])
    strange = [one for one in ([types] if isinstance(types, str) else types) if one not in (*TYPES, "integer")]
    if strange:
        msg = f"the JSON Schema is not valid: {path or 'the whole'} has the unknown type {', '.join(map(str, strange))}"
        raise ConfigError(msg)
    schema.resolve(node)
    parts = [(f"{path}.{name}".lstrip("."), part) for name, part in node.get("properties", {}).items()]
    parts += [(path, part) for keyword in ("anyOf", "oneOf") for part in node.get(keyword, ())]
    parts += [(f"{path}{{}}", node["additionalProperties"])] if "additionalProperties" in node else []
    parts += [(f"{path}[]", node["items"])] if isinstance(node.get("items"), dict) else []
    parts += [
        (f"{path}#{name}", part) for kind in ("definitions", "$defs") for name, part in node.get(kind, {}).items()
    ]
    for where, part in parts:
        _check(schema, part, where)
