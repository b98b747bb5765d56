"""What every input goes through in the numeric half: roots, minima, fits, flows, uncertainty.

An expression of plain numbers meets two of the entry points of the table. A solver may find
nothing; what it claims must hold, and nothing but FluxError leaves it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any, Protocol, TypeVar

import numpy as np

import flux
from flux.calculus.equal import Verdict
from flux.cli.plot import _figure
from flux.drawing import draw
from flux.expr import Expr, count_nodes, inputs

T = TypeVar("T")

_MOST_NODES = 150
_MOST_NAMES = 6
_NUMBERS = (
    *(0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.7, -8.0, 1e-300, 5e-324, 1e300, -1e300, 1e16, 170.6, 3),
    *(float("inf"), float("-inf"), float("nan"), True),
)
_ROWS = (0, 1, 2, 3, 7, 12)
_TRIED = 1  # entry points of an input


class BrokenClaimError(Exception):
    """A solver claims what does not hold."""


class Attempts(Protocol):
    """Where a stage is timed, and its FluxError looked at."""

    def attempt(self, stage: str, function: Callable[[], T], /) -> T | None:
        """The stage's value, or None where it raises FluxError."""


def exercise_numeric(e: Expr, rng: Random, trace: Attempts) -> None:
    """Some of the numeric entry points, for an expression that they take."""
    leaves = inputs(e)
    names = [leaf.attributes.name for leaf in leaves]
    if not names or len(names) > _MOST_NAMES or count_nodes(e) > _MOST_NODES:
        return
    if e.axes or any(leaf.axes or leaf.attributes.integer for leaf in leaves):
        return
    for stage in rng.sample(list(ENTRY_POINTS), _TRIED):
        ENTRY_POINTS[stage](e, names, rng, partial(trace.attempt, stage))


Attempt = Callable[[Callable[[], Any]], Any]


def _value(rng: Random) -> Any:
    return rng.choice(_NUMBERS) if rng.random() < 0.3 else rng.gauss(0, 3)


def _values(names: Sequence[str], rng: Random) -> dict[str, Any]:
    return {name: _value(rng) for name in names}


def _pair(rng: Random) -> tuple[Any, Any]:
    return _value(rng), _value(rng)


def _columns(names: Sequence[str], rows: int, rng: Random) -> dict[str, Any]:
    return {name: np.array([_value(rng) for _ in range(rows)], float) for name in names}


def _claimed(holds: bool, what: str, found: object) -> None:
    if not holds:
        raise BrokenClaimError(f"{what}: {found}")


# ---- Roots ---------------------------------------------------------------------------------------


