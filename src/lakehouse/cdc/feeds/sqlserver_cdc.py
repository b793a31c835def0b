"""SQL Server change tables: rows of `cdc.fn_cdc_get_all_changes_<instance>` or `..._net_changes_<instance>`, CSV or typed.

| | |
|---|---|
| operation | `__$operation`: 2 (insert), 4 (after an update) and 5 (net changes: insert or update) upsert, 1 deletes; 3 is the row before an update |
| order | struct (`__$start_lsn`, `__$seqval`) of hex text: both are binary(10), so text order is log order. Net changes have no `__$seqval`; it counts as `00` |
| an absent column | null. Columns that the capture instance does not capture are not in the feed |
| key change | 1 and 2 at one place: a delete of the old key, an upsert of the new; or image 3 without a 4 of its key |
| cannot be told | truncates, which SQL Server refuses on captured tables; what net changes left out |

Rows of one place have to be in one frame. Format:
https://learn.microsoft.com/sql/relational-databases/system-functions/cdc-fn-cdc-get-all-changes-capture-instance-transact-sql
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.feeds.assembly import Contract, require_bronze
from lakehouse.cdc.feeds.records import Records, csv_records
from lakehouse.cdc.feeds.tables import Layout, Part, parse_table, typed_table
from lakehouse.columns import RAW
from lakehouse.transforms.decoding import require_timezone

_START, _WITHIN, _OPERATION = "__$start_lsn", "__$seqval", "__$operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the change table was exported.

    Attributes:
        event_time: a column with the commit time (`sys.fn_cdc_map_lsn_to_time`), where the export has one.
        timezone: zone of timestamps that name none.
        delimiter: of CSV, one character.
        null_value: unquoted in CSV it is null.
        columns: the fields of CSV records without a header, in order.
    """

    event_time: str | None = None
    timezone: str = "UTC"
    delimiter: str = ","
    null_value: str = "NULL"
    columns: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Refuse a zone that does not exist."""
        require_timezone(self.timezone)

    @property
    def layout(self) -> Layout:
        """The options as the parser of change tables takes them."""
        text = StringType()
        return Layout(
            operation=_OPERATION,
            upserts=("2", "4", "5"),
            deletes=("1",),
            images=("3",),
            sequence=(
                Part(column=_START, type=text, hexadecimal=True),
                Part(column=_WITHIN, type=text, hexadecimal=True, default="00"),
            ),
            event_time=self.event_time,
            replacements=True,
        )


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse rows of a change table; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns, or typed rows lack a key or a column of change tables.
    """
    return parse_table(_records(df, contract, options), contract, options.layout, timezone=options.timezone)


def _records(df: DataFrame, contract: Contract, options: Options) -> Records:
    if RAW not in df.columns:
        return typed_table(df, contract, options.layout, timezone=options.timezone)
    require_bronze(df, contract)
    names = options.columns or (_START, _WITHIN, _OPERATION, "__$update_mask", *contract.names)
    positional = F.array(*(F.lit(name) for name in names))
    return csv_records(df, positional=positional, delimiter=options.delimiter, null_value=options.null_value)
