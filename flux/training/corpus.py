"""The calculus corpus: lines `expression -> derivative`, made by Flux itself.

The distribution, a pure function of the seed and the tree's number n, drawn from the stream
(seed, "corpus", n) of uniform numbers:

- the number of nodes: 3 to 9, equally often;
- a tree of that many nodes, from the root down: with m nodes left for a subtree,
    m = 1: the variable (7 in 10), else a whole number from 2 to 9,
    m = 2: one of the FUNCTIONS of a leaf,
    m > 2: one of the FUNCTIONS of a subtree of m - 1 nodes (4 in 10), else one of the OPERATIONS,
      whose left operand has 1 to m - 2 nodes, equally often; a power has a whole number from 2 to 4
      as exponent.

Left out are trees with an operation on numbers alone, with `a - a` or `a / a`, lines longer than
the model's context, and repeated lines. The derivative is the differentiator's as its rules build
it. It is not simplified: each part of it then follows from one part of the expression, and a model
learns the rules sooner. Lines are spelled in full and without blanks; each is written three times,
with the variable x, y and t.

Held out is every expression whose key falls into one sixteenth of all keys. The key is the
expression's structural hash with its variable renamed and the operands of + and * in one order, so
no held-out line is a training line with another variable or with operands exchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from flux.calculus import diff
from flux.errors import DataError
from flux.expr import Expr, apply, constant, fold, inputs, rebuild, to_line, variable
from flux.ops import Op
from flux.philox import uniform
from flux.training.presets import Preset
from flux.training.text import Corpus
from flux.training.words import counter

VARIABLES = ("x", "y", "t")
FUNCTIONS = (Op.SIN, Op.COS, Op.EXP, Op.LOG)
OPERATIONS = (Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.POW)
SMALLEST, LARGEST = 3, 9  # nodes of an expression
ARROW = " -> "

T = TypeVar("T")

_X = variable(VARIABLES[0])
_COMMUTING = (Op.ADD, Op.MUL)
_HELD_OUT_OF = 16
_DRAWS = 64  # uniform numbers that a line may use
_TOLD_EVERY = 1_000  # trees


@dataclass(frozen=True)
class Line:
    """An expression and its derivative, as the corpus spells them.

    Attributes:
        variable: the name of its one variable.
        problem, answer: the two sides of the arrow.
        key: what is the same for all lines that differ by renaming or commuting.
    """

    variable: str
    problem: str
    answer: str
    key: int

    @property
    def held_out(self) -> bool:
        """Whether the line is kept from training."""
        return self.key % _HELD_OUT_OF == 0

    def renamed(self, variable: str) -> Line:
        """The line with another variable; names of functions keep their letters."""
        name = re.compile(rf"\b{self.variable}\b")
        problem, answer = name.sub(variable, self.problem), name.sub(variable, self.answer)
        return replace(self, variable=variable, problem=problem, answer=answer)

    def __str__(self) -> str:
        return f"{self.problem}{ARROW}{self.answer}\n"


def calculus_lines(
    seed: int,
    trees: int,
    context: int,
    length: Callable[[str], int] = len,
    progress: Callable[[int], object] = lambda _: None,
) -> list[Line]:
    """Different lines in the variable x, in the order in which their trees were drawn.

    Args:
        seed: of the random numbers.
        trees: how many trees are drawn; fewer than half become lines.
        context: the greatest length of a line, its end included.
        length: of a line; default: its characters.
        progress: told now and then how many trees have been drawn.
    """
    drawn: set[Expr] = set()
    lines: list[Line] = []
    for number in range(trees):
        e = _tree(seed, number)
        if e is not None and e not in drawn:
            drawn.add(e)
            line = _line(e)
            if length(str(line)) <= context:
                lines.append(line)
        if number % _TOLD_EVERY == 0:
            progress(number)
    return lines


def calculus_of(
    preset: Preset, seed: int, progress: Callable[[int], object] = lambda _: None
) -> list[Line]:
    """The lines that a preset's model reads: those whose tokens fit into its context."""
    length = counter(preset.tokenizer)
    return calculus_lines(seed, preset.trees, preset.context, length, progress)


