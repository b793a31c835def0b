"""The page of feeds tells of every feed and every option there is, and its examples are valid."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse.cdc.parsing import FEEDS, SNAPSHOT, check_options
from lakehouse.config.loading import load_config
from lakehouse.config.models import Input

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "feeds.md"


def sections() -> dict[str, str]:
    """The text under each heading of the page."""
    _, *parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def example(section: str) -> dict[str, Any]:
    """The one configuration in a section."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    told: dict[str, Any] = yaml.safe_load(text)
    return told


def loaded(feed: str, folder: Path) -> Input:
    """The example of a feed as a job loads it, the schema files that it names beside it."""
    told = example(sections()[feed])
    for name in told.get("options", {}).get("schemas", {}).values():
        folder.joinpath(name).parent.mkdir(exist_ok=True)
        folder.joinpath(name).write_text('{"type": "record", "name": "Value", "fields": []}')
    job = {"job": "j", "inputs": {"app": told}, "outputs": {"current": {"table": "{table}", "write": "current"}}}
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(job))
    return load_config(str(path)).inputs["app"]


def test_every_feed_has_a_section() -> None:
    """The headings are the feeds, in their order."""
    assert list(sections()) == list(FEEDS)


@pytest.mark.parametrize("feed", FEEDS)
def test_the_section_says_what_the_feeds_module_says(feed: str) -> None:
    """What marks an operation, what orders, what is absent and what cannot be told is written the same in both."""
    doc = importlib.import_module(f"lakehouse.cdc.feeds.{feed.replace('-', '_')}").__doc__ or ""
    rows = [line for line in doc.splitlines() if line.startswith("| ") and line != "| | |"]
    assert rows
    assert [row for row in rows if row not in sections()[feed]] == []


@pytest.mark.parametrize("feed", FEEDS)
def test_the_example_is_an_input_and_every_option_has_its_line(feed: str, tmp_path: Path) -> None:
    """A job takes the example as it stands; the options are all there, in order, with defaults, each with its meaning."""
    source = loaded(feed, tmp_path)
    assert source.feed == feed
    found = {"version": 0} if feed == SNAPSHOT else {}
    options = check_options(feed, {**source.options, **found})
    wanted = [(field.name, _default(field)) for field in dataclasses.fields(options)]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", sections()[feed], flags=re.MULTILINE)
    assert [(name, default) for name, default, meaning in rows if meaning] == wanted


def _default(option: Any) -> str:
    if option.default is not dataclasses.MISSING:
        return f"`{option.default!r}`"
    return "needed" if option.default_factory is dataclasses.MISSING else f"`{option.default_factory()!r}`"
