"""Read a text: characters in, the syntax tree out.

One loop scans a token, keeps the indentation, and runs the LALR parse table that Lark made from the
grammar (`generate.py`), building the tree as rules complete. A text is refused at the first token
past a limit, an error ends its line only, and nothing here recurses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Any

from flux.errors import FluxError, LimitError, ParseError
from flux.settings import current
from flux.source import Source, Span
from flux.syntax.actions import ACTIONS, Action
from flux.syntax.hints import indentation, stray_character, unexpected
from flux.syntax.scan import Scanner
from flux.syntax.tree import Text


@dataclass(frozen=True, slots=True)
class _Rule:
    target: str
    size: int
    build: Action | None  # None passes the kept child on
    kept: Callable[[list[Any]], Sequence[Any]]  # of the values, those that count


_TABLE = json.loads(Path(__file__).with_name("table.json").read_text(encoding="ascii"))
_ROWS: list[dict[str, int]] = _TABLE["rows"]
_ACCEPT: int = _TABLE["accept"]


def _picked(places: Sequence[int]) -> Callable[[list[Any]], Sequence[Any]]:
    """What gives the values at some places, counted from the last one."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1 or None) if places else slice(0))


_RULES = [
    _Rule(target, size, None if action is None else ACTIONS[action], _picked(kept))
    for target, size, action, kept in _TABLE["rules"]
]
# By action, -1 - rule: the rule, and what one of one child that it passes on makes of it, or None.
_BY_ACTION = _RULES[::-1]
_PASSED_ON = [r.target if r.size == 1 and r.build is None else None for r in _BY_ACTION]


def _rule_alone(state: int) -> _Rule | None:
    """The rule that a state completes whatever comes next, where it is of one child."""
    actions = list(set(_ROWS[state].values()))
    if len(actions) != 1 or actions[0] >= 0:
        return None
    rule = _BY_ACTION[actions[0]]
    return rule if rule.size == 1 and rule.build is not None else None


_NAMES = [name for name, _ in _TABLE["terminals"]]
# The kinds of token that are a tree by themselves, such as numbers and names.
_LEAVES = {
    kind: rule
    for row in _ROWS
    for kind, action in row.items()
    if kind in _NAMES and action >= 0 and (rule := _rule_alone(action)) is not None
}

_SCANNER = Scanner(_TABLE["terminals"])
_BRACKETS = {"LPAR": "RPAR", "LSQB": "RSQB"}
_CLOSING = frozenset(_BRACKETS.values())


# The state after all the rules of one child that a token completes, one precedence after another:
# by the state below, the state before, and the kind of the token. At most one entry a triple.
_CLIMBED: dict[tuple[int, int, str], int] = {}


def _climb(below: int, state: int, kind: str) -> int:
    start = state
    while True:
        action = _ROWS[state].get(kind)
        passed_on = None if action is None or action >= 0 else _PASSED_ON[action]
        if passed_on is None:
            _CLIMBED[below, start, kind] = state
            return state
        state = _ROWS[below][passed_on]


def read(source: Source) -> Text:
    """The syntax tree of a text.

    Raises:
        ParseError: the text is not in the language; `errors` holds up to `max_errors` of them.
        LimitError: the text is too long or too deep, or a number has too many digits.
    """
    _refuse_early(source)
    parser = _Parser(source)
    errors: list[FluxError] = []
    furthest = -1
    position: int | None = 0
    while position is not None:
        try:
            parser.run(position)
            position = None
        except ParseError as error:
            if parser.failed > furthest:  # else it follows from the error before
                errors.append(error)
            furthest = max(furthest, parser.failed)
            position = parser.recover() if len(errors) < current().max_errors else None
    if errors:
        errors[0].errors = tuple(errors)
        raise errors[0]
    return Text(source, tuple(parser.values[-1]))


# ---- Limits that need no parser ------------------------------------------------------------------


def _refuse_early(source: Source) -> None:
    text, limits = source.text, current()
    if len(text) > limits.max_source_bytes:
        raise LimitError(
            f"the text has {len(text)} characters; "
            f"the limit is {limits.max_source_bytes} (setting max_source_bytes)"
        )
    if not text.isascii() or not text.isprintable():
        _refuse_characters(source)
    if text.count("(") + text.count("[") > limits.max_depth:
        _refuse_depth(source)
    literal = re.search(rf"(?<![0-9.])\.?(?:[0-9]\.?){{{limits.max_literal + 1}}}", text)
    if literal:
        raise _long_literal(Span(source, literal.start(), literal.end()))


_ALLOWED = re.compile(r"[^\t\n\r -~]")


def _refuse_characters(source: Source) -> None:
    found = _ALLOWED.search(source.text)
    if found:
        raise stray_character(Span(source, found.start(), found.end()))


