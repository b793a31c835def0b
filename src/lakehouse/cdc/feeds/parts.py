"""Records that hold several changes, cut into records that hold one.

A part is a record of its own feed: its text says the same of its one change as the whole record does, so that the feed's
parser reads parts alone, and a part that is set aside can be read and sent again without the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType

from lakehouse.cdc.json_text import bind
from lakehouse.columns import FILE, PART, RAW, ROW, TABLE, quoted, require

_ROW = "__lh_part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """How a feed's records are cut.

    Attributes:
        elements: what the record in `_raw` consists of, an array; null or empty where there is nothing to cut.
        text: the record that holds one element alone.
        table: the table of one element.
        record_table: the table of a record that is not cut.
        is_part: whether an element is a change; one that is none is a row without a place.
    """

    elements: Column
    text: Callable[[Column], Column]
    table: Callable[[Column], Column]
    record_table: Column
    is_part: Callable[[Column], Column] = lambda _: F.lit(True)


def split(df: DataFrame, parts: Parts) -> DataFrame:
    """One row for each element of a record, in place of the record; a record without elements stays as it is.

    A row of a part has the part's text as `_raw`, its place in the record as `_part` (from 0) and its own `_table`; every
    other column is the record's. A record that stays has a null `_part`. The order of rows is not kept.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require((RAW, FILE, ROW), df.columns, where="bronze rows")
    table = F.col(TABLE) if TABLE in df.columns else parts.record_table
    kept = [F.col(quoted(name)) for name in df.columns if name not in (RAW, TABLE)]

    def row(element: Column, place: Column) -> Column:
        part = F.when(parts.is_part(element), place)
        return F.struct(parts.text(element).alias(RAW), parts.table(element).alias(TABLE), part.alias(PART))

    nowhere = F.lit(None).cast(IntegerType())
    whole = F.array(F.struct(F.col(RAW), table.cast(StringType()).alias(TABLE), nowhere.alias(PART)))
    # The record itself is an element of last resort, so that no row has to carry its text through the explosion.
    rows = bind(parts.elements, lambda found: F.when(F.size(found) > 0, F.transform(found, row)).otherwise(whole))
    return df.select(*kept, F.explode(rows).alias(_ROW)).select(*kept, f"{_ROW}.*")
