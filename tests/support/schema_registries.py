"""What every schema registry has to do, whoever keeps it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakehouse.errors import ConfigError, IncompatibleSchemaError, RegistryError
from lakehouse.schemas.registry import SchemaRegistry


def events(*more: dict[str, Any]) -> str:
    """Events of a customer, with further fields."""
    fields = [{"name": "customer_id", "type": "string"}, *more]
    return json.dumps({"type": "record", "name": "CustomerEvent", "fields": fields})


EMAIL = {"name": "email", "type": ["null", "string"], "default": None}
PHONE = {"name": "phone", "type": ["null", "string"], "default": None}
V1, V2, V3 = events(EMAIL), events(EMAIL, PHONE), events(PHONE)
EMAIL_REQUIRED = events({"name": "email", "type": "string"}, PHONE)
CLOSED = json.dumps({"type": "object", "properties": {"a": {}}, "additionalProperties": False})


class RegistryConformance:
    """The behaviour that `lakehouse.schemas.registry.SchemaRegistry` promises; a subclass has the fixture `registry`."""

    def test_versions_are_kept_in_their_order(self, registry: SchemaRegistry) -> None:
        """Compatible versions get numbers from 1 and ids of their own, and come back word for word."""
        assert registry.versions("customer_events") == ()
        made = [registry.register("customer_events", text) for text in (V1, V2, V3)]
        assert [version.number for version in made] == [1, 2, 3]
        assert [version.text for version in made] == [V1, V2, V3]
        assert {version.data_format for version in made} == {"AVRO"}
        assert len({version.id for version in made}) == 3
        assert registry.versions("customer_events") == tuple(made)

    def test_a_version_is_found_by_its_id(self, registry: SchemaRegistry) -> None:
        """What the header of a message names is found among all schemas; an id of nowhere is an error."""
        registry.register("orders", '"string"')
        made = registry.register("customer_events", V1)
        assert registry.find(made.id) == made
        with pytest.raises(RegistryError, match="00000000-0000-4000-8000-000000000000"):
            registry.find("00000000-0000-4000-8000-000000000000")

    def test_the_same_schema_is_the_same_version(self, registry: SchemaRegistry) -> None:
        """A schema that is there, however it is spaced, is found and not made again, also an older one and under DISABLED."""
        first = registry.register("customer_events", V1, mode="BACKWARD")
        second = registry.register("customer_events", V2)
        assert registry.register("customer_events", json.dumps(json.loads(V1), indent=2)) == first
        assert registry.register("customer_events", V2) == second
        assert len(registry.versions("customer_events")) == 2
        only = registry.register("final", V1, mode="DISABLED")
        assert registry.register("final", V1) == only

    def test_an_incompatible_version_is_refused_with_its_reason(self, registry: SchemaRegistry) -> None:
        """The reason names version, field and cause, and nothing is registered."""
        registry.register("customer_events", V1)
        registry.register("customer_events", V2)
        with pytest.raises(IncompatibleSchemaError, match=r"version 2: email null cannot be read as string") as caught:
            registry.register("customer_events", EMAIL_REQUIRED)
        assert "nothing was registered" in str(caught.value)
        assert len(registry.versions("customer_events")) == 2
        registry.register("final", V1, mode="DISABLED")
        with pytest.raises(IncompatibleSchemaError, match="the mode is DISABLED"):
            registry.register("final", V2)

    def test_the_mode_of_the_registry_decides(self, registry: SchemaRegistry) -> None:
        """Under NONE everything follows, under FORWARD a field without default may not go; JSON has modes, too."""
        registry.register("loose", V1, mode="NONE")
        assert registry.register("loose", '"int"').number == 2
        registry.register("ahead", V1, mode="FORWARD")
        with pytest.raises(IncompatibleSchemaError, match="customer_id is not written"):
            registry.register("ahead", V1.replace("customer_id", "client_id"))
        registry.register("documents", CLOSED, data_format="JSON", mode="FULL")
        with pytest.raises(IncompatibleSchemaError, match="b is not allowed; the content model is closed"):
            registry.register("documents", CLOSED.replace('"a": {}', '"a": {}, "b": {}'), data_format="JSON")

    def test_another_mode_or_format_is_refused(self, registry: SchemaRegistry) -> None:
        """Whoever asks for other settings than the registry has is told both."""
        registry.register("customer_events", V1, mode="FULL")
        with pytest.raises(ConfigError, match="as AVRO, FULL, not as AVRO, NONE"):
            registry.register("customer_events", V2, mode="NONE")
        with pytest.raises(ConfigError, match="as AVRO, FULL, not as JSON, FULL"):
            registry.register("customer_events", "{}", data_format="JSON")
        assert len(registry.versions("customer_events")) == 1

    def test_what_is_no_schema_is_not_registered(self, registry: SchemaRegistry) -> None:
        """A first version has to be a schema as well, and leaves no name behind when it is none."""
        with pytest.raises(ConfigError, match="unknown type"):
            registry.register("broken", '"strin"')
        assert registry.versions("broken") == ()
