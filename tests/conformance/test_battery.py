"""The correctness battery: the oracle and both formats come to the answers that were written by hand."""

from __future__ import annotations

import pytest
from battery import CASES, START, UNTOUCHED, Answer, Case, Change, Span, describe, is_right, scores
from contenders import KEYS, Lakehouse
from pyspark.sql import SparkSession

from lakehouse.cdc.changes import ChangeSpec
from lakehouse.tables.protocol import Format
from lakehouse.testing.folding import Event, fold_events

BY_NAME = {case.name: case for case in CASES}
LATE, KEYLESS, TIE = BY_NAME["late: 9, then 5"], BY_NAME["null key, sent twice"], BY_NAME["tie: P and Q, both at 5"]


def event(change: Change) -> Event:
    """A change as the oracle takes it."""
    op = {"U": "upsert", "D": "delete"}[change.op]
    return Event(key=change.key, sequence=change.at, op=op, values={"name": change.name})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_oracle_answers_right(case: Case) -> None:
    """Folding the changes that have a key gives the history written by hand; of a tie, with one of the two."""
    changes = [*START, *(change for batch in case.batches for change in batch)]
    folded = fold_events([event(change) for change in changes if change.key is not None], columns=["name"])
    found: dict[object, list[Span]] = {}
    for version in folded:
        found.setdefault(version.key, []).append(Span(version.values["name"], version.valid_from, version.valid_to))
    wanted = {**case.history, 1: [Span("A", 1, 5), Span("Q", 5, None)]} if case is TIE else case.history
    assert found == wanted


@pytest.mark.parametrize("table_format", ["iceberg", pytest.param("delta", marks=pytest.mark.exhaustive)])
def test_merge_history_answers_right(spark: SparkSession, tmp_path: object, table_format: Format) -> None:
    """Ten of ten right; rows without a key are set aside with the reason, and the tie is counted."""
    answers = Lakehouse(spark, str(tmp_path), table_format).answer(CASES)
    wrong = {case.name: describe(case, answers[case.name]) for case in CASES if not is_right(case, answers[case.name])}
    assert wrong == {}
    told = {name: answer.told for name, answer in answers.items() if answer.told}
    assert told == {KEYLESS.name: {"missing_key": 2}, TIE.name: {"tie": 1}}
    assert scores(answers) == (10, 2)


def test_a_tie_can_be_refused(spark: SparkSession, tmp_path: object) -> None:
    """With `on_tie="fail"` the tie is an error and the table stays as it was."""
    strict = Lakehouse(spark, str(tmp_path), "iceberg", ChangeSpec(keys=KEYS, on_tie="fail"))
    assert strict.answer([TIE]) == {TIE.name: Answer(history=UNTOUCHED, error="InvalidChangesError")}


@pytest.mark.parametrize(
    ("case", "answer", "cell"),
    [
        (LATE, Answer(history={**UNTOUCHED, 1: [Span("A", 1, 9), Span("A9", 9, None)]}), "A[1,9) A9[9,)"),
        (LATE, Answer(history=LATE.history, error="FAILED"), "FAILED; A[1,5) A5[5,9) A9[9,)"),
        (KEYLESS, Answer(history=UNTOUCHED), "no change"),
        (KEYLESS, Answer(history={**UNTOUCHED, None: [Span("X", 5, None)]}, told={"tie": 1}), "1 tie; X[5,)"),
        (TIE, Answer(history={**UNTOUCHED, 1: [Span("A", 1, 5), Span("P", 5, None)]}), "A[1,5) P[5,)"),
        (
            TIE,
            Answer(history={**UNTOUCHED, 1: [Span("A", 1, 5), Span("P", 5, None)]}, error="FAILED"),
            "FAILED; A[1,5) P[5,)",
        ),
    ],
)
def test_wrong_answers_are_found(case: Case, answer: Answer, cell: str) -> None:
    """A wrong history, an error, silence and a half-written table are no right answers, and the table shows what they are."""
    assert not is_right(case, answer)
    assert describe(case, answer) == cell


@pytest.mark.parametrize(
    ("case", "answer", "cell"),
    [
        (LATE, Answer(history=LATE.history), "right"),
        (KEYLESS, Answer(history=UNTOUCHED, error="REFUSED"), "told: REFUSED"),
        (TIE, Answer(history=UNTOUCHED, error="REFUSED"), "told: REFUSED"),
        (TIE, Answer(history={**UNTOUCHED, 1: [Span("A", 1, 5), Span("P", 5, None)]}, told={"tie": 1}), "told: 1 tie"),
    ],
)
def test_right_answers_are_found(case: Case, answer: Answer, cell: str) -> None:
    """The right history is right, and so is telling without damage where there is none."""
    assert is_right(case, answer)
    assert describe(case, answer) == cell
