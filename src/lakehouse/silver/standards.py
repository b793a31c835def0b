"""Columns of a change log in the one form that can be compared, each beside the column that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import PROVIDED, quoted, require
from lakehouse.errors import ConfigError
from lakehouse.transforms.standards import composed_text, standard_country, standard_email, standard_phone, tidy_text

Standard = Literal["text", "email", "phone", "country"]

SUFFIX = "_standard"
"""What the name of a standard column ends in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standards:
    """How columns are made comparable.

    Attributes:
        columns: the column, and what it is.
        country_code: of phone numbers that name none, in rows whose country is not known; None: such numbers are none.
        countries: names of countries and their codes, see `standard_country`.
        calling_codes: of phone numbers in rows of a country, by its code. The country is that of the first column that is one.
    """

    columns: Mapping[str, Standard]
    country_code: str | None = None
    countries: Mapping[str, str] = field(default_factory=dict)
    calling_codes: Mapping[str, str] = field(default_factory=dict)


def standardise(changes: DataFrame, standards: Standards) -> DataFrame:
    """Add a column `<name>_standard` behind each column that is named; null where a text has no standard form.

    An event that leaves the column out leaves its standard form out as well, so neither is overwritten.

    Args:
        changes: a change log, or any other frame.
        standards: what to add.

    Raises:
        MissingColumnsError: there is no such column.
        ConfigError: a standard column has the name of one that is there.
    """
    wanted = standards.columns
    require(tuple(wanted), changes.columns, where="the rows to standardise")
    made = {name: f"{name}{SUFFIX}" for name in wanted}
    if taken := sorted(set(made.values()) & set(changes.columns)):
        msg = f"there are columns {', '.join(taken)} already; rename them, or leave their standard forms out"
        raise ConfigError(msg)
    columns: list[Column] = []
    for name in changes.columns:
        columns.append(_provided(made).alias(name) if name == PROVIDED else F.col(quoted(name)))
        if name in made:
            columns.append(_standard(F.col(quoted(name)), wanted[name], standards).alias(made[name]))
    return changes.select(*columns)


def _standard(text: Column, kind: Standard, standards: Standards) -> Column:
    match kind:
        case "text":
            return tidy_text(composed_text(text))
        case "email":
            return standard_email(text)
        case "phone":
            return standard_phone(text, country_code=_calling_code(standards))
        case "country":
            return standard_country(text, standards.countries)


def _calling_code(standards: Standards) -> Column:
    """The code that phone numbers of a row begin with, where they name none."""
    country = next((name for name, kind in standards.columns.items() if kind == "country"), None)
    default = F.lit(standards.country_code)
    if country is None or not standards.calling_codes:
        return default
    codes = F.create_map(*(F.lit(part) for pair in standards.calling_codes.items() for part in pair))
    return F.coalesce(codes[standard_country(F.col(quoted(country)), standards.countries)], default)


def _provided(made: Mapping[str, str]) -> Column:
    """The names of the columns that an event carries, with those made of them; null stays all."""
    given = F.col(PROVIDED)
    added = [F.when(F.array_contains(given, name), F.lit(standard)) for name, standard in made.items()]
    return F.concat(given, F.array_compact(F.array(*added))) if added else given
