"""`flux.integrate_ode`: differential equations, given as formulas, integrated over time.

The right-hand sides and their exact Jacobian are compiled; SciPy's solvers take the steps. Events
are looked for between the ends of each step, and placed by the step's own interpolant.

Source:
    the methods are those of scipy.integrate: Dormand and Prince of orders 5 and 8, Radau IIA of
    order 5, backward differences, and LSODA, which changes between stiff and other methods.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.calculus.substitute import as_expression
from flux.errors import ArgumentError, UnknownNameError, chosen, did_you_mean
from flux.expr import Expr, inputs
from flux.expr.arguments import MOST, as_array, as_float, is_number
from flux.numeric import sensitivity
from flux.numeric.equation import check_plain, difference, real_values
from flux.numeric.given import columns
from flux.numeric.ode_solution import OdeSolution
from flux.numeric.ode_steps import METHODS, Problem, Settings, integrated
from flux.ops import Op
from flux.settings import current
from flux.syntax import parse

Array = NDArray[Any]

MOST_EVALUATIONS = 1_000_000
_RELATIVE = 1e-8
_ABSOLUTE = 1e-3  # of the relative tolerance, beside the unknown's start
_LEAST_RELATIVE = 1e-13
_EXAMPLE = 'integrate_ode({"x": "-k*x"}, t=(0, 5), x=1.0, k=2.0)'
# An event that is a comparison: the direction in which its difference changes its sign.
_DIRECTIONS = {Op.LT: -1, Op.LE: -1, Op.GT: 1, Op.GE: 1}
_DEFAULTS: dict[str, Any] = {
    "time": "t",
    "at": None,
    "method": "auto",
    "tolerance": None,
    "absolute": None,
    "events": None,
    "until": None,
    "sensitivities": None,
    "largest_step": None,
    "max_evaluations": None,
}


def integrate_ode(
    equations: Mapping[str, str | Expr],
    values: Any = None,
    /,
    *,
    time: Any = "t",
    at: Any = None,
    method: Any = "auto",
    tolerance: Any = None,
    absolute: Any = None,
    events: Any = None,
    until: Any = None,
    sensitivities: Any = None,
    largest_step: Any = None,
    max_evaluations: Any = None,
    **starts_and_parameters: Any,
) -> OdeSolution:
    """The solution of ordinary differential equations from given starts.

    `flux.integrate_ode({"x": "a*x - b*x*y", "y": "c*x*y - d*y"}, t=(0, 20), x=10, y=5, a=1.1,
    b=0.4, c=0.1, d=0.4)`: the time derivative of each unknown is a formula of unknowns, time and
    parameters. Options give way to names of the equations.

    Args:
        equations: the derivative of each unknown by time; a text or an expression.
        values: starts, parameters and the span of time as a mapping, for any names.
        time: the name of the time, whose value is a pair: the first time and the last.
        at: times to give the values at; by default those of the steps.
        method: "auto" (LSODA), "rk45" or "dop853"; for stiff equations "radau" or "bdf".
        tolerance: the error of a step beside the values; 1e-8 by default.
        absolute: the error that is small enough in any case, a number or a mapping by unknown; by
            default a thousandth of the tolerance, beside the unknown's start (or the largest one).
        events: formulas by name: "y = 0" happens where the sides become equal, "y < 0" where that
            becomes true. Two changes within one step may be missed.
        until: the names of the events that end the integration.
        sensitivities: names of parameters or unknowns; the derivatives of the solution by these
            (by the start of an unknown) are integrated beside it: `solution["dx/dk"]`.
        largest_step: in units of time; as large as the tolerance lets it be by default. What
            lasts a shorter time than a step, such as a pulse in a right-hand side, may be missed.
        max_evaluations: of the equations; 1,000,000 by default.
        starts_and_parameters: by name.

    Raises:
        ArgumentError: a value or an option cannot be used.
        UnknownNameError: a name has no value.
        FluxError: a text is no formula. That the solution cannot be followed to the end is no
            error: see `OdeSolution.completed`.
    """
    options = {
        "time": time,
        "at": at,
        "method": method,
        "tolerance": tolerance,
        "absolute": absolute,
        "events": events,
        "until": until,
        "sensitivities": sensitivities,
        "largest_step": largest_step,
        "max_evaluations": max_evaluations,
    }
    given = {**columns(values, _EXAMPLE), **starts_and_parameters}
    slopes = _slopes(equations, given)
    known, rest = _divided(slopes, given, options, starts_and_parameters)
    by = sensitivity.listed(slopes, rest["sensitivities"], rest["time"])
    more, starts = sensitivity.augmented(slopes, by)
    names = rest["names"] | set(more)
    problem = _problem({**slopes, **more}, {**known, **starts}, {**rest, "names": names})
    return integrated(problem, _settings(problem, by, rest))


# Reading.


def _slopes(equations: Any, given: Mapping[str, Any]) -> dict[str, Expr]:
    """The derivative of each unknown."""
    if not isinstance(equations, Mapping) or not equations:
        hint = 'such as {"x": "-k*x"}: the derivative of x by time is -k*x'
        raise ArgumentError("differential equations are a mapping of names to formulas", hint=hint)
    found = {}
    for name, formula in equations.items():
        if not isinstance(name, str):
            raise ArgumentError(f"the name of an unknown is a text, not {name!r}")
        names = [*equations, *given]
        e = parse(formula, given=names) if isinstance(formula, str) else as_expression(formula)
        check_plain(e)
        found[name] = e
    return found


def _divided(
    slopes: Mapping[str, Expr],
    given: Mapping[str, Any],
    options: Mapping[str, Any],
    named: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values by name, and the options that no name of the equations takes."""
    names = {*slopes, *(x.attributes.name for e in slopes.values() for x in inputs(e))}
    taken = {k: v for k, v in options.items() if v is not _DEFAULTS[k] and k in names}
    rest = {k: _DEFAULTS[k] if k in taken else v for k, v in options.items()}
    known = {**given, **taken}
    _check_time(rest["time"], slopes, known)
    events = _events(rest["events"], [*slopes, *known])
    names |= {x.attributes.name for e, _ in events.values() for x in inputs(e)}
    for name in named:
        if name not in names and name != rest["time"]:
            hint = did_you_mean(name, [*sorted(names), *_DEFAULTS])
            raise UnknownNameError(f"the equations have no `{name}`", hint=hint)
    for name in sorted(names):
        if name not in known:
            hint = f"give its start or its value, as in {name}=1.0"
            raise UnknownNameError(f"no value for `{name}`", hint=hint)
    return known, {**rest, "events": events, "names": names}


