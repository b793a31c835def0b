"""The report pages in a browser: what a person sees, clicks, types and tabs to, and what a page must never do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect
from report_tabs import NARROW, WIDE, Open
from sample_reports import COMPLETE, UNIQUE, quality_report, run_report, runs

from lakehouse.reports.blocks import Badge, Code, Row, Table
from lakehouse.reports.findings import Drift, FailingRows, RuleResult
from lakehouse.reports.pages import Page, Section
from lakehouse.reports.quality import quality_page
from lakehouse.reports.run_page import run_page
from lakehouse.reports.runs import BesideContract, FileCounts, JudgedTable, RowFates, TargetCounts
from lakehouse.reports.trends import RunSummary, trend_page

QUALITY = quality_page(quality_report(), reveal=["order_id", "currency"])
TREND = trend_page("silver.orders", runs())
RUN = run_page(run_report(), reveal=["order_id"])

HOSTILE = (
    "<script>window.hacked = 1; alert(1)</script>",
    "</script><script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "' onfocus='window.hacked = 1' autofocus tabindex='1",
    "javascript:window.hacked=1",
    "</table></main><h1>Passed</h1>",
    "nul\x00 and \u202egnp.exe",
    "مرحبا بالعالم",
    "W" * 100_000,
    "not_one_place_to_break_a_line_" * 20,
)


def hostile_pages() -> tuple[Page, Page, Page]:
    """All pages with a hostile text in every name, reason and value."""
    rules = tuple(
        RuleResult(
            rule=text,
            verdict="Failed",
            reason=text,
            metrics={text: 1.0},
            earlier={text: (0.5, 0.7)},
            labels={text: text},
        )
        for text in HOSTILE
    )
    report = replace(
        quality_report(),
        table=HOSTILE[0],
        job=HOSTILE[2],
        run=HOSTILE[8],
        rules=rules,
        failing=tuple(FailingRows(rule=text, columns=HOSTILE, rows=(HOSTILE,), total=1) for text in HOSTILE),
        drift=(Drift(column=HOSTILE[8], measure=HOSTILE[9], value=1, limit=0, verdict="Failed", appeared=HOSTILE),),
    )
    started = datetime(2026, 11, 1, tzinfo=UTC)
    over = tuple(
        RunSummary(run=text, started=started, verdicts={text: "Failed"}, metrics={text: 1.0}, file=text)
        for text in HOSTILE
    )
    run = replace(
        run_report(),
        job=HOSTILE[9],
        run=HOSTILE[8],
        files=FileCounts(refused=dict.fromkeys(HOSTILE, 1)),
        rows=RowFates(read=99, quarantined=dict.fromkeys(HOSTILE, 1), skipped=dict.fromkeys(HOSTILE, 1)),
        targets=tuple(
            TargetCounts(
                table=text,
                kind=text,
                source=text,
                changes=1_234_567_890,
                applied=1_234_567_890,
                inserted=1_234_567_890,
                version=text,
                evolved=(text,),
            )
            for text in HOSTILE
        ),
        beside=tuple(BesideContract(table=text, column=text, state=text, rows=1) for text in HOSTILE),
        judged=tuple(
            JudgedTable(
                table=text, part=text, rules=(rule,), on_failure=text, rows=1, failed=1, failing=report.failing[:1]
            )
            for rule, text in zip(rules, HOSTILE, strict=True)
        ),
    )
    return quality_page(report, reveal="all"), trend_page(HOSTILE[8], over), run_page(run, reveal="all")


def shown_rows(tab: Tab) -> int:
    """How many rows can be seen."""
    count: int = tab.locator("[data-row]:visible").count()
    return count


@pytest.mark.parametrize("page", [QUALITY, TREND, RUN], ids=["quality", "trend", "run"])
def test_a_page_asks_for_nothing(open_page: Open, page: Page) -> None:
    """A page opens in standards mode, complains of nothing, and the only request is for itself."""
    opened = open_page(page)
    assert opened.tab.evaluate("document.compatMode") == "CSS1Compat"
    assert [url for url in opened.requests if not url.startswith("data:")] == [opened.tab.url]
    expect(opened.tab).to_have_title(f"{page.verdict}: {page.title}")


def test_words_filter_rows(open_page: Open) -> None:
    """Rows with all the words stay, in any case and order; a word of a caption keeps its rows; the count is announced."""
    tab = open_page(QUALITY).tab
    found, words = tab.locator("#found"), tab.get_by_label("Filter rows", exact=True).and_(tab.locator("input"))
    assert found.get_attribute("aria-live") == "polite"
    expect(found).to_have_text("28 rows")
    words.fill("CURRENCY columnvalues")
    # the rule, and the six rows below its name
    expect(found).to_have_text("7 of 28 rows")
    assert shown_rows(tab) == 7
    words.press("Escape")
    expect(found).to_have_text("28 rows")
    assert shown_rows(tab) == 28
    words.press_sequentially("so-880401")
    expect(found).to_have_text("2 of 28 rows")


def test_what_matches_nothing_says_so(open_page: Open) -> None:
    """A table without a row that matches gives way to a sentence that names it, and comes back."""
    tab = open_page(QUALITY).tab
    tab.locator("#words").fill("nothing has this name")
    expect(tab.locator("#found")).to_have_text("0 of 28 rows")
    assert tab.locator("table:visible").count() == 0
    assert tab.get_by_text("no row matches the filter.").locator("visible=true").count() == 6
    assert tab.get_by_text(f"{UNIQUE}: no row matches").is_visible()
    assert tab.get_by_text("4 rows of 44").is_hidden()
    tab.locator("#words").fill("")
    assert tab.locator("table:visible").count() == 6


def test_buttons_filter_by_verdict(open_page: Open) -> None:
    """Each button that is pressed lets its verdict stay; words and buttons go together; pressed again, it lets go."""
    tab = open_page(QUALITY).tab
    found = tab.locator("#found")
    failed, error = tab.get_by_role("button", name="Failed"), tab.get_by_role("button", name="Error")
    error.click()
    expect(found).to_have_text("1 of 28 rows")
    failed.click()
    expect(found).to_have_text("19 of 28 rows")
    assert {failed.get_attribute("aria-pressed"), error.get_attribute("aria-pressed")} == {"true"}
    tab.locator("#words").fill("email")
    expect(found).to_have_text("7 of 28 rows")
    tab.locator("#words").fill("")
    failed.click()
    error.click()
    expect(found).to_have_text("28 rows")


def test_rows_without_a_verdict_stay(open_page: Open) -> None:
    """No button hides a row that has no verdict."""
    rows = (Row(cells=("a",)), Row(cells=("b",), verdict="Passed"), Row(cells=("c",), verdict="Failed"))
    section = Section(heading="s", blocks=(Table(caption="t", columns=("name",), rows=rows),))
    tab = open_page(Page(kind="k", title="t", verdict="Failed", headline="h", sections=(section,))).tab
    tab.get_by_role("button", name="Passed").click()
    assert tab.locator("[data-row]:visible").all_inner_texts() == ["a", "b"]


def test_the_keyboard_is_enough(open_page: Open) -> None:
    """Tab goes from the skip link over sections, filter and buttons to the tables that scroll; focus can be seen everywhere."""
    tab = open_page(QUALITY).tab
    stops = []
    for _ in range(14):
        tab.keyboard.press("Tab")
        stops.append(
            tab.evaluate("(document.activeElement.innerText || document.activeElement.id).trim().split('\\n')[0]")
        )
        outline = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", stops[-1]
    assert stops[:6] == ["Skip to the content", "Rules", "Rows", "Failing rows", "Schema changes", "Drift"]
    assert stops[6:11] == ["words", "Error", "Failed", "Warning", "Passed"]
    assert stops[11:13] == [UNIQUE, COMPLETE]
    tab.locator("button", has_text="Error").focus()
    tab.keyboard.press("Space")
    expect(tab.locator("#found")).to_have_text("1 of 28 rows")


def test_the_skip_link_skips(open_page: Open) -> None:
    """The first stop is a link that is out of sight until then; Enter leads past header, sections and filter."""
    tab = open_page(QUALITY).tab
    link = tab.get_by_text("Skip to the content")
    assert (link.bounding_box() or {"y": 0})["y"] < -10
    tab.keyboard.press("Tab")
    assert (link.bounding_box() or {"y": -1})["y"] >= 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("width", [360, 1024, 1280])
@pytest.mark.parametrize("name", [section.heading for section in QUALITY.sections])
def test_sections_are_a_click_away(open_page: Open, name: str, width: int) -> None:
    """The heading that a link leads to is in sight, and not below the bar that stays on top of a wide window."""
    tab = open_page(QUALITY, size=(width, 900)).tab
    tab.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    heading = tab.locator("h2", has_text=name).first
    expect(heading).to_be_in_viewport()
    bar, place = tab.locator(".tools").bounding_box(), heading.bounding_box()
    assert bar
    assert place
    assert place["y"] >= bar["y"] + bar["height"]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", [QUALITY, TREND, RUN, hostile_pages()[0]], ids=["quality", "trend", "run", "hostile"])
def test_axe_finds_no_barrier(
    open_page: Open, page: Page, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    """The rules of axe, contrast AA among them, hold in light and dark, wide and narrow."""
    tab = open_page(page, scheme=scheme, size=size).tab
    found = Axe().run(tab).response
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    assert "color-contrast" in {one["id"] for one in found["passes"]}


@pytest.mark.parametrize(
    "page",
    [QUALITY, TREND, RUN, *hostile_pages()],
    ids=["quality", "trend", "run", "hostile", "hostile trend", "hostile run"],
)
@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_no_window_is_too_narrow(open_page: Open, page: Page, width: int) -> None:
    """Nothing makes the page wider than its window, from the 320 pixels that WCAG asks for; wide tables scroll by themselves."""
    tab = open_page(page, size=(width, 700)).tab
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_rows_are_cards_in_a_narrow_window(open_page: Open) -> None:
    """Cells are below one another with the names of their columns, and assistive technology still hears a table."""
    tab = open_page(QUALITY, size=NARROW).tab
    listing = tab.locator(".listing", has=tab.get_by_text("Columns that changed"))
    cells = [cell.bounding_box() for cell in listing.locator("tbody tr").first.locator("td, th").all()]
    tops = [box["y"] for box in cells if box]
    assert len(tops) == 4
    assert tops == sorted(set(tops))
    assert listing.get_by_role("row").count() == 4
    assert listing.get_by_role("rowheader").count() == 3
    before = "getComputedStyle(document.querySelector('td[data-label=Before]'), '::before').content"
    assert tab.evaluate(before) == '"Before"'


def test_counts_stand_beside_their_names_in_a_narrow_window(open_page: Open) -> None:
    """The counts of a table are a list there, each with its name on the same line, and columns in a wide window and on paper."""

    def line(tab: Tab) -> tuple[float, float, str]:
        cell = tab.locator(".listing", has=tab.get_by_text("What was written")).locator("td[data-label=Changes]").first
        box = cell.bounding_box() or {"height": 0.0, "width": 0.0}
        return box["height"], box["width"], cell.evaluate("one => getComputedStyle(one).display")

    height, width, display = line(open_page(RUN, size=NARROW).tab)
    assert (display, height < 40, width > 250) == ("flex", True, True)
    tab = open_page(RUN).tab
    assert line(tab)[2] == "table-cell"
    tab.set_viewport_size({"width": 688, "height": 900})
    tab.emulate_media(media="print")
    assert line(tab)[2] == "table-cell"
    headings = tab.locator(".listing", has=tab.get_by_text("What was written")).locator("thead th bdi")
    assert headings.all_inner_texts()[:3] == ["Table", "Changes", "Applied"]
    assert {box["height"] < 25 for one in headings.all()[:6] if (box := one.bounding_box())} == {True}


def test_dark_mode_is_dark(open_page: Open) -> None:
    """Who prefers dark gets light letters on a dark page, charts included."""

    def colours(scheme: Literal["light", "dark"]) -> list[int]:
        tab = open_page(TREND, scheme=scheme).tab
        scripts = [
            "getComputedStyle(document.body).backgroundColor",
            "getComputedStyle(document.body).color",
            "getComputedStyle(document.querySelector('.plot-area text')).fill",
        ]
        return [sum(map(int, re.findall(r"\d+", tab.evaluate(one))[:3])) for one in scripts]

    ground, ink, label = colours("dark")
    assert ground < 120
    assert min(ink, label) > 400
    ground, ink, label = colours("light")
    assert ground > 600
    assert max(ink, label) < 400


@pytest.mark.parametrize(
    "page",
    [QUALITY, TREND, RUN, *hostile_pages()],
    ids=["quality", "trend", "run", "hostile", "hostile trend", "hostile run"],
)
def test_paper_holds_everything(open_page: Open, page: Page, tmp_path: Path) -> None:
    """In print there is no filter and no bar, ink is on white even for who prefers dark, tables are tables, nothing is cut off."""
    tab = open_page(page, scheme="dark", size=(688, 900)).tab
    tab.emulate_media(media="print")
    assert tab.locator(".tools").is_hidden()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert tab.locator("thead").first.is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 688
    printed = tmp_path / "report.pdf"
    tab.pdf(path=printed, format="A4")
    assert printed.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("page", hostile_pages(), ids=["quality", "trend", "run"])
def test_hostile_texts_do_nothing(open_page: Open, page: Page) -> None:
    """Scripts, handlers, addresses and tags in names and values are text: nothing runs, asks, or steps out of its place."""
    opened = open_page(page)
    tab = opened.tab
    tab.locator("#words").fill("<script>")
    tab.locator("#words").fill("")
    assert tab.evaluate("window.hacked") is None
    assert [tab.locator(name).count() for name in ("script", "h1", "main", "img", "[onerror], [onfocus]")] == [
        1,
        1,
        1,
        0,
        0,
    ]
    assert [url for url in opened.requests if not url.startswith("data:")] == [tab.url]
    addresses = [link.get_attribute("href") or "" for link in tab.locator("main a").all()]
    assert all(re.fullmatch(r"\./[\w.~%-]+", one) for one in addresses)


def test_the_policy_is_in_force(open_page: Open) -> None:
    """Were there a hole all the same: scripts and styles that are put into the page do not run, and nothing can be sent."""
    opened = open_page(QUALITY)
    opened.tab.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = 1";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<img src='https://example.invalid/x.png' onerror='window.hacked = 1'>");
            document.body.insertAdjacentHTML("beforeend", "<p id='styled' style='position: fixed'>x</p>");
        }"""
    )
    sent = opened.tab.evaluate("fetch('https://example.invalid/').then(() => 'sent', () => 'refused')")
    assert sent == "refused"
    assert opened.tab.evaluate("window.hacked") is None
    assert opened.tab.evaluate("getComputedStyle(document.querySelector('#styled')).position") == "static"
    refused = [one for one in opened.complaints if "Content Security Policy" in one]
    assert len(refused) >= 4
    assert [one for one in opened.complaints if one not in refused and "example.invalid" not in one] == []
    opened.complaints.clear()  # they were asked for


def test_a_page_without_scripts_is_whole(open_page: Open) -> None:
    """Where scripts are off, everything is there but the filter."""
    tab = open_page(QUALITY, scripts=False).tab
    expect(tab.locator(".filter")).to_be_hidden()
    assert tab.locator("[data-row]").count() == 28
    assert tab.locator("[data-row]:visible").count() == 28


def test_many_rows_are_filtered_at_once(open_page: Open) -> None:
    """Five thousand rows are filtered while one types: within a second, and some more on a machine that has other work."""
    rows = tuple(
        Row(cells=(Badge(verdict="Failed"), Code(f"rule {place}")), verdict="Failed") for place in range(5_000)
    )
    table = Table(caption="many", columns=("verdict", "rule"), rows=rows, header=1)
    section = Section(heading="Rules", blocks=(table,))
    tab = open_page(Page(kind="k", title="t", verdict="Failed", headline="h", sections=(section,))).tab
    spent = tab.evaluate(
        """() => {
            const words = document.querySelector("#words"), started = performance.now();
            words.value = "4999";
            words.dispatchEvent(new Event("input"));
            return performance.now() - started;
        }"""
    )
    expect(tab.locator("#found")).to_have_text("1 of 5,000 rows")
    assert spent < 3_000
