"""Strings that mean something to a parser, a shell, a database, a terminal or a file system, and here are only text.

They are made by category, each string is there once, and every one of them is Unicode: whatever a feed can carry in UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

ZERO_WIDTH = "\u00ad\u034f\u180e\u200b\u200c\u200d\u2060\u2061\u2063\ufeff"
BLANKS = "\u00a0\u1680\u2000\u2003\u2007\u2009\u200a\u202f\u205f\u3000"
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
LINE_ENDS = ("\n", "\r", "\r\n", "\n\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
COMBINING = "\u0300\u0301\u0308\u0323\u0327\u0331\u0489\u20dd\u3099"


def _quotes() -> Iterator[str]:
    for mark in ("'", '"', "`", "\\", "\u2018\u2019", "\u201c\u201d", "\u00ab\u00bb", "´", "''", '""', "``", "\\\\"):
        yield from (mark, f"a{mark}b", f"{mark}a{mark}", f"{mark},{mark}")
    yield from ('"a""b"', '""""', "'\"`", "a\\", 'a\\"b', "a\\'b", "\\`", '","', '";"', "'\"'\"'", '\\"\\n', "\\N")


def _space() -> Iterator[str]:
    yield ""
    for blank in (" ", "  ", "\t", *LINE_ENDS, *BLANKS, *ZERO_WIDTH):
        yield from (blank, f"{blank}edge{blank}", f"in{blank}side")


def _control() -> Iterator[str]:
    yield from (chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)))
    yield from (
        "nul\x00inside",
        "\x00\x00",
        "end\x00",
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07",
        "bell\x07",
        "\x08\x08rub",
    )


def _unicode() -> Iterator[str]:
    yield from BIDI
    yield from (f"{mark}abc\u05d0\u05d1{mark}" for mark in BIDI)
    yield from (f"e{mark}" for mark in COMBINING)
    yield from (
        "مرحبا",
        "שלום world",
        "\u202egnp.exe",
        "한국어",
        "日本語",
        "ไทย",
        "हिन्दी",
        "မြန်မာ",
        "ᚠᛇᚻ",
        "ՀԱՅ",
        "ქართული",
        "𓀀𓂀",
    )
    yield from (
        "Z" + "\u0335\u0322\u0489" * 30,
        "\u0301",
        "é",
        "e\u0301",
        "Å",
        "Å",
        "ﬁ",
        "fi",
        "ﷺ",
        "①",
        "２３",
        "½",
        "Ⅷ",
    )
    yield from ("ß", "ẞ", "SS", "ss", "İ", "I", "ı", "i", "i\u0307", "Σ", "σ", "ς", "K", "K", "k", "ǅ", "ŉ", "ΐ")
    yield from ("Ａ", "а", "a", "А", "A", "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\ufdd0", "\U0001fffe")
    yield from ("\U00010000", "\U0010ffff", "\U0010fffd", "𝔘𝔫𝔦", "𐍈", "𠜎𠜱", "🂡", "\U000e0041\U000e007f", "\U0001d173")


def _emoji() -> Iterator[str]:
    yield from (f"{hand}{tone}" for hand, tone in product("👍👋🤝", ("", *"🏻🏼🏽🏾🏿")))
    yield from (
        "👩\u200d👩\u200d👧\u200d👦",
        "🏳️\u200d🌈",
        "🏴\u200d☠️",
        "👩🏽\u200d🚀",
        "❤️",
        "❤",
        "1️⃣",
        "🇩🇪",
        "🇩",
        "🏴\U000e0067\U000e0062\U000e007f",
        "😀" * 40,
    )


def _sql() -> Iterator[str]:
    yield from (
        "'; DROP TABLE items; --",
        '" OR ""="',
        "' OR 1=1 --",
        "1; SELECT 1",
        "/* */",
        "--",
        "-- a",
        "#",
        "*/",
        ";",
        ");",
    )
    yield from (
        "' UNION SELECT NULL --",
        "%",
        "_",
        "100%",
        "LIKE '%'",
        "@@version",
        ":name",
        "?",
        "$1",
        "$$",
        "$tag$",
        "{{ ref('x') }}",
    )
    yield from (
        "x' AND sleep(9)='",
        "`; DROP VIEW v; --`",
        "E'\\''",
        "U&'\\0061'",
        "N'x'",
        "0x27",
        "char(39)",
        "CAST(1 AS INT)",
        "IDENTIFIER('x')",
        "EXECUTE IMMEDIATE 'x'",
    )
    yield from (
        "t.id",
        "s.*",
        "t._sequence",
        "s._op",
        "a.b.c",
        ".",
        "..a",
        "a.",
        ".a",
        "a..b",
        "*",
        "struct<a:int>",
        "array()",
        "NULL",
        "null",
        "NaN",
        "DEFAULT",
        "TRUE",
        "CURRENT_USER",
    )
    for word in (
        "select",
        "from",
        "table",
        "order",
        "group",
        "primary",
        "user",
        "column",
        "path",
        "value",
        "key",
        "file",
        "pos",
        "version",
        "timestamp",
        "interval",
        "values",
        "exists",
        "default",
    ):
        yield from (word, word.title())


