"""Landed files as frames: documents whole, and rows of ORC and Avro numbered and united."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from pyarrow import orc
from pyspark.sql import SparkSession
from spark_settings import settings

from lakehouse.bronze.manifest import LandedFile
from lakehouse.errors import IncompatibleSchemaError, PreflightError
from lakehouse.runtime import landing
from lakehouse.runtime.typed_rows import typed_rows

SPLITS = {"spark.sql.files.maxPartitionBytes": "2000", "spark.sql.files.openCostInBytes": "0"}
ROWS = 600


@pytest.fixture
def small_splits(spark: SparkSession) -> Iterator[SparkSession]:
    """A session that reads every file in many pieces, which it hands out by their size."""
    with settings(spark, SPLITS):
        yield spark


def landed(folder: Path, **files: bytes) -> list[LandedFile]:
    """Files with this content."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [LandedFile(file=(folder / name).as_uri(), size=len(files[name]), modified_at=0) for name in files]


def orc_of(folder: Path, **columns: Any) -> bytes:
    """Columns in many stripes."""
    orc.write_table(pa.table(columns), folder / "written", stripe_size=1024, batch_size=50, compression="uncompressed")
    return (folder / "written").read_bytes()


def avro_of(record: str, rows: list[dict[str, Any]], **fields: str) -> bytes:
    """Rows in many blocks."""
    schema = {"type": "record", "name": record, "fields": [{"name": n, "type": t} for n, t in fields.items()]}
    stream = io.BytesIO()
    fastavro.writer(stream, schema, rows, sync_interval=300)
    return stream.getvalue()


def test_a_document_is_the_whole_text_of_its_file(spark: SparkSession, tmp_path: Path) -> None:
    """Line breaks stay, a mark of UTF-8 goes, a packed file is unpacked, and a file of blanks is none."""
    texts = {
        "lines": b'[\r\n{"a":\n1}]\n',
        "marked": b"\xef\xbb\xbf{}",
        "blank": b" \r\n",
        "empty": b"",
        "mark": b"\xef\xbb\xbf",
    }
    files = landed(
        tmp_path, **texts, **{"packed.gz": gzip.compress(b'{"a": "\xf0\x9f\x98\x80"}') + gzip.compress(b"{}\n")}
    )
    found = landing.text_documents(spark, files).select("_raw", "_source_file", "_line").collect()
    assert {(row[1].rpartition("/")[2], row[0], row[2]) for row in found} == {
        ("lines", '[\r\n{"a":\n1}]\n', 1),
        ("marked", "{}", 1),
        ("packed.gz", '{"a": "\U0001f600"}{}\n', 1),
    }
    latin = landed(tmp_path, latin=b'{"a": "caf\xe9 \x80"}')
    assert landing.text_documents(spark, latin, encoding="cp1252").collect()[0][0] == '{"a": "café €"}'


def test_rows_have_their_place_in_their_file(small_splits: SparkSession, tmp_path: Path) -> None:
    """In many pieces or one, in every file from 1; columns are united by name in any case, those that a file lacks are null."""
    pads = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(ROWS)]  # what neither format writes shorter
    long, short = orc_of(tmp_path, id=list(range(ROWS)), pad=pads), orc_of(tmp_path, id=[7, 8], more=["x", "y"])
    orcs = landed(tmp_path, a=long, b=short)
    many = [{"id": number, "pad": pad} for number, pad in enumerate(pads)]
    avros = landed(
        tmp_path,
        c=avro_of("One", many, id="long", pad="string"),
        d=avro_of("Two", [{"more": "x", "ID": 7}, {"more": "y", "ID": 8}], more="string", ID="long"),
        e=avro_of("One", [], id="long"),
    )
    for kind, files in (("orc", orcs), ("avro", avros)):
        rows = typed_rows(small_splits, files, kind=kind)
        pieces = small_splits.read.format(kind).load(files[0].file).select("_metadata.file_block_start").distinct()
        assert pieces.count() > 1
        found = {(row["_source_file"], row["_row"]): (row.id, row.more) for row in rows.collect()}
        first, second = files[0].file, files[1].file
        wanted = {(first, number + 1): (number, None) for number in range(ROWS)}
        assert found == wanted | {(second, 1): (7, "x"), (second, 2): (8, "y")}


def test_avro_files_that_contradict_each_other_are_not_united(spark: SparkSession, tmp_path: Path) -> None:
    """A long and a double would become doubles, which hold fewer numbers."""
    files = landed(tmp_path, a=avro_of("A", [{"id": 1}], id="long"), b=avro_of("A", [{"id": 1.5}], id="double"))
    with pytest.raises(IncompatibleSchemaError, match="column id is double in some files and bigint in others"):
        typed_rows(spark, files, kind="avro")


def test_timestamps_in_orc_are_read_in_utc_or_not_at_all(spark: SparkSession, tmp_path: Path) -> None:
    """In a JVM of another zone Spark would take noon for noon there; files without timestamps are read in any."""
    at = pa.array([1_700_000_000_000_000], pa.timestamp("us"))
    timed, plain = landed(
        tmp_path,
        a=orc_of(tmp_path, id=[1], at=pa.array([[at[0].as_py()]], pa.list_(pa.timestamp("us")))),
        b=orc_of(tmp_path, timestamp=["x"]),
    )
    micros = typed_rows(spark, [timed], kind="orc").selectExpr("unix_micros(at[0])").collect()
    assert micros[0][0] == 1_700_000_000_000_000
    jvm: Any = spark._jvm  # noqa: SLF001 - the zone of the JVM has no Python API
    zones = jvm.java.util.TimeZone
    kept = zones.getDefault()
    zones.setDefault(zones.getTimeZone("America/New_York"))
    try:
        assert typed_rows(spark, [plain], kind="orc").columns == ["timestamp", "_source_file", "_row"]
        with pytest.raises(PreflightError, match=r"of the JVM, America/New_York.*-Duser\.timezone=UTC"):
            typed_rows(spark, [timed], kind="orc")
    finally:
        zones.setDefault(kept)
