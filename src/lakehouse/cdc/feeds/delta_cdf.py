"""Delta change data feed: what `table_changes` or the `readChangeFeed` option gives.

| | |
|---|---|
| operation | `_change_type`: insert and update_postimage upsert, delete deletes; update_preimage is the row before |
| order | `_commit_version` as bigint |
| an absent column | null: every row is a whole image |
| key change | the image before, whose key has no image after in its version: a delete |
| cannot be told | the order inside one version; what was vacuumed away |

A delete and an insert of one key in one version (an overwrite, a rewritten row) are one update. All rows of a version have to be in one
frame, as a read of the feed gives them. Format: https://docs.delta.io/latest/delta-change-data-feed.html
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql.types import LongType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.feeds.assembly import Contract, ZoneOptions
from lakehouse.cdc.feeds.tables import Layout, Part, parse_table, typed_table

LAYOUT = Layout(
    operation="_change_type",
    upserts=("INSERT", "UPDATE_POSTIMAGE"),
    deletes=("DELETE",),
    images=("UPDATE_PREIMAGE",),
    sequence=(Part(column="_commit_version", type=LongType()),),
    event_time="_commit_timestamp",
    replacements=True,
)


Options = ZoneOptions


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse rows of a change data feed; see the table above.

    Raises:
        MissingColumnsError: a column of the feed or of the key is not there.
    """
    records = typed_table(df, contract, LAYOUT, timezone=options.timezone)
    return parse_table(records, contract, LAYOUT, timezone=options.timezone)
