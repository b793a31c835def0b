"""The tables that a job keeps."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from lakehouse.config.base import Model, Name, Pattern, TableFormat


class Output(Model):
    """A kind of table to keep for every selected source table.

    Attributes:
        table: its name; `{schema}` and `{table}` stand for the source table's.
        write: `current` (one row per live key) or `history` (every version).
        select: which source tables, as an SQL LIKE pattern.
        format: the table format; the job's when left out.
        track: columns whose change opens a version (history), by source table; all columns where nothing is named.
        ignore_nulls: a null in an event means "unchanged".
        on_tie: what to do with two different events at one key and sequence: keep one by a fixed rule in which a delete
            (`resolve`) or an upsert (`upsert_wins`) beats the other, or stop the run (`fail`).
        on_truncate: `apply` deletes every row when the source table is truncated; `fail` stops the run.
        deletes: `soft` keeps deleted rows and flags them (current only).
        evolve: add columns that the table lacks and widen types, rather than refuse the changes.
        text_sequence: let the sequence be text, which orders letter by letter.
        processed_date: keep the day on which the batch of a row's last change was loaded, in UTC, as `_processed_date`.
        partition_by: columns that a current table is partitioned by when it is made.
        cluster_by: columns that the rows of a current table are kept together by when it is made.
    """

    table: Pattern
    write: Literal["current", "history"]
    select: Name = "%"
    format: TableFormat | None = None
    track: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    ignore_nulls: bool = False
    on_tie: Literal["resolve", "upsert_wins", "fail"] = "resolve"
    on_truncate: Literal["fail", "apply"] = "fail"
    deletes: Literal["hard", "soft"] = "hard"
    evolve: bool = False
    text_sequence: bool = False
    processed_date: bool = False
    partition_by: tuple[Name, ...] = ()
    cluster_by: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _a_layout_is_one_of_current_tables(self) -> Output:
        if self.write == "history" and (self.partition_by or self.cluster_by):
            msg = "a history is partitioned by whether rows are the latest of their keys; remove partition_by and cluster_by"
            raise ValueError(msg)
        if self.partition_by and self.cluster_by:
            msg = "a table is partitioned or clustered, not both; remove partition_by or cluster_by"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _only_current_rows_are_deleted(self) -> Output:
        if self.write == "history" and self.deletes == "soft":
            msg = "deletes soft is for write current; a history keeps deleted rows anyway: remove the key"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _current_rows_are_whole_where_upserts_win(self) -> Output:
        if self.write == "current" and self.on_tie == "upsert_wins" and self.ignore_nulls:
            msg = "on_tie upsert_wins of a current table takes whole events; remove ignore_nulls, or write history"
            raise ValueError(msg)
        return self


class GoldTable(Model):
    """A table that the job works out of its current tables whenever a batch has come.

    It is merged like a full extract, so that only rows that differ are written, and only keys that are gone are deleted.

    Attributes:
        table: its name.
        keys: the columns that identify a row; none of them is ever null.
        write: `current` (one row per key) or `history` (every version).
        format: the table format; the job's when left out.
    """

    table: Pattern
    keys: tuple[Name, ...] = Field(min_length=1)
    write: Literal["current", "history"] = "current"
    format: TableFormat | None = None
