"""Text of other encodings than UTF-8."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.bronze.encodings import decoded, require_encoding
from lakehouse.errors import ConfigError


def test_every_byte_becomes_its_letter(spark: SparkSession) -> None:
    """The high half of four code pages and UTF-8 itself, against what Python makes of the same bytes; nulls stay null."""
    high = bytes(byte for byte in range(0xA0, 0x100))
    cases = {name: high.decode(name) for name in ("iso8859-1", "cp1252", "cp1251", "koi8-r")}
    assert cases["cp1251"].endswith("\u044e\u044f")
    frame = spark.createDataFrame(
        [(bytearray(high), bytearray(b"\x80,a"), None)], "high BINARY, euro BINARY, gap BINARY"
    )
    text = {name: decoded(F.col("high").cast("string"), name).alias(name) for name in cases}
    euro = decoded(F.col("euro").cast("string"), "cp1252").alias("euro")
    gap = decoded(F.col("gap").cast("string"), "cp1252").alias("gap")
    plain = decoded(F.lit("\u65e5"), "utf-8").alias("plain")
    (row,) = frame.select(*text.values(), euro, gap, plain).collect()
    assert row.asDict() == cases | {"euro": "\u20ac,a", "gap": None, "plain": "\u65e5"}


@pytest.mark.parametrize("name", ["utf-16", "gbk", "shift_jis", "cp037", "utf-8-sig", "rot13", "hex", "nothing", ""])
def test_an_encoding_that_cannot_be_cut_into_lines_is_refused(name: str) -> None:
    """Several bytes a letter, other letters than ASCII, no text at all, or no encoding: say what to do instead."""
    with pytest.raises(ConfigError, match="convert the files to UTF-8"):
        require_encoding(name)
