"""Which snapshots lie in a landing folder, and what a configuration may say of them. Starts no Spark."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from lakehouse.bronze.manifest import LandedFile
from lakehouse.config.loading import validate
from lakehouse.config.models import Input, JobConfig, Snapshots
from lakehouse.errors import ConfigError
from lakehouse.runtime.command_line import tables_of
from lakehouse.runtime.extracts import Extract, find_extracts

ROOT = "s3://lake/landing"
TABLES = ("crm.customers", "crm.order_items")
NO_SPARK: Any = None


def landed(*paths: str) -> list[LandedFile]:
    """Files below the root; each a minute younger than the one before."""
    return [
        LandedFile(file=f"{ROOT}/{path}", size=1, modified_at=60_000 * place) for place, path in enumerate(paths, 1)
    ]


def found(extracts: dict[str, list[Extract]]) -> dict[str, list[tuple[Any, int]]]:
    """By table: the versions and how many files each has."""
    return {table: [(one.version, len(one.files)) for one in ones] for table, ones in extracts.items()}


@pytest.mark.parametrize(
    ("settings", "paths"),
    [
        (
            {},
            ["customers/2026-11-24/part-1.csv", "customers/2026-11-24/deep/part-2.csv", "customers/2026-11-23/part-1.csv",
             "order_items/2026-11-24/part-1.csv", "other/2026-11-24/part-1.csv"],
        ),
        (
            {"layout": "{schema}/dt={version}/{table}.*.csv", "format": "%Y%m%d"},
            ["crm/dt=20261124/customers.1.csv", "crm/dt=20261124/customers.2.csv", "crm/dt=20261123/customers.1.csv",
             "crm/dt=20261124/order_items.1.csv", "hr/dt=20261124/customers.1.csv"],
        ),
        (
            {"layout": "*/{table}_{version}.csv", "format": "%Y_%m_%d", "quiet_minutes": 5},
            ["eu/customers_2026_11_24.csv", "us/customers_2026_11_24.csv", "eu/customers_2026_11_23.csv",
             "eu/order_items_2026_11_24.csv", "eu/other_2026_11_24.csv"],
        ),
    ],
    ids=["default", "folders", "names"],
)  # fmt: skip
def test_paths_name_tables_and_versions(settings: dict[str, Any], paths: list[str]) -> None:
    """All files of one version are one snapshot, the oldest first; files that do not fit belong to none."""
    extracts = find_extracts(ROOT, landed(*paths), TABLES, Snapshots(**settings))
    assert found(extracts) == {
        "crm.customers": [(date(2026, 11, 23), 1), (date(2026, 11, 24), 2)],
        "crm.order_items": [(date(2026, 11, 24), 1)],
    }


def test_markers_are_looked_for_where_the_version_is() -> None:
    """Each folder that the version names, as its address has it, percent-encoded letters included."""
    paths = landed("eu%20west/customers/2026-11-24/a/1.csv", "us/customers/2026-11-24/2.csv")
    extract = find_extracts(ROOT, paths, TABLES, Snapshots(layout="*/{table}/{version}/**"))["crm.customers"][0]
    assert extract.folders == (f"{ROOT}/eu%20west/customers/2026-11-24", f"{ROOT}/us/customers/2026-11-24")


def test_versions_are_ordered_by_what_they_are() -> None:
    """Numbers as numbers, instants as instants whatever their zone."""
    paths = landed("customers/9/a", "customers/10/a")
    numbers = find_extracts(ROOT, paths, TABLES, Snapshots(version="bigint"))["crm.customers"]
    assert [one.version for one in numbers] == [9, 10]
    snapshots = Snapshots(version="timestamp")
    paths = landed("customers/2026-11-24T01:00:00+02:00/a", "customers/20261123T220000/a")
    instants = find_extracts(ROOT, paths, TABLES, snapshots)["crm.customers"]
    assert [one.version for one in instants] == [
        datetime(2026, 11, 23, 22, tzinfo=UTC),
        datetime(2026, 11, 23, 23, tzinfo=UTC),
    ]
    assert instants[0].is_newer(None)
    assert instants[0].is_newer(datetime(2026, 11, 23, 21, 59))  # noqa: DTZ001 - as Spark hands it out, in the zone of the process
    assert not instants[0].is_newer(datetime(2026, 11, 23, 22))  # noqa: DTZ001 - as above
    assert numbers[0].is_newer(date(2026, 11, 23))


def test_quiet_minutes_count_from_the_youngest_file() -> None:
    """A snapshot without a marker is complete when its youngest file is old enough."""
    paths = landed("customers/2026-11-24/1", "customers/2026-11-24/2")
    snapshots = Snapshots(quiet_minutes=5)
    extract = find_extracts(ROOT, paths, TABLES, snapshots)["crm.customers"][0]
    assert extract.is_complete(NO_SPARK, snapshots, datetime(1970, 1, 1, 0, 7, tzinfo=UTC))
    assert not extract.is_complete(NO_SPARK, snapshots, datetime(1970, 1, 1, 0, 6, 59, tzinfo=UTC))


def test_a_layout_that_fits_nothing_is_an_error() -> None:
    """A folder with files of which none is a snapshot's, or with a version that is none; an empty folder is fine."""
    with pytest.raises(ConfigError, match=r"none of the 1 files .* fits snapshots.layout"):
        find_extracts(ROOT, landed("kunden/2026-11-24/1"), TABLES, Snapshots())
    with pytest.raises(ConfigError, match="'latest' is no date"):
        find_extracts(ROOT, landed("customers/latest/1"), TABLES, Snapshots())
    assert found(find_extracts(ROOT, [], TABLES, Snapshots())) == {table: [] for table in TABLES}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"snapshots": {"layout": "{table}/*"}}, "has to name {version} once"),
        ({"snapshots": {"layout": "{table}_{version}.csv"}}, "set quiet_minutes"),
        ({"snapshots": {"layout": "{version}/*"}}, "has to name {table}: there are 2 tables"),
        ({"snapshots": {"hard_delete": "close"}}, "did you mean 'hard_deletes'"),
        ({"snapshots": {"max_delete_ratio": 20}}, "less than or equal to 1"),
        ({"bronze": "bronze.crm"}, "feed snapshot has no bronze"),
        ({"options": {"version": 3}}, "feed snapshot finds version in the path"),
        ({"options": {"delimitr": ";"}}, "delimiter"),
        ({"feed": "maxwell", "bronze": "bronze.crm", "snapshots": {}}, "feed maxwell has no snapshots"),
        ({"feed": "maxwell"}, "missing key bronze; add it"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(change: dict[str, Any], message: str) -> None:
    """One message with the key and the remedy, before anything is read."""
    contract = {"keys": ["id"], "columns": {"id": "bigint"}}
    section = {"path": ROOT, "feed": "snapshot", "files": "csv", "tables": dict.fromkeys(TABLES, contract)}
    validate(Input, section, "job.yaml")
    with pytest.raises(ConfigError) as error:
        validate(Input, {**section, **change}, "job.yaml")
    assert message in str(error.value)


def test_an_input_of_snapshots_keeps_no_bronze_table() -> None:
    """The tables of a configuration are its targets and the quarantine; snapshots have no bronze table to list."""
    contract = {"keys": ["id"], "columns": {"id": "bigint"}}
    section = {"path": ROOT, "feed": "snapshot", "files": "csv", "tables": {"public.t": contract}}
    output = {"table": "silver.{table}", "write": "current"}
    config = JobConfig.model_validate({"job": "j", "inputs": {"a": section}, "outputs": {"b": output}})
    ours = [("ops.quarantine", "iceberg", "quarantine"), ("ops.ledger", "iceberg", "ledger")]
    assert tables_of(config) == [("silver.t", "iceberg", "current"), *ours]