_SIGNS = bytes.maketrans(b"([)]", b"\1\1\xff\xff")
_NO_BRACKETS = bytes(set(range(128)) - set(b"([)]"))


def _refuse_depth(source: Source) -> None:
    text = source.text
    deep = _bracket_depth(text) > current().max_depth
    if deep and ("#" in text or "`" in text):
        bare = re.sub(r"#[^\n]*|`[^`\n]*`", "", text)
        deep = _bracket_depth(bare) > current().max_depth
    if deep:
        raise _too_deep(None)


def _bracket_depth(text: str) -> int:
    """How deep brackets nest: the largest sum of +1 for an opening and -1 for a closing one."""
    signs = text.encode().translate(_SIGNS, _NO_BRACKETS)
    return max(accumulate(memoryview(signs).cast("b")), default=0)


def _too_deep(span: Span | None) -> LimitError:
    text = f"brackets and prefixes nest deeper than {current().max_depth} (setting max_depth)"
    return LimitError(text, (span,) if span else ())


def _long_literal(span: Span) -> LimitError:
    text = f"a number has more than {current().max_literal} digits (setting max_literal)"
    return LimitError(text, (span,))


def _digits(number: str) -> int:
    """Of a number or its exponent, whichever has more."""
    mantissa, _, exponent = number.lower().partition("e")
    return max(len(mantissa.replace(".", "")), len(exponent.lstrip("+-")))


# ---- The parser ----------------------------------------------------------------------------------


