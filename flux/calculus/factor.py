"""Factors of an expression: found by SymPy in its own process, checked here by value."""

from __future__ import annotations

from flux.calculus.equal import equal
from flux.calculus.simplify import simplify
from flux.calculus.sympy_bridge import check_scalar
from flux.calculus.worker import call
from flux.errors import NotFoundError
from flux.expr import Expr


def factor(e: Expr) -> Expr:
    """The expression as a product of factors with rational coefficients.

    2*x^2 - 8 = 2*(x - 2)*(x + 2)

    Raises:
        NotFoundError: SymPy has no answer, or none whose value could be confirmed.
        LimitError: SymPy ran out of time or memory (settings `max_seconds`, `max_memory`).
        AxisError: e has named axes.
    """
    check_scalar(e)
    for candidate in call("factor", e):
        for found in (simplify(candidate), candidate):
            if equal(found, e):
                return found
    raise NotFoundError("factors were found, but their product could not be confirmed")
