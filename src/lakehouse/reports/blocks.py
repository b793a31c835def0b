"""What the sections of a page are made of: figures, tables with their cells, charts and notes, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from lakehouse.errors import ConfigError

Verdict = Literal["Passed", "Failed", "Error", "Warning"]
"""Those of rules, and one for what somebody should look at though nothing failed."""

SEVERITY: Mapping[Verdict, int] = {"Error": 3, "Failed": 2, "Warning": 1, "Passed": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A verdict: icon, colour and text.

    Attributes:
        verdict: which icon and colour.
        text: what it says; empty: the verdict's own name.
    """

    kind: ClassVar[str] = "badge"
    verdict: Verdict
    text: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A name or a rule, in the letters of code."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True, slots=True)
class Muted:
    """A text that steps back: a reason, a remark."""

    kind: ClassVar[str] = "muted"
    text: str


@dataclass(frozen=True, slots=True)
class Masked:
    """A value that is there and is not told."""

    kind: ClassVar[str] = "masked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link to another page in the same folder.

    Attributes:
        text: what it says.
        file: the name of the file, and nothing else of an address: a scheme or a folder is read as part of the name.
    """

    kind: ClassVar[str] = "link"
    text: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A metric of this run, with a sparkline over runs.

    Attributes:
        name: of the metric.
        value: of this run; None: there is none.
        earlier: of earlier runs, the oldest first; None where a run has none.
    """

    kind: ClassVar[str] = "measure"
    name: str
    value: float | None
    earlier: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Strip:
    """Verdicts over runs, the oldest first; None where a run has none."""

    kind: ClassVar[str] = "strip"
    verdicts: tuple[Verdict | None, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """Cells below one another."""

    kind: ClassVar[str] = "stack"
    parts: tuple[Cell, ...]


Cell = str | int | float | None | Badge | Code | Muted | Masked | Link | Measure | Strip | Stack
"""What a table shows in one place. A number is written for people; None is a null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table, and what the filter knows it by.

    Attributes:
        cells: one for each column.
        verdict: which button of the filter it answers to; None: all of them.
    """

    cells: tuple[Cell, ...]
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        caption: what it lists.
        columns: their headings. Columns of numbers are aligned to the right.
        rows: in the order they are shown.
        header: the column that names the row.
        wide: scrolls sideways in a narrow window; else each row becomes a card there.
        remark: what to say below it, such as how many rows it leaves out.

    Raises:
        ConfigError: a row has not one cell for each column.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    header: int = 0
    wide: bool = False
    remark: str = ""

    def __post_init__(self) -> None:
        """Refuse rows that would slip below the wrong headings."""
        wrong = [place for place, row in enumerate(self.rows, start=1) if len(row.cells) != len(self.columns)]
        if wrong:
            msg = f"table {self.caption!r}: row {wrong[0]} has {len(self.rows[wrong[0] - 1].cells)} cells for {len(self.columns)} columns"
            raise ConfigError(msg)

    @property
    def numeric(self) -> tuple[bool, ...]:
        """For each column, whether it holds numbers alone."""
        columns = zip(*(row.cells for row in self.rows), strict=True) if self.rows else [()] * len(self.columns)
        return tuple(bool(cells) and all(isinstance(one, int | float) for one in cells) for cells in columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that stands for itself.

    Attributes:
        label: what it counts.
        value: as it is shown.
        remark: what to say below it.
        verdict: its icon, if it needs one.
    """

    label: str
    value: str
    remark: str = ""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers side by side."""

    kind: ClassVar[str] = "figures"
    items: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A run on a chart.

    Attributes:
        label: below it, such as the day.
        value: None: the line has a gap.
        marked: has a ring around it.
    """

    label: str
    value: float | None
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A line over runs.

    Attributes:
        title: what is drawn.
        points: the oldest first.
        remark: what the rings mean.
    """

    kind: ClassVar[str] = "chart"
    title: str
    points: tuple[Point, ...]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Charts:
    """Charts side by side, as many as there is room for."""

    kind: ClassVar[str] = "charts"
    items: tuple[Chart, ...]


Block = Table | Figures | Note | Charts


def worst(*verdicts: Verdict) -> Verdict:
    """The gravest of verdicts; of none, that all passed.

    >>> worst("Passed", "Error", "Failed"), worst()
    ('Error', 'Passed')
    """
    return max(verdicts, key=SEVERITY.__getitem__, default="Passed")
