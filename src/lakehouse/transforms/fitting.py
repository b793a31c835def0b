"""One type to another, nested types included: the value as far as it fits, and what is left over, at the same place.

What is left over (`rest`) is of the source's own type, with null where all is well: of a struct the fields that do not fit or
that nobody asked for, of an array null for each element that fits, of a map only the entries that do not. So value and rest
together are the source, whatever the pair of types.

Where null is not allowed, the place above it is null instead and is left over as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

from lakehouse.columns import alike, quoted
from lakehouse.schemas.type_names import type_text
from lakehouse.transforms.casting import convert


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How one type is fitted to another.

    Attributes:
        timezone: zone of timestamps that name none.
        keep_extra: whether fields of structs that the target lacks are left over, rather than dropped.
    """

    timezone: str
    keep_extra: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """SQL for the outcome.

    Attributes:
        value: of the target type; null where nothing fits.
        is_null: whether the value is null.
        rest: of the source type: what did not fit; null when all did. None: everything always fits.
        is_lost: whether there is a rest.
    """

    value: str
    is_null: str
    rest: str | None = None
    is_lost: str = "false"


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit in two steps: SQL to work out once, and what is made of the results when it is known what they are called."""

    steps: tuple[str, ...]
    finish: Callable[[Sequence[str]], Fitted]


@dataclass(frozen=True, slots=True)
class Match:
    """The source fields that the target fields are taken from, by their places, and the places that are left over."""

    taken: tuple[int | None, ...]
    extra: tuple[int, ...]


def match_names(source: Sequence[str], target: Sequence[str]) -> Match:
    """Match names: the same name, or else the one name that differs in letter case alone.

    >>> match_names(["b", "ID", "x"], ["id", "b"])
    Match(taken=(1, 0), extra=(2,))

    Two names that differ from the target's in letter case alone are both left over, and so is one that two targets could take.

    >>> match_names(["Id", "ID"], ["id"])
    Match(taken=(None,), extra=(0, 1))
    """
    places = {name: place for place, name in enumerate(source)}
    exact = {name: places[name] for name in target if name in places}
    others = [place for name, place in places.items() if name not in exact]
    free = Counter(source[place].lower() for place in others)
    wanted = Counter(name.lower() for name in target if name not in exact)
    by_case = {
        source[place].lower(): place
        for place in others
        if free[source[place].lower()] == 1 and wanted[source[place].lower()] == 1
    }
    taken = tuple(exact.get(name, by_case.get(name.lower())) for name in target)
    return Match(taken, tuple(place for place in range(len(source)) if place not in taken))


def fit(value: str, source: DataType, target: DataType, rules: Rules, *, depth: int = 0) -> Fit:
    """Fit a value of one type to another.

    Args:
        value: SQL of the value: a name, or a field of one.
        source: its type.
        target: the type it is to have.
        rules: how.
        depth: how many arrays and maps are around, for the names of variables.
    """
    if isinstance(source, StructType) and isinstance(target, StructType):
        return _fit_struct(value, source, target, rules, depth)
    if isinstance(source, ArrayType) and isinstance(target, ArrayType):
        return _fit_array(value, source, target, rules, depth)
    if isinstance(source, MapType) and isinstance(target, MapType):
        return _fit_map(value, source, target, rules, depth)
    if isinstance(target, (StructType, ArrayType, MapType)):
        conversion = None
    else:
        conversion = convert(value, source, target, timezone=rules.timezone)
    if conversion is None:
        nothing = f"CAST(NULL AS {type_text(target)})"
        whole = Fitted(value=nothing, is_null="true", rest=value, is_lost=f"{value} IS NOT NULL")
        return Fit((), lambda _: whole)
    if conversion.total:
        return Fit((), lambda _: Fitted(value=conversion.sql, is_null=f"{value} IS NULL"))
    return Fit((conversion.sql,), lambda step: _checked(value, step[0]))


def _checked(source: str, value: str) -> Fitted:
    return Fitted(
        value=value,
        is_null=f"{value} IS NULL",
        rest=f"CASE WHEN {value} IS NULL THEN {source} END",
        is_lost=f"({source} IS NOT NULL AND {value} IS NULL)",
    )


def _fit_struct(value: str, source: StructType, target: StructType, rules: Rules, depth: int) -> Fit:
    fields = field_access(value, source)
    matched = match_names(source.names, target.names)
    parts = [
        None if place is None else fit(fields[place], source[place].dataType, field.dataType, rules, depth=depth)
        for place, field in zip(matched.taken, target, strict=True)
    ]
    steps = tuple(step for part in parts if part is not None for step in part.steps)

    def finish(results: Sequence[str]) -> Fitted:
        left = iter(results)
        fitted = [None if part is None else part.finish([next(left) for _ in part.steps]) for part in parts]
        return _struct(value, fields, source, target, matched, fitted, rules)

    return Fit(steps, finish)


def _struct(
    value: str, fields: Sequence[str], source: StructType, target: StructType, matched: Match,
    fitted: Sequence[Fitted | None], rules: Rules,
) -> Fitted:  # fmt: skip
    pairs = [*zip(target, fitted, strict=True)]
    broken = [
        "true" if part is None else part.is_null
        for place, (field, part) in zip(matched.taken, pairs, strict=True)
        if not field.nullable and (place is None or part is None or part.rest is not None or source[place].nullable)
    ]
    rests = {place: part for place, part in zip(matched.taken, fitted, strict=True) if part and part.rest is not None}
    lost = {place: (part.rest, part.is_lost) for place, part in rests.items()}
    if rules.keep_extra:
        lost |= {place: (fields[place], f"{fields[place]} IS NOT NULL") for place in matched.extra}
    if not lost and not broken and _is_unchanged(source, target, pairs, fields):
        return Fitted(value=value, is_null=f"{value} IS NULL")
    inside = [f"{_value(field, part)} AS {quoted(field.name)}" for field, part in pairs]
    is_broken = " OR ".join(broken) or "false"
    made = f"CASE WHEN {value} IS NOT NULL AND NOT ({is_broken}) THEN struct({', '.join(inside)}) END"
    is_null = f"({value} IS NULL OR {is_broken})"
    if not lost and not broken:
        return Fitted(value=made, is_null=is_null)
    rest_fields = [
        f"{lost[place][0] if place in lost else f'CAST(NULL AS {type_text(field.dataType)})'} AS {quoted(field.name)}"
        for place, field in enumerate(source)
    ]
    some = " OR ".join(is_lost for _, is_lost in lost.values()) or "false"
    rest = f"CASE WHEN {is_broken} THEN {value} WHEN {some} THEN struct({', '.join(rest_fields)}) END"
    return Fitted(value=made, is_null=is_null, rest=rest, is_lost=f"({value} IS NOT NULL AND ({is_broken} OR {some}))")


def _value(field: StructField, part: Fitted | None) -> str:
    return f"CAST(NULL AS {type_text(field.dataType)})" if part is None else part.value


def _is_unchanged(
    source: StructType, target: StructType, pairs: Sequence[tuple[StructField, Fitted | None]], fields: Sequence[str]
) -> bool:
    return source.names == target.names and [part.value for _, part in pairs if part] == list(fields)


def field_access(value: str, source: StructType) -> list[str]:
    """SQL for each field: by name, or by place where Spark would not know which name is meant."""
    if not alike(source.names):
        return [f"{value}.{quoted(name)}" for name in source.names]
    by_place = StructType([StructField(f"f{place}", field.dataType) for place, field in enumerate(source)])
    return [f"CAST({value} AS {type_text(by_place)}).{name}" for name in by_place.names]


def _fit_array(value: str, source: ArrayType, target: ArrayType, rules: Rules, depth: int) -> Fit:
    each = f"e{depth}"
    inner = fit(each, source.elementType, target.elementType, rules, depth=depth + 1)
    element, pair = _inside(inner, depth)
    if element.rest is None and (target.containsNull or not source.containsNull):
        made = value if element.value == each else f"transform({value}, {each} -> {element.value})"
        return Fit((), lambda _: Fitted(value=made, is_null=f"{value} IS NULL"))

    def finish(results: Sequence[str]) -> Fitted:
        (pairs,) = results
        broken = "false" if target.containsNull else f"exists({pairs}, {each} -> {each}.v IS NULL)"
        some = f"exists({pairs}, {each} -> {each}.r IS NOT NULL)"
        return _collection(
            value,
            made=f"transform({pairs}, {each} -> {each}.v)",
            left=f"transform({pairs}, {each} -> {each}.r)",
            broken=broken,
            some=some,
        )

    rest = f"CAST(NULL AS {type_text(source.elementType)})"
    return Fit((f"transform({value}, {each} -> {pair(rest)})",), finish)


def _fit_map(value: str, source: MapType, target: MapType, rules: Rules, depth: int) -> Fit:
    each = f"e{depth}"
    key = fit(f"{each}.key", source.keyType, target.keyType, rules, depth=depth + 1)
    item = fit(f"{each}.value", source.valueType, target.valueType, rules, depth=depth + 1)
    fitted_key, key_pair = _inside(key, depth)
    fitted, pair = _inside(item, depth)
    same_keys = fitted_key.rest is None and fitted_key.value == f"{each}.key"
    nulls_fit = target.valueContainsNull or not source.valueContainsNull
    if same_keys and fitted.rest is None and fitted.value == f"{each}.value" and nulls_fit:
        return Fit((), lambda _: Fitted(value=value, is_null=f"{value} IS NULL"))

    def finish(results: Sequence[str]) -> Fitted:
        (pairs,) = results
        keys = f"transform({pairs}, {each} -> {each}.k.v)"
        # A key that does not fit, or two that become one, leave no map that could be told from another.
        broken = [
            f"exists({pairs}, {each} -> {each}.k.v IS NULL OR {each}.k.r IS NOT NULL)",
            f"size(array_distinct({keys})) < size({pairs})",
            *([] if target.valueContainsNull else [f"exists({pairs}, {each} -> {each}.i.v IS NULL)"]),
        ]
        lost = f"filter({pairs}, {each} -> {each}.i.r IS NOT NULL)"
        return _collection(
            value,
            made=f"map_from_entries(transform({pairs}, {each} -> struct({each}.k.v, {each}.i.v)))",
            left=f"map_from_entries(transform({lost}, {each} -> struct({each}.s, {each}.i.r)))",
            broken=" OR ".join(broken),
            some=f"exists({pairs}, {each} -> {each}.i.r IS NOT NULL)",
        )

    no_key, no_value = (f"CAST(NULL AS {type_text(kind)})" for kind in (source.keyType, source.valueType))
    entry = f"struct({each}.key AS s, {key_pair(no_key)} AS k, {pair(no_value)} AS i)"
    return Fit((f"transform(map_entries({value}), {each} -> {entry})",), finish)


def _collection(value: str, *, made: str, left: str, broken: str, some: str) -> Fitted:
    return Fitted(
        value=f"CASE WHEN NOT ({broken}) THEN {made} END",
        is_null=f"({value} IS NULL OR {broken})",
        rest=f"CASE WHEN {broken} THEN {value} WHEN {some} THEN {left} END",
        is_lost=f"({value} IS NOT NULL AND ({broken} OR {some}))",
    )


def _inside(inner: Fit, depth: int) -> tuple[Fitted, Callable[[str], str]]:
    """What becomes of an element, and SQL for its value and its rest as a struct, each step worked out once."""
    results = f"s{depth}"
    fitted = inner.finish([f"{results}.c{i}" for i in range(len(inner.steps))])

    def pair(no_rest: str) -> str:
        made = f"struct({fitted.value} AS v, {fitted.rest or no_rest} AS r)"
        if not inner.steps:
            return made
        steps = ", ".join(f"{step} AS c{i}" for i, step in enumerate(inner.steps))
        # A lambda over one element is how SQL gives a name to a result.
        return f"transform(array(struct({steps})), {results} -> {made})[0]"

    return fitted, pair
