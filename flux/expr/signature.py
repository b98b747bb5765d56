"""What an expression takes and gives: its inputs, the order of its axes, the sizes of all axes.

Every evaluator reads the rules here: the order of a result's axes, and the size of an axis that
only a rename introduces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flux.errors import AxisError, ShapeError
from flux.expr.node import Expr, show_axes
from flux.expr.traverse import inputs
from flux.ops import Op

Sizes = Mapping[str, int]


def signature(e: Expr) -> tuple[Expr, ...]:
    """The inputs in order of first appearance.

    Raises:
        AxisError: one name stands for two different inputs.
    """
    return check_inputs(inputs(e))


def check_inputs(found: Iterable[Expr]) -> tuple[Expr, ...]:
    """Inputs as they are, once each name is known to stand for one of them."""
    named: dict[str, Expr] = {}
    for x in found:
        other = named.setdefault(x.attributes.name, x)
        if other is not x:
            raise AxisError(
                f"input `{x.attributes.name}` is declared twice:"
                f" with {_declaration(other)} and with {_declaration(x)}"
            )
    return tuple(named.values())


def _declaration(x: Expr) -> str:
    kind = ", integer" if x.attributes.integer else ""
    return f"{show_axes(x.attributes.axes)}{kind}"


def result_axes(e: Expr) -> tuple[str, ...]:
    """The axes of the value in the order in which results have them.

    First appearance over the inputs' declared axes, then the others by name.
    """
    declared = (axis for x in inputs(e) for axis in x.attributes.axes)
    order = dict.fromkeys(axis for axis in declared if axis in e.axes)
    return (*order, *sorted(e.axes.difference(order)))


def bind_sizes(order: Iterable[Expr], known: Sizes) -> dict[str, int]:
    """The sizes of all axes, from those known by arrays or given, through renames.

    In `x[t = s]`, s takes t's size where nothing else binds s; renames bind in topological order.

    Raises:
        ShapeError: a rename to an axis longer than its source.
    """
    sizes = dict(known)
    pairs = [pair for e in order if e.op is Op.RENAME for pair in e.attributes]
    waiting = pairs
    while waiting:
        for old, new in waiting:
            if old in sizes:
                sizes.setdefault(new, sizes[old])
        rest = [pair for pair in waiting if pair[0] not in sizes]
        if len(rest) == len(waiting):
            break
        waiting = rest
    for old, new in pairs:
        if sizes.get(new, 0) > sizes.get(old, 0):
            raise ShapeError(
                f"cannot rename axis {old} of size {sizes.get(old, 'unknown')}"
                f" to {new} of size {sizes[new]}"
            )
    return sizes
