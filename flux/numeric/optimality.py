"""What counts as a minimum: the gradient, the curvature and a look around all have to say so.

Bounds and constraints that hold the point give up their share of the gradient. What is left of it,
and the curvature, are looked at in the directions that they leave open. There Newton's step says
how far the minimum is, whatever the scale of value or unknowns: at `exp(-x)` it never shrinks,
however small the gradient. Along the least curved directions the value itself has to rise.

Source:
    Nocedal and Wright, Numerical Optimization (2006), theorems 12.1 and 12.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux.calculus.equal import error_bound
from flux.expr.traverse import count_nodes
from flux.numeric.minimum import Ending
from flux.numeric.multipliers import Held, held
from flux.numeric.objective import Point, gradients
from flux.numeric.problem import Problem
from flux.numeric.surroundings import WORK, Look, Surroundings

Array = NDArray[Any]

DENSE = 400  # unknowns; beyond, the curvature is only looked at along conjugate directions
_FEASIBLE = 1e-10  # a violation beside the constraint's terms that counts as none
# Of the way from the start, of which a long one counts as 1, and of the largest unknown.
_TRAVELLED, _LONGEST, _OTHERS = 1e-3, 1.0, 1e-8
_PLACE = 4 * float(np.finfo(float).eps)  # of an unknown, that is nothing but rounding
_WEAK = 1e-6  # a curvature, beside the largest, that decides nothing by itself
_SURE = 1e-12  # likewise, that rounding has not made
_FALLEN = 1e-2  # a gradient, beside the largest of the search, that has come down
_PROBED = 20  # least curved directions that are looked along
_REACH = 10.0  # times the unknowns
_CG_TURNS, _CG_ENOUGH = 200, 1e-4
_ACROSS, _SHORT = 24, 1e-3  # directions between those, and how much of an axis is one

# What a look says against a point whose gradient and curvature say nothing.
_DOUBTS = {
    Look.FALLS: Ending.SADDLE,
    Look.HALF_LEVEL: Ending.FLAT,
    Look.HIDDEN: Ending.UNDECIDED,
}


class Verdict(NamedTuple):
    """What a point is.

    Args:
        ending: CONVERGED, ROUNDING, or what is in the way.
        residual: the largest entry of the gradient that nothing holds.
        multipliers: of the constraints.
        violation: the largest of a constraint.
    """

    ending: Ending
    residual: float
    multipliers: Array
    violation: float


class _View(NamedTuple):
    """A point by its curvature in the directions that are open.

    Args:
        holding: what holds it.
        hessian: of the value less what the constraints hold of it, (n, n).
        directions: of curvature, (n, k).
        curvature: along each, rising, (k,).
        largest: of these, signs aside.
    """

    holding: Held
    hessian: Array
    directions: Array
    curvature: Array
    largest: float

    @property
    def weak(self) -> Array:
        """Where the curvature decides nothing by itself."""
        return np.asarray(self.curvature <= _WEAK * self.largest)


class Judge:
    """Decides about the points of one search.

    Args:
        problem: that is searched.
        tolerance: of Newton's step beside the unknowns' size.
    """

    def __init__(self, problem: Problem, tolerance: float) -> None:
        self._problem = problem
        self._tolerance = tolerance
        self._largest = 0.0  # gradient of the search
        self._travelled = np.zeros_like(problem.start)  # away from the start, at the most

    def note(self, point: Point) -> float:
        """Take note of a point of the search; the largest entry of its projected gradient."""
        norm = float(np.abs(self._problem.projected(point)).max())
        self._largest = max(self._largest, norm)
        self._travelled = np.fmax(self._travelled, np.abs(point.x - self._problem.start))
        return norm

    def __call__(self, point: Point) -> Verdict:
        """What a point is."""
        constraints = self._problem.constraints
        violation = max((c.violation(point.x) for c in constraints), default=0.0)
        if not np.isfinite(point.value) or np.isnan(point.gradient).any():
            return Verdict(Ending.NOT_FINITE, np.nan, np.zeros(len(constraints)), violation)
        if point.x.size > DENSE and not constraints:
            rest = self._problem.projected(point)
            ending = self._along_conjugates(point, rest)
            return Verdict(ending, float(np.abs(rest).max()), np.zeros(0), 0.0)
        holding = held(self._problem, point)
        feasible = violation <= _FEASIBLE
        ending = self._by_curvature(point, holding) if feasible else Ending.INFEASIBLE
        residual = float(np.abs(holding.rest).max())
        return Verdict(ending, residual, holding.multipliers, violation)

    # By the curvature in the directions that are open.

    def _by_curvature(self, point: Point, holding: Held) -> Ending:
        if not holding.open.shape[1]:
            return Ending.CONVERGED
        hessian = self._hessian(point, holding.multipliers)
        reduced = holding.open.T @ hessian @ holding.open
        if not np.isfinite(reduced).all():
            return Ending.NOT_FINITE
        curvature, turned = np.linalg.eigh(reduced)
        largest = float(np.abs(curvature).max())
        view = _View(holding, hessian, holding.open @ turned, curvature, largest)
        looks = self._looks(point, view)
        far = self._far(view, looks)
        small = self._is_small(point, holding.rest, far, self._unknowable(point, view))
        if not small and not self._is_rounding(point, holding.rest):
            return Ending.FLAT if Look.HALF_LEVEL in looks else Ending.STALLED
        if Look.FALLS in looks or curvature[0] < -_WEAK * largest:
            return Ending.SADDLE if small else Ending.STALLED
        looks += self._looks_across(point, view, small)
        if holding.curved and view.weak.any():
            return Ending.UNDECIDED
        if not small and Look.CURVED in looks:  # the rounding that there is says nothing then
            return Ending.UNDECIDED
        worst = max(looks, key=lambda look: look.value)
        return _DOUBTS.get(worst, Ending.CONVERGED if small else Ending.ROUNDING)

    def _hessian(self, point: Point, multipliers: Array) -> Array:
        """Of the value less what the constraints hold of it."""
        hessian = self._problem.function.hessian(point.x)
        for price, c in zip(multipliers, self._problem.constraints, strict=True):
            if price and not c.linear:
                hessian = hessian - price * c.function.hessian(point.x)
        return hessian

    def _looks(self, point: Point, view: _View) -> list[Look]:
        """Around the point, along the least curved directions."""
        looks = [Look.RISES] * len(view.weak)
        if view.holding.curved:  # a straight look would leave the constraint
            return looks
        around = self._around(point, view)
        for n in range(min(len(looks), _PROBED)):
            looks[n] = self._look(around, view, view.directions[:, n], bool(view.weak[n]))
        return looks

    def _looks_across(self, point: Point, view: _View, small: bool) -> list[Look]:
        """Likewise, between weakly curved directions, which the value may fall along as well.

        Where it is not known how far the minimum is, no direction counts as strong.
        """
        weak = view.weak if small else np.ones_like(view.weak)
        if view.holding.curved or weak.sum() < 2:
            return []
        basis = view.directions[:, weak]
        around = self._around(point, view)
        most = WORK // (point.x.size * count_nodes(self._problem.function.expr))
        return [self._look(around, view, d, small) for d in islice(_across(basis), most)]

    def _around(self, point: Point, view: _View) -> Surroundings:
        moving = np.abs(view.holding.open).max(axis=1) > _SHORT
        reach = _REACH * self._extent(point.x, moving)
        firm = view.curvature > _WEAK * view.largest
        strong = view.directions[:, firm], view.curvature[firm]
        sizes = self._sizes(point.x, moving)
        return Surroundings(
            self._problem, point, view.hessian, sizes, reach, self._tolerance, strong
        )

    def _look(self, around: Surroundings, view: _View, direction: Array, closely: bool) -> Look:
        """One look; a curvature that is no rounding decides where nothing can be seen."""
        with np.errstate(all="ignore"):
            look = around.look(direction, closely)
        if look not in (Look.LEVEL, Look.HIDDEN):
            return look
        curvature = float(direction @ view.hessian @ direction)
        if abs(curvature) <= _SURE * view.largest:
            return look
        return Look.CURVED if curvature > 0 else Look.HIDDEN

    def _far(self, view: _View, looks: list[Look]) -> Array:
        """How far off the minimum is, by Newton's step along each direction.

        A weak curvature that the look around has settled counts as none; one that rounding may have
        made says that nothing is known.
        """
        settled = view.weak & np.array([look in (Look.LEVEL, Look.ENCLOSED) for look in looks])
        slopes = view.directions.T @ view.holding.rest
        unsure = np.abs(view.curvature) <= _SURE * view.largest
        with np.errstate(all="ignore"):
            steps = np.where(unsure, np.inf, slopes / np.abs(view.curvature))
            steps = np.where(settled | (slopes == 0), 0.0, steps)
            far: Array = np.nan_to_num(np.abs(view.directions * steps), nan=0.0).sum(axis=1)
        return far

    def _unknowable(self, point: Point, view: _View) -> Array:
        """How far off Newton's step may lead only because the place is rounded."""
        turned = np.abs(view.directions.T @ view.hessian) @ (_PLACE * np.abs(point.x))
        with np.errstate(all="ignore"):
            steps = np.where(turned > 0, turned / np.abs(view.curvature), 0.0)
            moved: Array = np.nan_to_num(np.abs(view.directions) * steps, posinf=0.0).sum(axis=1)
        return moved

    def _is_small(self, point: Point, rest: Array, far: Array, unknowable: Array | float) -> bool:
        """Whether a step is small beside the unknowns and their way from the start.

        The gradient has to have come down, or to promise nothing. A step that is small beside an
        unknown alone may be large beside all that happens around it, as of exp(1e9 - x).
        """
        fallen = float(np.abs(rest).max()) <= _FALLEN * self._largest
        if not fallen and not 0 < np.abs(rest) @ far <= self._problem.rounding(point):
            return False
        sizes = np.fmax(np.fmin(np.abs(point.x), self._travelled), self._least_size())
        return bool((far <= self._tolerance * sizes + unknowable).all())

    def _sizes(self, x: Array, moving: Array) -> Array:
        """What distances are compared with."""
        sizes = np.maximum(np.abs(x), self._least_size())
        return np.asarray(np.maximum(sizes, _OTHERS * self._extent(x, moving)))

    def _least_size(self) -> Array:
        """What an unknown at 0 is compared with."""
        return _TRAVELLED * np.minimum(self._travelled, _LONGEST)

    def _extent(self, x: Array, moving: Array) -> float:
        """The largest unknown that moves, or its way from the start; 1 where nothing has a size."""
        sizes = np.fmax(np.abs(x), self._travelled)
        return float(sizes[moving].max(initial=0.0)) or 1.0

    def _is_rounding(self, point: Point, rest: Array) -> bool:
        """Whether rounding alone may have made what is left of the gradient."""
        function = self._problem.function
        values = {**function.parameters, **function.unknowns.split(point.x)}
        if self._problem.constraints or any(map(np.ndim, values.values())):
            return False
        parts = gradients(function.expr, function.unknowns.leaves)
        bounds = [error_bound(g, values)[1] for g in parts]
        return bool((np.abs(rest) <= bounds).all())

    # Many unknowns.

    def _along_conjugates(self, point: Point, rest: Array) -> Ending:
        """Newton's step by conjugate gradients, which stop at a direction that curves down."""
        free = self._problem.free(point)
        step, residual = np.zeros_like(rest), -rest
        direction, left = residual.copy(), float(rest @ rest)
        enough = _CG_ENOUGH * left
        for _ in range(_CG_TURNS):
            if left <= enough:
                break
            product = self._problem.function.products(point.x, direction[None, :])[0]
            product = np.where(free, product, 0.0)
            curvature = float(direction @ product)
            if not curvature > 0:
                return Ending.SADDLE if curvature < 0 else Ending.UNDECIDED
            length = left / curvature
            step, residual = step + length * direction, residual - length * product
            before, left = left, float(residual @ residual)
            direction = residual + left / before * direction
        rounding = _PLACE * self._extent(point.x, free)
        small = self._is_small(point, rest, np.abs(step), rounding)
        return Ending.CONVERGED if small else Ending.STALLED


def _across(basis: Array) -> Iterator[Array]:
    """The axes, as far as they lie in the span of a basis (n, k), and directions drawn from it."""
    size, count = basis.shape
    axes = basis @ basis.T if size <= _PROBED else np.zeros((size, 0))
    drawn = basis @ np.random.default_rng(0).standard_normal((count, _ACROSS))
    for direction in np.concatenate([axes, drawn], axis=1).T:
        length = float(np.linalg.norm(direction))
        if length > _SHORT:
            yield direction / length
