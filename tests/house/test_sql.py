"""SQL is made of constants, of quoted names, and of what is documented as SQL."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

TAKES_SQL = {"expr", "selectExpr", "sql"}
TAKES_SQL_OR_COLUMNS = {"filter", "where"}
QUOTES = {"alterations", "column_list", "quoted", "quoted_name", "quoted_text", "type_text"}
"""Functions whose text is safe in a statement, whatever they are given."""

TARGET = "quoted when the table is opened"
BUILT = "made by lakehouse.tables.statements, or of the quoted target and constants"
FIELDS = "looped over a constant of the module: the producer's own field names"
FITTED = "made by casting and fitting of quoted names, names of types, constants, and a zone that the zone database has"
QUERY = "documented as SQL: a rule's query, in parentheses, so that it can change nothing"
ALLOWED: Mapping[str, str] = {
    "src/lakehouse/cdc/feeds/debezium.py: name": FIELDS,
    "src/lakehouse/cdc/feeds/debezium.py: number": FIELDS,
    "src/lakehouse/cdc/feeds/debezium_avro.py: name": "`key` or `value`, a constant of the caller",
    "src/lakehouse/cdc/feeds/debezium_mongodb.py: name": FIELDS,
    "src/lakehouse/cdc/feeds/debezium_mongodb.py: number": FIELDS,
    "src/lakehouse/cdc/history_checks.py: named.open_end": "documented as SQL",
    "src/lakehouse/cdc/publishing.py: selection.columns": "made by select_rows of quoted names and of literals it checks",
    "src/lakehouse/cdc/publishing.py: selection.where": "one of two constants",
    "src/lakehouse/quality/probes.py: where": "documented as SQL",
    "src/lakehouse/quality/shares.py: converted.sql": FITTED,
    "src/lakehouse/runtime/batch_records.py: self._mine": "constants and quoted texts",
    "src/lakehouse/runtime/evaluation.py: _braced(quoted(name))": "quoted; a brace would call a frame",
    "src/lakehouse/runtime/evaluation.py: _braced(text)": QUERY,
    "src/lakehouse/runtime/evaluation.py: text": QUERY,
    "src/lakehouse/runtime/quarantine.py: _held(table)": "constants and a quoted text",
    "src/lakehouse/tables/alignment.py: predicate": "documented as SQL: what an overwrite replaces",
    "src/lakehouse/tables/delta.py: self._target": TARGET,
    "src/lakehouse/tables/delta.py: statement": BUILT,
    "src/lakehouse/tables/delta.py: version": "a number by its type; no field of a configuration reaches it",
    "src/lakehouse/tables/delta_history.py: limit": "a number: it was compared with one",
    "src/lakehouse/tables/delta_history.py: target": TARGET,
    "src/lakehouse/tables/delta_places.py: target": TARGET,
    "src/lakehouse/tables/delta_rewrite.py: detail.clusteringColumns": "Delta tells them quoted",
    "src/lakehouse/tables/delta_rewrite.py: target": TARGET,
    "src/lakehouse/tables/iceberg.py: self._target": TARGET,
    "src/lakehouse/tables/iceberg.py: statement": BUILT,
    "src/lakehouse/tables/views.py: _source(table)": "quotes the path or the name",
    "src/lakehouse/tables/views.py: selection.columns": "made by select_rows of quoted names and of literals it checks",
    "src/lakehouse/tables/views.py: selection.where": "one of two constants",
    "src/lakehouse/transforms/choices.py: one.sql": FITTED,
    "src/lakehouse/transforms/choices.py: sql": FITTED,
    "src/lakehouse/transforms/conformance.py: bad": FITTED,
    "src/lakehouse/transforms/conformance.py: fault.bad": FITTED,
    "src/lakehouse/transforms/conformance.py: fault.missing": FITTED,
    "src/lakehouse/transforms/conformance.py: missing": FITTED,
    "src/lakehouse/transforms/conformance.py: part.value": FITTED,
    "src/lakehouse/transforms/conformance.py: step": FITTED,
    "src/lakehouse/transforms/decoding.py: text_value(quoted(column), data_type, timezone=timezone, binary=binary)": FITTED,
    "src/lakehouse/transforms/rescuing.py: _writable(rest.sql, rest.data_type)": FITTED,
    "src/lakehouse/transforms/rescuing.py: rest.is_lost": FITTED,
}
"""What is put into SQL and is neither a constant nor seen to be quoted, by module, with the reason why it may be."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the names in a function stand for: every expression put into them; a parameter stands for anything."""

    values: Mapping[str, tuple[ast.expr, ...]]

    @classmethod
    def of(cls, function: ast.AST) -> Scope:
        """Collect the assignments and the loops of a function, those of its inner functions included."""
        found: dict[str, tuple[ast.expr, ...]] = {}
        parameters = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        for name, value in (binding for node in ast.walk(function) for binding in _bindings(node)):
            found[name] = (*found.get(name, ()), value)
        return cls({name: values for name, values in found.items() if name not in parameters})

    def without(self, name: str) -> Scope:
        """The scope in which a name that is made of itself ends."""
        return Scope({other: values for other, values in self.values.items() if other != name})


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            yield from ((ast.unparse(target), value) for target, value in zip(targets, values, strict=True))
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            | ast.AugAssign(target=ast.Name(id=name), value=value)
            | ast.NamedExpr(target=ast.Name(id=name), value=value)
            | ast.For(target=ast.Name(id=name), iter=value)
            | ast.comprehension(target=ast.Name(id=name), iter=value)
        ):
            yield name, value
        case _:
            pass


