"""Over five hundred strings that mean something to somebody, in every place a source or a configuration can put one.

| as | what is held |
|---|---|
| value and key | bit for bit in bronze, current and history; CSV into Delta, JSON into Iceberg: what a feed makes of a text does not know the format |
| column name | taken bit for bit in both formats, or refused by name before anything is read |
| comment and property | bit for bit in both formats |
| zone | taken bit for bit, or refused as a configuration |
| file and folder name | loaded under its name, refused by name, or counted as hidden |
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote
from uuid import uuid4

import pytest
import yaml
from hostile_strings import CATEGORIES, HOSTILE
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType
from whole_jobs import WholeJob

from lakehouse.cdc.history import versions
from lakehouse.columns import RESERVED, folded, quoted
from lakehouse.config.loading import load_config
from lakehouse.errors import ConfigError
from lakehouse.runtime.job import DONE
from lakehouse.runtime.places import Places
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import Merge, Table, TableRef, open_table
from lakehouse.tables.statements import name_parts

Format = Literal["delta", "iceberg"]
FORMATS: tuple[Format, ...] = ("delta", "iceberg")


def names() -> list[str]:
    """The strings that can be columns of one table: not empty, not reserved, and none alike another."""
    usable = [text for text in HOSTILE if text and text not in RESERVED]
    return list({folded(text): text for text in reversed(usable)}.values())[::-1]


def shifted(texts: Sequence[str]) -> dict[str, str]:
    """Each text with the one after it, so that no value is its own key."""
    return dict(zip(texts, [*texts[1:], texts[0]], strict=True))


def new_table(spark: SparkSession, folder: Path, table_format: Format) -> Table:
    """A table that is not there yet."""
    name = f"hostile_{uuid4().hex[:8]}"
    if table_format == "iceberg":
        return open_table(spark, TableRef(format="iceberg", name=f"lake.hostile.{name}"))
    return open_table(spark, TableRef(format="delta", path=str(folder / name)))


def test_there_are_enough_strings() -> None:
    """At least 515, each there once, all of them Unicode, of every category."""
    assert len(HOSTILE) == len(set(HOSTILE)) >= 515
    assert all(text.encode().decode() == text for text in HOSTILE)
    assert min(map(len, CATEGORIES.values())) >= 10


def csv_line(*values: object) -> str:
    """A record of CSV with all its fields in quotes."""
    return ",".join('"' + str(value).replace('"', '""') + '"' for value in values)


def json_line(key: str, value: str, number: int, sequence: int) -> str:
    """A record of JSON; every other one escapes all it can."""
    row = {"key": key, "value": value, "n": number, "seq": sequence}
    return json.dumps(row, ensure_ascii=number % 2 == 1)


@pytest.mark.parametrize(
    ("table_format", "files"), [pytest.param("delta", "csv", marks=pytest.mark.exhaustive), ("iceberg", "json")]
)
def test_values_and_keys(spark: SparkSession, tmp_path: Path, table_format: Format, files: str) -> None:
    """Every string is a key and a value, bit for bit, where it arrives, where it is current, and when it is updated."""
    job = WholeJob(spark, tmp_path, table_format, zone=f"hostile_{uuid4().hex[:8]}")
    columns = {"key": "string", "value": "string", "n": "int"}
    landing = job.add_input(
        "in",
        feed="columns",
        files=files,
        options={"form": files, "sequence": {"seq": "bigint"}},
        tables={"app.texts": {"keys": ["key"], "columns": columns}},
    )
    folder = landing / "app" / "texts"
    folder.mkdir(parents=True)
    line = csv_line if files == "csv" else json_line
    records: list[str] = []
    for sequence, rows in enumerate((shifted(HOSTILE), dict(zip(HOSTILE, HOSTILE, strict=True)))):
        lines = [line(key, value, n, sequence) for n, (key, value) in enumerate(rows.items())]
        records += lines
        header = ["key,value,n,seq"] if files == "csv" else []
        (folder / f"{sequence}.{files}").write_bytes("\n".join([*header, *lines, ""]).encode())
        code, said = job.run()
        assert (code, said[-1].get("quarantined")) == (DONE, {}), said[-1]
        found = {row.key: row.value for row in job.rows("texts").select("key", "value").collect()}
        assert [key for key in rows if found.get(key) != rows[key]] == []
        assert len(found) == len(rows)
    assert sorted(row["_raw"] for row in job.rows("bronze_in").select("_raw").collect()) == sorted(records)
    shown = versions(job.rows("texts_history")).select("key", "value", "_sequence").collect()
    expected = {(key, value, 0) for key, value in shifted(HOSTILE).items()} | {(text, text, 1) for text in HOSTILE}
    assert len(shown) == len(expected)
    assert {tuple(row) for row in shown} == expected


@pytest.mark.parametrize("table_format", ["delta", pytest.param("iceberg", marks=pytest.mark.exhaustive)])
def test_column_names_of_tables(spark: SparkSession, tmp_path: Path, table_format: Format) -> None:
    """One table has a column of nearly every string: made, filled, merged into and read under its own names."""
    columns = names()
    assert len(columns) > 500
    schema = StructType([StructField(name, StringType()) for name in columns])
    table = new_table(spark, tmp_path, table_format)
    table.create(schema)
    assert table.schema().names == columns
    row = tuple(f"v{i}" for i in range(len(columns)))
    table.append(spark.createDataFrame([row], schema))
    key = quoted(columns[0])
    changed = spark.createDataFrame([(row[0], *(f"{value}!" for value in row[1:]))], schema)
    update = {name: f"s.{quoted(name)}" for name in columns[1:]}
    table.merge(changed, Merge(on=f"t.{key} = s.{key}", update=update))
    (read,) = table.read().collect()
    assert dict(zip(columns, read, strict=True)) == dict(
        zip(columns, [row[0], *(f"{v}!" for v in row[1:])], strict=True)
    )


@pytest.mark.parametrize("table_format", [pytest.param("delta", marks=pytest.mark.exhaustive), "iceberg"])
def test_column_names_of_a_job(spark: SparkSession, tmp_path: Path, table_format: Format) -> None:
    """Strings of every category are keys and columns of a feed, from the configuration to both kinds of tables."""
    usable = set(names())
    columns = [
        text for texts in CATEGORIES.values() for text in [t for t in texts if t in usable and len(t) < 99][1::16]
    ]
    columns += [
        text for text in ("a.b.c", "$(id)", "${env:HOME}", "t._sequence", "nul\x00inside", "\n") if text not in columns
    ]
    keys = ["$(id)", "a.b.c"]
    job = WholeJob(spark, tmp_path, table_format, zone=f"hostile_{uuid4().hex[:8]}")
    landing = job.add_input(
        "in",
        feed="columns",
        files="json",
        options={"form": "json", "sequence": {"place": "bigint"}},
        tables={"app.names": {"keys": keys, "columns": dict.fromkeys(columns, "string")}},
    )
    folder = landing / "app" / "names"
    folder.mkdir(parents=True)
    row = {name: f"v{i}" for i, name in enumerate(columns)}
    lines = [{**row, "place": 1}, {**row, columns[0]: "new", "place": 2}, {"place": 3, "a.b.c": "x"}]
    (folder / "lines.json").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    code, said = job.run()
    assert (code, said[-1].get("quarantined")) == (DONE, {"missing_key": 1}), said[-1]
    (current,) = job.rows("names").select(*map(quoted, columns)).collect()
    assert dict(zip(columns, current, strict=True)) == {**row, columns[0]: "new"}
    assert versions(job.rows("names_history")).count() == 2
    (aside,) = job.rows("quarantine").select("_detail").collect()
    assert aside["_detail"] == "no value for key $(id)"


def configured(folder: Path, *, columns: Sequence[str] = ("id",), zone: str = "zone") -> Any:
    """A configuration with these columns and this zone, read from its file."""
    contract = {"keys": [columns[0]], "columns": dict.fromkeys(columns, "string")}
    source = {
        "path": str(folder),
        "feed": "columns",
        "files": "json",
        "options": {"form": "json", "sequence": {"place": "bigint"}},
        "tables": {"app.items": contract},
        "bronze": f"{zone}.bronze",
    }
    output = {"table": f"{zone}.{{table}}", "write": "current"}
    path = folder / "job.yaml"
    config = {"job": "cdc_to_warehouse", "inputs": {"in": source}, "outputs": {"current": output}}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return load_config(str(path), environment={})


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["id", ""], "at least 1 character"),
        (["id", "_op"], "reserved column names: _op"),
        (["id", "na\nme", "NA\nME"], "differ in letter case alone: NA\nME, na\nme"),
        (["id", "\u0130", "i\u0307"], "differ in letter case alone: i\u0307, \u0130"),
    ],
)
def test_refused_column_names(tmp_path: Path, columns: list[str], said: str) -> None:
    """A name that no table can have beside the others is refused before anything is read, and named."""
    with pytest.raises(ConfigError) as refused:
        configured(tmp_path, columns=columns)
    assert said in str(refused.value)


@pytest.mark.parametrize("table_format", FORMATS)
def test_comments_and_properties(spark: SparkSession, tmp_path: Path, table_format: Format) -> None:
    """Columns have every string as comment, and the table has every one as value and as part of the name of a property."""
    table = new_table(spark, tmp_path, table_format)
    comments = [text for text in HOSTILE if text and len(text) < 5000]
    fields = [StructField(f"c{i}", StringType(), metadata={"comment": text}) for i, text in enumerate(comments)]
    table.create(StructType(fields))
    assert [field.metadata["comment"] for field in table.schema()] == comments
    values = {f"lakehouse.value.{i}": text for i, text in enumerate(HOSTILE)}
    keyed = {f"lakehouse.key.x{text}": str(i) for i, text in enumerate(HOSTILE)}
    table.set_properties(values | keyed)
    kept = table.properties()
    assert {key: kept.get(key) for key in values | keyed} == values | keyed


def test_zones_are_taken_as_they_are_or_refused(tmp_path: Path) -> None:
    """Every string that is quoted as a zone is that zone in both formats, or the configuration is refused with the reason."""
    places = Places(warehouse=str(tmp_path), catalog="lake", delta="path")
    refused: dict[str, str] = {}
    meant = ("${", "{schema}", "{table}")  # in a configuration these stand for something else
    zones = [text for text in HOSTILE if not any(one in text for one in meant)]
    for zone in zones:
        try:
            output = configured(tmp_path, zone=quoted(zone)).outputs["current"]
            name = output.table.replace("{table}", "items")
            delta, iceberg = (places.ref(name, table_format) for table_format in FORMATS)
        except ConfigError as error:
            refused[zone] = str(error)
            continue
        assert name_parts(iceberg.identifier) == ("lake", zone, "items")
        assert Path(delta.identifier).parts == (*Path(places.root).parts, zone, "items")
    reasons = ("is not a table name", "cannot be a folder", "has braces around", "take a dot in it")
    assert [said for said in refused.values() if not any(reason in said for reason in reasons)] == []
    known = {text for text in zones if not text or {"/", "\x00", "{", "}", "."} & set(text)}
    assert set(refused) == known | {text for text in zones if len(text.encode()) > 240}


@pytest.mark.parametrize("table_format", FORMATS)
def test_tables_in_hostile_zones(spark: SparkSession, tmp_path: Path, table_format: Format) -> None:
    """A table in a zone with a hostile name is there, is found again, and lies below the warehouse, under that name."""
    places = Places(warehouse=str(tmp_path), catalog="lake", delta="path")
    warehouse = Path(str(spark.sparkContext.getConf().get(WAREHOUSE)))
    zones = [
        "it's",
        'x"y',
        "tick`tick",
        "$HOME",
        "a b\nc",
        "100%",
        "%2e%2e%2f",
        "[a]*?",
        "-rf",
        "x;y",
        "日本 😀",
    ]
    for zone in zones:
        unique = f"{zone}{uuid4().hex[:6]}"
        ref = places.ref(f"{quoted(unique)}.items", table_format)
        table = open_table(spark, ref)
        assert not table.exists()
        table.create(StructType([StructField("id", StringType())]))
        assert open_table(spark, ref).schema().names == ["id"]
        root = tmp_path if table_format == "delta" else warehouse / "iceberg"
        assert (root / unique / "items").is_dir()


def placed(landing: Path) -> dict[int, str]:
    """Land a file for every string that can be a name, in a folder of the same name above those of its table."""
    found = {}
    for number, name in enumerate(HOSTILE):
        if not name or {"/", "\x00"} & set(name) or name in {".", ".."} or len(name.encode()) > 250:
            continue
        folder = landing / name / "app" / "items"
        folder.mkdir(parents=True)
        (folder / name).write_text(f"n,seq\n{number},1\n", encoding="utf-8")
        found[number] = name
    return found


def test_file_and_folder_names(spark: SparkSession, tmp_path: Path) -> None:
    """A file is loaded under any name; one that Hadoop cannot open is refused by name; hidden ones are counted."""
    job = WholeJob(spark, tmp_path, "iceberg", zone=f"hostile_{uuid4().hex[:8]}")
    landing = job.add_input(
        "in",
        feed="columns",
        files="csv",
        options={"sequence": {"seq": "bigint"}},
        tables={"app.items": {"keys": ["n"], "columns": {"n": "int"}}},
    )
    files = placed(landing)
    files.pop(HOSTILE.index(".crc"))  # to Hadoop this is a checksum of its own, and not there
    hidden = {n for n, name in files.items() if name.startswith(("_", ".")) or name.endswith("._COPYING_")}
    colons = {n for n, name in files.items() if ":" in name and n not in hidden}
    assert len(files) > 515 < len(set(files) - hidden - colons)
    code, said = job.run()
    assert code == DONE, said[-1]
    assert said[-1]["hidden_files"] == len(hidden) > 5
    assert said[-1]["refused_files"] == {"unsupported": len(colons)}
    held = job.rows("bronze_in").select("_raw", "_source_file").collect()
    loaded = {int(row["_raw"].partition(",")[0]): unquote(row["_source_file"]).rpartition("/")[2] for row in held}
    assert loaded == {n: name for n, name in files.items() if n not in hidden | colons}
    aside = job.rows("quarantine").collect()
    assert {unquote(row["_source_file"]).rpartition("/")[2] for row in aside} == {files[n] for n in colons}
    assert {row.n for row in job.rows("items").select("n").collect()} == set(loaded)
