"""`flux.solve_system`: the root of as many equations as unknowns, or one for each row.

Newton with a line search first. What it leaves goes, from the start again, to the dogleg within a
trust region, to a line search that the equations' units do not touch, to the best step within a
trust region, and to plain Newton. A search that has stalled is tried once more from nearby.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import chosen
from flux.expr import Expr
from flux.numeric import quick_system
from flux.numeric.accept_system import SystemJudge
from flux.numeric.descent import WAYS, SystemOutcome, search
from flux.numeric.directions import are_finite, column_norms, condition, newton, norm
from flux.numeric.equations import System, prepare, read
from flux.numeric.root import checked_iterations, checked_tolerance
from flux.numeric.solution import Reason
from flux.numeric.system_solution import SystemSolution

Array = NDArray[Any]

# Method: the searches that are tried one after the other.
METHODS = {
    "auto": ("newton", "dogleg", "natural", "levenberg", "plain"),
    "newton": ("newton",),
    "dogleg": ("dogleg",),
    "levenberg": ("levenberg",),
}
_CHUNK = 1 << 20  # entries of the Jacobians that are held at once
_SMALLER = 1 - 1e-6  # a norm of residuals that is worth another place
_NUDGE = 1e-2  # beside an unknown's size
_NEAR = 1e-2  # of an unknown's size: how far around the Jacobian's size is looked at
_DEFAULTS: dict[str, Any] = {
    "unknowns": None,
    "bounds": None,
    "method": "auto",
    "tolerance": None,
    "max_iterations": None,
}


def solve_system(
    equations: Sequence[str | Expr],
    values: Any = None,
    /,
    *,
    unknowns: Any = None,
    bounds: Any = None,
    method: Any = "auto",
    tolerance: Any = None,
    max_iterations: Any = None,
    **starts_and_parameters: Any,
) -> SystemSolution:
    """The root of a system of equations, or one for each row of arrays.

    `flux.solve_system(["x^2 + y^2 = 4", "x*y = 1"], x=2.0, y=0.5)` starts at (2, 0.5). The other
    names are parameters. A start, a bound or a parameter may be an array: then there is one root
    for each row. Options give way to names of the equations.

    Args:
        equations: texts, whose right side is 0 where they have no `=`, or expressions that are 0;
            as many as unknowns.
        values: starts and parameters as a mapping or a table, for any names.
        unknowns: the names to solve for, where there are more names than equations.
        bounds: of some unknowns, as {"x": (low, high)}; None is no bound.
        method: "newton" (a line search), "dogleg" or "levenberg" (a trust region), or "auto": all
            of these, in turn, until one finds a root.
        tolerance: of the step, beside each unknown's size; 1e-12 by default.
        max_iterations: evaluations for each row and search; 200 by default.
        starts_and_parameters: by name.

    Raises:
        ArgumentError: it is not clear what is solved for, or a value cannot be used.
        FluxError: a text is no equation, or a name has no value. That no root is found is no
            error: see `SystemSolution.converged`.
    """
    options = {
        "unknowns": unknowns,
        "bounds": bounds,
        "method": method,
        "tolerance": tolerance,
        "max_iterations": max_iterations,
    }
    residuals, known, rest = read(equations, values, options, _DEFAULTS, starts_and_parameters)
    searches = METHODS[chosen("method", rest["method"], METHODS)]
    limit, turns = checked_tolerance(rest["tolerance"]), checked_iterations(rest["max_iterations"])
    system = prepare(residuals, known, rest["unknowns"], rest["bounds"])
    with np.errstate(all="ignore"):
        return _solved(system, searches, limit, turns)


def _solved(
    system: System, searches: tuple[str, ...], tolerance: float, max_iterations: int
) -> SystemSolution:
    judge = SystemJudge.of(system, tolerance)
    count, n = system.start.shape
    outcome = SystemOutcome.unfinished(system.start)
    conditions = np.full(count, np.nan)
    size = max(1, _CHUNK // (n * n))
    for begin in range(0, count, size):
        rows = np.arange(begin, min(begin + size, count))
        if searches[0] == "newton" and system.unbounded:
            quick_system.search(judge, rows, system.start[rows], outcome, max_iterations)
        _search(judge, searches, rows, system.start, outcome, max_iterations)
        conditions[rows] = _finish(judge, rows, outcome, system.start[rows])
    return _solution(system, outcome, conditions)


def _search(
    judge: SystemJudge,
    searches: tuple[str, ...],
    rows: Array,
    start: Array,
    outcome: SystemOutcome,
    max_iterations: int,
) -> None:
    """Search some rows until one of the searches has found a root; once more from nearby."""
    for way in searches:
        rows = rows[outcome.status[rows] > Reason.ROUNDING]
        if rows.size:
            found = search(judge, WAYS[way], rows, start[rows], max_iterations)
            _take_over(outcome, rows, found)
    rows = rows[outcome.status[rows] == Reason.STALLED]
    if rows.size:
        place = _nudged(judge, rows, outcome, start[rows])
        _take_over(outcome, rows, search(judge, WAYS[searches[0]], rows, place, max_iterations))


def _take_over(outcome: SystemOutcome, rows: Array, found: SystemOutcome) -> None:
    """Keep the better of two searches: a root, else the place with clearly smaller residuals."""
    outcome.iterations[rows] += found.iterations
    before, after = norm(outcome.residual[rows]), norm(found.residual)
    better = (found.status <= Reason.ROUNDING) | ~(after >= _SMALLER * before)
    better |= (
        _is_explained(found.status)
        & ~_is_explained(outcome.status[rows])
        & (after <= before / _SMALLER)
    )
    at = rows[better]
    outcome.x[at], outcome.residual[at] = found.x[better], found.residual[better]
    outcome.status[at] = found.status[better]


def _is_explained(status: Array) -> Array:
    explained: Array = (status == Reason.LEAST) | (status == Reason.BOUND)
    return explained


def _nudged(judge: SystemJudge, rows: Array, outcome: SystemOutcome, start: Array) -> Array:
    """The best neighbour of each place where a search stalled, such as a greatest |residual|."""
    x = outcome.x[rows]
    places = judge.neighbours(x, rows, np.abs(x - start), _NUDGE)
    f, _ = judge.around(x, rows, np.abs(x - start), _NUDGE)
    best = np.where(np.isfinite(f).all(axis=2), norm(f), np.inf).argmin(axis=0)
    nearest: Array = places[best, np.arange(rows.size)]
    return nearest


def _finish(judge: SystemJudge, rows: Array, outcome: SystemOutcome, start: Array) -> Array:
    """One more step of Newton's where that lowers the residuals; the Jacobian's condition."""
    x = outcome.x[rows]
    f, jacobian = judge.evaluate(x, rows)
    found = np.full(rows.size, np.nan)
    (at,) = np.nonzero(are_finite(f, jacobian))
    if at.size:
        scale = column_norms(jacobian[at])
        scale = np.where(scale > 0, scale, 1.0)
        rows, x, f, jacobian = rows[at], x[at], f[at], jacobian[at]
        found[at] = condition(jacobian, scale, _row_sizes(judge, x, jacobian, rows, start[at]))
        _polish(judge, rows, x, f, newton(jacobian, f, x, scale, np.ones(x.shape, bool)), outcome)
    return found


def _row_sizes(judge: SystemJudge, x: Array, jacobian: Array, rows: Array, start: Array) -> Array:
    """The size of each residual's gradient near x: at x itself it may vanish."""
    most = norm(jacobian)
    for step in judge.askew(x, np.abs(x - start), _NEAR):
        beside = norm(judge.evaluate(x + step, rows)[1])
        most = np.maximum(most, np.where(np.isfinite(beside), beside, 0.0))
    return most


