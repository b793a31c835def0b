"""JSON lines, JSON documents, ORC and Avro with dirt among them, in one run: every good row arrives, the rest is told by name."""

from __future__ import annotations

import gzip
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fastavro
import pyarrow as pa
from pyarrow import orc
from pyspark.sql import SparkSession
from whole_jobs import WholeJob

from lakehouse.runtime.job import DONE

COLUMNS = {"id": "bigint", "name": "string", "price": "decimal(38,18)"}
PRICE = Decimal("12345678901234567890.123456789012345678")
Files = dict[str, tuple[bytes, int | str]]
"""By path, the content, and how many records it has or why it is refused."""


def orc_of(tmp_path: Path, start: int, rows: int, **columns: Any) -> bytes:
    """Rows from an id on, in several stripes."""
    table = {"id": pa.array(range(start, start + rows), pa.int64()), "seq": pa.array([1] * rows, pa.int64())}
    table |= {"name": pa.array([f"orc {start + i}" for i in range(rows)])}
    orc.write_table(pa.table(table | columns), tmp_path / "written", stripe_size=4096, batch_size=64)
    return (tmp_path / "written").read_bytes()


def avro_of(record: str, start: int, rows: int, *, codec: str = "null", kind: str = "long", **more: Any) -> bytes:
    """Rows from an id on, in several blocks; `more` is a field of texts."""
    fields: list[dict[str, Any]] = [{"name": "id", "type": kind}, {"name": "seq", "type": "int"}]
    fields += [{"name": name, "type": ["null", "string"], "default": None} for name in more]
    schema = {"type": "record", "name": record, "fields": fields}
    identity = str if kind == "string" else int
    stream = io.BytesIO()
    rows_ = ({"id": identity(start + i), "seq": 1} | more for i in range(rows))
    fastavro.writer(stream, schema, rows_, codec=codec, sync_interval=200)
    return stream.getvalue()


def landing(tmp_path: Path) -> dict[str, Files]:
    """The files of each input."""
    glued = (
        b'{"id":1,"name":"}{[\\"","price":12345678901234567890.123456789012345678,"seq":1}{"id":2,"name":"two","seq":1}'
    )
    pretty = b'[\n  {"id": 3, "name": "caf\xc3\xa9\\u00e9",\n   "seq": 1},\n  7,\n  {"name": "x", "seq": 1}\n]\n{"id": 4, "seq": 1}'
    stamps = pa.array([1] * 3, pa.timestamp("ns"))
    whole_orc, whole_avro = orc_of(tmp_path, 100, 500), avro_of("A", 100, 500)
    return {
        "documents": {
            "app/documents/2026/11/25/13/firehose-1": (glued, 1),
            "app/documents/2026/11/25/14/firehose-2.gz": (gzip.compress(pretty), 1),
            "app/documents/2026/11/25/15/blank": (b" \n", 0),
            "app/documents/2026/11/25/15/nothing": (b"[]", 1),
            "app/documents/2026/11/25/15/cut": (glued[:-1], "truncated"),
            "app/documents/2026/11/25/15/lines": (b"id,name\n1,x\n", "corrupt"),
            "app/documents/2026/11/25/15/latin": (b'{"id": "caf\xe9"}', "encoding"),
            "app/documents/2026/11/25/15/long": (b" " * 5000 + b"{}", "over_limit"),
        },
        "lines": {
            "app/lines/dt=2026-11-25/a.json": (
                b'{"id":1,"name":"a","seq":1}{"id":2,"seq":1}\n\n[{"id":3,"seq":1}]\n{"id":\n',
                4,
            ),
            "app/lines/dt=2026-11-25/utf16.json": ('{"id":1}'.encode("utf-16"), "encoding"),
        },
        "orc": {
            "app/orc/year=2026/month=11/a.orc": (whole_orc, 500),
            "app/orc/year=2026/month=11/more.orc": (orc_of(tmp_path, 1, 3, more=pa.array(["m"] * 3)), 3),
            "app/orc/year=2026/month=11/cut.orc": (whole_orc[:-100], "truncated"),
            "app/orc/year=2026/month=11/empty.orc": (b"", "empty"),
            "app/orc/year=2026/month=11/odd.orc": (orc_of(tmp_path, 1, 3, name=pa.array([1, 2, 3])), "other_types"),
            "app/orc/year=2026/month=11/fine.orc": (orc_of(tmp_path, 1, 3, at=stamps), "unsupported"),
        },
        "avro": {
            "app/avro/20261125/a.avro": (whole_avro, 500),
            "app/avro/20261125/b.avro": (avro_of("A", 600, 2), 2),
            "app/avro/20261125/named.avro": (avro_of("B", 1, 3, codec="snappy", name="n", more="m"), 3),
            "app/avro/20261125/cut.avro": (whole_avro[:-100], "truncated"),
            "app/avro/20261125/odd.avro": (avro_of("A", 1, 3, kind="string"), "other_types"),
            "app/avro/20261125/keyless.avro": (avro_of("A", 1, 3).replace(b'"id"', b'"ix"'), "missing_columns"),
        },
    }


