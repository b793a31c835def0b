"""The demonstration behind `make demo`: the job on the recorded feed, for Delta and for Iceberg, and the comparison."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def main() -> int:
    """Run the job for each format in a fresh warehouse, run it again, compare; 1 when anything differs."""
    with tempfile.TemporaryDirectory(prefix="lakehouse-demo-") as folder:
        return max(_show(table_format, Path(folder) / table_format) for table_format in ("delta", "iceberg"))


def _show(table_format: str, warehouse: Path) -> int:
    settings = ["--set", f"format={table_format}", "--set", f"warehouse={warehouse}"]
    job = [sys.executable, "jobs/cdc_to_warehouse.py", "--config", "configs/cdc_to_warehouse.yaml", "--log", "text"]
    print(f"\n== {table_format}: the recorded feed of a PostgreSQL shop becomes current and history tables", flush=True)
    started = monotonic()
    failed = subprocess.run([*job, *settings], cwd=ROOT, check=False).returncode  # noqa: S603  our own script
    print(f"   {monotonic() - started:.0f} s with start-up. The same run once more:", flush=True)
    failed |= subprocess.run([*job, *settings], cwd=ROOT, check=False).returncode  # noqa: S603  our own script
    print("   The server's own answers:", flush=True)
    compare = [sys.executable, str(HERE / "compare.py"), *settings]
    return failed | subprocess.run(compare, cwd=ROOT, check=False).returncode  # noqa: S603  our own script


if __name__ == "__main__":
    sys.exit(main())
