"""The gate of a job: rows that fail are set aside once and for all, a batch that must not pass stops, and a run says so."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from report_reader import read_page
from whole_jobs import WholeJob, without_origin

from lakehouse.failpoints import FailOnce, installed
from lakehouse.runtime import command_line
from lakehouse.runtime.job import BAD_USAGE, DONE, FAILED, STOPPED
from lakehouse.tables.protocol import Format

ORDERS = {"keys": ["id"], "columns": {"id": "bigint", "country": "string", "total": "decimal(10,2)"}}
KNOWN = 'ColumnValues "country" in ["DE", "FR"]'
POSITIVE = 'ColumnValues "total" > 0'
MOST_NAMED = 'Completeness "country" >= 0.5'
RULES = f'Rules = [{KNOWN}, {POSITIVE}, {MOST_NAMED}, IsComplete "county"]'
MARKUP = "<img src=x onerror=alert(1)>"
SCRIPT = '</td><script>alert("1")</script>'
NO_SUCH_COLUMN = "the frame has no column county; did you mean country?"


def new_job(spark: SparkSession, folder: Path, table_format: Format = "iceberg", **gate: Any) -> WholeJob:
    """A job on change records of orders with a gate, and a current and a history table."""
    job = WholeJob(spark, folder, table_format, zone=f"gate_{uuid4().hex[:8]}")
    options = {"form": "json", "sequence": {"n": "bigint"}, "op_column": "op"}
    job.add_input("shop", feed="columns", files="json", options=options, tables={"shop.orders": ORDERS})
    job.quality = [{"ruleset": RULES, **gate}]
    return job


def land(job: WholeJob, name: str, *records: tuple[str, int, str | None, str | None, int]) -> None:
    """Land a file of records: operation, id, country, total, sequence."""
    folder = job.landing / "shop" / "shop" / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [dict(zip(("op", "id", "country", "total", "n"), record, strict=True)) for record in records]
    (folder / f"{name}.json").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def shown(job: WholeJob, name: str) -> list[tuple[Any, ...]]:
    """The rows of a target: id, country, total, in the order of ids and versions."""
    rows = job.rows(name)
    if name.endswith("history"):
        rows = rows.where("_op = 'upsert'")
    order = [name for name in ("id", "_valid_from") if name in rows.columns]
    return [tuple(row) for row in rows.orderBy(*order).select("id", "country", F.col("total").cast("string")).collect()]


def held(job: WholeJob) -> list[tuple[int, str, int]]:
    """What quarantine holds for the sake of rules: row, rules, and the id in the text."""
    rows = job.rows("quarantine").where("_reason = 'fails_rules'").orderBy("_source_file", "_row").collect()
    return [(row["_row"], row["_detail"], json.loads(row["_raw"])["id"]) for row in rows]


@pytest.mark.parametrize("table_format", ["iceberg", pytest.param("delta", marks=pytest.mark.exhaustive)])
def test_rows_that_fail_are_set_aside(spark: SparkSession, tmp_path: Path, table_format: Format) -> None:
    """They are in quarantine with their rules and their text; a rule that is broken, or that passed, holds nothing back."""
    job = new_job(spark, tmp_path, table_format)
    land(
        job,
        "1",
        ("I", 1, "DE", "10.00", 1),
        ("I", 2, "XX", "5.50", 2),
        ("I", 3, None, "1.25", 3),  # no value: the rule of known countries fails it
        ("I", 4, "FR", "-1.00", 4),
        ("I", 5, "XX", "0.00", 5),
        ("U", 1, "FR", "11.00", 6),
        ("D", 6, None, None, 7),  # not judged
        ("I", 7, "DE", "much", 8),  # set aside by its contract, and not by a rule
    )
    code, said = job.run()
    assert code == DONE
    assert shown(job, "orders") == [(1, "FR", "11.00")]
    assert shown(job, "orders_history") == [(1, "DE", "10.00"), (1, "FR", "11.00")]
    both = f"{KNOWN}; {POSITIVE}"
    assert held(job) == [(2, KNOWN, 2), (3, KNOWN, 3), (4, POSITIVE, 4), (5, both, 5)]
    end = said[-1]
    assert (end["rows"], end["quarantined"], end["skipped"]) == (8, {"fails_rules": 4, "bad_value": 1}, {})
    assert end["rules"] == {"shop.orders": {"passed": 1, "failed": 2, "error": 1}}
    told = {line["rule"]: (line["event"], line["message"]) for line in said if line["event"].startswith("rule_")}
    assert set(told) == {KNOWN, POSITIVE, 'IsComplete "county"'}
    assert told['IsComplete "county"'] == (
        "rule_error",
        f'shop.orders: IsComplete "county" error: {NO_SUCH_COLUMN}',
    )
    code, said = job.run()
    assert (code, said[-1]["message"]) == (DONE, "nothing new")
    assert len(held(job)) == 4


def test_nothing_that_is_wrong_stops_a_batch(spark: SparkSession, tmp_path: Path) -> None:
    """Patterns that explode, columns and tables that are not there are errors with their reason; texts that are code are only texts."""
    endless, deep = (f'ColumnValues "country" matches "{one}"' for one in ("(D+)+E", "(D|E)*"))
    related, marked = 'ReferentialIntegrity "country" "known.country" = 1.0', f'ColumnExists "{MARKUP}"'
    job = new_job(spark, tmp_path, ruleset=f"Rules = [{KNOWN}, {endless}, {deep}, {related}, {marked}]")
    job.quality[0]["sources"] = {"known": f"{job.zone}.countries"}
    land(job, "1", ("I", 1, "DE", "10.00", 1), ("I", 2, SCRIPT, "5.50", 2), ("I", 3, "DE" * 100_000, "1.00", 3))
    code, said = job.run("--set", f"reports.at={tmp_path / 'reports'}", "--set", "reports.reveal_values=true")
    assert (code, held(job), shown(job, "orders")) == (DONE, [(2, KNOWN, 2), (3, KNOWN, 3)], [(1, "DE", "10.00")])
    told = {line["rule"]: (line["event"], line["message"]) for line in said if line["event"].startswith("rule_")}
    reasons = {
        KNOWN: ("failed", "2 of 3 rows do not pass"),
        endless: ("error", "the pattern repeats what can be shared out in several ways, which can take for ever"),
        deep: (
            "error",
            "the pattern repeats a group of alternatives or of several lengths, for which a text may have 500",
        ),
        related: ("error", "there is no source known; there is none"),
        marked: ("failed", f"there is no column {MARKUP}"),
    }
    assert set(told) == set(reasons)
    for rule, (verdict, reason) in reasons.items():
        assert told[rule][0] == f"rule_{verdict}"
        assert told[rule][1].startswith(f"shop.orders: {rule} {verdict}: {reason}")
    missing = [line["message"] for line in said if line["event"] == "source_missing"]
    assert missing == [
        f"shop.orders: the rules have no known: there is no table {job.zone}.countries; an input before this one has to make it"
    ]
    (file,) = (tmp_path / "reports" / "cdc_to_warehouse").glob("*.html")
    page = read_page(file.read_text("utf-8"))
    assert page.find("img") == []
    assert not any("alert(" in one.text for one in page.find("script"))
    assert SCRIPT in [cell.text for cell in page.find("td")]
    assert MARKUP in page.text
    land(job, "2", ("D", 1, None, None, 4))  # a batch without a row to judge
    code, said = job.run()
    assert (code, said[-1]["rules"]) == (DONE, {"shop.orders": {"passed": 0, "failed": 3, "error": 2}})
    nothing = f"shop.orders: {KNOWN} failed: there is nothing to measure: no row, or no value"
    assert nothing in [line["message"] for line in said if line["event"] == "rule_failed"]
    assert (len(held(job)), shown(job, "orders")) == (2, [])


def test_what_was_held_back_stays_so(spark: SparkSession, tmp_path: Path) -> None:
    """A rule asks another table, which changes: a table that a dead run left behind, and one made anew, still get what the first got."""
    job = new_job(spark, tmp_path)
    countries = job.table("countries")
    countries.create(spark.createDataFrame([], "country string").schema)
    countries.append(spark.createDataFrame([("DE",), ("FR",)], "country string"))
    known = 'ReferentialIntegrity "country" "known.country" = 1.0'
    job.quality[0] |= {"ruleset": f"Rules = [{known}]", "sources": {"known": f"{job.zone}.countries"}}
    land(job, "1", ("I", 1, "DE", "10.00", 1), ("I", 2, "XX", "5.50", 2), ("I", 5, "FR", "2.00", 5))
    with installed(FailOnce(name="applying.merged")):
        assert job.run()[0] == FAILED
    countries.overwrite(spark.createDataFrame([("DE",), ("XX",)], "country string"), where="country <> ''")
    code, said = job.run()
    assert (code, said[-1]["quarantined"]) == (DONE, {"fails_rules": 1})
    assert shown(job, "orders") == shown(job, "orders_history") == [(1, "DE", "10.00"), (5, "FR", "2.00")]
    assert held(job) == [(2, known, 2)]
    land(job, "2", ("I", 3, "XX", "1.00", 3), ("I", 4, "YY", "1.00", 4))
    job.outputs["again"] = {"table": f"{job.zone}.again", "write": "current"}
    assert job.run()[0] == DONE
    expected = [(1, "DE", "10.00"), (3, "XX", "1.00"), (5, "FR", "2.00")]
    assert [shown(job, name) for name in ("again", "orders", "orders_history")] == [expected] * 3
    assert held(job) == [(2, known, 2), (2, known, 4)]


def test_a_gate_that_comes_later_holds_nothing_back(spark: SparkSession, tmp_path: Path) -> None:
    """A table made anew gets every row of batches that another one shows already, as that did."""
    job = new_job(spark, tmp_path)
    job.quality, gate = [], job.quality
    land(job, "1", ("I", 1, "DE", "10.00", 1), ("I", 2, "XX", "5.50", 2))
    assert job.run()[0] == DONE
    job.quality = gate
    job.outputs["again"] = {"table": f"{job.zone}.again", "write": "current"}
    assert job.run()[0] == DONE
    assert shown(job, "again") == shown(job, "orders") == [(1, "DE", "10.00"), (2, "XX", "5.50")]
    assert not job.table("quarantine").exists()


def test_a_batch_that_must_not_pass_stops(spark: SparkSession, tmp_path: Path) -> None:
    """Exit code 3 and a report, no target of any input is there, and the batch passes once the gate lets it."""
    job = new_job(spark, tmp_path, on_failure="fail", select="shop.orders")
    job.add_input(
        "more", feed="columns", files="json", options={"form": "json", "sequence": {"n": "bigint"}},
        tables={"shop.a_first": ORDERS},
    )  # fmt: skip
    other = job.landing / "more" / "shop" / "a_first"
    other.mkdir(parents=True)
    (other / "1.json").write_text('{"id": 1, "country": "XX", "total": "1.00", "n": 1}\n', encoding="utf-8")
    land(job, "1", ("I", 1, "DE", "10.00", 1), ("I", 2, "XX", "5.50", 2))
    code, said = job.run("--set", f"reports.at={tmp_path / 'reports'}")
    assert (code, said[-1]["error"]) == (STOPPED, "QualityError")
    (record,) = (tmp_path / "reports" / "cdc_to_warehouse").glob("*.json")
    assert json.loads(record.read_text("utf-8"))["verdict"] == "Failed"
    assert record.with_suffix(".html").is_file()
    assert KNOWN in said[-1]["message"]
    assert NO_SUCH_COLUMN in said[-1]["message"]
    tables = ("orders", "orders_history", "a_first", "a_first_history", "quarantine")
    assert [job.table(name).exists() for name in tables] == [False] * 5
    assert job.run()[0] == STOPPED
    job.quality[0] |= {"ruleset": f"Rules = [{POSITIVE}]"}
    code, said = job.run()
    assert (code, said[-1]["rules"]) == (DONE, {"shop.orders": {"passed": 1, "failed": 0, "error": 0}})
    assert shown(job, "orders") == [(1, "DE", "10.00"), (2, "XX", "5.50")]
    assert shown(job, "a_first") == [(1, "XX", "1.00")]


def test_a_snapshot_that_must_not_pass_stops(spark: SparkSession, tmp_path: Path) -> None:
    """Exit code 3 and a report that tells of the snapshot before it, which was applied; the next run begins with the one that was stopped."""
    job = new_job(spark, tmp_path, on_failure="fail", ruleset=f"Rules = [{KNOWN}]")
    job.inputs["shop"] |= {"feed": "snapshot", "files": "csv", "snapshots": {"layout": "{schema}/{table}/{version}/*"}}
    for key in ("bronze", "options"):
        del job.inputs["shop"][key]

    def extract(day: str, *records: str) -> None:
        folder = job.landing / "shop" / "shop" / "orders" / day
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "1.csv").write_text("\n".join(["id,country,total", *records, ""]), encoding="utf-8")
        (folder / "_SUCCESS").touch()

    extract("2026-11-22", "1,DE,10.00")
    extract("2026-11-23", "1,DE,10.00", "2,XX,5.50")
    extract("2026-11-24", "1,FR,10.00")
    code, said = job.run("--set", f"reports.at={tmp_path / 'reports'}")
    assert (code, said[-1]["error"]) == (STOPPED, "QualityError")
    assert f"{KNOWN} failed: 1 of 2 rows do not pass" in said[-1]["message"]
    assert shown(job, "orders") == [(1, "DE", "10.00")]
    (record,) = (tmp_path / "reports" / "cdc_to_warehouse").glob("*.json")
    assert json.loads(record.read_text("utf-8"))["verdict"] == "Failed"
    page = record.with_suffix(".html").read_text("utf-8")
    assert "The run was stopped by its rules" in page
    assert f"{job.zone}.orders_history" in page
    extract("2026-11-23", "1,DE,10.00", "2,FR,5.50")
    code, said = job.run()
    assert (code, said[-1]["rules"]) == (DONE, {"shop.orders": {"passed": 2, "failed": 0, "error": 0}})
    assert shown(job, "orders") == [(1, "FR", "10.00")]


def test_a_warning_changes_nothing(spark: SparkSession, tmp_path: Path) -> None:
    """The failure is told, every row is written; rules may ask another table and the landed files, and ages are of the time of loading."""
    orders_of_people = 'ReferentialIntegrity "country" "known.country" = 1.0'
    fresh = 'DataFreshness "ordered_at" <= 24 hours'
    job = new_job(spark, tmp_path, on_failure="warn")
    job.inputs["shop"]["tables"] = {
        "shop.orders": {**ORDERS, "columns": {**ORDERS["columns"], "ordered_at": "timestamp"}}  # type: ignore[dict-item]  # a mapping
    }
    known = spark.createDataFrame([("DE",), ("FR",)], "country string")
    job.table("countries").create(known.schema)
    job.table("countries").append(known)
    job.quality[0] |= {
        "ruleset": f"Rules = [{orders_of_people}, {fresh}, FileSize < 1 KB]",
        "sources": {"known": f"{job.zone}.countries"},
    }
    land(job, "1", ("I", 1, "DE", "10.00", 1), ("I", 2, "XX", "5.50", 2))
    code, said = job.run()
    assert (code, said[-1]["quarantined"]) == (DONE, {})
    assert shown(job, "orders") == [(1, "DE", "10.00"), (2, "XX", "5.50")]
    assert said[-1]["rules"] == {"shop.orders": {"passed": 1, "failed": 2, "error": 0}}


def test_rules_look_back_on_earlier_batches(spark: SparkSession, tmp_path: Path) -> None:
    """Each batch is measured once, also when its run died and came again, and is held against the ones before it."""
    ruleset = 'Rules = [RowCount >= last()] Analyzers = [Distribution "total" with bins = 2]'
    job = new_job(spark, tmp_path, ruleset=ruleset, on_failure="warn")
    job.quality[0]["metrics"] = f"{job.zone}.metrics"
    land(job, "1", ("I", 1, "DE", "10.00", 1), ("I", 2, "FR", "5.50", 2))
    verdicts = [job.run()[1][-1]["rules"]["shop.orders"]]
    land(job, "2", ("I", 3, "DE", "10.00", 3))
    with installed(FailOnce(name="applying.quarantined")):
        assert job.run()[0] == FAILED
    verdicts.append(job.run()[1][-1]["rules"]["shop.orders"])
    land(job, "3", ("I", 4, "DE", "99.00", 4))
    verdicts.append(job.run()[1][-1]["rules"]["shop.orders"])
    assert [one["passed"] for one in verdicts] == [1, 0, 1]
    kept = job.rows("metrics").orderBy("batch", "name").select("job", "batch", "table_name", "name", "value").collect()
    counted = {1: (0, 1, 1, 0), 2: (0, 0, 1, 0), 3: (0, 0, 0, 1)}
    edges = (5.5, 7.75, math.nextafter(10.0, math.inf))
    assert [tuple(row) for row in kept] == [
        ("cdc_to_warehouse", batch, "shop.orders", name, value)
        for batch, counts in counted.items()
        for name, value in [
            *((f"Column.total.Distribution.Count.{place:02}", count) for place, count in enumerate(counts)),
            *((f"Column.total.Distribution.Edge.{place:02}", edge) for place, edge in enumerate(edges)),
            ("Dataset.*.RowCount", sum(counts)),
        ]
    ]


def test_mended_records_are_replayed(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was set aside is shown as lines, mended, and loaded once, whatever dies; what still fails is set aside again."""
    job = new_job(spark, tmp_path, ruleset=f"Rules = [{KNOWN}]")
    land(
        job,
        "1",
        ("I", 1, "DE", "10.00", 1),
        ("I", 2, "XX", "5.50", 2),
        ("I", 3, "YY", "1.00", 3),
        ("I", 4, "FR", "much", 4),
    )
    assert job.run()[0] == DONE
    land(job, "2", ("U", 2, "FR", "7.00", 9))
    shown_rows = quarantine(job, capsys)
    assert [(row["_table"], row["_reason"], row["_row"]) for row in shown_rows] == [
        ("shop.orders", "fails_rules", 2), ("shop.orders", "fails_rules", 3), ("shop.orders", "bad_value", 4),
    ]  # fmt: skip
    assert quarantine(job, capsys, "--reason", "bad_value", "--table", "shop.orders") == shown_rows[2:]
    mended = tmp_path / "mended.jsonl"
    for row, wrong, right in zip(shown_rows, ("XX", "YY", "much"), ("DE", "ZZ", "2.00"), strict=True):
        row["_raw"] = row["_raw"].replace(wrong, right)
    mended.write_text("".join(f"{json.dumps(row)}\n" for row in shown_rows), encoding="utf-8")
    with installed(FailOnce(name="replay.landed")):
        assert job.run("--replay", str(mended))[0] == FAILED
    code, said = job.run("--replay", str(mended))
    assert code == DONE
    assert [line["records"] for line in said if line["event"] == "replayed"] == [3]
    # The mended second order is older than the change that came meanwhile, and does not undo it.
    assert shown(job, "orders") == [(1, "DE", "10.00"), (2, "FR", "7.00"), (4, "FR", "2.00")]
    assert shown(job, "orders_history") == [(1, "DE", "10.00"), (2, "DE", "5.50"), (2, "FR", "7.00"), (4, "FR", "2.00")]
    (again,) = quarantine(job, capsys)
    assert (again["_reason"], json.loads(again["_raw"])["country"]) == ("fails_rules", "ZZ")
    code, said = job.run("--replay", str(mended))
    assert (code, said[-1]["message"]) == (DONE, "nothing new")
    assert [line["records"] for line in said if line["event"] == "replayed"] == [0]
    mended.write_text(json.dumps({**shown_rows[0], "_row": 77}), encoding="utf-8")
    code, said = job.run("--replay", str(mended))
    assert code == BAD_USAGE
    assert "1 records are not in" in said[-1]["message"]


