"""What a schema registry is asked, whoever keeps it, and what is checked before it is given a version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lakehouse.errors import ConfigError, IncompatibleSchemaError
from lakehouse.schemas.compatibility import DataFormat, Mode, check_compatibility


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaVersion:
    """One version of a schema.

    Attributes:
        name: the schema's.
        number: counts its versions from 1; versions that were deleted leave gaps.
        id: a UUID in lower case, which names the version in the header of a message.
        text: the schema as it was registered.
        data_format: its language.
    """

    name: str
    number: int
    id: str
    text: str
    data_format: DataFormat


class SchemaRegistry(Protocol):
    """A place that keeps the versions of schemas.

    Every method raises `RegistryError` when the registry does not answer.
    """

    def register(
        self, name: str, schema: str, *, data_format: DataFormat = "AVRO", mode: Mode | None = None
    ) -> SchemaVersion:
        """Add a version; one of the same content that is there already is returned instead.

        Args:
            name: whose version it is; a schema of a new name is made.
            schema: JSON text.
            data_format: its language.
            mode: what versions have to be to each other; None: what the registry says, of a new name `BACKWARD`.

        Raises:
            IncompatibleSchemaError: it may not follow the versions that are there; says where and why. Nothing was registered.
            ConfigError: it is no schema, or the registry keeps the name under another format or mode.
        """
        ...

    def versions(self, name: str) -> tuple[SchemaVersion, ...]:
        """The versions by number; none when the name is unknown."""
        ...

    def find(self, version_id: str) -> SchemaVersion:
        """The version that the header of a message names.

        Raises:
            RegistryError: there is none.
        """
        ...


def same_version(versions: Sequence[SchemaVersion], schema: str) -> SchemaVersion | None:
    """The newest version that says the same, however it is spaced."""
    asked = _content(schema)
    return next((version for version in reversed(versions) if _content(version.text) == asked), None)


def require_settings(name: str, *, have: tuple[DataFormat, Mode], data_format: DataFormat, mode: Mode | None) -> None:
    """Refuse to go on under another format or mode than the registry has.

    Raises:
        ConfigError: they are others.
    """
    if data_format != have[0] or mode not in {None, have[1]}:
        asked = f"{data_format}, {mode or have[1]}"
        msg = f"the registry keeps {name} as {have[0]}, {have[1]}, not as {asked}: change one of the two first"
        raise ConfigError(msg)


def require_compatible(
    name: str, versions: Sequence[SchemaVersion], schema: str, *, data_format: DataFormat, mode: Mode
) -> None:
    """Refuse a version that may not follow the others.

    Raises:
        IncompatibleSchemaError: names every conflict.
        ConfigError: it is no schema.
    """
    earlier = {version.number: version.text for version in versions}
    found = check_compatibility(earlier, schema, mode, data_format=data_format)
    if not found.is_compatible:
        msg = f"{name} cannot have this version under {mode}; nothing was registered:\n{found}"
        raise IncompatibleSchemaError(msg)


def _content(schema: str) -> Any:
    try:
        return json.loads(schema)
    except ValueError:
        return schema
