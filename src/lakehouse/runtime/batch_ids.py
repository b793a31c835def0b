"""What a batch is: its inputs, its target, and the configuration that shapes it, each as a SHA-256.

A number says which batch comes next, and nothing of what is in it. The id does: a table that holds a number under another id
holds another batch, because bronze was built anew, or because two jobs use one name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from lakehouse.bronze.manifest import LoadedFile
from lakehouse.config.models import Input
from lakehouse.config.outputs import GoldTable, Output
from lakehouse.config.quality import QualityGate

_SHAPES_NO_ROW = {"table", "select", "format", "processed_date", "partition_by", "cluster_by"}
"""What an output says of where its rows go, how they lie there and when they came, and not of what they are."""


def digest_inputs(files: Iterable[LoadedFile]) -> str:
    """The inputs of one batch: path, size and SHA-256 of every file that has rows in it, in any order."""
    return _digest(
        sorted([entry.landed.file, entry.landed.size, entry.hash or ""] for entry in files if entry.has_rows)
    )


def digest_config(
    source: Input,
    table: str | None = None,
    output: Output | None = None,
    params: Mapping[str, Any] | None = None,
    gate: QualityGate | None = None,
) -> str:
    """What shapes the rows of a source table in a target: feed, options, contract, output and the recipe's own settings.

    Folders, catalogs and names of tables are left out: a warehouse that was moved is the same one. So is the code of the
    recipe.

    Args:
        source: the input.
        table: one of its source tables; None: bronze, which keeps the records of all as they are.
        output: the target.
        params: what the recipe was told.
        gate: what holds rows back; one that only speaks or stops shapes none.
    """
    shape: dict[str, Any] = {"feed": source.feed, "files": source.files, "header": source.header}
    if table is not None and output is not None:
        shape |= {
            "options": source.options,
            "contract": source.tables[table].model_dump(),
            "output": {**output.model_dump(exclude=_SHAPES_NO_ROW), "track": output.track.get(table)},
            "params": dict(params or {}),
        }
        if gate is not None and gate.on_failure == "quarantine":
            shape["quality"] = gate.model_dump(exclude={"select", "states", "categories"})
    return _digest(shape)


def digest_gold(gold: GoldTable, params: Mapping[str, Any]) -> str:
    """What shapes the rows of a gold table, beside the code of the recipe: its keys and kind, and the recipe's own settings."""
    return _digest({"gold": gold.model_dump(exclude=_SHAPES_NO_ROW), "params": dict(params)})


def digest_batches(batches: Iterable[tuple[str, int, str]]) -> str:
    """What a table that follows several inputs was made of: of each the name, the number and the digest of its newest batch."""
    return _digest(sorted(batches))


def batch_id(inputs: str, target: str, config: str) -> str:
    """The id of a batch: of the digest of its inputs, the name of its target, and the digest of its configuration."""
    return _digest([inputs, target, config])


def _digest(value: object) -> str:
    """SHA-256 of JSON in which equal things are written alike."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
