"""A step along a direction: far enough, and lower.

phi(a) = f(x + a*d). A step is taken where phi(a) <= phi(0) + c1*a*phi'(0) and
|phi'(a)| <= c2*|phi'(0)| (strong Wolfe). Near a minimum rounding hides the first; there it counts
as kept where phi stays within rounding and the slope has not grown. Between bounds the path is bent
onto them, and the first condition alone counts.

Source:
    Nocedal and Wright, Numerical Optimization (2006), sections 3.1 and 3.5; Hager and Zhang,
    A new conjugate gradient method with guaranteed descent (2005), eq. 4.1; Bertsekas, Projected
    Newton methods (1982), eq. 9.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux.numeric.objective import Point
from flux.numeric.problem import Problem

Array = NDArray[Any]

_DECREASE = 1e-4  # c1
_TRIALS = 60
_EXPANSION = 4.0
_NARROW = 1e-9  # between the two ends, beside the step


class _Trial(NamedTuple):
    step: float
    value: float
    slope: float


def search(
    problem: Problem, point: Point, direction: Array, first: float = 1.0, curvature: float = 0.9
) -> Point | None:
    """A better point along a direction of descent, or None where there is none.

    Args:
        problem: whose function is lowered.
        point: where the step begins.
        direction: with gradient.direction < 0.
        first: the step that is tried first.
        curvature: c2.
    """
    slope = float(point.gradient @ direction)
    if not slope < 0 or not np.isfinite(direction).all():
        return None
    if problem.bounded:
        return _bent(problem, point, direction, first)
    return _straight(problem, point, direction, first, curvature)


def _straight(
    problem: Problem, point: Point, direction: Array, first: float, curvature: float
) -> Point | None:
    start = _Trial(0.0, point.value, float(point.gradient @ direction))
    rounding = problem.rounding(point)
    low: _Trial = start
    high: _Trial | None = None
    step = first
    best: Point | None = None
    for _ in range(_TRIALS):
        found = problem.function(point.x + step * direction)
        trial = _Trial(step, found.value, float(found.gradient @ direction))
        if not found.is_finite or not _lower(start, trial, rounding):
            high = trial
        else:
            if best is None or found.value <= best.value:
                best = found
            if abs(trial.slope) <= -curvature * start.slope:
                return found
            if trial.slope >= 0:
                high = trial
            else:
                low, step = trial, _beyond(low, trial)
        if high is not None:
            step = _between(low, high)
        if not np.isfinite(step) or (high and abs(high.step - low.step) <= _NARROW * high.step):
            break
    return best


def _beyond(before: _Trial, trial: _Trial) -> float:
    """Where the slope would vanish, if it goes on changing as it did; at most four times as far."""
    rate = (trial.slope - before.slope) / (trial.step - before.step)
    wanted = trial.step - trial.slope / rate if rate > 0 else np.inf
    return float(min(max(wanted, 1.1 * trial.step), _EXPANSION * trial.step))


def _lower(start: _Trial, trial: _Trial, rounding: float) -> bool:
    if trial.value <= start.value + _DECREASE * trial.step * start.slope:
        return True
    hidden = abs(trial.value - start.value) <= rounding
    return hidden and trial.slope <= -(1 - 2 * _DECREASE) * start.slope


def _between(low: _Trial, high: _Trial) -> float:
    """The least place of the cubic through both, kept away from the ends."""
    width = high.step - low.step
    if not (np.isfinite(high.value) and np.isfinite(high.slope)):
        return low.step + 0.1 * width
    with np.errstate(all="ignore"):
        a = low.slope + high.slope - 3 * (high.value - low.value) / width
        root = np.sqrt(a * a - low.slope * high.slope) * np.sign(width)
        part = 1 - (high.slope + root - a) / (high.slope - low.slope + 2 * root)
    if not np.isfinite(part):
        part = 0.5
    return float(low.step + min(max(part, 0.1), 0.9) * width)


def _bent(problem: Problem, point: Point, direction: Array, first: float) -> Point | None:
    step = first
    for _ in range(_TRIALS):
        found = problem.function(problem.clip(point.x + step * direction))
        descent = float(point.gradient @ (found.x - point.x))
        if found.is_finite and _lower_bent(problem, point, found, descent):
            return found
        step *= 0.5 if np.isfinite(found.value) else 0.1
    return None


def _lower_bent(problem: Problem, point: Point, found: Point, descent: float) -> bool:
    if descent < 0 and found.value <= point.value + _DECREASE * descent:
        return True
    hidden = abs(found.value - point.value) <= problem.rounding(point)
    return hidden and _norm(problem, found) < 0.9 * _norm(problem, point)


def _norm(problem: Problem, point: Point) -> float:
    return float(np.abs(problem.projected(point)).max(initial=0.0))
