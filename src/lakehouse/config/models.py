"""The shape of a job's configuration. Unknown keys are errors; nothing in here is code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pyspark.sql.types import StructType

from lakehouse.bronze.encodings import require_encoding
from lakehouse.cdc.feeds.assembly import Contract as FeedContract
from lakehouse.cdc.parsing import DMS_TRANSACTIONS, SNAPSHOT, check_feed, check_options, tells_drift
from lakehouse.cdc.snapshots import HardDeletes, SnapshotRules
from lakehouse.config.base import Model, Name, Pattern, TableFormat
from lakehouse.config.outputs import GoldTable, Output
from lakehouse.config.quality import CloudWatch, QualityGate
from lakehouse.config.reports import Reports
from lakehouse.errors import ConfigError
from lakehouse.schemas.compatibility import Mode
from lakehouse.schemas.type_names import parse_schema

FORMATS = {"parquet": "Parquet", "orc": "ORC", "avro": "Avro"}
"""What files whose rows have columns of their own are called, by `files`."""


class Contract(Model):
    """What one source table promises: its key columns, every column with its type, and which of them are never null.

    Keys are never null anyway. A row without a required value goes to quarantine.
    """

    keys: tuple[Name, ...] = Field(min_length=1)
    columns: dict[Name, str] = Field(min_length=1)
    required: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _keys_are_columns(self) -> Contract:
        if absent := [key for key in self.keys if key not in self.columns]:
            msg = f"keys that are no columns: {', '.join(absent)}"
            raise ValueError(msg)
        if absent := [name for name in self.required if name not in self.columns]:
            msg = f"required columns that are none: {', '.join(absent)}"
            raise ValueError(msg)
        try:
            FeedContract(schema=self.schema_, keys=self.keys)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def schema_(self) -> StructType:
        """The columns as a schema."""
        try:
            return parse_schema(self.columns)
        except ConfigError as error:
            raise ValueError(str(error)) from None


class Snapshots(Model):
    """How full extracts lie in the landing folder, when one is complete, and what it may do.

    Attributes:
        layout: the path of a file below the input's folder: `{schema}`, `{table}` and `{version}` stand for what they say,
            `*` for any part of one name and `**` for any number of folders and names.
        version: the type of the version, which orders the snapshots.
        format: how a date or timestamp is written, as Python's `strptime` has it; ISO 8601 when left out. A timestamp without
            a zone is one of UTC.
        marker: the file in a version's folder that says that all others are there.
        quiet_minutes: for extracts without a marker: a snapshot is complete when no file of it has changed for so long.
        hard_deletes: whether a key that is missing is deleted (`close`) or stays as it is (`ignore`).
        event_time: the column that says when a row changed at the source, by source table.
        allow_empty: whether a snapshot without rows is one; it deletes everything.
        max_delete_ratio: the largest share of the rows that a snapshot may delete, from 0 to 1.
    """

    layout: Name = "{table}/{version}/**"
    version: Literal["date", "timestamp", "bigint"] = "date"
    format: Name | None = None
    marker: Name = "_SUCCESS"
    quiet_minutes: Annotated[int, Field(ge=1)] | None = None
    hard_deletes: HardDeletes = "close"
    event_time: dict[Name, Name] = Field(default_factory=dict)
    allow_empty: bool = False
    max_delete_ratio: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _versions_are_found(self) -> Snapshots:
        if self.layout.count("{version}") != 1:
            msg = f"layout {self.layout!r} has to name {{version}} once"
            raise ValueError(msg)
        if self.quiet_minutes is None and "{version}" in self.layout.rpartition("/")[2]:
            msg = f"layout {self.layout!r} has no folder for each version, where a marker could be; set quiet_minutes"
            raise ValueError(msg)
        return self

    def rules(self, table: str) -> SnapshotRules:
        """What a snapshot of a source table may do."""
        return SnapshotRules(
            hard_deletes=self.hard_deletes,
            event_time=self.event_time.get(table),
            allow_empty=self.allow_empty,
            max_delete_ratio=self.max_delete_ratio,
        )

    def parse_version(self, text: str) -> date | datetime | int:
        """The version that a path names.

        Raises:
            ConfigError: it is no value of the version's type.
        """
        try:
            if self.version == "bigint":
                return int(text)
            moment = datetime.strptime(text, self.format) if self.format else datetime.fromisoformat(text)  # noqa: DTZ007 - the zone is given below
        except ValueError:
            expected = f"{self.version}{f' of the format {self.format}' if self.format else ''}"
            msg = f"{text!r} is no {expected}; mend snapshots.layout, snapshots.version or snapshots.format"
            raise ConfigError(msg) from None
        if self.version == "date":
            return moment.date()
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Limits(Model):
    """How much a landed file may ask for; one that asks for more is refused by the name of the limit.

    Attributes:
        record_bytes: the longest record of text, in bytes; a document is one.
        nesting: how deep arrays and objects may lie in each other.
        columns: the most columns of a file, or fields of one record.
        decompressed_bytes: the most bytes that a compressed or typed file may become.
        file_seconds: the longest that the check of a file may take, for each GiB that the file has begun.
    """

    record_bytes: Annotated[int, Field(ge=1)] = 64 * 1024**2
    nesting: Annotated[int, Field(ge=1)] = 100
    columns: Annotated[int, Field(ge=1)] = 10_000
    decompressed_bytes: Annotated[int, Field(ge=1)] = 16 * 1024**3
    file_seconds: Annotated[int, Field(ge=1)] = 60


class RegistryConfig(Model):
    """Where contracts are registered, each under the name of its source table.

    Attributes:
        at: a folder that is there, or `glue://` and the name of a registry.
        compatibility: what a version has to be to the ones before it, as the Glue Schema Registry has it; when left out, what the
            registry says of the name, and `BACKWARD` of a new one.
    """

    at: Name
    compatibility: Mode | None = None


class Input(Model):
    """Where changes arrive and what they are.

    Attributes:
        path: a folder (local or `s3://`); every file below it is read once.
        feed: who wrote the changes.
        files: the format of the files: records as lines (`csv`, `json`), a whole JSON `document`, or rows of their own columns.
        header: whether CSV files begin with the names of their columns.
        options: what the feed's parser should know; see `lakehouse.cdc.feeds`.
        tables: the contracts by `schema.table`.
        select: which of them to take, as an SQL LIKE pattern.
        bronze: the bronze table; `{schema}` and `{table}` may stand in it. Snapshots have none: their landing folder is
            one, and what is there is read again.
        snapshots: of the feed `snapshot`: where its versions are and what they may do.
        encoding: of text files: UTF-8, or one of a byte a letter as Python names it (`cp1252`, `latin-1`).
        changed_files: what becomes of a file whose content changed under its name: its rows are new records (`load`), or it
            is set aside and never read (`quarantine`).
        missing_columns: what becomes of a CSV or typed file that lacks columns of its table's contract, as those from before
            a column was added do: they count as null (`load`), or the file is refused (`refuse`). Keys are never left out.
        drift: whether a run says which fields its records have that the contract does not name, and which columns their files
            lack (`report`), or does not look (`ignore`). Only for feed `columns`; JSON records are read once more for it.
        preflight: whether files are looked at before they are loaded; `off` trusts them.
        limits: how much a file may ask for.
        registry: where the contracts are registered before a file is loaded; one that may not follow those before it stops the run.
    """

    path: Name
    feed: Name
    files: Literal["csv", "json", "document", "parquet", "orc", "avro"]
    header: bool = True
    options: dict[str, Any] = Field(default_factory=dict)
    tables: dict[Name, Contract] = Field(min_length=1)
    select: Name = "%"
    bronze: Pattern = ""
    snapshots: Snapshots = Field(default_factory=Snapshots)
    encoding: Name = "utf-8"
    changed_files: Literal["load", "quarantine"] = "load"
    missing_columns: Literal["load", "refuse"] = "load"
    drift: Literal["ignore", "report"] = "ignore"
    preflight: bool = True
    limits: Limits = Field(default_factory=Limits)
    registry: RegistryConfig | None = None

    @property
    def is_typed(self) -> bool:
        """Whether the rows of the files have columns of their own."""
        return self.files in FORMATS

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, encoding: str) -> str:
        try:
            return require_encoding(encoding)
        except ConfigError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _feed_has_its_keys(self) -> Input:
        if self.feed != SNAPSHOT and not self.bronze:
            msg = "missing key bronze; add it"
            raise ValueError(msg)
        if self.drift == "report" and not tells_drift(self.feed):
            msg = f"feed {self.feed} does not tell what no contract names; remove drift"
            raise ValueError(msg)
        if self.feed == DMS_TRANSACTIONS and self.header:
            msg = f"files of feed {self.feed} have no header: set header: false, or the first record of each is taken for one"
            raise ValueError(msg)
        if self.files == "document" and (self.feed != "columns" or self.options.get("form") != "document"):
            msg = "files document are cut into records by feed columns: set feed: columns and options.form: document"
            raise ValueError(msg)
        foreign = "bronze" if self.feed == SNAPSHOT else "snapshots"
        if foreign in self.model_fields_set:
            msg = f"feed {self.feed} has no {foreign}; remove the key"
            raise ValueError(msg)
        if self.feed == SNAPSHOT and len(self.tables) > 1 and "{table}" not in self.snapshots.layout:
            msg = (
                f"snapshots.layout {self.snapshots.layout!r} has to name {{table}}: there are {len(self.tables)} tables"
            )
            raise ValueError(msg)
        return self

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
            found = {"version": 0} if info.data["feed"] == SNAPSHOT else {}
            if taken := sorted(found.keys() & options.keys()):
                msg = f"feed {SNAPSHOT} finds {', '.join(taken)} in the path, see snapshots.layout; remove the option"
                raise ValueError(msg)
            try:
                check_options(info.data["feed"], {**options, **found})
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return options


class LeaseConfig(Model):
    """What keeps two writers of a Delta table apart where the table's store does not: S3, and local folders by themselves.

    Attributes:
        at: `s3://bucket/folder`, or `dynamodb://table` (whose key is the string `lease`).
        seconds: how long a writer that is not heard of keeps the others waiting.
    """

    at: Annotated[str, Field(pattern=r"^(s3|dynamodb)://[^/]+")]
    seconds: Annotated[float, Field(ge=1)] = 30.0


class Arrivals(Model):
    """What becomes of files that events of S3 tell of, one by one (`--source_path`, `--event`).

    Attributes:
        extensions: those of valid files in lower case, without the first dot: `csv`, `json.gz`; any when left out.
        max_bytes: larger files are invalid.
        quarantine: where invalid files go, each with the reason in a file beside it: `s3://bucket/prefix`; they stay where they
            are when left out.
        topic: the SNS topic that is told each outcome: `processed`, `invalid`, `gone` or `failed`.
    """

    extensions: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]+(\.[a-z0-9]+)*$")], ...] = ()
    max_bytes: Annotated[int, Field(ge=1)] = 5 * 1024**3
    quarantine: Annotated[str, Field(pattern=r"^s3://[^/]+/.*[^/]")] | None = None
    topic: Annotated[str, Field(pattern=r"^arn:[^:]+:sns:")] | None = None


class GlueCatalog(Model):
    """That targets are registered in the Glue Data Catalog after each run.

    Not for tables of an Iceberg catalog that is Glue itself: they are there already.

    Attributes:
        prefix: what the names of databases begin with; then comes the zone of the table.
    """

    prefix: str = ""


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
        gold: tables that the job script works out of the current ones, by the names that it gives them.
        quality: what changes are held against before they are merged: one gate, or a list of them.
        quarantine: the table of rows that were set aside.
        ledger: the table of what runs planned and committed, see `lakehouse.tables.ledger`.
        lease: what keeps writers of one table apart; only for Delta tables.
        arrivals: what becomes of files that events tell of.
        glue: registers the targets, which have to lie on S3, in the Glue Data Catalog.
        reports: where each run leaves a page of what it did; nowhere when left out.
        cloudwatch: where what the rules measured goes; nowhere when left out.
        params: what the job script itself wants to know.
    """

    job: Name
    warehouse: Name = "warehouse"
    catalog: Name = "lake"
    format: TableFormat = "iceberg"
    delta: Literal["path", "name"] = "path"
    inputs: dict[Name, Input] = Field(min_length=1)
    outputs: dict[Name, Output] = Field(min_length=1)
    gold: dict[Name, GoldTable] = Field(default_factory=dict)
    quality: tuple[QualityGate, ...] = ()
    quarantine: Name = "ops.quarantine"
    ledger: Name = "ops.ledger"
    lease: LeaseConfig | None = None
    arrivals: Arrivals | None = None
    glue: GlueCatalog | None = None
    reports: Reports | None = None
    cloudwatch: CloudWatch | None = None
    params: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("quality", mode="before")
    @classmethod
    def _one_gate_is_a_list_of_one(cls, quality: object) -> object:
        return (quality,) if isinstance(quality, Mapping) else quality
