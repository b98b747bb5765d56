"""`flux.implicit`: the root of an equation, as an expression of its other names."""

from __future__ import annotations

from typing import Any

from flux.calculus.implicit import root
from flux.calculus.substitute import as_expression
from flux.errors import ArgumentError
from flux.expr import Expr, Operand
from flux.numeric.equation import residual_of


def implicit(
    equation: str | Expr,
    unknown: str,
    start: Operand | str | None = None,
    *,
    low: Operand | str | None = None,
    high: Operand | str | None = None,
    steps: int | None = None,
) -> Expr:
    """The root of an equation, as an expression of the equation's other names.

    `flux.implicit("x^3 + a*x = b", "x", start=1)` is an expression of a and b. It can stand in
    formulas, losses and other equations, be compiled over rows, and be differentiated: its
    derivative by a is -f_a/f_x at the root, where f is left side minus right side, and so on to
    any order. Its value is nan where the search finds no root. In a formula,
    `root(x^3 + a*x - b, x, 1)` is the same, and `root(x^3 + a*x - b, x, 0, 10)` has a bracket.

    Args:
        equation: a text, whose right side is 0 where it has no `=`, or an expression that is 0.
        unknown: the name to solve for.
        start: of the search: a number, an expression or a formula of the other names.
        low: the lower end of a bracket, instead of a start. The sides' difference must have
            different signs at its two ends; it need not be smooth.
        high: the upper end.
        steps: of the search, all of which are computed; by default 24, or 64 within a bracket.

    Raises:
        ArgumentError: there is neither a start nor a bracket, or both.
        UnknownNameError: the equation has no such unknown.
        LimitError: the steps have more nodes than the setting `max_nodes`.
        FluxError: a text is no equation or formula.
    """
    if not isinstance(unknown, str):
        raise ArgumentError(f"the unknown is a name, not {type(unknown).__name__}")
    given = _given(start, low, high)
    f = residual_of(equation, {unknown: None})
    if start is not None:
        return root(f, unknown, given[0], steps=steps)
    return root(f, unknown, bracket=(given[0], given[1]), steps=steps)


def _given(start: Any, low: Any, high: Any) -> list[Expr]:
    both = [end for end in (low, high) if end is not None]
    if (start is None) == (not both) or len(both) == 1:
        hint = "such as start=1, or low=0, high=10"
        raise ArgumentError("a root has a start, or a bracket with two ends", hint=hint)
    return [as_expression(e) for e in (both or [start])]
