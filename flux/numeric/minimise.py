"""`flux.minimize` and `flux.maximize`: where a formula is least, by exact derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from flux.errors import ArgumentError, did_you_mean
from flux.expr import Expr
from flux.expr.arguments import MOST, is_number
from flux.numeric.constrained import CONSTRAINED, constrained
from flux.numeric.minimum import Ending, Minimum, Step
from flux.numeric.minimum_search import GOOD, METHODS, RATED, Found, descend
from flux.numeric.objective import Point
from flux.numeric.optimality import DENSE
from flux.numeric.problem import Problem
from flux.numeric.reading import read

TOLERANCE = 1e-8
_ITERATIONS = {"gradient": 20_000, "momentum": 20_000, "adam": 20_000}
_OTHERS = 1_000
_MOST_ITERATIONS = 1_000_000
_DEFAULTS = {
    "unknowns": None,
    "bounds": None,
    "subject_to": (),
    "method": None,
    "rate": None,
    "tolerance": None,
    "max_iterations": None,
}


def minimize(
    formula: str | Expr,
    values: Any = None,
    /,
    *,
    unknowns: Any = None,
    bounds: Any = None,
    subject_to: Any = (),
    method: Any = None,
    rate: Any = None,
    tolerance: Any = None,
    max_iterations: Any = None,
    **starts_and_parameters: Any,
) -> Minimum:
    """Where a formula is least, from a start.

    `flux.minimize("(x - 3)^2", x=0.0)["x"]` is 3. Every name is an unknown with its start, unless
    `unknowns` says which are; then the others are parameters. `x=(0, 10)` gives an unknown bounds,
    between which it starts in the middle. A name with axes takes an array. Options give way to
    names of the formula.

    Args:
        formula: a text or an expression whose value is one number.
        values: starts and parameters as a mapping or a table, for any names.
        unknowns: the names that are searched for, or one name.
        bounds: by name, a pair of ends for an unknown that has a start; None is no end.
        subject_to: constraints, as texts: "x + y = 1", "x*y >= 0.1", "x^2 <= y && y <= 1".
        method: "newton" (trust region, exact Hessian; the default up to 200 unknowns), "bfgs",
            "lbfgs" (the default beyond), "cg", "gradient", "momentum", "adam"; with constraints
            "slsqp" or "trust-constr", of SciPy, by default the first and, where that fails, the
            second.
        rate: the step of "gradient" (the first one tried), "momentum" and "adam"; found by default.
        tolerance: of Newton's step at the minimum, beside the unknowns' size; 1e-8 by default.
        max_iterations: 1,000 by default, 20,000 for the three methods with a rate.
        starts_and_parameters: by name.

    Raises:
        FluxError: a text is not in the language, a name has no value, or an option no meaning. That
            no minimum is found is no error: see `Minimum.converged`.
    """
    options = {
        "unknowns": unknowns, "bounds": bounds, "subject_to": subject_to, "method": method,
        "rate": rate, "tolerance": tolerance, "max_iterations": max_iterations,
    }  # fmt: skip
    return _best(formula, values, options, starts_and_parameters, maximise=False)


def maximize(
    formula: str | Expr,
    values: Any = None,
    /,
    *,
    unknowns: Any = None,
    bounds: Any = None,
    subject_to: Any = (),
    method: Any = None,
    rate: Any = None,
    tolerance: Any = None,
    max_iterations: Any = None,
    **starts_and_parameters: Any,
) -> Minimum:
    """Where a formula is greatest; all else is as in `minimize`."""
    options = {
        "unknowns": unknowns, "bounds": bounds, "subject_to": subject_to, "method": method,
        "rate": rate, "tolerance": tolerance, "max_iterations": max_iterations,
    }  # fmt: skip
    return _best(formula, values, options, starts_and_parameters, maximise=True)


def _best(
    formula: str | Expr,
    values: Any,
    options: dict[str, Any],
    named: dict[str, Any],
    maximise: bool,
) -> Minimum:
    problem, rest = read(formula, values, options, _DEFAULTS, named, maximise)
    method = _method(rest["method"], problem)
    return minimised(
        problem,
        method,
        _rate(rest["rate"], method),
        _tolerance(rest["tolerance"]),
        _iterations(rest["max_iterations"], method),
    )


def minimised(
    problem: Problem, method: str, rate: float | None, tolerance: float, max_iterations: int
) -> Minimum:
    """The minimum of a problem that is ready."""
    with np.errstate(all="ignore"):
        if method == "constrained":
            return _constrained(problem, tolerance, max_iterations)
        if method in CONSTRAINED:
            found = constrained(problem, method, tolerance, max_iterations)
        else:
            found = descend(problem, method, rate, tolerance, max_iterations)
        return _result(problem, found, method)


def _constrained(problem: Problem, tolerance: float, max_iterations: int) -> Minimum:
    """By each method of SciPy in turn; the first that converges, or comes nearest to it."""
    results = []
    for method in CONSTRAINED:
        found = constrained(problem, method, tolerance, max_iterations)
        results.append(_result(problem, found, method))
        if found.verdict.ending in GOOD:
            return results[-1]
    return min(results, key=lambda r: (r.status is Ending.INFEASIBLE, r.violation))


def _result(problem: Problem, found: Found, method: str) -> Minimum:
    best, verdict = found.best, found.verdict
    sign = problem.sign()
    split = problem.unknowns.split
    prices = zip(problem.constraints, verdict.multipliers, strict=True)
    return Minimum(
        values=split(best.x),
        value=sign * best.value,
        gradient_norm=verdict.residual,
        iterations=len(found.points) - 1,
        evaluations=problem.function.evaluations,
        converged=verdict.ending in GOOD,
        status=verdict.ending,
        steps=tuple(_step(problem, point) for point in found.points),
        method=method,
        multipliers={c.text: sign * float(price) for c, price in prices},
        violation=float(verdict.violation),
        maximised=problem.maximise,
    )


def _step(problem: Problem, point: Point) -> Step:
    norm = float(np.abs(problem.projected(point)).max())
    return Step(problem.unknowns.split(point.x), problem.sign() * point.value, norm)


# Options.


def _method(method: Any, problem: Problem) -> str:
    known = CONSTRAINED if problem.constraints else METHODS
    if method is None:
        if problem.constraints:
            return "constrained"
        return "newton" if problem.unknowns.count <= DENSE // 2 else "lbfgs"
    if not isinstance(method, str) or method not in (*METHODS, *CONSTRAINED):
        hint = did_you_mean(str(method), [*METHODS, *CONSTRAINED])
        raise ArgumentError(f"no method {method!r}", hint=hint or f"one of {', '.join(known)}")
    if method in METHODS and problem.constraints:
        hint = f"one of {', '.join(CONSTRAINED)}"
        raise ArgumentError(f"the method {method!r} knows no constraints", hint=hint)
    if method == "newton" and problem.unknowns.count > 5 * DENSE:
        text = f"the Hessian of {problem.unknowns.count:,} unknowns is too large"
        raise ArgumentError(text, hint='use method="lbfgs"')
    return method


def _rate(rate: Any, method: str) -> float | None:
    if rate is None:
        return None
    if method not in RATED:
        raise ArgumentError(f"{method!r} takes no rate", hint=f"{', '.join(RATED)} do")
    if not is_number(rate) or isinstance(rate, bool) or not 0 < rate <= MOST:
        raise ArgumentError(f"a rate is a number above 0, not {rate!r}")
    return float(rate)


def _tolerance(tolerance: Any) -> float:
    if tolerance is None:
        return TOLERANCE
    if not is_number(tolerance) or not 1e-14 <= tolerance <= 0.1:
        hint = "from 1e-14 to 0.1, beside the unknowns' size"
        raise ArgumentError(f"tolerance {tolerance!r} cannot be used", hint=hint)
    return float(tolerance)


def _iterations(count: Any, method: str) -> int:
    if count is None:
        return _ITERATIONS.get(method, _OTHERS)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= _MOST_ITERATIONS:
        raise ArgumentError(
            f"max_iterations must be a whole number from 1 to {_MOST_ITERATIONS:,}, not {count!r}"
        )
    return count
