"""wal2json, format version 1: one JSON document a transaction, with the changes of all its tables.

A document is cut into documents of one change each, and the change of such a document is put into the form of version 2, so
that one parser serves both. With `write-in-chunks` the producer itself cuts a document into lines that are no JSON: what
stands before the changes, each change with a comma before it, and what closes the document.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from lakehouse.cdc.feeds.assembly import staged
from lakehouse.cdc.feeds.parts import Parts, split
from lakehouse.cdc.feeds.postgresql import log_address
from lakehouse.cdc.feeds.topics import named_table
from lakehouse.cdc.json_text import bind, parse_object, quote_numbers, texts
from lakehouse.columns import RAW

_LAST = (1 << 31) - 1
_NAMES = ArrayType(StringType())
_LINE = texts(["lsn", "data"])
_ABOUT = texts(["xid", "lsn", "nextlsn", "timestamp"]).fields
_CUT = StructType([*_ABOUT, StructField("kind", StringType()), StructField("change", _NAMES)])
_OLD_KEYS = StructType([StructField("keynames", _NAMES), StructField("keyvalues", _NAMES)])
_CHANGE = StructType(
    [
        *texts(["kind", "lsn"]).fields,
        StructField("columnnames", _NAMES),
        StructField("columnvalues", _NAMES),
        StructField("oldkeys", _OLD_KEYS),
    ]
)
_DOCUMENT = StructType([*_ABOUT, StructField("action", StringType()), StructField("change", ArrayType(_CHANGE))])
_COMMA = r"^\s*+,?+\s*+"
_FRAME = r'^\s*+(?:\{[^\[\]{}]*"change"\s*+:\s*+\[|\]\s*+\})\s*+$'


def cut(df: DataFrame, *, record_table: Column) -> DataFrame:
    """One row for each change, as `split` has it; the parts are compact JSON, their numbers in quotes digit by digit.

    `record_table` is the table of a record that is not cut.

    Raises:
        MissingColumnsError: the frame lacks bronze columns.
    """
    elements = bind(parse_object(F.col(RAW), _LINE), _elements)
    return split(df, Parts(elements=elements, text=_document, table=_table, record_table=record_table))


def messages(df: DataFrame) -> DataFrame:
    """What `cut` made of the documents, in the form of version 2.

    Columns: origin, table, raw; message (action, columns, identity); lsn (text), position (null where the record does not
    say), at; kind (null unless it is a frame) and malformed.
    """
    text = F.coalesce(parse_object(F.col(RAW), _LINE)["data"], F.col(RAW))
    read = staged(df, raw=F.col(RAW), text=text).select(
        *("origin", "table", "raw"),
        F.col("text").rlike(_FRAME).alias("frame"),
        parse_object(quote_numbers(F.col("text")), _DOCUMENT).alias("document"),
    )
    opened = read.select("*", F.get("document.change", F.lit(0)).alias("change"))
    kind, own = F.col("change.kind"), F.coalesce("change.lsn", "document.lsn")
    lsn = F.coalesce(own, "document.nextlsn")
    place = F.when(own.isNotNull(), F.lit(_LAST)).otherwise(F.col("origin.part"))
    action = F.when(kind.isin("insert", "update", "delete"), F.upper(F.substring(kind, 1, 1)))
    message = F.struct(
        action.when(kind == "message", "M").alias("action"),
        _cells("change.columnnames", "change.columnvalues").alias("columns"),
        _cells("change.oldkeys.keynames", "change.oldkeys.keyvalues").alias("identity"),
    )
    return opened.select(
        *("origin", "table", "raw"),
        message.alias("message"),
        lsn.alias("lsn"),
        bind(
            log_address(lsn), lambda at: F.when(at.isNotNull(), F.struct(at.alias("lsn"), place.alias("place")))
        ).alias("position"),
        F.col("document.timestamp").alias("at"),
        F.when(F.col("frame") | (F.size("document.change") == 0), "transaction")
        .when(kind == "message", "message")
        .alias("kind"),
        _malformed().alias("malformed"),
    )


def _elements(line: Column) -> Column:
    """The changes of a record: `about`, what the record says of all of them, and the text of the `change`."""
    text = F.regexp_replace(F.coalesce(line["data"], F.col(RAW)), _COMMA, "")

    def of_document(text: Column, document: Column) -> Column:
        alone = document["kind"].isNotNull()
        about = F.struct(
            document["xid"].alias("xid"),
            # The line around a chunk has the address of its change, the line around a document that of its end.
            F.when(alone, line["lsn"]).otherwise(document["lsn"]).alias("lsn"),
            F.when(~alone, F.coalesce(document["nextlsn"], line["lsn"])).alias("nextlsn"),
            document["timestamp"].alias("timestamp"),
        )
        changes = F.when(alone, F.array(text)).otherwise(document["change"])
        return F.transform(changes, lambda change: F.struct(about.alias("about"), change.alias("change")))

    return bind(
        quote_numbers(text), lambda text: bind(parse_object(text, _CUT), lambda document: of_document(text, document))
    )


def _document(element: Column) -> Column:
    about = F.regexp_replace(F.to_json(element["about"]), r"^\{", "")
    tail = F.when(about == "}", about).otherwise(F.concat(F.lit(","), about))
    change = F.coalesce(element["change"], F.lit("null"))
    return F.concat(F.lit('{"change":['), change, F.lit("]"), tail)


def _table(element: Column) -> Column:
    names = parse_object(element["change"], texts(["schema", "table"]))
    return bind(names, lambda change: named_table(change["schema"], change["table"]))


def _cells(names: str, values: str) -> Column:
    return F.zip_with(names, values, lambda name, value: F.struct(name.alias("name"), value.alias("value")))


def _malformed() -> Column:
    document, change = F.col("document"), F.col("change")
    columns, old = change["columnnames"], change["oldkeys"]
    uneven = [
        ~F.size(columns).eqNullSafe(F.size(change["columnvalues"])),
        ~F.size(old["keynames"]).eqNullSafe(F.size(old["keyvalues"])),
    ]
    return (
        F.when(document.isNull(), "the text is not one JSON object of the form of wal2json transactions")
        .when(document["action"].isNotNull(), "the message is of format version 2; leave the option format_version out")
        .when(document["change"].isNull(), "the transaction has no changes")
        .when(change["kind"].isNull(), "the change has no kind")
        .when(change["kind"].isin("insert", "update") & columns.isNull(), "the change has no columns")
        .when((change["kind"] == "delete") & old["keynames"].isNull(), "the change has no oldkeys")
        .when(uneven[0] | uneven[1], "the change has other numbers of names and of values")
    )
