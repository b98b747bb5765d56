"""Roots over rows, a competitor each: Flux, SciPy's vectorised Newton, a loop over its scalar one.

All have the same starts and the exact derivative. Flux reads the text; the others have formulas
typed into NumPy, or `math` for the loop. SciPy stops at a step of 1.48e-8, Flux at one of 1e-12
beside the root, and checks the residual.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Call = Callable[[], Any]

KEPLER, MICHAELIS_MENTEN = "Kepler", "Michaelis-Menten progress"
TEXTS = {
    KEPLER: "E - e*sin(E) = M",
    MICHAELIS_MENTEN: "S + Km*log(S/S0) = S0 - Vmax*t",
}
_UNKNOWN = {KEPLER: "E", MICHAELIS_MENTEN: "S"}


def values(task: str, rows: int) -> dict[str, Array]:
    """Starts and parameters."""
    random = np.random.default_rng(5)
    if task == KEPLER:
        e, mean = random.uniform(0, 0.9, rows), random.uniform(0, 2 * np.pi, rows)
        return {"E": mean, "e": e, "M": mean}
    s0, km = random.uniform(1, 10, rows), random.uniform(0.5, 5, rows)
    # Little enough is used up for plain Newton from S0 to stay positive.
    v, t = random.uniform(0.1, 1, rows), random.uniform(0.1, 1, rows)
    return {"S": s0, "Km": km, "S0": s0, "Vmax": v, "t": t}


def functions(task: str, m: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The residual and its derivative, of the unknown and the parameters in order."""
    if task == KEPLER:
        return (lambda E, e, M: E - e * m.sin(E) - M), (lambda E, e, M: 1 - e * m.cos(E))
    return (
        lambda S, Km, S0, V, t: S + Km * m.log(S / S0) - S0 + V * t,
        lambda S, Km, S0, V, t: 1 + Km / S,
    )


def flux(task: str, rows: int) -> Call:
    """`flux.solve` over arrays; all rows have to converge."""
    import flux

    given = values(task, rows)

    def call() -> Array:
        found = flux.solve(TEXTS[task], given, unknown=_UNKNOWN[task])
        assert found.converged.all()
        root: Array = found.root
        return root

    return call


def scipy_vectorised(task: str, rows: int) -> Call:
    """`scipy.optimize.newton` over arrays."""
    from scipy.optimize import newton

    start, *rest = values(task, rows).values()
    f, slope = functions(task, np)
    return lambda: newton(f, start, slope, args=tuple(rest))


def scipy_loop(task: str, rows: int) -> Call:
    """A loop over `scipy.optimize.newton`, a row at a time."""
    from scipy.optimize import newton

    columns = [column.tolist() for column in values(task, rows).values()]
    f, slope = functions(task, math)

    def call() -> Array:
        return np.array(
            [newton(f, x, slope, args=tuple(rest)) for x, *rest in zip(*columns, strict=True)]
        )

    return call


def flux_one(task: str, rows: int) -> Call:
    """`flux.solve` of one row; the text is parsed and compiled before."""
    import flux

    given = {name: float(column[0]) for name, column in values(task, 1).items()}
    text, unknown = TEXTS[task], _UNKNOWN[task]
    return lambda: flux.solve(text, given, unknown=unknown).root


COMPETITORS: Mapping[str, Callable[..., Call]] = {
    "flux": flux,
    "scipy newton": scipy_vectorised,
    "scipy loop": scipy_loop,
    "flux, one": flux_one,
}
