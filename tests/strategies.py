"""Hypothesis strategies that several tests share: expressions, and values in their domains.

`formulas` makes plain formulas over every pointwise operation, `tensors` expressions with named
axes, renames, gathers and reductions. `values_for` gives values to the inputs of either; results
may leave the domain, which is part of what the tests compare.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import strategies as st

from flux.expr import (
    Expr,
    apply,
    constant,
    index,
    inputs,
    position,
    random,
    reduce,
    rename,
    variable,
    where,
)
from flux.expr import size as size_of
from flux.expr.integers import integral
from flux.ops import POINTWISE, Op

SIZES = {"a": 2, "b": 3, "c": 4, "d": 3, "v": 5, "s": 2, "u": 2}
NAMES = ("x", "y", "z", "rate", "k1")

# Operations that NumPy and Python's floats compute bit for bit alike.
EXACT = (
    *(Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MOD, Op.FMOD, Op.SQRT, Op.ABS, Op.SIGN),
    *(Op.FLOOR, Op.CEIL, Op.ROUND, Op.RINT, Op.TRUNC, Op.MINIMUM, Op.MAXIMUM, Op.STOP),
    *(Op.LT, Op.LE, Op.GT, Op.GE, Op.EQ, Op.NE, Op.AND, Op.OR, Op.NOT),
)

_FIXED = {Op.WHERE, Op.CUSTOM, Op.POLYGAMMA}
_UNARY = [op for op in POINTWISE if op.row.arity == 1]
_BINARY = [op for op in POINTWISE if op.row.arity == 2 and op not in _FIXED]

constants = st.one_of(
    st.integers(0, 10**6).map(constant),
    st.sampled_from(["pi", "e", "inf", "nan"]).map(constant),
    st.booleans().map(constant),
    st.floats(0, 1e6, allow_nan=False).map(constant),
    st.tuples(st.integers(0, 10**6), st.integers(-30, 30)).map(
        lambda pair: constant(Decimal(pair[0]).scaleb(pair[1]))
    ),
)


def formulas(max_leaves: int = 20, operations=POINTWISE) -> st.SearchStrategy[Expr]:
    """Plain formulas: pointwise operations over scalar inputs and constants."""
    leaves = st.one_of(st.sampled_from(NAMES).map(variable), constants)
    steps = [_applied(op) for op in operations if op.row.arity > 0 and op is not Op.POLYGAMMA]
    if Op.POLYGAMMA in operations:
        steps.append(lambda part: st.builds(_polygamma, st.integers(0, 3), part))
    steps += [_applied(Op.WHERE), _shared]
    return st.recursive(
        leaves, lambda part: st.one_of([step(part) for step in steps]), max_leaves=max_leaves
    )


def _applied(op: Op):
    return lambda part: st.builds(lambda *args: apply(op, *args), *[part] * op.row.arity)


def _polygamma(n: int, x: Expr) -> Expr:
    return apply(Op.POLYGAMMA, n, x)


def _shared(part: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.builds(lambda a, b: (a + b) * apply(Op.SIGN, a) - a, part, part)


@st.composite
def tensors(draw, steps: int = 8) -> Expr:
    """Expressions with named axes: each step uses earlier ones, so parts are shared."""
    pool: list[Expr] = [
        variable("x", ("a", "b")),
        variable("y", ("b", "d")),
        variable("w", ("b", "c")),
        variable("E", ("v", "c")),
        variable("tokens", ("a",), integer=True),
        variable("n", integer=True),
        variable("t"),
        position("b"),
        size_of("c"),
        draw(constants),
    ]
    for _ in range(draw(st.integers(1, steps))):
        pool.append(draw(_STEPS)(draw, st.sampled_from(pool)))
    return pool[-1]


_AXES = st.sampled_from(sorted(SIZES))
_AXIS_SETS = st.sets(_AXES, min_size=1, max_size=2)
_AXIS_LISTS = st.lists(_AXES, unique=True, max_size=2)
_BINARY_OPS = st.sampled_from(_BINARY)
_UNARY_OPS = st.sampled_from(
    [Op.TANH, Op.EXP, Op.NEG, Op.ABS, Op.FLOOR, Op.SIN, Op.LOG, Op.NOT, Op.SIGN]
)
_REDUCTIONS = st.sampled_from([Op.SUM, Op.PROD, Op.MAX, Op.MIN])
_GUARDED = st.sampled_from([Op.LOG, Op.SQRT, Op.NEG])

# Each step draws what it needs, part by part from the pool.
_STEPS = st.sampled_from(
    [
        lambda draw, part: apply(draw(_BINARY_OPS), draw(part), draw(part)),
        lambda draw, part: apply(draw(_UNARY_OPS), draw(part)),
        lambda draw, part: where(draw(part), draw(part), draw(part)),
        lambda draw, part: _guarded(draw(part), draw(_GUARDED)),
        lambda draw, part: reduce(draw(_REDUCTIONS), draw(part), draw(_AXIS_SETS)),
        lambda draw, part: reduce(Op.ARGMAX, draw(part), [draw(_AXES)]),
        lambda draw, part: _renamed(draw(part), draw(_AXES), draw(_AXES)),
        lambda draw, part: _swapped(draw(part)),
        lambda draw, part: _gathered(draw(part), draw(_AXES), draw(part)),
        lambda draw, part: random("noise", draw(_AXIS_LISTS), 3, 4),
    ]
)


def _guarded(x: Expr, op: Op) -> Expr:
    return where(apply(Op.GT, x, 0), apply(op, x) + 1 / x, x)


def _renamed(x: Expr, old: str, new: str) -> Expr:
    return rename(x, {old: new}) if new not in x.axes and SIZES[new] <= SIZES[old] else x


def _swapped(x: Expr) -> Expr:
    return rename(x, {"b": "d", "d": "b"}) if {"b", "d"} <= x.axes else x


def _gathered(x: Expr, axis: str, i: Expr) -> Expr:
    too_long = i.op is Op.POSITION and SIZES[i.attributes] > SIZES[axis]
    return x if too_long or not integral(i) else index(x, {axis: i})


def values_for(e: Expr, seed: int, rows: tuple[int, ...] = ()) -> dict[str, np.ndarray]:
    """Values for the inputs of an expression: sizes from SIZES, anonymous rows in front."""
    rng = np.random.default_rng(seed)
    values = {}
    for x in inputs(e):
        shape = rows + tuple(SIZES[axis] for axis in x.attributes.axes)
        values[x.attributes.name] = (
            rng.integers(0, 5, shape) if x.attributes.integer else rng.normal(size=shape)
        )
    return values


_real = st.floats(-20, 20)
_positive = st.floats(1e-6, 20)
_not_zero = st.one_of(st.floats(1e-3, 20), st.floats(-20, -1e-3))
_between_poles = st.builds(lambda n, x: x - n, st.integers(0, 8), st.floats(0.1, 0.9))
_no_pole = st.one_of(_positive, _between_poles)

# Operands inside the domain of an operation, where its row has one.
_DOMAINS = {
    Op.DIV: (_real, _not_zero),
    Op.MOD: (_real, _not_zero),
    Op.FMOD: (_real, _not_zero),
    Op.POW: (_positive, _real),
    Op.LOG: (_positive,),
    Op.LOG2: (_positive,),
    Op.LOG10: (_positive,),
    Op.LOG1P: (st.floats(-0.999, 20),),
    Op.SQRT: (st.floats(0, 20),),
    Op.ASIN: (st.floats(-1, 1),),
    Op.ACOS: (st.floats(-1, 1),),
    Op.ACOSH: (st.floats(1, 20),),
    Op.ATANH: (st.floats(-0.999, 0.999),),
    Op.GAMMA: (_no_pole,),
    Op.LGAMMA: (_no_pole,),
    Op.POLYGAMMA: (st.integers(0, 5).map(float), _no_pole),
}


def operands_for(op: Op) -> st.SearchStrategy[tuple[float, ...]]:
    """Operands of moderate size inside the domain of a pointwise operation."""
    arity = op.row.arity if op.row.arity >= 0 else 3
    return st.tuples(*_DOMAINS.get(op, (_real,) * arity))
