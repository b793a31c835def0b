"""The state machine, executed: what becomes of good, bad and missing files, and who is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from moto.s3.models import S3Backend
from moto.sns.exceptions import TopicNotFound
from moto.sns.models import SNSBackend
from step_functions import CRAWLER, TOPIC, Workbench, running_workbench

from lakehouse.ops.settings import EventDrivenEtl, GlueJob, RetryPolicy

AT_ONCE = RetryPolicy(interval_seconds=1, max_attempts=2, max_delay_seconds=2)
ETL = EventDrivenEtl(
    landing_bucket="lake",
    landing_prefix="landing/",
    job=GlueJob(name="load"),
    quality_job=GlueJob(name="check"),
    topic_arn=TOPIC,
    quarantine_bucket="lake",
    quarantine_prefix="quarantine/",
    extensions=("csv", "json.gz"),
    max_bytes=10,
    throttled=AT_ONCE,
    busy=AT_ONCE,
)
LOAD = ["ProcessFile", "IsFileProcessed", "CheckQuality", "IsQualityChecked", "NotifyProcessed"]
POLL = ["WaitForCrawler", "GetCrawler", "IsCrawlerReady"]
AWKWARD = ["a b+c%20d&?#=.csv", "Zürich/日本😀.csv", "q\"uo'te{}\\s.csv"]


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    """One state machine for all; each test has keys of its own."""
    with running_workbench(ETL) as one:
        yield one


def test_a_good_file_is_loaded_checked_and_told(bench: Workbench) -> None:
    """Both jobs get the file's address, and the topic hears the runs."""
    ended = bench.land("landing/good.csv")
    assert ended.status == "SUCCEEDED"
    assert ended.states == ["ValidateFile", "CheckFile", *LOAD]
    [told] = ended.messages
    assert (told["outcome"], told["file"]) == ("processed", "s3://lake/landing/good.csv")
    assert told["job_run"].startswith("jr_")
    assert told["quality_run"].startswith("jr_")
    assert told["job_run"] != told["quality_run"]
    assert "s3://lake/landing/good.csv" in bench.source_paths("load")
    assert "s3://lake/landing/good.csv" in bench.source_paths("check")
    assert bench.keys("landing/good.csv") == ["landing/good.csv"]


def test_a_crawl_is_waited_for(bench: Workbench) -> None:
    """The job starts when the crawler is done, which takes a second look here."""
    crawling = bench.differing(crawler=CRAWLER, crawler_poll_seconds=0)
    ended = crawling.land("landing/crawled.csv")
    assert ended.states == ["ValidateFile", "CheckFile", "StartCrawler", *POLL, *POLL, *LOAD]


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_keys_arrive_as_they_are(bench: Workbench, name: str) -> None:
    """Blanks, plus signs, percent signs, quotes, braces and other alphabets reach the jobs unchanged."""
    key = f"landing/good/{name}"
    [told] = bench.land(key).messages
    assert (told["outcome"], told["file"]) == ("processed", f"s3://lake/{key}")
    assert f"s3://lake/{key}" in bench.source_paths("load")


@pytest.mark.parametrize("name", [name.replace(".csv", ".txt") for name in AWKWARD])
def test_awkward_keys_are_quarantined_as_they_are(bench: Workbench, name: str) -> None:
    """The copy has the same bytes and name, the reason stands beside it, and the original is gone."""
    key = f"landing/bad/{name}"
    ended = bench.land(key, b"hello")
    assert ended.status == "SUCCEEDED"
    [told] = ended.messages
    assert (told["outcome"], told["reason"]["code"]) == ("invalid", "wrong_extension")
    copy = told["quarantine"].removeprefix("s3://lake/")
    execution = told["execution"].rpartition(":")[2]
    assert copy == f"quarantine/{execution}/{key}"
    assert bench.keys(f"quarantine/{execution}/") == [copy, f"{copy}.reason.json"]
    assert bench.keys("landing/bad/") == []
    assert bench.read(copy) == b"hello"
    reason = json.loads(bench.read(f"{copy}.reason.json"))
    assert reason.pop("rejected_at").startswith("20")
    assert reason == {
        "reason": {"code": "wrong_extension", "message": "the file is none of csv, json.gz"},
        "source": f"s3://lake/{key}",
        "size": 5,
        "etag": '"5d41402abc4b2a76b9719d911017c592"',  # pragma: allowlist secret - the MD5 of hello
        "execution": told["execution"],
    }


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("empty.csv", b"", "empty_file"),
        ("large.csv", b"x" * 11, "too_large"),
        ("archive.gz", b"x", "wrong_extension"),
        ("nocsv", b"x", "wrong_extension"),
        ("Mixed.Csv", b"x", "wrong_extension"),
    ],
)
def test_invalid_files_are_told_why(bench: Workbench, name: str, body: bytes, code: str) -> None:
    """The first thing that is wrong is the reason; nothing is loaded."""
    ended = bench.land(f"landing/{name}", body)
    assert [told["reason"]["code"] for told in ended.messages] == [code]
    assert "ProcessFile" not in ended.states


