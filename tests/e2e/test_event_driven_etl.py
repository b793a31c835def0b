"""The job `event_driven_etl`, submitted to Spark with files in an object store, on what S3 tells of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest
import yaml
from deltalake import DeltaTable
from fault_lake import read_delta
from store_jobs import ROOT, Store, SubmittedJob, running_aws

from lakehouse.runtime.job import BAD_USAGE, DONE

SAMPLE = ROOT / "data" / "samples"
EVENTS = SAMPLE / "event_driven_etl" / "events.json"
LANDING = SAMPLE / "zones" / "landing"
ORDERS = "shop/orders/2026/11"
GONE, NOTES = f"{ORDERS}/21/08/gone.gz", f"{ORDERS}/21/notes.txt"


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """AWS with the buckets of the shipped configuration, a topic, and a queue that hears of it."""
    with running_aws() as found:
        for bucket in ("landing", "quarantine"):
            found.client("s3").create_bucket(Bucket=bucket)
        yield found


def key_of(hour: str, *, empty: bool = False) -> str:
    """A delivery of the sample, as it lies in the bucket."""
    (path,) = [one for one in (LANDING / ORDERS / hour).glob("*.gz") if (one.stat().st_size == 0) == empty]
    return str(path.relative_to(LANDING))


FIRST, SECOND, TORN = key_of("21/06"), key_of("21/07"), key_of("22/17")
EMPTY = key_of("22/03", empty=True)


def land(store: Store) -> None:
    """Put the files that the events tell of into the bucket, but for the one that is gone."""
    client = store.client("s3")
    for key in (FIRST, SECOND, TORN, EMPTY):
        client.put_object(Bucket="landing", Key=key, Body=(LANDING / key).read_bytes())
    client.put_object(Bucket="landing", Key=NOTES, Body=b"hello")
    client.put_object(Bucket="landing", Key=f"{ORDERS}/21/")


def listening(store: Store) -> tuple[str, str]:
    """A topic and the queue that hears of it."""
    topic = store.client("sns").create_topic(Name="outcomes")["TopicArn"]
    sqs = store.client("sqs")
    queue = sqs.create_queue(QueueName="outcomes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    store.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, queue


def heard(store: Store, queue: str) -> list[dict[str, Any]]:
    """What the topic was told, and forget it."""
    messages: list[dict[str, Any]] = []
    while True:
        answer = store.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        found = answer.get("Messages", [])
        if not found:
            return messages
        for message in found:
            messages.append(json.loads(json.loads(message["Body"])["Message"]))
            store.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def keys(store: Store, bucket: str) -> list[str]:
    """What lies in a bucket."""
    return [one["Key"] for one in store.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def expected(*files: str) -> list[tuple[str, str]]:
    """The orders of deliveries of the sample, each with the status of its last event that can be read."""
    last: dict[str, tuple[str, str]] = {}
    for file in files:
        for line in gzip.decompress((LANDING / file).read_bytes()).decode().splitlines():
            with suppress(ValueError, KeyError, TypeError, InvalidOperation):
                event = json.loads(line)
                Decimal(event["total"])
                if (
                    event["order_id"] is not None
                    and is_instant(event["updated_at"])
                    and is_instant(event["ordered_at"])
                ):
                    last[event["order_id"]] = max(
                        last.get(event["order_id"], ("", "")), (event["updated_at"], event["status"])
                    )
    return sorted((order, status) for order, (_, status) in last.items())


def is_instant(text: str) -> bool:
    """Whether a text is a time of a day that there is."""
    datetime.fromisoformat(text)
    return True


def configured(folder: Path, topic: str, table_format: str) -> dict[str, Any]:
    """The shipped configuration with a warehouse of its own and the topic."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "configs" / "event_driven_etl.yaml").read_text(encoding="utf-8"))
    config["inputs"]["orders"]["tables"] = str(ROOT / "configs" / "contracts" / "zones.yaml")
    config["arrivals"]["topic"] = topic
    return config | {"warehouse": str(folder / "warehouse"), "format": table_format}


