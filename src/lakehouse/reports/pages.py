"""The frame of every report: one HTML page with a verdict, facts and sections, that loads nothing and runs nowhere else.

Whatever a page shows is escaped by the template engine, and shown by `visible`; there is no way to hand it markup. The
Content-Security-Policy allows the one style sheet and the one script that are in the page, by their digests, and no network.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from lakehouse.reports.blocks import SEVERITY, Block, Strip, Table, Verdict
from lakehouse.reports.charts import describe, line_chart, over_runs, sparkline
from lakehouse.reports.texts import counted, number, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a page.

    Attributes:
        heading: what it is about.
        blocks: what it shows, from top to bottom.
        verdict: an icon beside its heading.
    """

    heading: str
    blocks: tuple[Block, ...]
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A report.

    Attributes:
        kind: which kind of report it is.
        title: what it is about.
        verdict: what came of it.
        headline: the verdict in a sentence.
        remarks: what else to say at once, a sentence each.
        facts: names and texts: which run, when, on what.
        sections: from top to bottom.
    """

    kind: str
    title: str
    verdict: Verdict
    headline: str
    remarks: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()


def render_page(page: Page) -> str:
    """Write a page as HTML: the same page, the same text. Encode it as UTF-8.

    >>> page = Page(kind="Run", title="shop <b>", verdict="Passed", headline="Nothing new.")
    >>> "shop &lt;b&gt;" in render_page(page)
    True
    """
    style, script = _resource("page.css"), _resource("page.js")
    tables = [one for section in page.sections for one in section.blocks if isinstance(one, Table)]
    kept = Counter(row.verdict for table in tables for row in table.rows)
    return (
        _environment()
        .get_template("page.html")
        .render(
            page=page,
            policy=Markup(_policy(style, script)),  # nosec B704  # noqa: S704 our own digests
            style=Markup(style),  # nosec B704  # noqa: S704 our own file
            script=Markup(script),  # nosec B704  # noqa: S704 our own file
            verdicts=[
                (one, kept[one]) for one in sorted(SEVERITY, key=SEVERITY.__getitem__, reverse=True) if kept[one]
            ],
            rows=kept.total(),
        )
    )


def _policy(style: str, script: str) -> str:
    allowed = f"style-src {_digest(style)}; script-src {_digest(script)}"
    return f"default-src 'none'; {allowed}; img-src data:; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _resource(name: str) -> str:
    return files("lakehouse.reports").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        loader=FunctionLoader(_resource),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "tally": tally, "file": _href, "breakable": _breakable}
    made.globals |= {
        "counted": counted,
        "describe": describe,
        "line_chart": line_chart,
        "over_runs": over_runs,
        "sparkline": sparkline,
    }
    return made


def _finalized(value: Any) -> Any:
    """What becomes of every text before it is escaped; markup is of our own making."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _href(file: str) -> Markup:
    """The address of a file beside the page, whatever its name says."""
    name = file.encode("utf-8", "replace")
    return Markup("./" + quote(name, safe=""))  # nosec B704  # noqa: S704 letters and percent signs


def _breakable(name: str) -> Markup:
    """A long name that may go on in the next line after a dot, rather than anywhere."""
    return Markup("<wbr>").join(re.split(r"(?<=[._/])(?=\w)", visible(name)))


def tally(strip: Strip) -> str:
    """Say in words what a strip of verdicts shows.

    >>> tally(Strip(("Passed", None, "Failed", "Passed")))
    'Over 4 runs, the oldest first: 1 failed, 2 passed, 1 without verdict'
    """
    kept = Counter(strip.verdicts)
    parts = [f"{kept[one]} {one.lower()}" for one in SEVERITY if kept[one]]
    parts += [f"{kept[None]} without verdict"] if kept[None] else []
    return f"Over {counted(len(strip.verdicts), 'run')}, the oldest first: {', '.join(parts)}"
