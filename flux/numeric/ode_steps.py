"""The steps of an integration over time: SciPy's solvers, events, a count of evaluations."""

from __future__ import annotations

import warnings
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux import compiler
from flux.compiled import CompiledFunction
from flux.expr import Expr
from flux.numeric.equation import KEPT
from flux.numeric.ode_solution import Ending, OdeSolution

Array = NDArray[Any]
Function = Callable[[float, Array], list[float]]

# Method: the name of the solver in scipy.integrate.
METHODS = {"auto": "LSODA", "rk45": "RK45", "dop853": "DOP853", "radau": "Radau", "bdf": "BDF"}
_EXPLICIT = ("rk45", "dop853")  # they take no Jacobian
_PLACED = 4 * float(np.finfo(np.float64).eps)  # of the time: an event's place


@dataclass(frozen=True)
class Problem:
    """Differential equations that are ready to be integrated.

    Attributes:
        slopes: the derivative of each unknown.
        unknowns: their names.
        time: its name.
        span: the first time and the last.
        start: (n,).
        parameters: numbers by name.
        events: the function of each, and the direction in which it changes its sign, or 0.
    """

    slopes: tuple[Expr, ...]
    unknowns: tuple[str, ...]
    time: str
    span: tuple[float, float]
    start: Array
    parameters: Mapping[str, float]
    events: Mapping[str, tuple[Expr, int]]

    def function(self, compiled: CompiledFunction) -> Function:
        """Compiled formulas, as a function of time and state."""
        place = {name: n for n, name in enumerate(self.unknowns)}
        place[self.time] = len(self.unknowns)
        values = list(map(float, (self.parameters.get(n, 0.0) for n in compiled.inputs)))
        moving = [(k, place[name]) for k, name in enumerate(compiled.inputs) if name in place]

        def call(t: float, state: Array) -> list[float]:
            numbers = [*state.tolist(), float(t)]
            args = values.copy()
            for k, n in moving:
                args[k] = numbers[n]
            return list(compiled(*args).values())

        return call


@dataclass(frozen=True)
class Settings:
    """The options of an integration, checked.

    Attributes:
        method: a key of METHODS.
        relative, absolute: tolerances; the second one (n,).
        at: the times to give, or None for those of the steps.
        until: the events that end it.
        largest_step: in units of time.
        most: evaluations.
    """

    method: str
    relative: float
    absolute: Array
    at: Array | None
    until: frozenset[str]
    largest_step: float
    most: int


@lru_cache(maxsize=KEPT)
def _compiled(formulas: tuple[Expr, ...]) -> CompiledFunction:
    return compiler.compile({str(n): e for n, e in enumerate(formulas)}, dtype="float64")


@lru_cache(maxsize=KEPT)
def _jacobian(slopes: tuple[Expr, ...], unknowns: tuple[str, ...]) -> CompiledFunction:
    entries = [e.diff(name) for e in slopes for name in unknowns]
    return compiler.compile({str(n): e for n, e in enumerate(entries)}, dtype="float64")


class _Path:
    """The solution so far: the ends of the steps, and an interpolant for each.

    Attributes:
        ts: the ends, in the order of time.
    """

    def __init__(self, span: tuple[float, float], start: Array) -> None:
        self.ts = [span[0]]
        self._start = start
        self._sign = 1 if span[1] > span[0] else -1
        self._rising: list[float] = []  # the ends of the steps, negative where time runs back
        self._pieces: list[Any] = []

    def add(self, t: float, piece: Any) -> None:
        """Go on to a time by an interpolant."""
        self.ts.append(t)
        self._rising.append(self._sign * t)
        self._pieces.append(piece)

    def __call__(self, t: Any) -> Array:
        """The state at a time, (n,), or at several, (n, T)."""
        if np.ndim(t):
            columns = [self(one) for one in np.asarray(t).tolist()]
            return np.stack(columns, axis=1) if columns else np.empty((self._start.size, 0))
        if t == self.ts[0]:
            return self._start
        piece = bisect_left(self._rising, self._sign * t)
        with np.errstate(all="ignore"):
            state: Array = self._pieces[min(piece, len(self._pieces) - 1)](t)
        return state


def integrated(problem: Problem, settings: Settings) -> OdeSolution:
    """The solution of a problem."""
    path = _Path(problem.span, problem.start)
    happened: dict[str, list[float]] = {name: [] for name in problem.events}
    count = _Count(problem.function(_compiled(problem.slopes)))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what SciPy would print is the solution's reason
        status = Ending.NOT_FINITE
        if np.isfinite(count(problem.span[0], problem.start)).all():
            status = _follow(problem, settings, count, path, happened)
    return _solution(problem, settings, path, happened, status, count.times)


