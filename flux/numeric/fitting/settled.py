"""What counts as a minimum: the gradient, the step and the curvature all have to say so.

The gradient: the residuals are at right angles to the columns of the Jacobian, measured beside the
noise, or to rounding. The step: Gauss-Newton's own estimate of the way to the minimum is small
beside each parameter, or beside its standard error. Where a parameter has no effect, or several
have the same, neither can be said.

Source:
    Bates and Watts, A Relative Offset Orthogonality Convergence Criterion for Nonlinear Least
    Squares (1981), Technometrics 23, 179-183.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.factors import EPSILON, Factors, factor, length_of
from flux.numeric.fitting.objective import Objective, Place

Array = NDArray[Any]

_OFFSET = 1e-6  # of the step beside standard errors
_STEP = 1e-8  # beside the parameter
_ROUNDING = 64 * EPSILON  # beside the length of what the residuals are differences of
LITTLE = 0.05  # of the offset: little is left to gain
_LOOSE, _VERY_LOOSE = 3.0, 1e3  # errors beside values: a parameter that runs off
_NO_EFFECT = EPSILON  # the same, of all that a parameter does


@dataclass(frozen=True)
class Standing:
    """Where a search stands, as far as its end is concerned.

    Attributes:
        free: which parameters are not held at a bound, (P,).
        factors: of the Jacobian's free columns.
        offset: the Gauss-Newton step beside the standard errors, in all.
        errors: standard errors of the free parameters, as if this were the minimum.
        gradient_is_small, step_is_small: see above.
    """

    free: Array
    factors: Factors
    offset: float
    errors: Array
    gradient_is_small: bool
    step_is_small: bool

    @property
    def settled(self) -> bool:
        """Whether gradient and step say that this is a stationary point."""
        return self.factors.full and self.gradient_is_small and self.step_is_small

    def undetermined(self) -> Array:
        """Which parameters take part in a direction along which nothing changes, (P,)."""
        return self._among_all(self.factors.undetermined())

    def running_off(self, x: Array) -> Array:
        """Which parameters are far less than their errors, (P,).

        Less far where little is left to gain.
        """
        most = _LOOSE if self.offset <= LITTLE else _VERY_LOOSE
        return self._among_all(self.errors > most * np.abs(x[self.free]))

    def _among_all(self, of_free: Array) -> Array:
        found = np.zeros(self.free.size, bool)
        found[self.free] = of_free
        return found


def stand(place: Place, objective: Objective, low: Array, high: Array) -> Standing:
    """Judge a place."""
    gradient = place.gradient
    held = ((place.x <= low) & (gradient >= 0)) | ((place.x >= high) & (gradient <= 0))
    free = ~held
    x = place.x[free]
    floor = np.where(x == 0, 0.0, _NO_EFFECT * objective.magnitude / np.abs(x))
    factors = _factors(place, free, floor)
    along = length_of(factors.along)
    spare = factors.rows - x.size
    # From the cost: the residuals of outliers, as a robust loss corrects them, are no yardstick.
    noise = float(np.sqrt(2 * place.cost / spare)) if spare > 0 else 0.0
    ruler = noise * np.sqrt(max(x.size, 1))
    offset = along / ruler if ruler > 0 else (0.0 if along == 0 else np.inf)
    small = offset <= _OFFSET or along <= _ROUNDING * objective.magnitude
    errors = noise * np.sqrt((factors.half**2).sum(axis=0))
    effect = _ROUNDING * objective.magnitude / factors.lengths
    limit = np.maximum(np.maximum(_STEP * np.abs(x), _OFFSET * errors), effect)
    short = bool((np.abs(factors.newton) <= limit).all())
    return Standing(free, factors, offset, errors, small, short)


def _factors(place: Place, free: Array, floor: Array) -> Factors:
    if free.all():
        return factor(place.both, place.products, floor)
    kept = np.append(free, True)
    return factor(place.both[kept], place.products[np.ix_(kept, kept)], floor)
