"""The modes of the Glue Schema Registry, on the events of a customer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakehouse.errors import ConfigError
from lakehouse.schemas.compatibility import Conflict, Mode, check_compatibility

FIELDS: dict[str, Any] = {
    "customer_id": {"type": "string"},
    "event_type": {"type": "string"},
    "timestamp": {"type": {"type": "long", "logicalType": "timestamp-millis"}},
    "email": {"type": ["null", "string"], "default": None},
    "phone": {"type": ["null", "string"], "default": None},
}


def events(**changes: Any) -> str:
    """The schema of customer events: version 1, and what a later version changes; None leaves a field out."""
    fields = {name: FIELDS[name] for name in FIELDS if name != "phone"} | changes
    listed = [{"name": name, **told} for name, told in fields.items() if told is not None]
    return json.dumps({"type": "record", "name": "CustomerEvent", "namespace": "shop", "fields": listed})


def json_events(**changes: Any) -> str:
    """The same events in JSON Schema, with a closed content model; what is absent may be absent."""
    names = {"customer_id", "event_type", "timestamp", "email"}
    properties = {name: {"type": "string"} for name in sorted(names)} | changes.pop("properties", {})
    required = ["customer_id", "event_type", "timestamp"]
    return json.dumps(
        {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **changes}
    )


V1 = events()
V2 = events(phone=FIELDS["phone"])
EMAIL_REQUIRED = events(email={"type": "string"})
NO_CUSTOMER = events(customer_id=None)
NO_EMAIL = events(email=None)


def test_an_optional_field_may_come() -> None:
    """Version 2 with an optional phone is compatible with version 1 in every mode."""
    for mode in ("BACKWARD", "FORWARD", "FULL", "BACKWARD_ALL", "FORWARD_ALL", "FULL_ALL"):
        assert check_compatibility({1: V1}, V2, mode).is_compatible


@pytest.mark.parametrize("mode", ["BACKWARD", "BACKWARD_ALL", "FULL", "FULL_ALL"])
def test_an_optional_field_may_not_become_required(mode: Mode) -> None:
    """Making the email required is refused, as events without one are there."""
    found = check_compatibility({1: V1, 2: V2}, EMAIL_REQUIRED, mode)
    assert not found.is_compatible
    assert "the new version cannot read data of version 2: email null cannot be read as string" in str(found)


@pytest.mark.parametrize("mode", ["FORWARD", "FORWARD_ALL", "FULL", "FULL_ALL"])
def test_a_field_without_default_may_not_go(mode: Mode) -> None:
    """Dropping the customer is refused where readers of earlier versions go on; one with a default may go."""
    found = check_compatibility({1: V1}, NO_CUSTOMER, mode)
    assert str(found) == (
        "version 1 cannot read data of the new version: "
        "customer_id is not written, and its reader (string) has no default for it"
    )
    assert check_compatibility({1: V1}, NO_EMAIL, mode).is_compatible


@pytest.mark.parametrize("mode", ["BACKWARD", "BACKWARD_ALL", "NONE"])
def test_new_readers_do_without_a_field(mode: Mode) -> None:
    """Where only the new version has to read, any field may go."""
    assert check_compatibility({1: V1}, NO_CUSTOMER, mode).is_compatible


def test_the_plain_modes_look_at_the_latest_version_only() -> None:
    """A field that goes and comes back with another type breaks with the first version, which the transitive modes see."""
    earlier = {1: events(phone={"type": ["null", "long"], "default": None}), 2: V1}
    assert check_compatibility(earlier, V2, "FULL").is_compatible
    found = check_compatibility(earlier, V2, "FULL_ALL")
    assert [(one.version, one.direction, one.path) for one in found.conflicts] == [
        (1, "BACKWARD", "phone"),
        (1, "FORWARD", "phone"),
    ]
    assert [one.direction for one in check_compatibility(earlier, V2, "BACKWARD_ALL").conflicts] == ["BACKWARD"]
    assert [one.direction for one in check_compatibility(earlier, V2, "FORWARD_ALL").conflicts] == ["FORWARD"]


def test_the_latest_version_is_the_one_of_the_highest_number() -> None:
    """Versions that were deleted leave gaps, and the order in which they are given does not matter."""
    assert check_compatibility({7: V1, 2: '"int"'}, V2, "BACKWARD").is_compatible
    assert not check_compatibility({2: V1, 7: '"int"'}, V2, "BACKWARD").is_compatible


def test_disabled_allows_the_first_version_alone() -> None:
    """A schema whose mode is DISABLED has no further version, not even an equal one."""
    assert check_compatibility({}, V1, "DISABLED").is_compatible
    found = check_compatibility({3: V1}, V1, "DISABLED")
    assert found.conflicts == (
        Conflict(version=3, direction=None, path="", reason="is the last: the mode is DISABLED"),
    )
    assert str(found) == "version 3 is the last: the mode is DISABLED"


def test_anything_valid_may_be_first_and_follow_under_none() -> None:
    """NONE asks nothing but that the schema is one."""
    assert str(check_compatibility({1: V1}, '"int"', "NONE")) == "compatible (NONE)"
    for mode in ("NONE", "FULL"):
        with pytest.raises(ConfigError, match="not valid"):
            check_compatibility({}, '"strin"', mode)


def test_unknown_names_are_refused() -> None:
    """A mode or a format that there is none of is an error that lists those there are."""
    with pytest.raises(ConfigError, match=r"unknown mode 'FULLY'.*BACKWARD_ALL"):
        check_compatibility({}, V1, "FULLY")  # type: ignore[arg-type] # what a configuration may hold
    with pytest.raises(ConfigError, match=r"'PROTOBUF'.*AVRO, JSON"):
        check_compatibility({}, V1, "FULL", data_format="PROTOBUF")  # type: ignore[arg-type] # what a configuration may hold


def test_json_schemas_follow_the_same_modes() -> None:
    """With a closed content model an optional property may come under BACKWARD; required ones may neither come nor go."""
    v1, phone = json_events(), {"properties": {"phone": {"type": "string"}}}
    assert check_compatibility({1: v1}, json_events(**phone), "BACKWARD_ALL", data_format="JSON").is_compatible
    found = check_compatibility({1: v1}, json_events(**phone), "FULL", data_format="JSON")
    assert [(one.direction, one.path) for one in found.conflicts] == [("FORWARD", "phone")]
    required = json_events(required=["customer_id", "event_type", "timestamp", "email"])
    found = check_compatibility({1: v1}, required, "BACKWARD", data_format="JSON")
    assert str(found) == "the new version cannot read data of version 1: email is required, and may be absent"
    fewer = json_events(required=["event_type", "timestamp"])
    found = check_compatibility({1: v1}, fewer, "FORWARD", data_format="JSON")
    assert str(found) == "version 1 cannot read data of the new version: customer_id is required, and may be absent"
