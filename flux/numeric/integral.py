"""`integrate`: an antiderivative, or the integral between two numbers.

Between two numbers a closed form is offered where one is found, and only where it agrees with the
quadrature: a jump in an antiderivative, or a pole that it steps over, shows there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import overload

from flux.calculus import simplify, subs
from flux.calculus.antiderivative import antiderivative, check_name
from flux.calculus.equal import error_bound
from flux.calculus.substitute import as_expression
from flux.calculus.sympy_bridge import check_scalar
from flux.calculus.worker import budget, call
from flux.errors import ArgumentError, DomainError, FluxError, UnknownNameError, chosen
from flux.expr import Expr, Operand, inputs
from flux.numeric.quadrature import Quadrature, quadrature

METHODS = ("auto", "numeric")
_AGREES = 1e-9  # how near a closed form must be to the quadrature, as a part of it


@dataclass(frozen=True)
class Integral:
    """A definite integral; `float()` gives its value.

    Attributes:
        value: the integral.
        error: an estimate of its error.
        exact: the closed form, where one was found.
        method: "closed form", "gauss-kronrod" or "double exponential".
        points: evaluations of the integrand.
    """

    value: float
    error: float
    exact: Expr | None
    method: str
    points: int

    def __float__(self) -> float:
        return self.value


@overload
def integrate(e: Expr | str, x: str) -> Expr: ...


@overload
def integrate(
    e: Expr | str,
    x: str,
    a: Operand | str,
    b: Operand | str,
    values: Mapping[str, float] | None = None,
    *,
    tolerance: float = 1e-10,
    method: str = "auto",
) -> Integral: ...


def integrate(
    e: Expr | str,
    x: str,
    a: Operand | str | None = None,
    b: Operand | str | None = None,
    values: Mapping[str, float] | None = None,
    *,
    tolerance: float = 1e-10,
    method: str = "auto",
) -> Expr | Integral:
    """The integral of a formula by x: an antiderivative, or its value from a to b.

    `flux.integrate("x*exp(-x)", "x")` is an expression; `flux.integrate("exp(-k*x)", "x", 0, "inf",
    {"k": 2})` has the value 0.5.

    Args:
        e: an expression, or a formula as text.
        x: the name of the variable.
        a: the lower end: a number or a formula without x; "-inf" too.
        b: the upper end, likewise.
        values: of the other names, for a definite integral.
        tolerance: the error to reach, as a part of the value.
        method: "auto", or "numeric" to look for no closed form.

    Raises:
        NotFoundError: no antiderivative was found.
        DomainError: the definite integral does not converge to the tolerance.
        LimitError: SymPy ran out of time or memory (settings `max_seconds`, `max_memory`).
        UnknownNameError: a name of a definite integral has no value.
    """
    e = as_expression(e)
    if a is None and b is None and values is None:
        return antiderivative(e, x)
    if a is None or b is None:
        raise ArgumentError("a definite integral has two ends", hint='such as 0 and "inf"')
    check_name(x)
    check_scalar(e)
    _check_options(tolerance, method)
    body = _with_values(e, values or {}, (x,))
    ends = [_with_values(as_expression(end), values or {}) for end in (a, b)]
    return _definite(body, x, ends[0], ends[1], tolerance, method)


def _check_options(tolerance: float, method: str) -> None:
    if not isinstance(tolerance, float) or not 1e-14 <= tolerance < 1:
        raise ArgumentError(f"a tolerance is a number from 1e-14 to below 1, not {tolerance!r}")
    chosen("method", method, METHODS)


def _with_values(e: Expr, values: Mapping[str, float], but: tuple[str, ...] = ()) -> Expr:
    names = {leaf.attributes.name for leaf in inputs(e)} - set(but)
    missing = sorted(names - set(values))
    if missing:
        raise UnknownNameError(
            f"no value for `{missing[0]}`", hint="a definite integral takes values={...}"
        )
    return subs(e, {name: values[name] for name in sorted(names)}) if names else e


def _definite(e: Expr, x: str, a: Expr, b: Expr, tolerance: float, method: str) -> Integral:
    low, high = a.evaluate(), b.evaluate()
    if math.isnan(low) or math.isnan(high):
        raise ArgumentError("an end of the integral is not a number")
    if math.isinf(high - low) and not (math.isinf(low) or math.isinf(high)):
        raise ArgumentError("the ends of the integral are further apart than float64 goes")
    if low == high:
        return Integral(0.0, 0.0, as_expression(0), "closed form", 0)
    if low > high:
        return _negative(_definite(e, x, b, a, tolerance, method))
    found = quadrature(e, x, low, high, tolerance, absolute=1e-300)
    if not found.converged:
        raise _not_converged(found)
    exact = _closed_form(e, x, a, b, found) if method == "auto" else None
    return _result(found, exact)


def _negative(result: Integral) -> Integral:
    exact = None if result.exact is None else simplify(-result.exact)
    return Integral(-result.value, result.error, exact, result.method, result.points)


def _not_converged(found: Quadrature) -> DomainError:
    return DomainError(
        f"the integral does not converge to the tolerance: after {found.points} points "
        f"{found.value:.6g} with an error of about {found.error:.2g}",
        hint="split the range where the integrand has a pole, or allow a larger tolerance",
    )


def _result(found: Quadrature, exact: Expr | None) -> Integral:
    if exact is not None:
        value, error = error_bound(exact, {})
        if error <= found.error:
            return Integral(value, error, exact, "closed form", found.points)
    return Integral(found.value, found.error, exact, found.method, found.points)


def _closed_form(e: Expr, x: str, a: Expr, b: Expr, found: Quadrature) -> Expr | None:
    with budget():
        for candidate in _closed_forms(e, x, a, b):
            value, error = error_bound(candidate, {})
            room = 10 * found.error + error + _AGREES * abs(found.value)
            if math.isfinite(value) and abs(value - found.value) <= room:
                return candidate
    return None


def _closed_forms(e: Expr, x: str, a: Expr, b: Expr) -> Iterator[Expr]:
    """Closed forms to try, which the quadrature decides on; a search that fails gives none."""
    try:
        with budget(share=0.5):
            primitive = antiderivative(e, x)
        difference = subs(primitive, {x: b}) - subs(primitive, {x: a})
        yield simplify(difference)
    except FluxError:
        pass
    try:
        yield from map(simplify, call("definite", e, x, a, b))
    except FluxError:
        return
