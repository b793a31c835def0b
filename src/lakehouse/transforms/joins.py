"""Values from a dimension, looked up: each row stays one row."""

from __future__ import annotations

from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.columns import MATCHED, Columns, as_tuple, quoted, require
from lakehouse.errors import ConfigError
from lakehouse.transforms.hashing import fingerprint

_AMBIGUOUS = (
    "the dimension has different rows for one key, so a lookup could take either: dedupe it by its keys first, "
    "or look up by more columns"
)


def lookup(
    df: DataFrame, dimension: DataFrame, *, on: Columns, take: Columns, missing: Literal["null", "flag"] = "null"
) -> DataFrame:
    """Add columns of a dimension to the rows whose keys it has: many to one, so no row is lost and none comes twice.

    Rows of the dimension that say the same for a key are one. If they differ the query fails when it runs, and says what to
    do: nothing is picked by luck. Null is a key like any other. Rows whose key the dimension lacks get nulls; with
    `missing="flag"` also `_matched`, which tells these from values that are null there.

    >>> sales = spark.createDataFrame([(1, "a"), (2, "b")], "id int, shop string")
    >>> shops = spark.createDataFrame([("a", "Rome")], "shop string, city string")
    >>> found = lookup(sales, shops, on="shop", take="city", missing="flag").orderBy("id")
    >>> [tuple(row) for row in found.collect()]
    [(1, 'a', 'Rome', True), (2, 'b', None, False)]

    Args:
        df: the rows.
        dimension: what is known of the keys; columns beyond `on` and `take` do not matter.
        on: the columns that both frames have and that have to be equal.
        take: the columns of the dimension to add.
        missing: what tells a key that the dimension lacks: nothing, or a flag.

    Raises:
        MissingColumnsError: a frame lacks a column.
        ConfigError: a column is there already, none is named, or `missing` is neither.
    """
    keys, taken = as_tuple(on), as_tuple(take)
    _check(df, dimension, keys, taken, missing)
    by_place = [F.col(quoted(name)).alias(f"__lh_key_{i}") for i, name in enumerate(keys)]
    values = F.struct(*(F.col(quoted(name)).alias(f"v{i}") for i, name in enumerate(taken)))
    said = dimension.select(*by_place, values.alias("__lh_values"), fingerprint(dimension, taken).alias("__lh_hash"))
    differs = F.min("__lh_hash") != F.max("__lh_hash")
    known = said.groupBy(*(f"__lh_key_{i}" for i in range(len(keys)))).agg(
        F.when(differs, F.raise_error(F.lit(_AMBIGUOUS)).cast(said.schema["__lh_values"].dataType))
        .otherwise(F.max_by("__lh_values", "__lh_hash"))
        .alias("__lh_values")
    )
    same = [F.col(quoted(name)).eqNullSafe(F.col(f"__lh_key_{i}")) for i, name in enumerate(keys)]
    added = [F.col(f"__lh_values.v{i}").alias(name) for i, name in enumerate(taken)]
    flag = [F.col("__lh_values").isNotNull().alias(MATCHED)] if missing == "flag" else []
    own = [F.col(quoted(name)) for name in df.columns]
    return df.join(known, on=same, how="left").select(*own, *added, *flag)


def _check(df: DataFrame, dimension: DataFrame, keys: tuple[str, ...], taken: tuple[str, ...], missing: str) -> None:
    require(keys, df.columns, where="the frame")
    require((*keys, *taken), dimension.columns, where="the dimension")
    if missing not in {"null", "flag"}:
        msg = f"missing is {missing!r}; it is 'null' or 'flag'"
        raise ConfigError(msg)
    if not keys or not taken:
        msg = "lookup needs at least one column in on and one in take"
        raise ConfigError(msg)
    added = [*taken, *([MATCHED] if missing == "flag" else [])]
    if there := sorted(set(added) & set(df.columns)):
        msg = f"the frame has {', '.join(there)} already; drop or rename, there or in the dimension"
        raise ConfigError(msg)
