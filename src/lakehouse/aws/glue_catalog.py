"""Tables in the Glue Data Catalog, so that Athena, Redshift and Lake Formation find what was written.

The inputs are those of Athena's documentation ("Query Linux Foundation Delta Lake tables", "Query Apache Iceberg tables") and
of Iceberg's own Glue catalog; the limits are those of the API reference of Glue. A table whose catalog is Glue itself, such as
one in an Iceberg catalog of type `glue`, is there already and must not be registered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from pyspark.sql import types as T

from lakehouse.aws.codes import NO_ENTITY, error_code
from lakehouse.aws.glue_limits import check_limits, check_name
from lakehouse.errors import CommitConflictError, CommitError, ConfigError, MissingColumnsError
from lakehouse.schemas.hive_types import fold_names, hive_type

Registration = Literal["created", "updated", "unchanged"]
TableInput = dict[str, Any]

REGISTERED = "lakehouse.registered"
"""The table property by which this library knows the tables that it has registered itself."""

_TYPE, _METADATA, _PREVIOUS = "table_type", "metadata_location", "previous_metadata_location"
_KEPT = ("Owner", "Retention", "Description", "LastAccessTime", "LastAnalyzedTime")
_COLUMNS = frozenset({"Columns", "PartitionKeys"})
_RACES = frozenset({"AlreadyExistsException", "ConcurrentModificationException"})
_TO_MEND = frozenset(
    {
        "AccessDeniedException",
        "EntityNotFoundException",
        "GlueEncryptionException",
        "InvalidInputException",
        "ResourceNumberLimitExceededException",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogTable:
    """A table as the catalog is to show it.

    Attributes:
        name: folded to lower case.
        location: the folder of the table, `s3://bucket/folder`; `s3a` and `s3n` become `s3`.
        schema: the columns, with comments where the metadata of a field has `comment`.
        description: of the table.
        properties: more table parameters, beside those that the format needs.
    """

    name: str
    location: str
    schema: T.StructType
    description: str | None = None
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def delta_table_input(table: CatalogTable, *, partition_columns: Sequence[str] = ()) -> TableInput:
    """The `TableInput` of a Delta table, read by Athena's own Delta reader and by Spark.

    Raises:
        ConfigError: the location is not on S3, a property is one the format needs, or a limit of Glue is passed.
        IncompatibleSchemaError: Hive has no such type, or two columns fold to one name.
        MissingColumnsError: a partition column is not in the schema.
    """
    # Athena looks for the path of a Delta table in the parameters of the SerDe, the catalog for its location.
    location = f"{_on_s3(table.location)}/"
    columns = {column["Name"]: column for column in _columns(table)}
    keys = fold_names(partition_columns, where=f"partition columns of {table.name}")
    if missing := [key for key in keys if key not in columns]:
        raise MissingColumnsError(missing, list(columns), where=f"the schema of {table.name}")
    return _table_input(
        table,
        {"EXTERNAL": "TRUE", _TYPE: "DELTA", "classification": "delta", "spark.sql.sources.provider": "delta"},
        storage={
            "Columns": [column for name, column in columns.items() if name not in keys],
            "Location": location,
            "InputFormat": "org.apache.hadoop.mapred.SequenceFileInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"serialization.format": "1", "path": location},
            },
        },
        partition_keys=[columns[key] for key in keys],
    )


def iceberg_table_input(
    table: CatalogTable, *, metadata_location: str, previous_metadata_location: str | None = None
) -> TableInput:
    """The `TableInput` of an Iceberg table at one version of its metadata; partitions are in the metadata, not in the catalog.

    Raises:
        ConfigError: a location is not on S3, a property is one the format needs, or a limit of Glue is passed.
        IncompatibleSchemaError: Hive has no such type, or two columns fold to one name.
    """
    parameters = {_TYPE: "ICEBERG", _METADATA: _on_s3(metadata_location)}
    if previous_metadata_location is not None:
        parameters[_PREVIOUS] = _on_s3(previous_metadata_location)
    storage = {"Columns": _columns(table), "Location": _on_s3(table.location)}
    return _table_input(table, parameters, storage=storage, partition_keys=[])


def register_table(client: Any, database: str, table_input: TableInput) -> Registration:
    """Make the catalog show a table: create it, and its database, when missing, and update it where it differs.

    A second call writes nothing. Parameters that others have added stay. Only a table that this function has registered, of
    the same format and at the same location, is updated, and only if nobody has updated it since it was read.

    Args:
        client: `boto3.client("glue")`.
        database: folded to lower case.
        table_input: what `delta_table_input` or `iceberg_table_input` made.

    Raises:
        ConfigError: the name belongs to another table, or Glue does not take the call; nothing was written.
        CommitConflictError: somebody else has written the table at the same time; call again.
        CommitError: Glue is out of order; call again.
    """
    database = check_name(database.lower(), what="database")
    name = table_input["Name"]
    where = f"{database}.{name}"
    with _glue_errors(where):
        found = _find(client.get_table, DatabaseName=database, Name=name)
        if found is None:
            _ensure_database(client, database)
            client.create_table(DatabaseName=database, TableInput=table_input)
            return "created"
        there = found["Table"]
        _refuse_foreign(there, table_input, where)
        wanted = _succeed(there, table_input)
        if _shows(there, wanted):
            return "unchanged"
        # Without the version, two at once would both win, and the catalog would show the older state.
        version = {"VersionId": there["VersionId"]} if "VersionId" in there else {}
        client.update_table(DatabaseName=database, TableInput=wanted, SkipArchive=True, **version)
        return "updated"


def _table_input(
    table: CatalogTable, parameters: dict[str, str], *, storage: dict[str, Any], partition_keys: list[dict[str, Any]]
) -> TableInput:
    ours = {**parameters, REGISTERED: "true"}
    if taken := sorted(table.properties.keys() & {*ours, _PREVIOUS}):
        msg = f"{table.name}: {', '.join(taken)} cannot be a property of yours; the catalog needs it"
        raise ConfigError(msg)
    made: TableInput = {
        "Name": table.name.lower(),
        **({} if table.description is None else {"Description": table.description}),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {**table.properties, **ours},
        "StorageDescriptor": storage,
        "PartitionKeys": partition_keys,
    }
    check_limits(made)
    return made


def _columns(table: CatalogTable) -> list[dict[str, Any]]:
    names = fold_names(table.schema.fieldNames(), where=table.name)
    return [
        {"Name": name, "Type": hive_type(one.dataType), **_comment(one)}
        for name, one in zip(names, table.schema.fields, strict=True)
    ]


def _comment(column: T.StructField) -> dict[str, str]:
    comment = (column.metadata or {}).get("comment")
    return {"Comment": str(comment)} if comment else {}


def _on_s3(location: str) -> str:
    scheme, separator, path = location.partition("://")
    if not separator or scheme not in {"s3", "s3a", "s3n"} or not path.strip("/"):
        msg = f"{location!r} is no place on S3; Glue and Athena read s3://bucket/folder"
        raise ConfigError(msg)
    return f"s3://{path.rstrip('/')}"


def _find(call: Any, **arguments: str) -> Any:
    """The answer of a call, or None: there is no such thing."""
    try:
        return call(**arguments)
    except Exception as error:
        if error_code(error) == NO_ENTITY:
            return None
        raise


def _ensure_database(client: Any, database: str) -> None:
    if _find(client.get_database, Name=database) is not None:
        return
    try:
        client.create_database(DatabaseInput={"Name": database})
    except Exception as error:
        if error_code(error) not in _RACES:
            raise


def _refuse_foreign(there: Mapping[str, Any], wanted: TableInput, where: str) -> None:
    """Refuse to touch a table that somebody else has made, or that is something else."""
    parameters = there.get("Parameters", {})
    kind = parameters.get(_TYPE) or parameters.get("spark.sql.sources.provider") or there.get("TableType") or "unknown"
    ours = wanted["Parameters"][_TYPE]
    if str(kind).upper() != ours:
        msg = f"{where} is a table of type {kind} in the catalog, not {ours}: choose another name, or drop that table"
        raise ConfigError(msg)
    if parameters.get(REGISTERED) != "true":
        msg = f"{where} was made by another tool, which keeps it: choose another name, or drop it if nobody does"
        raise ConfigError(msg)
    place, placed = wanted["StorageDescriptor"]["Location"], there.get("StorageDescriptor", {}).get("Location", "")
    if place.rstrip("/") != placed.rstrip("/"):
        msg = (
            f"{where} shows the table at {placed}, not {place}: choose another name, or drop it if the table has moved"
        )
        raise ConfigError(msg)


def _succeed(there: Mapping[str, Any], table_input: TableInput) -> TableInput:
    """The input that makes a table in the catalog show the next state, with what others have set."""
    before, after = there.get("Parameters", {}), table_input["Parameters"]
    moved = before.get(_METADATA) != after.get(_METADATA)
    previous = {_PREVIOUS: before[_METADATA]} if moved and _METADATA in before and _PREVIOUS not in after else {}
    kept = {name: there[name] for name in _KEPT if name in there}
    return {**kept, **table_input, "Parameters": {**before, **after, **previous}}


def _shows(there: Mapping[str, Any], wanted: TableInput) -> bool:
    """Whether the catalog shows these columns and all else that is wanted; Glue adds fields of its own."""
    stored, storage = there.get("StorageDescriptor", {}), wanted["StorageDescriptor"]
    return (
        _described(stored.get("Columns", ())) == _described(storage["Columns"])
        and _described(there.get("PartitionKeys", ())) == _described(wanted["PartitionKeys"])
        and _holds(there, wanted)
    )


def _described(columns: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["Name"], one.get("Type", ""), one.get("Comment", "")) for one in columns]


def _holds(there: Any, wanted: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return bool(there == wanted)
    others = {name: value for name, value in wanted.items() if name not in _COLUMNS}
    return isinstance(there, Mapping) and all(_holds(there.get(name), value) for name, value in others.items())


@contextmanager
def _glue_errors(where: str) -> Iterator[None]:
    """Turn answers of Glue that are no results into our errors; others pass."""
    try:
        yield
    except Exception as error:
        code = error_code(error)
        if not code:
            raise
        if code in _RACES:
            msg = f"{where}: somebody else has written the table in the catalog just now; register it again"
            raise CommitConflictError(msg) from error
        if code in _TO_MEND:
            msg = (
                f"{where}: Glue does not take the call ({code}: {error}); mend the names or the permissions of the role"
            )
            raise ConfigError(msg) from error
        msg = f"{where}: Glue is out of order ({code}); register the table again, which does no harm"
        raise CommitError(msg) from error