def quarantine(job: WholeJob, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """What the command says of the job's quarantine."""
    capsys.readouterr()
    assert command_line.main(["quarantine", str(job.folder / "job.yaml"), *arguments]) == DONE
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_days_are_judged_apart(spark: SparkSession, tmp_path: Path) -> None:
    """Each day of a batch is held against the days before it, of this batch and of earlier ones; ages are those at its end."""
    fresh = 'DataFreshness "day" <= 24 hours'
    job = new_job(spark, tmp_path, ruleset=f"Rules = [RowCount >= last(), {KNOWN}, {fresh}]", by="day")
    job.quality[0]["metrics"] = f"{job.zone}.metrics"
    contract = {"keys": ["id"], "columns": {"id": "bigint", "country": "string", "total": "string", "day": "date"}}
    job.inputs["shop"]["tables"] = {"shop.orders": contract}

    def land_days(name: str, *records: tuple[int, str, str | None], op: str = "I", later: int = 0) -> None:
        folder = job.landing / "shop" / "shop" / "orders"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [
            {"op": op, "n": one + later, "id": one, "country": country, "day": day} for one, country, day in records
        ]
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    def verdicts(said: list[dict[str, Any]]) -> dict[str, str]:
        return {name.removeprefix("shop.orders "): told(one) for name, one in said[-1]["rules"].items()}

    def told(one: dict[str, int]) -> str:
        return f"{one['passed']}/{one['failed']}/{one['error']}"

    land_days("1.json", (1, "DE", "2026-01-02"), (2, "XX", "2026-01-02"), (3, "FR", "2026-01-04"), (4, "DE", None))
    code, said = job.run()
    assert code == DONE
    assert verdicts(said) == {"2026-01-02": "2/1/0", "2026-01-04": "2/1/0", "no date": "2/1/0"}
    assert [one["rule"] for one in said if one["event"] == "rule_failed"] == [KNOWN, "RowCount >= last()", fresh]
    assert held(job) == [(2, KNOWN, 2), (4, fresh, 4)]
    # The third comes after the second, of which the earlier batch had more than the row that comes late, and the fourth before the fifth.
    land_days("2.json", (5, "DE", "2026-01-05"), (6, "DE", "2026-01-03"), (7, "FR", "2026-01-02"))
    code, said = job.run()
    assert verdicts(said) == {"2026-01-02": "3/0/0", "2026-01-03": "2/1/0", "2026-01-05": "3/0/0"}
    assert [row[0] for row in job.rows("orders").orderBy("id").select("id").collect()] == [1, 3, 5, 6, 7]
    land_days("3.json", (6, "DE", "2026-01-03"), op="D", later=10)  # a delete is not judged, so there is no day
    code, said = job.run()
    assert (code, said[-1]["rules"]) == (DONE, {})


@pytest.mark.parametrize(
    ("gate", "problem"),
    [
        ({"ruleset": "Rules = [IsComplete]"}, "quality.0.ruleset"),
        ({"ruleset": "nothing.dqdl"}, "quality.0.ruleset: no file"),
        ({"select": "audit.%"}, "quality.select 'audit.%' fits none of: shop.orders"),
        ({"ruleset": "Rules = [RowCount > last()]"}, "quality.0: rules look back on earlier batches"),
        ({"on_failure": "quarantined"}, "quality.0.on_failure"),
        ({"on_fail": "warn"}, "unknown key quality.0.on_fail; did you mean 'on_failure'?"),
    ],
)
def test_a_wrong_gate_is_refused(spark: SparkSession, tmp_path: Path, gate: dict[str, Any], problem: str) -> None:
    """Exit code 2, and a message that names the key and what is wrong."""
    job = new_job(spark, tmp_path, **gate)
    land(job, "1", ("I", 1, "DE", "10.00", 1))
    code, said = job.run()
    assert code == BAD_USAGE
    assert problem in said[-1]["message"]


def test_a_recipe_that_forgets_where_rows_came_from(spark: SparkSession, tmp_path: Path) -> None:
    """Rows can then not be held back, which is said before anything is merged; so is that there is no such day."""
    job = new_job(spark, tmp_path)
    land(job, "1", ("I", 1, "DE", "10.00", 1))

    code, said = job.run(recipe=without_origin)
    assert (code, said[-1]["error"]) == (BAD_USAGE, "ConfigError")
    assert "leaves _origin out of shop.orders" in said[-1]["message"]
    job.quality[0]["by"] = "country"
    code, said = job.run()
    assert code == BAD_USAGE
    assert said[-1]["message"] == "quality.by: shop.orders has no column country of dates; those of dates are: none"
    assert not job.table("orders").exists()
