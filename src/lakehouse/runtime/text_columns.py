"""Text in columns, as commands print it where it may be read on by another program."""

from __future__ import annotations

from collections.abc import Sequence


def in_columns(lines: Sequence[Sequence[str]]) -> str:
    """Lines of as many texts each, with the texts below each other.

    >>> print(in_columns([["column", "rows"], ["id", "12"]]))
    column  rows
    id      12
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
