"""What the Glue catalog shows of a table, and that registering it disturbs nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.glue.models import glue_backends
from pyspark.sql import types as T

from lakehouse.aws.glue_catalog import CatalogTable, delta_table_input, iceberg_table_input, register_table
from lakehouse.errors import (
    CommitConflictError,
    CommitError,
    ConfigError,
    IncompatibleSchemaError,
    LakehouseError,
    MissingColumnsError,
)

COLUMNS = [
    T.StructField("Customer_ID", T.LongType(), metadata={"comment": "the key"}),
    T.StructField("balance", T.DecimalType(12, 2)),
    T.StructField("Address", T.StructType([T.StructField("City", T.StringType())])),
    T.StructField("seen_at", T.TimestampType()),
    T.StructField("Country", T.StringType(), metadata={"comment": "ISO 3166"}),
]
GLUE_COLUMNS = [
    {"Name": "customer_id", "Type": "bigint", "Comment": "the key"},
    {"Name": "balance", "Type": "decimal(12,2)"},
    {"Name": "address", "Type": "struct<city:string>"},
    {"Name": "seen_at", "Type": "timestamp"},
]
COUNTRY = {"Name": "country", "Type": "string", "Comment": "ISO 3166"}
CUSTOMERS = CatalogTable(
    name="Customers",
    location="s3a://lake/silver/customers/",
    schema=T.StructType(COLUMNS),
    description="one row each",
    properties={"domain": "sales"},
)
METADATA = "s3://lake/silver/customers/metadata/0000{}.metadata.json"


def changed(**changes: Any) -> CatalogTable:
    """The customers, with something else."""
    names = ("name", "location", "schema", "description", "properties")
    return CatalogTable(**{name: getattr(CUSTOMERS, name) for name in names} | changes)


class Watched:
    """A client that keeps the calls, and can be made to answer some of them with an error."""

    def __init__(self, client: Any) -> None:
        """Nothing was called."""
        self.client = client
        self.calls: list[str] = []
        self.answers: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append(name)
            if code := self.answers.get(name):
                raise ClientError({"Error": {"Code": code, "Message": "no"}}, name)
            return getattr(self.client, name)(**arguments)

        return call

    @property
    def writes(self) -> list[str]:
        """The calls that write."""
        return [name for name in self.calls if not name.startswith("get_")]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """One client for all: making one takes longer than a test."""
    with mock_aws():
        yield boto3.client("glue", region_name="us-east-1")


@pytest.fixture
def glue(client: Any) -> Watched:
    """An empty catalog."""
    glue_backends["123456789012"]["us-east-1"].reset()
    return Watched(client)


def shown(glue: Watched, name: str = "customers") -> Any:
    """What the catalog shows of a table."""
    return glue.client.get_table(DatabaseName="silver", Name=name)["Table"]


def test_a_delta_table_is_what_athena_reads() -> None:
    """Parameters, SerDe path and partition keys are those of Athena's documentation."""
    assert delta_table_input(CUSTOMERS, partition_columns=["Country"]) == {
        "Name": "customers",
        "Description": "one row each",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "table_type": "DELTA",
            "classification": "delta",
            "spark.sql.sources.provider": "delta",
            "lakehouse.registered": "true",
            "domain": "sales",
        },
        "StorageDescriptor": {
            "Columns": GLUE_COLUMNS,
            "Location": "s3://lake/silver/customers/",
            "InputFormat": "org.apache.hadoop.mapred.SequenceFileInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"serialization.format": "1", "path": "s3://lake/silver/customers/"},
            },
        },
        "PartitionKeys": [COUNTRY],
    }


def test_an_iceberg_table_is_what_athena_reads() -> None:
    """Its metadata is named; every column is a column, as partitions are hidden."""
    table = changed(description=None, properties={})
    made = iceberg_table_input(
        table,
        metadata_location=METADATA.format(2),
        previous_metadata_location=METADATA.format(1).replace("s3:", "s3n:"),
    )
    assert made == {
        "Name": "customers",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "table_type": "ICEBERG",
            "metadata_location": "s3://lake/silver/customers/metadata/00002.metadata.json",
            "previous_metadata_location": "s3://lake/silver/customers/metadata/00001.metadata.json",
            "lakehouse.registered": "true",
        },
        "StorageDescriptor": {"Columns": [*GLUE_COLUMNS, COUNTRY], "Location": "s3://lake/silver/customers"},
        "PartitionKeys": [],
    }


def test_partition_columns_keep_their_order() -> None:
    """The order of partition keys is that of the partitions, not of the schema."""
    made = delta_table_input(CUSTOMERS, partition_columns=["COUNTRY", "seen_at"])
    assert [key["Name"] for key in made["PartitionKeys"]] == ["country", "seen_at"]
    assert [column["Name"] for column in made["StorageDescriptor"]["Columns"]] == ["customer_id", "balance", "address"]
    with pytest.raises(MissingColumnsError, match="lacks region"):
        delta_table_input(CUSTOMERS, partition_columns=["region"])


