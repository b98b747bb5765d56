"""Double exponential quadrature: for integrands that are singular at an end, or decay slowly.

The integrand is given by its distance u from an end, so that it is exact where it is singular.
A sum that has not died out at its last points is said not to converge: 1/x from 0, say.

Source:
    Takahasi and Mori, Double exponential formulas for numerical integration (1974), Publications
    of the Research Institute for Mathematical Sciences 9, 721-741.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flux.numeric.gauss_kronrod import Estimate, Floats, Function

_REACH = 6.1  # beyond it, distances from an end leave the range of float64
_LEVELS = (8, 16, 32, 64, 128)  # steps in one unit of t
_OUTERMOST = 3  # points at an end by which the terms must have died out
_EPSILON = float(np.finfo(np.float64).eps)


def tanh_sinh(
    from_left: Function, from_right: Function, width: float, relative: float, absolute: float = 0.0
) -> Estimate:
    """The integral over an interval of this width.

    x = middle + width/2 * tanh(pi/2 * sinh(t)); the distance from the end is width/(1 + e^2s).

    Args:
        from_left: the integrand at a distance from the left end.
        from_right: the integrand at a distance from the right end.
        width: of the interval, positive.
        relative: the error to reach, as a part of the value.
        absolute: the error that is small enough in any case.
    """

    def terms(t: Floats) -> Floats:
        share = 1 / (1 + np.exp(np.pi * np.sinh(np.abs(t))))
        weight = width * np.pi * np.cosh(t) * share * (1 - share)
        left = t < 0
        y = np.empty_like(t)
        y[left] = from_left(width * share[left])
        y[~left] = from_right(width * share[~left])
        return weight * y

    return _refined(terms, relative, absolute)


def exp_sinh(f: Function, relative: float, absolute: float = 0.0) -> Estimate:
    """The integral of f(u) over u from 0 to infinity, with u = exp(pi/2 * sinh(t))."""

    def terms(t: Floats) -> Floats:
        u = np.exp(np.pi / 2 * np.sinh(t))
        return np.pi / 2 * np.cosh(t) * u * f(u)

    return _refined(terms, relative, absolute)


def _refined(terms: Function, relative: float, absolute: float) -> Estimate:
    """The trapezoidal sum over t, with the step halved until it stands still."""
    value, error, points = 0.0, np.inf, 0
    for steps in _LEVELS:
        count = int(_REACH * steps)
        t = np.arange(-count, count + 1) / steps
        with np.errstate(all="ignore"):
            y = terms(t)
        points += t.size
        finite = np.isfinite(y)
        if not _is_one_run(finite):
            return Estimate(value, np.inf, points, False)
        y = y[finite]
        with np.errstate(over="ignore"):
            previous, value = value, float(y.sum()) / steps
            size = float(np.abs(y).sum()) / steps
        if not np.isfinite(size):
            return Estimate(previous, np.inf, points, False)
        ends = np.concatenate([y[:_OUTERMOST], y[-_OUTERMOST:]])
        left_out = float(np.abs(ends).max())  # about what the sum would still gain outside
        error = max(abs(value - previous), left_out, 10 * _EPSILON * size)
        if steps > _LEVELS[0] and error <= max(relative * abs(value), absolute):
            return Estimate(value, error, points, True)
    return Estimate(value, error, points, False)


def _is_one_run(finite: NDArray[np.bool_]) -> bool:
    """Whether the points with a value are neighbours: then only the far ends lack one."""
    found = np.flatnonzero(finite)
    return found.size > 2 * _OUTERMOST and bool(found[-1] - found[0] + 1 == found.size)
