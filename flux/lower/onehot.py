"""Sums of `where(position == index, g, 0)`: the adjoint of an index, seen again as what it is.

`sum[S](where(v == i, g, 0))` puts g at position i of axis v. Where i is the position along a summed
axis it is a rename (with zeros past its end); otherwise a scatter.
"""

from __future__ import annotations

from dataclasses import dataclass

from flux.expr import Expr
from flux.expr.integers import integral
from flux.ops import Op


@dataclass(frozen=True, slots=True)
class OneHot:
    """`where(position(axis) == index, value, 0)`."""

    axis: str
    index: Expr
    value: Expr


def one_hot(e: Expr, summed: frozenset[str]) -> OneHot | None:
    """The parts of a one-hot select whose index alone has summed axes, else None."""
    if e.op is not Op.WHERE or e.args[0].op is not Op.EQ or not _zero(e.args[2]):
        return None
    for position, index in (e.args[0].args, e.args[0].args[::-1]):
        if position.op is Op.POSITION and integral(index):
            axis = position.attributes
            value = e.args[1]
            if axis not in summed and axis not in index.axes | value.axes:
                return OneHot(axis, index, value) if index.axes & summed else None
    return None


def _zero(e: Expr) -> bool:
    return e.op is Op.CONSTANT and e.attributes.kind != "named" and e.attributes.value == 0
