"""A job as a platform runs it: submitted to Spark, with files in an object store and tables on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pyspark
import yaml
from moto.server import ThreadedMotoServer

from lakehouse.runtime.jars import cache_folder, find_jars, find_runtime
from lakehouse.runtime.java import find_java, java_options
from lakehouse.runtime.session import local_conf

ROOT = Path(__file__).parents[2]
LIMIT = 600
"""Seconds after which a run hangs."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """AWS as an emulator has it."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What clients find it by."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",  # pragma: allowlist secret - the emulator takes any
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self, service: str) -> Any:
        """A client of it."""
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}  # pragma: allowlist secret - as above
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", **keys)

    @property
    def settings(self) -> dict[str, str]:
        """What Spark reaches it by, as `s3a:`."""
        told = {
            "endpoint": self.endpoint,
            "endpoint.region": "us-east-1",
            "path.style.access": "true",
            "connection.ssl.enabled": "false",
            "access.key": "test",
            "secret.key": "test",
        }
        return {f"spark.hadoop.fs.s3a.{name}": value for name, value in told.items()}


@contextmanager
def running_aws() -> Iterator[Store]:
    """An empty AWS on a port of this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Store(endpoint=f"http://{host}:{port}")
    finally:
        server.stop()


@dataclass(frozen=True, kw_only=True)
class SubmittedJob:
    """A job script with a configuration, more settings of Spark, and a folder for all of it and the warehouse."""

    store: Store
    folder: Path
    config: dict[str, Any]
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """Submit it, and return the exit code and what it said."""
        path = self.folder / "job.yaml"
        path.write_text(yaml.safe_dump(self.config), encoding="utf-8")
        done = subprocess.run(
            [
                *(str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--properties-file", str(self._conf())),
                *(str(ROOT / "jobs" / f"{self.config['job']}.py"), "--config", str(path), "--log", "json", *arguments),
            ],
            env={**os.environ, **self.store.environment, **self._spark()},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        (self.folder / "job.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def _spark(self) -> dict[str, str]:
        return {
            "SPARK_HOME": str(Path(pyspark.__file__).parent),
            "JAVA_HOME": str(find_java(versions=find_runtime().java, wheel=find_runtime().java_wheel).home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,  # not the first one on the path, which may know no library
            "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        }

    def _conf(self) -> Path:
        runtime = find_runtime()
        java = find_java(versions=runtime.java, wheel=runtime.java_wheel)
        warehouse = Path(self.config["warehouse"])
        warehouse.mkdir(exist_ok=True)
        settings = local_conf(
            warehouse=warehouse,
            jars=find_jars(runtime, ("core", "s3"), java=java),
            java_options=java_options(java, cache=cache_folder()),
            conf={
                "spark.master": "local[2]",
                "spark.sql.shuffle.partitions": "2",
                **self.store.settings,
                **self.settings,
            },
        )
        path = self.folder / "spark.conf"
        path.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8")
        return path
