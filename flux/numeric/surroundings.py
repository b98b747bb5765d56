"""A look around a point: whether the value rises along a direction, falls, or stays.

The first change beyond rounding decides, from close by outwards. It tells x^4 from x^3 where no
derivative does, and a valley, which is level on both sides, from a plateau, which is on one. What
is level counts as a valley only where rounding hides nothing there: no slope, and no term.

A value that rises along a line may fall along a curve, as (x - y^2)*(x - 3*y^2) does: a look along
a weakly curved direction is taken a second time, from each place down along the strong ones.
"""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.calculus.equal import error_bound
from flux.errors import FluxError
from flux.expr import inputs
from flux.expr.traverse import count_nodes
from flux.numeric.objective import Point, gradients, parts_of_sum
from flux.numeric.problem import Problem
from flux.precision import interval

Array = NDArray[Any]

_EPSILON = float(np.finfo(float).eps)
_FIRST = 1e-4  # beside the unknowns' size
_KEPT = 1e-14  # a violation, beside the constraint's terms, that is rounding
WORK = 600  # nodes of formulas, of which so many bounds or looks take a tenth of a second
_SHARE = 1e-3  # of a direction: an unknown that has less of it does not count
_WIDE = 20.0  # tolerances within which a minimum counts as enclosed


class Look(Enum):
    """What the value does along a direction and its opposite."""

    ENCLOSED = 0  # it rises on both sides, within the tolerance
    RISES = 1
    CURVED = 2  # it is the same everywhere within rounding, but its curvature is upwards
    LEVEL = 3  # it is the same everywhere
    HIDDEN = 4  # what changes is less than the rounding of the rest
    HALF_LEVEL = 5
    FALLS = 6


