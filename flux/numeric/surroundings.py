"""A look around a point: whether the value rises along a direction, falls, or stays.

The first change beyond rounding decides, from close by outwards. It tells x^4 from x^3 where no
derivative does, and a valley, which is level on both sides, from a plateau, which is on one.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.calculus.equal import error_bound
from flux.numeric.objective import Point
from flux.numeric.problem import Problem

Array = NDArray[Any]

_EPSILON = float(np.finfo(float).eps)
_FIRST = 1e-4  # beside the unknowns' size
_WIDE = 20.0  # tolerances within which a minimum counts as enclosed


class Look(Enum):
    """What the value does along a direction and its opposite."""

    ENCLOSED = 0  # it rises on both sides, within the tolerance
    RISES = 1
    LEVEL = 2  # it is the same everywhere
    HALF_LEVEL = 3
    FALLS = 4


class Surroundings:
    """What lies around one point of a problem.

    Args:
        problem: whose point it is.
        point: the point.
        hessian: there.
        sizes: of the unknowns: what a distance is compared with.
        reach: how far to look.
        tolerance: beside the sizes.
    """

    def __init__(
        self,
        problem: Problem,
        point: Point,
        hessian: Array,
        sizes: Array,
        reach: float,
        tolerance: float,
    ) -> None:
        self._problem, self._point = problem, point
        self._sizes, self._reach, self._tolerance = sizes, reach, tolerance
        self._slope = float(np.abs(problem.projected(point)).sum())
        self._curvature = float(np.abs(hessian).sum(axis=1).max())
        self._bound = self._value_bound(point.x)

    def look(self, direction: Array, closely: bool) -> Look:
        """Along a direction; closely, from the tolerance on."""
        first = self._tolerance if closely else _FIRST
        (up, here), (down, there) = (self._side(s * direction, first) for s in (1.0, -1.0))
        if min(up, down) < 0:
            return Look.FALLS
        if up == down == 0:
            return Look.LEVEL
        if up == 0 or down == 0:
            return Look.HALF_LEVEL
        return Look.ENCLOSED if max(here, there) <= _WIDE * self._tolerance else Look.RISES

    def _side(self, direction: Array, distance: float) -> tuple[int, float]:
        """The sign of the first change along a direction, and the distance where it is seen."""
        moving = np.abs(direction) > _EPSILON
        size = float((self._sizes[moving] / np.abs(direction[moving])).min())
        while distance * size <= self._reach:
            x = self._point.x + distance * size * direction
            if not self._is_inside(x):
                return 1, distance
            change = self._problem.function.value(x) - self._point.value
            if not np.isfinite(change):
                return (-1 if change == -np.inf else 1), distance
            if change and abs(change) > self._noise(x):  # a level place asks for no bound
                return (1 if change > 0 else -1), distance
            distance *= 10
        return 0, distance

    def _is_inside(self, x: Array) -> bool:
        problem = self._problem
        within = (x >= problem.low).all() and (x <= problem.high).all()
        return bool(within) and all(
            c.equality or c.function.value(x) >= 0 for c in problem.constraints
        )

    def _noise(self, x: Array) -> float:
        """A change that rounding may have made, of the values and of the place."""
        place = 4 * _EPSILON * np.abs(x).max()
        moved = self._slope * place + self._curvature * place**2
        return float(moved + self._bound + self._value_bound(x))

    def _value_bound(self, x: Array) -> float:
        function = self._problem.function
        values = {**function.parameters, **function.unknowns.split(x)}
        if any(map(np.ndim, values.values())):
            return 64 * _EPSILON * abs(function.value(x))
        return error_bound(function.expr, values)[1]
