"""The job `cdc_to_warehouse` as its users run it: script, arguments, configuration, landing folder, tables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession
from recorded_shop import CONTRACTS, ROOT, SHOP, answers, sorted_rows

from lakehouse.cdc.history import versions
from lakehouse.runtime.command_line import main as command_line
from lakehouse.runtime.job import BAD_USAGE, DONE, FAILED
from lakehouse.runtime.session import WAREHOUSE
from lakehouse.tables import Table, TableRef, open_table

HEADER = "Op,dms_commit_ts,id,name,amount,ar_h_change_seq,BI_id"
LOAD_HEADER = "dms_commit_ts,id,name,amount,ar_h_change_seq,BI_id"


class Shop:
    """A tiny landing folder with one table `app.items`, its configuration, and the tables the job makes of it."""

    def __init__(self, spark: SparkSession, folder: Path, table_format: str, *, header: bool = True) -> None:
        """Make the landing folder and the configuration."""
        self.spark = spark
        self.folder = folder
        self.format = table_format
        self.landing = folder / "landing"
        (self.landing / "app" / "items").mkdir(parents=True)
        # Each shop has tables of its own in the one warehouse of the suite's session.
        self.zone = f"shop_{folder.name.replace('-', '_')}"
        self.config: dict[str, Any] = {
            "job": "cdc_to_warehouse",
            "warehouse": spark.sparkContext.getConf().get(WAREHOUSE),
            "format": table_format,
            "inputs": {
                "app": {
                    "path": str(self.landing),
                    "feed": "dms-s3",
                    "files": "csv",
                    "header": header,
                    "options": {"timestamp_column": "dms_commit_ts"},
                    "tables": {
                        "app.items": {
                            "keys": ["id"],
                            "columns": {"id": "bigint", "name": "string", "amount": "decimal(10,2)"},
                        }
                    },
                    "bronze": f"{self.zone}.bronze",
                }
            },
            "outputs": {
                "current": {"table": f"{self.zone}.{{table}}", "write": "current"},
                "history": {"table": f"{self.zone}.{{table}}_history", "write": "history"},
            },
            "quarantine": f"{self.zone}.quarantine",
        }

    def land(self, name: str, *records: str, header: str = HEADER) -> None:
        """Put a file into the landing folder."""
        (self.landing / "app" / "items" / name).write_text("\n".join([header, *records, ""]), encoding="utf-8")

    def run(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """Run the job in this process and return its exit code and what it said."""
        path = self.folder / "job.yaml"
        path.write_text(yaml.safe_dump(self.config), encoding="utf-8")
        code = run_script(["--config", str(path), *arguments])
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    def table(self, name: str) -> Table:
        """One of the job's tables."""
        if self.format == "iceberg":
            return open_table(self.spark, TableRef(format="iceberg", name=f"lake.{self.zone}.{name}"))
        return open_table(self.spark, TableRef(format="delta", path=f"{self.config['warehouse']}/{self.zone}/{name}"))

    def items(self) -> list[tuple[Any, ...]]:
        """The rows of the current table."""
        return sorted_rows(self.table("items").read().select("id", "name", "amount"))

    def data_commits(self) -> int:
        """Commits to the two targets."""
        return sum(len(self.table(name).snapshots()) for name in ("items", "items_history"))


def run_script(arguments: list[str]) -> int:
    """Run the job script in this process."""
    from lakehouse.runtime.command_line import load_script  # noqa: PLC0415
    from lakehouse.runtime.job import main  # noqa: PLC0415

    script = load_script("cdc_to_warehouse")
    return main(script.recipe, script.Params, arguments)