def _check_time(time: Any, slopes: Mapping[str, Expr], known: Mapping[str, Any]) -> None:
    if not isinstance(time, str):
        raise ArgumentError(f"the time is a name, not {time!r}")
    if time in slopes:
        raise ArgumentError(f"`{time}` is the time and an unknown", hint='name it, as in time="s"')
    span = known.get(time)
    if not isinstance(span, tuple | list) or len(span) != 2 or not all(map(is_number, span)):
        raise ArgumentError(f"`{time}` has no first and last time", hint=f"such as {time}=(0, 10)")
    if not np.isfinite(np.asarray(span, dtype=np.float64)).all() or span[0] == span[1]:
        raise ArgumentError(f"the time from {span[0]} to {span[1]} is no span")


def _events(events: Any, names: Sequence[str]) -> dict[str, tuple[Expr, int]]:
    """The function of each event, and the direction in which it changes its sign."""
    if events is None:
        return {}
    if not isinstance(events, Mapping) or not all(isinstance(name, str) for name in events):
        raise ArgumentError("events are a mapping", hint='such as {"landing": "height < 0"}')
    return {name: _event(formula, names) for name, formula in events.items()}


def _event(formula: Any, names: Sequence[str]) -> tuple[Expr, int]:
    if not isinstance(formula, str):
        raise ArgumentError(f'an event is a text such as "y < 0", not {formula!r}')
    e = difference(formula, tuple(names), current())
    check_plain(e)
    direction = _DIRECTIONS.get(e.op, 0)
    return (e.args[0] - e.args[1], direction) if direction else (e, 0)


def _problem(
    slopes: Mapping[str, Expr], known: Mapping[str, Any], rest: Mapping[str, Any]
) -> Problem:
    time = rest["time"]
    names = sorted(rest["names"] - {time})
    numbers = {name: _number(name, known[name]) for name in names}
    start = np.array([numbers[name] for name in slopes])
    if not np.isfinite(start).all():
        name = list(slopes)[int(np.argmin(np.isfinite(start)))]
        raise ArgumentError(f"`{name}` starts at {numbers[name]}", hint="start at a finite number")
    return Problem(
        tuple(slopes.values()),
        tuple(slopes),
        time,
        (float(known[time][0]), float(known[time][1])),
        start,
        numbers,
        rest["events"],
    )


