"""Headers are written and read byte by byte as the serializers of Confluent and of Glue do."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import ConfigError
from lakehouse.schemas.wire import ConfluentHeader, GlueHeader, Header, read_message, write_message

UUID = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"
UUID_BYTES = bytes.fromhex("b7b4a7f09c964e4aa687fb5de9ef0c63")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (ConfluentHeader(schema_id=1_000_007), b"\x00\x00\x0f\x42\x47body"),
        (ConfluentHeader(schema_id=2**31 - 1), b"\x00\x7f\xff\xff\xffbody"),
        (GlueHeader(version_id=UUID), b"\x03\x00" + UUID_BYTES + b"body"),
    ],
)
def test_each_byte_is_where_the_serializer_puts_it(header: Header, message: bytes) -> None:
    """A message written by hand is what we write, and is read back."""
    assert write_message(header, b"body") == message
    assert read_message(message) == (header, b"body")


def test_a_compressed_body_is_a_zlib_stream() -> None:
    """Glue's compression is the fifth, and is undone when it is read."""
    header = GlueHeader(version_id=UUID, is_compressed=True)
    message = write_message(header, b"body" * 9)
    assert message[:18] == b"\x03\x05" + UUID_BYTES
    assert zlib.decompress(message[18:]) == b"body" * 9
    assert read_message(message) == (header, b"body" * 9)


UUIDS = st.uuids().map(str)
HEADERS = st.one_of(
    st.builds(ConfluentHeader, schema_id=st.integers(0, 2**31 - 1)),
    st.builds(GlueHeader, version_id=UUIDS, is_compressed=st.booleans()),
)


@given(header=HEADERS, body=st.binary())
def test_what_is_written_is_read(header: Header, body: bytes) -> None:
    """Header and body come back, whatever they are."""
    assert read_message(write_message(header, body)) == (header, body)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "begins with neither"),
        (b"\x00\x00\x00\x07", "begins with neither"),
        (b"{}", "begins with neither"),
        (b"\x03\x00" + UUID_BYTES[:-1], "begins with neither"),
        (b"\x03\x01" + UUID_BYTES, "begins with neither"),
        (b"\x03\x05" + UUID_BYTES + b"secret", "no zlib stream"),
        (b"\x03\x05" + UUID_BYTES + zlib.compress(b"secret")[:-1], "ends too soon"),
        (b"\x03\x05" + UUID_BYTES, "ends too soon"),
    ],
)
def test_what_has_no_header_is_refused(message: bytes, reason: str) -> None:
    """The message says what was expected, and holds nothing of the data."""
    with pytest.raises(ConfigError, match=reason) as caught:
        read_message(message)
    assert "secret" not in str(caught.value)


def test_a_bomb_does_not_go_off() -> None:
    """A small body that would grow beyond the limit is refused before it has."""
    bomb = write_message(GlueHeader(version_id=UUID, is_compressed=True), bytes(10_000_000))
    with pytest.raises(ConfigError, match="grows beyond 1000000 bytes"):
        read_message(bomb, most=1_000_000)
    assert len(read_message(bomb, most=10_000_000)[1]) == 10_000_000


def test_ids_that_fit_into_no_header_are_refused() -> None:
    """An id is a number of 31 bits, or a UUID."""
    for number in (-1, 2**31):
        with pytest.raises(ConfigError, match="from 0 to 2147483647"):
            ConfluentHeader(schema_id=number)
    for text in ("7", UUID.upper(), UUID[:-1]):
        with pytest.raises(ConfigError, match="is a UUID"):
            GlueHeader(version_id=text)
