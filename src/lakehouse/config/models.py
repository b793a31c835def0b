"""The shape of a job's configuration. Unknown keys are errors; nothing in here is code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pyspark.sql.types import StructType

from lakehouse.cdc.parsing import check_feed, check_options
from lakehouse.errors import ConfigError
from lakehouse.schemas.type_names import parse_schema

TableFormat = Literal["delta", "iceberg"]
Name = Annotated[str, Field(min_length=1)]


class Model(BaseModel):
    """Base of every section: immutable, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Contract(Model):
    """What one source table promises: its key columns, and every column with its type."""

    keys: tuple[Name, ...] = Field(min_length=1)
    columns: dict[Name, str] = Field(min_length=1)

    @model_validator(mode="after")
    def _keys_are_columns(self) -> Contract:
        if absent := [key for key in self.keys if key not in self.columns]:
            msg = f"keys that are no columns: {', '.join(absent)}"
            raise ValueError(msg)
        _ = self.schema_
        return self

    @property
    def schema_(self) -> StructType:
        """The columns as a schema."""
        try:
            return parse_schema(self.columns)
        except ConfigError as error:
            raise ValueError(str(error)) from None


class Input(Model):
    """Where changes arrive and what they are.

    Attributes:
        path: a folder (local or `s3://`); every file below it is read once.
        feed: who wrote the changes.
        files: the format of the files.
        header: whether CSV files begin with the names of their columns.
        options: what the feed's parser should know; see `lakehouse.cdc.feeds`.
        tables: the contracts by `schema.table`.
        select: which of them to take, as an SQL LIKE pattern.
        bronze: the bronze table; `{schema}` and `{table}` may stand in it.
    """

    path: Name
    feed: Name
    files: Literal["csv", "json", "parquet"]
    header: bool = True
    options: dict[str, Any] = Field(default_factory=dict)
    tables: dict[Name, Contract] = Field(min_length=1)
    select: Name = "%"
    bronze: Name

    @field_validator("feed")
    @classmethod
    def _feed_is_known(cls, feed: str) -> str:
        try:
            check_feed(feed)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return feed

    @field_validator("options")
    @classmethod
    def _options_are_known(cls, options: dict[str, Any], info: Any) -> dict[str, Any]:
        if "feed" in info.data:
            try:
                check_options(info.data["feed"], options)
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return options


class Output(Model):
    """A kind of table to keep for every selected source table.

    Attributes:
        table: its name; `{schema}` and `{table}` stand for the source table's.
        write: `current` (one row per live key) or `history` (every version).
        select: which source tables, as an SQL LIKE pattern.
        format: the table format; the job's when left out.
        track: columns whose change opens a version (history), by source table; all columns where nothing is named.
        ignore_nulls: a null in an event means "unchanged".
        on_tie: what to do with two different events at one key and sequence.
    """

    table: Name
    write: Literal["current", "history"]
    select: Name = "%"
    format: TableFormat | None = None
    track: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    ignore_nulls: bool = False
    on_tie: Literal["resolve", "fail"] = "resolve"


class JobConfig(Model):
    """One job: what it reads, what it writes, and where its tables live.

    Attributes:
        job: the name of the job script.
        warehouse: the folder of Delta tables and, on a laptop, of everything.
        catalog: the Spark catalog of Iceberg tables.
        format: the table format of outputs that name none, of bronze and of the quarantine.
        delta: whether Delta tables are addressed by path below the warehouse or by name in the session catalog.
        inputs: change feeds by name.
        outputs: tables to keep.
        quarantine: the table of rows that were set aside.
        params: what the job script itself wants to know.
    """

    job: Name
    warehouse: Name = "warehouse"
    catalog: Name = "lake"
    format: TableFormat = "iceberg"
    delta: Literal["path", "name"] = "path"
    inputs: dict[Name, Input] = Field(min_length=1)
    outputs: dict[Name, Output] = Field(min_length=1)
    quarantine: Name = "ops.quarantine"
    params: Mapping[str, Any] = Field(default_factory=dict)
