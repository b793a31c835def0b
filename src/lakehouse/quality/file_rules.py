"""Rules on files as probes: how new and how large they are, and whether they are equal.

They ask nothing of any frame. Files are listed, and read where a rule needs their checksums, when the probe is read.
Source: AWS Glue Developer Guide, "FileFreshness", "FileMatch", "FileSize", "FileUniqueness".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from lakehouse.quality.files import Algorithm, FileFacts, chooser
from lakehouse.quality.formatting import format_operand
from lakehouse.quality.judging import RuleError, satisfies
from lakehouse.quality.operands import BYTES, time_of_day
from lakehouse.quality.options import algorithm_of, is_set, zone_of
from lakehouse.quality.probes import ALL, Compile, Probe, Reading, Subject, plain, share
from lakehouse.quality.rules import Day, Now, Operand, Rule, Size, Text
from lakehouse.quality.values import moved

NO_FILES = "there are no files"
COUNT = "Dataset.*.FileCount"
Worth = Callable[[Operand], Any]


def _freshness(rule: Rule, subject: Subject) -> Probe:
    """Times of day are those of the day of `as_of`, in `timeZone` if that is given; days begin in the zone of `as_of`."""
    as_of = subject.as_of
    zone = zone_of(dict(rule.options), default=as_of.tzinfo)

    def worth(operand: Operand) -> datetime:
        match operand:
            case Now(offset=offset):
                return moved(as_of, offset)
            case Day(value=day):
                return datetime.combine(day, time(), tzinfo=as_of.tzinfo)
            case Text(value=text) if clock := time_of_day(text):
                return datetime.combine(as_of.date(), clock, tzinfo=zone)
        raise _misfit(operand)

    return _compliance(rule, subject, lambda file: file.modified_at, worth)


def _size(rule: Rule, subject: Subject) -> Probe:
    def worth(operand: Operand) -> int:
        match operand:
            case Size(amount=amount, unit=unit):
                return amount * int(BYTES[unit])
        raise _misfit(operand)

    def ends(files: Sequence[FileFacts]) -> dict[str, float | None]:
        sizes = [file.size for file in files]
        return {
            "Dataset.*.MinimumFileSize": min(sizes, default=None),
            "Dataset.*.MaximumFileSize": max(sizes, default=None),
        }

    return _compliance(rule, subject, lambda file: file.size, worth, ends)


def _compliance(
    rule: Rule,
    subject: Subject,
    measure: Callable[[FileFacts], Any],
    worth: Worth,
    more: Callable[[Sequence[FileFacts]], Mapping[str, float | None]] = lambda _: {},
) -> Probe:
    """The share of the files that are as the condition asks; with `failFast` the first that is not decides."""
    listed, fail_fast = _listing(rule, subject), is_set(dict(rule.options), "failFast")
    condition = rule.condition
    if condition is None:
        msg = "needs a condition"
        raise RuleError(msg)

    def read() -> Reading:
        files = listed()
        counts = {COUNT: len(files), **more(files)}
        passes = (satisfies(condition, measure(file), worth) for file in files)
        if fail_fast and not all(passes):
            return Reading(value=0.0, metrics=counts, failure="a file does not pass, and failFast looks no further")
        passing = len(files) if fail_fast else sum(passes)
        ratio = share(passing, len(files))
        failure = None if rule.threshold else f"{len(files) - passing} of {len(files)} files do not pass"
        return Reading(value=ratio, metrics={f"Dataset.*.{rule.type}.Compliance": ratio, **counts}, failure=failure)

    expected = ALL if fail_fast else rule.threshold or ALL
    return Probe(read=read, expected=expected, qualifier=_qualifier(rule), nothing=NO_FILES)


def _match(rule: Rule, subject: Subject) -> Probe:
    options = dict(rule.options)
    algorithm, by_name = algorithm_of(options), is_set(options, "matchFileName")
    if len(rule.parameters) > 1:
        return _equal_folders(rule, subject, algorithm, by_name=by_name)
    listed, condition = _listing(rule, subject), rule.condition
    if condition is None:
        msg = "needs checksums"
        raise RuleError(msg)

    def worth(operand: Operand) -> str:
        match operand:
            case Text(value=text):
                return text.lower()
        raise _misfit(operand)

    def read() -> Reading:
        files = listed()
        named = Counter(file.name for file in files)
        other = sum(not satisfies(condition, file.digest(algorithm), worth) for file in files)
        repeated = sum(named[file.name] > 1 for file in files) if by_name else 0
        failure = f"{other} of {len(files)} files do not have such a checksum"
        if repeated:
            failure += f", and {repeated} have a name that is not theirs alone"
        value = float(not other and not repeated) if files else None
        return Reading(value=value, metrics={COUNT: len(files)}, failure=failure)

    return Probe(read=read, qualifier=_qualifier(rule), nothing=NO_FILES)


def _equal_folders(rule: Rule, subject: Subject, algorithm: Algorithm, *, by_name: bool) -> Probe:
    """Whether each file of one path has an equal of its own at the other, by its bytes and, if `by_name`, its name."""
    first, second = (_listing(rule, subject, place) for place in (0, 1))

    def read() -> Reading:
        here, there = first(), second()
        sizes = {file.size for file in here} & {file.size for file in there}
        ours, theirs = (
            Counter((_content(file, sizes, algorithm), file.name if by_name else "") for file in files)
            for files in (here, there)
        )
        missing, added = (ours - theirs).total(), (theirs - ours).total()
        equal = not missing and not added and (not by_name or _apart(here) == len(here))
        failure = (
            f"{missing} of {len(here)} files have no equal at the second path, "
            f"and {added} of {len(there)} there none at the first"
        )
        if not missing and not added:
            failure = f"{len(here) - _apart(here)} of {len(here)} files have a name that is not theirs alone"
        value = float(equal) if here or there else None
        return Reading(value=value, metrics={COUNT: len(here) + len(there)}, failure=failure)

    return Probe(read=read, qualifier=_qualifier(rule), nothing=NO_FILES)


def _uniqueness(rule: Rule, subject: Subject) -> Probe:
    """The share of the files whose bytes, and with `matchFileName` whose name, no other file has."""
    listed, by_name = _listing(rule, subject), is_set(dict(rule.options), "matchFileName")

    def read() -> Reading:
        files = listed()
        sizes = Counter(file.size for file in files)
        several = {size for size, times in sizes.items() if times > 1}
        contents = [_content(file, several, "SHA-256") for file in files]
        times, named = Counter(contents), Counter(file.name for file in files)
        unique = sum(
            times[content] == 1 and not (by_name and named[file.name] > 1)
            for file, content in zip(files, contents, strict=True)
        )
        ratio = share(unique, len(files))
        return Reading(value=ratio, metrics={"Dataset.*.FileUniquenessRatio": ratio, COUNT: len(files)})

    return Probe(read=read, expected=rule.condition or ALL, qualifier=_qualifier(rule), nothing=NO_FILES)


def _content(file: FileFacts, shared: set[int], algorithm: Algorithm) -> tuple[int, str]:
    """What is equal where the bytes are; files are read alone if others are of their size."""
    return file.size, file.digest(algorithm) if file.size in shared else ""


def _apart(files: Sequence[FileFacts]) -> int:
    """How many files have a name that is theirs alone."""
    return sum(times == 1 for times in Counter(file.name for file in files).values())


def _listing(rule: Rule, subject: Subject, place: int = 0) -> Callable[[], Sequence[FileFacts]]:
    """Lists the files of a path of the rule that its options leave."""
    choose = chooser(dict(rule.options))
    path = plain(rule.parameters[place]) if rule.parameters else None
    return lambda: choose(subject.files(path))


def _qualifier(rule: Rule) -> str:
    """What tells the metrics of files from those of others: the paths and the options of the rule."""
    paths = [plain(one) for one in rule.parameters]
    options = [f"{name} = {value if isinstance(value, tuple) else plain(value)}" for name, value in rule.options]
    return f" (files: {', '.join([*paths, *options])})" if paths or options else ""


def _misfit(operand: Operand) -> RuleError:
    return RuleError(f"files do not compare with {format_operand(operand)}")


FILE_RULES: Mapping[str, Compile] = {
    "FileFreshness": _freshness,
    "FileMatch": _match,
    "FileSize": _size,
    "FileUniqueness": _uniqueness,
}
"""The compilers of these rule types."""
