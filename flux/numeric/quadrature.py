"""The integral of a formula between two numbers, infinite ones among them, with its error.

First adaptive Gauss-Kronrod, an infinite range mapped to a finite one; where that does not
converge, as with a singularity at an end, a double exponential rule on the formula written in the
distance from that end (1/sqrt(1 - x) becomes 1/sqrt(u)), so that nothing cancels there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from flux.calculus.folding import number
from flux.calculus.recentre import recentred
from flux.compiler import compile as compiled
from flux.expr import Expr, constant, inputs
from flux.numeric.double_exponential import exp_sinh, tanh_sinh
from flux.numeric.gauss_kronrod import Estimate, Floats, Function, gauss_kronrod
from flux.numeric.peaks import cuts


class Quadrature(NamedTuple):
    """A definite integral in numbers.

    Args:
        value: the integral.
        error: an estimate of its error.
        method: the rule that gave it.
        points: evaluations of the integrand.
        converged: whether the error is as small as was asked for.
    """

    value: float
    error: float
    method: str
    points: int
    converged: bool


def quadrature(
    e: Expr, x: str, a: float, b: float, relative: float = 1e-10, absolute: float = 0.0
) -> Quadrature:
    """The integral of e over x from a to b by numbers.

    Args:
        e: a scalar expression in x alone.
        x: the name.
        a: the lower end, or -inf.
        b: the upper end, or inf; a <= b.
        relative: the error to reach, as a part of the value.
        absolute: the error that is small enough in any case.
    """
    pieces = _pieces(a, b)
    first = _total(
        [_mapped(_function(e, x), *piece, relative, absolute) for piece in pieces],
        "gauss-kronrod",
    )
    if first.converged and (first.value or first.error):
        return first
    if first.converged:
        return _over_peaks(e, x, a, b, first, relative, absolute)
    second = _total(
        [_from_the_ends(e, x, *piece, relative, absolute) for piece in pieces],
        "double exponential",
    )
    best = second if second.converged or second.error < first.error else first
    return best._replace(points=first.points + second.points)


def _over_peaks(
    e: Expr, x: str, a: float, b: float, nothing: Quadrature, relative: float, absolute: float
) -> Quadrature:
    """Anew, between the places of peaks, where the rule has seen nothing but 0."""
    places = cuts(e, x, a, b)
    if not places:
        return nothing
    ends, f = [a, *places, b], _function(e, x)
    parts = [_mapped(f, *piece, relative, absolute) for piece in pairwise(ends)]
    found = _total(parts, nothing.method)
    enough = found.error <= max(relative * abs(found.value), absolute)
    return found._replace(points=nothing.points + found.points, converged=enough)


def _pieces(a: float, b: float) -> list[tuple[float, float]]:
    """The range, cut at 0 where both ends are infinite."""
    if math.isinf(a) and math.isinf(b):
        return [(a, 0.0), (0.0, b)]
    return [(a, b)]


def _total(parts: list[Estimate], method: str) -> Quadrature:
    return Quadrature(
        sum(part.value for part in parts),
        sum(part.error for part in parts),
        method,
        sum(part.points for part in parts),
        all(part.converged for part in parts),
    )


def _function(e: Expr, x: str) -> Function:
    call = compiled(e)

    def f(points: Floats) -> Floats:
        return np.broadcast_to(np.asarray(call({x: points}), dtype=np.float64), points.shape)

    return f


def _mapped(f: Function, a: float, b: float, relative: float, absolute: float) -> Estimate:
    if math.isinf(b):
        return gauss_kronrod(_from_end(f, lambda u: a + u), 0.0, 1.0, relative, absolute)
    if math.isinf(a):
        return gauss_kronrod(_from_end(f, lambda u: b - u), 0.0, 1.0, relative, absolute)
    return gauss_kronrod(f, a, b, relative, absolute)


def _from_end(f: Function, place: Callable[[Floats], Floats]) -> Function:
    """The integrand over t in (0, 1) with u = t/(1 - t): the distance from the finite end."""

    def g(t: Floats) -> Floats:
        rest = 1 - t
        y: Floats = f(place(t / rest)) / rest**2
        return y

    return g


def _from_the_ends(
    e: Expr, x: str, a: float, b: float, relative: float, absolute: float
) -> Estimate:
    if math.isinf(b):
        return exp_sinh(_seen_from(e, x, a, 1), relative, absolute)
    if math.isinf(a):
        return exp_sinh(_seen_from(e, x, b, -1), relative, absolute)
    left, right = _seen_from(e, x, a, 1), _seen_from(e, x, b, -1)
    return tanh_sinh(left, right, b - a, relative, absolute)


def _seen_from(e: Expr, x: str, end: float, sign: int) -> Function:
    """The integrand by its distance from an end; the decimal of that end counts."""
    point = number(constant(end))
    assert point is not None
    for leaf in inputs(e):
        e = recentred(e, leaf, Fraction(point), sign)
    return _function(e, x)
