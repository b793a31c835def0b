"""A full extract: rows without an operation, each a row of the source as it was, CSV, JSON or typed.

| | |
|---|---|
| operation | none: every row is an upsert. What is not there any more only `lakehouse.cdc.snapshots` can tell |
| order | `version`, one for the whole extract |
| an absent column | JSON: null; CSV and typed rows have to have every column: an extract that lost one would wipe it out |
| key change | the old key is missing, the new one is new |
| cannot be told | what happened between two extracts |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc.changes import UPSERT, ParsedChanges
from lakehouse.cdc.feeds.assembly import Contract, Reading, assemble, require_bronze
from lakehouse.cdc.feeds.records import RecordOptions, Records, require_columns, text_records, typed_records
from lakehouse.cdc.snapshots import position_of, require_version
from lakehouse.columns import RAW


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(RecordOptions):
    """How the extract is written, and which one it is.

    Attributes:
        version: the sequence of every row, see `lakehouse.cdc.snapshots.diff_snapshot`.
    """

    version: Any

    def __post_init__(self) -> None:
        """Refuse a form or a zone that there is not, and a version that is none."""
        self.check("snapshot")
        require_version(self.version)


def parse(df: DataFrame, contract: Contract, options: Options) -> ParsedChanges:
    """Parse the rows of one extract; see the table above.

    Raises:
        MissingColumnsError: the frame lacks bronze columns, or typed rows a column of the contract.
    """
    records, incomplete = _records(df, contract, options)
    reading = Reading(
        raw=records.raw,
        kind=F.lit(None).cast("string"),
        malformed=F.coalesce(records.malformed, incomplete),
        operation=F.lit(UPSERT),
        unknown="every row is an upsert",
        sequence=position_of(options.version),
        event_time=F.lit(None),
        row={name: records.cell(name, contract.schema[name].dataType) for name in contract.names},
    )
    return assemble(records.frame, reading, contract, timezone=options.timezone, binary=options.binary)


def _records(df: DataFrame, contract: Contract, options: Options) -> tuple[Records, Column]:
    """The rows, and what is said of one that has not all columns."""
    whole = F.lit(None).cast("string")
    if RAW not in df.columns:
        require_columns(df, contract.names, where="the snapshot")
        return typed_records(df, timezone=options.timezone), whole
    require_bronze(df, contract)
    records = text_records(df, contract.names, options)
    if options.form == "json":
        return records, whole
    lacking = F.size(F.array_except(F.array(*(F.lit(name) for name in contract.names)), "names")) > 0
    return records, F.when(lacking, "the header lacks a column of the contract")
