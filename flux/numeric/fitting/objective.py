"""What a fit minimises: a cost over a vector, with its residuals and their exact Jacobian."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.factors import products_of
from flux.numeric.fitting.losses import Loss, corrected, cost

Array = NDArray[Any]
_LARGEST = 1e150  # whose square still is a number


@dataclass(frozen=True)
class Place:
    """What is known where the search stands.

    Attributes:
        x: the parameters, (P,).
        cost: what is minimised.
        both: the Jacobian, a row for each parameter, and the residuals below, (P + 1, N): of the
            plain least squares that has the cost's gradient.
        products: of these rows with one another, (P + 1, P + 1).
    """

    x: Array
    cost: float
    both: Array
    products: Array

    @property
    def r(self) -> Array:
        """Residuals, (N,)."""
        r: Array = self.both[-1]
        return r

    @property
    def j(self) -> Array:
        """Their Jacobian, (N, P)."""
        j: Array = self.both[:-1].T
        return j

    @property
    def gradient(self) -> Array:
        """Of the cost: Jᵀ r."""
        gradient: Array = self.products[:-1, -1]
        return gradient


@dataclass
class Objective:
    """The cost of a fit. What overflows on the way is no error: the caller ignores such.

    Args:
        residuals: of the parameters: (N,), weighted.
        jacobian: of the parameters: derivatives and, last, residuals, (P + 1, N).
        magnitude: the length of what residuals are differences of: rounding is a few ulps.
        loss: None for least squares.
        threshold: of the loss.
        evaluations: counted as they are made.
    """

    residuals: Callable[[Array], Array]
    jacobian: Callable[[Array], Array]
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
        both = self.jacobian(x)
        cost = self._cost(both[-1])
        if not np.isfinite(cost):
            return None
        if self.loss is not None:
            both = corrected(self.loss, self.threshold, both)
        products = products_of(both)
        return Place(x, cost, both, products) if _is_moderate(both, products) else None

    def probe(self, place: Place, step: Array) -> Array | None:
        """The residuals beside a place; None with a loss, whose corrections differ by place."""
        if self.loss is not None:
            return None
        self.evaluations += 1
        return self.residuals(place.x + step)

    def _cost(self, r: Array) -> float:
        value = 0.5 * float(r @ r)
        if self.loss is not None and math.isfinite(value):
            value = cost(self.loss, self.threshold, r)
        return value if math.isfinite(value) else math.inf


def _is_moderate(both: Array, products: Array) -> bool:
    """Whether every derivative is a number whose square is one."""
    if float(products.trace()) < _LARGEST:
        return True
    j = both[:-1]
    return bool(j.min(initial=0.0) > -_LARGEST and j.max(initial=0.0) < _LARGEST)
