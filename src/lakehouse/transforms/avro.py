"""Events in Avro, behind the headers of Confluent and of Glue, as columns.

The body is read and written by Spark's own Avro module, which is no part of Spark itself. On a laptop the library brings it. For
spark-submit and EMR add `--packages org.apache.spark:spark-avro_2.12:<version of Spark>` (`_2.13` from Spark 4 on), on AWS Glue the
jar of that name with `--extra-jars`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro, to_avro

from lakehouse.errors import ConfigError, IncompatibleSchemaError, PreflightError
from lakehouse.schemas.avro import parse_avro
from lakehouse.schemas.avro_resolution import unreadable
from lakehouse.schemas.avro_types import Record, Reference
from lakehouse.schemas.wire import CONFLUENT, CONFLUENT_LENGTH, GLUE, GLUE_LENGTH, GlueHeader, Header

NO_MODULE = (
    "this Spark session has no Avro module; submit with --packages org.apache.spark:spark-avro_2.12:<version of "
    "Spark> (_2.13 from Spark 4 on), on AWS Glue with the jar in --extra-jars"
)
"""What is said where Spark's module for Avro is missing."""

_READ = "_read"
"""A field that no writer has and whose default is true: it is null only where the body could not be read."""
_MARK = {"name": _READ, "type": "boolean", "default": True}
_REST = (1 << 31) - 1


def encode_avro(event: Column, *, schema: str, header: Header) -> Column:
    """The event as a message: the header, then its Avro body; a null event gives null.

    Args:
        event: a struct with the fields of the schema.
        schema: an Avro record, as JSON text.
        header: names the schema, see `lakehouse.schemas.wire`; its body is not compressed.

    Raises:
        ConfigError: the schema is no record, or the header asks for compression.
        PreflightError: the Spark session has no Avro module (from Spark 4 on Spark's own error says so).
    """
    _require_record(schema)
    if isinstance(header, GlueHeader) and header.is_compressed:
        msg = "Spark has no zlib: write a header without compression"
        raise ConfigError(msg)
    body = _with_module(lambda: to_avro(event, schema))
    return F.when(event.isNotNull(), F.concat(F.lit(header.to_bytes()), body))


def decode_avro(message: Column, *, schemas: Mapping[int | str, str], reader: str) -> Column:
    """A struct of `event`, read through the reader's schema, and `problem`, null where the event could be read.

    Aliases, promotions and defaults of the reader apply. Of a null message both are null. Spark reads no further than the
    schema, so bytes that follow the body go unnoticed.

    Args:
        message: header and body.
        schemas: what messages were written with, by the id in their header: a number (Confluent) or a UUID (Glue).
        reader: the Avro record that events are read as, as JSON text.

    Raises:
        ConfigError: a schema is not valid, or the reader is no record.
        IncompatibleSchemaError: the reader cannot read what one of the schemas wrote; says which and why.
        PreflightError: the Spark session has no Avro module (from Spark 4 on Spark's own error says so).
    """
    fields = _require_record(reader)
    if not schemas:
        msg = "no Avro schema is given that messages could be written with"
        raise ConfigError(msg)
    wanted = parse_avro(reader)
    for number, schema in schemas.items():
        found = unreadable(parse_avro(schema), wanted)
        if found:
            reasons = "; ".join(f"{one.path} {one.reason}".strip() for one in found)
            msg = f"the reader's Avro schema cannot read what schema {number} wrote: {reasons}"
            raise IncompatibleSchemaError(msg)
    tree = json.loads(reader)
    marked = json.dumps(tree | {"fields": [*tree["fields"], _MARK]})
    name, body = schema_id(message), _body(message)
    whole = F.lit(None)
    for number, schema in schemas.items():
        whole = F.when(name == F.lit(str(number)), read_body(body, schema, reader=marked)).otherwise(whole)
    problem = (
        F.when(message.isNull(), F.lit(None))
        .when(name.isNull(), "there is no header of Confluent, nor one of Glue before a body that is not compressed")
        .when(~name.isin(*map(str, schemas)), F.concat(F.lit("no schema is given for the id "), name))
    )

    def told(read: Column) -> Column:
        event = F.when(read[_READ], F.struct(*(read[field].alias(field) for field in fields)))
        misfit = F.when(read[_READ].isNull(), F.concat(F.lit("the body does not fit the schema "), name))
        return F.struct(event.alias("event"), F.coalesce(problem, misfit).alias("problem"))

    # A variable of a lambda is computed once, where a column that is used often is decoded as often.
    return F.transform(F.array(whole), told)[0]


def schema_id(message: Column) -> Column:
    """The id in a header as text: Confluent's number or Glue's UUID; null where there is no header, or a compressed body."""
    number = F.conv(F.hex(F.substring(message, 2, 4)), 16, 10)
    digits = F.lower(F.hex(F.substring(message, 3, 16)))
    parts = [F.substring(digits, start, length) for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))]
    return F.when(_begins(message, CONFLUENT, CONFLUENT_LENGTH), number).when(
        _begins(message, GLUE + b"\x00", GLUE_LENGTH), F.concat_ws("-", *parts)
    )


def read_body(body: Column, schema: str, *, reader: str | None = None) -> Column:
    """The Avro body; of one that does not fit, a struct of nulls.

    Args:
        body: the message behind its header.
        schema: what it was written with, as JSON text.
        reader: what it is read as; None: the same.

    Raises:
        PreflightError: the Spark session has no Avro module (from Spark 4 on Spark's own error says so).
    """
    options = {"mode": "PERMISSIVE"} | ({} if reader is None else {"avroSchema": reader})
    return _with_module(lambda: from_avro(body, schema, options))


def _body(message: Column) -> Column:
    confluent, glue = (F.substring(message, length + 1, _REST) for length in (CONFLUENT_LENGTH, GLUE_LENGTH))
    return F.when(_begins(message, CONFLUENT, CONFLUENT_LENGTH), confluent).otherwise(glue)


def _begins(message: Column, start: bytes, length: int) -> Column:
    return (F.substring(message, 1, len(start)) == F.lit(start)) & (F.length(message) >= length)


def _require_record(schema: str) -> list[str]:
    """The names of the fields."""
    parsed = parse_avro(schema)
    root = parsed.names[parsed.root.name] if isinstance(parsed.root, Reference) else None
    if not isinstance(root, Record):
        msg = "an event is an Avro record; give the schema of one"
        raise ConfigError(msg)
    return [field.name for field in root.fields]


def _with_module(make: Callable[[], Column]) -> Column:
    try:
        return make()
    except TypeError as error:
        # What pyspark makes of a class that the JVM does not have.
        raise PreflightError(NO_MODULE) from error
