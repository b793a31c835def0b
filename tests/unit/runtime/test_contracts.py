"""Where contracts are registered."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from lakehouse.aws.glue_schemas import GlueRegistry
from lakehouse.config.models import RegistryConfig
from lakehouse.runtime.contracts import open_registry
from lakehouse.runtime.schema_folder import FolderRegistry

RECORD = '{"type": "record", "name": "t", "fields": [{"name": "id", "type": "long"}]}'


@mock_aws
def test_a_registry_in_glue_is_opened_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is registered is in Glue, under the name that the configuration has."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    boto3.client("glue").create_registry(RegistryName="shop")
    registry = open_registry(RegistryConfig(at="glue://shop"))
    assert isinstance(registry, GlueRegistry)
    assert registry.register("crm.t", RECORD).number == 1
    place = {"RegistryName": "shop", "SchemaName": "crm.t"}
    assert boto3.client("glue").get_schema(SchemaId=place)["Compatibility"] == "BACKWARD"


def test_any_other_place_is_a_folder(tmp_path: Path) -> None:
    """A folder that is there holds the versions."""
    registry = open_registry(RegistryConfig(at=str(tmp_path)))
    assert isinstance(registry, FolderRegistry)
    assert registry.register("crm.t", RECORD).number == 1
    assert (tmp_path / "crm.t" / "1.json").read_text(encoding="utf-8") == RECORD
