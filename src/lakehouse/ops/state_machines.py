"""The Step Functions state machine of `event_driven_etl`, as data: a file lands, is checked, loaded, its quality checked, and someone told.

Form: Amazon States Language with JSONPath. One state, `InvalidFile`, is JSONata: S3 wants the source of a copy URL-encoded,
and JSONPath has no function for it. The input is EventBridge's event "Object Created", whose key is not URL-encoded.

EventBridge delivers at least once, so the jobs must not mind a file they already know. A file that is gone was moved or
replaced since: that is told and is no failure. Outcomes: `processed`, `invalid`, `gone`, `failed`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lakehouse.ops.settings import EventDrivenEtl, GlueJob
from lakehouse.ops.states import State, choice, retrier, task

_KEY = "$.detail.object.key"
_SOURCE = "States.Format('s3://{}/{}', $.detail.bucket.name, $.detail.object.key)"
_REASON = {
    "reason.$": "$.rejection",
    "source.$": _SOURCE,
    "size.$": "$.file.size",
    "etag.$": "$.file.etag",
    "execution.$": "$$.Execution.Id",
    "rejected_at.$": "$$.State.EnteredTime",
}
_OBJECT = {"Bucket.$": "$.detail.bucket.name", "Key.$": _KEY}

_GLUE_THROTTLES = (
    "Glue.ThrottlingException",
    "Glue.OperationTimeoutException",
    "Glue.InternalServiceException",
    "Glue.SdkClientException",
)
_GLUE_BUSY = (
    "Glue.ConcurrentRunsExceededException",
    "Glue.CrawlerRunningException",
    "Glue.ResourceNumberLimitExceededException",
)
# SlowDown and other answers with code 503 have no class of their own in the SDK.
_S3_THROTTLES = ("S3.S3Exception", "S3.SdkClientException")
_SNS_THROTTLES = ("SNS.ThrottledException", "SNS.InternalErrorException", "SNS.KMSThrottlingException")


def event_driven_etl(etl: EventDrivenEtl) -> dict[str, Any]:
    """The definition, for `Definition` of a CloudFormation template or, as JSON, for `CreateStateMachine`.

    An invalid file is copied to quarantine before it is deleted, and deleted only if nobody has replaced it since. Whatever
    goes wrong ends in `NotifyFailure` and `FileFailed`; the file then is where it was. After that only the notification can
    fail, which fails the execution, so that no outcome is lost.
    """
    load = "StartCrawler" if etl.crawler else "ProcessFile"
    return {
        "Comment": "Check a file that has landed, load it, check its quality, and tell the outcome",
        "StartAt": "ValidateFile",
        "States": {
            **_validation(etl, load),
            **_rejection(etl),
            **(_crawl(etl, etl.crawler) if etl.crawler else {}),
            **_processing(etl),
            **_failure(etl),
        },
    }


def _validation(etl: EventDrivenEtl, load: str) -> dict[str, State]:
    patterns = [f"*.{one}" for extension in etl.extensions for one in (extension, extension.upper())]
    not_found = [
        {"Variable": "$.error.Cause", "IsPresent": True},
        {"Variable": "$.error.Cause", "StringMatches": "*Status Code: 404*"},
    ]
    return {
        "ValidateFile": task(
            "aws-sdk:s3:headObject",
            _OBJECT,
            keep={"size.$": "$.ContentLength", "etag.$": "$.ETag"},
            at="$.file",
            retry=[retrier(_S3_THROTTLES, etl.throttled)],
            then="CheckFile",
            otherwise="IsFileGone",
        ),
        "IsFileGone": choice(
            {"Or": [{"Variable": "$.error.Error", "StringEquals": "S3.NoSuchKeyException"}, {"And": not_found}]},
            then="NotifyGone",
            default="NotifyFailure",
        ),
        "NotifyGone": _notification(etl, "gone", "A file was gone before it was looked at"),
        "CheckFile": {
            "Type": "Choice",
            "Choices": [
                {"Variable": _KEY, "StringMatches": "*/", "Next": "IgnoreFolder"},
                {"Variable": "$.file.size", "NumericEquals": 0, "Next": "EmptyFile"},
                {"Variable": "$.file.size", "NumericGreaterThan": etl.max_bytes, "Next": "TooLarge"},
                {"Or": [{"Variable": _KEY, "StringMatches": one} for one in patterns], "Next": load},
            ],
            "Default": "WrongExtension",
        },
        "IgnoreFolder": {"Type": "Succeed", "Comment": "An object that consoles make to show a folder is no file"},
    }


def _rejection(etl: EventDrivenEtl) -> dict[str, State]:
    reasons = {
        "EmptyFile": ("empty_file", "the file has no bytes"),
        "TooLarge": ("too_large", f"the file has more than {etl.max_bytes} bytes"),
        "WrongExtension": ("wrong_extension", f"the file is none of {', '.join(etl.extensions)}"),
    }
    place = (
        f"{json.dumps(etl.quarantine_prefix)} & $states.context.Execution.Name & '/' & $states.input.detail.object.key"
    )
    source = "$encodeUrlComponent($states.input.detail.bucket.name & '/' & $states.input.detail.object.key)"
    quarantine = f"{{'quarantine': {{'key': {place}, 'source': {source}}}}}"
    return {
        **{name: _reason(code, message) for name, (code, message) in reasons.items()},
        "InvalidFile": {
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": f"{{% $merge([$states.input, {quarantine}]) %}}",
            "Next": "QuarantineFile",
        },
        **_quarantine(etl),
        "NotifyInvalid": _notification(
            etl,
            "invalid",
            "A file was quarantined",
            {
                "reason.$": "$.rejection",
                "quarantine.$": f"States.Format('s3://{etl.quarantine_bucket}/{{}}', $.quarantine.key)",
            },
        ),
    }


def _quarantine(etl: EventDrivenEtl) -> dict[str, State]:
    retry = [retrier(_S3_THROTTLES, etl.throttled)]
    return {
        "QuarantineFile": task(
            "aws-sdk:s3:copyObject",
            {
                "Bucket": etl.quarantine_bucket,
                "Key.$": "$.quarantine.key",
                "CopySource.$": "$.quarantine.source",
                "CopySourceIfMatch.$": "$.file.etag",
            },
            keep={"copied": True},
            at="$.copy",
            retry=retry,
            then="WriteReason",
        ),
        "WriteReason": task(
            "aws-sdk:s3:putObject",
            {
                "Bucket": etl.quarantine_bucket,
                "Key.$": "States.Format('{}.reason.json', $.quarantine.key)",
                "ContentType": "application/json",
                "Body": dict(_REASON),
            },
            keep={"written": True},
            at="$.reason",
            retry=retry,
            then="DeleteOriginal",
        ),
        "DeleteOriginal": task(
            "aws-sdk:s3:deleteObject",
            {**_OBJECT, "IfMatch.$": "$.file.etag"},
            keep={"deleted": True},
            at="$.original",
            retry=retry,
            then="NotifyInvalid",
        ),
    }


def _crawl(etl: EventDrivenEtl, crawler: str) -> dict[str, State]:
    throttled = retrier(_GLUE_THROTTLES, etl.throttled)
    return {
        "StartCrawler": task(
            "aws-sdk:glue:startCrawler",
            {"Name": crawler},
            keep={"started": True},
            at="$.crawl",
            retry=[retrier(_GLUE_BUSY, etl.busy), throttled],
            then="WaitForCrawler",
        ),
        "WaitForCrawler": {"Type": "Wait", "Seconds": etl.crawler_poll_seconds, "Next": "GetCrawler"},
        "GetCrawler": task(
            "aws-sdk:glue:getCrawler",
            {"Name": crawler},
            keep={"state.$": "$.Crawler.State"},
            at="$.crawl",
            retry=[throttled],
            then="IsCrawlerReady",
        ),
        "IsCrawlerReady": choice(
            {"Variable": "$.crawl.state", "StringEquals": "READY"}, then="ProcessFile", default="WaitForCrawler"
        ),
    }


def _processing(etl: EventDrivenEtl) -> dict[str, State]:
    return {
        "ProcessFile": _job_run(etl, etl.job, at="$.job", then="IsFileProcessed"),
        "IsFileProcessed": _succeeded("$.job", then="CheckQuality"),
        "CheckQuality": _job_run(etl, etl.quality_job, at="$.quality", then="IsQualityChecked"),
        "IsQualityChecked": _succeeded("$.quality", then="NotifyProcessed"),
        "NotifyProcessed": _notification(
            etl, "processed", "A file was processed", {"job_run.$": "$.job.id", "quality_run.$": "$.quality.id"}
        ),
    }


def _failure(etl: EventDrivenEtl) -> dict[str, State]:
    told = _notification(etl, "failed", "A file could not be processed", {"error.$": "$.error"})
    del told["End"]
    return {
        "JobStopped": {
            "Type": "Pass",
            "Result": {"Error": "Glue.JobStopped", "Cause": "somebody stopped the job run before it was done"},
            "ResultPath": "$.error",
            "Next": "NotifyFailure",
        },
        "NotifyFailure": {
            **told,
            "Next": "FileFailed",
            # What went wrong with the file is said in any case.
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.notification", "Next": "FileFailed"}],
        },
        # Errors of Step Functions itself may not be failed with by their own names; not every error has a cause.
        "FileFailed": {"Type": "Fail", "Error": "FileFailed", "CausePath": "States.JsonToString($.error)"},
    }


def _job_run(etl: EventDrivenEtl, job: GlueJob, *, at: str, then: str) -> State:
    run = task(
        "glue:startJobRun.sync",
        {"JobName": job.name, "Arguments": {"--source_path.$": _SOURCE, **job.arguments}},
        keep={"id.$": "$.Id", "state.$": "$.JobRunState"},
        at=at,
        retry=[retrier(_GLUE_BUSY, etl.busy), retrier(_GLUE_THROTTLES, etl.throttled)],
        then=then,
    )
    return {**run, "TimeoutSeconds": int(job.timeout.total_seconds())}


def _notification(etl: EventDrivenEtl, outcome: str, subject: str, details: Mapping[str, Any] | None = None) -> State:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {
            "TopicArn": etl.topic_arn,
            "Subject": subject,
            "Message": {"outcome": outcome, "file.$": _SOURCE, "execution.$": "$$.Execution.Id", **(details or {})},
            "MessageAttributes": {"outcome": {"DataType": "String", "StringValue": outcome}},
        },
        "ResultSelector": {"message_id.$": "$.MessageId"},
        "ResultPath": "$.notification",
        "Retry": [retrier(_SNS_THROTTLES, etl.throttled)],
        "End": True,
    }


def _reason(code: str, message: str) -> State:
    result = {"code": code, "message": message}
    return {"Type": "Pass", "Result": result, "ResultPath": "$.rejection", "Next": "InvalidFile"}


def _succeeded(at: str, *, then: str) -> State:
    """A run that was stopped ends without an error; it did not do its work either."""
    return choice({"Variable": f"{at}.state", "StringEquals": "SUCCEEDED"}, then=then, default="JobStopped")
