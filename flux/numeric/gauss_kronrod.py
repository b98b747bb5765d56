"""Adaptive Gauss-Kronrod quadrature of a vectorised function over a finite interval.

Every round halves the intervals that carry most of the error, all at once, in one call of the
function.

Source:
    Piessens, de Doncker-Kapenga, Ueberhuber and Kahaner, QUADPACK (1983): the 21-point rule and
    its error estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

# Positive nodes from the outside in, then 0; the weights of Kronrod's rule at each.
_NODES = (
    0.995657163025808080735527280689003,
    0.973906528517171720077964012084452,
    0.930157491355708226001207180059508,
    0.865063366688984510732096688423493,
    0.780817726586416897063717578345042,
    0.679409568299024406234327365114874,
    0.562757134668604683339000099272694,
    0.433395394129247190799265943165784,
    0.294392862701460198131126603103866,
    0.148874338981631210884826001129720,
    0.0,
)
_KRONROD = (
    0.011694638867371874278064396062192,
    0.032558162307964727478818972459390,
    0.054755896574351996031381300244580,
    0.075039674810919952767043140916190,
    0.093125454583697605535465085366303,
    0.109387158802297641899210590325805,
    0.123491976262065851077958109831074,
    0.134709217311473325928054001771707,
    0.142775938577060080797094273138717,
    0.147739104901338491374841515972068,
    0.149445554002916905664936468389821,
)
# The weights of Gauss's 10-point rule, which stand at every other node.
_GAUSS = (
    0.066671344308688137593568809893332,
    0.149451349150580593145776339657697,
    0.219086362515982043995534934228163,
    0.269266719309996355091226921569469,
    0.295524224714752870173892994651338,
)

_X = np.array([*_NODES, *(-x for x in _NODES[-2::-1])])
_K = np.array([*_KRONROD, *_KRONROD[-2::-1]])
_G = np.zeros(21)
_G[1:10:2] = _GAUSS
_G[11:20:2] = _GAUSS[::-1]

_NARROWEST = 1e-12  # of an interval, as a part of its place: beyond it, x itself is not exact
_PARTS = 13  # intervals to begin with: odd, so that the middle is not an edge
_MOST_ROUNDS = 120
_MOST_POINTS = 500_000
_EPSILON = float(np.finfo(np.float64).eps)
_ROUNDING = 50 * _EPSILON  # of a sum over one interval, as a part of the integral of abs(f)


class Estimate(NamedTuple):
    """A value with an estimate of its error, and the points that it cost."""

    value: float
    error: float
    points: int
    converged: bool


class _Intervals(NamedTuple):
    left: Floats
    right: Floats
    values: Floats
    errors: Floats
    sizes: Floats  # integrals of abs(f)


def gauss_kronrod(
    f: Function, a: float, b: float, relative: float, absolute: float = 0.0
) -> Estimate:
    """The integral of f from a to b, finite.

    Args:
        f: gives its value at each point of an array; where it has none, nan or inf.
        a: the lower end.
        b: the upper end.
        relative: the error to reach, as a part of the value.
        absolute: the error that is small enough in any case.
    """
    edges = np.linspace(a, b, _PARTS + 1)
    done = _rule(f, edges[:-1], edges[1:])
    points = _X.size * _PARTS
    for _ in range(_MOST_ROUNDS):
        with np.errstate(over="ignore"):
            value, error = float(done.values.sum()), float(done.errors.sum())
            size = float(done.sizes.sum())
        if not np.isfinite(size):
            return Estimate(0.0, np.inf, points, False)
        rounding = 4 * _ROUNDING * size  # no rule can do better
        if error <= max(relative * abs(value), absolute, rounding):
            return Estimate(value, error, points, True)
        chosen = _worst(done)
        points += 2 * _X.size * int(np.count_nonzero(chosen))
        if not chosen.any() or points > _MOST_POINTS:
            break
        done = _halved(f, done, chosen)
    return Estimate(value, error, points, False)


def _rule(f: Function, left: Floats, right: Floats) -> _Intervals:
    half = (right - left) / 2
    x = left[:, None] + half[:, None] * (1 + _X)
    with np.errstate(all="ignore"):
        y = f(x.ravel()).reshape(x.shape)
        values = half * (y @ _K)
        mean = values / (2 * half)
        spread = np.abs(half) * (np.abs(y - mean[:, None]) @ _K)
        size = np.abs(half) * (np.abs(y) @ _K)
        errors = np.abs(values - half * (y @ _G))
        scaled = spread * np.minimum(1.0, (200 * errors / spread) ** 1.5)
        errors = np.where(spread > 0, scaled, errors)
        errors = np.maximum(errors, _ROUNDING * size)
    bad = ~np.isfinite(values) | ~np.isfinite(errors)
    return _Intervals(
        left,
        right,
        np.where(bad, 0.0, values),
        np.where(bad, np.inf, errors),
        np.where(bad, 0.0, size),
    )


def _worst(done: _Intervals) -> NDArray[np.bool_]:
    """The intervals with nearly all of the error, but those too narrow to halve."""
    width = np.abs(done.right - done.left)
    narrow = width <= _NARROWEST * np.maximum(np.abs(done.left), np.abs(done.right))
    errors = np.where(narrow, 0.0, done.errors)
    if not np.isfinite(errors).all():
        return ~np.isfinite(errors)
    largest = float(errors.max(initial=0.0))
    return np.asarray(errors > largest / 64)


def _halved(f: Function, done: _Intervals, chosen: NDArray[np.bool_]) -> _Intervals:
    left, right = done.left[chosen], done.right[chosen]
    middle = left + (right - left) / 2
    fresh = _rule(f, np.concatenate([left, middle]), np.concatenate([middle, right]))
    kept = (part[~chosen] for part in done)
    return _Intervals(*(np.concatenate(pair) for pair in zip(kept, fresh, strict=True)))
