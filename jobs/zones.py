"""Turn what a shop lands in files into a lake of three zones.

Bronze keeps every record as it was sent, silver one row for each order, customer and product, made comparable, and gold the
sales of each day. Run it again at any time: it takes only what is new, and files that came late change what they have to.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pydantic import Field
from pyspark.sql import DataFrame

from lakehouse.config.base import Model
from lakehouse.gold.sales import daily_sales
from lakehouse.runtime.job import main
from lakehouse.silver.standards import Standard, Standards, standardise


class Params(Model):
    """What this job can be told beside its inputs and outputs.

    Attributes:
        standards: the columns that get a standard form beside them, by source table.
        countries: how people write the countries that there are, and their codes.
        calling_codes: what phone numbers of a country begin with, by its code: digits, such as `49`.
    """

    standards: dict[str, dict[str, Standard]] = Field(default_factory=dict)
    countries: dict[str, str] = Field(default_factory=dict)
    calling_codes: dict[str, str] = Field(default_factory=dict)


def recipe(inputs: Mapping[str, DataFrame], params: Params) -> dict[str, DataFrame]:
    """One change log in, one change log with standard columns out for each source table."""
    return {
        table: standardise(
            changes,
            Standards(
                columns=params.standards.get(table, {}),
                countries=params.countries,
                calling_codes=params.calling_codes,
            ),
        )
        for table, changes in inputs.items()
    }


def gold(tables: Mapping[str, DataFrame], params: Params) -> dict[str, DataFrame]:
    """The sales of each day, of what the orders are now."""
    del params
    return {"daily_sales": daily_sales(tables["shop.orders"])}


if __name__ == "__main__":
    sys.exit(main(recipe, Params, gold=gold))
