"""`flux.solve`: the root of an equation, or one for each row.

Plain Newton first, for most starts need no more; then the safeguarded search; then, where that has
lost its way, the nearest changes of sign, bracketed one after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, chosen
from flux.expr import Expr
from flux.expr.arguments import is_number
from flux.numeric import brent, quick, safeguarded, scan
from flux.numeric.accept import EPSILON, Judge
from flux.numeric.equation import Problem, prepare, read
from flux.numeric.safeguarded import Outcome
from flux.numeric.solution import Reason, Solution

Array = NDArray[Any]

TOLERANCE, MAX_ITERATIONS = 1e-12, 200
_MOST_ITERATIONS = 100_000
_CHANGES = 4  # changes of sign that are tried for a row
_CHUNK = 16_384  # rows of the safeguarded search

# Method: derivatives that it takes, and its step.
_METHODS = {
    "newton": (1, safeguarded.newton_step),
    "halley": (2, safeguarded.halley_step),
    "bisection": (0, safeguarded.no_step),
    "brent": (0, safeguarded.no_step),
}
_DEFAULTS = {
    "unknown": None,
    "method": "newton",
    "tolerance": None,
    "max_iterations": None,
}


def solve(
    equation: str | Expr,
    values: Any = None,
    /,
    *,
    unknown: Any = None,
    method: Any = "newton",
    tolerance: Any = None,
    max_iterations: Any = None,
    **start_and_parameters: Any,
) -> Solution:
    """The root of an equation, or one for each row of arrays.

    `flux.solve("x^3 - 2*x = 5", x=2.0)` starts at 2; `x=(0, 3)` searches that bracket. The other
    names are parameters. A start, an end of a bracket or a parameter may be an array: then there is
    one root for each row. Options give way to names of the equation.

    Args:
        equation: a text, whose right side is 0 where it has no `=`, or an expression that is 0.
        values: start and parameters as a mapping or a table, for any names.
        unknown: the name to solve for, where several names could be it: without a bracket, an
            equation with parameters has to say.
        method: "newton", "halley" (with the second derivative), "bisection" or "brent"; the last
            two look for a bracket where none is given.
        tolerance: of the step, beside the unknown's size; 1e-12 by default.
        max_iterations: evaluations for each row; 200 by default.
        start_and_parameters: by name.

    Raises:
        ArgumentError: it is not clear what is solved for, or a value cannot be used.
        FluxError: the text is no equation, or a name has no value. That no root is found is no
            error: see `Solution.converged`.
    """
    options = {
        "unknown": unknown,
        "method": method,
        "tolerance": tolerance,
        "max_iterations": max_iterations,
    }
    residual, known, rest = read(equation, values, options, _DEFAULTS, start_and_parameters)
    problem = prepare(residual, known, rest["unknown"])
    return solved(
        problem,
        chosen("method", rest["method"], _METHODS),
        checked_tolerance(rest["tolerance"]),
        checked_iterations(rest["max_iterations"]),
    )


def solved(problem: Problem, method: str, tolerance: float, max_iterations: int) -> Solution:
    """The solution of a problem that is ready."""
    plain = method == "newton" and not problem.bracketed
    if plain and not problem.shape:
        found = quick.one(problem, tolerance, max_iterations)
        if found is not None:
            x, f, turns = found
            return Solution(x, f, turns, True, Reason.CONVERGED, x, problem.unknown)
    outcome = Outcome.blank(problem.count)
    if plain and problem.shape:
        quick.rows(problem, Judge.of(problem, tolerance), tolerance, max_iterations, outcome)
    (rest,) = np.nonzero(outcome.status != Reason.CONVERGED)
    with np.errstate(all="ignore"):
        for begin in range(0, rest.size, _CHUNK):
            rows = rest[begin : begin + _CHUNK]
            outcome.put(rows, _carefully(problem, method, tolerance, max_iterations, rows))
    return _solution(problem, outcome)


def _carefully(
    problem: Problem, method: str, tolerance: float, max_iterations: int, rows: Array
) -> Outcome:
    """Search some rows with all safeguards."""
    judge = Judge.of(problem, tolerance)
    start, minus, plus = _ends(problem, judge, rows)
    bounds = problem.low[rows], problem.high[rows]
    if method == "brent":
        found = _by_brent(judge, rows, start, minus, plus, max_iterations)
    else:
        order, propose = _METHODS[method]
        found = safeguarded.search(
            problem.function(order), propose, judge, rows, start, bounds, (minus, plus),
            max_iterations,
        )  # fmt: skip
    _search_changes(problem, method, judge, rows, found, max_iterations)
    _polish(problem, judge, rows, found)
    return found


def _polish(problem: Problem, judge: Judge, rows: Array, found: Outcome) -> None:
    """One more step of Newton's, within the tolerance, where that lowers the residual."""
    (at,) = np.nonzero((found.status == Reason.CONVERGED) & (found.residual != 0))
    if not at.size:
        return
    f, slope = problem.function(1)(found.x[at], rows[at])
    step = f / slope
    further = np.where(np.abs(step) <= judge.step_limit(found.x[at], rows[at]), step, 0)
    further = np.clip(found.x[at] - further, problem.low[rows[at]], problem.high[rows[at]])
    (after,) = judge.value(further, rows[at])
    lower = np.abs(after) < np.abs(found.residual[at])
    found.x[at] = np.where(lower, further, found.x[at])
    found.residual[at] = np.where(lower, after, found.residual[at])


