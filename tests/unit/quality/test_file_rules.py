"""Rules on files: verdicts, reasons and metrics worked out by hand for five files that nobody has to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame

from lakehouse.quality.files import Algorithm, FileFacts
from lakehouse.quality.judging import RuleError
from lakehouse.quality.outcomes import Outcome
from lakehouse.quality.plans import judge, leaves, plan_rules
from lakehouse.quality.probes import Subject
from lakehouse.quality.rulesets import parse_ruleset

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def facts(path: str, content: str, modified_at: datetime = NOON, size: int | None = None) -> FileFacts:
    """A file whose checksum is its content and the algorithm."""

    def digest(algorithm: Algorithm) -> str:
        return f"{content}-{algorithm.lower()}"

    return FileFacts(path=path, size=len(content) if size is None else size, modified_at=modified_at, digest=digest)


FILES = {
    None: [facts("s3://b/read.csv", "own")],
    "s3://b/in/": [
        facts("s3://b/in/a.csv", "xx", NOON - HOUR, size=2048),
        facts("s3://b/in/b.csv", "yy", NOON - 30 * HOUR, size=1024),
        facts("s3://b/in/c.json", "zz", NOON - HOUR / 4, size=1024),
        facts("s3://b/in/d.json", "", NOON + HOUR, size=0),
        facts("s3://b/in/old/a.csv", "xx", datetime(2025, 12, 30, tzinfo=UTC), size=2048),
    ],
    "s3://b/copy/": [
        facts("s3://b/copy/1", "zz", size=1024),
        facts("s3://b/copy/2", "xx", size=2048),
        facts("s3://b/copy/3", "", size=0),
        facts("s3://b/copy/4", "xx", size=2048),
        facts("s3://b/copy/5", "yy", size=1024),
    ],
    "s3://b/some/": [facts("s3://b/some/a.csv", "xx", size=2048), facts("s3://b/some/e", "new", size=5)],
    "s3://b/none/": [],
}

PASSED: dict[str, dict[str, float]] = {
    'FileSize "s3://b/in/" < 3 KB': {
        "FileSize.Compliance": 1, "FileCount": 5, "MinimumFileSize": 0, "MaximumFileSize": 2048},
    'FileSize "s3://b/in/" > 0 B with threshold = 0.8': {"FileSize.Compliance": 0.8},
    'FileSize "s3://b/in/" between 1 KB and 3 KB with threshold = 0.4': {"FileSize.Compliance": 0.4},
    'FileSize "s3://b/in/" not between 1 KB and 3 KB with threshold = 0.6': {"FileSize.Compliance": 0.6},
    'FileSize "s3://b/in/" in [1 KB, 2 KB] with uriRegex = "\\.csv$"': {"FileSize.Compliance": 1, "FileCount": 3},
    'FileSize "s3://b/in/" = 0 B with recentFiles = 1': {"FileCount": 1},
    'FileSize "s3://b/in/" = 2 KB with recentFiles = 1 with uriRegex = "a.csv" with filterOrder = ["uriRegex", "recentFiles"]':
        {"FileCount": 1, "MaximumFileSize": 2048},
    'FileSize "s3://b/in/" = 2 KB with recentFiles = 1 with uriRegex = "a.csv" with filterOrder = ["uriRegex"]': {"FileCount": 1},
    'FileSize "s3://b/in/" > 0 B with uriRegex = "(?!.*\\.json$).*"': {"FileCount": 3},
    'FileSize "s3://b/in/" >= 0 B with failFast = "true" with threshold > 0.1': {"FileSize.Compliance": 1},
    "FileSize = 3 B": {"FileSize.Compliance": 1, "FileCount": 1},
    'FileFreshness "s3://b/in/" > (now() - 1 days) with threshold = 0.6': {"FileFreshness.Compliance": 0.6, "FileCount": 5},
    'FileFreshness "s3://b/in/" between (now() - 60 minutes) and now() with threshold = 0.2': {"FileFreshness.Compliance": 0.2},
    'FileFreshness "s3://b/in/" >= "2025-12-30"': {"FileFreshness.Compliance": 1},
    'FileFreshness "s3://b/in/" > "2025-12-30" with threshold = 0.8': {"FileFreshness.Compliance": 0.8},
    'FileFreshness "s3://b/in/" between "2025-12-31" and (now() - 2 hours) with threshold = 0.2': {"FileCount": 5},
    # 11:00, 06:00 of the day before, 11:45, 13:00 and midnight three days before
    'FileFreshness "s3://b/in/" > "11:00" with threshold = 0.4': {"FileFreshness.Compliance": 0.4},
    'FileFreshness "s3://b/in/" between "10:59 AM" and "1:00 PM" with threshold = 0.4': {},
    'FileFreshness "s3://b/in/" > "07:00" with timeZone = "America/New_York" with threshold = 0.2': {},
    'FileFreshness "s3://b/in/" > "12:30" with timeZone = "+01:00" with threshold = 0.4': {},
    'FileFreshness "s3://b/in/" >= "2025-12-30" with timeZone = "Asia/Tokyo"': {"FileFreshness.Compliance": 1},
    'FileMatch "s3://b/some/" in ["XX-SHA-256", "new-sha-256"]': {"FileCount": 2},
    'FileMatch "s3://b/some/" in ["xx-md5", "new-md5", "no"] with hashAlgorithm = "MD5"': {"FileCount": 2},
    'FileMatch "s3://b/some/" not in ["xx-md5"] with hashAlgorithm = "SHA-1"': {"FileCount": 2},
    'FileMatch "s3://b/in/" "s3://b/copy/"': {"FileCount": 10},
    'FileMatch in ["own-sha-256"] with matchFileName = "true"': {"FileCount": 1},
    'FileUniqueness "s3://b/in/" = 0.6': {"FileUniquenessRatio": 0.6, "FileCount": 5},
    'FileUniqueness "s3://b/copy/" > 0.5 with matchFileName = "true"': {"FileUniquenessRatio": 0.6},
    "FileUniqueness = 1": {"FileUniquenessRatio": 1, "FileCount": 1},
}  # fmt: skip
"""Rules that pass, with what is measured for them."""

FAILED = {
    'FileSize "s3://b/in/" > 0 B': "1 of 5 files do not pass",
    'FileSize "s3://b/in/" >= 2 KB with threshold > 0.5': "0.4 is not > 0.5",
    'FileSize "s3://b/in/" > 0 B with failFast = "true" with threshold >= 0': "a file does not pass, and failFast looks no further",
    'FileSize "s3://b/none/" >= 0 B with threshold >= 0': "there are no files",
    'FileSize "s3://b/in/" >= 0 B with recentFiles = 1 with uriRegex = "csv"': "there are no files",
    'FileFreshness "s3://b/in/" > now()': "4 of 5 files do not pass",
    'FileFreshness "s3://b/none/" > now() with failFast = "true"': "there are no files",
    'FileMatch "s3://b/some/" in ["xx-sha-256"]': "1 of 2 files do not have such a checksum",
    'FileMatch "s3://b/none/" in ["xx-sha-256"]': "there are no files",
    'FileMatch "s3://b/in/" "s3://b/some/"':
        "4 of 5 files have no equal at the second path, and 1 of 2 there none at the first",
    'FileMatch "s3://b/in/" "s3://b/copy/" with matchFileName = "true"':
        "5 of 5 files have no equal at the second path, and 5 of 5 there none at the first",
    'FileMatch "s3://b/in/" "s3://b/in/" with matchFileName = "true"': "2 of 5 files have a name that is not theirs alone",
    'FileMatch "s3://b/in/" in ["xx-md5"] with hashAlgorithm = "MD5" with uriRegex = "a.csv" with matchFileName = "true"':
        "0 of 2 files do not have such a checksum, and 2 have a name that is not theirs alone",
    'FileMatch "s3://b/none/" "s3://b/some/"':
        "0 of 0 files have no equal at the second path, and 2 of 2 there none at the first",
    'FileMatch "s3://b/none/" "s3://b/none/"': "there are no files",
    'FileUniqueness "s3://b/in/" > 0.6': "0.6 is not > 0.6",
    'FileUniqueness "s3://b/none/" >= 0': "there are no files",
}  # fmt: skip
"""Rules that fail, with the reason."""

ERRORS = {
    'FileSize "s3://b/gone/" > 1 B': "there is neither a file nor a folder s3://b/gone/",
    'FileSize "s3://b/in/" > 1 B with recentFiles = 0': "FileSize: recentFiles is a whole number from 1",
    'FileSize "s3://b/in/" > 1 B with recentFiles = "1"': "FileSize: recentFiles is a whole number from 1",
    'FileSize "s3://b/in/" > 1 B with failFast = "yes"': 'FileSize: failFast is "true" or "false"',
    'FileSize "s3://b/in/" > 1 B with uriRegex = "("': "FileSize: uriRegex is no regular expression, or has what Java alone knows",
    'FileSize "s3://b/in/" > 1 B with uriRegex = "\\p{Alpha}"': "FileSize: uriRegex is no regular expression, or has what Java alone knows",
    'FileSize "s3://b/in/" > 1 B with uriRegex = "[a-z&&[^b]]"': "FileSize: uriRegex is no regular expression, or has what Java alone knows",
    'FileSize "s3://b/in/" > 1 B with uriRegex = 3': "FileSize: uriRegex is a text in quotes",
    'FileSize "s3://b/in/" > 1 B with uriRegex = "(a+)+b"':
        "FileSize: the pattern repeats what can be shared out in several ways, which can take for ever: let the repetition of the "
        "group give nothing back, (a+b)++ for (a+b)+",
    'FileSize "s3://b/in/" > 1 B with recentFiles = 1 with filterOrder = ["uriRegex"]':
        "FileSize: filterOrder lists each of recentFiles and uriRegex once, and those alone that the rule has",
    'FileSize "s3://b/in/" > 1 B where "true"': "FileSize takes no where",
    'FileFreshness "s3://b/in/" > "21:45" with timeZone = "Europe/Atlantis"':
        "FileFreshness: there is no timeZone Europe/Atlantis; use a region such as Europe/Paris, UTC, or an offset such as +02:00",
    'FileFreshness "s3://b/in/" > "21:45" with timeZone = "+25:00"':
        "FileFreshness: there is no timeZone +25:00; use a region such as Europe/Paris, UTC, or an offset such as +02:00",
    'FileFreshness "s3://b/in/" > (now() - 9999999 days)': "-9999999 days from now is outside the years 1 to 9999",
    'FileMatch "s3://b/in/" in ["00"] with hashAlgorithm = "CRC"': "FileMatch: there is no hashAlgorithm CRC; there are: MD5, SHA-1, SHA-256",
    'FileMatch "s3://b/in/" matches "0+"': 'cannot compare with matches "0+"',
}  # fmt: skip
"""Rules that cannot be worked out, with the reason."""


def listed(path: str | None) -> Sequence[FileFacts]:
    """The files at a path."""
    if path not in FILES:
        msg = f"there is neither a file nor a folder {path}"
        raise RuleError(msg)
    return FILES[path]


def outcomes(
    rules: Sequence[str], files: Callable[[str | None], Sequence[FileFacts]] = listed, as_of: datetime = NOON
) -> list[Outcome]:
    """What comes of rules that ask nothing of a frame, so that there is none."""
    nothing = cast("DataFrame", None)
    subject = Subject(frame=nothing, sources={}, as_of=as_of, query=lambda _: nothing, files=files)
    planned = leaves(plan_rules(parse_ruleset(f"Rules = [{', '.join(rules)}]"), subject))
    return [judge(leaf, (), []) for leaf in planned]


def test_every_rule_has_its_verdict() -> None:
    """Each with the reason that a person needs, which names no file."""
    found = outcomes([*PASSED, *FAILED, *ERRORS])
    expected = [
        *((rule, "Passed", "") for rule in PASSED),
        *((rule, "Failed", reason) for rule, reason in FAILED.items()),
    ]
    expected += [(rule, "Error", reason) for rule, reason in ERRORS.items()]
    told = [(one.verdict, one.reason) for one in found]
    assert list(zip([*PASSED, *FAILED, *ERRORS], *zip(*told, strict=True), strict=True)) == expected


def test_metrics_have_the_names_of_glue() -> None:
    """Each outcome tells how many files there were, and what was measured of them."""
    for outcome, expected in zip(outcomes(list(PASSED)), PASSED.values(), strict=True):
        told = {name: outcome.metrics[f"Dataset.*.{name}"] for name in expected}
        assert told == pytest.approx(expected), outcome.rule
    assert outcomes(['FileSize "s3://b/none/" > 1 B'])[0].metrics == {"Dataset.*.FileCount": 0}


def test_times_of_day_are_of_the_day_of_the_evaluation() -> None:
    """That day is the one of `as_of` where it was given; a zone changes the clock and not the day, and days begin there."""
    late = datetime.fromisoformat("2026-01-03T08:00:00+09:00")  # 23:00 of the second of January in UTC
    files = [facts("f", "x", datetime(2026, 1, 2, 15, tzinfo=UTC))]  # the midnight that the third begins with in Tokyo
    rules = {
        'FileFreshness = "2026-01-03"': "Passed",
        'FileFreshness = "00:00"': "Passed",
        'FileFreshness = "00:00" with timeZone = "Asia/Tokyo"': "Passed",
        'FileFreshness < "00:00" with timeZone = "UTC"': "Passed",
        'FileFreshness < "2026-01-03" with timeZone = "UTC"': "Failed",
    }
    assert [one.verdict for one in outcomes(list(rules), lambda _: files, late)] == list(rules.values())


def test_files_are_read_only_if_others_are_of_their_size() -> None:
    """What differs in size is not equal, whatever its bytes are."""
    read: list[str] = []

    def noted(path: str, size: int) -> FileFacts:
        def digest(_: Algorithm) -> str:
            read.append(path)
            return "same"

        return FileFacts(path=path, size=size, modified_at=NOON, digest=digest)

    folders = {"a": [noted("a/1", 1), noted("a/2", 2), noted("a/3", 2)], "b": [noted("b/1", 2), noted("b/2", 4)]}
    rules = ['FileUniqueness "a" > 0.3', 'FileMatch "a" "b"']
    found = outcomes(rules, lambda path: folders[str(path)])
    assert Counter(read) == {"a/2": 2, "a/3": 2, "b/1": 1}
    assert found[0].metrics["Dataset.*.FileUniquenessRatio"] == pytest.approx(1 / 3)
    assert found[1].reason.startswith("2 of 3 files have no equal at the second path, and 1 of 2")


def test_metrics_of_other_files_have_other_names() -> None:
    """Paths and options tell them apart."""
    text = 'Rules = [FileSize > 1 B, FileSize "s3://b/" > 1 B with recentFiles = 2, FileMatch "a" "b"]'
    nothing = cast("DataFrame", None)
    subject = Subject(frame=nothing, sources={}, as_of=NOON, query=lambda _: nothing, files=listed)
    probes = [leaf.probe for leaf in leaves(plan_rules(parse_ruleset(text), subject))]
    assert [one.qualifier for one in probes if one] == ["", " (files: s3://b/, recentFiles = 2)", " (files: a, b)"]


def _file(path: str, content: bytes) -> FileFacts:
    """A file of some bytes, in whatever algorithm it is asked for."""
    return FileFacts(path=path, size=len(content), modified_at=NOON, digest=lambda _: sha256(content).hexdigest())


CONTENTS = st.lists(st.tuples(st.sampled_from("pqr"), st.binary(max_size=2)), max_size=6)


@given(first=CONTENTS, second=CONTENTS)
def test_equal_is_what_has_equal_bytes(first: list[tuple[str, bytes]], second: list[tuple[str, bytes]]) -> None:
    """Whatever is read of the files, verdicts are those of all their bytes."""

    def made(contents: list[tuple[str, bytes]]) -> list[FileFacts]:
        return [_file(f"{place}/{name}", content) for place, (name, content) in enumerate(contents)]

    folders = {"a": made(first), "b": made(second)}
    rules = ['FileUniqueness "a" = 1', 'FileMatch "a" "b"', 'FileMatch "a" "b" with matchFileName = "true"']
    unique, match, named = outcomes(rules, lambda path: folders[str(path)])
    contents, names = [content for _, content in first], [name for name, _ in first]
    once = sum(contents.count(content) == 1 for content in contents)
    assert unique.metrics.get("Dataset.*.FileUniquenessRatio") == (once / len(first) if first else None)
    equal = sorted(contents) == sorted(content for _, content in second) and bool(first)
    assert (match.verdict == "Passed") == equal
    assert (named.verdict == "Passed") == (
        bool(first) and sorted(first) == sorted(second) and len(set(names)) == len(names)
    )
