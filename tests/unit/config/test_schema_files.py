"""Avro schemas in files beside the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse.config.loading import load_config
from lakehouse.errors import ConfigError

SCHEMA = '{"type": "record", "name": "Key", "fields": [{"name": "id", "type": "long"}]}'


def job(schemas: Any) -> str:
    """A job that reads messages of these schemas."""
    source = {
        "path": "landing", "feed": "debezium-avro", "files": "json", "bronze": "bronze.{table}",
        "tables": {"public.t": {"keys": ["id"], "columns": {"id": "bigint"}}}, "options": {"schemas": schemas},
    }  # fmt: skip
    outputs = {"t": {"table": "silver.{table}", "write": "current"}}
    return yaml.safe_dump({"job": "cdc_to_warehouse", "inputs": {"shop": source}, "outputs": outputs})


def test_a_schema_may_stand_in_a_file(tmp_path: Path) -> None:
    """The file is looked for beside the configuration; a schema that is written out is taken as it is."""
    (tmp_path / "avro").mkdir()
    (tmp_path / "avro" / "key.avsc").write_text(SCHEMA, encoding="utf-8")
    (tmp_path / "job.yaml").write_text(job({7: "avro/key.avsc", 8: SCHEMA}), encoding="utf-8")
    loaded = load_config(str(tmp_path / "job.yaml"))
    assert loaded.inputs["shop"].options["schemas"] == {7: SCHEMA, 8: SCHEMA}


def test_a_schema_may_lie_where_spark_reads() -> None:
    """With a reader of its own the file is asked for by its full place."""
    files = {"s3://jobs/cdc/job.yaml": job({7: "key.avsc"}), "s3://jobs/cdc/key.avsc": SCHEMA}
    loaded = load_config("s3://jobs/cdc/job.yaml", read=files.__getitem__)
    assert loaded.inputs["shop"].options["schemas"] == {7: SCHEMA}


def test_a_schema_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error names configuration, key and file."""
    (tmp_path / "job.yaml").write_text(job({7: "key.avsc"}), encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"job.yaml: inputs.shop.options.schemas.7: no file .*key.avsc; it should hold an Avro"
    ):
        load_config(str(tmp_path / "job.yaml"))
