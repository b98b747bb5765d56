"""Models that are linear in their parameters: orthogonal triangles, one step, no start.

The design has one column for each parameter: the curve's derivative. Columns of unit length make
the answer independent of units; two steps of refinement take what rounding has left.

Source:
    Björck, Numerical Methods for Least Squares Problems (1996), sections 2.4 and 2.9.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.factors import factor
from flux.numeric.fitting.objective import Objective, Place
from flux.numeric.fitting.reasons import FitReason
from flux.numeric.fitting.search import Found, found_at, lost_at
from flux.numeric.fitting.settled import stand

Array = NDArray[Any]
_REFINEMENTS = 2
_FORETOLD = 1e-6  # of the residuals: beyond rounding in any model


def solve_linear(objective: Objective, start: Array) -> Found | None:
    """The least squares of a model that is linear in its parameters.

    None where the model does not follow its derivatives after all: those of floor(a) + a are free
    of `a`, and it is not linear.

    Args:
        objective: whose Jacobian is the same everywhere.
        start: where the residuals are taken first; 0 unless the model is not finite there.
    """
    place = objective.place(np.zeros_like(start)) or objective.place(start)
    if place is None:
        return lost_at(start)
    for _ in range(1 + _REFINEMENTS):
        step = factor(place.j, place.r).newton()
        further = objective.place(place.x + step)
        if further is None or not _follows(place, step, further, objective.magnitude):
            return None
        if further.cost >= place.cost:
            break
        place = further
    unbounded = np.full(start.size, np.inf)
    standing = stand(place, objective, -unbounded, unbounded)
    found = found_at(place, standing, 1)
    settled = found.reason == FitReason.CONVERGED
    return replace(found, reason=FitReason.ONE_STEP) if settled else found


def _follows(place: Place, step: Array, further: Place, magnitude: float) -> bool:
    """Whether the residuals after a step are those that their derivatives foretell."""
    error = float(np.linalg.norm(further.r - place.r - place.j @ step))
    size = float(np.linalg.norm(place.r)) + float(np.linalg.norm(place.j @ step)) + magnitude
    return error <= _FORETOLD * size
