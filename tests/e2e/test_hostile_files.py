"""Landing folders with one good file among bad ones: the bad are refused by name, every good row arrives, nothing is lost."""

from __future__ import annotations

import gzip
import json
import os
import struct
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet
from pyspark.sql import DataFrame, SparkSession

from lakehouse.runtime import landing
from lakehouse.runtime.command_line import load_script
from lakehouse.runtime.job import DONE, FAILED, main
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import Table, TableRef, open_table

Files = dict[str, bytes]

NAMES = [
    "a b.x",
    "a\nb.x",
    "a[1]{2}*?.x",
    "x..%2f..%2fb.x",
    "a%20b.x",
    "日本 😀.x",
    "a,b;c&d=e.x",
    "x..\\..\\y",
    "$(x)`y`.x",
    "a#b?c.x",
]
"""Names that mean something to a shell, a glob, a URI or a reader of paths; and are only names."""


class Job:
    """The job `cdc_to_warehouse` on a landing folder of one table `app.items`, fed with rows `id, name, seq`."""

    def __init__(self, spark: SparkSession, folder: Path, files: str) -> None:
        """Make the landing folder and the configuration."""
        self.spark, self.folder = spark, folder
        self.landing = folder / "landing" / "app" / "items"
        self.landing.mkdir(parents=True)
        self.zone = f"hostile_{files}_{folder.name.replace('-', '_')}"
        form = {} if files == "parquet" else {"form": files}
        self.input: dict[str, Any] = {
            "path": str(folder / "landing"),
            "feed": "columns",
            "files": files,
            "options": {**form, "sequence": {"seq": "bigint"}},
            "tables": {"app.items": {"keys": ["id"], "columns": {"id": "bigint", "name": "string"}}},
            "bronze": f"{self.zone}.bronze",
            "missing_columns": "refuse",
            "limits": {"record_bytes": 2000, "columns": 20, "decompressed_bytes": 1 << 20},
        }

    def land(self, files: Files) -> None:
        """Put files into the landing folder."""
        for name, content in files.items():
            (self.landing / name).write_bytes(content)

    def run(self, capsys: pytest.CaptureFixture[str], *, code: int = DONE) -> dict[str, Any]:
        """Run the job in this process and return its closing line."""
        config = {
            "job": "cdc_to_warehouse",
            "warehouse": self.spark.sparkContext.getConf().get(WAREHOUSE),
            "inputs": {"app": self.input},
            "outputs": {"current": {"table": f"{self.zone}.{{table}}", "write": "current"}},
            "quarantine": f"{self.zone}.quarantine",
        }
        path = self.folder / "job.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        script = load_script("cdc_to_warehouse")
        ended = main(script.recipe, script.Params, ["--config", str(path), "--log", "json"])
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert ended == code, events
        closing: dict[str, Any] = events[-1]
        return closing

    def table(self, name: str) -> Table:
        """One of its tables."""
        return open_table(self.spark, TableRef(format="iceberg", name=f"lake.{self.zone}.{name}"))

    def rows(self, name: str) -> DataFrame:
        """The rows of one of its tables."""
        return self.table(name).read()

    def refused(self) -> dict[str, str]:
        """The reason of each refused file by its name."""
        kept = self.rows("quarantine").where("_row IS NULL").collect()
        found = {unquote(row["_source_file"]).partition("/app/items/")[2]: row["_reason"] for row in kept}
        assert len(found) == len(kept)
        return found

    def items(self) -> dict[int, str | None]:
        """The current rows."""
        return {row.id: row.name for row in self.rows("items").select("id", "name").collect()}


