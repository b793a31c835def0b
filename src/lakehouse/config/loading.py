"""Read a configuration: YAML, `${ENV}`, `--set key=value`, and errors that name file, key and remedy."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from lakehouse.config.base import Model
from lakehouse.config.models import JobConfig
from lakehouse.errors import ConfigError
from lakehouse.quality.rulesets import require_ruleset

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")

M = TypeVar("M", bound=BaseModel)


def load_config(
    source: str,
    *,
    settings: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    read: Callable[[str], str] | None = None,
) -> JobConfig:
    """Read and check a job's configuration.

    Args:
        source: a file, or the name of a configuration that came with the library.
        settings: `key.sub=value` pairs that replace what the file says; values are YAML.
        environment: what `${NAME}` and `${NAME:-default}` mean; the process's environment when left out.
        read: how to read files that lie where only Spark can read (`s3://`); local files when left out.

    Raises:
        ConfigError: in one message the file, the key, what is wrong and what to do.
    """
    origin, content = (source, read(source)) if read else _find(source)
    tree = _parse(origin, content)
    for setting in settings:
        _set(tree, setting)
    tree = _resolve(tree, origin, os.environ if environment is None else environment)
    for name, section in _sections(tree, "inputs"):
        if isinstance(section.get("tables"), str):
            section["tables"] = _contracts(section["tables"], origin, f"inputs.{name}.tables", read)
        if isinstance(options := section.get("options"), dict) and isinstance(options.get("schemas"), dict):
            options["schemas"] = _schemas(options["schemas"], origin, f"inputs.{name}.options.schemas", read)
    for key, gate in _gates(tree):
        if isinstance(named := gate.get("ruleset"), str) and named.endswith(".dqdl"):
            gate["ruleset"] = _ruleset(named, origin, f"{key}.ruleset", read)
    return validate(JobConfig, tree, origin)


def validate(model: type[M], tree: object, origin: str, prefix: str = "") -> M:
    """Fit a tree into a model.

    Raises:
        ConfigError: the first thing that does not fit: file, key, problem, and the nearest valid key.
    """
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        problems = [_explain(model, problem, prefix) for problem in error.errors()]
        raise ConfigError("\n".join(f"{origin}: {problem}" for problem in problems)) from None


def _explain(model: type[BaseModel], problem: Any, prefix: str) -> str:
    location = [str(part) for part in problem["loc"]]
    key = ".".join(([prefix] if prefix else []) + location)
    if problem["type"] == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        near = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        return f"unknown key {key}; {hint}"
    if problem["type"] == "missing":
        return f"missing key {key}; add it"
    return f"{key}: {problem['msg'].removeprefix('Value error, ')}"


def _keys_at(model: type[BaseModel], location: Sequence[str]) -> list[str]:
    """The keys that the section at this place may have."""
    current: Any = model
    for part in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            current = current.model_fields[part].annotation if part in current.model_fields else None
        else:
            # A mapping or a list of sections, or one that may be left out: the section is what comes next.
            current = next((one for one in get_args(current) if isinstance(one, type) and issubclass(one, Model)), None)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return []


def _find(source: str) -> tuple[str, str]:
    path = Path(source)
    if path.is_file():
        return source, read_text(path)
    shipped = [place / f"{source}.yaml" for place in shipped_folders("configs") if (place / f"{source}.yaml").is_file()]
    if path.suffix == "" and shipped:
        return str(shipped[0]), read_text(shipped[0])
    names = sorted({file.stem for place in shipped_folders("configs") for file in place.glob("*.yaml")})
    near = difflib.get_close_matches(source, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"give a file, or one of: {', '.join(names) or 'none shipped'}"
    msg = f"no configuration {source!r}; {hint}"
    raise ConfigError(msg)


def shipped_folders(kind: str) -> list[Path]:
    """Where configurations or jobs that came with the library may lie: inside the wheel, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    return [place for place in (package / f"_{kind}", package.parents[1] / kind) if place.is_dir()]


