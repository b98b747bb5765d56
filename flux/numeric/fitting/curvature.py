"""Whether a stationary point is a minimum, and the step that the curvature asks for.

The cost's second derivative is taken in units of standard errors. The gradient is exact; its
differences along each direction give the second derivative, and the sign of its smallest eigenvalue
is all that is asked for. Where it is negative, the point is a saddle or the top of a hill, and the
way down is its eigenvector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.objective import Objective, Place
from flux.numeric.fitting.settled import Standing

Array = NDArray[Any]

_DIFFERENCE = 1e-3  # of a standard error
_NEGATIVE = -1e-3  # beside that of the Gauss-Newton model, which is 1
_POSITIVE = 0.01  # the same: what Newton's step may be trusted with
_SMALL_NOISE = 1e-9  # beside the data: the Gauss-Newton model is all there is
_WAYS = 8  # lengths of the first step down, each a third of the one before


@dataclass(frozen=True)
class Curvature:
    """The cost's second derivative near a place.

    Attributes:
        directions: standard errors of independent directions, (K, P).
        second: the second derivative along them, over noise^2, (K, K): the unit matrix where the
            residuals do not bend.
        noise: the standard deviation of a residual.
    """

    directions: Array
    second: Array
    noise: float

    def way_down(self) -> Array | None:
        """A direction of negative curvature, as long as a standard error; None at a minimum."""
        values, vectors = np.linalg.eigh(self.second)
        if values[0] >= _NEGATIVE:
            return None
        down: Array = vectors[:, 0] @ self.directions
        return down

    def newton(self, gradient: Array) -> Array | None:
        """Newton's step; None where the curvature is not clearly positive."""
        values, vectors = np.linalg.eigh(self.second)
        if values[0] < _POSITIVE:
            return None
        along = vectors.T @ (self.directions @ gradient) / self.noise**2
        step: Array = -(vectors @ (along / values)) @ self.directions
        return step


def curvature(objective: Objective, place: Place, standing: Standing) -> Curvature | None:
    """The curvature at a place; None where it does not matter: no direction, or no residuals."""
    noise = float(np.sqrt(2 * place.cost / max(place.r.size, 1)))
    small = _SMALL_NOISE * objective.magnitude / np.sqrt(max(place.r.size, 1))
    if not standing.factors.rank or noise <= small:
        return None
    directions = np.zeros((standing.factors.rank, place.x.size))
    directions[:, standing.free] = noise * standing.factors.half
    curved = [_gradient_difference(objective, place, v) for v in directions]
    if any(g is None for g in curved):
        return None
    second = directions @ np.array(curved).T / noise**2
    return Curvature(directions, (second + second.T) / 2, noise)


def _gradient_difference(objective: Objective, place: Place, direction: Array) -> Array | None:
    """(gradient(x + h v) - gradient(x))/h; on the other side where that is not finite."""
    for h in (_DIFFERENCE, -_DIFFERENCE):
        beside = objective.place(place.x + h * direction)
        if beside is not None:
            return (beside.gradient - place.gradient) / h
    return None


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