def _programs() -> Iterator[str]:
    yield from (
        "$(id)",
        "`id`",
        "; id",
        "| id",
        "& id",
        "&& id",
        "|| id",
        "> x",
        "< x",
        "$HOME",
        "${HOME}",
        "${env:HOME}",
        "${system:user.home}",
        "${spark:spark.app.name}",
        "%PATH%",
        "!!",
        "~",
        "$((1+1))",
        "'$(id)'",
        "-rf",
        "--help",
        "$IFS",
        "a b; c",
    )
    yield from (
        "<script>x()</script>",
        "<b>",
        "</td>",
        "&amp;",
        "&#0;",
        "&lt;",
        "<!-- -->",
        "<![CDATA[x]]>",
        "<?xml?>",
        "javascript:x()",
        '"><img src=x onerror=x()>',
        "<svg/onload=x()>",
    )
    yield from (
        "=1+1",
        '=HYPERLINK("x")',
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "=cmd|' /C x'!A0",
        "\t=1",
        "\\u0041",
        "\\x41",
        "\\101",
        "\\0",
        "%00",
        "%0A",
        "%25",
        "%2e%2e%2f",
        "%zz",
        "%",
        "%%",
    )
    yield from (
        "%s",
        "%d",
        "%n",
        "%x%x",
        "%1$s",
        "%(name)s",
        "{}",
        "{0}",
        "{name}",
        "{table}",
        "{schema}",
        "{table.x}",
        "{0.x}",
        "{{}}",
        "{",
        "}",
        "{{",
        "}}",
        "{%x%}",
        "<%= x %>",
        "#{x}",
        "${x}",
        "${x:-y}",
        "[[x]]",
        "[/]",
        "[bold]",
        "[/red]",
    )
    yield from (
        "!!python/object:x",
        "!!binary eA==",
        "&a",
        "*a",
        "- a",
        "a: b",
        "? a",
        "| ",
        "> ",
        "%YAML",
        "---",
        "...",
        "# a",
        "[a",
        "{a: b}",
        "yes",
        "no",
        "on",
        "off",
        "~",
        "!x",
    )
    yield from (
        "(a+)+$",
        "(?i)",
        "[a-",
        "(",
        ")",
        "a{1,",
        "^",
        "$",
        ".*",
        "\\d",
        "\\Q\\E",
        "(.*)*" * 8,
        "a|b",
        "[^]",
        "(?<x>",
        "$0",
        "\\1",
    )
    yield from (
        '{"a":1}',
        "[1]",
        '{"a":',
        '"a"',
        "[]",
        "{}",
        "//",
        '{"$numberLong":"1"}',
        "_corrupt_record",
        "__corrupt",
        "__proto__",
        "constructor",
        "__debezium_unavailable_value",
        "cn=*)(x=*",
        "x\r\nSet-Cookie: a=b",
        "http://[::1]/",
        "file:///x",
        "s3://b/k",
        "jdbc:x",
        "${jndi:x}",
    )


def _paths() -> Iterator[str]:
    yield from (
        "..",
        "../..",
        "../../etc/passwd",
        "/",
        "//",
        "/etc",
        "./a",
        "a/b",
        "a//b",
        "a/",
        "~root",
        "C:\\",
        "\\\\host\\x",
        "..\\..",
        "a:b",
        "C:",
        "file:",
        "*",
        "?",
        "[a]",
        "[!a]",
        "{a,b}",
        "a,b",
        "**",
        "a?b",
        "a#b",
        "a;b",
        "a&b=c",
        "a=b",
        "a%b",
        "a@b",
    )
    yield from (
        ".hidden",
        "_hidden",
        "_SUCCESS",
        "_delta_log",
        "_metadata",
        "metadata",
        ".crc",
        "x.crc",
        "a._COPYING_",
        "a.tmp",
        "a ",
        " a",
        "a.",
        "...",
        "-",
        "-a",
        "x.csv.exe",
    )
    yield from (
        "CON",
        "PRN",
        "AUX",
        "NUL",
        "COM1",
        "LPT1",
        "con.txt",
        "nul.csv",
        "$MFT",
        "desktop.ini",
        "Thumbs.db",
        "lost+found",
        "a$",
        "A" * 200,
    )


def _numbers() -> Iterator[str]:
    yield from (
        "0",
        "-0",
        "00",
        "007",
        "+1",
        "1.0",
        "1.",
        ".1",
        "1e5",
        "1E400",
        "-1e-400",
        "0x1F",
        "0b1",
        "0o7",
        "1_000",
        "1,000",
        "1.000,00",
        "1 000",
        "١٢٣",
        "１",
        "²",
    )
    yield from (
        "127",
        "128",
        "32768",
        "2147483648",
        "-2147483649",
        "9223372036854775808",
        "1" * 40,
        "0." + "1" * 40,
        "1e39",
        "1/0",
        "0/0",
        "Infinity",
        "-Infinity",
        "inf",
        "nan",
        "-nan",
        "1f",
        "1d",
        "1L",
        "0.1f",
    )
    yield from (
        "true",
        "True",
        "FALSE",
        "t",
        "f",
        "T",
        "F",
        "y",
        "n",
        "Y",
        "N",
        "1",
        "none",
        "None",
        "nil",
        "undefined",
        "N/A",
        "#N/A",
        "-",
        "1970-01-01",
        "0000-00-00",
        "2023-02-29",
        "9999-12-31T23:59:59.999999Z",
        "12:60",
        "P1D",
    )


def _long() -> Iterator[str]:
    yield from (
        "x" * 31,
        "x" * 32,
        "x" * 33,
        "x" * 15 + "\U0010ffff",
        "\U0010ffff" * 32,
        "\uffff" * 33,
        "ß" * 300,
        "a" * 70_000,
        '"' * 4001,
        "\n" * 300,
        "[" * 150,
        "{" * 150,
        "😀" * 20_000,
        "\\" * 1000,
        "a," * 3000,
    )


CATEGORIES = {
    maker.__name__.removeprefix("_"): tuple(maker())
    for maker in (_quotes, _space, _control, _unicode, _emoji, _sql, _programs, _paths, _numbers, _long)
}
HOSTILE = tuple(dict.fromkeys(text for texts in CATEGORIES.values() for text in texts))
"""All of them."""
