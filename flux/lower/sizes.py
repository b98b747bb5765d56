"""Sizes of named axes: those of the inputs, and those that renames pass on.

In `x[t = s]`, s takes t's size where nothing else binds s; otherwise s must not be larger than t.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flux.errors import ShapeError
from flux.expr import Expr, topological
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
    sizes = dict(given)
    for axis, count in sizes.items():
        if count < 1:
            raise ShapeError(f"axis {axis} has size {count}; sizes are at least 1")
    for e in order:
        if e.op is Op.RENAME:
            for old, new in e.attributes:
                if old in sizes:
                    sizes.setdefault(new, sizes[old])
    for e in order:
        _check(e, sizes)
    return sizes


def _check(e: Expr, sizes: Mapping[str, int]) -> None:
    for axis in _mentioned(e):
        if axis not in sizes:
            raise ShapeError(
                f"the size of axis {axis} is not known",
                hint=f"give it, as in sizes={{'{axis}': 8}}, or pass an array that has it",
            )
    if e.op is Op.RENAME:
        for old, new in e.attributes:
            if sizes[new] > sizes[old]:
                raise ShapeError(
                    f"[{old} = {new}] needs size({new}) <= size({old}), "
                    f"but {new} has {sizes[new]} and {old} has {sizes[old]}"
                )


def _mentioned(e: Expr) -> Iterable[str]:
    if e.op.row.kind is Kind.REDUCTION:
        return (*e.axes, *e.attributes)
    if e.op is Op.SIZE:
        return (e.attributes,)
    return e.axes
