"""Expressions of many sums of products: what lowering turns into matrix products."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from flux.expr import Expr, apply, reduce, rename, variable, where
from flux.expr import position as position_of
from flux.ops import Op

AXES = ("a", "b", "c", "d")
LEAVES = (
    variable("A", ("a", "b")),
    variable("B", ("b", "c")),
    variable("C", ("c", "a", "d")),
    variable("D", ("d",)),
    variable("S"),
    variable("P", ("d", "b")),
)
SIZES = {"a": 3, "b": 4, "c": 2, "d": 5}


@st.composite
def contractions(draw: Callable[..., Expr], steps: int = 8) -> Expr:
    """Products, quotients, differences, sums over axes and renames; each uses earlier ones."""
    pool: list[Expr] = list(LEAVES)
    for _ in range(draw(st.integers(2, steps))):
        pool.append(draw(_step(st.sampled_from(pool), st.sampled_from(pool[-3:]))))
    e = pool[-1]
    return reduce(Op.SUM, e, sorted(e.axes)[1:]) if len(e.axes) > 2 else e


def _step(part: st.SearchStrategy[Expr], late: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    axes = st.sets(st.sampled_from(AXES), min_size=1, max_size=3).map(sorted)
    sums = st.builds(lambda x, names: reduce(Op.SUM, x, names), late, axes)
    product = st.builds(lambda x, y: x * y, late, part)
    return st.one_of(
        product,
        product,
        sums,
        sums,
        st.builds(lambda x, y, names: reduce(Op.SUM, x * y, names), late, part, axes),
        st.builds(lambda x, y: x - y, late, part),
        st.builds(lambda x, y: x + y, late, part),
        st.builds(lambda x, y: x / (y * y + 1), late, part),
        st.builds(lambda x: -x * 0.5, late),
        st.builds(lambda x: apply(Op.TANH, x), late),
        st.builds(lambda x: x**2, late),
        st.builds(lambda x, names: reduce(Op.MAX, x, names), late, axes),
        st.builds(_renamed, late, st.sampled_from(AXES), st.sampled_from(AXES)),
        st.builds(_masked, late),
    )


def _renamed(x: Expr, old: str, new: str) -> Expr:
    fits = old in x.axes and new not in x.axes and SIZES[new] <= SIZES[old]
    return rename(x, {old: new}) if fits else x


def _masked(x: Expr) -> Expr:
    names = sorted(x.axes)
    if len(names) < 2:
        return x
    return where(apply(Op.LE, position_of(names[0]), position_of(names[1])), x, 0)
