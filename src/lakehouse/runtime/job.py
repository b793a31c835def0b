"""The entrance of every job script: arguments, configuration, session, run, exit code.

Exit codes: 0 done, 1 failed, 2 bad usage or configuration, 3 stopped by the rules for quality. Arguments nobody knows pass by: AWS Glue adds its own.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel
from pyspark.errors import PySparkException

from lakehouse.aws.object_events import ObjectEvent
from lakehouse.config.loading import load_config, validate
from lakehouse.config.models import JobConfig
from lakehouse.errors import ConfigError, LakehouseError, PreflightError, QualityError
from lakehouse.runtime.announced import read_events, run_announced
from lakehouse.runtime.mended import Mended, read_mended
from lakehouse.runtime.planning import Job, Recipe
from lakehouse.runtime.reporting import Reporter, reporter
from lakehouse.runtime.runner import run_job
from lakehouse.runtime.runs import Run
from lakehouse.runtime.session import is_submitted, open_session
from lakehouse.tables.jvm import java_condition

DONE, FAILED, BAD_USAGE, STOPPED = 0, 1, 2, 3


def main(
    recipe: Recipe, params: type[BaseModel], argv: Sequence[str] | None = None, *, gold: Recipe | None = None
) -> int:
    """Run a job from its command line and return the exit code.

    Args:
        recipe: from the change logs of the source tables, by name, to those that are merged.
        params: what the recipes can be told.
        argv: the arguments; the process's own when left out.
        gold: from the rows of the current tables, by source table, to those of gold tables, by the names in the section `gold`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    known, _ = parser(default_config=Path(sys.argv[0]).stem).parse_known_args(arguments)
    report = reporter(known.log)
    try:
        config = read_config(known.config, known.set)
        return run(recipe, params, config, report, origin=known.config, gold=gold, asked=_asked(known))
    except (ConfigError, PreflightError) as error:
        report.fail(str(error), kind=type(error).__name__)
        return BAD_USAGE
    except QualityError as error:
        report.fail(str(error), kind=type(error).__name__)
        return STOPPED
    except LakehouseError as error:
        report.fail(str(error), kind=type(error).__name__)
        return FAILED
    except Exception as error:  # noqa: BLE001  the last line of defence: an exit code and a message without row values
        report.fail(describe(error), kind=type(error).__name__)
        return FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run is asked for beside its configuration: see `Job`, and `events` of S3 that tell the files to load."""

    replan: bool = False
    events: Sequence[ObjectEvent] = ()
    mended: Sequence[Mended] = ()


def _asked(known: argparse.Namespace) -> Asked:
    events = read_events(source_path=known.source_path, event=known.event)
    mended = () if known.replay is None else read_mended(known.replay)
    if events and mended:
        msg = "--replay looks for all that has landed, and an event tells of single files: run them one after the other"
        raise ConfigError(msg)
    return Asked(replan=known.replan, events=events, mended=mended)


def parser(*, default_config: str) -> argparse.ArgumentParser:
    """The arguments of a job; abbreviations are off, they would swallow arguments of the platform."""
    arguments = argparse.ArgumentParser(allow_abbrev=False, description="Run one job.")
    arguments.add_argument(
        "--config", default=default_config, help="a YAML file, local or s3://, or the name of one that is shipped"
    )
    arguments.add_argument(
        "--set", action="append", default=[], metavar="key.sub=value", help="replace a setting; may be repeated"
    )
    arguments.add_argument("--log", choices=["auto", "text", "json"], default="auto", help="how to report")
    arguments.add_argument(
        "--replan", action="store_true", help="finish a batch that was planned with another configuration with this one"
    )
    arguments.add_argument(
        "--replay", help="land records of the quarantine again, mended: a file of lakehouse quarantine"
    )
    arguments.add_argument("--source_path", help="load this object alone, s3://bucket/key")
    arguments.add_argument("--event", help="load the objects that an event of S3 tells of: its JSON, or a file of it")
    return arguments


def read_config(source: str, settings: Sequence[str]) -> JobConfig:
    """The job's configuration; from object storage through the platform's session.

    Raises:
        ConfigError: it cannot be read, or is wrong.
    """
    if "://" not in source:
        return load_config(source, settings=settings)
    if not is_submitted():
        msg = (
            f"{source} can only be read where a platform runs the session (spark-submit, Glue, EMR); give a local file"
        )
        raise ConfigError(msg)
    from lakehouse.runtime.landing import read_text  # noqa: PLC0415  only where a session is at hand

    spark = open_session(app_name="lakehouse", warehouse="warehouse")
    return load_config(source, settings=settings, read=lambda path: read_text(spark, path))


def run(
    recipe: Recipe,
    params: type[BaseModel],
    config: JobConfig,
    report: Reporter,
    *,
    origin: str,
    gold: Recipe | None = None,
    asked: Asked = Asked(),
) -> int:
    """Run a configured job on the session of this process.

    Raises:
        LakehouseError: as `run_job` does.
    """
    told = validate(params, dict(config.params), origin, "params")
    # A Glue run has an id of its own, which is what its operators look for.
    run_id = _glue_argument("--JOB_RUN_ID") or str(uuid.uuid4())
    spark = open_session(app_name=config.job, warehouse=config.warehouse, catalog=config.catalog)
    this_run = Run(job=config.job, run_id=run_id, started_at=datetime.now(tz=UTC).replace(microsecond=0))
    job = Job(
        spark=spark,
        config=config,
        recipe=recipe,
        params=told,
        run=this_run,
        report=report,
        replan=asked.replan,
        gold=gold,
        mended=asked.mended,
    )
    if asked.events:
        run_announced(job, asked.events)
    else:
        run_job(job)
    return DONE


def _glue_argument(name: str) -> str | None:
    arguments = sys.argv[1:]
    return arguments[arguments.index(name) + 1] if name in arguments[:-1] else None


def describe(error: Exception) -> str:
    """An unexpected error without the values it may hold: Spark puts them into messages, and messages into logs. Its kind is told.

    With LAKEHOUSE_DEBUG=1 in the environment the message is shown as it is.
    """
    where = "".join(traceback.format_tb(error.__traceback__)[-3:])
    if os.environ.get("LAKEHOUSE_DEBUG") == "1":
        return f"{error}\n{where}"
    condition = java_condition(error)
    if isinstance(error, PySparkException):
        condition = condition or getattr(error, "getCondition", error.getErrorClass)() or "no error class"
    if condition:
        return f"Spark: {condition} (values left out; LAKEHOUSE_DEBUG=1 shows the message)\n{where}"
    return f"unexpected (message left out, it may hold values; LAKEHOUSE_DEBUG=1 shows it)\n{where}"
