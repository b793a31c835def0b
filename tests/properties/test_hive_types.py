"""What Hive is told of a type is that type."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import types as T

from lakehouse.schemas.hive_types import hive_type
from lakehouse.schemas.type_names import parse_type

ATOMIC = st.sampled_from(
    [
        T.StringType(),
        T.BooleanType(),
        T.ByteType(),
        T.ShortType(),
        T.IntegerType(),
        T.LongType(),
        T.FloatType(),
        T.DoubleType(),
        T.DateType(),
        T.TimestampType(),
        T.BinaryType(),
        T.DecimalType(38, 18),
    ]
)
NAMES = st.text("abcäß_09.-", min_size=1, max_size=4)


def nested(inner: st.SearchStrategy[T.DataType]) -> st.SearchStrategy[T.DataType]:
    """Arrays, maps and structs of types."""
    fields = st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    return st.one_of(
        inner.map(T.ArrayType),
        st.tuples(ATOMIC, inner).map(lambda pair: T.MapType(*pair)),
        fields.map(lambda types: T.StructType([T.StructField(name, one) for name, one in types.items()])),
    )


@given(st.recursive(ATOMIC, nested, max_leaves=8))
def test_what_is_written_reads_as_the_same_type(data_type: T.DataType) -> None:
    """The reader of type names, which knows nothing of the writer, finds the type again at any depth."""
    assert parse_type(hive_type(data_type)) == data_type