def _number(name: str, value: Any) -> float:
    array = real_values(name, value)
    if array.shape:
        hint = "integrate row by row"
        raise ArgumentError(f"`{name}` is an array; a start or a parameter is a number", hint=hint)
    return float(array)


# Options.


def _settings(problem: Problem, by: Sequence[str], rest: Mapping[str, Any]) -> Settings:
    relative = _tolerance(rest["tolerance"])
    return Settings(
        chosen("method", rest["method"], METHODS),
        relative,
        _absolute(problem, by, rest["absolute"], relative),
        _at(problem, rest["at"]),
        _until(rest["until"], rest["events"]),
        _largest_step(rest["largest_step"]),
        _most(rest["max_evaluations"]),
    )


def _tolerance(tolerance: Any) -> float:
    if tolerance is None:
        return _RELATIVE
    if not is_number(tolerance) or not _LEAST_RELATIVE <= tolerance <= 0.1:
        raise ArgumentError(
            f"tolerance {tolerance!r} cannot be used", hint=f"from {_LEAST_RELATIVE:g} to 0.1"
        )
    return float(tolerance)


def _sizes(problem: Problem, by: Sequence[str]) -> Array:
    """The size of each unknown's start, or the largest; a sensitivity's is that by the name's."""
    count = len(problem.unknowns) // (1 + len(by))
    sizes = np.abs(problem.start[:count])
    sizes = np.where(sizes > 0, sizes, sizes.max() or 1.0)
    for name in by:
        if not np.isfinite(problem.parameters[name]):
            value = problem.parameters[name]
            raise ArgumentError(f"there is no sensitivity to `{name}`, which is {value}")
    units = [abs(problem.parameters[name]) or 1.0 for name in by]
    with np.errstate(over="ignore"):
        return np.concatenate([sizes, *(sizes / unit for unit in units)])


def _absolute(problem: Problem, by: Sequence[str], absolute: Any, relative: float) -> Array:
    if isinstance(absolute, Mapping):
        for name in absolute:
            if name not in problem.unknowns:
                hint = did_you_mean(str(name), problem.unknowns)
                raise UnknownNameError(f"no unknown `{name}` has a tolerance", hint=hint)
    plain = problem.unknowns[: len(problem.unknowns) // (1 + len(by))]
    given = absolute if isinstance(absolute, Mapping) else dict.fromkeys(plain, absolute)
    found = relative * _ABSOLUTE * _sizes(problem, by)
    for n, name in enumerate(problem.unknowns):
        value = given.get(name)
        if value is None:
            continue
        if not is_number(value) or not 0 < value <= MOST:
            raise ArgumentError(f"absolute tolerance {value!r} of `{name}` cannot be used")
        found[n] = value
    limits = np.finfo(np.float64)
    return np.clip(found, limits.tiny, limits.max)


def _at(problem: Problem, at: Any) -> Array | None:
    if at is None:
        return None
    times = as_float("at", as_array("at", at), np.dtype(np.float64)).reshape(-1)
    low, high = sorted(problem.span)
    if not np.all((times >= low) & (times <= high)):
        raise ArgumentError(f"a time of `at` lies outside {low:g} to {high:g}")
    return times


def _until(until: Any, events: Mapping[str, Any]) -> frozenset[str]:
    listed = [] if until is None else [until] if isinstance(until, str) else until
    if not isinstance(listed, Sequence) or not all(isinstance(name, str) for name in listed):
        raise ArgumentError("until is the name of an event, or a list of them")
    for name in listed:
        if name not in events:
            raise UnknownNameError(f"no event `{name}`", hint=did_you_mean(name, list(events)))
    return frozenset(listed)


def _largest_step(step: Any) -> float:
    if step is None:
        return math.inf
    if not is_number(step) or not step > 0:
        raise ArgumentError(f"largest_step is a positive number, not {step!r}")
    return float(step)


def _most(count: Any) -> int:
    if count is None:
        return MOST_EVALUATIONS
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ArgumentError(f"max_evaluations is a whole number from 1, not {count!r}")
    return count
