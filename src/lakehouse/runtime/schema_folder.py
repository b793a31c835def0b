"""A schema registry in a plain folder: one folder for each schema, one file for each version, as they can be reviewed.

    schemas/customer_events/registry.json    {"compatibility": "BACKWARD", "data_format": "AVRO"}
    schemas/customer_events/1.json           the schema, as it was registered
    schemas/customer_events/2.json

Files are made whole and never changed, so several processes may register at once. It takes a file system that can link.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID, uuid5

from lakehouse.errors import ConfigError, RegistryError
from lakehouse.schemas.compatibility import DataFormat, Mode
from lakehouse.schemas.registry import SchemaVersion, require_compatible, require_settings, same_version

_SETTINGS = "registry.json"
_VERSION = re.compile(r"([1-9]\d*)\.json")
_NAMESPACE = UUID("8a4ff9a2-52cf-4f6b-9b4c-53f6f1b0d5b7")
"""Of the ids of versions, which name, number and text decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRegistry:
    """A `lakehouse.schemas.registry.SchemaRegistry` in a folder that is there already."""

    folder: Path

    def register(
        self, name: str, schema: str, *, data_format: DataFormat = "AVRO", mode: Mode | None = None
    ) -> SchemaVersion:
        """Add a version; one of the same content that is there already is returned instead.

        Raises:
            IncompatibleSchemaError: it may not follow the versions that are there; says where and why. Nothing was registered.
            ConfigError: it is no schema, or the registry keeps the name under another format or mode.
            RegistryError: the folder is not there, or cannot be written.
        """
        with self._at_work():
            require_compatible(name, (), schema, data_format=data_format, mode=mode or "BACKWARD")
            place = self._place(name)
            place.mkdir(exist_ok=True)
            told = {"compatibility": mode or "BACKWARD", "data_format": data_format}
            _put(place / _SETTINGS, json.dumps(told, sort_keys=True))
            have = _settings(place)
            require_settings(name, have=have, data_format=data_format, mode=mode)
            while True:
                versions = self._versions(name)
                if there := same_version(versions, schema):
                    return there
                require_compatible(name, versions, schema, data_format=data_format, mode=have[1])
                number = max((version.number for version in versions), default=0) + 1
                if _put(place / f"{number}.json", schema):
                    return _version(name, number, schema, data_format)

    def versions(self, name: str) -> tuple[SchemaVersion, ...]:
        """The versions by number; none when the name is unknown.

        Raises:
            RegistryError: the folder is not there, or cannot be read.
        """
        with self._at_work():
            return self._versions(name)

    def find(self, version_id: str) -> SchemaVersion:
        """The version that the header of a message names; looks at every file.

        Raises:
            RegistryError: there is none.
        """
        with self._at_work():
            names = [unquote(place.name) for place in sorted(self.folder.iterdir()) if place.is_dir()]
            versions = (version for name in names for version in self._versions(name))
            found = next((version for version in versions if version.id == version_id), None)
        if found is None:
            msg = f"no schema in {self.folder} has a version {version_id}; register it, or ask the registry of its producer"
            raise RegistryError(msg)
        return found

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Say of a folder that cannot be used which it is, and that nothing was registered."""
        try:
            self.folder.stat()  # a folder that is made here would hide one that is not mounted
            yield
        except OSError as error:
            msg = f"the schema registry {self.folder} cannot be used ({error.strerror}); create or mount it, then run again"
            raise RegistryError(msg) from error

    def _place(self, name: str) -> Path:
        if not name:
            msg = "a schema needs a name"
            raise ConfigError(msg)
        quoted = quote(name, safe="")
        return self.folder / (f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted)

    def _versions(self, name: str) -> tuple[SchemaVersion, ...]:
        place = self._place(name)
        if not (place / _SETTINGS).is_file():
            return ()
        data_format, _ = _settings(place)
        numbers = sorted(int(match[1]) for file in place.iterdir() if (match := _VERSION.fullmatch(file.name)))
        texts = ((number, (place / f"{number}.json").read_text(encoding="utf-8")) for number in numbers)
        return tuple(_version(name, number, text, data_format) for number, text in texts)


def _version(name: str, number: int, text: str, data_format: DataFormat) -> SchemaVersion:
    own = str(uuid5(_NAMESPACE, json.dumps([name, number, text])))
    return SchemaVersion(name=name, number=number, id=own, text=text, data_format=data_format)


def _settings(place: Path) -> tuple[DataFormat, Mode]:
    told: dict[str, Any] = json.loads((place / _SETTINGS).read_text(encoding="utf-8"))
    return told["data_format"], told["compatibility"]


def _put(path: Path, text: str) -> bool:
    """Make a file that is whole as soon as it is there; False when there is one already."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).chmod(0o644)  # others read it, too
        try:
            os.link(file.name, path)
        except FileExistsError:
            return False
    return True
