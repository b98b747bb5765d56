"""The search: one method's points, one after the other, until one of them is a minimum.

The judge costs a Hessian, so it is asked only where the gradient has become small, and again each
time it has become ten times smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux.numeric.first_order import adam, conjugate_gradient, gradient_descent, momentum
from flux.numeric.minimum import Ending
from flux.numeric.objective import Point
from flux.numeric.optimality import Judge, Verdict
from flux.numeric.problem import Problem
from flux.numeric.second_order import bfgs, lbfgs, newton

Array = NDArray[Any]
Method = Callable[[Problem, Point, float | None], Iterator[Point]]

METHODS: Mapping[str, Method] = {
    "newton": newton,
    "bfgs": bfgs,
    "lbfgs": lbfgs,
    "cg": conjugate_gradient,
    "gradient": gradient_descent,
    "momentum": momentum,
    "adam": adam,
}
RATED = ("gradient", "momentum", "adam")  # that take a rate
GOOD = (Ending.CONVERGED, Ending.ROUNDING)

_WANDERING = ("momentum", "adam")  # that may go up on their way
_SMALL = 1e-5  # a gradient beside the largest one seen: the judge is asked
_FAR, _DEEP = 1e12, 1e30  # times the start's unknowns and value
_STUCK = 200  # steps
_UNDERFLOW = 1e-290
_SAME = 1e-13  # values beside each other


class Found(NamedTuple):
    """What a search found: its points, the best of them, and the verdict on that."""

    points: list[Point]
    best: Point
    verdict: Verdict


def descend(
    problem: Problem, method: str, rate: float | None, tolerance: float, max_iterations: int
) -> Found:
    """Run a method."""
    search = _Search(problem, tolerance)
    start = problem.function(problem.start)
    with np.errstate(all="ignore"):
        verdict = search.visit(start)
        if not start.is_finite:
            verdict = search.judge(start)._replace(ending=Ending.NOT_FINITE)
        if verdict is not None:
            return Found(search.points, start, verdict)
        for point in islice(METHODS[method](problem, start, rate), max_iterations):
            verdict = search.visit(point)
            if verdict is not None:
                return Found(search.points, point, verdict)
            if method not in _WANDERING and search.waited > _STUCK:
                break
        return search.ended(len(search.points) > max_iterations)


def is_beyond(start: Point, point: Point) -> bool:
    """Whether a search has run away from its start."""
    far = float(np.abs(point.x).max()) > _FAR * max(1.0, float(np.abs(start.x).max()))
    return far or point.value < start.value - _DEEP * max(1.0, abs(start.value))


class _Search:
    """What is known of a search on its way."""

    def __init__(self, problem: Problem, tolerance: float) -> None:
        self.judge = Judge(problem, tolerance)
        self.points: list[Point] = []
        self.waited = 0  # steps since value or gradient have become smaller
        self._problem, self._tolerance = problem, tolerance
        self._largest, self._least, self._asked, self._lowest = 0.0, np.inf, np.inf, np.inf
        self._smaller = 10.0  # than the last gradient that was judged

    def visit(self, point: Point) -> Verdict | None:
        """Take note of a point; the verdict, where the search ends at it."""
        self.points.append(point)
        norm = self.judge.note(point)
        better = point.value < self._lowest or norm < self._least
        self.waited = 0 if better else self.waited + 1
        self._lowest, self._least = min(self._lowest, point.value), min(self._least, norm)
        self._largest = max(self._largest, norm)
        small = max(_SMALL * self._largest, self._tolerance)
        if norm <= small and norm < self._asked / self._smaller:
            self._asked = norm
            verdict = self.judge(point)
            if verdict.ending in GOOD:
                return verdict
            self._smaller *= 2  # a verdict costs as much as many steps
        if is_beyond(self.points[0], point):
            return self.judge(point)._replace(ending=Ending.UNBOUNDED)
        return None

    def ended(self, used_up: bool) -> Found:
        """The verdict on the best point of a search that ended by itself."""
        finite = [point for point in self.points if point.is_finite]
        best, last = min(reversed(finite), key=lambda point: point.value), finite[-1]
        if last.value <= best.value + _SAME * abs(best.value):
            best = last  # the same within rounding, and its gradient is likely to be smaller
        verdict = self.judge(best)
        if verdict.ending is Ending.STALLED:
            verdict = verdict._replace(ending=self._why(verdict.residual, used_up))
        return Found(self.points, best, verdict)

    def _why(self, residual: float, used_up: bool) -> Ending:
        if residual < _UNDERFLOW < self._largest:
            return Ending.FLAT  # as exp(-x): what is left of it has no digits
        return Ending.ITERATIONS if used_up else Ending.STALLED