def check(
    job: Job, capsys: pytest.CaptureFixture[str], good: dict[str, tuple[bytes, int]], bad: dict[str, str]
) -> None:
    """Run twice, and hold the job to what it says.

    Args:
        job: with all files landed.
        capsys: what it prints.
        good: files that are loaded, with their content and how many records each has.
        bad: why each of the others is refused.
    """
    (job.landing / "_started").touch()
    (job.landing / ".hidden").write_bytes(b"\xff")
    for again in (False, True):
        said = job.run(capsys)
        assert job.refused() == bad
        assert said["hidden_files"] == 2
        assert said["message"] == ("nothing new" if again else "done")
        assert (said["refused_files"], said["files"]) == (({}, 0) if again else (Counter(bad.values()), len(good)))
        if not again:
            assert said["rows"] == sum(records for _, records in good.values())
    held = {row["_source_file"]: row["count"] for row in job.rows("bronze").groupBy("_source_file").count().collect()}
    named = {unquote(file).partition("/app/items/")[2]: records for file, records in held.items()}
    assert named == {name: records for name, (_, records) in good.items() if records}


def test_csv(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Quotes, headers, encodings, compression, limits and names; then a file that was mended, and one that was swapped."""
    job = Job(spark, tmp_path, "csv")
    header = b"id,name,seq\n"
    odd = header + b'10,a"b"c,1\n\n\x01\x02\n11,"nul \x00 and\nline",1\n12,\xe2\x80\xaertl,1\n'
    good = {
        "good.csv": (header + b"1,one,1\n2,two,1\n", 2),
        "odd.csv": (odd, 5),
        "empty.csv": (b"", 0),
        "header only.csv": (header, 0),
        "marked.csv": (b"\xef\xbb\xbf" + header + b"3,three,1\n", 1),
        "reordered.csv": (b"seq,more,name,id\r\n1,x,four,4\r\n", 1),
        "packed.csv.gz": (gzip.compress(header + b"5,five,1\n") + gzip.compress(b"6,six,1\n"), 2),
        **{name: (header + b"%d,named,1\n" % number, 1) for number, name in enumerate(NAMES, 100)},
    }
    packed = gzip.compress(header + b"7,seven,1\n")
    bad = {
        "open quote.csv": (header + b'20,"x,1\n21,q,1\n22,r,1', "unterminated_quote"),
        "stray quotes.csv": (header + b'20,a"b,1\n21,q,1\n22,r"s,1\n', "stray_quote"),
        "latin.csv": (header + b"20,caf\xe9,1\n", "encoding"),
        "utf16.csv": ("id,name,seq\n20,x,1\n".encode("utf-16"), "encoding"),
        "utf16 unmarked.csv": ("id,name,seq\n20,x,1\n".encode("utf-16-be"), "encoding"),
        "gbk.csv": (header + "20,日本,1\n".encode("gbk"), "encoding"),
        "surrogate.csv": (header + b"20,\xed\xa0\x80,1\n", "encoding"),
        "repeated.csv": (b"id,name,seq,id\n20,x,1,20\n", "bad_header"),
        "nameless.csv": (b"id,,seq,name\n20,x,1,y\n", "bad_header"),
        "renamed.csv": (b"id,title,seq\n20,x,1\n", "missing_columns"),
        "without key.csv": (b"name,seq\nx,1\n", "missing_columns"),
        "no header.csv": (b"20,x,1\n21,y,1\n", "missing_columns"),
        "long.csv": (header + b"20," + b"x" * 3000 + b",1\n", "over_limit"),
        "wide.csv": (header + b"20,x,1" + b"," * 30 + b"\n", "over_limit"),
        "bomb.csv.gz": (gzip.compress(header + b"20,x,1\n" * 300_000), "over_limit"),
        "cut.csv.gz": (packed[:-12], "truncated"),
        "damaged.csv.gz": (packed[:-8] + bytes(8), "corrupt"),
        "not packed.csv.gz": (header + b"20,x,1\n", "corrupt"),
        "other.csv.zst": (b"\x28\xb5\x2f\xfd", "unsupported"),
    }
    job.land({name: content for name, (content, _) in (good | bad).items()})
    os.mkfifo(job.landing / "pipe")
    (tmp_path / "secret.csv").write_bytes(header + b"20,secret,1\n")
    (job.landing / "link.csv").symlink_to(tmp_path / "secret.csv")
    reasons = {name: reason for name, (_, reason) in bad.items()} | {"pipe": "not_a_file", "link.csv": "outside"}
    check(job, capsys, good, reasons)
    items = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 11: "nul \x00 and\nline", 12: "\u202ertl"}
    assert job.items() == items | {number: "named" for number, _ in enumerate(NAMES, 100)}

    # A refused file that has changed is looked at again, a loaded one is held to its content; latin-1 may be declared,
    # and columns may be left out, but for keys.
    job.input |= {"changed_files": "quarantine", "encoding": "latin-1", "missing_columns": "load"}
    job.land({"cut.csv.gz": packed, "good.csv": header + b"1,swapped,2\n", "latin.csv": header + b"8,caf\xe9!,1\n"})
    job.land({"renamed.csv": b"id,seq\n9,1\n", "without key.csv": b"name,seq\nxy,1\n"})
    said = job.run(capsys)
    assert (said["files"], said["rows"], said["refused_files"]) == (3, 3, {"changed": 1, "missing_columns": 1})
    shown = job.items()
    assert shown[1] == "one"
    assert (shown[7], shown[8], shown[9]) == ("seven", "café!", None)


def test_json_lines(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line is a record, good or quarantined with its text; files that cannot be cut into lines are refused."""
    job = Job(spark, tmp_path, "json")
    line = b'{"id": %d, "name": "n", "seq": 1}\n'
    odd = [
        b'{"id": 10, "name": "n", "seq": 1',
        b"",
        b"\x00\x01",
        b"[1]",
        b'{"id": 11, "name": "\\u0000\\ud83d\\ude00", "seq": 1}',
    ]
    good = {
        "good.jsonl": (line % 1 + line % 2, 2),
        "odd.jsonl": (b"\n".join(odd), 5),
        "empty.jsonl": (b"", 0),
        "mark only.jsonl": (b"\xef\xbb\xbf", 0),
        "marked.jsonl": (b"\xef\xbb\xbf" + line % 3, 1),
        "windows.jsonl": ((line % 4).replace(b"\n", b"\r\n"), 1),
    }
    packed = gzip.compress(b"".join(line % number for number in range(50, 90)))
    bad = {
        "latin.jsonl": (b'{"id": 20, "name": "caf\xe9"}\n', "encoding"),
        "utf16.jsonl": ('{"id": 20}\n'.encode("utf-16"), "encoding"),
        "utf16 unmarked.jsonl": ('{"id": 20}\n'.encode("utf-16-le"), "encoding"),
        "utf32.jsonl": ('{"id": 20}\n'.encode("utf-32"), "encoding"),
        "surrogate.jsonl": (b'{"name": "\xed\xbf\xbf"}\n', "encoding"),
        "cut letter.jsonl": ('{"name": "日'.encode()[:-1], "encoding"),
        "deep.jsonl": (b'{"id": ' + b"[" * 900 + b"]" * 900 + b"}\n", "over_limit"),
        "wide.jsonl": (b"{" + b",".join(b'"c%d":1' % i for i in range(30)) + b"}\n", "over_limit"),
        "long.jsonl": (b'{"name": "' + b"x" * 3000 + b'"}\n', "over_limit"),
        "bomb.jsonl.gz": (gzip.compress(line % 20 * 50_000), "over_limit"),
        "damaged.jsonl.gz": (packed[:-8] + bytes(8), "corrupt"),
        "not packed.jsonl.gz": (line % 20, "corrupt"),
        **{f"cut {tenth}.jsonl.gz": (packed[: len(packed) * tenth // 10], "truncated") for tenth in range(1, 10)},
    }
    job.land({name: content for name, (content, _) in (good | bad).items()})
    check(job, capsys, good, {name: reason for name, (_, reason) in bad.items()})
    assert job.items() == {1: "n", 2: "n", 3: "n", 4: "n", 11: "\x00😀"}
    kept = job.rows("quarantine").where("_row IS NOT NULL").collect()
    assert Counter(row["_raw"].encode() for row in kept) == Counter(odd[:4])

    # A record that gets lost between the check and bronze: nothing is made of the batch, in this run or the next.
    job.land({"lossy.jsonl": line % 30 + line % 31})
    cut = landing.text_lines
    with monkeypatch.context() as patch:
        patch.setattr(landing, "text_lines", lambda *files, **how: cut(*files, **how).where("_line > 1"))
        said = job.run(capsys, code=FAILED)
    again = job.run(capsys, code=FAILED)
    assert (said["error"], again["message"]) == ("ConservationError", said["message"])
    assert "lossy.jsonl has 2 records and" in said["message"]
    assert 31 not in job.items()
    # Once the rows are gone, the batch is loaded as it was planned.
    job.table("bronze").overwrite(job.rows("bronze").limit(0), where="_source_file LIKE '%lossy%'")
    assert (job.run(capsys)["rows"], job.items()[30], job.items()[31]) == (2, "n", "n")


def test_parquet(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that were cut, footers that lie, row groups that are elsewhere, columns Spark cannot take: none stops the others."""
    job = Job(spark, tmp_path, "parquet")

    def content(start: int, rows: int = 40, **columns: Any) -> bytes:
        ids = pa.array(range(start, start + rows), pa.int64())
        table = pa.table(
            {
                "id": ids,
                "name": pa.array([f"n{i}" for i in range(rows)], pa.string()),
                "seq": pa.array([1] * rows, pa.int64()),
            }
            | columns
        )
        path = tmp_path / "written"
        parquet.write_table(table, path, row_group_size=15)
        return path.read_bytes()

    whole = content(1000)
    footer = struct.unpack("<I", whole[-8:-4])[0]
    body, meta, end = whole[: -8 - footer], whole[-8 - footer : -8], whole[-8:]
    unnamed = pa.table({"id": [1], "title": ["x"], "seq": [1]})
    parquet.write_table(unnamed, tmp_path / "unnamed")
    stamps = pa.array([0] * 40, pa.timestamp("ns"))
    broken = pa.array([b"caf\xe9"] * 40, pa.binary()).view(pa.string())
    good = {
        "good.parquet": (content(1), 40),
        "more.parquet": (content(41, 3, more=["x"] * 3), 3),
        "no rows.parquet": (content(1, 0), 0),
        NAMES[1]: (content(44, 1), 1),
    }
    bad = {
        "empty.parquet": (b"", "empty"),
        **{f"cut {tenth}.parquet": (whole[: len(whole) * tenth // 10], "truncated") for tenth in range(1, 10)},
        "long footer.parquet": (whole[:-8] + struct.pack("<I", 1 << 30) + b"PAR1", "corrupt"),
        "short footer.parquet": (whole[:-8] + struct.pack("<I", footer // 2) + b"PAR1", "corrupt"),
        "no footer.parquet": (body + bytes(len(meta)) + end, "corrupt"),
        "no groups.parquet": (b"PAR1" + meta + end, "corrupt"),
        "half a body.parquet": (body[: len(body) // 2] + meta + end, "corrupt"),
        "zero body.parquet": (b"PAR1" + bytes(len(body) - 4) + meta + end, "corrupt"),
        "text.parquet": (b"id,name,seq\n1,x,1\n", "corrupt"),
        "renamed.parquet": ((tmp_path / "unnamed").read_bytes(), "missing_columns"),
        "two cases.parquet": (content(1000, NAME=["x"] * 40), "bad_header"),
        "reserved.parquet": (content(1000, _op=["x"] * 40), "bad_header"),
        "nanoseconds.parquet": (content(1000, at=stamps), "unsupported"),
        "latin.parquet": (content(1000, city=broken), "corrupt"),
        "null.parquet": (content(1000, more=pa.nulls(40)), "other_types"),
        "text id.parquet": (content(1000, id=["x"] * 40), "other_types"),
    }
    job.land({name: bytes_ for name, (bytes_, _) in (good | bad).items()})
    check(job, capsys, good, {name: reason for name, (_, reason) in bad.items()})
    assert sorted(job.items()) == list(range(1, 45))
