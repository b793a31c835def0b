"""AWS DMS to S3 with `PreserveTransactions`: CSV files with the changes of all tables in the order of their commits.

| | |
|---|---|
| operation | the first field: I and U upsert, D deletes |
| order | struct (phase, at, file, row) of timestamp column, file name and row, as of `dms-s3` without a sequence column: the files are named in order, load rows are phase 0; or, with `sequence_column`, AR_H_CHANGE_SEQ as decimal(38,0) |
| an absent column | cannot be: a record has the fields of its table by position, any other number of them is rejected |
| key change | a field `BI_<key>` (a before-image rule of the task), named in `columns`, that differs from the key: delete and upsert at one position |
| cannot be told | truncates; key changes without `BI_` fields; the text `NULL` from null when the task does not quote |

A record is `operation, table, schema, values`; its table is the one it names. Files whose name begins with `LOAD` are the full
load of the task, records of the table that their folders name, as in `dms-s3`; an input may hold both, or `dms-s3` with
`sequence_column: null` may load them into the same tables. There is no header: say `header: false` of the input.
Format: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html (transaction order)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.changes import ParsedChanges
from lakehouse.cdc.csv_records import fields
from lakehouse.cdc.feeds import dms_s3
from lakehouse.cdc.feeds.assembly import Contract, require_bronze
from lakehouse.cdc.feeds.folders import route_by_folder
from lakehouse.cdc.feeds.records import csv_records
from lakehouse.cdc.feeds.topics import named_table
from lakehouse.cdc.json_text import bind
from lakehouse.columns import FILE, OP, ORIGIN, RAW, TABLE
from lakehouse.errors import ConfigError
from lakehouse.transforms.decoding import require_timezone

_LOAD = "^LOAD"
# Names of the first fields that no payload has.
_FIRST = (OP, TABLE, ORIGIN)
_FIELD = r'("[^"]*+(?:""[^"]*+)*+"|(?:(?!\1).)*+)'
# The operation is a word, so what follows it is the delimiter, whichever it is.
_PLACE = rf'(?s)^[A-Za-z]++([^A-Za-z"\r\n]){_FIELD}\1{_FIELD}(?:\1|\r?+$)'


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the task's S3 endpoint is set.

    Attributes:
        timestamp_column: `TimestampColumnName` of the endpoint; becomes `_event_time`.
        sequence_column: field with AR_H_CHANGE_SEQ; None orders by timestamp, file name and row.
        before_image_prefix: prefix of the before-image fields.
        null_value: `CsvNullValue`; unquoted it is null.
        delimiter: `CsvDelimiter`, one character.
        columns: by `schema.table`, the names of all values of a record in order; default: timestamp column, schema, sequence
            column. Needed where the contract leaves columns of the table out.
        timezone: zone of timestamps, which DMS writes without one.
    """

    timestamp_column: str | None = None
    sequence_column: str | None = None
    before_image_prefix: str = "BI_"
    null_value: str = "NULL"
    delimiter: str = ","
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse a zone that does not exist and `columns` that are not lists by table."""
        require_timezone(self.timezone)
        told: Any = self.columns
        if not isinstance(told, Mapping) or any(isinstance(names, str) for names in told.values()):
            msg = "option columns of feed dms-transactions must give a list of names for each schema.table"
            raise ConfigError(msg)

    def files(self, table: str | None) -> dms_s3.Options:
        """The options of the same task's `dms-s3` files of one table."""
        columns = self.columns.get(table) if table is not None else None
        return dms_s3.Options(
            op_column=OP,
            timestamp_column=self.timestamp_column,
            sequence_column=self.sequence_column,
            before_image_prefix=self.before_image_prefix,
            null_value=self.null_value,
            delimiter=self.delimiter,
            columns=None if columns is None else (OP, *columns),
            timezone=self.timezone,
            load_pattern=_LOAD,
        )


def route() -> Column:
    """`schema.table` that the record names, in full-load files the folders; null for text that names none."""
    table, schema = (F.regexp_extract(F.col(RAW), _PLACE, group) for group in (2, 3))
    named = bind(fields(F.array(schema, table)), lambda names: named_table(names[0], names[1]))
    return F.when(F.regexp_extract(F.col(FILE), r"[^/]*+$", 0).rlike(_LOAD), route_by_folder()).otherwise(named)


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse bronze rows of transaction files; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    require_bronze(df, contract, RAW)
    files = options.files(contract.table)
    layout = dms_s3.layout(contract, files)
    loaded = dms_s3.is_loaded(files)
    changed = dms_s3.literals([*_FIRST, *layout[1:]])
    records = csv_records(
        df,
        positional=F.when(loaded, dms_s3.load_fields(layout, files)).otherwise(changed),
        delimiter=options.delimiter,
        null_value=options.null_value,
    )
    headed = F.when(~loaded & F.col("header").isNotNull(), "transaction files have no header; set header: false")
    named = replace(records, malformed=F.coalesce(headed, records.malformed))
    return dms_s3.parse_records(named, contract, files)
