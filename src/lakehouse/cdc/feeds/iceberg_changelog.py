"""Iceberg changelog: what the procedure `create_changelog_view` or the `changes` table gives.

| | |
|---|---|
| operation | `_change_type`: INSERT and UPDATE_AFTER upsert, DELETE deletes; UPDATE_BEFORE is the row before |
| order | `_change_ordinal` as bigint |
| an absent column | null: every row is a whole image |
| key change | the image before, whose key has no image after at its ordinal: a delete |
| cannot be told | the order inside one snapshot; `net_changes` leaves out what happened in between |

Copy-on-write writes whole files again: rows that were only carried over, a delete and an equal insert, are skipped. A delete and another
insert of one key at one ordinal are one update. All rows of an ordinal have to be in one frame. An ordinal counts from the view's own
start: read feeds that follow each other from one start, or order them by a column of your own with the feed `columns`.
Format: https://iceberg.apache.org/docs/latest/spark-procedures/#change-data-capture
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql.types import LongType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.feeds.assembly import Contract, ZoneOptions
from lakehouse.cdc.feeds.tables import Layout, Part, parse_table, typed_table

LAYOUT = Layout(
    operation="_change_type",
    upserts=("INSERT", "UPDATE_AFTER"),
    deletes=("DELETE",),
    images=("UPDATE_BEFORE",),
    sequence=(Part(column="_change_ordinal", type=LongType()),),
    replacements=True,
    carry_overs=True,
)


Options = ZoneOptions


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse rows of a changelog view; see the table above.

    Raises:
        MissingColumnsError: a column of the changelog or of the key is not there.
    """
    records = typed_table(df, contract, LAYOUT, timezone=options.timezone)
    return parse_table(records, contract, LAYOUT, timezone=options.timezone)