def _polish(
    judge: SystemJudge,
    rows: Array,
    x: Array,
    f: Array,
    step_and_singular: tuple[Array, Array],
    outcome: SystemOutcome,
) -> None:
    step, singular = step_and_singular
    further = np.clip(x + step, judge.low[rows], judge.high[rows])
    after, _ = judge.evaluate(further, rows)
    taken = (norm(after) < norm(f)) & ~singular & (outcome.status[rows] == Reason.CONVERGED)
    outcome.x[rows[taken]], outcome.residual[rows[taken]] = further[taken], after[taken]


def _solution(system: System, outcome: SystemOutcome, conditions: Array) -> SystemSolution:
    converged = outcome.status <= Reason.ROUNDING
    roots = np.where(converged[:, None], outcome.x, np.nan)
    if not system.shape:
        return SystemSolution(
            dict(zip(system.unknowns, map(float, roots[0]), strict=True)),
            outcome.residual[0],
            int(outcome.iterations[0]),
            bool(converged[0]),
            Reason(int(outcome.status[0])),
            dict(zip(system.unknowns, map(float, outcome.x[0]), strict=True)),
            float(conditions[0]),
        )
    shape = system.shape
    return SystemSolution(
        {name: roots[:, j].reshape(shape) for j, name in enumerate(system.unknowns)},
        outcome.residual.reshape(*shape, len(system.unknowns)),
        outcome.iterations.reshape(shape),
        converged.reshape(shape),
        outcome.status.reshape(shape),
        {name: outcome.x[:, j].reshape(shape) for j, name in enumerate(system.unknowns)},
        conditions.reshape(shape),
    )
