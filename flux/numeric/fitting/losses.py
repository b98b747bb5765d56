"""Robust losses: how much a residual counts, by its square beside the square of a threshold.

cost = 1/2 * sum of threshold^2 * rho((r/threshold)^2). Every rho(z) is about z for small z, so that
small residuals count as in least squares, and grows more slowly where z is large.

Sources:
    Huber, Robust Statistics (1981), chapter 7, for the losses and the covariance.
    Triggs, McLauchlan, Hartley and Fitzgibbon, Bundle Adjustment: A Modern Synthesis (2000),
    section 4.3, for the corrected residuals and Jacobian.
    The tunings give 95% of the efficiency of least squares on normal noise: Holland and Welsch,
    Robust Regression Using Iteratively Reweighted Least-Squares (1977); soft_l1's is Huber's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_LEAST_SCALE = float(np.finfo(np.float64).eps)
_NORMAL_MAD = 0.6744897501960817  # the median of |z| where z is standard normal


@dataclass(frozen=True)
class Loss:
    """One loss.

    Attributes:
        rho: of z, with its first and second derivative.
        tuning: the threshold, in standard deviations of the noise.
    """

    rho: Callable[[Array], tuple[Array, Array, Array]]
    tuning: float


def _huber(z: Array) -> tuple[Array, Array, Array]:
    root = np.sqrt(np.maximum(z, 1))
    return np.where(z <= 1, z, 2 * root - 1), 1 / root, np.where(z <= 1, 0, -0.5 / root**3)


def _soft_l1(z: Array) -> tuple[Array, Array, Array]:
    root = np.sqrt(1 + z)
    return 2 * z / (1 + root), 1 / root, -0.5 / root**3


def _cauchy(z: Array) -> tuple[Array, Array, Array]:
    return np.log1p(z), 1 / (1 + z), -1 / (1 + z) ** 2


def _welsch(z: Array) -> tuple[Array, Array, Array]:
    decay = np.exp(-z)
    return -np.expm1(-z), decay, -decay


def _arctan(z: Array) -> tuple[Array, Array, Array]:
    share = 1 / (1 + z**2)
    return np.arctan(z), share, -2 * z * share**2


LOSSES: Mapping[str, Loss] = {
    "huber": Loss(_huber, 1.345),
    "soft_l1": Loss(_soft_l1, 1.345),
    "cauchy": Loss(_cauchy, 2.385),
    "welsch": Loss(_welsch, 2.985),
    "arctan": Loss(_arctan, 2.385),
}
CONVEX = "soft_l1"
SQUARES = "squares"  # plain least squares, which corrects nothing


def cost(loss: Loss, threshold: float, r: Array) -> float:
    """What is minimised: 1/2 * sum of threshold^2 * rho((r/threshold)^2)."""
    rho, _, _ = loss.rho((r / threshold) ** 2)
    return 0.5 * threshold**2 * float(rho.sum())


def corrected(loss: Loss, threshold: float, both: Array) -> Array:
    """Jacobian and residuals whose plain least squares has the gradient of the robust cost.

    Shapes:
        both: (P + 1, N), residuals last; result: the same.
    """
    r = both[-1]
    z = (r / threshold) ** 2
    _, first, second = loss.rho(z)
    scale = np.sqrt(np.maximum(first + 2 * z * second, _LEAST_SCALE))
    changed: Array = both * scale
    changed[-1] = r * (first / scale)
    return changed


def noise(r: Array, parameters: int) -> float:
    """The standard deviation of the noise, from the median of |r|: outliers do not move it.

    A fit makes as many residuals small as it has parameters; these are left out.
    """
    sizes = np.sort(np.abs(r))[min(parameters, r.size - 1) :]
    return float(np.median(sizes)) / _NORMAL_MAD


def spread(loss: Loss, threshold: float, r: Array, parameters: int) -> float:
    """The factor that makes inverse(JᵀJ) the covariance of a robust fit; nan where there is none.

    k^2 * sum(psi^2)/(n - p) / mean(psi')^2, k = 1 + p/n * var(psi')/mean(psi')^2

    Source:
        Huber, Robust Statistics (1981), equation 7.6.4.
    """
    n, p = r.size, parameters
    z = (r / threshold) ** 2
    _, first, second = loss.rho(z)
    psi, slope = r * first, first + 2 * z * second
    mean = float(slope.mean())
    if n <= p or mean <= 0:
        return float("nan")
    k = 1 + p / n * float(slope.var()) / mean**2
    return k**2 * float(psi @ psi) / (n - p) / mean**2