def _ends(problem: Problem, judge: Judge, rows: Array) -> tuple[Array, Array, Array]:
    """Where each row starts, and where its residual is known to be negative and positive."""
    start = problem.start[rows]
    minus, plus = np.full(rows.size, np.nan), np.full(rows.size, np.nan)
    if not problem.bracketed:
        return start, minus, plus
    for end in (problem.low[rows], problem.high[rows]):
        f = judge.value(end, rows)[0]
        minus, plus = np.where(f < 0, end, minus), np.where(f > 0, end, plus)
        start = np.where(f == 0, end, start)
    return start, minus, plus


def _by_brent(
    judge: Judge, rows: Array, start: Array, minus: Array, plus: Array, max_iterations: int
) -> Outcome:
    found = Outcome.unfinished(start)
    found.status[:] = Reason.NO_CHANGE
    value = judge.value(start, rows)[0]
    found.residual[:], zero = value, value == 0
    found.status[np.isnan(value)] = Reason.NOT_FINITE
    found.residual[zero], found.status[zero] = 0.0, Reason.CONVERGED
    (ready,) = np.nonzero(np.isfinite(minus) & np.isfinite(plus) & ~zero)
    if ready.size:
        found.put(
            ready,
            brent.search(judge, rows[ready], minus[ready], plus[ready], max_iterations),
        )
    return found


def _search_changes(
    problem: Problem,
    method: str,
    judge: Judge,
    rows: Array,
    found: Outcome,
    max_iterations: int,
) -> None:
    """For rows without a root: try the changes of sign near the start, one after the other."""
    lost = np.nonzero((found.status > Reason.ROUNDING) & np.isfinite(problem.start[rows]))[0]
    if not lost.size:
        return
    low, high = problem.low[rows[lost]], problem.high[rows[lost]]
    nearest = problem.start[rows[lost]]
    options = scan.changes(judge.value, rows[lost], nearest, low, high, _CHANGES)
    # What only the lack of a bracket stopped has its reason from here.
    bare = np.ones(lost.size, bool)
    bare[options[0].rows] = False
    if method in ("bisection", "brent") or problem.bracketed:
        given_up = lost[bare]
        keep = found.status[given_up] == Reason.NOT_FINITE
        if method in ("newton", "halley"):
            keep |= found.status[given_up] == Reason.LEAST
        found.status[given_up[~keep]] = Reason.NO_CHANGE
    for change in options:
        open_ = found.status[lost[change.rows]] > Reason.ROUNDING
        at = lost[change.rows[open_]]
        if at.size:
            minus, plus = change.minus[open_], change.plus[open_]
            _try(problem, method, judge, rows, at, minus, plus, found, max_iterations)


def _try(
    problem: Problem,
    method: str,
    judge: Judge,
    rows: Array,
    at: Array,
    minus: Array,
    plus: Array,
    found: Outcome,
    max_iterations: int,
) -> None:
    """Search between a negative and a positive place; a root is taken over, else the reason."""
    if method == "brent":
        tried = brent.search(judge, rows[at], minus, plus, max_iterations)
    else:
        order, propose = _METHODS[method]
        bounds = np.minimum(minus, plus), np.maximum(minus, plus)
        tried = safeguarded.search(
            problem.function(order), propose, judge, rows[at], minus / 2 + plus / 2, bounds,
            (minus, plus), max_iterations,
        )  # fmt: skip
    found.iterations[at] += tried.iterations
    good = tried.status <= Reason.ROUNDING
    found.x[at[good]] = tried.x[good]
    found.residual[at[good]] = tried.residual[good]
    found.status[at] = tried.status


def _solution(problem: Problem, outcome: Outcome) -> Solution:
    converged = outcome.status <= Reason.ROUNDING
    root = outcome.x if converged.all() else np.where(converged, outcome.x, np.nan)
    if not problem.shape:
        return Solution(
            float(root[0]),
            float(outcome.residual[0]),
            int(outcome.iterations[0]),
            bool(converged[0]),
            Reason(int(outcome.status[0])),
            float(outcome.x[0]),
            problem.unknown,
        )
    shape = problem.shape
    return Solution(
        root.reshape(shape),
        outcome.residual.reshape(shape),
        outcome.iterations.reshape(shape),
        converged.reshape(shape),
        outcome.status.reshape(shape),
        outcome.x.reshape(shape),
        problem.unknown,
    )


# Options.


def checked_tolerance(tolerance: Any) -> float:
    """The tolerance, or its default."""
    if tolerance is None:
        return TOLERANCE
    if not is_number(tolerance) or not 4 * EPSILON <= tolerance <= 0.1:
        hint = f"from {4 * EPSILON:.1g} to 0.1, beside the unknown's size"
        raise ArgumentError(f"tolerance {tolerance!r} cannot be used", hint=hint)
    return float(tolerance)


def checked_iterations(count: Any) -> int:
    """The number of evaluations, or its default."""
    if count is None:
        return MAX_ITERATIONS
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST_ITERATIONS:
        raise ArgumentError(
            f"max_iterations must be a whole number from 1 to {_MOST_ITERATIONS:,}, not {count!r}"
        )
    return count
