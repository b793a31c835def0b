"""Contracts in a schema registry: a version that may not follow the ones before it stops the run before a file is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lakehouse.aws.glue_schemas import open_glue_registry
from lakehouse.config.models import Contract, Input, RegistryConfig
from lakehouse.runtime.planning import Job
from lakehouse.runtime.schema_folder import FolderRegistry
from lakehouse.schemas.avro_records import avro_record
from lakehouse.schemas.registry import SchemaRegistry

GLUE = "glue://"


def open_registry(config: RegistryConfig) -> SchemaRegistry:
    """The registry of a configuration.

    Raises:
        ConfigError: boto3 is missing.
    """
    if config.at.startswith(GLUE):
        return open_glue_registry(config.at.removeprefix(GLUE))
    return FolderRegistry(folder=Path(config.at))


def register_contracts(job: Job, source: Input, tables: Mapping[str, Contract]) -> None:
    """Register the contract of each source table under its name, as a record of Avro; nothing where it is registered already.

    Raises:
        IncompatibleSchemaError: it may not follow the versions that are there; says where and why.
        ConfigError: Avro cannot say what the contract says, or the registry keeps the name under another mode.
        RegistryError: the registry does not answer.
    """
    if source.registry is None:
        return
    registry = open_registry(source.registry)
    for table, contract in tables.items():
        record = avro_record(contract.schema_, name=table, required=(*contract.keys, *contract.required))
        known = {version.number for version in registry.versions(table)}
        version = registry.register(table, json.dumps(record), mode=source.registry.compatibility)
        if version.number not in known:
            message = f"{table}: its contract is registered as version {version.number}"
            job.report.step("registered", message, table=table, version=version.number, id=version.id)
