"""What every section of a configuration is made of."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

TableFormat = Literal["delta", "iceberg"]
Name = Annotated[str, Field(min_length=1)]


def _refuse_braces(pattern: str) -> str:
    """Only two things stand in braces; whatever else does is a slip of the pen, or wants to be code."""
    if _BRACES.search(_PLACEHOLDERS.sub("", pattern)):
        msg = f"{pattern!r} has braces around something else than {{schema}} or {{table}}; remove them"
        raise ValueError(msg)
    return pattern


_PLACEHOLDERS = re.compile(r"\{(?:schema|table)\}")
_BRACES = re.compile(r"[{}]")

Pattern = Annotated[Name, AfterValidator(_refuse_braces)]
"""The name of a table, in which `{schema}` and `{table}` stand for the source table's."""


class Model(BaseModel):
    """Base of every section: immutable, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
