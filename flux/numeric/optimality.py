"""What counts as a minimum: the gradient, the curvature and a look around all have to say so.

Bounds and constraints that hold the point give up their share of the gradient. What is left of it,
and the curvature, are looked at in the directions that they leave open. There Newton's step says
how far the minimum is, whatever the scale of value or unknowns: at `exp(-x)` it never shrinks,
however small the gradient. Along the least curved directions the value itself has to rise.

Source:
    Nocedal and Wright, Numerical Optimization (2006), theorems 12.1 and 12.6.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux.calculus.equal import error_bound
from flux.numeric.minimum import Ending
from flux.numeric.multipliers import Held, held
from flux.numeric.objective import Point, gradients
from flux.numeric.problem import Problem
from flux.numeric.surroundings import Look, Surroundings

Array = NDArray[Any]

DENSE = 400  # unknowns; beyond, the curvature is only looked at along conjugate directions
_FEASIBLE = 1e-10  # a violation beside the constraint's terms that counts as none
_TRAVELLED, _OTHERS = 1e-3, 1e-8  # of the way from the start, and of the largest unknown
_WEAK = 1e-6  # a curvature, beside the largest, that decides nothing by itself
_SURE = 1e-12  # likewise, that rounding has not made
_FALLEN = 1e-2  # a gradient, beside the largest of the search, that has come down
_PROBED = 20  # least curved directions that are looked along
_REACH = 10.0  # times the unknowns
_CG_TURNS, _CG_ENOUGH = 200, 1e-4


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
        directions = holding.open @ turned
        weak = curvature <= _WEAK * float(np.abs(curvature).max())
        looks = self._looks(point, holding, hessian, directions, weak)
        far = self._far(holding.rest, curvature, directions, weak, looks)
        small = self._is_small(point, holding.rest, far)
        if not small and not self._is_rounding(point, holding.rest):
            return Ending.FLAT if Look.HALF_LEVEL in looks else Ending.STALLED
        if Look.FALLS in looks or curvature[0] < -_WEAK * float(np.abs(curvature).max()):
            return Ending.SADDLE if small else Ending.STALLED
        if Look.HALF_LEVEL in looks:
            return Ending.FLAT
        if holding.curved and weak.any():
            return Ending.UNDECIDED
        return Ending.CONVERGED if small else Ending.ROUNDING

    def _hessian(self, point: Point, multipliers: Array) -> Array:
        """Of the value less what the constraints hold of it."""
        hessian = self._problem.function.hessian(point.x)
        for price, c in zip(multipliers, self._problem.constraints, strict=True):
            if price and not c.linear:
                hessian = hessian - price * c.function.hessian(point.x)
        return hessian

    def _looks(
        self, point: Point, holding: Held, hessian: Array, directions: Array, weak: Array
    ) -> list[Look]:
        """Around the point, along the least curved directions."""
        looks = [Look.RISES] * len(weak)
        if holding.curved:  # a straight look would leave the constraint
            return looks
        reach = _REACH * self._extent(point.x)
        sizes = self._sizes(point.x)
        around = Surroundings(self._problem, point, hessian, sizes, reach, self._tolerance)
        with np.errstate(all="ignore"):
            for n in range(min(len(weak), _PROBED)):
                looks[n] = around.look(directions[:, n], bool(weak[n]))
        return looks

    def _far(
        self, rest: Array, curvature: Array, directions: Array, weak: Array, looks: list[Look]
    ) -> Array:
        """How far off the minimum is, by Newton's step along each direction.

        A weak curvature that the look around has settled counts as none; one that rounding may have
        made says that nothing is known.
        """
        settled = weak & np.array([look in (Look.LEVEL, Look.ENCLOSED) for look in looks])
        slopes = directions.T @ rest
        unsure = np.abs(curvature) <= _SURE * float(np.abs(curvature).max())
        with np.errstate(all="ignore"):
            steps = np.where(unsure, np.inf, slopes / np.abs(curvature))
            steps = np.where(settled | (slopes == 0), 0.0, steps)
            far: Array = np.nan_to_num(np.abs(directions * steps), nan=0.0).sum(axis=1)
        return far

    def _is_small(self, point: Point, rest: Array, far: Array) -> bool:
        """Whether a step is small.

        Beside the unknowns; or beside their way from the start, where the gradient has come down.
        """
        if far.any() and (far <= self._tolerance * np.abs(point.x)).all():
            return True
        fallen = float(np.abs(rest).max()) <= _FALLEN * self._largest
        return fallen and bool((far <= self._tolerance * self._sizes(point.x)).all())

    def _sizes(self, x: Array) -> Array:
        """What steps are compared with; no unknown is known better than rounding of the largest."""
        sizes = np.maximum(np.abs(x), _TRAVELLED * self._travelled)
        return np.asarray(np.maximum(sizes, _OTHERS * self._extent(x)))

    def _extent(self, x: Array) -> float:
        """The largest unknown, or the longest way from the start; 1 where nothing has a size."""
        return max(float(np.abs(x).max()), float(self._travelled.max())) or 1.0

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
        small = self._is_small(point, rest, np.abs(step))
        return Ending.CONVERGED if small else Ending.STALLED
