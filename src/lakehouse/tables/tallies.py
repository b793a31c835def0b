"""What a merge counts, and how: one aggregate over the folded frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.cdc import events as ev
from lakehouse.cdc.changes import ChangeSpec
from lakehouse.errors import InvalidChangesError
from lakehouse.tables.protocol import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeResult:
    """What a merge did. `input` = `applied` + `duplicate` + `tie` + `quarantined`.

    Attributes:
        input: rows of the change log.
        applied: distinct events that count from now on, whether or not a row shows them.
        duplicate: events that were there already, in the table or in the batch.
        tie: events that lost against another one at the same key and sequence.
        quarantined: events before the table's horizon (see `compact`); they were set aside, not applied.
        late: how many of the applied were older than what the table knew of their key.
        inserted: rows added to the table.
        updated: rows of the table that changed.
        deleted: rows removed from the table, or flagged as deleted where deletes are soft.
        commit: the one commit that was made; None when nothing changed.
    """

    input: int = 0
    applied: int = 0
    duplicate: int = 0
    tie: int = 0
    quarantined: int = 0
    late: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    commit: Snapshot | None = None
    reporting: Callable[[], DataFrame] | None = field(default=None, repr=False, compare=False)

    def report(self) -> DataFrame | None:
        """The ties and late events of the batch, for a person to look at; worked out only now. None: nothing was merged.

        See `lakehouse.cdc.reports.report` for its columns. It reads the version of the table before the merge, so it works
        as long as that version is kept.
        """
        return self.reporting() if self.reporting else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts over a folded frame; `tied` are the kept events that had a rival, `keys` all that there are."""

    applied: int = 0
    duplicate: int = 0
    tie: int = 0
    quarantined: int = 0
    late: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    tied: int = 0
    forgotten: int = 0
    keys: int = 0

    @property
    def seen(self) -> int:
        """Rows of the batch that are accounted for."""
        return self.applied + self.duplicate + self.tie + self.quarantined

    @property
    def changed(self) -> int:
        """Rows of the table that the merge will touch."""
        return self.inserted + self.updated + self.deleted

    def plus(self, other: Tally) -> Tally:
        """The sum of two tallies over different keys."""
        return Tally(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def result(self, commit: Snapshot | None) -> MergeResult:
        """The public form."""
        other = ("input", "commit", "reporting")
        told = {f.name: getattr(self, f.name) for f in fields(MergeResult) if f.name not in other}
        return MergeResult(input=self.seen, commit=commit, **told)


def tally(folded: DataFrame, **extra: Column) -> Tally:
    """Count a folded frame in one job, which also fills its cache."""
    outcome = F.col(ev.OUTCOME)
    columns = {
        "applied": F.sum(ev.APPLIED),
        "duplicate": F.sum(ev.DUPLICATES),
        "tie": F.sum(ev.TIES),
        "late": F.sum(ev.LATE),
        "inserted": F.count_if(outcome == ev.INSERTED),
        "updated": F.count_if(outcome == ev.UPDATED),
        "deleted": F.count_if(outcome == ev.DELETED),
        "tied": F.count_if(F.col(ev.TIED)),
        "keys": F.count(F.lit(1)),
        **extra,
    }
    row = folded.agg(*[F.coalesce(column, F.lit(0)).alias(name) for name, column in columns.items()]).head()
    return Tally(**row.asDict()) if row else Tally()


def check_ties(counts: Tally, spec: ChangeSpec) -> None:
    """Refuse a batch with ties when the spec says so.

    Raises:
        InvalidChangesError: with the number of tied events.
    """
    if spec.on_tie == "fail" and counts.tied:
        msg = (
            f"{counts.tied} events have a different rival at the same key and sequence and on_tie is 'fail'. "
            "Use a finer sequence, or on_tie='resolve'; nothing was written."
        )
        raise InvalidChangesError(msg)
