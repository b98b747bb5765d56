"""Antiderivatives: found by SymPy in its own process, checked here by differentiating.

An expression goes in, an expression comes out whose derivative is equal to the first; what cannot
be checked is not returned. `flux.numeric` has the definite integral, also where no antiderivative
is found.
"""

from __future__ import annotations

from collections.abc import Sequence

from flux.calculus.differentiate import diff
from flux.calculus.equal import equal_almost_everywhere
from flux.calculus.simplify import simplify
from flux.calculus.sympy_bridge import check_scalar
from flux.calculus.worker import call
from flux.errors import ArgumentError, FluxError, NotFoundError
from flux.expr import Expr, variable
from flux.ops import Op


def antiderivative(e: Expr, x: str) -> Expr:
    """An antiderivative F of e by x: dF/dx = e wherever both are finite.

    The constant of integration is left out. Logarithms are real: that of 1/x is log(abs(x)).

    Args:
        e: a scalar expression.
        x: the name of an input.

    Raises:
        NotFoundError: none was found, or none whose derivative is equal to e.
        LimitError: SymPy ran out of time or memory (settings `max_seconds`, `max_memory`).
        AxisError: e has named axes.
    """
    check_name(x)
    leaves = {part for part in check_scalar(e) if part.op is Op.INPUT and part.attributes.name == x}
    if not leaves:
        return simplify(e * variable(x))
    return _checked(e, x, _candidates(e, x))


def check_name(x: object) -> None:
    """Raise ArgumentError where a variable of integration is not a name."""
    if not isinstance(x, str):
        raise ArgumentError(f"the variable is a name, such as 'x', not {x!r}")


def _candidates(e: Expr, x: str) -> Sequence[Expr]:
    try:
        return call("integrate", e, x)
    except NotFoundError:
        raise _not_found(x, "no antiderivative was found") from None


def _checked(e: Expr, x: str, candidates: Sequence[Expr]) -> Expr:
    for candidate in candidates:
        for found in (simplify(candidate), candidate):
            if _is_antiderivative(found, x, e):
                return found
    raise _not_found(x, "an antiderivative was found, but its derivative could not be confirmed")


def _is_antiderivative(found: Expr, x: str, e: Expr) -> bool:
    try:
        return bool(equal_almost_everywhere(diff(found, x), e))
    except FluxError:  # too large to differentiate
        return False


def _not_found(x: str, text: str) -> NotFoundError:
    return NotFoundError(
        text,
        hint=f"between two numbers it can be had: flux.integrate(e, '{x}', a, b)",
    )