def calculus_corpus(lines: Sequence[Line]) -> Corpus:
    """The text of the lines in every variable: those held out are the validation part.

    Raises:
        DataError: no line is left for one of the parts.
    """
    training = [line for line in lines if not line.held_out]
    held_out = [line for line in lines if line.held_out]
    if not training or not held_out:
        raise DataError(
            f"{len(lines)} lines of calculus are too few to learn from",
            hint="a longer context holds more of them",
        )
    return Corpus("calculus", _text(training), _text(held_out), by_line=True)


def _text(lines: Sequence[Line]) -> str:
    # Variable by variable: a window that shows a line twice would teach copying.
    return "".join(str(line.renamed(name)) for name in VARIABLES for line in lines)


def _tree(seed: int, number: int) -> Expr | None:
    draws = iter(uniform(seed, "corpus", number, _DRAWS).tolist())
    size = SMALLEST + int(next(draws) * (LARGEST - SMALLEST + 1))
    return _build(_prefix(draws, size), _X)


def _line(e: Expr) -> Line:
    return Line(VARIABLES[0], spell(e), spell(diff(e, _X)), canonical_key(e))


def spell(e: Expr) -> str:
    """The expression in one line without blanks."""
    return to_line(e).replace(" ", "")


def tree_size(e: Expr) -> int:
    """The nodes of an expression's tree: a part that is used twice counts twice."""
    return fold(e, lambda _, sizes: 1 + sum(sizes))


def canonical_key(e: Expr) -> int:
    """A hash that exchanging operands of + and * does not change; nor does renaming x."""
    return fold(e, _canonical).hash64


def _canonical(e: Expr, args: tuple[Expr, ...]) -> Expr:
    if e.op is Op.INPUT:
        return _X
    if e.op in _COMMUTING:
        args = tuple(sorted(args, key=lambda arg: arg.hash64))
    return rebuild(e, args)


# --- drawing a tree ----------------------------------------------------------------------------

_VARIABLE = "variable"
_Symbol = Op | int | str  # an operation, a whole number, or _VARIABLE


def _prefix(draws: Iterator[float], size: int) -> list[_Symbol]:
    """A tree of `size` nodes in prefix order."""
    symbols: list[_Symbol] = []
    waiting: list[int | tuple[int, int]] = [size]  # sizes; a pair is a whole number's range
    while waiting:
        m = waiting.pop()
        if isinstance(m, tuple):
            symbols.append(_whole(draws, *m))
        elif m == 1:
            symbols.append(_leaf(draws))
        elif m == 2 or next(draws) < 0.4:
            symbols.append(_choose(draws, FUNCTIONS))
            waiting.append(m - 1)
        else:
            operation = _choose(draws, OPERATIONS)
            left = 1 + int(next(draws) * (m - 2))
            symbols.append(operation)
            waiting += [(2, 4), m - 2] if operation is Op.POW else [m - 1 - left, left]
    return symbols


def _leaf(draws: Iterator[float]) -> _Symbol:
    return _VARIABLE if next(draws) < 0.7 else _whole(draws, 2, 9)


def _whole(draws: Iterator[float], low: int, high: int) -> int:
    return low + int(next(draws) * (high - low + 1))


def _choose(draws: Iterator[float], among: Sequence[T]) -> T:
    return among[int(next(draws) * len(among))]


def _build(symbols: Sequence[_Symbol], x: Expr) -> Expr | None:
    """The expression of a tree in prefix order; None where it is one that is left out."""
    stack: list[Expr] = []
    for symbol in reversed(symbols):
        if not isinstance(symbol, Op):
            stack.append(x if symbol == _VARIABLE else constant(symbol))
            continue
        args = tuple(stack.pop() for _ in range(symbol.row.arity))
        if _left_out(symbol, args):
            return None
        stack.append(apply(symbol, *args))
    return stack[0] if x in inputs(stack[0]) else None


def _left_out(op: Op, args: tuple[Expr, ...]) -> bool:
    if all(arg.op is Op.CONSTANT for arg in args):
        return True
    return op in (Op.SUB, Op.DIV) and args[0] is args[1]
