"""The grammar of DQDL, and how a text that breaks it is told to people.

Source: AWS Glue Developer Guide, "Data Quality Definition Language (DQDL) reference" and "DQDL rule type reference".
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from lakehouse.errors import ConfigError, RulesetError
from lakehouse.quality.building import Builder, RefusedError
from lakehouse.quality.rules import Ruleset

if TYPE_CHECKING:
    from lark import Lark

MAX_CHARACTERS = 500_000
"""Eight times what the Glue Data Catalog takes, as jobs may carry long queries."""

LONGEST_SHOWN = 30
"""How many characters of what is wrong are shown."""

GRAMMAR = r"""
start: metadata? data_sources? (constant | default_labels)* (rules analyzers? | analyzers)

metadata: _METADATA _EQUAL dictionary
data_sources: _DATA_SOURCES _EQUAL dictionary
dictionary: "{" pair ("," pair)* "}"
pair: STRING ":" (STRING | strings)
strings: "[" STRING ("," STRING)* "]"
constant: NAME _EQUAL (word | words)
words: "[" word ("," word)* "]"
?word: STRING -> text
     | KEYWORD -> special
default_labels: DEFAULT_LABELS _EQUAL label_list
label_list: "[" label ("," label)* "]"
label: STRING _EQUAL STRING

rules: _RULES _EQUAL "[" (entry ("," entry)*)? "]"
?entry: rule | either
either: both (_OR both)*
both: group (_AND group)*
?group: "(" entry ")"
rule: NAME parameter* condition? where? (threshold | option | labels)*
parameter: (_OF | _AND)? (STRING | NAME | CONSTANT)
where: _WHERE STRING
threshold: WITH _THRESHOLD condition
option: WITH NAME _EQUAL (NUMBER | STRING | NAME | strings)
labels: LABELS _EQUAL label_list

analyzers: _ANALYZERS _EQUAL "[" (analyzer ("," analyzer)*)? "]"
analyzer: NAME parameter* settings*
settings: WITH setting (_AND_SETTING setting)*
setting: NAME _EQUAL (NUMBER | STRING | NAME)

?condition: (EQUAL | ORDER) operand -> comparison
          | [NOT] _BETWEEN operand _AND operand -> between
          | [NOT] _IN (operands | CONSTANT) -> contained
          | [NOT] _MATCHES STRING -> matches
operands: "[" operand ("," operand)* "]"
?operand: sum
        | duration
        | NUMBER SIZE_UNIT -> size
        | NOW -> now
        | "(" NOW (PLUS | MINUS) duration ")" -> now
        | STRING -> literal
        | KEYWORD -> special
        | CONSTANT -> reference
duration: NUMBER DURATION_UNIT
?sum: product
    | sum (PLUS | MINUS) product -> arithmetic
?product: atom
        | product (TIMES | OVER) atom -> arithmetic
?atom: NUMBER -> number
     | MINUS NUMBER -> negative
     | NAME "(" (sum ("," sum)*)? ")" -> call
     | "(" sum ")"

