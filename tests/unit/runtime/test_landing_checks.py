"""What typed files are checked with has to be there."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from lakehouse.bronze.manifest import LandedFile
from lakehouse.config.models import Input
from lakehouse.errors import PreflightError
from lakehouse.runtime.landing_checks import check_files


@pytest.mark.parametrize(("files", "said"), [("parquet", "pyarrow"), ("orc", "pyarrow"), ("avro", "fastavro")])
def test_a_missing_reader_is_told_before_a_file_is_looked_at(
    files: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job ends with what to install, or how to go without."""
    told: dict[str, Any] = {"path": "landing", "feed": "columns", "files": files, "bronze": "b"}
    told |= {
        "options": {"sequence": {"id": "bigint"}},
        "tables": {"a.b": {"keys": ["id"], "columns": {"id": "bigint"}}},
    }
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    file = LandedFile(file="file:///landing/a", size=1, modified_at=0)
    nothing: Any = None
    with pytest.raises(PreflightError, match=f"checked by {said}.*preflight: off"):
        check_files(nothing, Input.model_validate(told), [file])
