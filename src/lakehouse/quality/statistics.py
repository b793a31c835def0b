"""What stands for several analyzers: `AllStatistics` for every statistic of a column, `AllColumns` for every column that has one."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructType

from lakehouse.quality.probes import Subject, plain
from lakehouse.quality.rules import Analyzer, Name
from lakehouse.quality.values import NUMBERS

ALL_STATISTICS = "AllStatistics"
ALL_COLUMNS = Name("AllColumns")

DISTRIBUTION = "Distribution"
"""What every column has, and `AllStatistics` does not stand for."""

_OF_ALL = ("Completeness",)
_OF_GROUPED = ("DistinctValuesCount", "Uniqueness", "UniqueValueRatio", "Entropy")
_OF_NUMBERS = ("ColumnValues", "Mean", "StandardDeviation", "Sum")
_OF_TEXTS = ("ColumnLength",)
_KNOWN = {ALL_STATISTICS, DISTRIBUTION, *_OF_ALL, *_OF_GROUPED, *_OF_NUMBERS, *_OF_TEXTS}


def spread(analyzer: Analyzer, subject: Subject) -> list[Analyzer]:
    """The analyzers that one stands for; itself where it stands for itself. None where no column has such a statistic.

    Raises:
        RuleError: there is no such column.
    """
    of_all_columns = analyzer.parameters == (ALL_COLUMNS,)
    if analyzer.type not in _KNOWN or not (of_all_columns or analyzer.type == ALL_STATISTICS):
        return [analyzer]
    names = subject.frame.columns if of_all_columns else [plain(analyzer.parameters[0])]
    return [
        replace(analyzer, type=statistic, parameters=(name,))
        for name in names
        for statistic in (*statistics_of(subject.column_type(name)), DISTRIBUTION)
        if analyzer.type == statistic or (analyzer.type == ALL_STATISTICS and statistic != DISTRIBUTION)
    ]


def statistics_of(data_type: DataType) -> tuple[str, ...]:
    """The analyzers that say something of a column of a type.

    >>> from pyspark.sql.types import DateType
    >>> statistics_of(DateType())
    ('Completeness', 'DistinctValuesCount', 'Uniqueness', 'UniqueValueRatio', 'Entropy')
    """
    match data_type:
        case ArrayType() | MapType() | StructType():
            return _OF_ALL
        case StringType():
            return (*_OF_ALL, *_OF_GROUPED, *_OF_TEXTS)
        case _ if isinstance(data_type, NUMBERS):
            return (*_OF_ALL, *_OF_GROUPED, *_OF_NUMBERS)
        case _:
            return (*_OF_ALL, *_OF_GROUPED)
