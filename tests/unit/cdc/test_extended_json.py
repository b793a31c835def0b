"""MongoDB's extended JSON: every wrapper, canonical and relaxed, and everything that only looks like one."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.cdc.feeds.extended_json import plain_json, uuid_bytes

# The wrappers as https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/ shows them.
PLAIN: dict[str | None, str | None] = {
    '{"_id":{"$oid":"5d505646cf6d4fe581014ab2"}}': '{"_id":"5d505646cf6d4fe581014ab2"}',
    '{"a":{"$numberInt":"30"},"b":{"$numberLong":"-9007199254740993"}}': '{"a":30,"b":-9007199254740993}',
    '{"a":{"$numberDouble":"10.5"},"b":{"$numberDouble":"-1.0E+20"}}': '{"a":10.5,"b":-1.0E+20}',
    '[{"$numberDouble":"NaN"},{"$numberDouble":"Infinity"},{"$numberDouble":"-Infinity"}]': (
        '["NaN","Infinity","-Infinity"]'
    ),
    '{"a":{"$numberDecimal":"1234567890123456789012345678901.234"},"b":{"$numberDecimal":"NaN"}}': (
        '{"a":"1234567890123456789012345678901.234","b":"NaN"}'
    ),
    '{"a":{"$date":"2019-08-11T17:54:14.692Z"}}': '{"a":"2019-08-11T17:54:14.692Z"}',
    '{"a":{"$date":{"$numberLong":"1565546054692"}}}': '{"a":"2019-08-11T17:54:14.692Z"}',
    '{"a":{"$date":1565546054600}}': '{"a":"2019-08-11T17:54:14.600Z"}',
    '{"a":{"$date":{"$numberLong":"1565546054000"}}}': '{"a":"2019-08-11T17:54:14Z"}',
    '{"a":{"$date":{"$numberLong":"-1"}}}': '{"a":"1969-12-31T23:59:59.999Z"}',
    '{"a":{"$date":{"$numberLong":"9223372036854775807"}}}': '{"a":"9223372036854775807"}',
    '{"a":{"$date":{"$numberLong":"999999999999999"}}}': '{"a":"999999999999999"}',
    '{"a":{"$binary":{"base64":"AP8=","subType":"00"}}}': '{"a":"AP8="}',
    '{"a":{"$binary":"AP8=","$type":"00"}}': '{"a":"AP8="}',
    '{"a":{"$binary":{"base64":"c//SZESzTGmQ6OfR38A11A==","subType":"04"}}}': (
        '{"a":"73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}'
    ),
    '{"a":{"$binary":{"base64":"AP8=","subType":"04"}}}': '{"a":"AP8="}',
    '{"a":{"$uuid":"73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}}': '{"a":"73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}',
    '{"a":{"$timestamp":{"t":1565545664,"i":1}}}': '{"a":{"t":1565545664,"i":1}}',
    '{"a":{"$symbol":"a \\"b\\" {"},"b":{"$undefined":true}}': '{"a":"a \\"b\\" {","b":null}',
    '{ "a" : { "$oid" : "5d50" }, "b": [ { "$numberLong" : "1" }, {"c":{"$date":0}} ] }': (
        '{ "a" : "5d50", "b": [ 1, {"c":"1970-01-01T00:00:00Z"} ] }'
    ),
    # Nothing that MongoDB wrapped: text that talks of wrappers, what has no plain value, plain JSON, no JSON.
    '{"a":"{\\"$oid\\":\\"5d50\\"}","b":"{\\"$date\\":0}"}': '{"a":"{\\"$oid\\":\\"5d50\\"}","b":"{\\"$date\\":0}"}',
    '{"a":{"$regularExpression":{"pattern":"^a","options":"i"}},"b":{"$minKey":1}}': (
        '{"a":{"$regularExpression":{"pattern":"^a","options":"i"}},"b":{"$minKey":1}}'
    ),
    '{"a":{"$numberLong":"one"},"b":{"$numberInt":"007"}}': '{"a":"one","b":"007"}',
    '{"a":1.10,"b":[true,null,"x"],"c":{}}': '{"a":1.10,"b":[true,null,"x"],"c":{}}',
    '{"a":"\u0001oid\u0002x\u0001"}': '{"a":"\u0001oid\u0002x\u0001"}',
    "not json {": "not json {",
    "": "",
    None: None,
}


def test_every_wrapper_becomes_its_value_and_nothing_else_changes(spark: SparkSession) -> None:
    """Canonical, relaxed and older forms of a value give one plain text; text inside strings is let be."""
    frame = spark.createDataFrame([(text,) for text in PLAIN], "text STRING")
    found = {
        row["text"]: row["plain"] for row in frame.select("text", plain_json(F.col("text")).alias("plain")).collect()
    }
    assert found == PLAIN


def test_a_uuid_is_bytes_where_bytes_are_wanted(spark: SparkSession) -> None:
    """The text of a UUID is turned back to the base64 it came from; every other text stays."""
    texts = ["73ffd264-44b3-4c69-90e8-e7d1dfc035d4", "AP8=", None]
    frame = spark.createDataFrame([(text,) for text in texts], "text STRING")
    found = [row[0] for row in frame.select(uuid_bytes(F.col("text"))).collect()]
    assert found == ["c//SZESzTGmQ6OfR38A11A==", "AP8=", None]