@pytest.fixture(params=["delta", "iceberg"])
def shop(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Shop:
    """A shop in each format."""
    return Shop(spark, tmp_path, request.param)


@pytest.fixture
def iceberg_shop(spark: SparkSession, tmp_path: Path) -> Shop:
    """A shop in one format, for what does not depend on it."""
    return Shop(spark, tmp_path, "iceberg")


def load(number: int) -> str:
    """A record of the full load."""
    return f"2026-01-01 00:00:00.000000,{number},name {number},{number}.50,NULL,NULL"


def change(op: str, number: int, name: str, position: int, before: str = "NULL") -> str:
    """A record of a change."""
    return f"{op},2026-01-02 00:00:00.000000,{number},{name},1.00,20260102000000{position:021d},{before}"


def last(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The closing line of a run."""
    assert events[-1]["event"] == "run_finished", events[-1]
    return events[-1]


def test_from_landing_to_tables_and_nothing_new(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Load and changes become current rows and versions; a second run changes nothing, a new file only adds."""
    shop.land("LOAD00000001.csv", load(1), load(2), header=LOAD_HEADER)
    shop.land(
        "20260102-000000001.csv", change("U", 1, "one", 7, "1"), change("D", 2, "NULL", 8), change("I", 3, "x", 9)
    )
    code, events = shop.run(capsys)
    assert code == DONE, events
    assert last(events)["rows"] == 5
    assert [(row[0], row[1]) for row in shop.items()] == [(1, "one"), (3, "x")]
    assert versions(shop.table("items_history").read()).count() == 4
    commits = shop.data_commits()

    code, events = shop.run(capsys)
    assert (code, last(events)["message"], last(events)["data_commits"]) == (DONE, "nothing new", 0)
    assert shop.data_commits() == commits

    shop.land("20260102-000000002.csv", change("U", 3, "three", 10, "3"))
    code, events = shop.run(capsys)
    assert (code, last(events)["files"], last(events)["rows"]) == (DONE, 1, 1)
    assert [(row[0], row[1]) for row in shop.items()] == [(1, "one"), (3, "three")]


@pytest.mark.parametrize("shop", ["iceberg", pytest.param("delta", marks=pytest.mark.exhaustive)], indirect=True)
def test_a_history_is_checked_from_the_command_line(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """The job's own history is in order; with a version lost it is not, and the command says which key and where."""
    shop.land("LOAD00000001.csv", load(1), load(2), header=LOAD_HEADER)
    shop.land("20260102-000000001.csv", change("U", 1, "one", 7, "1"), change("U", 1, "uno", 8, "1"))
    assert shop.run(capsys)[0] == DONE
    command = ["check-history", f"{shop.zone}.items_history", "--format", shop.format]
    command += ["--warehouse", shop.config["warehouse"]]
    assert command_line(command) == DONE
    assert capsys.readouterr().out.endswith("items_history: nothing is wrong\n")

    history = shop.table("items_history")
    history.overwrite(history.read().limit(0), where="id = 1 AND _is_current = false AND _valid_from > 0")
    assert command_line(command) == FAILED
    said = capsys.readouterr().out
    assert ("gap" in said, "id=1" in said, "items_history: 1 gap; 1 shown" in said) == (True, True, True)

    assert command_line([*command[:1], f"{shop.zone}.nothing", *command[2:]]) == BAD_USAGE
    assert "there is no" in capsys.readouterr().err


def test_a_file_that_came_again_is_no_new_data(iceberg_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """The same content under another name is known; bronze does not grow and no table changes."""
    iceberg_shop.land("LOAD00000001.csv", load(1), header=LOAD_HEADER)
    iceberg_shop.run(capsys)
    rows, commits = iceberg_shop.table("bronze").read().count(), iceberg_shop.data_commits()
    folder = iceberg_shop.landing / "app" / "items"
    shutil.copy(folder / "LOAD00000001.csv", folder / "LOAD00000001-again.csv")
    code, events = iceberg_shop.run(capsys)
    assert (code, last(events)["files"], last(events)["repeated_files"]) == (DONE, 0, 1)
    assert (iceberg_shop.table("bronze").read().count(), iceberg_shop.data_commits()) == (rows, commits)


def test_bad_rows_go_to_quarantine_and_the_rest_goes_on(iceberg_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """No key, no sequence, broken CSV, an unknown operation, a bad value: each with its reason and its text."""
    bad = {
        "missing_key": "I,2026-01-02 00:00:00.000000,NULL,a,1.00,20260102000000000000000000000000001,NULL",
        "missing_sequence": "I,2026-01-02 00:00:00.000000,4,a,1.00,NULL,NULL",
        "malformed": 'I,2026-01-02 00:00:00.000000,5,a"b"c,1.00,20260102000000000000000000000000002,NULL',
        "unknown_operation": change("X", 6, "a", 3),
        "bad_value": "I,2026-01-02 00:00:00.000000,7,a,lots,20260102000000000000000000000000004,NULL",
    }
    iceberg_shop.land("20260102-000000001.csv", change("I", 1, "good", 5), *bad.values())
    code, events = iceberg_shop.run(capsys)
    assert code == DONE, events
    assert last(events)["quarantined"] == dict.fromkeys(bad, 1)
    assert [(row[0], row[1]) for row in iceberg_shop.items()] == [(1, "good")]
    kept = {row["_reason"]: row["_raw"] for row in iceberg_shop.table("quarantine").read().collect()}
    assert kept == bad


@pytest.mark.parametrize("shop", ["iceberg", pytest.param("delta", marks=pytest.mark.exhaustive)], indirect=True)
def test_a_run_that_was_killed_is_simply_run_again(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the plan, after bronze, or between two targets: the next run ends where one run would have."""
    from lakehouse.runtime import applying, ingestion  # noqa: PLC0415

    shop.land("LOAD00000001.csv", load(1), load(2), header=LOAD_HEADER)
    shop.land("20260102-000000001.csv", change("U", 1, "one", 7, "1"), change("D", 2, "NULL", 8))
    for module, name in ((ingestion, "_load"), (applying, "merge_current"), (applying, "merge_history")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, _killed)
            code, events = shop.run(capsys)
            assert (code, events[-1]["event"]) == (FAILED, "run_failed")
    code, events = shop.run(capsys)
    assert code == DONE, events
    assert [(row[0], row[1]) for row in shop.items()] == [(1, "one")]
    assert shop.table("bronze").read().count() == 4
    assert versions(shop.table("items_history").read()).count() == 3


def _killed(*_: object, **__: object) -> None:
    raise Killed


class Killed(RuntimeError):  # noqa: N818  not an error
    """Stands for a kill at this point."""


def test_an_empty_landing_folder_is_nothing_new(iceberg_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """No files: exit 0, nothing new, and no table is made."""
    code, events = iceberg_shop.run(capsys)
    assert (code, last(events)["message"]) == (DONE, "nothing new")
    assert not iceberg_shop.table("items").exists()
    assert not iceberg_shop.table("bronze").exists()


def test_a_full_load_alone_makes_the_tables(iceberg_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """A landing folder with only a full load: its rows are current, each with one open version."""
    iceberg_shop.land("LOAD00000001.csv", load(1), load(2), header=LOAD_HEADER)
    code, _ = iceberg_shop.run(capsys)
    assert code == DONE
    assert [row[0] for row in iceberg_shop.items()] == [1, 2]
    assert iceberg_shop.table("items_history").read().where("_is_current").count() == 2


def test_a_table_with_another_schema_is_refused_before_anything_is_written(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the table; bronze was not touched."""
    shop.table("items").create(shop.spark.createDataFrame([], "id bigint, other string").schema)
    shop.land("LOAD00000001.csv", load(1), header=LOAD_HEADER)
    code, events = shop.run(capsys)
    assert (code, events[-1]["error"]) == (FAILED, "IncompatibleSchemaError")
    assert "items" in events[-1]["message"]
    assert not shop.table("bronze").exists()


def test_other_keys_are_refused(iceberg_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys are part of a table's state: a configuration that changed them is refused before anything is written."""
    iceberg_shop.land("LOAD00000001.csv", load(1), header=LOAD_HEADER)
    iceberg_shop.run(capsys)
    iceberg_shop.config["inputs"]["app"]["tables"]["app.items"]["keys"] = ["id", "name"]
    iceberg_shop.land("20260102-000000001.csv", change("I", 2, "b", 5))
    code, events = iceberg_shop.run(capsys)
    assert (code, events[-1]["error"]) == (FAILED, "IncompatibleSchemaError")
    assert "lakehouse.keys" in events[-1]["message"]
    assert iceberg_shop.table("bronze").read().count() == 1


def test_wrong_configurations_end_with_exit_2(iceberg_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """One message that names the key and the remedy, before Spark reads anything."""
    for arguments, wanted in (
        (["--set", "inputs.app.fed=x"], "did you mean 'feed'"),
        (["--set", "inputs.app.feed=debezum"], "inputs.app.feed"),
        (["--set", "inputs.app.options.timestmp_column=x"], "timestamp_column"),
        (["--set", "inputs.app.path=/no/such/folder"], "no landing folder"),
        (["--set", "outputs.current.select=nothing.%", "--set", "inputs.app.select=nope.%"], "select"),
        (["--set", "params.leave_outt=[x]"], "params.leave_outt"),
    ):
        code, events = iceberg_shop.run(capsys, *arguments)
        assert (code, len(events)) == (BAD_USAGE, 1), events
        assert wanted in events[0]["message"]


def test_a_recipe_may_leave_columns_out(iceberg_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """`params.leave_out` keeps a column out of every table of the warehouse."""
    iceberg_shop.land("LOAD00000001.csv", load(1), header=LOAD_HEADER)
    code, _ = iceberg_shop.run(capsys, "--set", "params.leave_out=[name]")
    assert code == DONE
    assert "name" not in iceberg_shop.table("items").schema().names


def test_a_whole_stream_is_routed_to_its_tables(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One stream for all tables: each row goes to its own, control records are skipped and counted, garbage is kept."""
    landing = tmp_path / "landing"
    shutil.copytree(SHOP / "dms_kinesis", landing)
    (landing / "garbage.jsonl").write_text('{"data": {"order_id":\n', encoding="utf-8")
    zone = f"stream_{tmp_path.name.replace('-', '_')}"
    contracts = {name: contract.model_dump() for name, contract in CONTRACTS.items() if name != "public.customers"}
    config = {
        "job": "cdc_to_warehouse",
        "warehouse": spark.sparkContext.getConf().get(WAREHOUSE),
        "inputs": {
            "shop": {
                "path": str(landing),
                "feed": "dms-stream",
                "files": "json",
                "tables": json.loads(json.dumps(contracts)),
                "bronze": f"{zone}.bronze",
            }
        },
        "outputs": {"current": {"table": f"{zone}.{{table}}", "write": "current"}},
        "quarantine": f"{zone}.quarantine",
    }
    path = tmp_path / "job.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    assert run_script(["--config", str(path)]) == DONE
    summary = last([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    assert summary["quarantined"] == {"malformed": 1}
    # Two of the six control records are about customers, which this job does not take.
    assert summary["skipped"] == {"control": 4, "other_table": 300 + 141 + 1012 + 74 + 2}
    assert summary["rows"] == 7063 + 1
    for name in ("products", "orders", "order_items"):
        schema = CONTRACTS[f"public.{name}"].schema_
        table = open_table(spark, TableRef(format="iceberg", name=f"lake.{zone}.{name}"))
        found = sorted_rows(table.read().select(*schema.names))
        assert found == answers(f"final/{name}.jsonl", schema, empty_is_null=True)


def test_transactions_of_several_tables_are_split(iceberg_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Each change of a transaction goes to its table and is accounted once; a second run changes nothing."""
    changes: list[dict[str, Any]] = [
        {"kind": "insert", "table": "items", "columnnames": ["id", "name"], "columnvalues": [1, "one"]},
        {"kind": "update", "table": "items", "columnnames": ["id", "name"], "columnvalues": [1, "uno"]},
        {"kind": "insert", "table": "notes", "columnnames": ["id", "text"], "columnvalues": [7, "hello"]},
        {"kind": "insert", "table": "others", "columnnames": ["id"], "columnvalues": [1]},
        {"kind": "insert", "table": "notes", "columnnames": ["id", "text"], "columnvalues": ["seven", "lost"]},
    ]
    body = {"nextlsn": "0/20", "change": [{"schema": "app"} | change for change in changes]}
    landed = iceberg_shop.landing / "1.jsonl"
    landed.write_text("\n".join([json.dumps(body), '{"change":[]}', "garbage", ""]), encoding="utf-8")
    notes = {"keys": ["id"], "columns": {"id": "bigint", "text": "string"}}
    iceberg_shop.config["inputs"]["app"] |= {"feed": "wal2json", "files": "json", "options": {"format_version": 1}}
    iceberg_shop.config["inputs"]["app"]["tables"]["app.notes"] = notes

    code, events = iceberg_shop.run(capsys)
    assert code == DONE, events
    assert last(events)["rows"] == len(changes) + 2
    assert last(events)["quarantined"] == {"bad_value": 1, "malformed": 1}
    assert last(events)["skipped"] == {"other_table": 1, "transaction": 1}
    assert iceberg_shop.items() == [(1, "uno", None)]
    assert sorted_rows(iceberg_shop.table("notes").read().select("id", "text")) == [(7, "hello")]
    assert versions(iceberg_shop.table("items_history").read()).count() == 2
    assert iceberg_shop.table("bronze").read().count() == 3
    kept = {row["_table"]: row["_raw"] for row in iceberg_shop.table("quarantine").read().collect()}
    assert kept.keys() == {"app.notes", None}
    assert json.loads(kept["app.notes"])["change"] == [{"schema": "app"} | changes[4]]

    commits = iceberg_shop.data_commits()
    code, events = iceberg_shop.run(capsys)
    assert (code, last(events)["message"], last(events)["data_commits"]) == (DONE, "nothing new", 0)
    assert (iceberg_shop.data_commits(), iceberg_shop.table("quarantine").read().count()) == (commits, 2)


def test_daily_extracts_are_applied_in_order(iceberg_shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Each complete snapshot once, the oldest first; one without its marker waits, one that cannot be read changes nothing."""
    source = iceberg_shop.config["inputs"]["app"]
    source["feed"] = "snapshot"
    for key in ("bronze", "options"):
        del source[key]
    source["snapshots"] = {"layout": "{schema}/{table}/{version}/*", "max_delete_ratio": 0.5}

    def land(day: str, *records: str, complete: bool = True) -> None:
        folder = iceberg_shop.landing / "app" / "items" / day
        folder.mkdir(exist_ok=True)
        (folder / "part-0.csv").write_text("\n".join(["id,name,amount", *records, ""]), encoding="utf-8")
        if complete:
            (folder / "_SUCCESS").touch()

    land("2026-11-23", "1,ONE,1.00", "3,three,3.00")
    land("2026-11-22", "1,one,1.00", "2,two,2.00")
    land("2026-11-24", "1,ONE,1.00", "x,three,3.00", complete=False)
    code, events = iceberg_shop.run(capsys)
    assert (code, last(events)["files"], last(events)["rows"]) == (DONE, 2, 4), events
    assert [event["version"] for event in events if event["event"] == "incomplete"] == ["2026-11-24"]
    assert [(row[0], row[1]) for row in iceberg_shop.items()] == [(1, "ONE"), (3, "three")]
    assert versions(iceberg_shop.table("items_history").read()).count() == 4

    code, events = iceberg_shop.run(capsys)
    assert (code, last(events)["message"]) == (DONE, "nothing new")

    land("2026-11-24", "1,ONE,1.00", "x,three,3.00")
    code, events = iceberg_shop.run(capsys)
    assert (code, events[-1]["error"]) == (FAILED, "InvalidChangesError")
    assert "1 bad_value" in events[-1]["message"]
    assert "row 3 of file:///" in events[-1]["message"]
    assert "three" not in events[-1]["message"]
    assert [row[0] for row in iceberg_shop.items()] == [1, 3]

    land("2026-11-24", "4,four,4.00", "3,three,3.00")
    code, events = iceberg_shop.run(capsys)
    assert (code, last(events)["rows"]) == (DONE, 2)
    assert [row[0] for row in iceberg_shop.items()] == [3, 4]


def test_spark_submit_with_the_wheel_and_the_arguments_of_glue(tmp_path: Path, wheel: Path) -> None:
    """The unchanged script under plain spark-submit, the library from the wheel, extra arguments passing by."""
    import pyspark  # noqa: PLC0415

    from lakehouse.runtime.jars import CORE, find_jars, find_runtime  # noqa: PLC0415
    from lakehouse.runtime.java import find_java  # noqa: PLC0415
    from lakehouse.runtime.session import local_conf  # noqa: PLC0415

    runtime = find_runtime()
    java = find_java(versions=runtime.java, wheel=runtime.java_wheel)
    conf = local_conf(warehouse=tmp_path / "warehouse", jars=find_jars(runtime, CORE, java=java))
    (tmp_path / "warehouse").mkdir()
    script = shutil.copy(ROOT / "jobs" / "cdc_to_warehouse.py", tmp_path)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    landing = tmp_path / "landing" / "public"
    shutil.copytree(SHOP / "dms_s3" / "csv" / "public" / "products", landing / "products")
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
        "--py-files",
        str(wheel),
        *[part for key, value in conf.items() for part in ("--conf", f"{key}={value}")],
        str(script),
        *("--config", str(tmp_path / "configs" / "cdc_to_warehouse.yaml")),
        *("--set", f"warehouse={tmp_path / 'warehouse'}", "--set", f"inputs.shop.path={tmp_path / 'landing'}"),
        *("--set", "inputs.shop.select=public.products"),
        *("--JOB_NAME", "nightly", "--JOB_RUN_ID", "jr_1", "--TempDir", "s3://bucket/tmp", "--enable-metrics", "true"),
    ]
    environment = {**os.environ, "JAVA_HOME": str(java.home), "PYSPARK_PYTHON": sys.executable}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == DONE, done.stderr[-3000:] + done.stdout[-2000:]
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert last(events)["rows"] == 80 + 264
    assert "/site-packages/lakehouse" not in done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return next(folder.glob("lakehouse-*-py3-none-any.whl"))
