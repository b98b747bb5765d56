"""Nodes as the evaluator computes them: each as a float, as an integer, or as both.

An integer expression is computed in int64 where it is an index or is compared with another one,
and as a float everywhere else, so `-0` as a number keeps the sign of its zero.
"""

from __future__ import annotations

from typing import NamedTuple

from flux.errors import AxisError
from flux.expr.integers import integral
from flux.expr.node import Expr
from flux.ops import COMPARISONS, Op


class Part(NamedTuple):
    """A node, and whether it is computed as an integer."""

    e: Expr
    whole: bool

    @property
    def axes(self) -> list[str]:
        """The node's axes in the order of its array's dimensions."""
        return sorted(self.e.axes)


def operands(part: Part) -> list[Part]:
    """The operands of a part, each computed as the part needs it."""
    e, whole = part
    if e.op is Op.INDEX:
        return [Part(e.args[0], whole), *(Part(i, True) for i in e.args[1:])]
    if e.op in COMPARISONS:
        compared = all(map(integral, e.args))
        return [Part(arg, compared) for arg in e.args]
    if e.op is Op.WHERE:
        return [Part(e.args[0], False), Part(e.args[1], whole), Part(e.args[2], whole)]
    return [Part(arg, whole and e.op is not Op.ARGMAX) for arg in e.args]


def parts(root: Part) -> list[Part]:
    """Every part that the root needs, once, operands before their users.

    Raises:
        AxisError: an index that is not an integer by its form.
    """
    order: list[Part] = []
    seen: set[Part] = set()
    stack = [(root, False)]
    while stack:
        part, entered = stack.pop()
        if entered:
            order.append(part)
        elif part not in seen:
            seen.add(part)
            _check_indices(part.e)
            stack.append((part, True))
            stack.extend((operand, False) for operand in reversed(operands(part)))
    return order


def _check_indices(e: Expr) -> None:
    if e.op is Op.INDEX and not all(map(integral, e.args[1:])):
        raise AxisError(
            "an index must be an integer: an axis name, an integer input or a whole number",
            hint="declare the input as an integer: `input tokens[b, t]: int`",
        )
