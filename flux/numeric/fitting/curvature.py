"""Whether a stationary point is a minimum.

The cost's second derivative is taken in units of standard errors. The gradient is exact; its
differences along each direction give the second derivative, and the sign of its smallest eigenvalue
is all that is asked for. Where it is negative, the point is a saddle or the top of a hill, and the
way down is its eigenvector.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.objective import Objective, Place
from flux.numeric.fitting.settled import Standing

Array = NDArray[Any]

_DIFFERENCE = 1e-3  # of a standard error
_NEGATIVE = -1e-3  # beside that of the Gauss-Newton model, which is 1
_SMALL_NOISE = 1e-9  # beside the data: the Gauss-Newton model is all there is
_WAYS = 8  # lengths of the first step down, each a third of the one before


def way_down(objective: Objective, place: Place, standing: Standing) -> Array | None:
    """A direction of negative curvature, as long as a standard error; None at a minimum."""
    noise = np.sqrt(2 * place.cost / max(place.r.size, 1))
    small = _SMALL_NOISE * objective.magnitude / np.sqrt(max(place.r.size, 1))
    if not standing.free.any() or noise <= small:
        return None
    directions = np.zeros((standing.factors.rank, place.x.size))
    directions[:, standing.free] = noise * standing.factors.half()
    curved = [_gradient_difference(objective, place, v) for v in directions]
    if any(g is None for g in curved):
        return None
    second = directions @ np.array(curved).T / noise**2
    values, vectors = np.linalg.eigh((second + second.T) / 2)
    if values[0] >= _NEGATIVE:
        return None
    down: Array = vectors[:, 0] @ directions
    return down


def _gradient_difference(objective: Objective, place: Place, direction: Array) -> Array | None:
    """(gradient(x + h v) - gradient(x - h v))/(2 h)."""
    sides = [objective.place(place.x + h * direction) for h in (_DIFFERENCE, -_DIFFERENCE)]
    if sides[0] is None or sides[1] is None:
        return None
    return (sides[0].gradient - sides[1].gradient) / (2 * _DIFFERENCE)


def lower_start(
    objective: Objective, place: Place, down: Array, low: Array, high: Array
) -> Array | None:
    """A place along a direction, or against it, whose cost is lower; None where there is none."""
    for n in range(_WAYS):
        for sign in (1.0, -1.0):
            x: Array = np.clip(place.x + sign * down / 3**n, low, high)
            if objective.value(x) < place.cost:
                return x
    return None
