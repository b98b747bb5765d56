"""Whether the value of an expression is the same for all inputs, as far as can be proved."""

from __future__ import annotations

from flux.calculus.simplify import simplify
from flux.expr import Expr, topological
from flux.ops import Op

_VARYING = frozenset((Op.INPUT, Op.POSITION, Op.RANDOM))


def is_constant(e: Expr) -> bool:
    """Whether the value provably depends on no input.

    `x - x` and `sin(x)^2 + cos(x)^2` are constant wherever they are finite. False says that it is
    not, or that simplifying does not show it.
    """
    return _is_steady(e) or _is_steady(simplify(e))


def _is_steady(e: Expr) -> bool:
    return all(part.op not in _VARYING for part in topological((e,)))
