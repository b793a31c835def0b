"""What a run says on a terminal."""

from __future__ import annotations

import io
import json

from lakehouse.runtime.reporting import LogStyle, Summary, TextReporter, Written, reporter
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


def test_letters_that_a_stream_does_not_have_are_escaped() -> None:
    """A name of a file does not end the run where standard output is Latin-1: JSON stays JSON, text shows an escape."""
    name = "日 😀 ü"
    styles: tuple[LogStyle, ...] = ("json", "text")
    for style in styles:
        bytes_ = io.BytesIO()
        stream = io.TextIOWrapper(bytes_, encoding="latin-1", write_through=True)
        reporter(style, stream).step("landed", name)
        said = bytes_.getvalue().decode("latin-1")
        assert json.loads(said)["message"] == name if style == "json" else "\\u65e5" in said
