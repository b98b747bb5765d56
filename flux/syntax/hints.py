"""What a syntax error says: what was found, what was expected, in people's words, and what to do.

The parser knows kinds of tokens; the tables here turn them into words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flux.errors import ParseError
from flux.source import Span

# What a reader calls a group of tokens that can all stand in one place, and one member of it.
_GROUPS: tuple[tuple[str, str], ...] = (
    ("a value", "NUMBER"),
    ("a name", "NAME"),
    ("an operator", "ADD"),
    ("`=`", "EQUAL"),
    ("`:`", "COLON"),
    ("`,`", "COMMA"),
    ("`)`", "RPAR"),
    ("`]`", "RSQB"),
    ("an indented body", "_INDENT"),
    ("the end of the line", "_NEWLINE"),
)

_FOUND: Mapping[str, str] = {
    "$END": "the end of the text",
    "_NEWLINE": "the end of the line",
    "_INDENT": "a line that is indented further",
    "_DEDENT": "the end of the body",
}

# Spellings of other languages.
_FOREIGN: Mapping[str, str] = {
    "=>": "write `>=`",
    "=<": "write `<=`",
    "<>": "write `!=`",
    "&": "write `and` or `&&`",
    "|": "write `or` or `||`; the magnitude of x is `abs(x)`",
    "{": "lists and sets are not in the language; group with `(` and `)`",
    "}": "lists and sets are not in the language; group with `(` and `)`",
    '"': "texts are not in the language; a name with spaces stands in backticks",
    "'": "texts are not in the language; the derivative of f is `diff(f, x)`",
    "`": "a name in backticks ends with a backtick on the same line",
    ".": "a number needs a digit beside its point",
    "@": "the product over a shared axis k is `sum[k](a * b)`",
    "\\": "a line continues inside brackets, or where the next one is indented further",
    "=": "compare with `==`; a formula is a value, not an equation",
    "!": "`not` is written before its operand: `not a` or `!a`",
}

_ASCII_FOR: Mapping[int, str] = {
    0x00D7: "*",
    0x00B7: "*",
    0x00F7: "/",
    0x2212: "-",
    0x2013: "-",
    0x2014: "-",
    0x2264: "<=",
    0x2265: ">=",
    0x2260: "!=",
    0x00B2: "^2",
    0x00B3: "^3",
    0x03C0: "pi",
    0x221A: "sqrt(...)",
    0x2018: "`",
    0x2019: "`",
    0x00A0: "a plain space",
    0x221E: "inf",
    0x2211: "sum[axis](...)",
    0x2202: "diff(f, x)",
    0x03B1: "alpha",
    0x03B2: "beta",
    0x03B3: "gamma",
    0x03BB: "lambda",
    0x03BC: "mu",
    0x03C3: "sigma",
}


def unexpected(
    kind: str, found: Span, expected: frozenset[str], last: str, opening: Span | None
) -> ParseError:
    """The error for a token of some kind that cannot stand here.

    Args:
        kind: of the token.
        found: its place.
        expected: the kinds that could stand here.
        last: the kind before it.
        opening: the innermost open bracket.
    """
    if kind == "$END" and not last:
        hint = "write a formula, such as `a + b*2`"
        return ParseError("the text is empty", (Span(found.source, 0, 0),), hint)
    if opening is None and kind in _CLOSING:
        text = f"`{found.text}` closes nothing"
        return ParseError(text, (found,), "take it out, or open it before")
    if opening is not None and _left_open(kind, found, opening, expected):
        return _unclosed(found, opening, kind)
    found = _whole_operator(found)
    text = f"found {_words(kind, found)}, expected {_expectation(expected)}"
    return ParseError(text, (found,), _hint(kind, found, last, expected))


_CLOSING = {"RPAR": "(", "RSQB": "["}


def _left_open(kind: str, found: Span, opening: Span, expected: frozenset[str]) -> bool:
    """Whether the mistake is that a bracket was left open, rather than this token."""
    if kind in _CLOSING:
        return _CLOSING[kind] != opening.text
    return kind == "$END" or (("RPAR" in expected or "RSQB" in expected) and _begins_line(found))


def _begins_line(found: Span) -> bool:
    """Whether only blanks stand before a token on its line."""
    text = found.source.text
    start = text.rfind("\n", 0, found.start) + 1
    return start > 0 and not text[start : found.start].strip()


def _unclosed(found: Span, opening: Span, kind: str) -> ParseError:
    closing = {"(": ")", "[": "]"}[opening.text]
    text = f"`{opening.text}` is never closed"
    if kind in _CLOSING:
        text = f"`{opening.text}` is closed by `{found.text}`"
    return ParseError(text, (opening,), f"write `{closing}` where it ends")


def _whole_operator(found: Span) -> Span:
    """The place of an operator of another language that was scanned as two tokens."""
    wider = Span(found.source, max(found.start - 1, 0), found.end)
    return wider if wider.text in ("=>", "=<", "<>") else found


def _words(kind: str, found: Span) -> str:
    return _FOUND.get(kind) or f"`{_shortened(found.text)}`"


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def _expectation(expected: frozenset[str]) -> str:
    """The groups that could stand here; signs are part of a value where one is expected."""
    words = [word for word, member in _GROUPS if member in expected]
    if "a value" in words:
        words = [word for word in words if word not in ("a name", "an operator")]
    if "an operator" in words and "_NEWLINE" in expected:
        words = [word for word in words if word not in ("`=`", "`:`")]
    words = words or ["the end of the line"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


_VALUES = frozenset(("NAME", "NUMBER", "QUOTED", "RPAR", "RSQB"))

# Words of other languages, and what is written instead.
_WORDS: Mapping[str, str] = {
    "mod": "the remainder is `a % b`, or `mod(a, b)`",
    "div": "a whole quotient is `floor(a/b)`",
    "xor": "of truth values it is `a != b`",
    "then": "a choice is `condition ? a : b`, or `where(condition, a, b)`",
    "else": "a choice is `condition ? a : b`, or `where(condition, a, b)`",
    "if": "a choice is `condition ? a : b`, or `where(condition, a, b)`",
    "def": "a definition is `f(x) = ...`, or `f(x):` with an indented body",
    "lambda": "a definition is `f(x) = ...`",
    "let": "a name is bound by `name = ...`",
    "return": "the last line of a body is its value",
    "for": "an axis takes the place of a loop: `sum[t](x)`",
    "import": "definitions of a file are read by flux.load",
}


def _hint(kind: str, found: Span, last: str, expected: frozenset[str]) -> str:
    text = found.source.text
    if last == "COLON" and "_NEWLINE" in expected:
        return "the body stands on the lines below, indented; on one line it is `f(x) = ...`"
    if kind == "EQUAL" and "COLON" in expected:
        return "the body of a layer stands on the lines below, after `:`"
    if last in _VALUES and _begins_line(found):
        return "a line that is indented further continues the one before"
    if last in _VALUES and kind in ("NAME", "NUMBER", "QUOTED", "LPAR"):
        before = re.search(r"\w*\Z", text[: found.start].rstrip())
        words = (found.text, before.group() if before else "")
        known = (_WORDS[word] for word in words if word in _WORDS)
        return next(known, "multiplication is written `*`")
    if last == "NUMBER" and kind == "COMMA" and text[found.end : found.end + 1].isdigit():
        return "the point of a number is `.`"
    if not found.text.strip():
        return ""
    for spelling in (found.text, text[found.start : found.end + 1]):
        if spelling in _FOREIGN:
            return _FOREIGN[spelling]
    return ""


def stray_character(found: Span) -> ParseError:
    """The error for a character outside the language."""
    code = ord(found.text)
    spelling = _ASCII_FOR.get(code)
    hint = f"write `{spelling}`" if spelling else "texts are ASCII"
    return ParseError(f"U+{code:04X} is not a character of the language", (found,), hint)


def indentation(found: Span) -> ParseError:
    """The error for a line whose indentation fits no line before it."""
    return ParseError(
        "this line is indented like none before it",
        (found,),
        "align it with the body that it belongs to",
    )
