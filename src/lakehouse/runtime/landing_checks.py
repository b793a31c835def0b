"""What is known of new files before one of them is loaded: the hash of their bytes, how many records, and which to refuse."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from lakehouse.bronze.manifest import LandedFile
from lakehouse.cdc.parsing import routes_by_folder
from lakehouse.config.models import FORMATS, Input
from lakehouse.errors import PreflightError
from lakehouse.runtime import landing
from lakehouse.runtime.checks.checker import FileChecker
from lakehouse.runtime.checks.orders import GONE, UNSUPPORTED, Order, Rules, Verdict

_READERS = {"parquet": "pyarrow", "orc": "pyarrow", "avro": "fastavro"}
"""The package that reads files of a kind."""


def check_files(spark: SparkSession, source: Input, files: Sequence[LandedFile]) -> dict[LandedFile, Verdict]:
    """Look at every file, in a process that one of them may kill without harm to the others.

    Files that lie elsewhere than on this machine are copied here one after the other, and their bytes read once.

    Args:
        spark: the session, whose file systems reach the files.
        source: what the files have to be.
        files: those that are new.

    Raises:
        PreflightError: the files are typed and there is nothing to check them with.
    """
    if not files:
        return {}
    rules = rules_of(source)
    _require_reader(rules.kind)
    root = landing.local_path(landing.address(spark, source.path))
    with FileChecker() as checker, TemporaryDirectory(prefix="lakehouse-") as folder:
        verdicts = {}
        for file in files:
            if unopened := landing.obstacle(file):
                verdicts[file] = Verdict(reason=UNSUPPORTED, detail=unopened)
                continue
            path = landing.local_path(file.file) or landing.fetch(spark, file.file, Path(folder))
            if path is None:
                verdicts[file] = Verdict(reason=GONE, detail="the file was listed and is no longer there")
                continue
            order = Order(
                path=path,
                name=file.name,
                size=file.size,
                root=root,
                columns=columns_of(source, file),
                rules=rules,
            )
            verdicts[file] = checker.check(order)
        return verdicts


def _require_reader(kind: str) -> None:
    """Refuse to check typed files without what reads them."""
    package = _READERS.get(kind)
    if package is not None and importlib.util.find_spec(package) is None:
        brought = " (AWS Glue and EMR bring it)" if package == "pyarrow" else ""
        msg = (
            f"{FORMATS[kind]} files are checked by {package} before they are loaded, and it is not installed: add it to the job"
            f"{brought}, or set preflight: off in the input and trust the files"
        )
        raise PreflightError(msg)


def rules_of(source: Input) -> Rules:
    """What the files of an input have to keep to; without a preflight that is nothing."""
    if not source.preflight:
        return Rules(file_seconds=source.limits.file_seconds)
    return Rules(
        kind=source.files,
        header=source.header,
        delimiter=str(source.options.get("delimiter", ",")),
        encoding=source.encoding,
        **source.limits.model_dump(),
    )


def columns_of(source: Input, file: LandedFile) -> tuple[str, ...]:
    """The columns that a file has to have: the keys of the table that its folders name, or all where none may be left out."""
    contract = source.tables.get(".".join(file.table)) if routes_by_folder(source.feed) else None
    if contract is None:
        return ()
    return tuple(contract.keys if source.missing_columns == "load" else contract.columns)
