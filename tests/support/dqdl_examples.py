"""Rules as the Glue Developer Guide writes them, for every rule type, with what they mean written by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from lakehouse.quality.rules import (
    Analyzer,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Composite,
    Condition,
    Constant,
    Day,
    Duration,
    Expression,
    In,
    Matches,
    Name,
    Now,
    Number,
    Operand,
    Parameter,
    Rule,
    Size,
    Special,
    Text,
)

NULL, EMPTY, BLANK = Special("NULL"), Special("EMPTY"), Special("WHITESPACES_ONLY")
TICKETS = "s3://amzn-s3-demo-bucket/artifacts/file/tickets/"
CHECKSUM = "3e" * 16


def n(number: str | int) -> Number:
    """A number."""
    return Number(Decimal(number))


def eq(operand: Operand) -> Comparison:
    """Equal to a value."""
    return Comparison("=", operand)


def ne(operand: Operand) -> Comparison:
    """Not equal to a value."""
    return Comparison("!=", operand)


def gt(operand: Operand) -> Comparison:
    """Greater than a value."""
    return Comparison(">", operand)


def ge(operand: Operand) -> Comparison:
    """At least a value."""
    return Comparison(">=", operand)


def lt(operand: Operand) -> Comparison:
    """Less than a value."""
    return Comparison("<", operand)


def le(operand: Operand) -> Comparison:
    """At most a value."""
    return Comparison("<=", operand)


def one_of(*values: str, negated: bool = False) -> In:
    """One of some texts."""
    return In(tuple(map(Text, values)), negated=negated)


def last(runs: int | None = None) -> Call:
    """The metrics of earlier runs."""
    return Call("last", () if runs is None else (n(runs),))


def of_last(function: str, runs: int) -> Call:
    """A function of the metrics of earlier runs."""
    return Call(function, (last(runs),))


def plus(left: Expression, right: Expression) -> Arithmetic:
    """A sum."""
    return Arithmetic(left, "+", right)


def minus(left: Expression, right: Expression) -> Arithmetic:
    """A difference."""
    return Arithmetic(left, "-", right)


def around(runs: int) -> Between:
    """Between the least and the greatest earlier metric, one less and one more."""
    return Between(minus(of_last("min", runs), n(1)), plus(of_last("max", runs), n(1)))


def ago(amount: int, unit: Literal["days", "hours", "minutes"]) -> Now:
    """An instant before now."""
    return Now(Duration(-amount, unit))


def day(text: str) -> Day:
    """A calendar day."""
    return Day(date.fromisoformat(text))


def rule(name: str, *parameters: Parameter, is_: Condition | None = None, **more: Any) -> Rule:
    """A rule."""
    return Rule(type=name, parameters=parameters, condition=is_, **more)


COLUMNS = (
    ('ColumnCorrelation "height" "weight" > 0.8', rule("ColumnCorrelation", "height", "weight", is_=gt(n("0.8")))),
    ('ColumnCorrelation "weightinkgs" "Salary" > 0.8 where "weightinkgs > 40"',
     rule("ColumnCorrelation", "weightinkgs", "Salary", is_=gt(n("0.8")), where="weightinkgs > 40")),
    ('ColumnCorrelation "colA" "colB" between min(last(10)) and max(last(10))',
     rule("ColumnCorrelation", "colA", "colB", is_=Between(of_last("min", 10), of_last("max", 10)))),
    ('ColumnCorrelation "colA" "colB" < avg(last(5)) + std(last(5))',
     rule("ColumnCorrelation", "colA", "colB", is_=lt(plus(of_last("avg", 5), of_last("std", 5))))),
    ('ColumnCorrelation "colA" "colB" < avg(last(10))', rule("ColumnCorrelation", "colA", "colB", is_=lt(of_last("avg", 10)))),
    ('ColumnCorrelation of "price" and "num_items" > 0', rule("ColumnCorrelation", "price", "num_items", is_=gt(n(0)))),
    ("ColumnCount between 10 and 20", rule("ColumnCount", is_=Between(n(10), n(20)))),
    ("ColumnCount >= avg(last(10))", rule("ColumnCount", is_=ge(of_last("avg", 10)))),
    ("ColumnCount between min(last(10))-1 and max(last(10))+1", rule("ColumnCount", is_=around(10))),
    ('ColumnDataType "colA" = "INTEGER"', rule("ColumnDataType", "colA", is_=eq(Text("INTEGER")))),
    ('ColumnDataType "colA" = "INTEGER" with threshold > 0.9',
     rule("ColumnDataType", "colA", is_=eq(Text("INTEGER")), threshold=gt(n("0.9")))),
    ('ColumnDataType "colA" = "Timestamp" with threshold > 0.9',
     rule("ColumnDataType", "colA", is_=eq(Text("Timestamp")), threshold=gt(n("0.9")))),
    ('ColumnExists "Middle_Name"', rule("ColumnExists", "Middle_Name")),
    ('ColumnLength "Postal_Code" = 5', rule("ColumnLength", "Postal_Code", is_=eq(n(5)))),
    ('ColumnLength "weightinkgs" = 2 where "weightinkgs > 10"',
     rule("ColumnLength", "weightinkgs", is_=eq(n(2)), where="weightinkgs > 10")),
    ('ColumnLength "Postal_Code" > 4', rule("ColumnLength", "Postal_Code", is_=gt(n(4)))),
    ('ColumnLength "Postal_Code" < 6', rule("ColumnLength", "Postal_Code", is_=lt(n(6)))),
    ('ColumnLength "colC" > 10 where "colD != Concat(colE, colF)"',
     rule("ColumnLength", "colC", is_=gt(n(10)), where="colD != Concat(colE, colF)")),
    ('ColumnNamesMatchPattern "aws_.*"', rule("ColumnNamesMatchPattern", "aws_.*")),
    ('ColumnNamesMatchPattern "aws_.*" where "weightinkgs > 10"',
     rule("ColumnNamesMatchPattern", "aws_.*", where="weightinkgs > 10")),
    ('ColumnValues "Country" in [ "US", "CA", "UK", NULL, EMPTY, WHITESPACES_ONLY ]',
     rule("ColumnValues", "Country", is_=In((Text("US"), Text("CA"), Text("UK"), NULL, EMPTY, BLANK)))),
    ('ColumnValues "gender" in ["F", "M"] where "weightinkgs < 10"',
     rule("ColumnValues", "gender", is_=one_of("F", "M"), where="weightinkgs < 10")),
    ('ColumnValues "First_Name" matches "[a-zA-Z]*"', rule("ColumnValues", "First_Name", is_=Matches("[a-zA-Z]*"))),
    ('ColumnValues "colA" not matches "[a-zA-Z]*"', rule("ColumnValues", "colA", is_=Matches("[a-zA-Z]*", negated=True))),
    ('ColumnValues "Load_Date" > (now() - 3 days)', rule("ColumnValues", "Load_Date", is_=gt(ago(3, "days")))),
    ('ColumnValues "Customer_ID" between 1 and 2000', rule("ColumnValues", "Customer_ID", is_=Between(n(1), n(2000)))),
    ('ColumnValues "colA" = "2022-06-30"', rule("ColumnValues", "colA", is_=eq(day("2022-06-30")))),
    ('ColumnValues "colA" != "a"', rule("ColumnValues", "colA", is_=ne(Text("a")))),
    ('ColumnValues "colA" != "2022-06-30"', rule("ColumnValues", "colA", is_=ne(day("2022-06-30")))),
    ('ColumnValues "colA" > 10', rule("ColumnValues", "colA", is_=gt(n(10)))),
    ('ColumnValues "colA" < 1000', rule("ColumnValues", "colA", is_=lt(n(1000)))),
    ('ColumnValues "colA" < "2022-06-30"', rule("ColumnValues", "colA", is_=lt(day("2022-06-30")))),
    ('ColumnValues "colA" >= 10', rule("ColumnValues", "colA", is_=ge(n(10)))),
    ('ColumnValues "colA" <= 1000', rule("ColumnValues", "colA", is_=le(n(1000)))),
    ('ColumnValues "colA" between "2022-05-31" and "2022-06-30"',
     rule("ColumnValues", "colA", is_=Between(day("2022-05-31"), day("2022-06-30")))),
    ('ColumnValues "colA" not between "2022-05-31" and "2022-06-30"',
     rule("ColumnValues", "colA", is_=Between(day("2022-05-31"), day("2022-06-30"), negated=True))),
    ('ColumnValues "colA" in [ 1, 2, 3 ]', rule("ColumnValues", "colA", is_=In((n(1), n(2), n(3))))),
    ('ColumnValues "colA" in [ "a", "b", "c" ]', rule("ColumnValues", "colA", is_=one_of("a", "b", "c"))),
    ('ColumnValues "colA" not in [ 1, 2, 3 ]', rule("ColumnValues", "colA", is_=In((n(1), n(2), n(3)), negated=True))),
    ('ColumnValues "colA" not in [ "a", "b", "c" ]', rule("ColumnValues", "colA", is_=one_of("a", "b", "c", negated=True))),
    ('ColumnValues "colA" in ["A", "B"] with threshold > 0.8',
     rule("ColumnValues", "colA", is_=one_of("A", "B"), threshold=gt(n("0.8")))),
    ('ColumnValues "colA" matches "[a-zA-Z]*" with threshold between 0.2 and 0.9',
     rule("ColumnValues", "colA", is_=Matches("[a-zA-Z]*"), threshold=Between(n("0.2"), n("0.9")))),
    ('ColumnValues "colB" in ["A", "B"] where "colC is not null" with threshold > 0.9',
     rule("ColumnValues", "colB", is_=one_of("A", "B"), where="colC is not null", threshold=gt(n("0.9")))),
    ('ColumnValues "colA" != NULL with threshold > 0.5', rule("ColumnValues", "colA", is_=ne(NULL), threshold=gt(n("0.5")))),
    ('ColumnValues "colA" != null', rule("ColumnValues", "colA", is_=ne(NULL))),
    ('ColumnValues "colA" = empty', rule("ColumnValues", "colA", is_=eq(EMPTY))),
    ('ColumnValues "colA" not in ["a", "b", whitespaces_only]',
     rule("ColumnValues", "colA", is_=In((Text("a"), Text("b"), BLANK), negated=True))),
    ('ColumnValues "colA" in [NULL, "2023-01-01"]', rule("ColumnValues", "colA", is_=In((NULL, day("2023-01-01"))))),
    ('ColumnValues "longitude" between -180 and 180', rule("ColumnValues", "longitude", is_=Between(n(-180), n(180)))),
)  # fmt: skip

METRICS = (
    ('Completeness "First_Name" > 0.95', rule("Completeness", "First_Name", is_=gt(n("0.95")))),
    ('Completeness "First_Name" > 0.95 where "weightinkgs > 10"',
     rule("Completeness", "First_Name", is_=gt(n("0.95")), where="weightinkgs > 10")),
    ('Completeness "colA" > 0.5 where "colB = 10"', rule("Completeness", "colA", is_=gt(n("0.5")), where="colB = 10")),
    ('Completeness "colA" between min(last(5)) - 1 and max(last(5)) + 1', rule("Completeness", "colA", is_=around(5))),
    ('Completeness "colA" <= avg(last(10))', rule("Completeness", "colA", is_=le(of_last("avg", 10)))),
    ('Completeness "colA" between 0.4 and 0.8', rule("Completeness", "colA", is_=Between(n("0.4"), n("0.8")))),
    ('DistinctValuesCount "State" > 3', rule("DistinctValuesCount", "State", is_=gt(n(3)))),
    ('DistinctValuesCount "Customer_ID" < 6  where "Customer_ID < 10"',
     rule("DistinctValuesCount", "Customer_ID", is_=lt(n(6)), where="Customer_ID < 10")),
    ('DistinctValuesCount "colA" between avg(last(10))-1 and avg(last(10))+1',
     rule("DistinctValuesCount", "colA", is_=Between(minus(of_last("avg", 10), n(1)), plus(of_last("avg", 10), n(1))))),
    ('DistinctValuesCount "colA" <= index(last(10),2) + std(last(5))',
     rule("DistinctValuesCount", "colA", is_=le(plus(Call("index", (last(10), n(2))), of_last("std", 5))))),
    ('DistinctValuesCount "colA" between min(last(10))-1 and max(last(10))+1', rule("DistinctValuesCount", "colA", is_=around(10))),
    ('Entropy "Star_Rating" > 1', rule("Entropy", "Star_Rating", is_=gt(n(1)))),
    ('Entropy "First_Name" > 1  where "Customer_ID < 10"', rule("Entropy", "First_Name", is_=gt(n(1)), where="Customer_ID < 10")),
    ('Entropy "colA" < max(last(10))', rule("Entropy", "colA", is_=lt(of_last("max", 10)))),
    ('Entropy "colA" between min(last(10)) and max(last(10))',
     rule("Entropy", "colA", is_=Between(of_last("min", 10), of_last("max", 10)))),
    ('IsComplete "email"', rule("IsComplete", "email")),
    ('IsComplete "email" where "Customer_ID between 1 and 50"', rule("IsComplete", "email", where="Customer_ID between 1 and 50")),
    ('IsPrimaryKey "Customer_ID"', rule("IsPrimaryKey", "Customer_ID")),
    ('IsPrimaryKey "Customer_ID" where "Customer_ID < 10"', rule("IsPrimaryKey", "Customer_ID", where="Customer_ID < 10")),
    ('IsPrimaryKey "colA" "colB"', rule("IsPrimaryKey", "colA", "colB")),
    ('IsPrimaryKey "colA" "colB" "colC"', rule("IsPrimaryKey", "colA", "colB", "colC")),
    ('IsPrimaryKey colA "colB" "colC"', rule("IsPrimaryKey", Name("colA"), "colB", "colC")),
    ('IsUnique "email"', rule("IsUnique", "email")),
    ('IsUnique "Customer_ID" where "Customer_ID < 10"', rule("IsUnique", "Customer_ID", where="Customer_ID < 10")),
    ('IsUnique "vendorid" "tpep_pickup_datetime"', rule("IsUnique", "vendorid", "tpep_pickup_datetime")),
    ('Mean "Star_Rating" > 3', rule("Mean", "Star_Rating", is_=gt(n(3)))),
    ('Mean "Salary" < 6200 where "Customer_ID < 10"', rule("Mean", "Salary", is_=lt(n(6200)), where="Customer_ID < 10")),
    ('Mean "colA" between 80 and 100', rule("Mean", "colA", is_=Between(n(80), n(100)))),
    ('Mean "colA" > avg(last(10)) + std(last(2))', rule("Mean", "colA", is_=gt(plus(of_last("avg", 10), of_last("std", 2))))),
    ("RowCount between 10 and 100", rule("RowCount", is_=Between(n(10), n(100)))),
    ('RowCount between 1 and 50 where "Customer_ID < 10"', rule("RowCount", is_=Between(n(1), n(50)), where="Customer_ID < 10")),
    ("RowCount > avg(last(10)) * 0.8", rule("RowCount", is_=gt(Arithmetic(of_last("avg", 10), "*", n("0.8"))))),
    ("RowCount > last()", rule("RowCount", is_=gt(last()))),
    ("RowCount > avg(last(5))", rule("RowCount", is_=gt(of_last("avg", 5)))),
    ("RowCount > median(last(3)) / 2", rule("RowCount", is_=gt(Arithmetic(of_last("median", 3), "/", n(2))))),
    ("RowCount > sum(last(3)) - abs(last())", rule("RowCount", is_=gt(minus(of_last("sum", 3), Call("abs", (last(),)))))),
    ('StandardDeviation "Star_Rating" < 1.5', rule("StandardDeviation", "Star_Rating", is_=lt(n("1.5")))),
    ('StandardDeviation "Salary" < 3500 where "Customer_ID < 10"',
     rule("StandardDeviation", "Salary", is_=lt(n(3500)), where="Customer_ID < 10")),
    ('StandardDeviation "colA" > avg(last(10)) + 0.1',
     rule("StandardDeviation", "colA", is_=gt(plus(of_last("avg", 10), n("0.1"))))),
    ('StandardDeviation "colA" between min(last(10)) - 1 and max(last(10)) + 1', rule("StandardDeviation", "colA", is_=around(10))),
    ('Sum "transaction_total" > 500000', rule("Sum", "transaction_total", is_=gt(n(500000)))),
    ('Sum "Salary" < 55600 where "Customer_ID < 10"', rule("Sum", "Salary", is_=lt(n(55600)), where="Customer_ID < 10")),
    ('Sum "ColA" > avg(last(10))', rule("Sum", "ColA", is_=gt(of_last("avg", 10)))),
    ('Sum "colA" between min(last(10)) - 1 and max(last(10)) + 1', rule("Sum", "colA", is_=around(10))),
    ('Uniqueness "email" = 1.0', rule("Uniqueness", "email", is_=eq(n("1.0")))),
    ('Uniqueness "Customer_ID" != 1.0 where "Customer_ID < 10"',
     rule("Uniqueness", "Customer_ID", is_=ne(n("1.0")), where="Customer_ID < 10")),
    ('Uniqueness "vendorid" "tpep_pickup_datetime" = 1', rule("Uniqueness", "vendorid", "tpep_pickup_datetime", is_=eq(n(1)))),
    ('Uniqueness "colA" between min(last(10)) and max(last(10))',
     rule("Uniqueness", "colA", is_=Between(of_last("min", 10), of_last("max", 10)))),
    ('Uniqueness "colA" >= avg(last(10))', rule("Uniqueness", "colA", is_=ge(of_last("avg", 10)))),
    ('UniqueValueRatio "test_score" between 0 and 0.5', rule("UniqueValueRatio", "test_score", is_=Between(n(0), n("0.5")))),
    ('UniqueValueRatio "Customer_ID" between 0 and 0.9 where "Customer_ID < 10"',
     rule("UniqueValueRatio", "Customer_ID", is_=Between(n(0), n("0.9")), where="Customer_ID < 10")),
    ('UniqueValueRatio "colA" > avg(last(10))', rule("UniqueValueRatio", "colA", is_=gt(of_last("avg", 10)))),
    ('UniqueValueRatio "colA" <= index(last(10),2) + std(last(5))',
     rule("UniqueValueRatio", "colA", is_=le(plus(Call("index", (last(10), n(2))), of_last("std", 5))))),
)  # fmt: skip

DATASETS = (
    ('AggregateMatch "sum(amount)" "sum(total_amount)" = 1.0',
     rule("AggregateMatch", "sum(amount)", "sum(total_amount)", is_=eq(n("1.0")))),
    ('AggregateMatch "avg(ratings)" "avg(reference.ratings)" >= 0.9',
     rule("AggregateMatch", "avg(ratings)", "avg(reference.ratings)", is_=ge(n("0.9")))),
    ('AggregateMatch "avg(ratings)" "avg(database_name.tablename.ratings)" >= 0.9',
     rule("AggregateMatch", "avg(ratings)", "avg(database_name.tablename.ratings)", is_=ge(n("0.9")))),
    ('CustomSql "select count(*) from primary" between 10 and 20',
     rule("CustomSql", "select count(*) from primary", is_=Between(n(10), n(20)))),
    ('CustomSql "select count(*) from primary" > avg(last(3))', rule("CustomSql", "select count(*) from primary", is_=gt(of_last("avg", 3)))),
    ('CustomSql "select id from primary where age < 100"', rule("CustomSql", "select id from primary where age < 100")),
    ('CustomSQL "select ID, CustomerID from primary where age > 10" with threshold > 0.5',
     rule("CustomSQL", "select ID, CustomerID from primary where age > 10", threshold=gt(n("0.5")))),
    ('DataFreshness "Order_Date" <= 24 hours', rule("DataFreshness", "Order_Date", is_=le(Duration(24, "hours")))),
    ('DataFreshness "Order_Date" between 2 days and 5 days',
     rule("DataFreshness", "Order_Date", is_=Between(Duration(2, "days"), Duration(5, "days")))),
    ('DataFreshness "Order_Date" < 90 minutes', rule("DataFreshness", "Order_Date", is_=lt(Duration(90, "minutes")))),
    ('DatasetMatch "reference" "ID" >= 0.9', rule("DatasetMatch", "reference", "ID", is_=ge(n("0.9")))),
    ('DatasetMatch "reference" "ID_1->ID_ref1,ID_ref2->ID_ref2" >= 0.9',
     rule("DatasetMatch", "reference", "ID_1->ID_ref1,ID_ref2->ID_ref2", is_=ge(n("0.9")))),
    ('DatasetMatch "reference" "ID_1->ID_ref1,ID_2->ID_ref2" "Amount1->Amount2" >= 0.9',
     rule("DatasetMatch", "reference", "ID_1->ID_ref1,ID_2->ID_ref2", "Amount1->Amount2", is_=ge(n("0.9")))),
    ('DetectAnomalies "RowCount"', rule("DetectAnomalies", "RowCount")),
    ('DetectAnomalies "ColumnLength" "id"', rule("DetectAnomalies", "ColumnLength", "id")),
    ('ReferentialIntegrity "zipcode" "reference.zipcode" >= 0.9',
     rule("ReferentialIntegrity", "zipcode", "reference.zipcode", is_=ge(n("0.9")))),
    ('ReferentialIntegrity "city,state" "reference.{ref_city,ref_state}" = 1.0',
     rule("ReferentialIntegrity", "city,state", "reference.{ref_city,ref_state}", is_=eq(n("1.0")))),
    ('ReferentialIntegrity "city,state" "reference.{ref_city,ref_state}" > avg(last(10))',
     rule("ReferentialIntegrity", "city,state", "reference.{ref_city,ref_state}", is_=gt(of_last("avg", 10)))),
    ('ReferentialIntegrity "city,state" "reference.{ref_city,ref_state}" between min(last(10)) - 1 and max(last(10)) + 1',
     rule("ReferentialIntegrity", "city,state", "reference.{ref_city,ref_state}", is_=around(10))),
    ('RowCountMatch "reference" >= 0.9', rule("RowCountMatch", "reference", is_=ge(n("0.9")))),
    ('SchemaMatch "reference" = 1.0', rule("SchemaMatch", "reference", is_=eq(n("1.0")))),
)  # fmt: skip


def fresh(is_: Condition, **more: Any) -> Rule:
    """Freshness of the folder of tickets."""
    return rule("FileFreshness", TICKETS, is_=is_, **more)


FILES = (
    (f'FileFreshness "{TICKETS}tickets.parquet" > (now() - 24 hours)',
     rule("FileFreshness", f"{TICKETS}tickets.parquet", is_=gt(ago(24, "hours")))),
    ('FileFreshness "s3://bucket/" >= (now() -1 days)', rule("FileFreshness", "s3://bucket/", is_=ge(ago(1, "days")))),
    (f'FileFreshness "{TICKETS}" > (now() - 10 days) with threshold > 0.1', fresh(gt(ago(10, "days")), threshold=gt(n("0.1")))),
    (f'FileFreshness "{TICKETS}" > "2020-01-01"', fresh(gt(day("2020-01-01")))),
    (f'FileFreshness "{TICKETS}" between "2023-01-01" and "2024-01-01"', fresh(Between(day("2023-01-01"), day("2024-01-01")))),
    (f'FileFreshness "{TICKETS}" between (now() - 45 minutes) and now()', fresh(Between(ago(45, "minutes"), Now()))),
    (f'FileFreshness "{TICKETS}" between "9:30 AM" and "9:30 PM"', fresh(Between(Text("9:30 AM"), Text("9:30 PM")))),
    (f'FileFreshness "{TICKETS}" > now()', fresh(gt(Now()))),
    (f'FileFreshness "{TICKETS}" between (now() - 2 hours) and (now() + 15 minutes)',
     fresh(Between(ago(2, "hours"), Now(Duration(15, "minutes"))))),
    (f'FileFreshness "{TICKETS}" between "2001-02-07" and (now() + 15 minutes)',
     fresh(Between(day("2001-02-07"), Now(Duration(15, "minutes"))))),
    (f'FileFreshness "{TICKETS}" > "21:45"', fresh(gt(Text("21:45")))),
    (f'FileFreshness "{TICKETS}" between "02:30" and "04:30"', fresh(Between(Text("02:30"), Text("04:30")))),
    (f'FileFreshness "{TICKETS}" between "9:30 AM" and "22:15"', fresh(Between(Text("9:30 AM"), Text("22:15")))),
    (f'FileFreshness "{TICKETS}" between (now() - 100 minutes) and (now() + 10 minutes) with recentFiles = 1',
     fresh(Between(ago(100, "minutes"), Now(Duration(10, "minutes"))), options=(("recentFiles", n(1)),))),
    (f'FileFreshness "{TICKETS}" > (now() - 24 hours) with uriRegex = "\\.csv$"',
     fresh(gt(ago(24, "hours")), options=(("uriRegex", Text(r"\.csv$")),))),
    (f'FileFreshness "{TICKETS}" > (now() - 24 hours) with uriRegex = "(?!.*\\.tmp$).*"',
     fresh(gt(ago(24, "hours")), options=(("uriRegex", Text(r"(?!.*\.tmp$).*")),))),
    (f'FileFreshness "{TICKETS}" > now() with recentFiles = 1 with uriRegex = "inventory_" with filterOrder = ["uriRegex","recentFiles"]',
     fresh(gt(Now()), options=(("recentFiles", n(1)), ("uriRegex", Text("inventory_")), ("filterOrder", ("uriRegex", "recentFiles"))))),
    (f'FileFreshness "{TICKETS}" > now() with failFast = "true"', fresh(gt(Now()), options=(("failFast", Text("true")),))),
    (f'FileFreshness "{TICKETS}" > "21:45" with timeZone = "America/New_York"',
     fresh(gt(Text("21:45")), options=(("timeZone", Text("America/New_York")),))),
    ("FileFreshness > (now() - 24 hours)", rule("FileFreshness", is_=gt(ago(24, "hours")))),
    (f'FileMatch "s3://b/file.json" in ["{CHECKSUM}"] with hashAlgorithm = "MD5"',
     rule("FileMatch", "s3://b/file.json", is_=one_of(CHECKSUM), options=(("hashAlgorithm", Text("MD5")),))),
    (f'FileMatch "s3://b/file.json" in ["{CHECKSUM}", "7e"]', rule("FileMatch", "s3://b/file.json", is_=one_of(CHECKSUM, "7e"))),
    ('FileMatch "s3://original_bucket/" "s3://archive_bucket/"', rule("FileMatch", "s3://original_bucket/", "s3://archive_bucket/")),
    ('FileMatch "s3://a/" "s3://b/" with recentFiles = 5 with uriRegex = "\\.csv$" with filterOrder = ["uriRegex","recentFiles"]',
     rule("FileMatch", "s3://a/", "s3://b/", options=(
         ("recentFiles", n(5)), ("uriRegex", Text(r"\.csv$")), ("filterOrder", ("uriRegex", "recentFiles"))))),
    (f'FileMatch in ["{CHECKSUM}"] with hashAlgorithm = "SHA-256"',
     rule("FileMatch", is_=one_of(CHECKSUM), options=(("hashAlgorithm", Text("SHA-256")),))),
    (f'FileMatch "s3://b/f" in ["{CHECKSUM}"] with matchFileName = "true"',
     rule("FileMatch", "s3://b/f", is_=one_of(CHECKSUM), options=(("matchFileName", Text("true")),))),
    ('FileSize "s3://amzn-s3-demo-bucket/file.dat" > 2 MB', rule("FileSize", "s3://amzn-s3-demo-bucket/file.dat", is_=gt(Size(2, "MB")))),
    ('FileSize "s3://bucket/" > 5 B', rule("FileSize", "s3://bucket/", is_=gt(Size(5, "B")))),
    ('FileSize "s3://bucket/" < 2 GB', rule("FileSize", "s3://bucket/", is_=lt(Size(2, "GB")))),
    ('FileSize "s3://b/" between 2 GB and 1 TB with threshold > 0.7',
     rule("FileSize", "s3://b/", is_=Between(Size(2, "GB"), Size(1, "TB")), threshold=gt(n("0.7")))),
    ("FileSize < 10 MB with threshold > 0.7", rule("FileSize", is_=lt(Size(10, "MB")), threshold=gt(n("0.7")))),
    ('FileSize "s3://b/" in [1 KB, 2 KB]', rule("FileSize", "s3://b/", is_=In((Size(1, "KB"), Size(2, "KB"))))),
    ('FileUniqueness "s3://bucket/" > 0.5', rule("FileUniqueness", "s3://bucket/", is_=gt(n("0.5")))),
    ('FileUniqueness "s3://bucket/folder/" = 1', rule("FileUniqueness", "s3://bucket/folder/", is_=eq(n(1)))),
    ("FileUniqueness > 0.5", rule("FileUniqueness", is_=gt(n("0.5")))),
    ('FileUniqueness "s3://b/" > 0.5 with matchFileName = "true"',
     rule("FileUniqueness", "s3://b/", is_=gt(n("0.5")), options=(("matchFileName", Text("true")),))),
)  # fmt: skip

A, B, C = rule("IsComplete", "a"), rule("IsUnique", "b"), rule("RowCount", is_=gt(n(0)))
COMPOSITES = (
    ('(IsComplete "a") and (IsUnique "b")', Composite("and", (A, B))),
    ('(IsComplete "a") or (IsUnique "b")', Composite("or", (A, B))),
    ('(IsComplete "a") AND (IsUnique "b") AND (RowCount > 0)', Composite("and", (A, B, C))),
    ('(IsComplete "a") and ((IsUnique "b") OR (RowCount > 0))', Composite("and", (A, Composite("or", (B, C))))),
    ('(RowCount > 0) or ((IsComplete "a") and (IsUnique "b"))', Composite("or", (C, Composite("and", (A, B))))),
    ('(IsComplete "a") and (IsUnique "b") or (RowCount > 0)', Composite("or", (Composite("and", (A, B)), C))),
    ('((IsComplete "a") and (IsUnique "b")) and (RowCount > 0)', Composite("and", (Composite("and", (A, B)), C))),
    ('(IsComplete "a")', A),
    ('((IsComplete "a"))', A),
    ('(ColumnValues "colA" = NULL) or (ColumnLength "colA" > 5)',
     Composite("or", (rule("ColumnValues", "colA", is_=eq(NULL)), rule("ColumnLength", "colA", is_=gt(n(5)))))),
    ('(ColumnValues "colA" = NULL) or (ColumnValues "colA" between 1 and 9)',
     Composite("or", (rule("ColumnValues", "colA", is_=eq(NULL)), rule("ColumnValues", "colA", is_=Between(n(1), n(9)))))),
    ('(ColumnLength "Postal_Code" > 4) AND (ColumnValues "Postal_Code" != NULL)',
     Composite("and", (rule("ColumnLength", "Postal_Code", is_=gt(n(4))), rule("ColumnValues", "Postal_Code", is_=ne(NULL))))),
    ('(DataFreshness "Order_Date" <= 24 hours) OR (ColumnValues "Order_Date" = NULL)',
     Composite("or", (rule("DataFreshness", "Order_Date", is_=le(Duration(24, "hours"))), rule("ColumnValues", "Order_Date", is_=eq(NULL))))),
)  # fmt: skip

WRITTEN = (
    ('IsComplete "a \\"b\\" \\\\ c"', rule("IsComplete", 'a "b" \\ c')),
    ('ColumnValues "d" matches "\\\\d{4}-\\d{2}"', rule("ColumnValues", "d", is_=Matches(r"\d{4}-\d{2}"))),
    ('IsComplete "a # b"  # not "c"', rule("IsComplete", "a # b")),
    ('CustomSql "select 1\nfrom primary" = 1', rule("CustomSql", "select 1\nfrom primary", is_=eq(n(1)))),
    ('IsComplete "größe 名"', rule("IsComplete", "größe 名")),
    ("Completeness of email>=0.0", rule("Completeness", Name("email"), is_=ge(n("0.0")))),
    ("Mean a.b.c between -0.5 AND 99999999999999999999.000001",
     rule("Mean", Name("a.b.c"), is_=Between(n("-0.5"), n("99999999999999999999.000001")))),
    ("IsComplete inner", rule("IsComplete", Name("inner"))),
    ('IsComplete "in"', rule("IsComplete", "in")),
    ("IsUnique days", rule("IsUnique", Name("days"))),
    ("RowCount > 2 * (3 + 4) - -1", rule("RowCount", is_=gt(minus(Arithmetic(n(2), "*", plus(n(3), n(4))), n(-1))))),
    ("RowCount > 9 - 3 - 2", rule("RowCount", is_=gt(minus(minus(n(9), n(3)), n(2))))),
    ("RowCount > 9 - (3 - 2)", rule("RowCount", is_=gt(minus(n(9), minus(n(3), n(2)))))),
    ("RowCount between (0.9 * avg(last(10))) and 1.1 * avg(last(10))",
     rule("RowCount", is_=Between(Arithmetic(n("0.9"), "*", of_last("avg", 10)), Arithmetic(n("1.1"), "*", of_last("avg", 10))))),
    ('ColumnValues "a" not in $listed', rule("ColumnValues", "a", is_=In(Constant("listed"), negated=True))),
    ('ColumnValues "a" in [$one, "x"]', rule("ColumnValues", "a", is_=In((Constant("one"), Text("x"))))),
    ("CustomSql $query > 0", rule("CustomSql", Constant("query"), is_=gt(n(0)))),
    ('ColumnValues "a" = "2023-02-29"', rule("ColumnValues", "a", is_=eq(Text("2023-02-29")))),
    ('ColumnValues "a" > 21 labels=["frequency"="daily", "team"=""]',
     rule("ColumnValues", "a", is_=gt(n(21)), labels=(("frequency", "daily"), ("team", "")))),
    ('ColumnValues "a" > 21 with threshold > 0.8 labels = ["foo"="bar"]',
     rule("ColumnValues", "a", is_=gt(n(21)), threshold=gt(n("0.8")), labels=(("foo", "bar"),))),
    ('ColumnValues "a" > 21 labels=["foo"="bar"] with threshold = 1',
     rule("ColumnValues", "a", is_=gt(n(21)), threshold=eq(n(1)), labels=(("foo", "bar"),))),
    ('NotYetKnown "x" != 4', rule("NotYetKnown", "x", is_=ne(n(4)))),
)  # fmt: skip

DOCUMENTED = (*COLUMNS, *METRICS, *DATASETS, *FILES, *COMPOSITES)
"""What `check_ruleset` finds nothing wrong with."""

RULES = (*DOCUMENTED, *WRITTEN)

ANALYZERS = (
    ('DistinctValuesCount "Name"', Analyzer(type="DistinctValuesCount", parameters=("Name",))),
    ('ColumnLength "Name"', Analyzer(type="ColumnLength", parameters=("Name",))),
    ("RowCount", Analyzer(type="RowCount")),
    ('ColumnCorrelation "a" "b"', Analyzer(type="ColumnCorrelation", parameters=("a", "b"))),
    ("Completeness of AllColumns", Analyzer(type="Completeness", parameters=(Name("AllColumns"),))),
    ('AllStatistics "Name"', Analyzer(type="AllStatistics", parameters=("Name",))),
    ('CustomSql "select avg(a) from primary"', Analyzer(type="CustomSql", parameters=("select avg(a) from primary",))),
    ('Distribution "Salary"', Analyzer(type="Distribution", parameters=("Salary",))),
    ("Distribution AllColumns", Analyzer(type="Distribution", parameters=(Name("AllColumns"),))),
    ('Distribution "Age" with bins = 10', Analyzer(type="Distribution", parameters=("Age",), options=(("bins", n(10)),))),
    ('Distribution "Salary" with bins = 20, rebin = false',
     Analyzer(type="Distribution", parameters=("Salary",), options=(("bins", n(20)), ("rebin", Name("false"))))),
)  # fmt: skip

CLICKS = 'Rules = [ColumnExists "user_id", IsComplete "event_timestamp", ColumnValues "event_type" in ["click", "view", "purchase"]]'
CUSTOMERS = r"""Rules = [
        Completeness "email" >= 0.99, Completeness "customer_id" = 1.0, Uniqueness "customer_id" = 1.0,
        ColumnValues "country_code" in ["US", "CA", "UK", "DE", "FR"], ColumnLength "phone" between 10 and 15,
        ColumnValues "created_date" matches "\\d{4}-\\d{2}-\\d{2}",
        CustomSql "SELECT COUNT(*) FROM primary_table t1 LEFT JOIN reference_table t2 ON t1.ref_id = t2.id WHERE t2.id IS NULL" = 0,
        RowCount > 0, DataFreshness "updated_at" <= 24 hours]"""
"""The two rulesets that the library was asked for, as they were written."""
