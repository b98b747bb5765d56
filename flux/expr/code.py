"""Write an expression as the source of a function in another language: what all of them share.

A scalar expression and a `Dialect`, which is a table of templates, go in; statements come out: a
temporary for each shared or deeply nested part, then the value. Text of a user survives only as
identifiers, each made of ASCII letters, digits and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flux.errors import ArgumentError, AxisError
from flux.expr.constants import constant_value
from flux.expr.node import Expr, show_axes
from flux.expr.traverse import fold, inputs, rebuild, topological
from flux.ops import Kind, Op

# Precedence, from loosest to tightest; an operand of a looser one stands in brackets.
CHOICE, OR, AND, NOT, COMPARISON, SUM, PRODUCT, PREFIX, POWER, ATOM = range(10)

_DEEPEST = 40  # nesting of one statement; C compilers promise 63 brackets
_LONGEST_NAME = 50  # characters; C compilers promise 63
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class Row:
    """How an operation is written.

    Attributes:
        template: the text, with the operands as @1, @2, ...
        level: its precedence.
        operands: the loosest precedence that each operand may have without brackets.
        truth: whether the text is a condition, and not a number.
        conditions: the operands that are conditions.
        helper: the name of the function beside the standard ones that it calls.
    """

    template: str
    level: int
    operands: tuple[int, ...]
    truth: bool = False
    conditions: tuple[int, ...] = ()
    helper: str = ""


@dataclass(frozen=True)
class Dialect:
    """A language to write in.

    Attributes:
        name: what errors call it.
        rows: by operation; one that is absent cannot be written.
        power: the row of a small whole power, with the exponent as @2; None where `rows` does.
        as_number: the row that makes a number of a condition.
        as_condition: the row that makes a condition of a number.
        numbers: the spelling of nan, inf.
        reserved: words that are no names.
    """

    name: str
    rows: Mapping[Op, Row]
    power: Row | None
    as_number: Row
    as_condition: Row
    numbers: Mapping[str, str]
    reserved: frozenset[str]


@dataclass(frozen=True)
class Code:
    """A function's parts, in the order in which they are written.

    Attributes:
        arguments: the inputs, by identifier.
        statements: temporaries, in order: the name, its text, and whether it is always needed.
        value: the text of the result.
        called: the operations that occur.
    """

    arguments: tuple[str, ...]
    statements: tuple[tuple[str, str, bool], ...]
    value: str
    called: tuple[Op, ...]


def write(e: Expr, name: str, dialect: Dialect) -> Code:
    """The parts of a function of that name.

    Raises:
        AxisError: the expression has named axes.
        ArgumentError: the dialect lacks an operation, or the name is none in it.
    """
    _check_name(name, dialect)
    root = fold(e, _without_marks)
    order = topological((root,))
    _check_operations(order, dialect)
    given = [x.attributes.name for x in inputs(root)]
    every = dict.fromkeys([*given, *(x.attributes.name for x in inputs(e))])
    names = identifiers(list(every), {*dialect.reserved, name})
    writer = _Writer(dialect, names)
    statements = _statements(order, writer, {*dialect.reserved, name, *names.values()})
    called = tuple(dict.fromkeys(part.op for part in order))
    return Code(tuple(names.values()), statements, writer.text(root), called)


def _without_marks(e: Expr, args: tuple[Expr, ...]) -> Expr:
    return args[0] if e.op in (Op.STOP, Op.CUSTOM) else rebuild(e, args)


def _check_name(name: object, dialect: Dialect) -> None:
    if not isinstance(name, str) or not _IDENTIFIER.match(name) or name in dialect.reserved:
        raise ArgumentError(f"{name!r} is no name of a function in {dialect.name}")


def _check_operations(order: Sequence[Expr], dialect: Dialect) -> None:
    for e in order:
        if e.axes or e.op.row.kind not in (Kind.LEAF, Kind.POINTWISE) or e.op in _OVER_AXES:
            what = show_axes(e.axes) if e.axes else f"`{e.op.row.name}`"
            raise AxisError(
                f"{dialect.name} is written for scalar formulas; a part of this one has {what}",
                hint="flux.compile runs it over arrays",
            )
        if e.op not in dialect.rows and e.op not in (Op.CONSTANT, Op.INPUT):
            raise ArgumentError(f"{dialect.name}'s standard library has no `{e.op.row.name}`")


_OVER_AXES = frozenset((Op.POSITION, Op.SIZE, Op.RANDOM))


# Names.


def identifiers(names: Sequence[str], taken: Container[str]) -> dict[str, str]:
    """An identifier for each name, the name itself where it is one and is not taken."""
    kept = {name for name in names if _is_free(name, taken)}
    used = set(kept)
    found: dict[str, str] = {}
    for name in names:
        found[name] = name if name in kept else _made_up(name, taken, used)
        used.add(found[name])
    return found


def _is_free(name: str, taken: Container[str]) -> bool:
    return bool(_IDENTIFIER.match(name)) and len(name) <= _LONGEST_NAME and name not in taken


def _made_up(name: str, taken: Container[str], used: Container[str]) -> str:
    stem = re.sub(r"[^A-Za-z0-9]+", "_", name[:_LONGEST_NAME]).strip("_")
    stem = f"v_{stem}".rstrip("_")
    found, number = stem, 1
    while found in used or found in taken:
        number += 1
        found = f"{stem}_{number}"
    return found


def _temporaries(taken: Container[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if f"t{number}" not in taken:
            yield f"t{number}"


# Statements.


def _statements(
    order: Sequence[Expr], writer: _Writer, taken: Container[str]
) -> tuple[tuple[str, str, bool], ...]:
    """A temporary for each part that is used twice or nests deeply."""
    uses = dict.fromkeys(order, 0)
    for e in order:
        for arg in e.args:
            uses[arg] += 1
    needed = _always_needed(order)
    fresh = _temporaries(taken)
    height: dict[Expr, int] = {}
    found: list[tuple[str, str, bool]] = []
    for e in order[:-1]:
        height[e] = 1 + max((height[arg] for arg in e.args), default=0)
        if e.args and (uses[e] > 1 or height[e] > _DEEPEST):
            name, text = next(fresh), writer.text(e)
            writer.temporaries[e] = name
            height[e] = 0
            found.append((name, text, e in needed))
    return tuple(found)


def _always_needed(order: Sequence[Expr]) -> set[Expr]:
    """The parts that are looked at whatever branch a choice takes."""
    needed = {order[-1]}
    for e in reversed(order):
        if e in needed:
            needed.update(e.args[:1] if e.op in (Op.WHERE, Op.AND, Op.OR) else e.args)
    return needed


# What is left to write: a text, or an operand, its loosest precedence, and whether as a condition.
_Piece = str | tuple[Expr, int, bool]


class _Writer:
    """Texts of expressions over names and temporaries."""

    def __init__(self, dialect: Dialect, names: Mapping[str, str]) -> None:
        self._dialect = dialect
        self._names = names
        self.temporaries: dict[Expr, str] = {}

    def text(self, e: Expr) -> str:
        """The expression as a number."""
        written: list[str] = []
        pending: list[_Piece] = [(e, CHOICE, False)]
        while pending:
            piece = pending.pop()
            if isinstance(piece, str):
                written.append(piece)
            else:
                pending.extend(reversed(self._pieces(*piece)))
        return "".join(written)

    def _pieces(self, e: Expr, loosest: int, condition: bool) -> list[_Piece]:
        pieces, level, truth = self._natural(e)
        if truth != condition:
            turn = self._dialect.as_condition if condition else self._dialect.as_number
            inner = _bracketed(pieces, level, turn.operands[0])
            level, pieces = turn.level, _around(turn.template, inner)
        return _bracketed(pieces, level, loosest)

    def _natural(self, e: Expr) -> tuple[list[_Piece], int, bool]:
        """The pieces of a node, their precedence, and whether they are a condition."""
        leaf = self._leaf(e)
        if leaf is not None:
            return [leaf], ATOM, False
        row, args = self._row(e)
        return _filled(row, args), row.level, row.truth

    def _leaf(self, e: Expr) -> str | None:
        if e in self.temporaries:
            return self.temporaries[e]
        if e.op is Op.INPUT:
            return self._names[e.attributes.name]
        if e.op is Op.CONSTANT:
            spelt = repr(constant_value(e))
            return self._dialect.numbers.get(spelt, spelt)
        return None

    def _row(self, e: Expr) -> tuple[Row, Sequence[Expr | str]]:
        power = self._dialect.power
        exponent = _small_exponent(e) if power is not None else None
        if power is not None and exponent is not None:
            return power, (e.args[0], str(exponent))
        return self._dialect.rows[e.op], e.args


def _small_exponent(e: Expr) -> int | None:
    """The exponent of a small whole power of something that is no number."""
    if e.op is not Op.POW or e.args[0].op is Op.CONSTANT or e.args[1].op is not Op.CONSTANT:
        return None
    kind, value = e.args[1].attributes
    return value if kind == "int" and 2 <= value <= _MOST_EXPONENT else None


_MOST_EXPONENT = 64


def _filled(row: Row, args: Sequence[Expr | str]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for i, text in enumerate(re.split(r"@(\d)", row.template)):
        if i % 2 == 0:
            pieces.append(text)
            continue
        place = int(text) - 1
        arg = args[place]
        as_condition = place in row.conditions
        pieces.append(arg if isinstance(arg, str) else (arg, row.operands[place], as_condition))
    return pieces


def _around(template: str, inner: Sequence[_Piece]) -> list[_Piece]:
    before, after = template.split("@1")
    return [before, *inner, after]


def _bracketed(pieces: list[_Piece], level: int, loosest: int) -> list[_Piece]:
    return pieces if level >= loosest else ["(", *pieces, ")"]


# Rows that languages with infix operators share.


def infix(symbol: str, level: int) -> Row:
    """A left-associative operator between two numbers."""
    return Row(f"@1 {symbol} @2", level, (level, level + 1))


def comparison(symbol: str) -> Row:
    """A comparison of two numbers, which is a condition."""
    return Row(f"@1 {symbol} @2", COMPARISON, (SUM, SUM), truth=True)


def function(name: str, arity: int = 1, helper: bool = False) -> Row:
    """A call of a function of numbers."""
    listed = ", ".join(f"@{i + 1}" for i in range(arity))
    return Row(f"{name}({listed})", ATOM, (CHOICE,) * arity, helper=name if helper else "")
