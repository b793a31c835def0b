"""The pages that runs of a job leave."""

from __future__ import annotations

from lakehouse.config.base import Model, Name


class Reports(Model):
    """Where each run that had something to do leaves a page of what it did, and beside it what later pages look back on.

    Attributes:
        at: a folder of the machine that drives the run, or one that Hadoop reaches (`s3://bucket/reports`); the job has a folder
            of its own in it.
        reveal_values: whether the values of rows that fail a rule are told; they are masked otherwise.
    """

    at: Name
    reveal_values: bool = False
