"""What `flux repl` does, without a terminal: lines in, texts out.

A session keeps definitions and values. A line is a formula, a value `x = 3`, a definition
`f(x) = x^2`, or one of a few commands; a definition whose first line ends with `:` goes on to the
next empty line. Errors are raised, with places in what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from flux.calculus.substitute import subs
from flux.cli.explain import explained, known_functions
from flux.cli.numbers import show_number
from flux.errors import ArgumentError, FluxError, UnknownNameError
from flux.expr import Expr, inputs
from flux.expr.evaluate import evaluate
from flux.expr.node import NAMED_CONSTANTS
from flux.precision import check_precision, evaluate_digits
from flux.precision.digits import checked_digits
from flux.source import Source, Span
from flux.syntax import Block, load_text, parse_ast, parse_block
from flux.syntax.tree import Binding, Call, Declaration, Define, Index, Name, Param, Tree

_NAME = "<input>"
_WORDS = ("check", "digits", "forget", "help", "names", "quit")
_HELP = """\
2*pi                     a value
x = 3                    keep a value; ans is the last one
f(t, k) = exp(-k*t)      keep a function (a longer one: f(t): and lines below, then an empty line)
diff(f(t, 2), t)         a derivative
help sin                 what a function is; help alone prints this
check 1 - cos(x)         how many digits are right
digits 50                from now on so many digits, proved; digits off
names                    what is kept; forget x drops it
quit                     end (so does the end of the input)"""


class Session:
    """Definitions, values, and the lines of a definition that is not finished yet.

    Attributes:
        done: whether the session was asked to end.
    """

    def __init__(self) -> None:
        self.done = False
        self._definitions: dict[str, str] = {}
        self._values: dict[str, Expr] = {}
        self._digits: int | None = None
        self._pending: list[str] = []

    @property
    def pending(self) -> bool:
        """Whether more lines belong to what was typed."""
        return bool(self._pending)

    def cancel(self) -> None:
        """Forget the lines of an unfinished definition."""
        self._pending = []

    def feed(self, line: str) -> str:
        """What a line prints; empty where it prints nothing, or is not the last one.

        Raises:
            FluxError: the line is not in the language, or has no value.
        """
        if self._pending or _begins_block(line):
            self._pending.append(line)
            if line.strip():
                return ""
            line = "\n".join(self._pending)
            self._pending = []
        text = line.strip("\n").rstrip()
        if not text.strip() or text.lstrip().startswith("#"):
            return ""
        return self._command(text) or ""

    def _command(self, text: str) -> str:
        word, _, rest = text.strip().partition(" ")
        rest = rest.strip()
        if word == "exit" and not rest:
            word = "quit"
        if word not in _WORDS or word in self._values or rest.startswith(("=", "(")):
            return self._statement(text)
        actions = {
            "check": self._check,
            "digits": self._set_digits,
            "forget": self._forget,
            "help": self._help,
            "names": self._names,
            "quit": self._quit,
        }
        return actions[word](rest)

    # Commands.

    def _help(self, name: str) -> str:
        return explained(name, self._definitions) if name else _HELP

    def _names(self, _: str) -> str:
        values = [f"{name} = {e.simplify()}" for name, e in self._values.items()]
        return "\n".join([*self._definitions.values(), *values]) or "nothing is kept"

    def _forget(self, name: str) -> str:
        if name not in self._definitions and name not in self._values:
            raise UnknownNameError(f"nothing is kept as `{name}`")
        self._definitions.pop(name, None)
        self._values.pop(name, None)
        return ""

    def _set_digits(self, text: str) -> str:
        if text == "off":
            self._digits = None
        elif text.isascii() and text.isdigit() and len(text) < 10:
            self._digits = checked_digits(int(text))
        else:
            raise ArgumentError("digits takes a whole number, or off", hint="such as digits 50")
        return ""

    def _check(self, text: str) -> str:
        if not text:
            raise ArgumentError("check takes a formula", hint="such as check 1 - cos(x)")
        block = self._parsed(text)
        return str(check_precision(block.result, self._numbers(block.result)))

    def _quit(self, _: str) -> str:
        self.done = True
        return ""

    # Statements.

    def _statement(self, text: str) -> str:
        tree = parse_ast(text, _NAME)
        if len(tree.statements) == 1:
            (statement,) = tree.statements
            if _is_definition(statement):
                return self._define(text, statement)
            if isinstance(statement, Binding) and isinstance(statement.target, Name):
                return self._bind(statement.target.name, text)
            if isinstance(statement, Declaration | Param):
                raise ArgumentError(
                    "a declaration stands in a definition or a file",
                    spans=(tree.span(statement),),
                )
        block = self._parsed(text)
        answer = self._shown(block, text)
        self._values["ans"] = self._substituted(block.result)
        return answer

    def _define(self, text: str, statement: Tree) -> str:
        name = _defined_name(statement)
        kept = {key: part for key, part in self._definitions.items() if key != name}
        try:
            load_text(_joined([*kept.values(), text])[0])
            parse_block(_joined([*kept.values(), text, "0"])[0])
        except FluxError as error:
            raise _relocated(error, [*kept.values(), text]) from None
        self._definitions = {**kept, name: text}
        self._values.pop(name, None)
        return ""

    def _bind(self, name: str, text: str) -> str:
        block = self._parsed(text)
        value = self._substituted(block.result)
        if any(x.attributes.name == name for x in inputs(value)):
            raise ArgumentError(f"`{name}` is defined by itself", spans=_whole(text))
        answer = self._shown(block, text)
        self._values[name] = value
        return f"{name} = {answer}" if "\n" not in answer else answer

    def _parsed(self, text: str) -> Block:
        parts = [*self._definitions.values(), text]
        joined, _ = _joined(parts)
        try:
            return parse_block(joined, _NAME, given=self._values)
        except FluxError as error:
            raise _relocated(error, parts) from None

    def _shown(self, block: Block, text: str) -> str:
        """The value where every name has one, else the formula, simplified."""
        e = block.result
        values = self._numbers(e)
        if any(x.attributes.name not in values for x in inputs(e)):
            return str(self._substituted(e).simplify())
        try:
            if self._digits is not None and not e.axes:
                return str(evaluate_digits(e, self._digits, values, block.origins))
            floats = {name: evaluate(value) for name, value in values.items()}
            return _written(evaluate(e, floats, origins=block.origins))
        except FluxError as error:
            raise _relocated(error, [*self._definitions.values(), text]) from None

    def _numbers(self, e: Expr) -> dict[str, Expr]:
        """The values of a formula's names that need no further ones."""
        found = {}
        for x in inputs(e):
            name = x.attributes.name
            if name in self._values:
                value = self._substituted(self._values[name])
                if not inputs(value):
                    found[name] = value
        return found

    def _substituted(self, e: Expr) -> Expr:
        """A formula with the values that are kept in place of their names."""
        for _ in range(len(self._values)):
            known = {
                x.attributes.name: self._values[x.attributes.name]
                for x in inputs(e)
                if x.attributes.name in self._values
            }
            if not known:
                break
            e = subs(e, known)
        return e

    # Completion.

    def completions(self, start: str) -> list[str]:
        """The names that begin so, in order."""
        known = {*self._values, *self._definitions, *known_functions(), *NAMED_CONSTANTS, *_WORDS}
        return sorted(name for name in known if name.startswith(start))


