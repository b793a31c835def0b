"""What a run says on a terminal."""

from __future__ import annotations

import io

from lakehouse.runtime.reporting import Summary, TextReporter, Written
from lakehouse.tables.tallies import MergeResult


def test_brackets_in_names_are_only_brackets() -> None:
    """Names that look like the terminal's own markup are shown as they are, in steps, in the closing table, in failures."""
    said = io.StringIO()
    report = TextReporter(said)
    odd = "[/] [red] [/red]"
    report.step("landed", f"step {odd}")
    written = Written(source="s", table=f"table {odd}", write="current", result=MergeResult())
    report.close(Summary(job=f"job {odd}", rows=1, written=(written,)))
    report.close(Summary(job=f"idle {odd}"))
    report.fail(f"failure {odd}", kind="ConfigError")
    shown = " ".join(said.getvalue().split())
    assert [f"{word} {odd}" in shown for word in ("step", "table", "job", "idle", "failure")] == [True] * 5
