"""The command `lakehouse`: run a job, check configurations, look at tables."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lakehouse.config.loading import load_config, read_text, shipped_folders, validate
from lakehouse.config.models import JobConfig
from lakehouse.errors import ConfigError, LakehouseError
from lakehouse.quality.rulesets import require_ruleset
from lakehouse.runtime import history_report, ledger_report, quarantine_report, state_report, suggestions, trend_report
from lakehouse.runtime import job as jobs
from lakehouse.runtime.places import Places
from lakehouse.runtime.planning import like, named
from lakehouse.runtime.reporting import reporter


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    arguments = _arguments().parse_args(argv)
    try:
        return int(arguments.do(arguments))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return jobs.BAD_USAGE
    except LakehouseError as error:
        print(error, file=sys.stderr)
        return jobs.FAILED


def _arguments() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="lakehouse", allow_abbrev=False, description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the job of a configuration", allow_abbrev=False)
    run.add_argument("config", help="a YAML file, or the name of a shipped configuration")
    run.add_argument("--set", action="append", default=[], metavar="key.sub=value", help="replace a setting")
    run.add_argument("--log", choices=["auto", "text", "json"], default="auto", help="how to report")
    run.add_argument("--replan", action="store_true", help="finish a batch of another configuration with this one")
    run.add_argument("--replay", help="land records of the quarantine again, mended: a file of lakehouse quarantine")
    run.add_argument("--source_path", help="load this object alone, s3://bucket/key")
    run.add_argument("--event", help="load the objects that an event of S3 tells of: its JSON, or a file of it")
    run.set_defaults(do=_run)
    check = commands.add_parser(
        "check", help="check configurations and rulesets without starting Spark", allow_abbrev=False
    )
    check.add_argument("config", nargs="+", help="a configuration as for run, or a ruleset: a file that ends in .dqdl")
    check.add_argument("--set", action="append", default=[], metavar="key.sub=value")
    check.set_defaults(do=_check)
    tables = commands.add_parser("tables", help="list the tables a configuration keeps", allow_abbrev=False)
    tables.add_argument("config")
    tables.add_argument("--set", action="append", default=[], metavar="key.sub=value")
    tables.set_defaults(do=_tables)
    _add_reports(commands)
    return top


def _add_reports(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that show what runs left behind."""
    ledger = commands.add_parser("ledger", help="show what runs committed, or find it out anew", allow_abbrev=False)
    ledger_report.add_arguments(ledger)
    ledger.set_defaults(do=_ledger)
    quarantine = commands.add_parser(
        "quarantine", help="show the records that were set aside, to be mended and replayed", allow_abbrev=False
    )
    quarantine_report.add_arguments(quarantine)
    quarantine.set_defaults(do=quarantine_report.show)
    history = commands.add_parser("check-history", help="check a history table of any tool", allow_abbrev=False)
    history_report.add_arguments(history)
    history.set_defaults(do=history_report.show)
    suggest = commands.add_parser("suggest-rules", help="propose a ruleset that a table keeps", allow_abbrev=False)
    suggestions.add_arguments(suggest)
    suggest.set_defaults(do=_suggest)
    states = commands.add_parser(
        "states", help="show the metrics of some days, from what a gate kept of each", allow_abbrev=False
    )
    state_report.add_arguments(states)
    states.set_defaults(do=state_report.show)
    report = commands.add_parser("report", help="make a page over all runs that left a report", allow_abbrev=False)
    trend_report.add_arguments(report)
    report.set_defaults(do=trend_report.show)


def _run(arguments: argparse.Namespace) -> int:
    script = load_script(load_config(arguments.config, settings=arguments.set).job)
    settings = [part for setting in arguments.set for part in ("--set", setting)]
    flags = ["--replan"] if arguments.replan else []
    told = {name: getattr(arguments, name) for name in ("replay", "source_path", "event")}
    flags += [part for name, value in told.items() if value is not None for part in (f"--{name}", value)]
    argv = ["--config", arguments.config, "--log", arguments.log, *settings, *flags]
    return jobs.main(script.recipe, script.Params, argv, gold=getattr(script, "gold", None))


