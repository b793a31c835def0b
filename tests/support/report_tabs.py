"""A report page in a tab of a browser, and what it complained of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the other tests collect this module, and have no browser
    from playwright.sync_api import Page as Tab

WIDE = (1280, 900)
NARROW = (360, 740)


@dataclass
class Opened:
    """A page in a tab.

    Attributes:
        tab: the tab.
        complaints: messages of the console, errors of scripts, and dialogs.
        requests: all addresses that the page asked for.
    """

    tab: Tab
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


Open = Callable[..., Opened]
