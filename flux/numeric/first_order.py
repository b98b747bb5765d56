"""Methods that follow the gradient: descent, momentum, Adam, conjugate gradients.

Each is a generator: from a problem and a point to the points that it goes through. It ends where it
finds nothing better; who runs it decides when that is a minimum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.line_search import search
from flux.numeric.objective import Point
from flux.numeric.problem import Problem

Array = NDArray[Any]

_FIRST = 0.1  # of the unknowns' size: the first step where nothing is known of the curvature
_CG_CURVATURE = 0.1
_TURNS = 20  # of the power iteration
_INERTIA = 0.9
_MEAN, _SQUARE, _LEAST_ROOT = 0.9, 0.999, 1e-8  # Adam's own
_ETA = 0.01  # Hager and Zhang's own
_PATIENCE = 30  # steps without a better value, after which the rate is quartered
_LEAST_RATE = 1e-12


def first_step(point: Point, direction: Array) -> float:
    """A step that moves the unknowns by a part of their size."""
    size = max(1.0, float(np.abs(point.x).max(initial=0.0)))
    return float(_FIRST * size / max(np.abs(direction).max(initial=0.0), 1e-300))


def gradient_descent(problem: Problem, point: Point, rate: float | None) -> Iterator[Point]:
    """Down the gradient, with a line search that starts at the last two points' curvature.

    Source:
        Barzilai and Borwein, Two-point step size gradient methods (1988), eq. 5.
    """
    before: Point | None = None
    while True:
        direction = -problem.projected(point)
        first = rate if rate is not None else _secant_step(point, before, direction)
        found = search(problem, point, direction, first)
        if found is None:
            return
        before, point = point, found
        yield point


def _secant_step(point: Point, before: Point | None, direction: Array) -> float:
    if before is None:
        return first_step(point, direction)
    s, y = point.x - before.x, point.gradient - before.gradient
    product = float(s @ y)
    step = float(s @ s) / product if product > 0 else 0.0
    return step if step > 0 and np.isfinite(step) else first_step(point, direction)


@dataclass
class _Rate:
    """The rate of a method without a line search, and the best point that it has seen.

    A rate that was given stays; one of ours is quartered where it leads nowhere, and the search
    goes on from the best point.
    """

    rate: float
    fixed: bool
    best: Point
    waited: int = 0

    def next(self, found: Point) -> Point | None:
        """The point to go on from; None where the method has lost its way."""
        if found.is_finite and found.value < self.best.value:
            self.best, self.waited = found, 0
            return found
        self.waited += 1
        if self.fixed:
            return found if found.is_finite else None
        if found.is_finite and self.waited < _PATIENCE:
            return found
        self.rate, self.waited = self.rate / 4, 0
        return self.best if self.rate > _LEAST_RATE else None


def momentum(problem: Problem, point: Point, rate: float | None) -> Iterator[Point]:
    """Heavy ball: v <- 0.9 v - rate*g, x <- x + v; v is dropped where it points uphill.

    Source:
        Polyak, Some methods of speeding up the convergence (1964); O'Donoghue and Candes, Adaptive
        restart for accelerated gradient schemes (2015), section 3.2.
    """
    steps = _Rate(rate or _stable_rate(problem, point), rate is not None, point)
    velocity = np.zeros_like(point.x)
    while True:
        if point.gradient @ velocity > 0:
            velocity = np.zeros_like(point.x)
        velocity = _INERTIA * velocity - steps.rate * point.gradient
        found = problem.function(problem.clip(point.x + velocity))
        velocity = found.x - point.x
        going = steps.next(found)
        if going is None:
            return
        if going is not found:
            velocity = np.zeros_like(point.x)
        point = going
        yield point


def _stable_rate(problem: Problem, point: Point) -> float:
    """One over the largest curvature at the start, by power iteration."""
    direction = point.gradient
    curvature = 0.0
    for _ in range(_TURNS):
        size = float(np.linalg.norm(direction))
        if not 0 < size < np.inf:
            break
        direction = problem.function.products(point.x, (direction / size)[None, :])[0]
        curvature = float(np.linalg.norm(direction))
    if 0 < curvature < np.inf:
        return 1 / curvature
    return first_step(point, point.gradient)


def adam(problem: Problem, point: Point, rate: float | None) -> Iterator[Point]:
    """Steps of the running mean of the gradient over the root of that of its square.

    Source:
        Kingma and Ba, Adam (2015), algorithm 1, arXiv:1412.6980.
    """
    size = max(1.0, float(np.abs(point.x).max(initial=0.0)))
    steps = _Rate(rate or _FIRST * size, rate is not None, point)
    mean, square, turn = np.zeros_like(point.x), np.zeros_like(point.x), 0
    while True:
        turn += 1
        mean = _MEAN * mean + (1 - _MEAN) * point.gradient
        square = _SQUARE * square + (1 - _SQUARE) * point.gradient**2
        root = np.sqrt(square / (1 - _SQUARE**turn)) + _LEAST_ROOT
        move = steps.rate * mean / (1 - _MEAN**turn) / root
        found = problem.function(problem.clip(point.x - move))
        going = steps.next(found)
        if going is None:
            return
        if going is not found:
            mean, square, turn = np.zeros_like(mean), np.zeros_like(square), 0
        point = going
        yield point


def conjugate_gradient(problem: Problem, point: Point, rate: float | None) -> Iterator[Point]:
    """The next direction is -g + beta*d, with the beta of Hager and Zhang, which always leads down.

    Source:
        Hager and Zhang, A new conjugate gradient method with guaranteed descent and an efficient
        line search (2005), eq. 1.3 to 1.7.
    """
    free = problem.free(point)
    direction = -problem.projected(point)
    first = first_step(point, direction)
    while True:
        slope = float(point.gradient @ direction)
        found = search(problem, point, direction, first, _CG_CURVATURE)
        if found is None:
            steepest = -problem.projected(point)
            if np.array_equal(direction, steepest):
                return
            direction, first = steepest, first_step(point, steepest)
            continue
        moved = found.x - point.x
        y, g = found.gradient - point.gradient, problem.projected(found)
        same, free = np.array_equal(free, problem.free(found)), problem.free(found)
        beta = _beta(direction, y, g) if same else 0.0
        before = direction
        direction = np.where(free, beta * direction - g, 0.0)
        # The step that would give the same first change of the value as the last one did.
        ratio = slope / min(float(found.gradient @ direction), -1e-300)
        length = float(np.linalg.norm(moved)) / max(float(np.linalg.norm(before)), 1e-300)
        first = float(np.clip(length * ratio, 1e-20, 1e20))
        point = found
        yield point


def _beta(d: Array, y: Array, g: Array) -> float:
    product = float(d @ y)
    if product <= 0:
        return 0.0
    beta = float((y - 2 * d * (y @ y) / product) @ g) / product
    length, norm = float(np.linalg.norm(d)), float(np.linalg.norm(g))
    least = -1 / max(length * min(_ETA, norm), 1e-300)
    return max(beta, least) if np.isfinite(beta) else 0.0
