"""One row for each key, the same one whatever order the rows come in."""

from __future__ import annotations

from typing import Literal

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.columns import Columns, as_tuple, quoted, require
from lakehouse.errors import ConfigError
from lakehouse.transforms.hashing import fingerprint

_HASH = "__lh_hash"
_PLACE = "__lh_place"


def dedupe(df: DataFrame, *, keys: Columns, order_by: Columns, keep: Literal["last", "first"] = "last") -> DataFrame:
    """Keep one row for each key: the last or the first by the columns that order.

    Rows without a value in such a column lose against rows with one. Among rows at one place the larger row hash wins, so
    the outcome is a function of the set of rows; rows that are equal in all columns are one row. Null is a key like any other.
    One shuffle, by the keys.

    >>> rows = spark.createDataFrame([(1, 10, "a"), (1, 20, "b"), (2, None, "c")], "id int, at int, name string")
    >>> sorted(row.name for row in dedupe(rows, keys="id", order_by="at").collect())
    ['b', 'c']

    Args:
        df: the rows.
        keys: the columns that identify what a row is about.
        order_by: the columns that order the rows of one key, the most important one first.
        keep: which end of the order is kept.

    Raises:
        MissingColumnsError: the frame lacks a column.
        ConfigError: no key or no order is named, or `keep` is neither end.
    """
    key_names, order_names = as_tuple(keys), as_tuple(order_by)
    require((*key_names, *order_names), df.columns, where="the frame")
    if not key_names or not order_names:
        msg = "dedupe needs at least one column in keys and one in order_by: without an order any row could win"
        raise ConfigError(msg)
    if keep not in {"last", "first"}:
        msg = f"keep is {keep!r}; it is 'last' or 'first'"
        raise ConfigError(msg)
    columns = [F.col(quoted(name)) for name in order_names]
    order = [column.desc_nulls_last() if keep == "last" else column.asc_nulls_last() for column in columns]
    of_key = Window.partitionBy(*map(quoted, key_names)).orderBy(*order, F.desc(_HASH))
    # The hash is of what the keys and the order leave open; a frame of nothing else has only equal rows at one place.
    open_columns = [name for name in df.columns if name not in {*key_names, *order_names}]
    tie = fingerprint(df, open_columns) if open_columns else F.lit(0)
    ranked = df.withColumn(_HASH, tie).withColumn(_PLACE, F.row_number().over(of_key))
    return ranked.where(F.col(_PLACE) == 1).select(*(F.col(quoted(name)) for name in df.columns))
