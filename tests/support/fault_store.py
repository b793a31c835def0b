"""An object store that has bad days, and the lake of the fault rig in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from fault_lake import FaultLake, Rows
from fault_proxy import Proxy, running_proxy
from fault_results import SEED
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

from lakehouse.config.loading import load_config
from lakehouse.runtime.command_line import load_script
from lakehouse.runtime.job import DONE, FAILED
from lakehouse.runtime.planning import Job
from lakehouse.runtime.reporting import reporter
from lakehouse.runtime.runner import run_job
from lakehouse.runtime.runs import Run
from lakehouse.tables import TableRef, open_table

BUCKET = "lake"
CATALOG = "store"


@contextmanager
def running_store() -> Iterator[Proxy]:
    """A store with an empty bucket, behind its proxy."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        with urlopen(Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")):  # nosec B310  # a server of our own
            pass
        with running_proxy(port, seed=SEED) as proxy:
            yield proxy
    finally:
        server.stop()


def store_environment(proxy: Proxy) -> dict[str, str]:
    """What an AWS client that is not Java's finds the store by."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}",
        "AWS_ACCESS_KEY_ID": "rig",
        "AWS_SECRET_ACCESS_KEY": "rig",  # pragma: allowlist secret - the emulator takes any
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def store_conf(proxy: Proxy, folder: Path) -> dict[str, str]:
    """The settings of a session that reaches the store as `s3a:`, impatiently, and keeps an Iceberg catalog of it."""
    s3a = {
        "endpoint": f"http://127.0.0.1:{proxy.port}",
        "endpoint.region": "us-east-1",
        "path.style.access": "true",
        "connection.ssl.enabled": "false",
        "access.key": "rig",
        "secret.key": "rig",
        "attempts.maximum": "1",  # how often the client asks again by itself, half a second later
        "retry.limit": "6",
        "retry.interval": "20ms",
        "retry.throttle.limit": "8",
        "retry.throttle.interval": "20ms",
        "connection.timeout": "10000",
    }
    catalog = f"spark.sql.catalog.{CATALOG}"
    return {
        **{f"spark.hadoop.fs.s3a.{name}": value for name, value in s3a.items()},
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "jdbc",
        f"{catalog}.uri": f"jdbc:sqlite:{(folder / 'store.db').as_uri()}",
        f"{catalog}.jdbc.schema-version": "V1",
        f"{catalog}.warehouse": f"s3a://{BUCKET}/iceberg",
    }


@dataclass(frozen=True, kw_only=True)
class StoreLake(FaultLake):
    """A lake whose tables are in the store; its landing folder is not."""

    spark: SparkSession

    def config(self) -> dict[str, Any]:
        """The configuration of the job; its leases lie beside the tables, where the same mishaps meet them."""
        lease = {"at": f"s3://{BUCKET}/leases", "seconds": 5}
        return {**super().config(), "warehouse": f"s3a://{BUCKET}/delta", "catalog": CATALOG, "lease": lease}

    def run(self) -> tuple[int, dict[str, Any]]:
        """Run the job on the session, which no laptop session for a store is: its exit code, and how it failed."""
        config, script = load_config(self.arguments()[1]), load_script("cdc_to_warehouse")
        run = Run(job=config.job, run_id="run", started_at=datetime.now(tz=UTC).replace(microsecond=0))
        with (self.folder / "job.log").open("a", encoding="utf-8") as log:
            report = reporter("json", log)
            try:
                run_job(
                    Job(
                        spark=self.spark,
                        config=config,
                        recipe=script.recipe,
                        params=script.Params(),
                        run=run,
                        report=report,
                    )
                )
            except Exception as error:  # noqa: BLE001 - how a run fails is what the rig looks at
                return FAILED, {"error": type(error).__name__}
        return DONE, json.loads((self.folder / "job.log").read_text(encoding="utf-8").splitlines()[-1])

    def read(self, name: str, *columns: str) -> Rows:
        """Columns of the newest version of a table; no rows where there is no table yet."""
        place = {"path": f"s3a://{BUCKET}/delta/{self.zone}/{name}"}
        named = {"name": f"{CATALOG}.{self.zone}.{name}"}
        ref = TableRef(format=self.format, **(place if self.format == "delta" else named))
        table = open_table(self.spark, ref)
        return [tuple(row) for row in table.read().select(*columns).collect()] if table.exists() else []