_METADATA.2: /Metadata(?![\w.])/
_DATA_SOURCES.2: /DataSources(?![\w.])/
DEFAULT_LABELS.2: /DefaultLabels(?![\w.])/
_RULES.2: /Rules(?![\w.])/
_ANALYZERS.2: /Analyzers(?![\w.])/
_AND.2: /(and|AND)(?![\w.])/
_OR.2: /(or|OR)(?![\w.])/
_OF.2: /of(?![\w.])/
NOT.2: /(not|NOT)(?![\w.])/
_BETWEEN.2: /(between|BETWEEN)(?![\w.])/
_IN.2: /(in|IN)(?![\w.])/
_MATCHES.2: /matches(?![\w.])/
_WHERE.2: /where(?![\w.])/
WITH.2: /with(?![\w.])/
_THRESHOLD.2: /threshold(?![\w.])/
LABELS.2: /labels(?=\s*=)/
KEYWORD.2: /(NULL|null|EMPTY|empty|WHITESPACES_ONLY|whitespaces_only)(?![\w.])/
DURATION_UNIT.2: /(days|hours|minutes)(?![\w.])/
SIZE_UNIT.2: /(B|KB|MB|GB|TB)(?![\w.])/
NOW.2: /now\(\)/
_AND_SETTING.2: /,(?=\s*[A-Za-z_][\w.]*\s*=)/
_EQUAL: "="
EQUAL: "="
ORDER: /!=|>=|<=|>|</
PLUS: "+"
MINUS: "-"
TIMES: "*"
OVER: "/"
NUMBER: /[0-9]+(\.[0-9]+)?/
STRING: /"([^"\\]|\\.)*"/s
CONSTANT: /\$[A-Za-z_][A-Za-z0-9_.]*/
NAME: /(?!(and|AND|or|OR|of|not|NOT|between|BETWEEN|in|IN|matches|where|with|labels)(?![\w.]))[A-Za-z_][A-Za-z0-9_.]*/
COMMENT: /#[^\n]*/
%ignore COMMENT
%ignore /[ \t\r\n\f]+/
"""

WORDS = {
    "_METADATA": "Metadata", "_DATA_SOURCES": "DataSources", "DEFAULT_LABELS": "DefaultLabels", "_RULES": "Rules",
    "_ANALYZERS": "Analyzers", "_AND": "and", "_OR": "or", "_OF": "of", "NOT": "not", "_BETWEEN": "between", "_IN": "in",
    "_MATCHES": "matches", "_WHERE": "where", "WITH": "with", "_THRESHOLD": "threshold", "LABELS": "labels",
    "KEYWORD": "NULL, EMPTY or WHITESPACES_ONLY", "DURATION_UNIT": "days, hours or minutes", "SIZE_UNIT": "B, KB, MB, GB or TB",
    "NOW": "now()", "_EQUAL": '"="', "EQUAL": '"="', "PLUS": '"+"', "MINUS": '"-"', "TIMES": '"*"', "OVER": '"/"',
    "NUMBER": "a number", "STRING": "a text in quotes", "CONSTANT": "a constant such as $name", "NAME": "a name",
    "LPAR": '"("', "RPAR": '")"', "LSQB": '"["', "RSQB": '"]"', "LBRACE": '"{"', "RBRACE": '"}"', "COMMA": '","',
    "COLON": '":"', "_AND_SETTING": '","', "$END": "the end",
}  # fmt: skip
"""Every terminal in words of the language; a test holds it to the grammar."""

SECTIONS = {name.lower(): name for name in ("Metadata", "DataSources", "DefaultLabels", "Rules", "Analyzers")}

GROUPS = (
    ({"EQUAL", "ORDER", "NOT", "_BETWEEN", "_IN", "_MATCHES"}, "a condition (=, !=, >, >=, <, <=, between, in, matches, not)"),
    ({"STRING", "NUMBER", "NOW", "KEYWORD", "CONSTANT", "NAME", "MINUS", "LPAR"}, "a value"),
    ({"STRING", "NAME", "CONSTANT", "_OF", "_AND"}, "a parameter"),
    ({"PLUS", "MINUS", "TIMES", "OVER"}, 'one of "+", "-", "*", "/"'),
    ({"_METADATA", "_DATA_SOURCES", "DEFAULT_LABELS", "NAME", "_RULES", "_ANALYZERS"}, "a section such as Rules"),
    ({"NAME", "LPAR", "RSQB"}, 'a rule or "]"'),
    ({"NAME", "LPAR"}, "a rule"),
)  # fmt: skip
"""What may stand at one place for one reason is told in one word; the first that fits counts."""


def read(text: str) -> Ruleset:
    """Read a text by the grammar.

    Raises:
        RulesetError: the text is not DQDL; with the place and what was expected there.
        ConfigError: the library that reads grammars is not installed.
    """
    if len(text) > MAX_CHARACTERS:
        msg = f"the ruleset has {len(text):,} characters, more than {MAX_CHARACTERS:,}; divide it"
        raise RulesetError(msg, line=1, column=1)
    parser = _parser()
    from lark import UnexpectedInput  # noqa: PLC0415  only where it is used

    try:
        ruleset: Any = parser.parse(text)  # the builder makes a ruleset where lark makes a tree
    except UnexpectedInput as error:
        raise _syntax_error(error, text) from None
    except RefusedError as error:
        raise point_at(text, error.line, error.column, error.reason) from None
    return cast("Ruleset", ruleset)


@cache
def _parser() -> Lark:
    try:
        from lark import Lark  # noqa: PLC0415  only where it is used
    except ImportError as error:
        msg = "DQDL needs lark: install lakehouse[quality]"
        raise ConfigError(msg) from error
    return Lark(GRAMMAR, parser="lalr", lexer="contextual", transformer=Builder(), maybe_placeholders=True)


def point_at(text: str, line: int, column: int, reason: str) -> RulesetError:
    """An error that shows the line it is about, and by a caret where in it."""
    lines = text.split("\n")
    shown = lines[line - 1].rstrip("\r").replace("\t", " ") if line <= len(lines) else ""
    start = max(0, column - 1 - 60)
    caret = " " * (column - 1 - start) + "^"
    msg = f"line {line}, column {column}: {reason}\n    {shown[start : start + 100]}\n    {caret}"
    return RulesetError(msg, line=line, column=column)


def _syntax_error(error: Any, text: str) -> RulesetError:
    expected = _in_words(set(error.interactive_parser.accepts()))
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        lines = text.rstrip().split("\n")
        return point_at(text, len(lines), len(lines[-1]) + 1, f"the text ends here, where {expected} is expected")
    found = text[error.pos_in_stream] if token is None else str(token)
    if token is None and found == '"':
        return point_at(text, error.line, error.column, "this text in quotes is not closed")
    reason = f"expected {expected}, not {_shown(found)}{_hint(text, error.pos_in_stream)}"
    return point_at(text, error.line, error.column, reason)


def _hint(text: str, position: int) -> str:
    """What was probably meant, where that is known."""
    if text.startswith(("//", "/*"), position):
        return "; a comment begins with #"
    before = re.search(r"(\w+)\s*=\s*\[\s*\Z", text[max(0, position - 100) : position])
    meant = SECTIONS.get(before[1].lower()) if before else None
    return f"; the section is written {meant}" if before and meant and meant != before[1] else ""


def _in_words(terminals: set[str]) -> str:
    words = []
    for group, name in GROUPS:
        if group <= terminals:
            terminals -= group
            words.append(name)
    words += sorted({WORDS[one] for one in terminals - {"ORDER"}}, key=lambda word: (word.startswith('"'), word))
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _shown(found: str) -> str:
    if not found.isprintable():
        return ascii(found[:LONGEST_SHOWN])
    short = found if len(found) <= LONGEST_SHOWN else f"{found[:LONGEST_SHOWN]}..."
    return short if found[0].isalnum() or found[0] in '_$"' else f'"{short}"'
