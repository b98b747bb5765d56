"""Constraints: SciPy searches with our exact gradients and Hessians, and our judge decides.

What SciPy ends with is polished by Newton's method on the conditions of a minimum: the gradient is
a sum of the gradients of the constraints that hold, and these are 0.

Source:
    Kraft, A software package for sequential quadratic programming (1988); Byrd, Hribar and Nocedal,
    An interior point algorithm for large-scale nonlinear programming (1999); Nocedal and Wright,
    Numerical Optimization (2006), eq. 18.6, for the polish.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.minimum import Ending
from flux.numeric.minimum_search import GOOD, Found, is_beyond
from flux.numeric.multipliers import holds
from flux.numeric.objective import Point
from flux.numeric.optimality import Judge, Verdict
from flux.numeric.problem import Constraint, Problem

Array = NDArray[Any]

_FINE = 1e-15  # SciPy's own tolerances: it goes as far as it can
_POLISHES = 12
_KEPT = 1e-14  # a violation that is rounding


class _BeyondError(Exception):
    """The search has run away."""


def constrained(problem: Problem, method: str, tolerance: float, max_iterations: int) -> Found:
    """Search under constraints."""
    judge = Judge(problem, tolerance)
    points: list[Point] = []

    def seen(x: Array, *_: Any) -> None:
        points.append(problem.function(problem.clip(np.array(x))))
        judge.note(points[-1])
        if is_beyond(points[0], points[-1]):
            raise _BeyondError

    seen(problem.start)
    if not points[0].is_finite:
        return Found(points, points[0], judge(points[0])._replace(ending=Ending.NOT_FINITE))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's, about bounds and updates: the judge sees more
        # SciPy gives up with a ValueError where a trust radius or a matrix is not finite; the last
        # point that was seen counts.
        with suppress(_BeyondError, ValueError, np.linalg.LinAlgError):
            seen(_SEARCHES[method](problem, seen, max_iterations))
        if not points[-1].is_finite:
            finite = [point for point in points if point.is_finite]
            points.append(min(finite, key=lambda point: _violation(problem, point)))
        best, verdict = _refined(problem, judge, points)
    if verdict.ending is Ending.STALLED:
        verdict = verdict._replace(ending=_why(points, best, max_iterations))
    return Found(points, best, verdict)


def _why(points: list[Point], best: Point, most: int) -> Ending:
    if is_beyond(points[0], best):
        return Ending.UNBOUNDED
    return Ending.ITERATIONS if len(points) > most else Ending.STALLED


def _violation(problem: Problem, point: Point) -> float:
    return max(c.violation(point.x) for c in problem.constraints)


def _refined(problem: Problem, judge: Judge, points: list[Point]) -> tuple[Point, Verdict]:
    """The last point, polished as long as that helps."""
    best, verdict = points[-1], judge(points[-1])
    for _ in range(_POLISHES):
        good = verdict.ending in GOOD
        if good and verdict.violation <= _KEPT:
            break
        polished = _polished(problem, best, verdict.multipliers)
        if polished is None or not polished.is_finite:
            break
        after = judge(polished)
        if good and not (after.ending in GOOD and after.violation < verdict.violation):
            break
        points.append(polished)
        best, verdict = polished, after
    return best, verdict


def _by_slsqp(problem: Problem, seen: Callable[..., None], most: int) -> Array:
    from scipy.optimize import minimize

    rows = [
        {"type": "eq" if c.equality else "ineq", "fun": _value(c), "jac": _slope(c)}
        for c in problem.constraints
    ]
    found = minimize(
        lambda x: problem.function(x)[1:], problem.start, jac=True, method="SLSQP",
        bounds=_bounds(problem), constraints=rows, callback=seen,
        options={"maxiter": most, "ftol": _FINE},
    )  # fmt: skip
    x: Array = found.x
    return x


def _by_trust_constr(problem: Problem, seen: Callable[..., None], most: int) -> Array:
    from scipy.optimize import NonlinearConstraint, minimize

    rows = [
        NonlinearConstraint(
            _value(c), 0.0, 0.0 if c.equality else np.inf, jac=_slope(c), hess=_curvature(c)
        )
        for c in problem.constraints
    ]
    found = minimize(
        lambda x: problem.function(x)[1:], problem.start, jac=True, method="trust-constr",
        hess=problem.function.hessian, bounds=_bounds(problem), constraints=rows, callback=seen,
        options={"maxiter": most, "gtol": 1e-10, "xtol": 1e-12, "barrier_tol": 1e-10},
    )  # fmt: skip
    x: Array = found.x
    return x


_SEARCHES: Mapping[str, Callable[[Problem, Callable[..., None], int], Array]] = {
    "slsqp": _by_slsqp,
    "trust-constr": _by_trust_constr,
}
CONSTRAINED = tuple(_SEARCHES)


def _value(c: Constraint) -> Callable[[Array], float]:
    return lambda x: c.function.value(x)


def _slope(c: Constraint) -> Callable[[Array], Array]:
    return lambda x: c.function(x).gradient


def _curvature(c: Constraint) -> Callable[[Array, Array], Array]:
    return lambda x, prices: float(prices[0]) * c.function.hessian(x)


def _bounds(problem: Problem) -> Any:
    from scipy.optimize import Bounds

    return Bounds(problem.low, problem.high) if problem.bounded else None


def _polished(problem: Problem, point: Point, prices: Array) -> Point | None:
    """One step of Newton's on the conditions of a minimum, with what holds held."""
    x, count = point.x, point.x.size
    holding = [
        (c, price)
        for c, price in zip(problem.constraints, prices, strict=True)
        if c.equality or (price > 0 and holds(c, x))
    ]
    hessian = problem.function.hessian(x)
    for c, price in holding:
        hessian = hessian - price * c.function.hessian(x)
    found = [c.function(x) for c, _ in holding]
    fixed = np.eye(count)[~problem.free(point)]
    rows = np.array([*(p.gradient for p in found), *fixed]).reshape(-1, count)
    values = np.array([*(p.value for p in found), *np.zeros(len(fixed))])
    matrix = np.block([[hessian, -rows.T], [rows, np.zeros((len(rows), len(rows)))]])
    right = np.concatenate([-point.gradient, -values])
    if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
        return None
    step = np.linalg.lstsq(matrix, right, rcond=None)[0][:count]
    return problem.function(problem.clip(x + step))
