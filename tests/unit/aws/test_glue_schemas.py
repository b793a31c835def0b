"""The Glue Schema Registry, on an emulator that checks nothing itself, and where it does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from moto import mock_aws
from schema_registries import V1, V2, RegistryConformance

from lakehouse.aws.glue_schemas import GlueRegistry
from lakehouse.errors import ConfigError, IncompatibleSchemaError, RegistryError

ID = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"
REFERENCE = {"RegistryName": "lake", "SchemaName": "events"}


def client(**settings: Any) -> Any:
    """A client with keys that open nothing."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client("glue", region_name="eu-central-1", **keys, **settings)


class TestGlueRegistry(RegistryConformance):
    """The promises of registries, in Glue."""

    @pytest.fixture
    def registry(self) -> Iterator[GlueRegistry]:
        """An empty registry."""
        with mock_aws():
            glue = client()
            glue.create_registry(RegistryName="lake")
            yield GlueRegistry(client=glue, registry="lake")


@mock_aws
def test_a_registry_that_is_not_there_is_named() -> None:
    """A registry that nobody made is an error of the configuration."""
    with pytest.raises(ConfigError, match="no Glue schema registry lake in this account and region"):
        GlueRegistry(client=client(), registry="lake").register("events", V1)


def test_a_registry_that_is_down_is_a_clear_error() -> None:
    """No connection is told as such, with what to do, for each of the questions."""
    quick = Config(connect_timeout=1, retries={"total_max_attempts": 1})
    registry = GlueRegistry(client=client(endpoint_url="http://127.0.0.1:9", config=quick), registry="lake")
    for ask in (lambda: registry.register("events", V1), lambda: registry.versions("a"), lambda: registry.find(ID)):
        with pytest.raises(RegistryError, match=r"lake does not answer \(EndpointConnectionError\); run again later"):
            ask()


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("InternalServiceException", RegistryError, "does not answer"),
        ("ThrottlingException", RegistryError, "does not answer"),
        ("AccessDeniedException", ConfigError, "grant glue:GetSchema"),
        ("ExpiredTokenException", ConfigError, "may not be used"),
        ("InvalidInputException", ConfigError, "refuses what it is asked"),
    ],
)
def test_answers_that_are_none_are_told_apart(code: str, error: type[Exception], message: str) -> None:
    """What a later run may mend is not what somebody has to grant; the code of the answer is in the message."""
    glue = client()
    with Stubber(glue) as stub:
        stub.add_client_error("get_schema", service_error_code=code)
        with pytest.raises(error, match=message) as caught:
            GlueRegistry(client=glue, registry="lake").register("events", V1)
    assert code in str(caught.value)
    with pytest.raises(ConfigError, match="refuses what it is asked"):
        GlueRegistry(client=glue, registry="lake").versions("")


def test_what_glue_refuses_itself_is_refused() -> None:
    """A version is waited for while Glue looks at it; one that it refuses is an error, and no version among the others."""
    glue, pauses = client(), list[float]()
    version = {"SchemaVersionId": ID, "SchemaDefinition": V1, "DataFormat": "AVRO", "VersionNumber": 1}
    schema = {"DataFormat": "AVRO", "Compatibility": "BACKWARD", "LatestSchemaVersion": 1}
    with Stubber(glue) as stub:
        stub.add_response("get_schema", schema, {"SchemaId": REFERENCE})
        stub.add_response("get_schema_version", version | {"Status": "AVAILABLE"})
        stub.add_response("register_schema_version", {"SchemaVersionId": ID, "VersionNumber": 2, "Status": "PENDING"})
        stub.add_response("get_schema_version", version | {"VersionNumber": 2, "Status": "PENDING"})
        stub.add_response("get_schema_version", version | {"VersionNumber": 2, "Status": "FAILURE"})
        registry = GlueRegistry(client=glue, registry="lake", pause=pauses.append)
        with pytest.raises(IncompatibleSchemaError, match=r"Glue refused the version of events \(FAILURE\)"):
            registry.register("events", V2)
        assert pauses == [1]
        stub.add_response("get_schema", schema | {"LatestSchemaVersion": 2})
        stub.add_response("get_schema_version", version | {"Status": "AVAILABLE"})
        stub.add_response("get_schema_version", version | {"VersionNumber": 2, "Status": "FAILURE"})
        assert [one.number for one in registry.versions("events")] == [1]


def test_a_version_that_stays_pending_is_not_waited_for_without_end() -> None:
    """After half a minute the caller is told to run again."""
    glue = client()
    with Stubber(glue) as stub:
        stub.add_client_error("get_schema", service_error_code="EntityNotFoundException")
        stub.add_response("create_schema", {"SchemaVersionId": ID})
        for _ in range(30):
            stub.add_response("get_schema_version", {"SchemaVersionId": ID, "Status": "PENDING"})
        with pytest.raises(RegistryError, match=f"still checks the version {ID}"):
            GlueRegistry(client=glue, registry="lake", pause=lambda _: None).register("events", V1)
