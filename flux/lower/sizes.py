"""Sizes of named axes: those of the inputs, those that renames pass on, and no axis without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flux.errors import ShapeError
from flux.expr import Expr, topological
from flux.expr.signature import bind_sizes
from flux.ops import Kind, Op


def infer_sizes(roots: Iterable[Expr], given: Mapping[str, int]) -> dict[str, int]:
    """The size of every axis that the roots mention.

    Args:
        roots: expressions.
        given: sizes of the inputs' axes, and of any other.

    Raises:
        ShapeError: a size is unknown, not positive, or too large for a rename.
    """
    order = topological(roots)
    for axis, count in given.items():
        if count < 1:
            raise ShapeError(f"axis {axis} has size {count}; sizes are at least 1")
    sizes = bind_sizes(order, given)
    for axis in (axis for e in order for axis in _mentioned(e)):
        if axis not in sizes:
            raise ShapeError(
                f"the size of axis {axis} is not known",
                hint=f"give it, as in sizes={{'{axis}': 8}}, or pass an array that has it",
            )
    return sizes


def _mentioned(e: Expr) -> Iterable[str]:
    if e.op.row.kind is Kind.REDUCTION:
        return (*e.axes, *e.attributes)
    if e.op is Op.SIZE:
        return (e.attributes,)
    return e.axes
