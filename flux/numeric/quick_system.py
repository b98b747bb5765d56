"""Plain Newton for the many systems that need nothing else, over rows at once.

A row is taken only where the step and every residual say that it is a root; at the first sign of
trouble it is left to the searches with safeguards, from its own start.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.accept_system import SystemJudge
from flux.numeric.descent import SystemOutcome
from flux.numeric.directions import are_finite
from flux.numeric.solution import Reason

Array = NDArray[Any]

_TURNS = 12
_TROUBLE = 4.0  # times the first residuals: the search has gone astray


def search(
    judge: SystemJudge, rows: Array, start: Array, outcome: SystemOutcome, max_iterations: int
) -> None:
    """Write down the rows that plain Newton solves."""
    x, first = start, np.empty(0)
    before = np.full(start.shape, np.inf)
    for turn in range(1, min(_TURNS, max_iterations) + 1):
        f, jacobian = judge.evaluate(x, rows)
        size = np.abs(f).max(axis=1)
        first = size if turn == 1 else first
        going = are_finite(f, jacobian) & (size <= _TROUBLE * first)
        if not going.all():
            rows, x, f, jacobian, before, start, first = (
                v[going] for v in (rows, x, f, jacobian, before, start, first)
            )
        step = _step(jacobian, f)
        if step is None or not rows.size:
            return
        done = judge.step_is_small(step, x, np.abs(x - start))
        done[done] = judge.residual_is_small(
            x[done], f[done], rows[done], _first(judge, rows[done], start[done])
        )
        done &= ~judge.is_underflow(f, jacobian, before)
        outcome.x[rows[done]], outcome.residual[rows[done]] = x[done], f[done]
        outcome.status[rows[done]], outcome.iterations[rows[done]] = Reason.CONVERGED, turn
        rows, start, first = rows[~done], start[~done], first[~done]
        x, before = (x + step)[~done], np.abs(f)[~done]
        if not rows.size:
            return


def _step(jacobian: Array, f: Array) -> Array | None:
    """Newton's; None where a Jacobian is singular to the last bit."""
    try:
        found: Array = -np.linalg.solve(jacobian, f[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        return None
    return found


def _first(judge: SystemJudge, rows: Array, start: Array) -> Array:
    if not rows.size:
        return start
    found: Array = np.abs(judge.evaluate(start, rows)[0])
    return found
