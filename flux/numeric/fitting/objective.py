"""What a fit minimises: a cost over a vector, with its residuals and their exact Jacobian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.losses import Loss, corrected, cost

Array = NDArray[Any]
_LARGEST = 1e150  # whose square still is a number


@dataclass(frozen=True)
class Place:
    """What is known where the search stands.

    Attributes:
        x: the parameters, (P,).
        cost: what is minimised.
        r: residuals, (N,), and j: their Jacobian, (N, P): of the plain least squares that has the
            cost's gradient jᵀr.
    """

    x: Array
    cost: float
    r: Array
    j: Array

    @cached_property
    def gradient(self) -> Array:
        """Of the cost."""
        gradient: Array = self.j.T @ self.r
        return gradient


@dataclass
class Objective:
    """The cost of a fit.

    Args:
        residuals: of the parameters: (N,), weighted.
        jacobian: of the parameters: the residuals and their derivatives, (N,) and (N, P).
        magnitude: the length of what residuals are differences of: rounding is a few ulps.
        loss: None for least squares.
        threshold: of the loss.
        evaluations: counted as they are made.
    """

    residuals: Callable[[Array], Array]
    jacobian: Callable[[Array], tuple[Array, Array]]
    magnitude: float
    loss: Loss | None = None
    threshold: float = 1.0
    evaluations: int = 0

    def value(self, x: Array) -> float:
        """The cost at a place; infinite where it is not finite."""
        if not np.isfinite(x).all():
            return float("inf")
        self.evaluations += 1
        return self._cost(self.residuals(x))

    def place(self, x: Array) -> Place | None:
        """All that is known of a place; None where something there is not finite."""
        if not np.isfinite(x).all():
            return None
        self.evaluations += 1
        r, j = self.jacobian(x)
        cost = self._cost(r)
        if not np.isfinite(cost) or not _is_moderate(j):
            return None
        if self.loss is not None:
            r, j = corrected(self.loss, self.threshold, r, j)
        return Place(x, cost, r, j)

    def probe(self, place: Place, step: Array) -> Array | None:
        """The residuals beside a place; None with a loss, whose corrections differ by place."""
        if self.loss is not None:
            return None
        self.evaluations += 1
        return self.residuals(place.x + step)

    def _cost(self, r: Array) -> float:
        with np.errstate(all="ignore"):
            value = 0.5 * float(r @ r)
            if self.loss is not None and np.isfinite(value):
                value = cost(self.loss, self.threshold, r)
        return value if np.isfinite(value) else float("inf")


def _is_moderate(j: Array) -> bool:
    """Whether every derivative is a number whose square is one."""
    return bool(j.min(initial=0.0) > -_LARGEST and j.max(initial=0.0) < _LARGEST)
