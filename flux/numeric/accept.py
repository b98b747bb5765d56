"""What counts as a root: the step and the residual both have to say so.

The step: Newton's own estimate of the distance to the root, or the width of the bracket. The
residual: small beside the first one of the search, or beside the terms that it is the sum of, or
beside its neighbours. A pole passes the first test and none of the second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.equation import Problem

Array = NDArray[Any]
EPSILON = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)

SMALL_RESIDUAL = 1e-6  # beside the first one of the search
_SMALL_TERM = 1e-10  # beside the terms
_NEIGHBOUR_STEP, _NEIGHBOUR_RATIO = 1e-4, 1e-3
_ROUNDING = 8 * EPSILON  # beside the terms: nothing but rounding is left
# Of the way from the start, for roots at 0; of a long one only the last 1: from 1e20 on, the way
# says nothing about the size of a root.
_TRAVELLED, _LONGEST = 1e-5, 1.0
_UNDERFLOW = 1e-290


@dataclass(frozen=True)
class Judge:
    """Decides about the places that a search of one problem stops at.

    Attributes:
        value: the residual at rows.
        terms: the sizes of the residual's terms at rows.
        start: of each row.
        tolerance: of the step, beside the unknown's size.
    """

    value: Callable[[Array, Any], tuple[Array, ...]]
    terms: Callable[[Array, Any], Array]
    start: Array
    tolerance: float

    @staticmethod
    def of(problem: Problem, tolerance: float) -> Judge:
        """The judge of a problem."""
        return Judge(problem.function(0), problem.scale(), problem.start, tolerance)

    def size(self, x: Array, rows: Array) -> Array:
        """The unknown's size: what a step is compared with."""
        travelled = np.abs(x - self.start[rows])
        far = np.where(np.isfinite(travelled), np.minimum(travelled, _LONGEST), 0)
        size: Array = np.maximum(np.abs(x), _TRAVELLED * far)
        return size

    def step_limit(self, x: Array, rows: Array) -> Array:
        """The largest step that says that x is there."""
        return self.tolerance * self.size(x, rows) + TINY

    def residual_is_small(self, x: Array, f: Array, rows: Array, first: Array) -> Array:
        """Whether the residual says so."""
        small: Array = (np.abs(f) <= SMALL_RESIDUAL * first) | (f == 0)
        if not small.all():
            (rest,) = np.nonzero(~small)
            small[rest] = self._small_beside_terms(x[rest], f[rest], rows[rest])
        if not small.all():
            (rest,) = np.nonzero(~small)
            small[rest] = self._small_beside_neighbours(x[rest], f[rest], rows[rest])
        return small

    def is_rounding(self, x: Array, f: Array, rows: Array) -> Array:
        """Whether nothing but rounding is left of the residual."""
        return np.isfinite(f) & (np.abs(f) <= _ROUNDING * self.terms(x, rows))

    def is_underflow(self, f: Array, slope: Array, before: Array) -> Array:
        """Whether it vanished because its values became too small, as exp(-x) does."""
        vanished: Array = (f == 0) & (slope == 0)
        return vanished & (before > 0) & (before < _UNDERFLOW)

    def _small_beside_terms(self, x: Array, f: Array, rows: Array) -> Array:
        return np.isfinite(f) & (np.abs(f) <= _SMALL_TERM * self.terms(x, rows))

    def _small_beside_neighbours(self, x: Array, f: Array, rows: Array) -> Array:
        step = _NEIGHBOUR_STEP * self.size(x, rows) + TINY
        sides = [np.abs(self.value(x + s, rows)[0]) for s in (step, -step)]
        most = np.fmax(*(np.where(np.isfinite(side), side, np.nan) for side in sides))
        return np.isfinite(f) & (np.abs(f) <= _NEIGHBOUR_RATIO * most)
