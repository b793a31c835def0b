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

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql.types import LongType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.decoding import require_timezone
from lakehouse.cdc.feeds.assembly import Contract
from lakehouse.cdc.feeds.records import require_columns, route_by_folder, typed_records
from lakehouse.cdc.feeds.tables import Layout, Part, parse_table

LAYOUT = Layout(
    operation="_change_type",
    upserts=("INSERT", "UPDATE_AFTER"),
    deletes=("DELETE",),
    images=("UPDATE_BEFORE",),
    sequence=(Part(column="_change_ordinal", type=LongType()),),
    replacements=True,
    carry_overs=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the changelog is read.

    Attributes:
        timezone: zone of timestamps that name none.
    """

    timezone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse a zone that does not exist."""
        require_timezone(self.timezone)


def route() -> Column:
    """`schema.table` from the last two folders of `_source_file`, where the changelog was landed as files."""
    return route_by_folder()


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse rows of a changelog view; see the table above.

    Raises:
        MissingColumnsError: a column of the changelog or of the key is not there.
    """
    require_columns(df, [*contract.key_names, "_change_type", "_change_ordinal"], where="the changelog")
    return parse_table(typed_records(df, timezone=options.timezone), contract, LAYOUT, timezone=options.timezone)
