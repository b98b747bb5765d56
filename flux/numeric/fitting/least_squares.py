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
_REFINEMENTS = 3
_MOST_REFINED = 1_000_000  # numbers of the design
_SAME = 1e-9  # costs that rounding makes differ
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
    first = place
    step = factor(first.both, first.products).newton
    place = objective.place(first.x + step)
    if place is None or not _follows(first, step, place, objective.magnitude):
        return None
    better = objective.place(place.x + _refinement(place, first))
    if better is not None and better.cost <= place.cost * (1 + _SAME):
        place = better
    unbounded = np.full(start.size, np.inf)
    standing = stand(place, objective, -unbounded, unbounded)
    found = found_at(place, standing, 1)
    settled = found.reason == FitReason.CONVERGED
    return replace(found, reason=FitReason.ONE_STEP) if settled else found


def _refinement(place: Place, first: Place) -> Array:
    """What rounding has left: corrected seminormal equations, with residuals of more digits.

    R^T R d = -J^T r; each further step has to be at most half of the one before. Where NumPy has no
    longer floats, or the rank is not full, there may be nothing to gain, and the sum is 0.

    Source:
        Björck, Stability Analysis of the Method of Seminormal Equations for Linear Least Squares
        Problems (1987), Linear Algebra and its Applications 88, 31-48.
    """
    factors = factor(place.both, place.products)
    total = np.zeros_like(place.x)
    if not factors.full or place.j.size > _MOST_REFINED:
        return total
    j, r = first.j.astype(np.longdouble), first.r.astype(np.longdouble)
    inverse, before = factors.half.T @ factors.half, np.inf
    for _ in range(_REFINEMENTS):
        at = place.x.astype(np.longdouble) - first.x + total
        step = -inverse @ (j.T @ (r + j @ at)).astype(np.float64)
        size = float(np.linalg.norm(step * factors.lengths))
        if not size <= before / 2:
            break
        total, before = total + step, size
    return total


def _follows(place: Place, step: Array, further: Place, magnitude: float) -> bool:
    """Whether the residuals after a step are those that their derivatives foretell."""
    error = float(np.linalg.norm(further.r - place.r - place.j @ step))
    size = float(np.linalg.norm(place.r)) + float(np.linalg.norm(place.j @ step)) + magnitude
    return error <= _FORETOLD * size