def test_four_formats_are_loaded_in_one_run(spark: SparkSession, tmp_path: Path) -> None:
    """What arrives, at which place in which file, what is set aside and why; and that the next run finds nothing new."""
    job = WholeJob(spark, tmp_path / "job", "iceberg", zone="file_formats")
    del job.outputs["history"]
    folders = landing(tmp_path)
    for name, files in folders.items():
        typed = name in ("orc", "avro")
        settings: dict[str, Any] = {"sequence": {"seq": "bigint"}} | ({} if typed else {"form": "document"})
        folder = job.add_input(
            name,
            feed="columns",
            files={"documents": "document", "lines": "json"}.get(name, name),
            options=settings,
            tables={f"app.{name}": {"keys": ["id"], "columns": COLUMNS}},
            limits={"record_bytes": 4000},
        )
        for path, (content, _) in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    wanted = {path: told for files in folders.values() for path, (_, told) in files.items()}

    code, events = job.run()
    said = events[-1]
    assert code == DONE, events
    refused = {path: reason for path, reason in wanted.items() if isinstance(reason, str)}
    assert said["refused_files"] == Counter(refused.values())
    kept = job.rows("quarantine").select("_source_file", "_row", "_reason", "_raw").collect()
    assert {below(row["_source_file"]): row["_reason"] for row in kept if row["_row"] is None} == refused
    assert Counter((row["_raw"], row["_reason"]) for row in kept if row["_row"] is not None) == Counter(
        [("7", "malformed"), ('{"name": "x", "seq": 1}', "missing_key"), ('{"id":', "malformed")]
    )
    assert said["skipped"] == {"no_records": 2}

    # Bronze: as many rows of each file as it has records, and every place in it once.
    places: dict[str, list[int]] = {}
    for name in folders:
        for row in job.rows(f"bronze_{name}").select("_source_file", "_row", "_table").collect():
            places.setdefault(below(row["_source_file"]), []).append(row["_row"])
            assert row["_table"] == f"app.{name}"
    counts = {path: told for path, told in wanted.items() if isinstance(told, int) and told}
    assert {path: sorted(rows) for path, rows in places.items()} == {
        path: list(range(1, count + 1)) for path, count in counts.items()
    }
    # A row's place is its place in the file: ids rise by one from the first row on.
    for name, first in (("orc", 100), ("avro", 100)):
        rows = job.rows(f"bronze_{name}").where("_source_file like '%/a.%'").select("id", "_row").collect()
        assert {row["id"] - row["_row"] for row in rows} == {first - 1}

    def items(name: str) -> dict[int, tuple[str | None, Decimal | None]]:
        return {row.id: (row["name"], row.price) for row in job.rows(name).select(*COLUMNS).collect()}

    assert items("documents") == {1: ('}{["', PRICE), 2: ("two", None), 3: ("caféé", None), 4: (None, None)}
    assert items("lines") == {1: ("a", None), 2: (None, None), 3: (None, None)}
    assert items("orc") == {id_: (f"orc {id_}", None) for id_ in (1, 2, 3, *range(100, 600))}
    assert items("avro") == dict.fromkeys(range(100, 602), (None, None)) | dict.fromkeys((1, 2, 3), ("n", None))
    assert {row.more for row in job.rows("bronze_avro").where("id < 100").collect()} == {"m"}

    code, events = job.run()
    assert (code, events[-1]["message"]) == (DONE, "nothing new")


def below(file: str) -> str:
    """The path of a file from the folder of its schema on."""
    return "app/" + unquote(file).partition("/app/")[2]
