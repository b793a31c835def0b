"""The Glue Schema Registry, whose rules are checked here before it is asked: it tells reasons to nobody.

A role needs `glue:GetSchema`, `glue:GetSchemaVersion`, `glue:CreateSchema` and `glue:RegisterSchemaVersion`.
API: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-schema-registry-api.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lakehouse.aws.clients import open_client
from lakehouse.aws.codes import NO_ENTITY, error_code
from lakehouse.errors import ConfigError, IncompatibleSchemaError, RegistryError
from lakehouse.schemas.compatibility import DataFormat, Mode
from lakehouse.schemas.registry import SchemaVersion, require_compatible, require_settings, same_version

_FORBIDDEN = frozenset({"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"})
_MISTAKEN = frozenset({"InvalidInputException", "ResourceNumberLimitExceededException", "ValidationException"})
_NEEDED = "glue:GetSchema, glue:GetSchemaVersion, glue:CreateSchema and glue:RegisterSchemaVersion"
_CHECKS = 30
"""How often a version that Glue still looks at is asked for, a second apart."""


def open_glue_registry(name: str) -> GlueRegistry:
    """A registry by its name, in the account and the region of this process.

    Raises:
        ConfigError: boto3 is missing.
    """
    return GlueRegistry(client=open_client("glue", purpose="a schema registry in Glue"), registry=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlueRegistry:
    """A `lakehouse.schemas.registry.SchemaRegistry` in Glue.

    Attributes:
        client: a boto3 client of `glue`.
        registry: the registry's name.
        pause: waits for so many seconds.
    """

    client: Any
    registry: str
    pause: Callable[[float], None] = time.sleep

    def register(
        self, name: str, schema: str, *, data_format: DataFormat = "AVRO", mode: Mode | None = None
    ) -> SchemaVersion:
        """Add a version; one of the same content that is there already is returned instead.

        Raises:
            IncompatibleSchemaError: it may not follow the versions that are there, as checked here or by Glue. Nothing was
                registered.
            ConfigError: it is no schema, or the registry keeps the name under another format or mode.
            RegistryError: Glue does not answer.
        """
        with self._answering():
            have = self._schema(name)
            if have is None:
                require_compatible(name, (), schema, data_format=data_format, mode=mode or "BACKWARD")
                return self._create(name, schema, data_format, mode or "BACKWARD")
            settings = have["DataFormat"], have["Compatibility"]
            require_settings(name, have=settings, data_format=data_format, mode=mode)
            versions = self._versions(name, have)
            if there := same_version(versions, schema):
                return there
            require_compatible(name, versions, schema, data_format=data_format, mode=settings[1])
            made = self.client.register_schema_version(SchemaId=self._id(name), SchemaDefinition=schema)
            return self._accepted(name, made["SchemaVersionId"])

    def versions(self, name: str) -> tuple[SchemaVersion, ...]:
        """The versions by number, without those that Glue refused or deletes; none when the name is unknown.

        Raises:
            RegistryError: Glue does not answer.
        """
        with self._answering():
            have = self._schema(name)
            return () if have is None else self._versions(name, have)

    def find(self, version_id: str) -> SchemaVersion:
        """The version that the header of a message names.

        Raises:
            RegistryError: there is none, or Glue does not answer.
        """
        with self._answering():
            found = self._get(SchemaVersionId=version_id)
        if found is None:
            msg = f"Glue has no schema version {version_id}; see which registry and region its producer writes to"
            raise RegistryError(msg)
        return _version(found["SchemaArn"].rpartition("/")[2], found)

    def _id(self, name: str) -> dict[str, str]:
        return {"RegistryName": self.registry, "SchemaName": name}

    def _schema(self, name: str) -> Mapping[str, Any] | None:
        return _unless_absent(lambda: self.client.get_schema(SchemaId=self._id(name)))

    def _get(self, **which: Any) -> Mapping[str, Any] | None:
        return _unless_absent(lambda: self.client.get_schema_version(**which))

    def _versions(self, name: str, schema: Mapping[str, Any]) -> tuple[SchemaVersion, ...]:
        numbers = range(1, schema["LatestSchemaVersion"] + 1)
        found = [self._get(SchemaId=self._id(name), SchemaVersionNumber={"VersionNumber": one}) for one in numbers]
        return tuple(_version(name, one) for one in found if one and one["Status"] == "AVAILABLE")

    def _create(self, name: str, schema: str, data_format: DataFormat, mode: Mode) -> SchemaVersion:
        made = self.client.create_schema(
            RegistryId={"RegistryName": self.registry},
            SchemaName=name,
            DataFormat=data_format,
            Compatibility=mode,
            SchemaDefinition=schema,
        )
        return self._accepted(name, made["SchemaVersionId"])

    def _accepted(self, name: str, version_id: str) -> SchemaVersion:
        """Wait until Glue has looked at a version."""
        for _ in range(_CHECKS):
            found = self._get(SchemaVersionId=version_id)
            status = found["Status"] if found else "PENDING"
            if found and status == "AVAILABLE":
                return _version(name, found)
            if status != "PENDING":
                msg = f"Glue refused the version of {name} ({status}), though it is compatible by the rules known here"
                raise IncompatibleSchemaError(msg)
            self.pause(1)
        msg = f"Glue still checks the version {version_id} of {name}; run again, a version that is there is found"
        raise RegistryError(msg)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Tell a registry that is down, and one that may not be used, from each other and from everything else."""
        try:
            yield
        except Exception as error:
            if not type(error).__module__.startswith("botocore"):
                raise
            code = error_code(error)
            if code == NO_ENTITY:
                msg = f"there is no Glue schema registry {self.registry} in this account and region; create it first"
                raise ConfigError(msg) from error
            if code in _FORBIDDEN:
                msg = f"the Glue schema registry {self.registry} may not be used ({code}): grant {_NEEDED}"
                raise ConfigError(msg) from error
            if code in _MISTAKEN or type(error).__name__ == "ParamValidationError":
                msg = f"the Glue schema registry {self.registry} refuses what it is asked: {error}"
                raise ConfigError(msg) from error
            msg = (
                f"the Glue schema registry {self.registry} does not answer ({code or type(error).__name__}); "
                "run again later: a version that arrived is found, and not made twice"
            )
            raise RegistryError(msg) from error


def _unless_absent(ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    try:
        return ask()
    except Exception as error:
        if error_code(error) == NO_ENTITY:
            return None
        raise


def _version(name: str, found: Mapping[str, Any]) -> SchemaVersion:
    return SchemaVersion(
        name=name,
        number=found["VersionNumber"],
        id=found["SchemaVersionId"],
        text=found["SchemaDefinition"],
        data_format=found["DataFormat"],
    )
