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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.descent import GOOD, Found
from flux.numeric.minimum import Ending
from flux.numeric.multipliers import holds
from flux.numeric.objective import Point
from flux.numeric.optimality import Judge
from flux.numeric.problem import Constraint, Problem

Array = NDArray[Any]

_FINE = 1e-15  # SciPy's own tolerances: it goes as far as it can
_POLISHES = 12


def constrained(problem: Problem, method: str, tolerance: float, max_iterations: int) -> Found:
    """Search under constraints."""
    points = [problem.function(problem.start)]
    judge = Judge(problem, tolerance)
    judge.note(points[0])

    def seen(x: Array, *_: Any) -> None:
        points.append(problem.function(np.array(x)))
        judge.note(points[-1])

    if not points[0].is_finite:
        return Found(points, points[0], judge(points[0])._replace(ending=Ending.NOT_FINITE))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's, about bounds and updates: the judge sees more
        x = _SEARCHES[method](problem, seen, max_iterations)
        points.append(problem.function(problem.clip(np.array(x))))
        judge.note(points[-1])
        best, verdict = points[-1], judge(points[-1])
        for _ in range(_POLISHES):
            if verdict.ending in GOOD:
                break
            polished = _polished(problem, best, verdict.multipliers)
            if polished is None or not polished.is_finite:
                break
            points.append(polished)
            best, verdict = polished, judge(polished)
    if verdict.ending is Ending.STALLED and len(points) > max_iterations:
        verdict = verdict._replace(ending=Ending.ITERATIONS)
    return Found(points, best, verdict)


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