@pytest.mark.parametrize("name", ["ten.csv", "UPPER.CSV", "TWO.JSON.GZ"])
def test_valid_files_are_loaded(bench: Workbench, name: str) -> None:
    """A file of the greatest size is valid, and so is an extension in capitals."""
    assert bench.land(f"landing/valid/{name}", b"x" * 10).states[-1] == "NotifyProcessed"


def test_a_file_that_was_replaced_is_not_deleted(bench: Workbench) -> None:
    """Who lands a better file while the bad one is quarantined keeps it; that is told as a failure."""
    key, copy = "landing/replaced.csv", S3Backend.copy_object

    def copy_and_replace(self: S3Backend, *given: Any, **named: Any) -> Any:
        done = copy(self, *given, **named)
        bench.clients["s3"].put_object(Bucket="lake", Key=key, Body=b"better")
        return done

    with patch.object(S3Backend, "copy_object", copy_and_replace):
        ended = bench.land(key, b"")
    assert (ended.status, ended.states[-3:]) == ("FAILED", ["DeleteOriginal", "NotifyFailure", "FileFailed"])
    assert [told["outcome"] for told in ended.messages] == ["failed"]
    assert bench.read(key) == b"better"


def test_a_topic_that_does_not_answer_hides_no_failure(bench: Workbench) -> None:
    """The execution fails with what went wrong with the file, not with the notification."""
    key = "landing/untold.csv"
    bench.run_states["load", f"s3://lake/{key}"] = "FAILED"
    with patch.object(SNSBackend, "publish", side_effect=TopicNotFound()):
        ended = bench.land(key)
    assert (ended.status, ended.states[-1]) == ("FAILED", "FileFailed")
    assert json.loads(ended.cause or "")["Error"] == "States.TaskFailed"


def test_a_file_that_is_gone_is_no_failure(bench: Workbench) -> None:
    """An event that comes twice finds the file moved: that is told, and ends well."""
    ended = bench.arrive("landing/gone.csv")
    assert (ended.status, ended.states) == ("SUCCEEDED", ["ValidateFile", "IsFileGone", "NotifyGone"])
    assert [told["outcome"] for told in ended.messages] == ["gone"]


def test_a_folder_is_no_file(bench: Workbench) -> None:
    """The empty object that stands for a folder is left where it is, and nobody is told."""
    ended = bench.land("landing/folder/", b"")
    assert (ended.status, ended.messages) == ("SUCCEEDED", [])
    assert bench.keys("landing/folder/") == ["landing/folder/"]


@pytest.mark.parametrize("job", ["load", "check"])
@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT"])
def test_a_job_that_fails_fails_the_execution(bench: Workbench, job: str, state: str) -> None:
    """The topic and the cause of the execution hold what the run says; the file stays where it is."""
    key = f"landing/{job}-{state}.csv"
    bench.run_states[job, f"s3://lake/{key}"] = state
    ended = bench.land(key)
    assert (ended.status, ended.error) == ("FAILED", "FileFailed")
    [told] = ended.messages
    assert (told["outcome"], told["error"]["Error"]) == ("failed", "States.TaskFailed")
    run = json.loads(told["error"]["Cause"])
    assert (run["JobName"], run["JobRunState"]) == (job, state)
    assert json.loads(ended.cause or "") == told["error"]
    assert bench.keys(key) == [key]


@pytest.mark.parametrize("job", ["load", "check"])
def test_a_job_that_was_stopped_did_not_do_its_work(bench: Workbench, job: str) -> None:
    """A run that ends as STOPPED is a failure too."""
    key = f"landing/{job}-stopped.csv"
    bench.run_states[job, f"s3://lake/{key}"] = "STOPPED"
    ended = bench.land(key)
    assert (ended.status, ended.states[-3:]) == ("FAILED", ["JobStopped", "NotifyFailure", "FileFailed"])
    assert [told["error"]["Error"] for told in ended.messages] == ["Glue.JobStopped"]


@pytest.mark.parametrize("error", ["ThrottlingException", "ConcurrentRunsExceededException"])
def test_a_job_that_cannot_start_yet_is_tried_again(bench: Workbench, error: str) -> None:
    """Throttles and runs that are there already are waited for; the file is loaded once."""
    key = f"landing/{error}.csv"
    bench.start_errors[f"s3://lake/{key}"] = [error]
    ended = bench.land(key)
    assert (ended.status, ended.states[-1]) == ("SUCCEEDED", "NotifyProcessed")
    assert bench.start_errors[f"s3://lake/{key}"] == []
    assert bench.source_paths("load").count(f"s3://lake/{key}") == 1


def test_trying_again_ends(bench: Workbench) -> None:
    """After as many attempts as the policy has, the file has failed, and the reason is told."""
    key = "landing/never.csv"
    errors = bench.start_errors[f"s3://lake/{key}"] = ["ConcurrentRunsExceededException"] * 4
    ended = bench.land(key)
    assert (ended.status, len(errors)) == ("FAILED", 1)
    assert [told["error"]["Error"] for told in ended.messages] == ["Glue.ConcurrentRunsExceededException"]


def test_other_errors_are_not_tried_again(bench: Workbench) -> None:
    """What will not go away by waiting is told at once."""
    key = "landing/denied.csv"
    errors = bench.start_errors[f"s3://lake/{key}"] = ["AccessDeniedException"] * 2
    assert bench.land(key).status == "FAILED"
    assert len(errors) == 1
