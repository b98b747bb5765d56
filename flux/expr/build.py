"""Constructors of expressions: each builds exactly the node that it names.

Operators on Expr build arithmetic; the functions here build the rest. Nothing is simplified: the
differentiator has folding builders of its own, and everybody else asks `simplify`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flux.errors import AxisError
from flux.expr.node import (
    Expr,
    InputAttributes,
    Operand,
    RandomAttributes,
    constant,
    lift,
    node,
    show_axes,
)
from flux.ops import Op

__all__ = [
    "apply",
    "constant",
    "custom",
    "index",
    "position",
    "random",
    "reduce",
    "rename",
    "size",
    "stop",
    "variable",
    "where",
]


def variable(
    name: str, axes: Iterable[str] = (), *, integer: bool = False, assumption: str = ""
) -> Expr:
    """An input of that name, with named axes in declared order."""
    return node(Op.INPUT, (), InputAttributes(name, tuple(axes), integer, assumption))


def apply(op: Op, *args: Operand) -> Expr:
    """A pointwise operation on its operands."""
    assert len(args) == op.row.arity, f"{op} takes {op.row.arity} operands"
    return node(op, tuple(lift(arg) for arg in args))


def where(condition: Operand, then: Operand, otherwise: Operand) -> Expr:
    """`then` where the condition is not zero, else `otherwise`; the other one is not looked at."""
    return apply(Op.WHERE, condition, then, otherwise)


def stop(x: Operand) -> Expr:
    """The value of x, with derivative zero."""
    return apply(Op.STOP, x)


def custom(value: Expr, partials: Mapping[Expr, Expr]) -> Expr:
    """The value, with stated derivatives: d custom = sum of `partials[x] * dx` over x.

    Raises:
        AxisError: an operand or a partial has an axis that the value lacks.
    """
    operands = [value, *(e for pair in partials.items() for e in pair)]
    extra = frozenset[str]().union(*(e.axes for e in operands)) - value.axes
    if extra:
        raise AxisError(
            f"a stated derivative is pointwise: the value lacks {show_axes(extra)}",
            hint="state derivatives of functions that keep every axis of their arguments",
        )
    return node(Op.CUSTOM, tuple(operands))


def position(axis: str) -> Expr:
    """The position along an axis, 0 to size - 1."""
    return node(Op.POSITION, (), axis)


def size(axis: str) -> Expr:
    """The size of an axis, an integer known when the expression is lowered."""
    return node(Op.SIZE, (), axis)


def reduce(op: Op, x: Expr, axes: Iterable[str]) -> Expr:
    """A reduction over axes.

    An axis that x lacks counts as one along which x is constant: `sum[d](x)` is then `size[d]*x`,
    and max and min are x.
    """
    names = tuple(sorted(axes))
    if len(set(names)) != len(names):
        raise AxisError(f"an axis may stand once in [{', '.join(names)}]")
    if op is Op.ARGMAX and len(names) != 1:
        raise AxisError("argmax takes one axis")
    return node(op, (x,), names)


def index(x: Expr, indices: Mapping[str, Operand]) -> Expr:
    """`x[a = i, ...]`: the value at position i along each axis a, all pairs at once.

    The result has the axes of x without the indexed ones, and those of the indices; an axis that
    an index shares with x, or with another index, is taken pointwise. Axes that x lacks are
    dropped, as x is constant along them.

    An index that is another axis's position, where that axis is new to x, is a rename.
    """
    pairs = {axis: lift(i) for axis, i in indices.items() if axis in x.axes}
    positions = {a: i.attributes for a, i in pairs.items() if i.op is Op.POSITION}
    renames = renames_among(positions, x)
    rest = {axis: i for axis, i in pairs.items() if axis not in renames}
    if not rest:
        return rename(x, renames)
    inner = rename(x, renames)
    names = tuple(sorted(rest))
    return node(Op.INDEX, (inner, *(rest[axis] for axis in names)), names)


def renames_among(moved: Mapping[str, str], x: Expr) -> Mapping[str, str]:
    """Those of some axes of x that may all take their other names at once: each is new to x."""
    while True:
        targets = list(moved.values())
        free = {
            a: b
            for a, b in moved.items()
            if targets.count(b) == 1 and (b not in x.axes or b in moved)
        }
        if len(free) == len(moved):
            return free
        moved = free


def rename(x: Expr, pairs: Mapping[str, str]) -> Expr:
    """X with axes under other names, all pairs at once; axes that x lacks are dropped.

    Raises:
        AxisError: two axes would become one.
    """
    kept = tuple(sorted((a, b) for a, b in pairs.items() if a != b and a in x.axes))
    return node(Op.RENAME, (x,), kept) if kept else x


def random(site: str, axes: Iterable[str], seed: Operand, step: Operand) -> Expr:
    """Uniform numbers on [0, 1): a pure function of seed, site, step and index.

    Source:
        Philox 4x32-10: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (2011).
    """
    seed, step = lift(seed), lift(step)
    if seed.axes or step.axes:
        raise AxisError(f"random takes scalars; they have {show_axes(seed.axes | step.axes)}")
    return node(Op.RANDOM, (seed, step), RandomAttributes(site, tuple(axes)))
