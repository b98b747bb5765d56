"""What reductions need for their derivatives: exclusive products, and who shares an extremum.

Forward and reverse mode both read these; neither divides by an operand.
"""

from __future__ import annotations

from flux.calculus.folding import (
    ONE,
    FreshAxes,
    mul,
    power,
    renamed,
    select,
    sub,
)
from flux.expr import Expr, apply, position, reduce, size
from flux.ops import Op


def exclusive_product(x: Expr, axis: str, fresh: FreshAxes) -> Expr:
    """At each position of an axis, the product of x over all the other positions.

    prod[j](where(j == i, 1, x[i = j])): exact where some x is 0, unlike prod[i](x)/x.
    """
    other = fresh.of(axis)
    itself = apply(Op.EQ, position(other), position(axis))
    return reduce(Op.PROD, select(itself, ONE, renamed(x, {axis: other})), (other,))


def product_steps(e: Expr, fresh: FreshAxes) -> list[tuple[str, Expr]]:
    """A product as reductions over one axis each, innermost first: (axis, partial derivative).

    An axis that the operand lacks raises to the power of its size: d x^n = n * x^(n-1) * dx.
    """
    steps: list[tuple[str, Expr]] = []
    inner = e.args[0]
    for axis in e.attributes:
        if axis in inner.axes:
            steps.append((axis, exclusive_product(inner, axis, fresh)))
            inner = reduce(Op.PROD, inner, (axis,))
        else:
            count = size(axis)
            steps.append((axis, mul(count, power(inner, sub(count, ONE)))))
            inner = power(inner, count)
    return steps


def extremum_share(e: Expr) -> tuple[Expr, Expr]:
    """For a max or min: (the condition that a position attains it, how many positions do).

    Ties share equally, as in the table of pointwise operations. An axis that the operand lacks
    changes neither.
    """
    x = e.args[0]
    axes = [axis for axis in e.attributes if axis in x.axes]
    attained = apply(Op.EQ, x, e)
    count = reduce(Op.SUM, attained, axes) if axes else ONE
    return attained, count