def loose_parts(node: ast.expr, scope: Scope) -> Iterator[ast.expr]:
    """Find the parts of a text that may be anything: neither constant nor seen to be quoted."""
    if _is_safe(node):
        return
    inner = scope.without(node.id) if isinstance(node, ast.Name) else scope
    parts = _parts(node, scope)
    if not parts:
        yield node
    for part in parts:
        yield from loose_parts(part, inner)


def _is_safe(node: ast.expr) -> bool:
    match node:
        case ast.Constant() | ast.Call(func=ast.Attribute(value=ast.Name(id="statements"))):
            return True
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(), attr=name):
            return name.isupper()  # a constant, here or in another module
        case ast.FormattedValue(format_spec=ast.JoinedStr(values=[ast.Constant(value=str(spec))])):
            return spec[-1] in "df"  # a number or a date; text fails
        case ast.Call(func=ast.Name(id="map"), args=[ast.Name(id=name), _]) | ast.Call(func=ast.Name(id=name)):
            return name in QUOTES
        case _:
            return False


def _parts(node: ast.expr, scope: Scope) -> tuple[ast.expr, ...]:
    """What a text is put together from; nothing when that cannot be seen."""
    match node:
        case ast.JoinedStr(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(parts)
        case (
            ast.FormattedValue(value=part)
            | ast.Starred(value=part)
            | ast.GeneratorExp(elt=part)
            | ast.ListComp(elt=part)
        ):
            return (part,)
        case ast.BinOp(left=first, right=second) | ast.IfExp(body=first, orelse=second):
            return first, second
        case ast.Call(func=ast.Attribute(value=first, attr="join"), args=[second]):
            return first, second
        case ast.Name(id=name):
            return scope.values.get(name, ())
        case _:
            return ()


def _is_text(node: ast.expr, scope: Scope) -> bool:
    """Whether what may be a column or SQL is seen to be SQL."""
    match node:
        case ast.JoinedStr() | ast.Attribute() | ast.Constant():
            return True
        case ast.Name(id=name):
            return any(_is_text(value, scope.without(name)) for value in scope.values.get(name, ()))
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod()):
            return _is_text(left, scope)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()), attr=made)):
            return made in {"format", "join"}
    return False


def _texts(call: ast.AST, scope: Scope) -> list[ast.expr]:
    """The arguments of a call that are SQL."""
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg not in {"args", None})]
        if call.func.attr in TAKES_SQL:
            return given
        if call.func.attr in TAKES_SQL_OR_COLUMNS:
            return [one for one in given if _is_text(one, scope)]
    return []


def loose_sql(path: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Name what is put into SQL without being seen to be safe, with its line."""
    bodies = [inner for outer in tree.body for inner in (outer.body if isinstance(outer, ast.ClassDef) else [outer])]
    for body in bodies:
        scope = Scope.of(body)
        for call in ast.walk(body):
            for text in _texts(call, scope):
                for part in loose_parts(text, scope):
                    yield part.lineno, f"{path}: {ast.unparse(part)}"


def test_sql_is_constant_quoted_or_documented(library: Mapping[str, ast.Module]) -> None:
    """Whatever else reaches a statement is listed above with its reason, and nothing is listed that is gone."""
    found = [where for path, tree in library.items() for _, where in loose_sql(path, tree)]
    assert set(found) == set(ALLOWED)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ("spark.sql(text)", "text"),
        ("spark.sql(f'DROP TABLE {text}')", "text"),
        ("spark.sql('DROP TABLE ' + text)", "text"),
        ("spark.sql('DROP TABLE {}'.format(text))", "'DROP TABLE {}'.format(text)"),
        ("text = 'a'\n    spark.sql(text)", "text"),
        ("more = 'a'\n    more += text\n    F.expr(more)", "text"),
        ("F.expr(str=text)", "text"),
        ("df.selectExpr(*[f'{one} + 1' for one in text])", "text"),
        ("df.where(f'{quoted(text)} = {text}')", "text"),
        ("df.where('a = %s' % text)", "text"),
        ("one, two = 'a', text\n    F.expr(f'{one} {two}')", "text"),
        ("df.filter(spec.condition)", "spec.condition"),
        ("df.filter(' and '.join(text))", "text"),
    ],
)
def test_loose_sql_is_found(body: str, part: str) -> None:
    """A parameter that reaches SQL is named, by whatever way it gets there."""
    source = f"def f(df, spark, spec, text):\n    {body}\n"
    assert [where for _, where in loose_sql("m.py", ast.parse(source))] == [f"m.py: {part}"]


@pytest.mark.parametrize(
    "body",
    [
        "spark.sql(f'DROP TABLE {quoted(name)} {LIMIT}')",
        "spark.sql(statements.read_version(name, 3))",
        "spark.sql('SELECT * FROM t WHERE a = :a', args={'a': name})",
        "text = ', '.join(map(quoted, name))\n    df.selectExpr(text)",
        "df.where(F.col(name) > 1)",
        "spark.sql(f'VACUUM t RETAIN {name:f} HOURS')",
    ],
)
def test_safe_sql_is_let_be(body: str) -> None:
    """Constants, quoted names, parameters of a statement, columns and numbers are no risk."""
    source = f"def f(df, spark, name):\n    {body}\n"
    assert list(loose_sql("m.py", ast.parse(source))) == []
