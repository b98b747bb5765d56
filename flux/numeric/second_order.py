"""Methods that know the curvature: BFGS and L-BFGS learn it, Newton's takes the exact Hessian.

Each is a generator of points, as in `first_order`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.first_order import first_step
from flux.numeric.line_search import search
from flux.numeric.objective import Point
from flux.numeric.problem import Problem

Array = NDArray[Any]

EPSILON = float(np.finfo(float).eps)
_PAIRS = 10
_CURVED = 1e-10  # s.y beside |s||y|: less tells nothing
_SMALLEST_RADIUS = 1e-18
_ACCEPTED, _POOR, _GOOD = 1e-4, 0.25, 0.75


def bfgs(problem: Problem, point: Point, rate: float | None) -> Iterator[Point]:
    """B + y y'/(y's) - B s s'B/(s'Bs) for the Hessian, and d = -B^-1 g.

    Source:
        Nocedal and Wright, Numerical Optimization (2006), eq. 6.19 and 6.20.
    """
    b: Array | None = None
    while True:
        direction = _solved(b, problem, point)
        first = 1.0 if b is not None else first_step(point, direction)
        found = search(problem, point, direction, first)
        if found is None and b is not None:
            b = None  # once more, down the gradient
            continue
        if found is None:
            return
        s, y = found.x - point.x, found.gradient - point.gradient
        if _is_curved(s, y):
            b = _updated(b if b is not None else np.eye(s.size) * (y @ y) / (y @ s), s, y)
        point = found
        yield point


def _solved(b: Array | None, problem: Problem, point: Point) -> Array:
    g = problem.projected(point)
    if b is None:
        return -g
    free = problem.free(point)
    direction = np.zeros_like(g)
    try:
        direction[free] = -np.linalg.solve(b[np.ix_(free, free)], g[free])
    except np.linalg.LinAlgError:
        return -g
    return direction if direction @ g < 0 else -g


def _updated(b: Array, s: Array, y: Array) -> Array:
    bs = b @ s
    updated: Array = b + np.outer(y, y) / (y @ s) - np.outer(bs, bs) / (s @ bs)
    return updated


def _is_curved(s: Array, y: Array) -> bool:
    product = float(s @ y)
    return bool(product > _CURVED * np.linalg.norm(s) * np.linalg.norm(y) > 0)


def lbfgs(problem: Problem, point: Point, rate: float | None) -> Iterator[Point]:
    """BFGS from the last ten steps, without a matrix.

    Source:
        Nocedal and Wright, Numerical Optimization (2006), algorithm 7.4.
    """
    pairs: deque[tuple[Array, Array]] = deque(maxlen=_PAIRS)
    while True:
        direction = _two_loops(pairs, problem, point)
        first = 1.0 if pairs else first_step(point, direction)
        found = search(problem, point, direction, first)
        if found is None and pairs:
            pairs.clear()
            continue
        if found is None:
            return
        s, y = found.x - point.x, found.gradient - point.gradient
        if _is_curved(s, y):
            pairs.append((s, y))
        point = found
        yield point


def _two_loops(pairs: deque[tuple[Array, Array]], problem: Problem, point: Point) -> Array:
    g, free = problem.projected(point), problem.free(point)
    seen = [(np.where(free, s, 0), np.where(free, y, 0)) for s, y in pairs]
    used = [(s, y, 1 / (s @ y)) for s, y in seen if _is_curved(s, y)]
    q, weights = g.copy(), []
    for s, y, rho in reversed(used):
        weights.append(rho * (s @ q))
        q -= weights[-1] * y
    if used:
        s, y, _ = used[-1]
        q *= (s @ y) / (y @ y)
    for (s, y, rho), weight in zip(used, reversed(weights), strict=True):
        q += (weight - rho * (y @ q)) * s
    return -q if q @ g > 0 else -g


def newton(problem: Problem, point: Point, rate: float | None) -> Iterator[Point]:
    """The least of the quadratic model within a radius, which grows where the model is right.

    At a saddle it leaves along the direction of the most negative curvature.

    Source:
        Nocedal and Wright, Numerical Optimization (2006), algorithm 4.1 and section 4.3.
    """
    radius = max(1.0, float(np.linalg.norm(point.x)))
    side = 1.0
    hessian = problem.function.hessian(point.x)
    while radius > _SMALLEST_RADIUS * max(1e-280, float(np.linalg.norm(point.x))):
        if not np.isfinite(hessian).all():
            return
        step = model_step(problem, point, hessian, radius, side)
        found = problem.function(problem.clip(point.x + step))
        moved = found.x - point.x
        predicted = -float(point.gradient @ moved + moved @ hessian @ moved / 2)
        verdict = _ratio(problem, point, found, predicted)
        length = float(np.linalg.norm(step))
        if length == 0:
            return
        if not verdict > _POOR:
            radius = min(radius, length) / 4
        elif verdict > _GOOD and length >= 0.9 * radius:
            radius *= 3
        if verdict > _ACCEPTED:
            point, hessian, side = found, problem.function.hessian(found.x), 1.0
            yield point
        else:
            side = -side  # of a saddle, the other one may lead down


def _ratio(problem: Problem, point: Point, found: Point, predicted: float) -> float:
    """How much of the predicted decrease there is; 0 for a step that is not taken."""
    if not found.is_finite:
        return 0.0
    rounding = problem.rounding(point)
    if abs(predicted) <= rounding:
        # Rounding hides any decrease: the gradient decides.
        before, after = (np.abs(problem.projected(p)).max(initial=0.0) for p in (point, found))
        hidden = abs(found.value - point.value) <= 4 * rounding
        return 1.0 if hidden and after < before else 0.0
    return (point.value - found.value) / predicted if predicted > 0 else 0.0


def model_step(problem: Problem, point: Point, hessian: Array, radius: float, side: float) -> Array:
    """The least of g.p + p.H.p/2 over |p| <= radius, in the unknowns that are free."""
    free = problem.free(point)
    step = np.zeros_like(point.x)
    if not free.any():
        return step
    curvature, basis = np.linalg.eigh(hessian[np.ix_(free, free)])
    slope = basis.T @ point.gradient[free]
    step[free] = basis @ _within(curvature, slope, radius, side)
    return step


def _within(w: Array, g: Array, radius: float, side: float) -> Array:
    """The least of g.p + sum w_i p_i^2/2 over |p| <= radius."""
    scale = float(np.abs(w).max())
    if w[0] > EPSILON * scale:
        p: Array = -g / w
        if np.linalg.norm(p) <= radius:
            return p
    lowest = np.abs(w - w[0]) <= 1e-14 * scale
    if np.abs(g[lowest]).max() <= 1e-14 * np.abs(g).max(initial=0.0):
        p = np.where(lowest, 0.0, -g / np.where(lowest, 1.0, w - w[0]))
        rest = radius**2 - float(p @ p)
        if w[0] <= 0 and rest > 0:  # nothing pulls along the lowest curvature: go to the edge
            p[0] = side * np.sqrt(rest) if w[0] < 0 else p[0]
            return p
    return _on_edge(w, g, radius)


def _on_edge(w: Array, g: Array, radius: float) -> Array:
    """-g/(w + m) with the m that gives it the length of the radius, by bisection and Newton."""
    shift = max(0.0, -float(w[0]))
    low, high = shift, shift + float(np.linalg.norm(g)) / radius
    m = np.float64(high)
    for _ in range(80):
        p = -g / (w + m)
        length = np.linalg.norm(p)
        if abs(length - radius) <= 1e-3 * radius:
            break
        low, high = (m, high) if length > radius else (low, m)
        change = (length - radius) / radius * length**2 / (p @ (p / (w + m)))
        m = np.float64(m + change if low < m + change < high else (low + high) / 2)
    return p
