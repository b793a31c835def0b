"""The frame of every report: closed to the network and to what texts would do, and the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_strings import HOSTILE
from report_reader import Element, read_page
from sample_reports import quality_report, runs

from lakehouse.errors import ConfigError
from lakehouse.reports.blocks import (
    Badge,
    Block,
    Cell,
    Chart,
    Charts,
    Code,
    Figure,
    Figures,
    Link,
    Masked,
    Measure,
    Muted,
    Note,
    Point,
    Row,
    Stack,
    Strip,
    Table,
)
from lakehouse.reports.pages import Page, Section, render_page
from lakehouse.reports.quality import quality_page
from lakehouse.reports.texts import visible
from lakehouse.reports.trends import trend_page

MARKUP = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "</title><svg onload=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    "` onclick=`alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<!--", "-->", "]]>", "<![CDATA[", "&lt;b&gt;", "&#x3c;script&#x3e;", "&amp", "\x00<b>", "<b\x00>",
    "\u202e<b>", "\ud800<b>", "<" * 10_000,
)  # fmt: skip


def cells(text: str) -> tuple[Cell, ...]:
    """Every kind of cell that holds a text."""
    return (
        text,
        Badge(verdict="Failed", text=text or "x"),
        Code(text),
        Muted(text),
        Link(text=text, file=text),
        Measure(name=text, value=1.0),
        Stack((text, Code(text))),
    )


def page_of(text: str) -> Page:
    """A page with a text wherever there may be one."""
    table = Table(
        caption=text,
        columns=(text,) * len(cells(text)),
        rows=(Row(cells=cells(text), verdict="Failed"),),
        remark=text or "x",
    )
    chart = Chart(title=text, points=(Point(label="1", value=1.0), Point(label="2", value=2.0)), remark=text or "x")
    blocks: tuple[Block, ...] = (
        Figures((Figure(label=text, value=text, remark=text or "x"),)),
        table,
        Charts((chart,)),
        Note(text),
    )
    return Page(
        kind=text,
        title=text,
        verdict="Failed",
        headline=text,
        remarks=(text,),
        facts=((text, text),),
        sections=(Section(heading=text, blocks=blocks),),
    )


@pytest.mark.parametrize("text", MARKUP, ids=[str(place) for place in range(len(MARKUP))])
def test_no_text_becomes_markup(text: str) -> None:
    """Wherever a text stands, the page has the elements and attributes it has with a plain one, and shows the text."""
    shown = read_page(render_page(page_of(text)))
    plain = read_page(render_page(page_of("plain")))
    assert without_breaks(shown) == without_breaks(plain)
    [heading] = shown.find("h1")
    assert heading.text == visible(text)
    assert shown.text.count(visible(text)) >= 18


def test_no_place_lets_an_invisible_character_through() -> None:
    """Names that may be broken into lines, titles and descriptions are made visible like all other texts."""
    html = render_page(page_of("a.\u202eb_\x00c"))
    assert not {"\u202e", "\x00"} & set(html)
    assert read_page(html).find("figcaption")[0].find("bdi")[0].text == "a.⟨U+202E⟩b_⟨U+0000⟩c"


def without_breaks(page: Element) -> str:
    """The shape of a page, but for where a long name may go on in the next line."""
    return page.shape.replace("<wbr ></wbr>", "")


def test_every_hostile_string_is_shown_as_it_is() -> None:
    """Over five hundred hostile strings in cells of every kind: the elements are those of plain rows, and the texts are there."""
    columns = tuple(f"column {place}" for place in range(len(cells(""))))

    def rendered(texts: tuple[str, ...]) -> Element:
        rows = tuple(Row(cells=cells(text)) for text in texts)
        section = Section(heading="Rows", blocks=(Table(caption="all", columns=columns, rows=rows),))
        page = Page(kind="k", title="t", verdict="Passed", headline="h", sections=(section,))
        return read_page(render_page(page))

    assert len(HOSTILE) > 500
    shown = rendered(HOSTILE)
    assert without_breaks(shown) == without_breaks(rendered(("plain",) * len(HOSTILE)))
    headers = [one.text for one in shown.find("th", scope="row")]
    assert headers == [visible(text) for text in HOSTILE]


@pytest.mark.parametrize("text", [*MARKUP, "../../etc/passwd", "//host/x", "http://host", "a b.html", "run:1?x#y"])
def test_a_link_leads_to_a_file_beside_the_page(text: str) -> None:
    """A name of a file is a name: no scheme, host, folder, query or fragment comes of it."""
    [link] = read_page(render_page(page_of(text))).find("main")[0].find("a")
    assert re.fullmatch(r"\./([\w.~-]|%[0-9A-F]{2})*", link.attributes["href"], flags=re.ASCII)


def pages() -> list[str]:
    """The pages of the sample, and one of hostile texts."""
    made = (quality_page(quality_report()), trend_page("silver.orders", runs()), page_of("plain"))
    return [render_page(one) for one in made]


@pytest.mark.parametrize("html", pages())
def test_the_policy_allows_what_is_in_the_page_and_nothing_else(html: str) -> None:
    """The digests of the one style sheet and the one script are in the policy; no attribute needs what it forbids."""
    page = read_page(html)
    [policy] = page.find("meta", **{"http-equiv": "Content-Security-Policy"})
    stated = dict(part.split(" ", 1) for part in policy.attributes["content"].split("; "))
    assert stated["default-src"] == "'none'"
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        [one] = page.find(tag)
        digest = b64encode(hashlib.sha256(one.text.encode()).digest()).decode()
        assert stated[directive] == f"'sha256-{digest}'"
    names = {name for one in page.walk() for name in one.attributes}
    assert not {name for name in names if name == "style" or name.startswith("on")}


@pytest.mark.parametrize("html", pages())
def test_a_page_loads_nothing(html: str) -> None:
    """Addresses are places in the page, files beside it and an empty icon; the style sheet has none."""
    page = read_page(html)
    addresses = {one.attributes[name] for one in page.walk() for name in ("href", "src") if name in one.attributes}
    assert {one for one in addresses if not one.startswith(("#", "./")) and one != "data:,"} == set()
    assert not re.search(r"url\(|@import|http", page.find("style")[0].text)


@pytest.mark.parametrize("html", pages())
def test_a_page_can_be_found_ones_way_in(html: str) -> None:
    """Identifiers are there once, and what refers to one finds it; headings go down by one; headers of tables have a scope."""
    page = read_page(html)
    names = [one.attributes["id"] for one in page.walk() if "id" in one.attributes]
    assert len(set(names)) == len(names)
    referred = [one.attributes["aria-labelledby"] for one in page.walk() if "aria-labelledby" in one.attributes]
    referred += [one.attributes["href"][1:] for one in page.walk() if one.attributes.get("href", "").startswith("#")]
    referred += [one.attributes["for"] for one in page.walk() if "for" in one.attributes]
    assert referred
    assert set(referred) <= set(names)
    assert [one.tag for one in page.walk() if re.fullmatch("h[1-6]", one.tag)] == ["h1"] + ["h2"] * len(
        page.find("section")
    )
    assert {one.attributes.get("scope") for one in page.find("th")} <= {"col", "row"}
    for row in page.find("tr"):
        assert len(row.find("th")) == 1 or {one.attributes["scope"] for one in row.find("th")} == {"col"}
    assert page.find("html")[0].attributes["lang"] == "en"


def test_a_page_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    """Two processes with other hashes and in other zones write the same page."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from sample_reports import quality_report, runs\n"
        "from lakehouse.reports.pages import render_page\n"
        "from lakehouse.reports.quality import quality_page\n"
        "from lakehouse.reports.trends import trend_page\n"
        "for page in (quality_page(quality_report(), reveal='all'), trend_page('t', runs())):\n"
        "    sys.stdout.buffer.write(render_page(page).encode())\n"
    )

    def written(seed: str, zone: str) -> bytes:
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run([sys.executable, program], env=environment, capture_output=True, check=True).stdout

    here = [quality_page(quality_report(), reveal="all"), trend_page("t", runs())]
    assert written("1", "Asia/Kolkata") == written("2", "UTC") == "".join(map(render_page, here)).encode()


