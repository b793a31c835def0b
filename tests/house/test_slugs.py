"""One slug names a scenario everywhere."""

from __future__ import annotations

from pathlib import Path

ANY_JOB = {
    "file_formats",
    "gold",
    "hostile_files",
    "hostile_strings",
    "quality_gate",
    "quality_states",
    "recipes",
    "value_traps",
}
"""End-to-end tests of what every job has to stand, on one of them."""


def slugs(root: Path) -> dict[str, set[str]]:
    """Collect the slugs of each place."""
    return {
        "jobs": {path.stem for path in (root / "jobs").glob("*.py")},
        "configs": {path.stem for path in (root / "configs").glob("*.yaml")},
        "data/samples": {path.name for path in (root / "data" / "samples").glob("*") if path.is_dir()},
        "tests/e2e": {path.stem.removeprefix("test_") for path in (root / "tests" / "e2e").glob("test_*.py")} - ANY_JOB,
    }


def test_every_job_has_a_config_a_sample_and_a_test(root: Path) -> None:
    """Jobs, configs, samples and end-to-end tests have the same slugs."""
    found = slugs(root)
    jobs = found["jobs"]
    assert jobs
    assert found == dict.fromkeys(found, jobs)
