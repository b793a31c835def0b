"""SQL text that Delta and Iceberg share. Pure: text in, text out.

Every name, path, property and comment is quoted here and nowhere else, so hostile ones (dots, quotes, blanks) are safe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

from lakehouse.columns import quoted, require
from lakehouse.errors import ConfigError
from lakehouse.schemas.type_names import type_text
from lakehouse.tables.protocol import Merge

_PART = re.compile(r"`((?:[^`]|``)+)`|([^.`]+)")


def name_parts(name: str) -> tuple[str, ...]:
    """Split a catalog name into its parts; a part may be quoted with backticks.

    >>> name_parts("lake.silver.`odd.name`")
    ('lake', 'silver', 'odd.name')

    Raises:
        ConfigError: the name has an empty part or a stray backtick.
    """
    parts: list[str] = []
    position = 0
    while True:
        match = _PART.match(name, position)
        if match is None:
            break
        parts.append(match[1].replace("``", "`") if match[1] is not None else match[2])
        position = match.end()
        if position == len(name):
            return tuple(parts)
        if name[position] != ".":
            break
        position += 1
    msg = f"{name!r} is not a table name; write catalog.namespace.table and quote odd parts with backticks"
    raise ConfigError(msg)


def quoted_name(parts: Sequence[str]) -> str:
    """Join the parts of a name, each quoted.

    >>> quoted_name(("lake", "odd.name"))
    '`lake`.`odd.name`'
    """
    return ".".join(quoted(part) for part in parts)


def quoted_text(text: str) -> str:
    r"""Quote a string literal.

    >>> print(quoted_text("it's"))
    'it\'s'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def has_map(data_type: DataType) -> bool:
    """Whether there is a map anywhere in the type; Spark neither hashes nor compares maps."""
    if isinstance(data_type, StructType):
        return any(has_map(field.dataType) for field in data_type)
    if isinstance(data_type, ArrayType):
        return has_map(data_type.elementType)
    return isinstance(data_type, MapType)


def column_text(field: StructField) -> str:
    """One column as DDL, nullable, with its comment."""
    comment = (field.metadata or {}).get("comment")
    return f"{quoted(field.name)} {type_text(field.dataType)}" + (f" COMMENT {quoted_text(comment)}" if comment else "")


def properties_text(properties: Mapping[str, str]) -> str:
    """The list inside `TBLPROPERTIES (...)`."""
    return ", ".join(f"{quoted_text(key)} = {quoted_text(value)}" for key, value in sorted(properties.items()))


def column_list(names: Sequence[str]) -> str:
    """Names, quoted, with commas."""
    return ", ".join(quoted(name) for name in names)


def create_table(
    target: str,
    schema: StructType,
    *,
    using: str,
    partition_by: Sequence[str] = (),
    cluster_by: Sequence[str] = (),
    properties: Mapping[str, str],
) -> str:
    """CREATE TABLE with every column nullable.

    Raises:
        MissingColumnsError: a partition or clustering column is not in the schema.
    """
    require_columns([*partition_by, *cluster_by], schema)
    clauses = [
        f"CREATE TABLE {target} ({', '.join(column_text(field) for field in schema)}) USING {using}",
        f"PARTITIONED BY ({column_list(partition_by)})" if partition_by else "",
        f"CLUSTER BY ({column_list(cluster_by)})" if cluster_by else "",
        f"TBLPROPERTIES ({properties_text(properties)})" if properties else "",
    ]
    return " ".join(clause for clause in clauses if clause)


def require_columns(names: Sequence[str], schema: StructType) -> None:
    """Fail when a column that lays out the table is not one of its columns.

    Raises:
        MissingColumnsError: names what is missing.
    """
    require(names, schema.names, where="the schema of the new table")


def set_properties(target: str, properties: Mapping[str, str]) -> str:
    """ALTER TABLE ... SET TBLPROPERTIES."""
    return f"ALTER TABLE {target} SET TBLPROPERTIES ({properties_text(properties)})"


def insert_into(target: str, source: str, *, replace_where: str | None = None) -> str:
    """INSERT the whole of `source`, whose columns are those of the target in its order."""
    replacing = f" REPLACE WHERE {replace_where}" if replace_where else ""
    return f"INSERT INTO {target}{replacing} SELECT * FROM {source}"  # nosec B608  # noqa: S608 - every name is quoted; predicates are SQL by contract


def read_version(target: str, version: int) -> str:
    """SELECT everything as of a version."""
    return f"SELECT * FROM {target} VERSION AS OF {version}"  # nosec B608  # noqa: S608 - every name is quoted; predicates are SQL by contract


def merge_into(target: str, source: str, merge: Merge, columns: Sequence[str]) -> str:
    """The one MERGE statement. Columns that an insert leaves out become null, in every format.

    Raises:
        ConfigError: the merge has no clause.
        MissingColumnsError: a clause sets a column that the table does not have.
    """
    require([*merge.update, *merge.insert], columns, where=f"the table {target}")
    clauses = []
    if merge.delete_when is not None:
        clauses.append(f"WHEN MATCHED AND ({merge.delete_when}) THEN DELETE")
    if merge.update:
        narrowed = f" AND ({merge.update_when})" if merge.update_when else ""
        assignments = ", ".join(f"t.{quoted(name)} = {value}" for name, value in merge.update.items())
        clauses.append(f"WHEN MATCHED{narrowed} THEN UPDATE SET {assignments}")  # nosec B608  # every name is quoted; values are SQL by contract
    if merge.insert:
        narrowed = f" AND ({merge.insert_when})" if merge.insert_when else ""
        values = ", ".join(merge.insert.get(name, "NULL") for name in columns)
        clauses.append(f"WHEN NOT MATCHED{narrowed} THEN INSERT ({column_list(columns)}) VALUES ({values})")  # nosec B608  # noqa: S608 - every name is quoted; predicates are SQL by contract
    if not clauses:
        msg = "a merge needs at least one of update, insert and delete_when"
        raise ConfigError(msg)
    return f"MERGE INTO {target} AS t USING {source} AS s ON {merge.on} {' '.join(clauses)}"


def replace_by_merge(target: str, source: str, schema: StructType, predicate: str) -> str:
    """MERGE that deletes the rows of the target that fulfil the predicate and inserts the whole of `source`.

    Nothing may match, yet the join must have keys to be spread by: the hash of a target row is made even, that of a
    source row odd.
    """
    names = [field.name for field in schema if not has_map(field.dataType)]
    values = ", ".join(f"s.{quoted(name)}" for name in schema.names)
    condition = f"{_spread('t', names)} = {_spread('s', names)} + 1"
    insert = f"WHEN NOT MATCHED THEN INSERT ({column_list(schema.names)}) VALUES ({values})"  # nosec B608  # noqa: S608 - every name is quoted; predicates are SQL by contract
    delete = f"WHEN NOT MATCHED BY SOURCE AND ({predicate}) THEN DELETE"
    return f"MERGE INTO {target} AS t USING {source} AS s ON {condition} {insert} {delete}"


def _spread(alias: str, names: Sequence[str]) -> str:
    """An even number below 2000 that depends on the row."""
    columns = ", ".join(f"{alias}.{quoted(name)}" for name in names) or "0"
    return f"pmod(hash({columns}), 1000) * 2"
