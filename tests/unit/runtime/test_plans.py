"""A plan is refused where bronze, the ledger or an unfinished run say that the batch is not the one it seems."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from lakehouse.bronze.manifest import LandedFile, LoadedFile
from lakehouse.config.models import Input
from lakehouse.config.outputs import Output
from lakehouse.config.quality import QualityGate
from lakehouse.errors import PlanMismatchError
from lakehouse.runtime.batch_ids import batch_id, digest_config, digest_inputs
from lakehouse.runtime.ingestion import Loaded
from lakehouse.runtime.plans import Plan, check_held, check_plans
from lakehouse.tables import CommitMarker, TableRef
from lakehouse.tables.ledger import Known

SOURCE = Input.model_validate(
    {
        "path": "landing", "feed": "dms-s3", "files": "csv", "bronze": "bronze.shop",
        "tables": {name: {"keys": ["id"], "columns": {"id": "bigint", "name": "string"}} for name in ("s.a", "s.b")},
    }
)  # fmt: skip
OUTPUT = Output.model_validate({"table": "silver.{table}", "write": "history", "track": {"s.a": ["name"]}})


def file(name: str, batch: int, size: int = 10, duplicate_of: str | None = None) -> LoadedFile:
    """A line of the manifest."""
    landed = LandedFile(file=name, size=size, modified_at=batch)
    loaded_at = datetime(2024, 5, 1, tzinfo=UTC)
    return LoadedFile(landed=landed, batch=batch, loaded_at=loaded_at, run_id="r", duplicate_of=duplicate_of)


class _Bronze:
    """As much of a table as an error message needs."""

    ref = TableRef(format="iceberg", name="lake.bronze.shop")


LOAD = Loaded(table=cast("Any", _Bronze()), batch=2, files=(file("a", 1), file("b", 2), file("c", 2)))


def held(sequence: int, inputs: str | None = None) -> CommitMarker:
    """The marker of a table, of a batch made of these inputs."""
    made_of = None if inputs is None else batch_id(inputs, "silver.a", "old")
    return CommitMarker(app="j/i", sequence=sequence, batch_id=made_of, config_hash="old", run_id="r1")


def plan(label: str = "silver.a", *, start: int = 1, uuid: str | None = "u1", config: str = "new") -> Plan:
    """The plan of batch 2 for a table."""
    nothing = cast("Any", None)
    marker = CommitMarker(app="j/i", sequence=2, batch_id="x", config_hash=config, run_id="r2")
    return Plan(task=nothing, target=nothing, label=label, held=held(start), marker=marker, table_uuid=uuid)


def test_a_batch_is_its_files_its_target_and_its_configuration() -> None:
    """Order, times and files that repeat others do not matter; a name, a size, a target and a configuration each do."""
    inputs = digest_inputs([file("a", 1), file("b", 1)])
    assert inputs == digest_inputs([file("b", 7), file("c", 7, duplicate_of="a"), file("a", 7)])
    assert inputs != digest_inputs([file("a", 1), file("b", 1, size=11)])
    assert inputs != digest_inputs([file("a", 1), file("c", 1)])
    ids = {batch_id(i, t, c) for i in (inputs, "other") for t in ("t1", "t2") for c in ("c1", "c2")}
    assert len(ids) == 8


def test_what_shapes_rows_is_part_of_the_configuration_and_places_are_not() -> None:
    """Options, contract, output and settings of the recipe shape the rows of a table; folders and names do not."""
    config = digest_config(SOURCE, "s.a", OUTPUT, {})
    moved = SOURCE.model_copy(update={"path": "s3://other", "bronze": "elsewhere"})
    assert digest_config(moved, "s.a", OUTPUT.model_copy(update={"table": "gold.{table}"}), {}) == config
    shaping = [
        digest_config(SOURCE.model_copy(update={"options": {"timestamp_column": "ts"}}), "s.a", OUTPUT, {}),
        digest_config(SOURCE, "s.a", OUTPUT.model_copy(update={"ignore_nulls": True}), {}),
        digest_config(SOURCE, "s.a", OUTPUT.model_copy(update={"track": {"s.a": ("id",)}}), {}),
        digest_config(SOURCE, "s.a", OUTPUT, {"leave_out": ["name"]}),
        digest_config(SOURCE),
    ]
    assert len({config, *shaping}) == 6
    others = OUTPUT.model_copy(update={"track": {"s.a": ("name",), "s.b": ("id",)}})
    assert digest_config(SOURCE, "s.a", others, {}) == config
    gate = QualityGate(ruleset="Rules = [RowCount > 0]")
    kept = gate.model_copy(update={"states": "ops.states", "categories": ("name",)})
    gated, kept_too = (digest_config(SOURCE, "s.a", OUTPUT, {}, one) for one in (gate, kept))
    assert config != gated == kept_too


def test_a_table_counts_on_from_the_batch_that_bronze_has() -> None:
    """Whatever configuration made it; nothing held, and markers of before there were ids, are taken as they are."""
    for marker in (None, held(1), held(1, digest_inputs([file("a", 1)])), held(2, digest_inputs(LOAD.files[1:]))):
        check_held(marker, LOAD, "silver.a")


@pytest.mark.parametrize(
    ("marker", "problem"),
    [
        (held(3), "ends at batch 2"),
        (held(2, digest_inputs([file("other", 2)])), "made of other files"),
    ],
)
def test_a_table_built_from_another_bronze_is_refused(marker: CommitMarker, problem: str) -> None:
    """A higher number than bronze has, and the same number with other files, name the table and the remedy."""
    with pytest.raises(PlanMismatchError, match=problem) as caught:
        check_held(marker, LOAD, "silver.a")
    assert "silver.a" in str(caught.value)
    assert "drop the table" in str(caught.value)


def test_a_table_that_was_exchanged_is_refused() -> None:
    """Another identity than the ledger's is; a table that is not there, or was not when it was planned, may be made."""
    for known, now in (("u1", "u1"), ("u1", None), (None, "u2")):
        check_plans([plan(uuid=now)], {"silver.a": Known(table_uuid=known)}, ledger="ops.ledger")
    check_plans([plan(uuid="u2")], {}, ledger="ops.ledger")
    with pytest.raises(PlanMismatchError, match="made again"):
        check_plans([plan(uuid="u2")], {"silver.a": Known(table_uuid="u1")}, ledger="ops.ledger")


def test_half_a_batch_is_not_finished_with_another_configuration_unasked() -> None:
    """Where another table shows the batch by the run that planned it otherwise; a person may ask for it."""
    done = plan("silver.b", start=2)
    known = {"silver.a": Known(table_uuid="u1", plans=frozenset({(2, "r1", "old")}))}
    with pytest.raises(PlanMismatchError, match=r"silver\.b shows it already"):
        check_plans([plan(), done], known, ledger="ops.ledger")
    check_plans([plan(), done], known, ledger="ops.ledger", replan=True)
    check_plans([plan(config="old"), done], known, ledger="ops.ledger")
    check_plans([plan(), plan("silver.b")], known, ledger="ops.ledger")  # nobody shows it: it is planned anew
    of_others = {"silver.a": replace(known["silver.a"], plans=frozenset({(2, "r0", "old")}))}
    check_plans([plan(), done], of_others, ledger="ops.ledger")
