"""Zeros that are zeros only as floats: exp(-x^2) at 30, tanh(x) - 1 at 19.

There the residual is 0, and it is 0 further on as well. What is 0 over a whole
stretch in truth, as max(x, 0) is, has [0, 0] as its interval; what only comes close to it has an
interval that ends at 0.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import FluxError
from flux.numeric.equation import Problem
from flux.precision import interval

Array = NDArray[Any]

_AWAY = 1e-3  # beside the unknown, its way from the start, and 1
_MOST = 64  # rows that are looked at: an interval takes as long as a thousand values


def unreached(problem: Problem, x: Array, rows: Array) -> Array:
    """Which of the places, one for each row and each with a residual of 0, are no roots."""
    never = np.zeros(x.size, bool)
    value = problem.function(0)
    away = _AWAY * np.fmax(np.fmax(np.abs(x), np.abs(x - problem.start[rows])), 1)
    beside = [value(x + s * away, rows)[0] == 0 for s in (1.0, -1.0)]
    (doubtful,) = np.nonzero(beside[0] | beside[1])
    for n in doubtful[:_MOST]:
        with suppress(FluxError):  # it takes too long, or inf occurs in it
            found = interval(problem.residual, _values(problem, float(x[n]), rows[n]))
            never[n] = (found.low == 0) != (found.high == 0)
    return never


def _values(problem: Problem, x: float, row: Any) -> dict[str, float]:
    values = {
        name: float(value[row] if isinstance(value, np.ndarray) else value)
        for name, value in problem.parameters.items()
    }
    return {**values, problem.unknown: x}
