"""From a problem to the place of its least cost: by one step, or by searches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.curvature import curvature, lower_start
from flux.numeric.fitting.least_squares import solve_linear
from flux.numeric.fitting.losses import CONVEX, LOSSES, SQUARES, noise
from flux.numeric.fitting.model import is_linear
from flux.numeric.fitting.objective import Objective
from flux.numeric.fitting.problem import FitProblem
from flux.numeric.fitting.reasons import FitReason
from flux.numeric.fitting.search import RADII, Found, lost_at, search
from flux.numeric.fitting.starts import draws

Array = NDArray[Any]

_ESCAPES = 3  # from saddles
_SCALINGS, _SCALE_CLOSE = 20, 1e-4  # of the threshold of a robust loss
_SAME_COST = 1e-9
_TRIED_AGAIN = (FitReason.UNDETERMINED, FitReason.STUCK, FitReason.RUNAWAY)


@dataclass(frozen=True)
class Plan:
    """How a fit is to be made.

    Attributes:
        loss: a name of LOSSES, or SQUARES.
        threshold: of a robust loss; None to take it from the residuals.
        starts: how many.
        seed: of their draws.
        most: steps of each search.
    """

    loss: str
    threshold: float | None
    starts: int
    seed: int
    most: int


@dataclass(frozen=True)
class Attempt:
    """What came of it.

    Attributes:
        found: the place of the least cost.
        threshold: of a robust loss; 0 for least squares.
        evaluations: of the model over all rows.
        costs: where the search from each start ended, lowest first; nan where it is not finite.
    """

    found: Found
    threshold: float
    evaluations: int
    costs: tuple[float, ...]


def make(problem: FitProblem, plan: Plan) -> Attempt:
    """Make the fit."""
    curve = problem.curve
    objective = problem.objective()
    linear = is_linear(curve.expr, curve.parameters.names)
    if linear and not curve.parameters.bounded and plan.loss == SQUARES:
        found = solve_linear(objective, curve.parameters.start)
        if found is not None:
            return Attempt(found, 0.0, objective.evaluations, _costs([found]))
    tried = [
        _from_start(problem, objective, plan, start)
        for start in draws(curve.parameters, plan.starts, plan.seed)
    ]
    best, threshold = min(tried, key=lambda pair: _rank(pair[0], tried))
    return Attempt(best, threshold, objective.evaluations, _costs([f for f, _ in tried]))


def _rank(found: Found, tried: list[tuple[Found, float]]) -> tuple[bool, bool, float]:
    """The lowest cost first; among equal ones those that have converged."""
    if found.place is None:
        return (True, True, np.inf)
    least = min(f.place.cost for f, _ in tried if f.place is not None)
    higher = found.place.cost > least * (1 + _SAME_COST)
    return (higher, found.reason != FitReason.CONVERGED, found.place.cost)


def _costs(found: list[Found]) -> tuple[float, ...]:
    costs = [f.place.cost if f.place is not None else float("nan") for f in found]
    return tuple(sorted(costs, key=lambda cost: (np.isnan(cost), cost)))


def _from_start(
    problem: FitProblem, objective: Objective, plan: Plan, start: Array
) -> tuple[Found, float]:
    if plan.loss == SQUARES:
        return _minimum(problem, objective, start, plan), 0.0
    if plan.threshold is not None:
        return _gently(problem, objective, plan, start, plan.threshold), plan.threshold
    return _scaled(problem, objective, plan, start)


def _robust(
    problem: FitProblem, objective: Objective, plan: Plan, start: Array, threshold: float
) -> Found:
    """With a robust loss of this threshold; the evaluations count with those of the objective."""
    objective.loss, objective.threshold = LOSSES[plan.loss], threshold
    return _minimum(problem, objective, start, plan)


def _gently(
    problem: FitProblem, objective: Objective, plan: Plan, start: Array, threshold: float
) -> Found:
    """The same, from where a convex loss leads: a far residual pulls there, and not in others."""
    first = _robust(problem, objective, replace(plan, loss=CONVEX), start, threshold)
    x = start if first.place is None else first.place.x
    found = _robust(problem, objective, plan, x, threshold)
    return replace(found, iterations=first.iterations + found.iterations)


def _scaled(
    problem: FitProblem, objective: Objective, plan: Plan, start: Array
) -> tuple[Found, float]:
    """With a threshold in units of the noise, found in turns with the parameters.

    The first turn counts all residuals alike. The last one keeps its threshold, so that what is
    returned is a minimum of one cost.
    """
    threshold = 0.0
    objective.loss = None
    found = _minimum(problem, objective, start, plan)
    for _ in range(_SCALINGS):
        if found.place is None:
            break
        x = found.place.x
        wanted = LOSSES[plan.loss].tuning * noise(objective.residuals(x), x.size)
        stands = wanted <= 0 or abs(wanted - threshold) <= _SCALE_CLOSE * wanted
        if stands or (threshold and found.reason != FitReason.CONVERGED):
            break
        steps = found.iterations
        if steps >= plan.most:
            return replace(found, reason=FitReason.ITERATIONS), threshold
        search_from = _robust if threshold else _gently
        threshold = wanted
        found = search_from(problem, objective, replace(plan, most=plan.most - steps), x, threshold)
        found = replace(found, iterations=steps + found.iterations)
    return found, threshold


def _minimum(problem: FitProblem, objective: Objective, start: Array, plan: Plan) -> Found:
    """Search, and on from saddles; where that is lost, with another first radius.

    All of it within one number of steps. Where there are several starts, these do more than radii.
    """
    parameters = problem.curve.parameters
    best, steps = lost_at(start), 0
    for radius in RADII if plan.starts == 1 else RADII[:1]:
        left = plan.most - steps
        found = search(objective, start, parameters.low, parameters.high, left, radius)
        found = _off_saddles(problem, objective, found, left)
        steps += found.iterations
        if best.place is None or _is_better(found, best):
            best = found
        if found.reason not in _TRIED_AGAIN or steps >= plan.most:
            break
    return replace(best, iterations=steps)


def _is_better(found: Found, best: Found) -> bool:
    if found.place is None or best.place is None:
        return False
    if found.reason == FitReason.CONVERGED:
        return found.place.cost <= best.place.cost * (1 + _SAME_COST)
    return found.place.cost < best.place.cost


def _off_saddles(problem: FitProblem, objective: Objective, found: Found, most: int) -> Found:
    """Where the gradient is zero but there is a way down, take it."""
    low, high = problem.curve.parameters.low, problem.curve.parameters.high
    for _ in range(_ESCAPES):
        down = _way_down(objective, found)
        if down is None or found.place is None:
            return found
        lower = lower_start(objective, found.place, down, low, high)
        if lower is None:
            break
        further = search(objective, lower, low, high, most)
        found = replace(further, iterations=found.iterations + further.iterations)
    return found if _way_down(objective, found) is None else replace(found, reason=FitReason.SADDLE)


def _way_down(objective: Objective, found: Found) -> Array | None:
    if found.reason != FitReason.CONVERGED or found.place is None or found.standing is None:
        return None
    bent = curvature(objective, found.place, found.standing)
    return None if bent is None else bent.way_down()