def test_a_frame_needs_no_sections() -> None:
    """A page may be a verdict alone; then there is nothing to filter."""
    page = read_page(render_page(Page(kind="Run", title="shop", verdict="Passed", headline="Nothing new.")))
    assert page.find("search") == page.find("section") == page.find("nav") == []
    assert page.find("p", class_="headline")[0].text == "Passed. Nothing new."
    assert page.find("title")[0].text == "Passed: shop"


def test_the_filter_offers_the_verdicts_that_rows_have() -> None:
    """A button for each verdict, the gravest first, with how many rows have it; none where all rows have the same."""
    page = read_page(render_page(quality_page(quality_report())))
    assert [one.text for one in page.find("button")] == ["Error 1", "Failed 18", "Warning 2", "Passed 7"]
    assert page.find("output")[0].text == "28 rows"
    assert read_page(render_page(page_of("plain"))).find("button") == []


def test_cells_are_written_by_their_kind() -> None:
    """Numbers for people and to the right, a null as one, a masked value as one, verdicts over runs in words."""
    row = (1234, None, Masked(), Strip(("Passed", None, "Failed")), Measure(name="m", value=None), "")
    table = Table(caption="c", columns=tuple("abcdef"), rows=(Row(cells=row),), header=1)
    page = Page(kind="k", title="t", verdict="Passed", headline="h", sections=(Section(heading="s", blocks=(table,)),))
    [_, written] = read_page(render_page(page)).find("tr")
    number, null, masked, strip, measure, empty = (one for one in written.walk() if one.tag in {"td", "th"})
    assert (number.text, number.attributes["class"]) == ("1,234", "number")
    assert (null.tag, null.text) == ("th", "null")
    assert masked.text == "•••••masked"
    assert strip.find("span", class_="strip")[0].attributes["aria-label"] == (
        "Over 3 runs, the oldest first: 1 failed, 1 passed, 1 without verdict"
    )
    assert [one.attributes["class"] for one in strip.find("i")] == ["passed", "absent", "failed"]
    assert measure.text.split() == ["m", "none"]
    assert empty.text == ""


def test_a_row_has_a_cell_for_each_column() -> None:
    """A table whose rows would slip below other headings is refused, with the row and both numbers."""
    rows = (Row(cells=("1", "2")), Row(cells=("1",)))
    with pytest.raises(ConfigError, match=r"'orders': row 2 has 1 cells for 2 columns"):
        Table(caption="orders", columns=("a", "b"), rows=rows)


def test_a_table_without_rows_is_a_table() -> None:
    """No rows: headings alone, none of them numeric."""
    empty = Table(caption="c", columns=("a",), rows=())
    assert empty.numeric == (False,)
    section = Section(heading="s", blocks=(empty,))
    page = replace(page_of("plain"), sections=(section,))
    assert [one.text for one in read_page(render_page(page)).find("th")] == ["a"]