def _ledger(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config, settings=arguments.set)
    script = load_script(config.job)
    print(ledger_report.run(config, arguments, script.recipe, script.Params, reporter("auto")))
    return jobs.DONE


def _suggest(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config, settings=arguments.set)
    print(suggestions.propose(config, arguments.table, tables_of(config)), end="")
    return jobs.DONE


def _check(arguments: argparse.Namespace) -> int:
    """Every file is checked, so that one run shows all that is wrong."""
    worst = jobs.DONE
    for source in arguments.config:
        try:
            if source.endswith(".dqdl"):
                require_ruleset(read_text(Path(source)), where=source)
            else:
                config = load_config(source, settings=arguments.set)
                validate(load_script(config.job).Params, dict(config.params), source, "params")
            print(f"{source}: fine")
        except ConfigError as error:
            print(error, file=sys.stderr)
            worst = jobs.BAD_USAGE
    return worst


def load_script(name: str) -> Any:
    """A job script, by name, as a module: of the working folder, or one that came with the library.

    Raises:
        ConfigError: there is no such job.
    """
    folders = [Path("jobs"), *shipped_folders("jobs")]
    for path in (folder / f"{name}.py" for folder in folders):
        if path.is_file():
            spec = importlib.util.spec_from_file_location(f"lakehouse_job_{name}", path)
            if spec and spec.loader:
                module = importlib.util.module_from_spec(spec)
                sys.modules[spec.name] = module  # where pydantic looks for the types that `Params` names
                spec.loader.exec_module(module)
                return module
    names = sorted({path.stem for folder in folders for path in folder.glob("*.py")})
    msg = f"no job {name!r}; there are: {', '.join(names) or 'none'}"
    raise ConfigError(msg)


def _tables(arguments: argparse.Namespace) -> int:
    """One line per table of the configuration: whether it is there, its rows, its newest commit."""
    from rich.console import Console  # noqa: PLC0415  only people need it
    from rich.table import Table as Grid  # noqa: PLC0415

    from lakehouse.runtime.session import open_session  # noqa: PLC0415  starts Java
    from lakehouse.tables import open_table  # noqa: PLC0415

    config = load_config(arguments.config, settings=arguments.set)
    places = Places.of(config)
    spark = open_session(app_name="lakehouse tables", warehouse=config.warehouse, catalog=config.catalog)
    grid = Grid("table", "format", "kind", "rows", "commits", "newest commit")
    for name, table_format, kind in tables_of(config):
        table = open_table(spark, places.ref(name, table_format))
        if not table.exists():
            grid.add_row(name, table_format, kind, "-", "-", "not there yet")
            continue
        snapshots = table.snapshots()
        newest = f"{snapshots[0].committed_at:%Y-%m-%d %H:%M:%S}Z {snapshots[0].operation}" if snapshots else "-"
        grid.add_row(name, table_format, kind, f"{table.read().count():,}", str(len(snapshots)), newest)
    Console().print(grid)
    return jobs.DONE


def tables_of(config: JobConfig) -> list[tuple[str, Any, str]]:
    """Every table of a configuration: name, format, kind."""
    found: dict[str, tuple[Any, str]] = {}
    for source in config.inputs.values():
        for full in (full for full in source.tables if like(full, source.select)):
            if source.bronze:  # snapshots have none
                found[named(source.bronze, full)] = (config.format, "bronze")
            for output in (output for output in config.outputs.values() if like(full, output.select)):
                found[named(output.table, full)] = (output.format or config.format, output.write)
    for label, gold in config.gold.items():
        found[named(gold.table, label)] = (gold.format or config.format, "gold")
    found[config.quarantine] = (config.format, "quarantine")
    found[config.ledger] = (config.format, "ledger")
    return [(name, table_format, kind) for name, (table_format, kind) in found.items()]


if __name__ == "__main__":
    sys.exit(main())
