"""Why one schema does not read what another one writes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reason.

    Attributes:
        path: fields from the outside in, `[]` for the items of an array and `{}` for the values of a map; empty: the whole.
        reason: a clause that follows the path.
    """

    path: str
    reason: str
