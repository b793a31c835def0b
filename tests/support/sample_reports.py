"""A shop whose orders were checked on thirty days, with three faults planted in the last: e-mails lost, a currency renamed, ids twice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from lakehouse.reports.blocks import Verdict
from lakehouse.reports.findings import Drift, FailingRows, QualityReport, RowCounts, RuleResult, SchemaChange
from lakehouse.reports.runs import BesideContract, FileCounts, JudgedTable, RowFates, RunReport, TargetCounts
from lakehouse.reports.trends import RunSummary

DAYS = 30
FIRST = datetime(2026, 10, 29, 5, 30, tzinfo=UTC)

COMPLETE = 'Completeness "customer_email" >= 0.98'
CURRENCY = 'ColumnValues "currency" in ["EUR", "USD", "GBP", "CHF"] with threshold >= 0.999'
UNIQUE = 'IsPrimaryKey "order_id"'
PAID = 'CustomSql "select count(*) from primary where paid_at < ordered_at" = 0'
ROWS = "RowCount > avg(last(7)) * 0.8"
FRESH = 'DataFreshness "ordered_at" <= 24 hours'
TOTAL = 'ColumnValues "total" >= 0 with threshold >= 0.9999'
REFERENCE = 'ReferentialIntegrity "customer_id" "customers.customer_id" >= 0.999'
RULES = (UNIQUE, COMPLETE, CURRENCY, TOTAL, REFERENCE, FRESH, ROWS, PAID)


def _ripple(day: int, scale: float) -> float:
    """What differs from day to day, without chance."""
    return scale * math.sin(day * 2.4) * math.cos(day * 0.7)


def metrics_of(day: int) -> Mapping[str, float]:
    """What the run of a day measured; the planted faults show from day 27 (currency) and on day 29 (e-mails, ids)."""
    last = day == DAYS - 1
    return {
        "Column.order_id.Uniqueness": 0.99961 if last else 1.0,
        "Column.customer_email.Completeness": 0.9312 if last else round(0.991 + _ripple(day, 0.004), 5),
        "Column.currency.ColumnValues.Compliance": round(
            (1.0, 0.9863, 0.9721, 0.9604)[max(0, day - DAYS + 4)] if day >= DAYS - 4 else 0.99995, 5
        ),
        "Column.total.ColumnValues.Compliance": 1.0,
        "Column.customer_id.ReferentialIntegrity": round(0.9998 + _ripple(day, 0.0001), 5),
        "Dataset.*.RowCount": float(48_000 + (day % 7 < 5) * 9_000 + round(_ripple(day, 2_500))),
    }


METRICS = {
    UNIQUE: "Column.order_id.Uniqueness",
    COMPLETE: "Column.customer_email.Completeness",
    CURRENCY: "Column.currency.ColumnValues.Compliance",
    TOTAL: "Column.total.ColumnValues.Compliance",
    REFERENCE: "Column.customer_id.ReferentialIntegrity",
    ROWS: "Dataset.*.RowCount",
}


def verdicts_of(day: int) -> Mapping[str, Verdict]:
    """The verdicts of a day."""
    found: dict[str, Verdict] = dict.fromkeys(RULES, "Passed")
    if day >= DAYS - 3:
        found[CURRENCY] = "Failed"
    if day == DAYS - 1:
        found |= {UNIQUE: "Failed", COMPLETE: "Failed", PAID: "Error"}
    if day == 11:
        found[ROWS] = "Failed"
    return found


REASONS = {
    UNIQUE: "22 keys are there more than once",
    COMPLETE: "0.9312 is not >= 0.98",
    CURRENCY: "0.9604 is not >= 0.999",
    PAID: "column paid_at cannot be resolved; the columns are order_id, customer_id, customer_email, currency, total, ordered_at",
}


def _rule(rule: str) -> RuleResult:
    name = METRICS.get(rule)
    return RuleResult(
        rule=rule,
        verdict=verdicts_of(DAYS - 1)[rule],
        reason=REASONS.get(rule, ""),
        metrics={name: metrics_of(DAYS - 1)[name]} if name else {},
        earlier={name: tuple(metrics_of(day)[name] for day in range(DAYS - 1))} if name else {},
        labels={"team": "finance"} if rule in {CURRENCY, TOTAL} else {},
    )


COLUMNS = ("order_id", "customer_id", "customer_email", "currency", "total", "ordered_at")
PEOPLE = ("ada.byron", "g.hopper", "k.johnson", "e.noether", "m.hamilton", "h.lamarr")


def _order(place: int, *, email: str | None, currency: str = "EUR", order: int | None = None) -> tuple[str | None, ...]:
    return (
        f"SO-{order or 880_100 + 7 * place}",
        f"C-{10_400 + 31 * place}",
        email,
        currency,
        f"{19.9 + 13 * place:.2f}",
        f"2026-11-26 {8 + place}:14:0{place}",
    )


def quality_report() -> QualityReport:
    """The report of the last day."""
    count = int(metrics_of(DAYS - 1)["Dataset.*.RowCount"])
    lost, renamed = round(count * (1 - 0.9312)), round(count * (1 - 0.9604))
    return QualityReport(
        table="silver.orders",
        job="quality_monitoring",
        run="jr_2026-11-27T0530_9f3c",
        started=FIRST + timedelta(days=DAYS - 1),
        took=timedelta(seconds=83.4),
        rows=RowCounts(read=count, written=count - 44 - renamed, quarantined=44 + renamed),
        rules=tuple(map(_rule, RULES)),
        failing=(
            FailingRows(
                rule=UNIQUE,
                columns=COLUMNS,
                rows=tuple(
                    _order(place, email=f"{PEOPLE[place]}@example.com", order=880_400 + place // 2)
                    for place in range(4)
                ),
                total=44,
            ),
            FailingRows(
                rule=COMPLETE,
                columns=COLUMNS,
                rows=tuple(_order(place, email=None) for place in range(5)),
                total=lost,
            ),
            FailingRows(
                rule=CURRENCY,
                columns=COLUMNS,
                rows=tuple(_order(place, email=f"{PEOPLE[place]}@example.com", currency="Euro") for place in range(6)),
                total=renamed,
            ),
        ),
        schema_changes=(
            SchemaChange(column="channel", change="added", after="string"),
            SchemaChange(column="paid_at", change="removed", before="timestamp", verdict="Warning"),
            SchemaChange(column="total", change="type changed", before="decimal(10,2)", after="decimal(18,4)"),
        ),
        drift=(
            Drift(
                column="currency",
                measure="PSI",
                value=0.312,
                limit=0.25,
                verdict="Warning",
                reason="the shares of categories moved",
                earlier=(*(round(0.02 + abs(_ripple(day, 0.02)), 4) for day in range(DAYS - 4)), 0.09, 0.17, 0.24),
                appeared=("Euro",),
                vanished=("GBP", "CHF"),
            ),
            Drift(
                column="total",
                measure="KS",
                value=0.031,
                limit=0.1,
                verdict="Passed",
                earlier=tuple(round(0.03 + abs(_ripple(day, 0.02)), 4) for day in range(DAYS - 1)),
            ),
        ),
    )


def runs() -> tuple[RunSummary, ...]:
    """The runs of all days."""
    return tuple(
        RunSummary(
            run=f"jr_{FIRST + timedelta(days=day):%Y-%m-%dT%H%M}",
            started=FIRST + timedelta(days=day),
            verdicts=verdicts_of(day),
            metrics=metrics_of(day),
            read=int(metrics_of(day)["Dataset.*.RowCount"]),
            quarantined=44 * (day == DAYS - 1)
            + round(
                metrics_of(day)["Dataset.*.RowCount"] * (1 - metrics_of(day)["Column.currency.ColumnValues.Compliance"])
            ),
            file=f"{FIRST + timedelta(days=day):%Y-%m-%d}.html",
        )
        for day in range(DAYS)
    )


def run_report() -> RunReport:
    """The run of the last day: the orders were judged and merged into two tables, customers into one that takes no late ones."""
    found = quality_report()
    count = int(metrics_of(DAYS - 1)["Dataset.*.RowCount"])
    return RunReport(
        job="shop_to_warehouse",
        run=found.run,
        started=found.started,
        took=found.took,
        files=FileCounts(new=36, repeated=2, hidden=1, refused={"truncated": 1, "encoding": 2}),
        rows=RowFates(read=count + 1_562, quarantined={"missing_value": 40, "bad_value": 4}, skipped={"control": 12}),
        targets=(
            TargetCounts(
                table="silver.orders",
                kind="current",
                source="shop.orders",
                changes=count - 44,
                applied=count - 50,
                duplicate=5,
                tie=1,
                late=17,
                inserted=40_104,
                updated=9_870,
                deleted=12,
                version="7",
                evolved=("+ channel string", "~ total decimal(10,2) -> decimal(18,4) (widened)"),
            ),
            TargetCounts(
                table="silver.orders_history",
                kind="history",
                source="shop.orders",
                changes=count - 44,
                applied=count - 50,
                duplicate=5,
                tie=1,
                late=17,
                inserted=count - 50,
                version="4611686018427387904",
            ),
            TargetCounts(
                table="silver.customers",
                kind="current",
                source="shop.customers",
                changes=1_550,
                applied=0,
                duplicate=1_547,
                too_late=3,
            ),
        ),
        beside=(
            BesideContract(table="shop.orders", column="coupon", state="unknown", rows=811),
            BesideContract(table="shop.orders", column="paid_at", state="missing", rows=count),
        ),
        judged=(
            JudgedTable(
                table="shop.orders",
                rules=found.rules,
                metrics=metrics_of(DAYS - 1),
                on_failure="warn",
                rows=count,
                failed=44 + sum(one.total for one in found.failing[1:]),
                failing=found.failing,
            ),
            JudgedTable(
                table="shop.customers",
                part="2026-11-25",
                rules=(RuleResult(rule="RowCount > 0", verdict="Passed", metrics={"Dataset.*.RowCount": 1_562.0}),),
                metrics={"Dataset.*.RowCount": 1_562.0},
                on_failure="warn",
                rows=1_562,
                failed=0,
            ),
        ),
    )
