r"""The table that the folders of a file name: `schema/table/file`, below which producers put folders of a time or a partition.

Not taken for schema or table are, at the end of the path and in any number,

- a partition as Hive writes it, `name=value`: `year=2026/month=11/day=25/hour=13`, `dt=2026-11-25`;
- a time from the year down, as far as the minute: `2026/11/25/13` (Firehose, Kinesis), `20261125`, `2026-11-25`, `2026_11_25`,
  `2026/11`, `202611`, `2026112513`, `2026` (DMS, in each of its delimiters). The year is of 1900 to 2099, the other parts have
  two digits and are a month, a day, an hour and a minute; a folder holds one part or several.

Times that do not begin with the year (`25/11/2026`) are names like others.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.columns import FILE

_MINUTE = "(?:[-_/]?[0-5][0-9])?+"
_HOUR = f"(?:[-_/]?(?:[01][0-9]|2[0-3]){_MINUTE})?+"
_DAY = f"(?:[-_/]?(?:0[1-9]|[12][0-9]|3[01]){_HOUR})?+"
_TIME = f"(?:19|20)[0-9]{{2}}(?:[-_/]?(?:0[1-9]|1[0-2]){_DAY})?+"
_PERIODS = f"(?:/(?:[^/=]++=[^/]*+|{_TIME}(?=/|$)))++$"
"""The folders at the end that name a time or a partition; Java and Python read it alike."""


def table_of(file: str) -> tuple[str, str]:
    """The schema and the table that the folders of a file name, perhaps percent-encoded; empty where there is no folder.

    >>> table_of("s3://landing/app/items/2026/11/25/13/part-0.json.gz"), table_of("s3://landing/app/items/dt=2026-11-25/a")
    (('app', 'items'), ('app', 'items'))
    """
    folders = re.sub(_PERIODS, "", file.rpartition("/")[0])
    *_, schema, table = ["", "", *folders.split("/")]
    return unquote(schema), unquote(table)


def route_by_folder() -> Column:
    """`schema.table` as `table_of` finds them in `_source_file`; null with fewer folders."""
    folders = F.regexp_replace(F.regexp_extract(F.col(FILE), "(?s)^(.*)/[^/]*+$", 1), _PERIODS, "")
    schema, table = (F.regexp_extract(folders, "([^/]++)/([^/]++)$", group) for group in (1, 2))
    return F.when((schema != "") & (table != ""), F.concat_ws(".", _unescaped(schema), _unescaped(table)))


def _unescaped(part: Column) -> Column:
    # A plus is a plus in a path, and a stray percent sign must not fail the load.
    broken = part.rlike("%(?![0-9A-Fa-f]{2})")
    return F.when(broken, part).otherwise(F.url_decode(F.replace(part, F.lit("+"), F.lit("%2B"))))