def _solve(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    x = rng.choice(names)
    values = _values(names, rng)
    values[x] = rng.choice((_value, _pair))(rng)
    method = rng.choice(("newton", "newton", "halley", "bisection", "brent"))
    found = attempt(lambda: flux.solve(e, values, unknown=x, method=method))
    if found is not None and found.converged:
        _claimed(math.isfinite(found.root) and math.isfinite(found.residual), "a root", found)


def _solve_rows(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    values = _columns(names, rng.choice(_ROWS), rng)
    found = attempt(lambda: flux.solve(e, values, unknown=rng.choice(names)))
    if found is not None:
        sure = np.isfinite(found.root) & np.isfinite(found.residual)
        _claimed(bool(np.all(sure | ~found.converged)), "roots", found)


def _all_roots(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    x, values = rng.choice(names), _values(names, rng)
    low, high = values[x] = _pair(rng)
    found = attempt(lambda: flux.all_roots(e, values, unknown=x))
    if found is not None:
        _claimed(bool(np.all((found >= low) & (found <= high))), "roots between ends", found)


def _solve_system(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    unknowns = rng.sample(names, min(len(names), rng.randint(1, 3)))
    others = [
        rng.choice((f"{x}^2 = 2", f"{x} = {y}", f"{x}*{y} = 1")) for x, y in _turned(unknowns)
    ]
    found = attempt(
        lambda: flux.solve_system([e, *others[1:]], _values(names, rng), unknowns=unknowns)
    )
    if found is not None and found.converged:
        finite = all(math.isfinite(x) for x in found.root.values())
        _claimed(finite and bool(np.isfinite(found.residual).all()), "a root", found)


def _turned(names: Sequence[str]) -> list[tuple[str, str]]:
    quoted = [f"`{name}`" for name in names]
    return list(zip(quoted, [*quoted[1:], quoted[0]], strict=True))


# ---- Minima and fits -----------------------------------------------------------------------------


def _minimize(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    start = _values(names, rng)
    bounds = {rng.choice(names): _pair(rng)} if rng.random() < 0.3 else None
    method = rng.choice((None, None, "bfgs", "lbfgs", "cg", "gradient", "momentum", "adam"))
    found = attempt(
        lambda: flux.minimize(e, start, bounds=bounds, method=method, max_iterations=200)
    )
    if found is not None and found.converged:
        _claimed(math.isfinite(found.value), "a minimum", found)
        if bounds is None:
            _claimed(_not_above_start(e, start, found.value), "below its start", found)


def _not_above_start(e: Expr, start: Mapping[str, Any], value: float) -> bool:
    try:
        first = e.evaluate(start)
    except flux.FluxError:
        return True
    return bool(value <= first + 1e-9 * (1 + abs(first)))


def _constrained(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    x, y = (f"`{rng.choice(names)}`" for _ in range(2))
    rule = rng.choice((f"{x} + {y} = 1", f"{x}*{y} >= 0.1", f"{x}^2 <= 4", f"log({x}) = 0"))
    start = _values(names, rng)
    found = attempt(lambda: flux.minimize(e, start, subject_to=[rule], max_iterations=50))
    if found is not None and found.converged:
        _claimed(math.isfinite(found.value), "a minimum", found)


def _fit(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    free = rng.sample(names, rng.randint(1, len(names)))
    rows = rng.choice(_ROWS)
    data = _columns([name for name in names if name not in free], rows, rng)
    data["seen"] = _columns(["seen"], rows, rng)["seen"]
    options = {
        "loss": rng.choice(("squares", "squares", "huber", "cauchy")),
        "sigma": rng.choice((None, None, 0.1, "seen")),
        "missing": rng.choice(("raise", "drop")),
        "bounds": {free[0]: _pair(rng)} if rng.random() < 0.2 else None,
    }
    start = _values(free, rng)
    found = attempt(
        lambda: flux.fit(e, data, start, response="seen", max_iterations=100, **options)
    )
    if found is not None and found.converged:
        _claimed(all(map(math.isfinite, found.values.values())), "parameters", found)
        attempt(found.table)


# ---- Integrals, flows, uncertainty ---------------------------------------------------------------


def _quadrature(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    x, values = rng.choice(names), _values(names, rng)
    low, high = _pair(rng)
    del values[x]
    found = attempt(lambda: flux.integrate(e, x, low, high, values, method="numeric"))
    if found is not None:
        _claimed(math.isfinite(found.value) and found.error >= 0, "an integral", found)


def _flow(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    values = _values(names, rng)
    unknowns = rng.sample(names, min(len(names), rng.randint(1, 2)))
    slopes = dict.fromkeys(unknowns, e)
    span = {"clock": (0, rng.choice((1, 0.01, -1, 100)))}
    method = rng.choice(("auto", "rk45", "dop853", "radau", "bdf"))
    options: dict[str, Any] = {"time": "clock", "method": method, "max_evaluations": 2_000}
    if rng.random() < 0.3:
        options["sensitivities"] = [rng.choice(names)]
    found = attempt(lambda: flux.integrate_ode(slopes, values | span, **options))
    if found is not None and found.completed:
        finite = all(np.isfinite(column).all() for column in found.values.values())
        _claimed(finite, "a whole solution", found)


def _propagate(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    known = rng.sample(names, rng.randint(1, len(names)))
    sd = {name: abs(rng.gauss(0, 1)) if rng.random() < 0.8 else _value(rng) for name in known}
    pairs = list(pairwise(known))
    correlation = {pair: rng.uniform(-1.1, 1.1) for pair in pairs} or None
    found = attempt(lambda: flux.propagate(e, _values(names, rng), sd=sd, correlation=correlation))
    if found is not None:
        _claimed(not found.sd < 0, "a standard deviation", found)
        attempt(lambda: found.monte_carlo(64, seed=1))


def _plot(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    x, values = rng.choice(names), {name: float(_value(rng)) for name in names}
    del values[x]
    ends = (float(_value(rng)), float(_value(rng)))
    found = attempt(lambda: _figure(str(e), x, ends, values, rng.random() < 0.5, True))
    if found is not None:
        width, height = rng.randint(8, 90), rng.randint(5, 30)
        drawn = attempt(lambda: draw(found, width, height))
        _claimed(drawn is not None and drawn.isascii(), "a drawing", found)


# ---- Algebra that claims -------------------------------------------------------------------------


def _equal(e: Expr, _: Sequence[str], rng: Random, attempt: Attempt) -> None:
    simplified = attempt(e.simplify)
    found = attempt(lambda: flux.equal(e, simplified)) if simplified is not None else None
    if found is not None:
        _claimed(found.verdict is not Verdict.REFUTED, f"{e} is {simplified}", found)


def _series(e: Expr, names: Sequence[str], rng: Random, attempt: Attempt) -> None:
    found = attempt(lambda: e.series(rng.choice(names), rng.choice((0, 1, -2)), rng.randint(0, 6)))
    if found is not None:
        attempt(lambda: str(found))


# Stage: what is done.
ENTRY_POINTS: Mapping[str, Callable[[Expr, Sequence[str], Random, Attempt], None]] = {
    "solve": _solve,
    "solve rows": _solve_rows,
    "all roots": _all_roots,
    "solve system": _solve_system,
    "minimize": _minimize,
    "minimize under constraints": _constrained,
    "fit": _fit,
    "quadrature": _quadrature,
    "flow": _flow,
    "propagate": _propagate,
    "plot": _plot,
    "equal": _equal,
    "series": _series,
}
