"""Fits, a competitor each: Flux, and SciPy's `curve_fit` with and without a typed Jacobian.

All have the same data and start. Flux reads the text, derives it, and checks the curvature at what
it found; SciPy's is MINPACK's search, over formulas typed into NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.numeric import nist_sets

Array = NDArray[Any]
Call = Callable[[], Any]

HILL, MISRA, THURBER = "Hill", "Misra1a", "Thurber"
_NAMES = ("bottom", "top", "ec50", "n")
_HILL = "y = bottom + (top - bottom)/(1 + (x/ec50)^n)"


def problem(task: str, rows: int) -> tuple[str, dict[str, Array], dict[str, float]]:
    """Model, data and start."""
    if task != HILL:
        own = nist_sets.read(task)
        return own.model, own.data, own.starts[1]
    random = np.random.default_rng(3)
    x = random.uniform(0.01, 100, rows)
    y = 0.1 + 0.9 / (1 + (x / 2.5) ** 1.3) + random.normal(0, 0.05, rows)
    return _HILL, {"x": x, "y": y}, dict(zip(_NAMES, (0.0, 1.0, 1.0, 1.0), strict=True))


def _hill(x: Array, bottom: float, top: float, ec50: float, n: float) -> Array:
    return bottom + (top - bottom) / (1 + (x / ec50) ** n)


def _hill_jacobian(x: Array, bottom: float, top: float, ec50: float, n: float) -> Array:
    power = (x / ec50) ** n
    share = 1 / (1 + power)
    slope = (top - bottom) * power * share**2
    return np.stack([1 - share, share, slope * n / ec50, -slope * np.log(x / ec50)], axis=1)


def _misra(x: Array, b1: float, b2: float) -> Array:
    return b1 * (1 - np.exp(-b2 * x))


def _misra_jacobian(x: Array, b1: float, b2: float) -> Array:
    decay = np.exp(-b2 * x)
    return np.stack([1 - decay, b1 * x * decay], axis=1)


def _thurber(x: Array, *b: float) -> Array:
    return (b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3) / (
        1 + b[4] * x + b[5] * x**2 + b[6] * x**3
    )


def _thurber_jacobian(x: Array, *b: float) -> Array:
    below = 1 + b[4] * x + b[5] * x**2 + b[6] * x**3
    value = _thurber(x, *b)
    above = [x**k / below for k in range(4)]
    return np.stack([*above, *(-value * x**k / below for k in (1, 2, 3))], axis=1)


_TYPED: Mapping[str, tuple[Callable[..., Array], Callable[..., Array]]] = {
    HILL: (_hill, _hill_jacobian),
    MISRA: (_misra, _misra_jacobian),
    THURBER: (_thurber, _thurber_jacobian),
}


def flux(task: str, rows: int) -> Call:
    """`flux.fit`; it has to converge. The last parameter."""
    import flux

    model, data, start = problem(task, rows)

    last = list(start)[-1]

    def call() -> float:
        found = flux.fit(model, data, start)
        assert found.converged
        return found[last]

    return call


def _scipy(task: str, rows: int, typed: bool) -> Call:
    from scipy.optimize import curve_fit

    _, data, start = problem(task, rows)
    curve, jacobian = _TYPED[task]
    options: dict[str, Any] = {"jac": jacobian, "method": "lm"} if typed else {}
    begin = list(start.values())
    return lambda: curve_fit(curve, data["x"], data["y"], begin, **options)[0][-1]


def scipy(task: str, rows: int) -> Call:
    """`curve_fit` with differences."""
    return _scipy(task, rows, typed=False)


def scipy_typed(task: str, rows: int) -> Call:
    """`curve_fit` with a Jacobian typed by hand."""
    return _scipy(task, rows, typed=True)


COMPETITORS: Mapping[str, Callable[..., Call]] = {
    "flux": flux,
    "curve_fit": scipy,
    "curve_fit, typed Jacobian": scipy_typed,
}