def _written(value: object) -> str:
    return show_number(value) if isinstance(value, int | float) else str(value)


_COMMENT = re.compile(r"#.*")


def _begins_block(line: str) -> bool:
    """Whether a first line is the header of a definition whose body follows."""
    return _COMMENT.sub("", line).rstrip().endswith(":")


def _is_definition(statement: Tree) -> bool:
    if isinstance(statement, Define):
        return True
    return isinstance(statement, Binding) and isinstance(statement.target, Call)


def _defined_name(statement: Tree) -> str:
    """The name in a header such as `f[d](x) = ...`; a derivative has a key of its own."""
    assert isinstance(statement, Define | Binding)
    header = statement.header if isinstance(statement, Define) else statement.target
    while isinstance(header, Call | Index):
        header = header.function if isinstance(header, Call) else header.target
    name = header.name if isinstance(header, Name) else "?"
    derivative = isinstance(statement, Define) and statement.word == "derivative"
    return f"derivative of {name}" if derivative else name


# ---- Places --------------------------------------------------------------------------------------


def _joined(parts: Iterable[str]) -> tuple[str, list[int]]:
    """Texts below one another, and where each begins."""
    starts, length, kept = [], 0, list(parts)
    for part in kept:
        starts.append(length)
        length += len(part) + 1
    return "\n".join(kept), starts


def _relocated(error: FluxError, parts: list[str]) -> FluxError:
    """The error with places in the part where they are, not in all parts together."""
    joined, starts = _joined(parts)
    sources = [Source(part, _NAME) for part in parts]
    for one in error.errors:
        one.spans = tuple(_moved(span, joined, starts, sources) for span in one.spans)
    return error


def _moved(span: Span, joined: str, starts: list[int], sources: list[Source]) -> Span:
    if span.source.text != joined:
        return span
    number = max(i for i, start in enumerate(starts) if start <= span.start)
    return Span(sources[number], span.start - starts[number], span.end - starts[number])


def _whole(text: str) -> tuple[Span, ...]:
    return (Span(Source(text, _NAME), 0, len(text)),)
