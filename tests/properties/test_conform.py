"""`conform` accounts for every cell of any frame under any schema: kept, cast exactly, rescued or quarantined."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from fitting_oracle import TEXTS, Written, fitted, same_float, shown, single, taken_from
from pyspark.sql import Row, SparkSession
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from spark_settings import COMPILED, INTERPRETED, settings

from lakehouse.transforms import conform, split_quarantined

ROWS = 8
FRAMES = {1: (40, COMPILED), 2: (120, INTERPRETED), 3: (120, INTERPRETED), 4: (120, INTERPRETED)}
"""By seed: 400 pairs in all, most of them without code generation, which takes longer here than the rows do."""
NAMES = ("a", "b", "A", "x.y", "tick`s", "it's")
WHOLE = (-1, 0, 1, 2, 127)
MOMENTS = (datetime(2026, 11, 24), datetime(1969, 12, 31, 23, 59, 59, 1), datetime(1500, 3, 1))  # noqa: DTZ001 - in UTC
FLOATS = (0.0, -2.0, 1.5, 10.22, 1e-10, 16777216.0, math.nan, math.inf)
VALUES: dict[DataType, Sequence[Any]] = {
    ByteType(): WHOLE,
    ShortType(): (*WHOLE, 300),
    IntegerType(): (*WHOLE, 16777217, -(2**31)),
    LongType(): (*WHOLE, 2**53, 2**53 + 1, 2**63 - 1),
    FloatType(): [single(value) for value in (*FLOATS, 3.4e38)],
    DoubleType(): (*FLOATS, 0.1 + 0.2, 2.0**31, 2.0**63, -(2.0**63), 1e300, 16777217.0),
    DecimalType(5, 2): [Decimal(text) for text in ("0.00", "1.50", "-999.99", "7.00")],
    DecimalType(12, 4): [Decimal(text) for text in ("0.0000", "10.2200", "10.2201", "99999999.9999", "2.0000")],
    DecimalType(38, 0): [Decimal(text) for text in ("0", "1", "9" * 38, "9007199254740993")],
    DecimalType(38, 18): [Decimal(text) for text in ("0E-18", "1E-18", "5.000000000000000000", "0.100000000000000000")],
    StringType(): (*TEXTS, *list(TEXTS)[:18]),
    BooleanType(): (True, False),
    BinaryType(): (b"", "é€😀".encode(), b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"7"),
    DateType(): (date(2026, 11, 24), date(1500, 3, 1), date(9998, 12, 31)),
    TimestampType(): MOMENTS,
    TimestampNTZType(): MOMENTS,
}


def random_type(rng: random.Random, depth: int = 0) -> DataType:
    """An atomic type, or one of a few fields, elements or entries."""
    kind = rng.random()
    if depth < 3 and kind < 0.12:
        return random_struct(rng, depth + 1)
    if depth < 3 and kind < 0.24:
        return ArrayType(random_type(rng, depth + 1), containsNull=rng.random() < 0.8)
    if depth < 3 and kind < 0.32:
        key = rng.choice([StringType(), IntegerType()])
        return MapType(key, random_type(rng, depth + 1), valueContainsNull=rng.random() < 0.8)
    return rng.choice([*VALUES, StringType(), StringType()])


def random_struct(rng: random.Random, depth: int = 0) -> StructType:
    """One to four fields, with names that may differ in letter case alone."""
    names = rng.sample(NAMES, rng.randint(1, 4))
    return StructType([StructField(name, random_type(rng, depth), rng.random() < 0.8) for name in names])


def changed(rng: random.Random, data_type: DataType, depth: int = 0) -> DataType:
    """A type that has something to do with the other: fields come, go and are spelt otherwise, leaves change."""
    if rng.random() < 0.1:
        return random_type(rng, depth)
    match data_type:
        case StructType():
            fields = [
                StructField(field.name, changed(rng, field.dataType, depth + 1), rng.random() < 0.8)
                for field in data_type
                if rng.random() < 0.85
            ]
            have = [field.name for field in fields]
            others = [field for field in random_struct(rng, depth + 1) if field.name not in have]
            fields = [*fields, *others[: rng.choice([0, 0, 1])]]
            rng.shuffle(fields)
            return StructType(fields) if fields else data_type
        case ArrayType():
            return ArrayType(changed(rng, data_type.elementType, depth + 1), rng.random() < 0.8)
        case MapType():
            key = rng.choice([StringType(), IntegerType()])
            return MapType(key, changed(rng, data_type.valueType, depth + 1), rng.random() < 0.8)
        case _:
            return data_type if rng.random() < 0.2 else rng.choice([*VALUES])


def random_value(rng: random.Random, data_type: DataType, *, nullable: bool = True) -> Any:
    """A value of the type, null one time in ten where it may be."""
    if nullable and rng.random() < 0.1:
        return None
    match data_type:
        case StructType():
            return tuple(random_value(rng, field.dataType, nullable=field.nullable) for field in data_type)
        case ArrayType():
            nulls = data_type.containsNull
            return [random_value(rng, data_type.elementType, nullable=nulls) for _ in range(rng.randint(0, 3))]
        case MapType():
            keys = ["1", "01", "k", "2"] if isinstance(data_type.keyType, StringType) else [1, 2, 3]
            return {
                key: random_value(rng, data_type.valueType, nullable=data_type.valueContainsNull)
                for key in rng.sample(keys, rng.randint(0, 2))
            }
        case _:
            return rng.choice(VALUES[data_type])


def random_pairs(rng: random.Random, number: int) -> tuple[StructType, StructType]:
    """Many schemas side by side, each with the one that its rows have to conform to, in columns of their own."""
    source: list[StructField] = []
    target: list[StructField] = []
    for pair in range(number):
        first = random_struct(rng)
        second = changed(rng, first)
        while not isinstance(second, StructType):
            second = changed(rng, first)
        for schema, into in ((first, source), (second, target)):
            into += [StructField(f"{pair}:{field.name}", field.dataType, field.nullable) for field in schema]
    return StructType(source), StructType(target)


def plain(value: Any) -> Any:
    """A collected value with tuples for rows and bytes for byte arrays."""
    match value:
        case Row():
            return tuple(map(plain, value))
        case list():
            return [plain(one) for one in value]
        case dict():
            return {plain(key): plain(one) for key, one in value.items()}
        case bytearray():
            return bytes(value)
        case _:
            return value


def same(wanted: Any, found: Any) -> bool:
    """Whether a value, or its JSON, is the one that was wanted."""
    match wanted:
        case Written():
            return isinstance(found, str) and wanted.is_said_by(found)
        case dict():
            both = isinstance(found, dict) and wanted.keys() == found.keys()
            return both and all(same(one, found[key]) for key, one in wanted.items())
        case tuple() | list():
            return isinstance(found, type(wanted)) and len(wanted) == len(found) and all(map(same, wanted, found))
        case bool() | None | str():
            return type(wanted) is type(found) and wanted == found
        case float():
            numbers = isinstance(found, (float, int, Decimal)) and not isinstance(found, bool)
            return numbers and (same_float(wanted, float(found)) or wanted == single(float(found)))
        case _:
            return not isinstance(found, bool) and bool(wanted == found)


def without_nullability(data_type: DataType) -> str:
    """A type as text in which nothing is said of nulls."""
    return data_type.simpleString()


@pytest.mark.parametrize("seed", FRAMES)
def test_every_cell_is_accounted_for(spark: SparkSession, seed: int) -> None:
    """Each value of 400 random schema pairs is in its column, exactly, or in `_rescued`; what a required column lacks is a reason."""
    rng = random.Random(seed)  # noqa: S311 - test data
    pairs, mode = FRAMES[seed]
    source, target = random_pairs(rng, pairs)
    keep_extra = seed % 2 == 0
    rows = [tuple(random_value(rng, f.dataType, nullable=f.nullable) for f in source) for _ in range(ROWS)]
    frame = spark.createDataFrame(rows, source).coalesce(1)
    with settings(spark, mode):
        result = conform(frame, target, extra="rescue" if keep_extra else "drop")
        found = result.collect()
    assert [without_nullability(field.dataType) for field in result.schema][:-3] == [
        without_nullability(field.dataType) for field in target
    ]
    taken = taken_from(source.names, target.names)
    assert len(found) == len(rows)
    for row, told in zip(rows, found, strict=True):
        have = dict(zip(source.names, row, strict=True))
        rest: dict[str, Any] = {}
        faults = []
        for place, field in enumerate(target):
            name = taken.get(field.name)
            value = None if name is None else have[name]
            kind = field.dataType if name is None else source[name].dataType
            wanted, left = fitted(value, kind, field.dataType, keep_extra=keep_extra)
            assert same(wanted, plain(told[place])), (field, kind, value, told[place])
            rest |= {} if left is None or name is None else {name: left}
            if not field.nullable and wanted is None:
                kind_text = field.dataType.simpleString()
                faults.append(f"no value for {field.name}" if value is None else f"{field.name} is no {kind_text}")
        extra = [name for name in source.names if name not in taken.values() and have[name] is not None]
        rest |= {name: shown(have[name], source[name].dataType) for name in extra if keep_extra}
        rescued = json.loads(told["_rescued"] or "{}", parse_float=Decimal)
        assert rescued.keys() == rest.keys()
        for name, left in rest.items():
            assert same(left, rescued[name]), (source[name], left, rescued[name])
        assert told["_detail"] == ("; ".join(faults) or None)
        bad = any(" is no " in fault for fault in faults)
        assert told["_reason"] == ("bad_value" if bad else "missing_value" if faults else None)


def test_a_split_keeps_every_row(spark: SparkSession) -> None:
    """Each row is either valid or quarantined, and with `rescued="quarantine"` what was rescued makes the difference."""
    schema = StructType([StructField("id", IntegerType(), nullable=False), StructField("n", IntegerType())])
    rows = [("1", "1"), ("2", "x"), ("y", "3"), (None, "4")]
    conformed = conform(spark.createDataFrame(rows, "id string, n string"), schema)
    split, strict = split_quarantined(conformed), split_quarantined(conformed, rescued="quarantine")
    assert sorted(map(tuple, split.valid.collect())) == [(1, 1, None), (2, None, '{"n":"x"}')]
    assert sorted((r["_reason"], r["_detail"], r.n) for r in split.quarantined.collect()) == [
        ("bad_value", "id is no int", 3),
        ("missing_value", "no value for id", 4),
    ]
    assert [row.id for row in strict.valid.collect()] == [1]
    assert sorted(row["_reason"] for row in strict.quarantined.collect()) == ["bad_value", "bad_value", "missing_value"]
