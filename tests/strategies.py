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
from flux.ops import POINTWISE, Op

SIZES = {"a": 2, "b": 3, "c": 4, "v": 5}
NAMES = ("x", "y", "z", "rate", "k1")

_FIXED = {Op.WHERE, Op.CUSTOM, Op.GRAFT, Op.POLYGAMMA}
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


def formulas(max_leaves: int = 20, names=NAMES) -> st.SearchStrategy[Expr]:
    """Plain formulas: every pointwise operation over scalar inputs and constants."""
    leaves = st.one_of(st.sampled_from(names).map(variable), constants)
    return st.recursive(leaves, _pointwise, max_leaves=max_leaves)


def _pointwise(parts: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    def unary(op, a):
        return apply(op, a)

    def shared(a, b):  # a used more than once
        return (a + b) * apply(Op.TANH, a) - a

    return st.one_of(
        st.builds(unary, st.sampled_from(_UNARY), parts),
        st.builds(apply, st.sampled_from(_BINARY), parts, parts),
        st.builds(where, parts, parts, parts),
        st.builds(lambda n, a: apply(Op.POLYGAMMA, n, a), st.integers(0, 3), parts),
        st.builds(lambda a, b, c: apply(Op.GRAFT, a, b, c), parts, parts, parts),
        st.builds(shared, parts, parts),
    )


@st.composite
def tensors(draw, steps: int = 8) -> Expr:
    """Expressions with named axes: each step uses earlier ones, so parts are shared."""
    pool: list[Expr] = [
        variable("x", ("a", "b")),
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
        pool.append(draw(_step(pool)))
    return pool[-1]


def _step(pool: list[Expr]) -> st.SearchStrategy[Expr]:
    part = st.sampled_from(pool)
    axes = st.sampled_from(sorted(SIZES))
    reductions = st.sampled_from([Op.SUM, Op.PROD, Op.MAX, Op.MIN])
    smooth = st.sampled_from([Op.TANH, Op.EXP, Op.NEG, Op.ABS, Op.FLOOR, Op.SIN, Op.LOG, Op.NOT])
    return st.one_of(
        st.builds(apply, st.sampled_from(_BINARY), part, part),
        st.builds(apply, smooth, part),
        st.builds(where, part, part, part),
        st.builds(
            lambda op, x, names: reduce(op, x, names),
            reductions,
            part,
            st.sets(axes, min_size=1, max_size=2),
        ),
        st.builds(lambda x, axis: reduce(Op.ARGMAX, x, [axis]), part, axes),
        st.builds(_renamed, part, axes, st.sampled_from(["s", "u", "b", "c"])),
        st.builds(_swapped, part),
        st.builds(_gathered, part, axes, part),
        st.builds(
            lambda names: random("noise", names, 3, 4), st.lists(axes, unique=True, max_size=2)
        ),
    )


def _renamed(x: Expr, old: str, new: str) -> Expr:
    return rename(x, {old: new}) if new not in x.axes else x


def _swapped(x: Expr) -> Expr:
    pair = sorted(x.axes)[:2]
    return rename(x, dict(zip(pair, reversed(pair), strict=True))) if len(pair) == 2 else x


def _gathered(x: Expr, axis: str, i: Expr) -> Expr:
    return index(x, {axis: i})


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
