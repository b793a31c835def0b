"""The headers by which serializers say which schema a message was written with.

| | bytes |
|---|---|
| Confluent | `00`, the schema's id in four bytes, the body |
| Glue | `03`, the compression (`00` none, `05` zlib), the id of the schema version in sixteen bytes, the body |

Numbers are big-endian.
Formats: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format and, for
Glue, the constants of https://github.com/awslabs/aws-glue-schema-registry.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from lakehouse.errors import ConfigError

CONFLUENT, GLUE = b"\x00", b"\x03"
CONFLUENT_LENGTH, GLUE_LENGTH = 5, 18
"""Bytes before the body."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ZLIB = b"\x05"
_MOST = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfluentHeader:
    """The number that a Confluent registry gave the schema.

    >>> ConfluentHeader(schema_id=7).to_bytes().hex()
    '0000000007'
    """

    schema_id: int

    def __post_init__(self) -> None:
        """Refuse what fits into no header."""
        if not 0 <= self.schema_id <= _MOST:
            msg = f"a Confluent schema id is a number from 0 to {_MOST}, not {self.schema_id}"
            raise ConfigError(msg)

    def to_bytes(self) -> bytes:
        """The header as it stands before a body."""
        return CONFLUENT + self.schema_id.to_bytes(4, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class GlueHeader:
    """The id that Glue gave the schema version, as text, and whether the body is compressed by zlib.

    >>> GlueHeader(version_id="00000000-0000-4000-8000-0000000000ff").to_bytes().hex()
    '0300000000000000400080000000000000ff'
    """

    version_id: str
    is_compressed: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no UUID in lower case."""
        if not _UUID.fullmatch(self.version_id):
            msg = f"a Glue schema version id is a UUID in lower case, not {self.version_id!r}"
            raise ConfigError(msg)

    def to_bytes(self) -> bytes:
        """The header as it stands before a body."""
        compression = _ZLIB if self.is_compressed else b"\x00"
        return GLUE + compression + bytes.fromhex(self.version_id.replace("-", ""))


Header = ConfluentHeader | GlueHeader


def write_message(header: Header, body: bytes) -> bytes:
    """Put the header before a body, which is compressed where the header says so."""
    is_compressed = isinstance(header, GlueHeader) and header.is_compressed
    return header.to_bytes() + (zlib.compress(body) if is_compressed else body)


def read_message(message: bytes, *, most: int = 1 << 30) -> tuple[Header, bytes]:
    """Split a message into its header and its body, which is no longer compressed.

    Args:
        message: header and body.
        most: the bytes that a compressed body may grow to.

    Raises:
        ConfigError: there is no such header, or the body cannot be decompressed; no byte of the message is quoted.
    """
    if message[:1] == CONFLUENT and len(message) >= CONFLUENT_LENGTH:
        schema_id = int.from_bytes(message[1:CONFLUENT_LENGTH], "big")
        return ConfluentHeader(schema_id=schema_id), message[CONFLUENT_LENGTH:]
    if message[:1] == GLUE and len(message) >= GLUE_LENGTH and message[1:2] in {b"\x00", _ZLIB}:
        digits, is_compressed, body = message[2:GLUE_LENGTH].hex(), message[1:2] == _ZLIB, message[GLUE_LENGTH:]
        header = GlueHeader(version_id=to_uuid(digits), is_compressed=is_compressed)
        return header, _decompressed(body, most) if is_compressed else body
    msg = "the message begins with neither Confluent's header (00, id) nor Glue's (03, 00 or 05, id): see what its producer writes"
    raise ConfigError(msg)


def to_uuid(digits: str) -> str:
    """Thirty-two hexadecimal digits as people write a UUID.

    >>> to_uuid("000000000000400080000000000000ff")
    '00000000-0000-4000-8000-0000000000ff'
    """
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _decompressed(body: bytes, most: int) -> bytes:
    inflate = zlib.decompressobj()
    try:
        whole = inflate.decompress(body, most + 1)
    except zlib.error as error:
        msg = "the body of the message is no zlib stream, though its Glue header says so"
        raise ConfigError(msg) from error
    if len(whole) > most or not inflate.eof:
        reason = f"grows beyond {most} bytes" if len(whole) > most else "ends too soon"
        msg = f"the compressed body of the message {reason}"
        raise ConfigError(msg)
    return whole