def test_files_that_are_told_of(store: Store, tmp_path: Path) -> None:
    """What is valid is loaded once, what is not is set aside with its reason, and every outcome is told; a second time too."""
    topic, queue = listening(store)
    land(store)
    job = SubmittedJob(store=store, folder=tmp_path, config=configured(tmp_path, topic, "delta"))
    code, said = job.run("--event", str(EVENTS))
    assert code == DONE, said
    outcomes = {message["file"].removeprefix("s3://landing/"): message for message in heard(store, queue)}
    assert {file: message["outcome"] for file, message in outcomes.items()} == {
        FIRST: "processed", SECOND: "processed", TORN: "invalid", EMPTY: "invalid", NOTES: "invalid", GONE: "gone",
    }  # fmt: skip
    reasons = {file: message["reason"] for file, message in outcomes.items() if message["outcome"] == "invalid"}
    assert reasons == {TORN: "truncated", EMPTY: "empty_file", NOTES: "wrong_extension"}
    assert sorted(keys(store, "landing")) == sorted([FIRST, SECOND, f"{ORDERS}/21/"])
    for file in (TORN, EMPTY, NOTES):
        place = outcomes[file]["quarantine"].removeprefix("s3://quarantine/")
        assert place.startswith("orders/")
        told = json.loads(store.client("s3").get_object(Bucket="quarantine", Key=f"{place}.reason.json")["Body"].read())
        assert (told["reason"]["code"], told["source"]) == (reasons[file], f"s3://landing/{file}")
    table = tmp_path / "warehouse" / "silver" / "event_orders"
    orders = read_delta(table, ("order_id", "status"))
    assert sorted(orders) == expected(FIRST, SECOND)
    version = DeltaTable(table).version()
    code, said = job.run("--event", str(EVENTS))
    assert (code, DeltaTable(table).version()) == (DONE, version)
    again = {message["file"].removeprefix("s3://landing/"): message["outcome"] for message in heard(store, queue)}
    assert again == {FIRST: "processed", SECOND: "processed", TORN: "gone", EMPTY: "gone", NOTES: "gone", GONE: "gone"}
    code, said = job.run("--source_path", "s3://elsewhere/orders.json")
    assert (code, "lies below no input" in said[-1]["message"]) == (BAD_USAGE, True)


def test_tables_are_registered_in_the_catalog(store: Store, tmp_path: Path) -> None:
    """A file by its path into an Iceberg table on S3, which Glue shows at its newest metadata; the same again changes nothing."""
    topic, queue = listening(store)
    land(store)
    store.client("s3").create_bucket(Bucket="lake")
    config = configured(tmp_path, topic, "iceberg") | {"glue": {"prefix": "shop_"}}
    settings = {"spark.sql.catalog.lake.warehouse": "s3a://lake/iceberg"}
    job = SubmittedJob(store=store, folder=tmp_path, config=config, settings=settings)
    shown, table = [], dict[str, Any]()
    for _ in range(2):
        code, said = job.run("--source_path", f"s3://landing/{FIRST}")
        assert code == DONE, said
        table = store.client("glue").get_table(DatabaseName="shop_silver", Name="event_orders")["Table"]
        shown.append(
            (table["Parameters"]["metadata_location"], [one["state"] for one in said if one["event"] == "registered"])
        )
    place = shown[0][0].removeprefix("s3://lake/")
    assert shown == [(f"s3://lake/{place}", ["created"]), (f"s3://lake/{place}", [])]
    metadata = json.loads(store.client("s3").get_object(Bucket="lake", Key=place)["Body"].read())
    (schema,) = [one for one in metadata["schemas"] if one["schema-id"] == metadata["current-schema-id"]]
    columns = table["StorageDescriptor"]["Columns"]
    assert [one["Name"] for one in columns] == [one["name"] for one in schema["fields"]]
    assert table["Parameters"]["table_type"] == "ICEBERG"
    assert [message["outcome"] for message in heard(store, queue)] == ["processed", "processed"]