def test_columns_that_fold_to_one_are_refused() -> None:
    """Glue would take one of them for the other."""
    twice = T.StructType([*COLUMNS, T.StructField("BALANCE", T.LongType())])
    with pytest.raises(IncompatibleSchemaError, match="balance"):
        delta_table_input(changed(schema=twice))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "table has 0 bytes"),
        ({"name": "t" * 256}, "table has 256 bytes"),
        ({"name": "ü" * 128}, "table has 256 bytes"),
        ({"description": "d" * 2049}, "description has 2049 bytes"),
        ({"location": "s3://lake/" + "f" * 2047}, "location has 2058 bytes"),
        ({"location": "/silver/customers"}, "no place on S3"),
        ({"location": "file:///silver"}, "no place on S3"),
        ({"location": "s3://"}, "no place on S3"),
        ({"schema": T.StructType([T.StructField("c" * 256, T.StringType())])}, "column has 256 bytes"),
        (
            {"schema": T.StructType([T.StructField("c", T.StringType(), metadata={"comment": "x" * 256})])},
            "comment of c",
        ),
        (
            {"schema": T.StructType([T.StructField("c", T.StringType(), metadata={"comment": "a\nb"})])},
            "must be one line",
        ),
        ({"properties": {"k" * 256: "v"}}, "property has 256 bytes"),
        ({"properties": {"k": "v" * 512_001}}, "value of property k has 512001 bytes"),
        ({"properties": {"table_type": "HIVE"}}, "table_type cannot be a property of yours"),
    ],
)
def test_what_glue_would_not_take_is_refused_before(changes: dict[str, Any], message: str) -> None:
    """Each limit is named with what passes it."""
    with pytest.raises(ConfigError, match=message):
        delta_table_input(changed(**changes))


def test_what_fits_exactly_is_taken() -> None:
    """The limits are the last sizes that Glue takes."""
    schema = T.StructType([T.StructField("c" * 255, T.StringType(), metadata={"comment": "x" * 255})])
    made = delta_table_input(
        changed(name="t" * 255, schema=schema, description="d" * 2048, properties={"k" * 255: "a\nb"})
    )
    assert made["Name"] == "t" * 255


def test_a_table_is_created_with_its_database_and_then_left_alone(glue: Watched) -> None:
    """The first call writes both, the second nothing; names are folded."""
    made = delta_table_input(CUSTOMERS, partition_columns=["country"])
    assert register_table(glue, "Silver", made) == "created"
    assert glue.writes == ["create_database", "create_table"]
    there = shown(glue)
    assert {name: there[name] for name in made} == made
    glue.calls.clear()
    assert register_table(glue, "SILVER", made) == "unchanged"
    assert glue.writes == []
    glue.client.create_database(DatabaseInput={"Name": "gold"})
    assert register_table(glue, "gold", made) == "created"
    assert glue.writes == ["create_table"]


@pytest.mark.parametrize(
    "table",
    [
        changed(description="another"),
        changed(properties={"domain": "finance"}),
        changed(schema=T.StructType([*COLUMNS, T.StructField("added", T.StringType())])),
        changed(schema=T.StructType(COLUMNS[:-1])),
        changed(schema=T.StructType([T.StructField("customer_id", T.LongType()), *COLUMNS[1:]])),
        changed(schema=T.StructType([COLUMNS[0], T.StructField("balance", T.DoubleType()), *COLUMNS[2:]])),
        changed(schema=T.StructType([COLUMNS[1], COLUMNS[0], *COLUMNS[2:]])),
    ],
    ids=["description", "property", "column added", "column gone", "comment gone", "type", "order"],
)
def test_a_table_that_differs_is_updated_once(glue: Watched, table: CatalogTable) -> None:
    """Whatever the difference, one call mends it, and what others have added stays."""
    register_table(glue, "silver", delta_table_input(CUSTOMERS))
    others = delta_table_input(CUSTOMERS)
    others["Parameters"]["lakeformation"] = "theirs"
    glue.client.update_table(DatabaseName="silver", TableInput={**others, "Owner": "sales", "Retention": 7})
    glue.calls.clear()
    made = delta_table_input(table)
    assert register_table(glue, "silver", made) == "updated"
    assert glue.writes == ["update_table"]
    there = shown(glue)
    assert there["StorageDescriptor"]["Columns"] == made["StorageDescriptor"]["Columns"]
    assert there["Parameters"] == {**made["Parameters"], "lakeformation": "theirs"}
    assert (there["Owner"], there["Retention"], there["Description"]) == ("sales", 7, table.description)
    assert register_table(glue, "silver", made) == "unchanged"