def _parse(origin: str, content: str) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(content)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        msg = f"{origin}:{place} is not valid YAML: {getattr(error, 'problem', None) or 'cannot be read'}"
        raise ConfigError(msg) from None
    if not isinstance(tree, dict):
        msg = f"{origin}: a configuration is a mapping of keys, this is {type(tree).__name__}"
        raise ConfigError(msg)
    return tree


def _set(tree: dict[str, Any], setting: str) -> None:
    key, equals, value = setting.partition("=")
    if not equals or not key:
        msg = f"--set {setting!r} is not of the form key.sub=value"
        raise ConfigError(msg)
    *parents, last = key.split(".")
    section = tree
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            msg = f"--set {key}: {parent} is not a section"
            raise ConfigError(msg)
    try:
        section[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        msg = (
            f"--set {key}: the value is not valid YAML: {getattr(error, 'problem', None) or 'cannot be read'}; quote it"
        )
        raise ConfigError(msg) from None


def _resolve(tree: Any, origin: str, environment: Mapping[str, str], key: str = "") -> Any:
    if isinstance(tree, dict):
        return {name: _resolve(value, origin, environment, f"{key}.{name}".strip(".")) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_resolve(value, origin, environment, f"{key}[{i}]") for i, value in enumerate(tree)]
    if not isinstance(tree, str):
        return tree

    def value_of(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name not in environment and default is None:
            msg = f"{origin}: {key}: the environment has no {name}; export it, or write ${{{name}:-default}}"
            raise ConfigError(msg)
        return environment.get(name, default or "")

    return _VARIABLE.sub(value_of, tree)


def _sections(tree: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    found = tree.get(key)
    return [(n, s) for n, s in found.items() if isinstance(s, dict)] if isinstance(found, dict) else []


def _gates(tree: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The sections about quality: one, or each of a list."""
    found = tree.get("quality")
    if isinstance(found, dict):
        return [("quality", found)]
    gates = enumerate(found) if isinstance(found, list) else ()
    return [(f"quality.{place}", gate) for place, gate in gates if isinstance(gate, dict)]


def _contracts(name: str, origin: str, key: str, read: Callable[[str], str] | None) -> dict[str, Any]:
    """Contracts may stand in a file of their own, beside the configuration."""
    return _parse(*_beside(name, origin, key, read, holds="a mapping of schema.table to keys and columns"))


def _schemas(schemas: dict[Any, Any], origin: str, key: str, read: Callable[[str], str] | None) -> dict[Any, Any]:
    """So may schemas of Avro, each in a file that ends in `.avsc`."""
    return {
        name: _beside(schema, origin, f"{key}.{name}", read, holds="an Avro schema")[1]
        if isinstance(schema, str) and schema.endswith(".avsc")
        else schema
        for name, schema in schemas.items()
    }


def _ruleset(name: str, origin: str, key: str, read: Callable[[str], str] | None) -> str:
    """So may a ruleset, in a file that ends in `.dqdl`; what is wrong is told by the lines of that file."""
    place, text = _beside(name, origin, key, read, holds="a ruleset in DQDL")
    require_ruleset(text, where=f"{origin}: {key}: {place}")
    return text


def _beside(name: str, origin: str, key: str, read: Callable[[str], str] | None, *, holds: str) -> tuple[str, str]:
    """Place and content of a file beside the configuration."""
    beside = f"{origin.rpartition('/')[0]}/{name}" if read else str(Path(origin).parent / name)
    if read:
        return beside, read(beside)
    if not Path(beside).is_file():
        msg = f"{origin}: {key}: no file {beside}; it should hold {holds}"
        raise ConfigError(msg)
    return beside, read_text(Path(beside))


def read_text(path: Path) -> str:
    """The text of a local file.

    Raises:
        ConfigError: it is not there, or of another encoding; names it.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read as text in UTF-8: {error}"
        raise ConfigError(msg) from error
