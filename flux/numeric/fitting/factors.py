"""The Jacobian's factors: what a step, a test of convergence and a covariance need of it.

J = Q R, with the columns brought to unit length first, so that neither the units of the parameters
nor their sizes matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
EPSILON = float(np.finfo(np.float64).eps)
_BLOCK_ROWS = 1024
_LEAST_ROWS, _MOST_COLUMNS = 1024, 64  # where products are quicker than reflections
_PRODUCT_ROWS = 4096
_FEW_COLUMNS = 6
_STRAIGHT, _MOST_SKEW = 100.0, 1e4  # condition, up to which once, or twice, is as good
_NEARLY_ONE = 0.01
_SMALL, _LARGE = 1e-150, 1e150  # between them, squares are numbers
_CLEARLY_FULL = 1e7  # condition: far from where rounding ends the rank
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
    def _inverse(self) -> Array | None:
        """R⁻¹, where its size shows without singular values that the rank is full."""
        if not self.triangle.diagonal().all():
            return None
        inverse = np.linalg.inv(self.triangle)
        clear = float(np.linalg.norm(inverse)) * self.lengths.size <= _CLEARLY_FULL
        return inverse if clear else None

    @cached_property
    def rank(self) -> int:
        """The number of directions along which the residuals change by more than rounding."""
        if self._inverse is not None:
            return self.lengths.size
        values = self._own.values
        if not values.size or not values[0] > 0:
            return 0
        return int((values > max(self.rows, values.size) * EPSILON * values[0]).sum())

    @property
    def full(self) -> bool:
        """Whether every direction is determined."""
        return self.rank == self.lengths.size

    def change(self, step: Array) -> float:
        """|J d|^2 of a step."""
        along = self.triangle @ (self.lengths * step)
        return float(along @ along)

    @cached_property
    def newton(self) -> Array:
        """The Gauss-Newton step; of least length where the rank is not full."""
        if self._inverse is not None:
            return -(self._inverse @ self.along) / self.lengths
        own, k = self._own, self.rank
        step: Array = -((own.projected[:k] / own.values[:k]) @ own.right[:k]) / self.lengths
        return step

    @cached_property
    def half(self) -> Array:
        """H with inverse(JᵀJ) = HᵀH over the directions that are determined, (rank, P)."""
        if self._inverse is not None:
            return self._inverse.T / self.lengths
        own, k = self._own, self.rank
        half: Array = own.right[:k] / own.values[:k, None] / self.lengths
        return half

    def solve(self, gradient: Array) -> Array:
        """inverse(JᵀJ) times a vector, over the directions that are determined."""
        solved: Array = (self.half @ gradient) @ self.half
        return solved

    def undetermined(self) -> Array:
        """Which parameters take part in a direction along which nothing changes."""
        if self.full:
            return np.zeros(self.lengths.size, bool)
        null = self._own.right[self.rank :]
        share: Array = np.abs(null).max(axis=0, initial=0.0) > _SHARE
        return share


def length_of(vector: Array) -> float:
    """Of a vector: what `np.linalg.norm` gives, in a third of its time."""
    return math.sqrt(float(vector @ vector))


def factor(both: Array, products: Array, floor: Array | float = 0.0) -> Factors:
    """Factor a Jacobian.

    The triangle of [J r] is R with Qᵀ r beside it, so that Q itself is not needed.

    Args:
        both: the Jacobian, a row for each parameter, and the residuals below, (P + 1, N), finite.
        products: of these rows with one another, (P + 1, P + 1).
        floor: the length of a column that is nothing but rounding: it counts as zero.
    """
    lengths = _lengths(both, products)
    empty = np.append(lengths[:-1] <= floor, lengths[-1] == 0)
    lengths[empty] = 1.0
    size = lengths.size - 1
    triangle = None if empty.any() else _triangle_of_products(both, products, lengths)
    if triangle is None:
        unit = both / lengths[:, None]
        unit[empty] = 0.0
        triangle = np.zeros((size + 1, size + 1))
        found = _triangle(unit.T)
        triangle[: len(found)] = found
    along = triangle[:size, size] * lengths[size]
    return Factors(lengths[:size], triangle[:size, :size], along, both.shape[1])


def products_of(both: Array) -> Array:
    """The products of rows with one another: few long rows one by one, which BLAS is quicker at."""
    size, rows = both.shape
    if size > _FEW_COLUMNS or rows < _LEAST_ROWS:
        found: Array = both @ both.T
        return found
    found = np.empty((size, size))
    for i in range(size):
        found[i, i:] = found[i:, i] = both[i:] @ both[i]
    return found


def _triangle_of_products(both: Array, products: Array, lengths: Array) -> Array | None:
    """R from Cholesky's factor of the products, and again from those of Q; None if short or skew.

    The first factor's error is that of the products, times the square of the condition: where that
    is small, it will do. Q = A R⁻¹ is nearly orthogonal, so that the second factor has no such
    error; that it is close to one is checked. Q is made in blocks that stay in the cache.

    Source:
        Yamamoto, Nakatsukasa, Yanagisawa and Fukaya, Roundoff Error Analysis of the CholeskyQR2
        Algorithm (2015), Electronic Transactions on Numerical Analysis 44, 306-326.
    """
    if both.shape[1] < _LEAST_ROWS or both.shape[0] > _MOST_COLUMNS:
        return None
    try:
        first: Array = np.linalg.cholesky(products / np.outer(lengths, lengths)).T
        inverse = np.linalg.inv(first)
        skew = float(np.linalg.norm(first) * np.linalg.norm(inverse))
        if skew <= _STRAIGHT:
            return first
        if not skew <= _MOST_SKEW:
            return None
        again = _products_of_q(both, inverse / lengths[:, None])
        if not np.abs(again - np.eye(len(first))).max() <= _NEARLY_ONE:
            return None
        triangle: Array = np.linalg.cholesky(again).T @ first
    except np.linalg.LinAlgError:
        return None
    return triangle


def _products_of_q(both: Array, inverse: Array) -> Array:
    """QᵀQ for Q = A R⁻¹."""
    size, rows = both.shape
    products, block = np.zeros((size, size)), np.empty((size, _PRODUCT_ROWS))
    for start in range(0, rows, _PRODUCT_ROWS):
        part = both[:, start : start + _PRODUCT_ROWS]
        q = np.matmul(inverse.T, part, out=block[:, : part.shape[1]])
        products += q @ q.T
    return products


def _triangle(a: Array) -> Array:
    """R of a matrix; a long one in blocks that stay in the cache, whose triangles are stacked.

    Source:
        Demmel, Grigori, Hoemmen and Langou, Communication-optimal Parallel and Sequential QR and
        LU Factorizations (2012), SIAM Journal on Scientific Computing 34, A206-A239.
    """
    rows, size = a.shape
    blocks = rows // _BLOCK_ROWS
    if blocks < 2 or size * 2 > _BLOCK_ROWS:
        return _upper(a)
    cut = blocks * _BLOCK_ROWS
    parts = np.asarray(np.linalg.qr(a[:cut].reshape(blocks, _BLOCK_ROWS, size), mode="r"))
    return _triangle(np.concatenate([parts.reshape(-1, size), a[cut:]]))


def _upper(a: Array) -> Array:
    """R of a matrix: what the mode "r" gives, without the time that `np.triu` takes."""
    packed, _ = np.linalg.qr(a, mode="raw")
    triangle = np.zeros((min(a.shape), a.shape[1]))
    for n, row in enumerate(triangle):
        row[n:] = packed[n:, n]
    return triangle


def _lengths(both: Array, products: Array) -> Array:
    """The lengths of the rows, without overflow or underflow on the way."""
    lengths: Array = np.sqrt(products.diagonal())
    if ((lengths > _SMALL) & (lengths < _LARGE)).all():
        return lengths
    most = np.abs(both).max(axis=1, initial=0.0)
    safe = np.where(most > 0, most, 1.0)
    found: Array = safe * np.sqrt(((both / safe[:, None]) ** 2).sum(axis=1))
    return np.where(most > 0, found, 0.0)
