"""The Jacobian's factors: what a step, a test of convergence and a covariance need of it.

J = Q R, with the columns brought to unit length first, so that neither the units of the parameters
nor their sizes matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
EPSILON = float(np.finfo(np.float64).eps)
_SHARE = 0.1  # of a direction: a parameter that has less of it is not named


@dataclass(frozen=True)
class Spectrum:
    """R D⁻¹ = U S Vᵀ for a scale D of the parameters.

    Attributes:
        scale: D, (P,).
        values: S, falling, (P,).
        right: Vᵀ, (P, P).
        projected: Uᵀ Qᵀ r, (P,).
    """

    scale: Array
    values: Array
    right: Array
    projected: Array

    def step(self, damping: float) -> Array:
        """The step that minimises |r + J d|^2 + damping * |D d|^2, times D."""
        weight = self.values / (self.values**2 + damping)
        step: Array = -(weight * self.projected) @ self.right
        return step

    def solve(self, gradient: Array, damping: float) -> Array:
        """inverse(JᵀJ + damping * D²) times a vector, times D."""
        along = self.right @ (gradient / self.scale)
        solved: Array = (along / (self.values**2 + damping)) @ self.right
        return solved


@dataclass(frozen=True)
class Factors:
    """A Jacobian and residuals, factored.

    Attributes:
        lengths: of the columns, (P,); 1 for a column of zeros.
        triangle: R of the columns of unit length, (P, P).
        along: Qᵀ r, (P,).
        rows: N.
    """

    lengths: Array
    triangle: Array
    along: Array
    rows: int

    def spectrum(self, scale: Array) -> Spectrum:
        """The singular values beside a scale of the parameters."""
        left, values, right = np.linalg.svd(self.triangle * (self.lengths / scale))
        return Spectrum(scale, values, right, left.T @ self.along)

    @cached_property
    def _own(self) -> Spectrum:
        return self.spectrum(self.lengths)

    @cached_property
    def rank(self) -> int:
        """The number of directions along which the residuals change by more than rounding."""
        values = self._own.values
        if not values.size or not values[0] > 0:
            return 0
        return int((values > max(self.rows, values.size) * EPSILON * values[0]).sum())

    @property
    def full(self) -> bool:
        """Whether every direction is determined."""
        return self.rank == self.lengths.size

    def newton(self) -> Array:
        """The Gauss-Newton step; of least length where the rank is not full."""
        own, k = self._own, self.rank
        step: Array = -((own.projected[:k] / own.values[:k]) @ own.right[:k]) / self.lengths
        return step

    def half(self) -> Array:
        """H with inverse(JᵀJ) = HᵀH over the directions that are determined, (rank, P)."""
        own, k = self._own, self.rank
        half: Array = own.right[:k] / own.values[:k, None] / self.lengths
        return half

    def undetermined(self) -> Array:
        """Which parameters take part in a direction along which nothing changes."""
        null = self._own.right[self.rank :]
        share: Array = np.abs(null).max(axis=0, initial=0.0) > _SHARE
        return share


def factor(j: Array, r: Array, floor: Array | float = 0.0) -> Factors:
    """Factor a Jacobian.

    Args:
        j: (N, P), finite.
        r: (N,).
        floor: the length of a column that is nothing but rounding: it counts as zero.
    """
    lengths = column_lengths(j)
    empty = lengths <= floor
    lengths = np.where(empty, 1.0, lengths)
    q, triangle = np.linalg.qr(np.where(empty, 0.0, j / lengths), mode="reduced")
    along = q.T @ r
    if len(triangle) < lengths.size:  # fewer rows than parameters
        missing = lengths.size - len(triangle)
        triangle = np.pad(triangle, ((0, missing), (0, 0)))
        along = np.pad(along, (0, missing))
    return Factors(lengths, triangle, along, len(r))


def column_lengths(j: Array) -> Array:
    """The lengths of the columns, without overflow on the way."""
    most = np.abs(j).max(axis=0, initial=0.0)
    safe = np.where(most > 0, most, 1.0)
    lengths: Array = np.where(most > 0, safe * np.sqrt(((j / safe) ** 2).sum(axis=0)), 0.0)
    return lengths
