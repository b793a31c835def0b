"""The report that a run leaves: where, of what, and that it never stands in the way of the run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from report_reader import Element, read_page

from lakehouse.config.models import JobConfig
from lakehouse.quality.outcomes import Outcome, Verdict
from lakehouse.reports.findings import FailingRows
from lakehouse.runtime.command_line import main
from lakehouse.runtime.planning import Job
from lakehouse.runtime.reporting import Drift, Judged, Summary, Written
from lakehouse.runtime.run_reports import run_report, write_run_report
from lakehouse.runtime.runs import Run
from lakehouse.tables import Snapshot
from lakehouse.tables.tallies import MergeResult

STARTED = datetime(2026, 11, 27, 14, 15, tzinfo=UTC)
SHOP: dict[str, Any] = {
    "job": "shop",
    "inputs": {
        "shop": {
            "path": "landing", "feed": "columns", "files": "json", "bronze": "bronze.shop", "options": {"sequence": {"n": "bigint"}},
            "tables": {"shop.orders": {"keys": ["id"], "columns": {"id": "bigint", "n": "bigint"}}},
        }
    },
    "outputs": {"current": {"table": "silver.{table}", "write": "current"}},
}  # fmt: skip


@dataclass
class Told:
    """A reporter that keeps what it is told."""

    steps: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    def step(self, event: str, message: str, **facts: object) -> None:
        """Keep it."""
        self.steps.append((event, message, facts))

    def close(self, summary: Summary) -> None:
        """Nothing here closes a run."""

    def fail(self, message: str, *, kind: str) -> None:
        """Nothing here fails a run."""


def job(
    reports: Mapping[str, Any] | None, *, run_id: str = "r1", started: datetime = STARTED, name: str = "shop"
) -> Job:
    """A job that leaves its reports somewhere, without a session."""
    config = JobConfig.model_validate({**SHOP, "job": name, "reports": reports})
    run = Run(job=name, run_id=run_id, started_at=started)
    return Job(spark=cast("Any", None), config=config, recipe=lambda some, _: some, params=None, run=run, report=Told())


def told(of: Job) -> list[tuple[str, str, dict[str, object]]]:
    """The steps that a job reported."""
    return cast("Told", of.report).steps


def judged(verdict: Verdict = "Passed", value: float = 1.0) -> Judged:
    """What a ruleset of one rule said."""
    outcome = Outcome(
        rule='IsComplete "n"', verdict=verdict, reason="", metrics={"Column.n.Completeness": value}, labels={}
    )
    return Judged(
        table="shop.orders", outcomes=(outcome,), metrics=outcome.metrics, on_failure="warn", rows=9, failed=1
    )


SUMMARY = Summary(job="shop", files=1, rows=9, judged=(judged(),), seconds=2.5)


def pages(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(one.name for one in folder.iterdir())


def sparks(page: Element) -> list[str]:
    """What the sparklines of a page show."""
    return [one.attributes["aria-label"] for one in page.find("span", class_="spark")]


def test_a_run_leaves_a_page_and_a_record(tmp_path: Path) -> None:
    """Both lie in the folder of the job under the time and the id of the run; the step says where; nothing else is left."""
    this = job({"at": str(tmp_path)})
    address = write_run_report(this, SUMMARY)
    folder = tmp_path / "shop"
    assert address == str(folder / "20261127T141500Z-r1.html")
    assert pages(folder) == ["20261127T141500Z-r1.html", "20261127T141500Z-r1.json"]
    assert told(this) == [("report_written", f"report: {address}", {"verdict": "Passed", "file": address})]
    page = read_page((folder / "20261127T141500Z-r1.html").read_text(encoding="utf-8"))
    assert [one.text for one in page.find("h1")] == ["shop"]


def test_times_of_names_are_of_utc(tmp_path: Path) -> None:
    """A run that began in another zone is among the others in its place."""
    began = STARTED.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    write_run_report(job({"at": str(tmp_path)}, started=began), SUMMARY)
    assert pages(tmp_path / "shop")[0] == "20261127T141500Z-r1.html"


@pytest.mark.parametrize("written", [Summary(job="shop", hidden_files=1), SUMMARY])
def test_no_report_where_none_is_wanted_or_nothing_was_done(tmp_path: Path, written: Summary) -> None:
    """A run with nothing new leaves nothing, and neither does a job that has no place for reports."""
    this = job(None if written is SUMMARY else {"at": str(tmp_path)})
    assert write_run_report(this, written) is None
    assert told(this) == []
    assert pages(tmp_path) == []


def test_rules_look_back_on_the_newest_thirty_runs(tmp_path: Path) -> None:
    """A sparkline is of this run and of thirty before it, however many there are, and of none after it."""
    for day in range(33):
        write_run_report(
            job({"at": str(tmp_path)}, run_id=f"r{day}", started=STARTED + timedelta(days=day)),
            replace(SUMMARY, judged=(judged(value=day / 100),)),
        )
    again = write_run_report(job({"at": str(tmp_path)}, run_id="r31", started=STARTED + timedelta(days=31)), SUMMARY)
    assert sparks(read_page(Path(str(again)).read_text(encoding="utf-8"))) == ["31 runs: from 0.01 to 1, the newest 1"]


def test_what_else_lies_in_the_folder_is_passed_over(tmp_path: Path) -> None:
    """Torn records, other files, and records of another job do not count, and do no harm."""
    write_run_report(job({"at": str(tmp_path)}, run_id="a"), SUMMARY)
    folder = tmp_path / "shop"
    whole = (folder / "20261127T141500Z-a.json").read_text(encoding="utf-8")
    (folder / "20261127T141500Z-b.json").write_text(whole[:50], encoding="utf-8")
    (folder / "20261127T141500Z-c.json").write_bytes(b"\xff\xfe")
    (folder / "20261127T141500Z-d.json").write_text(whole.replace('"shop"', '"other"'), encoding="utf-8")
    (folder / "notes.json").write_text(whole, encoding="utf-8")
    later = write_run_report(job({"at": str(tmp_path)}, started=STARTED + timedelta(days=1)), SUMMARY)
    assert sparks(read_page(Path(str(later)).read_text(encoding="utf-8"))) == ["2 runs: from 1 to 1, the newest 1"]


@pytest.mark.parametrize(("name", "run_id"), [("../shop", "../../r"), (".", "a/b:c"), ("a b", "<b>"), ("/etc", "\n")])
def test_names_stay_in_the_folder(tmp_path: Path, name: str, run_id: str) -> None:
    """No name of a job or a run leads out of the folder of reports."""
    at = tmp_path / "reports"
    address = write_run_report(job({"at": str(at)}, name=name, run_id=run_id), SUMMARY)
    assert Path(str(address)).resolve().parent.parent == at.resolve()
    assert pages(tmp_path) == ["reports"]


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The run goes on; a step says which place it was, and why."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    this = job({"at": str(tmp_path / "file")})
    assert write_run_report(this, SUMMARY) is None
    [(event, message, facts)] = told(this)
    assert (event, facts["error"]) == ("report_not_written", "NotADirectoryError")
    assert message == f"the report of this run was not written to {tmp_path / 'file'}: Not a directory"


def test_what_draws_pages_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without the extra runs jobs all the same, and says what to install."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "lakehouse.reports.pages", raising=False)
    this = job({"at": str(tmp_path)})
    assert write_run_report(this, SUMMARY) is None
    [(_, message, _)] = told(this)
    assert message.endswith("jinja2 is missing: install lakehouse[reports]")


@pytest.mark.parametrize("reveal", [False, True])
def test_values_are_written_only_where_they_are_revealed(tmp_path: Path, *, reveal: bool) -> None:
    """By default the bytes hold no value of a row, but where the row came from; the record never holds one."""
    columns, row = ("_source_file", "_row", "n"), ("orders.json", "7", "secret 42")
    failing = FailingRows(rule='IsComplete "n"', columns=columns, rows=(row,), total=3)
    summary = replace(SUMMARY, judged=(replace(judged("Failed"), failing=(failing,)),))
    write_run_report(job({"at": str(tmp_path), "reveal_values": reveal}), summary)
    page, record = [one.read_text(encoding="utf-8") for one in sorted((tmp_path / "shop").iterdir())]
    assert ("secret 42" in page) == reveal
    assert "orders.json" in page
    assert "1 row of 3 that fail this rule." in page
    assert "secret" not in record


def test_a_report_tells_what_the_summary_does() -> None:
    """Counts, tables, drift and rules; changes that came too late are with the tables that did not take them."""
    commit = Snapshot(version=7, committed_at=STARTED, operation="MERGE")
    result = MergeResult(input=9, applied=6, duplicate=1, quarantined=2, inserted=4, updated=1, commit=commit)
    written = Written(source="shop.orders", table="silver.orders", write="current", result=result, evolved=("+ a int",))
    summary = Summary(
        job="shop", files=3, repeated_files=1, hidden_files=2, refused_files={"truncated": 1}, rows=12,
        quarantined={"bad_value": 2, "too_late": 2}, skipped={"control": 1}, seconds=2.5, written=(written,),
        drift=(Drift(table="shop.orders", column="x", state="unknown", rows=5),), judged=(judged("Failed"),),
    )  # fmt: skip
    report = run_report(Run(job="shop", run_id="r1", started_at=STARTED), summary)
    assert (report.rows.read, report.rows.kept, report.rows.quarantined) == (12, 9, {"bad_value": 2})
    assert (report.files.new, report.files.repeated, report.files.hidden, report.files.refused) == (
        3, 1, 2, {"truncated": 1},
    )  # fmt: skip
    [target] = report.targets
    assert (target.table, target.kind, target.source) == ("silver.orders", "current", "shop.orders")
    assert (target.changes, target.applied, target.duplicate, target.too_late) == (9, 6, 1, 2)
    assert (target.inserted, target.updated, target.deleted, target.version) == (4, 1, 0, "7")
    assert target.evolved == ("+ a int",)
    assert [(one.column, one.state, one.rows) for one in report.beside] == [("x", "unknown", 5)]
    assert [(one.rule, one.verdict) for one in report.rules] == [('IsComplete "n"', "Failed")]
    assert (report.took, report.verdict) == (timedelta(seconds=2.5), "Warning")
    assert run_report(Run(job="shop", run_id="r1", started_at=STARTED), summary, stopped=True).verdict == "Failed"


def configured(tmp_path: Path, **more: Any) -> str:
    """A file of the configuration."""
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump({**SHOP, **more}), encoding="utf-8")
    return str(path)


def test_the_command_makes_a_page_over_all_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page lies beside the reports and links to each; made again it is the same; `--last` takes the newest."""
    for day, verdict in enumerate(("Passed", "Failed", "Passed")):
        this = job({"at": str(tmp_path)}, run_id=f"r{day}", started=STARTED + timedelta(days=day))
        write_run_report(this, replace(SUMMARY, judged=(judged(cast("Verdict", verdict)),)))
    config = configured(tmp_path, reports={"at": str(tmp_path)})
    trend = tmp_path / "shop" / "trend.html"
    assert main(["report", config]) == 0
    assert capsys.readouterr().out == f"{trend}\n"
    first = trend.read_bytes()
    page = read_page(first.decode())
    assert page.find("p", class_="headline")[0].text == "Passed. 2 of 3 runs passed."
    assert [one.attributes["href"] for one in page.find("main")[0].find("a")] == [
        f"./2026112{9 - day}T141500Z-r{2 - day}.html" for day in range(3)
    ]
    assert main(["report", config]) == 0
    assert trend.read_bytes() == first
    assert main(["report", config, "--last", "1"]) == 0
    assert "1 of 1 run passed." in trend.read_text(encoding="utf-8")


def test_a_page_elsewhere_has_no_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link would lead to nothing there; a place that cannot be written is bad usage."""
    write_run_report(job({"at": str(tmp_path)}), SUMMARY)
    config, out = configured(tmp_path, reports={"at": str(tmp_path)}), tmp_path / "all.html"
    assert main(["report", config, "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert read_page(out.read_text(encoding="utf-8")).find("main")[0].find("a") == []
    assert main(["report", config, "--out", str(tmp_path / "absent" / "x.html")]) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_there_may_be_nothing_to_make_a_page_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A job that leaves no reports, and one that has left none yet, are bad usage with the remedy."""
    assert main(["report", configured(tmp_path)]) == 2
    assert "say where in reports.at" in capsys.readouterr().err
    assert main(["report", configured(tmp_path, reports={"at": str(tmp_path)})]) == 2
    assert "job shop has left no report yet" in capsys.readouterr().err
