"""What a configuration may call its tables and columns, and say on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from lakehouse.config.loading import load_config
from lakehouse.config.models import Contract, Input
from lakehouse.config.outputs import Output
from lakehouse.errors import ConfigError
from lakehouse.runtime.places import Places
from lakehouse.runtime.planning import named

INPUT = {
    "path": "landing",
    "feed": "dms-s3",
    "files": "csv",
    "tables": {"public.t": {"keys": ["id"], "columns": {"id": "bigint"}}},
}
PLACES = Places(warehouse="/warehouse", catalog="lake", delta="path")


@pytest.mark.parametrize(
    "name", ["silver.{tabel}", "silver.{0.__class__}", "silver.{{table}}", "silver.{", "a}.{table}"]
)
def test_only_two_placeholders_stand_in_braces(name: str) -> None:
    """A slip in a placeholder is refused where it stands, and no attribute of anything can be asked for."""
    with pytest.raises(ValidationError, match=r"braces around something else than \{schema\} or \{table\}"):
        Output.model_validate({"table": name, "write": "current"})
    with pytest.raises(ValidationError, match="braces around something else"):
        Input.model_validate(INPUT | {"bronze": name})


def test_names_of_sources_are_put_in_as_they_are() -> None:
    """A source table that is called like a placeholder fills in nothing but itself."""
    assert named("{schema}_x.{table}", "{table}.{schema}") == "{table}_x.{schema}"


@pytest.mark.parametrize("part", ["..", ".", "a/b", "/etc", "../../x", "nul\x00", "x" * 250])
def test_parts_that_can_be_no_folder_are_refused(part: str) -> None:
    """No name leads out of the warehouse, in either format."""
    for table_format in ("delta", "iceberg"):
        with pytest.raises(ConfigError, match="cannot be a folder"):
            PLACES.ref(f"`{part}`.items", table_format)


def test_quoted_parts_are_one_part_in_both_formats() -> None:
    """A back-tick quotes a dot, for a folder as for a table, but not where a catalog forgets it; an open one is no name."""
    assert PLACES.ref("`a.b`.items", "delta").path == "/warehouse/a.b/items"
    assert PLACES.ref("a.`b.c`", "iceberg").name == "lake.a.`b.c`"
    with pytest.raises(ConfigError, match="take a dot in it for the end of a zone"):
        PLACES.ref("`a.b`.items", "iceberg")
    for name in ("`a.b.items", "a..items", "", "."):
        with pytest.raises(ConfigError, match="is not a table name"):
            PLACES.ref(name, "delta")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": "bigint", "ID": "string"}, "differ in letter case alone: ID, id"),
        ({"id": "bigint", "\u0130d": "string"}, "differ in letter case alone"),
        ({"id": "bigint", "_sequence": "bigint"}, "reserved column names: _sequence"),
    ],
)
def test_columns_that_no_table_can_have_are_refused(columns: dict[str, str], said: str) -> None:
    """The contract is refused before a file is read, and says which columns."""
    with pytest.raises(ValidationError, match=said):
        Contract.model_validate({"keys": ["id"], "columns": columns})


def test_a_setting_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    """What follows `--set` is YAML; when it is not, the key is named."""
    path = tmp_path / "job.yaml"
    path.write_text("job: x\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"--set job: the value is not valid YAML: .*; quote it"):
        load_config(str(path), settings=["job=[a"])
