"""The command `lakehouse report`: one page over all runs of a job that left a report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lakehouse.config.loading import load_config
from lakehouse.config.models import JobConfig
from lakehouse.errors import ConfigError
from lakehouse.runtime.job import DONE
from lakehouse.runtime.report_folders import LocalFolder, ReportFolder, open_folder
from lakehouse.runtime.run_reports import read_records
from lakehouse.runtime.session import open_session

PAGE = "trend.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("config", help="a YAML file, or the name of a shipped configuration")
    parser.add_argument("--set", action="append", default=[], metavar="key.sub=value", help="replace a setting")
    parser.add_argument(
        "--last", type=int, metavar="N", help="how many runs to look at, the newest ones; all when left out"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=f"where to write the page; {PAGE} beside the reports when left out"
    )


def show(arguments: argparse.Namespace) -> int:
    """Write the page, say where it is, and return the exit code.

    Raises:
        ConfigError: the job leaves no reports, or has left none yet, or what draws pages is not installed.
    """
    config = load_config(arguments.config, settings=arguments.set)
    if config.reports is None:
        msg = f"{arguments.config}: the job leaves no reports; say where in reports.at"
        raise ConfigError(msg)
    folder = open_folder(
        config.reports.at,
        config.job,
        lambda: open_session(app_name="lakehouse report", warehouse=config.warehouse, catalog=config.catalog),
    )
    sys.stdout.write(f"{_write(config, folder, arguments.out, last=arguments.last)}\n")
    return DONE


def _write(config: JobConfig, folder: ReportFolder, out: Path | None, *, last: int | None) -> str:
    """Write the page of what runs left, and say where it is."""
    try:
        from lakehouse.reports.pages import render_page  # noqa: PLC0415  needs what only those who want pages install
        from lakehouse.reports.trends import summarize, trend_page  # noqa: PLC0415  as above
    except ImportError as error:
        msg = "report pages need Jinja2 and pygal: install lakehouse[reports]"
        raise ConfigError(msg) from error
    records = read_records(folder, job=config.job, last=last)
    if not records:
        msg = f"job {config.job} has left no report yet; a run that has something to do leaves one"
        raise ConfigError(msg)
    beside = out is None or (isinstance(folder, LocalFolder) and out.resolve().parent == folder.folder)
    runs = tuple(
        summarize(record, file=f"{name.removesuffix('.json')}.html" if beside else "") for name, record in records
    )
    html = render_page(trend_page(config.job, runs, kind="Runs of a job"))
    if out is None:
        return folder.write(PAGE, html)
    try:
        out.write_text(html, encoding="utf-8", newline="")
    except OSError as error:
        msg = f"--out {out} cannot be written: {error.strerror}"
        raise ConfigError(msg) from error
    return str(out)