class _Parser:
    """The stacks of one run over a text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.states = [0]
        self.values: list[Any] = []
        self.starts: list[int] = []
        self.end = 0  # past the last character that was shifted
        self.brackets: list[tuple[str, int]] = []  # the closing kind that each open one needs
        self.indents: list[int] = []
        self.line_start = True
        self.mark = (1, 0)  # heights of states and indents where the current line began
        self.fresh = False  # whether the next token is the first of its line
        self.line_offset = 0
        self.failed = 0  # where the last error was found
        self.last = ""
        self.literal = current().max_literal
        self.depth = current().max_depth

    def run(self, position: int) -> None:
        """Read from a position, which begins a line, to the end of the text."""
        kinds, signs = _SCANNER.kinds, _SCANNER.signs
        for match in _SCANNER.matches(self.source.text, position):
            group = match.lastindex or 0
            text, end = match[group], match.end()
            kind = kinds[group] or signs.get(text)
            if kind is None:
                continue
            start = end - len(text)
            if self.line_start and kind != "_NEWLINE":
                self.begin_line(start)
            if kind in _CLOSING:
                self.close(kind, start)
            elif kind == "_NEWLINE":
                self.newline(text, end)
            else:
                if kind in _BRACKETS:
                    self.brackets.append((_BRACKETS[kind], start))
                self.shift(kind, text, start, end)
        self.finish()

    def shift(self, kind: str, text: str, start: int, end: int) -> None:
        """Complete every rule that ends before this token, then take it."""
        states, values, starts = self.states, self.values, self.starts
        while True:
            action = _ROWS[states[-1]].get(kind)
            if action is None:
                raise self.unexpected(kind, start, end)
            if action >= 0:
                break
            if _PASSED_ON[action] is None:
                self.reduce(_BY_ACTION[action])
            else:
                key = (states[-2], states[-1], kind)
                climbed = _CLIMBED.get(key)
                states[-1] = _climb(*key) if climbed is None else climbed
        if len(states) > self.depth:
            raise _too_deep(Span(self.source, start, end))
        if self.fresh:
            self.mark, self.fresh = (len(states), len(self.indents)), False
        leaf = _LEAVES.get(kind)
        if leaf is None:
            states.append(action)
            values.append(text)
        else:
            if len(text) > self.literal:
                self.check_literal(kind, text, start)
            states.append(_ROWS[states[-1]][leaf.target])
            values.append(leaf.build(start, end, text))  # type: ignore[misc]  # leaves build
        starts.append(start)
        self.end = end
        self.last = kind

    def check_literal(self, kind: str, text: str, start: int) -> None:
        """Refuse a number of too many digits."""
        if kind == "NUMBER" and _digits(text) > self.literal:
            raise _long_literal(Span(self.source, start, start + len(text)))

    def reduce(self, rule: _Rule) -> None:
        """Replace the children of a rule by what it builds of them."""
        size, states, values, starts = rule.size, self.states, self.values, self.starts
        if size == 1 and rule.build is not None:  # most rules: no stack grows or shrinks
            values[-1] = rule.build(starts[-1], self.end, values[-1])
            states[-1] = _ROWS[states[-2]][rule.target]
            return
        start = starts[-size] if size else self.end
        if rule.build is None:
            (value,) = rule.kept(values)
        else:
            value = rule.build(start, self.end, *rule.kept(values))
        state = _ROWS[states[-1 - size]][rule.target]
        if size:
            values[-size:] = (value,)
            states[-size:] = (state,)
            del starts[len(starts) - size + 1 :]
        else:
            values.append(value)
            states.append(state)
            starts.append(start)

    # ---- Lines and indentation ----

    def newline(self, text: str, end: int) -> None:
        """End the line, unless a bracket is open or the next line continues this one."""
        if self.brackets or self.line_start:
            return
        tail = text.rpartition("\n")[2]
        indent = _width(tail)
        last_line = end == len(self.source.text) or tail.lstrip().startswith("#")
        if not last_line and indent > self.indents[-1] and not self.opens_body():
            return
        self.shift("_NEWLINE", "", self.end, self.end)
        self.line_start = True

    def opens_body(self) -> bool:
        """Whether the line ended in the colon of a header."""
        return self.last == "COLON" and "_NEWLINE" in _ROWS[self.states[-1]]

    def begin_line(self, start: int) -> None:
        """Compare the indentation of a line with that of the one before."""
        self.line_start = False
        self.line_offset = start
        self.mark = (len(self.states), len(self.indents))
        text = self.source.text
        indent = _width(text[text.rfind("\n", 0, start) + 1 : start])
        if not self.indents:
            self.indents.append(indent)
        if indent > self.indents[-1]:
            self.shift("_INDENT", "", start, start)
            self.indents.append(indent)
        while indent < self.indents[-1]:
            self.dedent(indent, start)
        self.mark, self.fresh = (len(self.states), len(self.indents)), True

    def dedent(self, indent: int, start: int) -> None:
        """Close one body."""
        outer = self.indents[-2] if len(self.indents) > 1 else -1
        if indent > outer:
            self.failed = start
            raise indentation(Span(self.source, start, start + 1))
        self.indents.pop()
        self.shift("_DEDENT", "", self.end, self.end)

    def finish(self) -> None:
        """End the last line and every open body, and complete the text."""
        if self.brackets:
            raise self.unexpected("$END", len(self.source.text), len(self.source.text))
        if not self.line_start:
            self.shift("_NEWLINE", "", self.end, self.end)
            self.line_start = True
        while len(self.indents) > 1:
            self.indents.pop()
            self.shift("_DEDENT", "", self.end, self.end)
        while self.states[-1] != _ACCEPT:
            action = _ROWS[self.states[-1]].get("$END")
            if action is None or action >= 0:
                raise self.unexpected("$END", len(self.source.text), len(self.source.text))
            self.reduce(_BY_ACTION[action])

    # ---- Errors ----

    def close(self, kind: str, start: int) -> None:
        """Take a closing bracket, which must match the last open one."""
        if not self.brackets or self.brackets[-1][0] != kind:
            raise self.unexpected(kind, start, start + 1)
        self.shift(kind, self.source.text[start], start, start + 1)
        self.brackets.pop()

    def unexpected(self, kind: str, start: int, end: int) -> ParseError:
        """The error for a token that cannot stand here."""
        opening = None
        if self.brackets:
            opening = Span(self.source, self.brackets[-1][1], self.brackets[-1][1] + 1)
        self.failed = start
        found = Span(self.source, start, end)
        return unexpected(kind, found, frozenset(self.acceptable()), self.last, opening)

    def acceptable(self) -> Iterator[str]:
        """The kinds of token that could stand here."""
        return (kind for kind in _ROWS[self.states[-1]] if self.accepts(kind))

    def accepts(self, kind: str) -> bool:
        """Whether a token of this kind can be taken after the rules that it completes."""
        states = list(self.states[-64:])
        while True:
            action = _ROWS[states[-1]].get(kind)
            if action is None or action >= 0:
                return action is not None
            rule = _BY_ACTION[action]
            if rule.size >= len(states):
                return True
            if rule.size:
                del states[-rule.size :]
            states.append(_ROWS[states[-1]][rule.target])

    def recover(self) -> int | None:
        """Forget the line that holds an error; the start of the next one at its level or above."""
        height, level = self.mark
        level = max(level, 1)
        del self.states[height:], self.values[height - 1 :], self.starts[height - 1 :]
        del self.indents[level:]
        self.brackets.clear()
        self.line_start, self.last = True, ""
        text, limit = self.source.text, self.indents[-1] if self.indents else 0
        position = text.find("\n", self.line_offset)
        while position >= 0:
            line = re.compile(r"[ \t]*").match(text, position + 1)
            assert line is not None
            rest = text[line.end() : line.end() + 1]
            if rest not in ("", "\n", "\r", "#") and _width(line.group()) <= limit:
                return position + 1
            position = text.find("\n", position + 1)
        return None


def _width(indent: str) -> int:
    """Columns of indentation; a tab goes to the next multiple of 8."""
    blank = indent[: len(indent) - len(indent.lstrip(" \t"))]
    return len(blank.expandtabs(8))
