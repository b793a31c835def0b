"""PyDeequ's own interface on tables of ours: a verification suite, analyzers and suggested constraints, without DQDL."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class DeequFindings:
    """What Deequ finds of one table.

    Attributes:
        failed: constraints that do not hold.
        held: how many hold.
        metrics: of its analyzers, by name and column; `*` is the table.
        suggested: constraints that it would put on the table, as code.
    """

    failed: list[str]
    held: int
    metrics: dict[tuple[str, str], float]
    suggested: list[str]


def deequ_findings(table: DataFrame, *, complete: Iterable[str], unique: Iterable[str]) -> DeequFindings:
    """Verify, measure and profile a table. Deequ's casts need ANSI mode to be off, which it is meanwhile.

    None of the checks has an assertion in Python: these start a server that keeps the process alive.
    """
    os.environ.setdefault("SPARK_VERSION", "3.5")
    spark = table.sparkSession
    spark.conf.set("spark.sql.ansi.enabled", "false")
    try:
        with warnings.catch_warnings(action="ignore"):  # PyDeequ uses what PySpark wants nobody to use
            return _findings(table, list(complete), list(unique))
    finally:
        spark.conf.set("spark.sql.ansi.enabled", "true")


def _findings(table: DataFrame, complete: list[str], unique: list[str]) -> DeequFindings:
    from pydeequ.analyzers import AnalysisRunner, AnalyzerContext, Completeness, Size  # noqa: PLC0415 - Spark 3.5 alone
    from pydeequ.checks import Check, CheckLevel  # noqa: PLC0415 - as above
    from pydeequ.suggestions import DEFAULT, ConstraintSuggestionRunner  # noqa: PLC0415 - as above
    from pydeequ.verification import VerificationResult, VerificationSuite  # noqa: PLC0415 - as above

    spark = table.sparkSession
    check = Check(spark, CheckLevel.Error, "table")
    for name in complete:
        check = check.isComplete(name)
    for name in unique:
        check = check.isUnique(name)
    verified = VerificationSuite(spark).onData(table).addCheck(check).run()
    results = VerificationResult.checkResultsAsDataFrame(spark, verified).collect()
    runner = AnalysisRunner(spark).onData(table).addAnalyzer(Size())
    for name in complete:
        runner = runner.addAnalyzer(Completeness(name))
    metrics = AnalyzerContext.successMetricsAsDataFrame(spark, runner.run()).collect()
    suggested = ConstraintSuggestionRunner(spark).onData(table).addConstraintRule(DEFAULT()).run()
    return DeequFindings(
        failed=[row.constraint for row in results if row.constraint_status != "Success"],
        held=sum(row.constraint_status == "Success" for row in results),
        metrics={(row["name"], row["instance"]): row["value"] for row in metrics},
        suggested=[one["code_for_constraint"] for one in suggested["constraint_suggestions"]],
    )