class _Count:
    """The right-hand sides, counted."""

    def __init__(self, slope: Function) -> None:
        self._slope = slope
        self.times = 0

    def __call__(self, t: float, state: Array) -> Array:
        self.times += 1
        return np.array(self._slope(t, state))


def _follow(
    problem: Problem,
    settings: Settings,
    slope: _Count,
    path: _Path,
    happened: dict[str, list[float]],
) -> Ending:
    """Take steps until the end, an event that ends it, or a place that has no next step."""
    solver = _solver(problem, settings, slope)
    watch = _Watch(problem, settings.until, path(problem.span[0]))
    while solver.status == "running":
        if slope.times > settings.most:
            return Ending.EVALUATIONS
        before = float(solver.t)
        if not _step(solver):
            return Ending.NOT_FINITE
        after = float(solver.t)
        if solver.status == "failed" or after == before:
            finite = np.isfinite(slope(after, solver.y)).all()
            return Ending.STEP if finite else Ending.NOT_FINITE
        if not np.isfinite(solver.y).all():
            return Ending.NOT_FINITE
        piece = solver.dense_output()
        end = watch.step(before, after, piece, happened)
        path.add(after if end is None else end, piece)
        if end is not None:
            return Ending.EVENT
    return Ending.END


def _step(solver: Any) -> bool:
    """Take a step; false where SciPy's linear algebra meets what is not finite."""
    try:
        solver.step()
    except (ValueError, np.linalg.LinAlgError):
        return False
    return True


def _solver(problem: Problem, settings: Settings, slope: _Count) -> Any:
    from scipy.integrate import BDF, DOP853, LSODA, RK45, Radau

    kinds = {"LSODA": LSODA, "RK45": RK45, "DOP853": DOP853, "Radau": Radau, "BDF": BDF}
    n = len(problem.unknowns)
    options: dict[str, Any] = {
        "rtol": settings.relative,
        "atol": settings.absolute,
        "max_step": settings.largest_step,
    }
    if settings.method not in _EXPLICIT:
        jacobian = problem.function(_jacobian(problem.slopes, problem.unknowns))
        options["jac"] = lambda t, state: np.array(jacobian(t, state)).reshape(n, n)
    first, last = problem.span
    return kinds[METHODS[settings.method]](slope, first, problem.start, last, **options)


class _Watch:
    """Looks for the events of each step."""

    def __init__(self, problem: Problem, until: frozenset[str], start: Array) -> None:
        self._ends = [name in until for name in problem.events]
        self._names = list(problem.events)
        self._directions = [direction for _, direction in problem.events.values()]
        formulas = tuple(e for e, _ in problem.events.values())
        self._values = problem.function(_compiled(formulas)) if formulas else _nothing
        self._before = self._values(problem.span[0], start)

    def step(
        self, before: float, after: float, piece: Any, happened: dict[str, list[float]]
    ) -> float | None:
        """Write down what happens within a step, in order; the time of an end."""
        values = self._values(after, piece(after))
        changes = [
            (self._place(n, before, after, piece), n)
            for n in range(len(values))
            if _changes(self._before[n], values[n], self._directions[n])
        ]
        self._before = values
        for t, n in sorted(changes, reverse=after < before):
            happened[self._names[n]].append(t)
            if self._ends[n]:
                return t
        return None

    def _place(self, n: int, before: float, after: float, piece: Any) -> float:
        from scipy.optimize import brentq

        def value(t: float) -> float:
            return self._values(t, piece(t))[n]

        # The interpolant may differ from the step's ends in the last bits.
        if not value(before) * value(after) < 0:
            return before if value(before) == 0 else after
        return float(brentq(value, before, after, xtol=_PLACED, rtol=_PLACED))


def _nothing(_t: float, _state: Array) -> list[float]:
    return []


def _changes(before: float, after: float, direction: int) -> bool:
    """Whether a value passes 0; one that starts at 0 leaves it without an event."""
    rises, falls = before < 0 <= after, before > 0 >= after
    return (rises and direction >= 0) or (falls and direction <= 0)


def _solution(
    problem: Problem,
    settings: Settings,
    path: _Path,
    happened: Mapping[str, Sequence[float]],
    status: Ending,
    evaluations: int,
) -> OdeSolution:
    times = np.array(path.ts) if settings.at is None else _reached(settings.at, path)
    states = path(times)
    return OdeSolution(
        times,
        dict(zip(problem.unknowns, states, strict=True)),
        {name: np.array(found) for name, found in happened.items()},
        status,
        evaluations,
        settings.method,
        problem.time,
        path,
    )


def _reached(at: Array, path: _Path) -> Array:
    """The times of `at` up to the last one that was reached."""
    low, high = sorted((path.ts[0], path.ts[-1]))
    return at[(at >= low) & (at <= high)]
