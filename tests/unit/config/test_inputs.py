"""What an input of a job may not say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from lakehouse.config.models import Input
from lakehouse.config.outputs import Output

TRANSACTIONS: dict[str, Any] = {
    "path": "landing",
    "feed": "dms-transactions",
    "files": "csv",
    "tables": {"public.t": {"keys": ["id"], "columns": {"id": "bigint"}}},
    "bronze": "bronze.changes",
}


def test_transaction_files_have_no_header() -> None:
    """Taken for a header, the first change of each file would be lost to sight; so `header: false` has to be said."""
    with pytest.raises(ValidationError, match="set header: false"):
        Input.model_validate(TRANSACTIONS)
    assert not Input.model_validate(TRANSACTIONS | {"header": False}).header


def test_a_history_has_no_soft_deletes() -> None:
    """`deletes: soft` is for current tables and refused elsewhere."""
    with pytest.raises(ValidationError, match="deletes soft is for write current"):
        Output.model_validate({"table": "t", "write": "history", "deletes": "soft"})


def test_a_current_table_in_which_upserts_win_takes_whole_events() -> None:
    """`on_tie: upsert_wins` with `ignore_nulls` would leave a current table to chance; a history takes both."""
    told = {"table": "t", "on_tie": "upsert_wins", "ignore_nulls": True}
    with pytest.raises(ValidationError, match="takes whole events"):
        Output.model_validate({**told, "write": "current"})
    assert Output.model_validate({**told, "write": "history"}).on_tie == "upsert_wins"


@pytest.mark.parametrize("wrong", [{"feed": "maxwell"}, {"options": {"sequence": {"seq": "bigint"}, "form": "json"}}])
def test_documents_are_for_the_feed_that_cuts_them(wrong: dict[str, Any]) -> None:
    """Any other feed would take the whole file for one change."""
    told = {"feed": "columns", "files": "document", "options": {"sequence": {"seq": "bigint"}, "form": "document"}}
    told |= {key: TRANSACTIONS[key] for key in ("path", "tables", "bronze")}
    assert not Input.model_validate(told).is_typed
    with pytest.raises(ValidationError, match=r"set feed: columns and options\.form: document"):
        Input.model_validate(told | {"options": {}} | wrong)
