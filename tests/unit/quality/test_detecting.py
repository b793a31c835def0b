"""DetectAnomalies holds what was measured against the same metrics of earlier runs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lakehouse.quality.anomalies import AbsoluteChange
from lakehouse.quality.outcomes import Outcome
from lakehouse.quality.plans import Leaf, judge
from lakehouse.quality.probes import Probe, Reading
from lakehouse.quality.rulesets import check_ruleset, parse_ruleset

USUAL = [100.0, 102.0, 98.0, 101.0, 99.0, 102.0, 98.0]
"""Mean 100 and squares 18, so a deviation of the square root of 3."""


def outcome(measured: Mapping[str, float | None], history: list[dict[str, float]], qualifier: str = "") -> Outcome:
    """What comes of DetectAnomalies when this was measured."""
    probe = Probe(read=lambda: Reading(value=None, metrics=measured), qualifier=qualifier, detects=True)
    return judge(Leaf(place=0, text="DetectAnomalies", labels={}, probe=probe), (), history)


@pytest.mark.parametrize(("rows", "verdict"), [(105.0, "Passed"), (95.0, "Passed"), (106.0, "Failed"), (0.0, "Failed")])
def test_a_metric_has_to_be_near_those_of_earlier_runs(rows: float, verdict: str) -> None:
    """Within three deviations of their mean, 5.2; what passes needs no reason."""
    found = outcome({"Dataset.*.RowCount": rows}, [{"Dataset.*.RowCount": value} for value in USUAL])
    assert (found.verdict, bool(found.reason)) == (verdict, verdict == "Failed")
    assert found.metrics == {"Dataset.*.RowCount": rows}


def test_the_reason_says_what_was_expected() -> None:
    """With the name of the metric, its bounds and what they were made of."""
    found = outcome({"Dataset.*.RowCount": 0.0}, [{"Dataset.*.RowCount": value} for value in USUAL])
    assert found.reason == (
        "Dataset.*.RowCount: 0 is below 94.8038: the mean 100 of the last 7 values, less and plus 3 standard deviations "
        "of 1.73205"
    )


def test_without_enough_history_it_passes_and_says_so() -> None:
    """The first runs cannot fail; a run that measured something else is no history."""
    history = [{"Dataset.*.RowCount": 100.0}] * 6 + [{"Column.id.Mean": 1.0}]
    found = outcome({"Dataset.*.RowCount": 0.0}, history)
    assert (found.verdict, found.reason) == (
        "Passed",
        "Dataset.*.RowCount: not enough history: 7 earlier values are needed, there are 6",
    )


def test_any_metric_may_be_the_anomaly() -> None:
    """A rule type of several metrics fails with one of them, and names that one."""
    history = [{"Column.a.Minimum": 1.0, "Column.a.Maximum": 9.0}] * 7
    found = outcome({"Column.a.Minimum": 1.0, "Column.a.Maximum": 10.0}, history)
    assert found.verdict == "Failed"
    assert found.reason.startswith("Column.a.Maximum: 10 is above 9:")
    assert "Minimum" not in found.reason


def test_queries_have_histories_of_their_own() -> None:
    """What tells metrics of one name apart in `Evaluation.metrics` does so in the history."""
    history = [{"Dataset.*.CustomSQL (select 1)": 1.0, "Dataset.*.CustomSQL (select 2)": 2.0}] * 7
    verdicts = [
        outcome({"Dataset.*.CustomSQL": 2.0}, history, f" (select {query})").verdict for query in ("1", "2", "3")
    ]
    assert verdicts == ["Failed", "Passed", "Passed"]


def test_nothing_to_measure_fails() -> None:
    """As every measure of no values does, whatever the history is."""
    found = outcome({"Column.a.Mean": None}, [{"Column.a.Mean": 1.0}] * 7)
    assert (found.verdict, found.reason) == ("Failed", "there is nothing to measure: no row, or no value")


def test_another_strategy_may_judge() -> None:
    """One value is enough history for a limit on the change."""
    probe = Probe(read=lambda: Reading(value=7.0, metrics={"Dataset.*.RowCount": 7.0}), detects=True)
    leaf = Leaf(place=0, text="DetectAnomalies", labels={}, probe=probe)
    found = judge(leaf, (), [{"Dataset.*.RowCount": 4.0}], AbsoluteChange(max_rate_increase=2.0))
    assert (found.verdict, found.reason) == ("Failed", "Dataset.*.RowCount: 7 is above 6: a change of 2 at most from 4")


@pytest.mark.parametrize(
    ("rule", "problems"),
    [
        ('DetectAnomalies "RowCount"', []),
        ('DetectAnomalies "CustomSQL" "select 1"', []),
        ('DetectAnomalies "RowCount" "id"', ["DetectAnomalies of RowCount takes no parameter, not 1"]),
        ('DetectAnomalies "Completeness"', ["DetectAnomalies of Completeness takes 1 parameter (column), not 0"]),
        ('DetectAnomalies "ColumnLength" ""', ["DetectAnomalies takes a column, not an empty text"]),
        ("DetectAnomalies", ["DetectAnomalies takes 1 or more parameters, not 0"]),
    ],
)
def test_parameters_are_those_of_the_rule_type(rule: str, problems: list[str]) -> None:
    """Each problem is told once."""
    assert [one.message for one in check_ruleset(parse_ruleset(f"Rules = [{rule}]"))] == problems