class Surroundings:
    """What lies around one point of a problem.

    Args:
        problem: whose point it is.
        point: the point.
        hessian: there.
        sizes: of the unknowns: what a distance is compared with.
        reach: how far to look.
        tolerance: beside the sizes.
        strong: directions that are clearly curved upwards, (n, k), and their curvature, (k,).
    """

    def __init__(
        self,
        problem: Problem,
        point: Point,
        hessian: Array,
        sizes: Array,
        reach: float,
        tolerance: float,
        strong: tuple[Array, Array],
    ) -> None:
        self._problem, self._point, self._hessian = problem, point, hessian
        self._sizes, self._reach, self._tolerance = sizes, reach, tolerance
        self._strong = strong
        self._slope = float(np.abs(problem.projected(point)).sum())
        self._curvature = float(np.abs(hessian).sum(axis=1).max())
        self._bound = self._value_bound(point.x)
        function = problem.function
        self._is_light = function.unknowns.count * count_nodes(function.expr) <= WORK
        # The point itself may be beyond an edge by rounding.
        self._kept = [max(c.violation(point.x), _KEPT) for c in problem.constraints]

    def look(self, direction: Array, closely: bool) -> Look:
        """Along a direction; closely, from the tolerance on, and along a curve as well."""
        straight = self._along(direction, closely)
        curves = closely and self._is_light and self._strong[1].size
        if not curves or straight is Look.FALLS:
            return straight
        down, curvature = self._strong
        gain = float((down.T @ self._point.gradient) ** 2 @ (1 / curvature))
        curved = self._along(direction, closely, gain)
        return curved if curved in (Look.FALLS, Look.HALF_LEVEL) else straight

    def _along(self, direction: Array, closely: bool, gain: float | None = None) -> Look:
        """Along a line, or a curve, on which the point itself would be lower by the gain."""
        first = self._tolerance if closely else _FIRST
        (up, here, x), (down, there, y) = (
            self._side(s * direction, first, gain) for s in (1.0, -1.0)
        )
        if min(up, down) < 0:
            return Look.FALLS
        if up == down == 0:
            return self._level(direction, (x, y)) if gain is None else Look.LEVEL
        if up == 0 or down == 0:
            return Look.HALF_LEVEL
        return Look.ENCLOSED if max(here, there) <= _WIDE * self._tolerance else Look.RISES

    def _side(
        self, direction: Array, distance: float, gain: float | None
    ) -> tuple[int, float, Array]:
        """The sign of the first change along a direction, and distance and place of the last."""
        moving = np.abs(direction) > _EPSILON
        size = float((self._sizes[moving] / np.abs(direction[moving])).min())
        x = self._point.x
        while distance * size <= self._reach:
            x = self._point.x + distance * size * direction
            x = x if gain is None else self._lowered(x)
            if not self._is_inside(x):
                return 1, distance, x
            change = self._problem.function.value(x) - self._point.value
            if not np.isfinite(change):
                return (-1 if change == -np.inf else 1), distance, x
            # A level place asks for no bound.
            if change and abs(change) > self._noise(x) + (gain or 0.0):
                return (1 if change > 0 else -1), distance, x
            distance *= 10
        return 0, distance, x

    def _lowered(self, x: Array) -> Array:
        """Newton's step from a place along the strong directions."""
        down, curvature = self._strong
        lowered: Array = x - down @ ((down.T @ self._problem.function(x).gradient) / curvature)
        return lowered

    def _is_inside(self, x: Array) -> bool:
        problem = self._problem
        within = (x >= problem.low).all() and (x <= problem.high).all()
        return bool(within) and all(
            c.equality or c.violation(x) <= kept
            for c, kept in zip(problem.constraints, self._kept, strict=True)
        )

    # Rounding.

    def _noise(self, x: Array) -> float:
        """A change that rounding may have made, of the values and of the place."""
        return self._moved(x) + self._bound + self._value_bound(x)

    def _moved(self, x: Array) -> float:
        """A change that rounding of the place may have made."""
        place = 4 * _EPSILON * float(np.abs(x).max())
        return self._slope * place + self._curvature * place * place

    def _value_bound(self, x: Array) -> float:
        function = self._problem.function
        values = self._values(x)
        if any(map(np.ndim, values.values())):
            return 64 * _EPSILON * abs(function.value(x))
        return error_bound(function.expr, values)[1]

    def _values(self, x: Array) -> dict[str, Any]:
        function = self._problem.function
        return {**function.parameters, **function.unknowns.split(x)}

    def _level(self, direction: Array, ends: tuple[Array, Array]) -> Look:
        """What a level direction is, when rounding is taken away."""
        if any(map(np.ndim, self._values(self._point.x).values())) or not self._is_light:
            return Look.LEVEL  # no bounds are known of arrays, and of much they take too long
        if self._underflows(direction):
            return Look.HALF_LEVEL
        places = (self._point.x, *ends)
        hides = any(self._has_slope(x, direction) for x in places) or any(map(self._drowns, ends))
        return Look.HIDDEN if hides else Look.LEVEL

    def _underflows(self, direction: Array) -> bool:
        """Whether a derivative is 0 only as a float: exp(-1e9) is not, and has a sign."""
        function, values = self._problem.function, self._values(self._point.x)
        parts = gradients(function.expr, function.unknowns.leaves)
        for part, slope, share in zip(parts, self._point.gradient, direction, strict=True):
            if slope == 0 and abs(share) > _SHARE:
                with suppress(FluxError):  # it takes too long, or inf occurs in it
                    names = [leaf.attributes.name for leaf in inputs(part)]
                    found = interval(part, {name: values[name] for name in names})
                    if (found.low == 0) != (found.high == 0):
                        return True
        return False

    def _has_slope(self, x: Array, direction: Array) -> bool:
        """Whether the derivative along a direction is more than rounding."""
        function, values = self._problem.function, self._values(x)
        parts = gradients(function.expr, function.unknowns.leaves)
        slopes, bounds = np.array([error_bound(part, values) for part in parts]).T
        along = np.abs(direction)
        turned = 4 * _EPSILON * np.where(along > 0, np.abs(slopes), 0.0)  # by rounding of it
        moved = along @ np.abs(self._hessian) @ (4 * _EPSILON * np.abs(x))
        return bool(abs(slopes @ direction) > along @ bounds + turned.sum() + moved)

    def _drowns(self, x: Array) -> bool:
        """Whether a term changes on the way to a place, but less than all of them round."""
        moved, noise, here = self._moved(x), self._noise(x), self._values(self._point.x)
        for part in parts_of_sum(self._problem.function.expr):
            (old, error), (new, more) = (error_bound(part, v) for v in (here, self._values(x)))
            if moved + error + more < abs(new - old) <= noise:
                return True
        return False
