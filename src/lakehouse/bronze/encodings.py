"""Text of other encodings than UTF-8, natively: one byte a letter, so that lines are cut the same and every byte means one."""

from __future__ import annotations

import codecs

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.errors import ConfigError

_ASCII = bytes(range(128))
_HIGH = range(128, 256)


def require_encoding(name: str) -> str:
    """The encoding under the name that Python and the manuals have for it.

    >>> require_encoding("UTF8"), require_encoding("latin-1"), require_encoding("windows-1252")
    ('utf-8', 'iso8859-1', 'cp1252')

    Raises:
        ConfigError: there is none of this name, or it is neither UTF-8 nor one of a byte a letter that begins as ASCII does.
    """
    try:
        found = codecs.lookup(name).name
        single = _ASCII.decode(found) == _ASCII.decode("ascii") and _is_table(_high_half(found))
    except (LookupError, UnicodeError):
        found, single = name, False
    if found != "utf-8" and not single:
        msg = f"encoding {name!r} is neither utf-8 nor one of a byte a letter, as cp1252 is; convert the files to UTF-8"
        raise ConfigError(msg)
    return found


def decoded(text: Column, encoding: str) -> Column:
    """Text that was read as it lay there, in the letters that its bytes stand for. Bytes that stand for none become U+FFFD.

    Args:
        text: the bytes, as a string.
        encoding: of `require_encoding`.
    """
    if encoding == "utf-8":
        return text
    # Spark 4 knows few encodings: Latin-1 gives every byte a letter, and a table says which one is meant.
    pairs = [(chr(byte), letter) for byte, letter in zip(_HIGH, _high_half(encoding), strict=True)]
    latin = F.decode(text.cast("binary"), "ISO-8859-1")
    other = [(byte, letter) for byte, letter in pairs if byte != letter]
    return (
        F.translate(latin, "".join(byte for byte, _ in other), "".join(letter for _, letter in other))
        if other
        else latin
    )


def _high_half(encoding: str) -> str:
    """What the bytes stand for that ASCII leaves open."""
    return bytes(_HIGH).decode(encoding, "replace")


def _is_table(letters: str) -> bool:
    """Whether every byte stands for one letter, or for none; if all stand for none, they mean something only together."""
    return len(letters) == len(_HIGH) and set(letters) != {"\ufffd"}