def test_an_iceberg_table_moves_from_version_to_version(glue: Watched) -> None:
    """The metadata it showed before becomes the previous one; the same version again writes nothing."""
    for version, result in [(1, "created"), (1, "unchanged"), (2, "updated"), (2, "unchanged"), (3, "updated")]:
        made = iceberg_table_input(CUSTOMERS, metadata_location=METADATA.format(version))
        assert register_table(glue, "silver", made) == result
    parameters = shown(glue)["Parameters"]
    assert parameters["metadata_location"] == METADATA.format(3)
    assert parameters["previous_metadata_location"] == METADATA.format(2)


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ({"TableType": "VIRTUAL_VIEW"}, "type VIRTUAL_VIEW"),
        ({"TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "parquet"}}, "type EXTERNAL_TABLE"),
        ({"Parameters": {"table_type": "ICEBERG", "lakehouse.registered": "true"}}, "type ICEBERG"),
        ({"Parameters": {"table_type": "DELTA"}}, "another tool"),
        ({"Parameters": {"spark.sql.sources.provider": "delta"}}, "another tool"),
        (
            {
                "Parameters": {"table_type": "DELTA", "lakehouse.registered": "true"},
                "StorageDescriptor": {"Location": "s3://lake/silver/people"},
            },
            "shows the table at s3://lake/silver/people",
        ),
    ],
    ids=["view", "parquet", "iceberg", "delta of another tool", "delta of Spark", "another place"],
)
def test_what_belongs_to_others_is_not_touched(glue: Watched, there: dict[str, Any], message: str) -> None:
    """The error says whose the name is, and nothing is written."""
    glue.client.create_database(DatabaseInput={"Name": "silver"})
    glue.client.create_table(DatabaseName="silver", TableInput={"Name": "customers", **there})
    before = shown(glue)
    with pytest.raises(ConfigError, match=message):
        register_table(glue, "silver", delta_table_input(CUSTOMERS))
    assert glue.writes == []
    assert shown(glue) == before


@pytest.mark.parametrize(
    ("call", "code", "error"),
    [
        ("get_table", "AccessDeniedException", ConfigError),
        ("get_database", "AccessDeniedException", ConfigError),
        ("create_database", "ResourceNumberLimitExceededException", ConfigError),
        ("create_table", "AlreadyExistsException", CommitConflictError),
        ("create_table", "InvalidInputException", ConfigError),
        ("create_table", "InternalServiceException", CommitError),
        ("get_table", "ThrottlingException", CommitError),
    ],
)
def test_answers_of_glue_become_errors_of_ours(
    glue: Watched, call: str, code: str, error: type[LakehouseError]
) -> None:
    """By what the caller can do: mend something, or call again."""
    glue.answers[call] = code
    with pytest.raises(error, match=r"silver\.customers: ") as raised:
        register_table(glue, "silver", delta_table_input(CUSTOMERS))
    assert type(raised.value) is error


def test_an_update_that_another_overtook_is_a_conflict(glue: Watched) -> None:
    """The version that was read is what the update asks for, so that Glue can tell."""
    register_table(glue, "silver", delta_table_input(CUSTOMERS))
    version = shown(glue)["VersionId"]
    conflict = ClientError({"Error": {"Code": "ConcurrentModificationException", "Message": "no"}}, "UpdateTable")
    made = delta_table_input(changed(description="another"))
    with (
        patch.object(glue.client, "update_table", side_effect=conflict) as update,
        pytest.raises(CommitConflictError, match="register it again"),
    ):
        register_table(glue, "silver", made)
    update.assert_called_once_with(DatabaseName="silver", TableInput=made, SkipArchive=True, VersionId=version)


def test_a_database_that_another_makes_meanwhile_will_do(glue: Watched) -> None:
    """Who comes second finds it there."""
    glue.client.create_database(DatabaseInput={"Name": "silver"})
    glue.answers |= {"get_database": "EntityNotFoundException"}
    assert register_table(glue, "silver", delta_table_input(CUSTOMERS)) == "created"
    assert glue.writes == ["create_database", "create_table"]


def test_errors_that_are_no_answers_pass(glue: Watched) -> None:
    """A fault of ours is not dressed up as one of Glue."""
    glue.client = None
    with pytest.raises(AttributeError):
        register_table(glue, "silver", delta_table_input(CUSTOMERS))


@pytest.mark.parametrize("database", ["", "d" * 256])
def test_a_database_has_a_name_that_glue_takes(glue: Watched, database: str) -> None:
    """It is refused before anything is called."""
    with pytest.raises(ConfigError, match="database has"):
        register_table(glue, database, delta_table_input(CUSTOMERS))
    assert glue.calls == []
