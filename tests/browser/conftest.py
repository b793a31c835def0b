"""One headless Chromium, and pages that were opened in it while everything they complain of was written down."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, sync_playwright
from report_tabs import WIDE, Open, Opened

from lakehouse.reports.pages import Page, render_page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of the system; root has to go without its sandbox."""
    chromium = shutil.which("chromium")
    assert chromium, "there is no chromium; tests/browser/install.sh installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """A function that opens a page from a file, as a person would; at the end none may have complained."""
    opened: list[Opened] = []

    def run(
        page: Page,
        *,
        size: tuple[int, int] = WIDE,
        scheme: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> Opened:
        file = tmp_path / f"{len(opened)}.html"
        file.write_text(render_page(page), encoding="utf-8")
        tab = browser.new_page(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        one = Opened(tab)
        tab.on("console", lambda message: one.complaints.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: one.complaints.append(f"error: {error}"))
        tab.on("dialog", lambda dialog: one.complaints.append(f"dialog: {dialog.message}"))
        tab.on("dialog", lambda dialog: dialog.dismiss())
        tab.on("request", lambda request: one.requests.append(request.url))
        tab.goto(file.as_uri())
        opened.append(one)
        return one

    yield run
    for one in opened:
        one.tab.close()
    assert [complaint for one in opened for complaint in one.complaints] == []
