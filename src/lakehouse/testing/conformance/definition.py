"""A table is made, laid out, described and evolved alike in every format."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from lakehouse.errors import IncompatibleSchemaError, MissingColumnsError
from lakehouse.tables import Merge, Table, last_sequence, open_table
from lakehouse.tables.alignment import plain_schema
from lakehouse.testing.conformance.fixtures import (
    JOB,
    PEOPLE,
    UPSERT,
    TableFixtures,
    marker,
    rows_of,
)


class Definition(TableFixtures):
    """A table is made, laid out, described and evolved alike in every format."""

    def test_a_table_exists_once_it_is_created(self, table: Table) -> None:
        """A table that was never made is not there; once made it is, empty and nullable, and cannot be made again."""
        assert not table.exists()
        table.create(StructType([StructField("id", LongType(), nullable=False)]))
        assert table.exists()
        assert table.schema() == StructType([StructField("id", LongType(), nullable=True)])
        assert rows_of(table.read()) == []
        with pytest.raises(IncompatibleSchemaError, match="exists already"):
            table.create(PEOPLE)

    def test_a_thread_that_spark_never_saw_may_come_first(self, table: Table, spark: SparkSession) -> None:
        """The settings that count are those of the table's session, also where nothing was done with it yet."""
        session = spark.newSession()
        mine = open_table(session, table.ref)

        def work() -> list[Any]:
            there = mine.exists()
            mine.create(PEOPLE)
            mine.append(session.createDataFrame([(1, "a")], PEOPLE))
            mine.merge(session.createDataFrame([(1, "b")], PEOPLE), UPSERT, commit=marker(1))
            return [there, mine.exists(), last_sequence(mine, JOB), rows_of(mine.read())]

        with ThreadPoolExecutor(max_workers=1) as pool:
            assert pool.submit(work).result() == [False, True, 1, [(1, "b")]]

    def test_a_sibling_is_a_table_of_its_own(self, people: Table, frame: Callable[..., DataFrame]) -> None:
        """A sibling lies beside the table, in the same format, and shares no rows with it."""
        sibling = people.sibling("__tombstones")
        assert not sibling.exists()
        sibling.create(PEOPLE)
        sibling.append(frame([(1, "gone")]))
        assert sibling.ref.format == people.ref.format
        assert sibling.ref.identifier.rstrip("`").endswith("__tombstones")
        assert rows_of(people.read()) == []

    def test_layout_columns_must_exist(self, table: Table) -> None:
        """A partition or clustering column that is not in the schema is refused before anything is made."""
        with pytest.raises(MissingColumnsError, match="nowhere"):
            table.create(PEOPLE, partition_by=["nowhere"])
        with pytest.raises(MissingColumnsError, match="nowhere"):
            table.create(PEOPLE, cluster_by=["nowhere"])
        assert not table.exists()

    def test_properties_are_kept_as_written(self, table: Table) -> None:
        """Properties given at creation and set later come back as they were, quotes and backslashes included."""
        hostile = 'it\'s "quoted" \\ back`tick é'
        table.create(PEOPLE, properties={"lakehouse.kind": "current"})
        table.set_properties({"lakehouse.applied.job's.app": "7", "lakehouse.note": hostile})
        properties = table.properties()
        assert properties["lakehouse.kind"] == "current"
        assert properties["lakehouse.applied.job's.app"] == "7"
        assert properties["lakehouse.note"] == hostile
        assert last_sequence(table, "job's.app") == 7

    def test_the_schema_is_what_spark_reads(self, table: Table) -> None:
        """Names with blanks and accents, comments, and types within types are told as rows have them."""
        column = "two wörds"
        deep = ArrayType(StructType([StructField("a b", MapType(StringType(), DecimalType(38, 3)))]))
        kinds = [StringType(), DoubleType(), DecimalType(20, 0), DateType(), TimestampType(), BinaryType(), deep]
        fields = [StructField(f"c{number}", kind) for number, kind in enumerate(kinds)]
        table.create(StructType([StructField(column, LongType(), metadata={"comment": 'it\'s "é"'}), *fields]))
        told, read = table.schema(), table.read().schema
        assert told == plain_schema(read)
        assert [(one.name, one.dataType) for one in told] == [(one.name, one.dataType) for one in read]
        assert told[column].metadata == {"comment": 'it\'s "é"'}

    def test_partitioned_tables_take_every_write(self, spark: SparkSession, table: Table) -> None:
        """Rows of several partitions in any order can be appended, merged and overwritten by partition."""
        schema = StructType([StructField("id", LongType()), StructField("is latest", BooleanType())])
        table.create(schema, partition_by=["is latest"])
        table.append(spark.createDataFrame([(i, i % 2 == 0) for i in range(6)], schema).repartition(2))
        table.merge(
            spark.createDataFrame([(0, False), (1, True), (7, True), (8, False)], schema),
            Merge(
                on="t.id = s.id",
                update={"is latest": "s.`is latest`"},
                insert={"id": "s.id", "is latest": "s.`is latest`"},
            ),
        )
        assert rows_of(table.read().where("`is latest`").select("id")) == [(1,), (2,), (4,), (7,)]
        table.overwrite(spark.createDataFrame([(9, True)], schema), where="`is latest`")
        table.overwrite(spark.createDataFrame([(10, False)], schema), where="`is latest` = false")
        assert rows_of(table.read()) == [(10, False), (9, True)]

    def test_clustered_tables_take_every_write(self, table: Table, frame: Callable[..., DataFrame]) -> None:
        """Clustering changes where rows lie, never which rows there are, also after maintenance."""
        table.create(PEOPLE, cluster_by=["id"])
        table.append(frame([(2, "b"), (1, "a")]))
        table.merge(frame([(2, "B"), (3, "c")]), UPSERT)
        table.maintain(compact=True)
        assert rows_of(table.read()) == [(1, "a"), (2, "B"), (3, "c")]

    def test_evolve_adds_columns(self, spark: SparkSession, people: Table, frame: Callable[..., DataFrame]) -> None:
        """A new column is null in the rows that are there; asking again changes nothing; another type is refused."""
        people.append(frame([(1, "a")]))
        more = StructType(
            [StructField("name", StringType()), StructField("two words", LongType(), metadata={"comment": "it's new"})]
        )
        people.evolve(add=more)
        assert people.schema() == StructType([*PEOPLE, more["two words"]])
        before = people.snapshots(limit=1)
        people.evolve(add=more)
        assert people.snapshots(limit=1) == before
        people.append(spark.createDataFrame([(2, "b", 3)], people.schema()))
        assert rows_of(people.read()) == [(1, "a", None), (2, "b", 3)]
        with pytest.raises(IncompatibleSchemaError, match="name is string already, not bigint"):
            people.evolve(add=StructType([StructField("extra", LongType()), StructField("name", LongType())]))
        assert people.schema().names == ["id", "name", "two words"]

    def test_evolve_widens_types(self, spark: SparkSession, table: Table) -> None:
        """int, float and decimal grow in place, old rows keep their values, and narrowing is refused untouched."""
        table.create(
            StructType(
                [StructField("i", IntegerType()), StructField("f", FloatType()), StructField("a b", DecimalType(5, 2))]
            ),
            partition_by=[],
        )
        table.append(spark.createDataFrame([(1, 0.5, Decimal("1.25"))], table.schema()))
        wide = {"i": LongType(), "f": DoubleType(), "a b": DecimalType(12, 2)}
        table.evolve(widen=wide)
        assert [field.dataType for field in table.schema()] == list(wide.values())
        table.append(spark.createDataFrame([(2**40, 1e300, Decimal("1234567890.25"))], table.schema()))
        assert rows_of(table.read()) == [
            (1, 0.5, Decimal("1.25")),
            (2**40, 1e300, Decimal("1234567890.25")),
        ]
        before = table.snapshots(limit=1)
        table.evolve(widen=wide)
        assert table.snapshots(limit=1) == before
        for narrow in ({"i": IntegerType()}, {"a b": DecimalType(5, 2)}, {"f": StringType()}, {"nowhere": LongType()}):
            with pytest.raises(IncompatibleSchemaError, match="cannot become"):
                table.evolve(widen=narrow)
        assert table.snapshots(limit=1) == before
