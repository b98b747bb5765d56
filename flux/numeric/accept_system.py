"""What counts as a root of a system: the step and every residual have to say so.

The step: Newton's, in each unknown, beside that unknown's size. The residuals: each small beside
the largest that it had on the way, or beside the terms that it is the sum of, or beside its values
nearby. Where the Jacobian is
singular there is no Newton step, and only residuals within rounding of zero will do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.accept import EPSILON, SMALL_RESIDUAL, TINY
from flux.numeric.directions import norm
from flux.numeric.equations import System

Array = NDArray[Any]

_SMALL_TERM = 1e-10  # beside the terms
_ROUNDING = 8 * EPSILON  # beside the terms: nothing but rounding is left
_TRAVELLED, _LONGEST = 1e-5, 1.0  # of the way, for roots at 0; of a long one the last 1
_UNDERFLOW = 1e-290
_STILL = 1e-3  # a step, beside the unknowns, within which a residual of rounding is a root
_SMALL_BESIDE = 1e-3  # beside the neighbours
_NEAR = 1e-4  # of the unknowns' sizes
# Where the norm is stationary to 1e-7, the slope alone makes neighbours at this distance lower by
# 1e-10 of it at most; what is lower than that is so by curvature.
_AROUND, _LOWER, _HIGHER = 1e-3, 1 - 1e-9, 1 + 1e-12


@dataclass(frozen=True)
class SystemJudge:
    """Decides about the places that a search of one system stops at.

    Attributes:
        evaluate: the residuals and the Jacobian at rows.
        sizes: the sizes of the residuals' terms at rows.
        low, high: the bounds of each row.
        tolerance: of the step, beside the unknowns' sizes.
    """

    evaluate: Callable[[Array, Array], tuple[Array, Array]]
    sizes: Callable[[Array, Array], Array]
    low: Array
    high: Array
    tolerance: float

    @staticmethod
    def of(system: System, tolerance: float) -> SystemJudge:
        """The judge of a system."""
        return SystemJudge(system.evaluate(), system.sizes(), system.low, system.high, tolerance)

    def step_is_small(self, step: Array, x: Array, travelled: Array) -> Array:
        """Whether Newton's step says that x is there."""
        size = np.maximum(np.abs(x), _TRAVELLED * np.minimum(travelled, _LONGEST))
        small: Array = np.all(np.abs(step) <= self.tolerance * size + TINY, axis=1)
        return small

    def residual_is_small(self, x: Array, f: Array, rows: Array, most: Array) -> Array:
        """Whether every residual says so."""
        small = (np.abs(f) <= SMALL_RESIDUAL * most) | (f == 0)
        small |= np.abs(f) <= _SMALL_TERM * self.sizes(x, rows)
        (rest,) = np.nonzero(~small.all(axis=1))
        if rest.size:
            beside = self._beside(x[rest], rows[rest])
            small[rest] |= np.abs(f[rest]) <= _SMALL_BESIDE * beside
        every: Array = small.all(axis=1)
        return every

    def _beside(self, x: Array, rows: Array) -> Array:
        """The largest size of each residual at the neighbours."""
        f, _ = self.around(x, rows, np.zeros(x.shape), _NEAR)
        found: Array = np.where(np.isfinite(f), np.abs(f), 0.0).max(axis=0)
        return found

    def is_rounding(self, x: Array, f: Array, step: Array, rows: Array) -> Array:
        """Whether nothing but rounding is left of any residual, and no step leads far away."""
        small = (np.abs(f) <= _ROUNDING * self.sizes(x, rows)).all(axis=1)
        still = norm(step) <= _STILL * np.maximum(norm(x), TINY)
        exact = (f == 0).all(axis=1)
        rounding: Array = (small & still) | exact
        return rounding

    def is_underflow(self, f: Array, jacobian: Array, before: Array) -> Array:
        """Whether one vanished because its values became too small, as exp(-x) does."""
        flat = (f == 0) & (jacobian == 0).all(axis=2)
        vanished: Array = (flat & (before > 0) & (before < _UNDERFLOW)).any(axis=1)
        return vanished

    def is_least(self, x: Array, rows: Array, travelled: Array) -> Array:
        """Whether |F| is lower at no neighbour, and higher at some."""
        here = norm(self.evaluate(x, rows)[0])
        f, _ = self.around(x, rows, travelled, _AROUND)
        beside = norm(f)
        least: Array = np.isfinite(here) & ~(beside < here * _LOWER).any(axis=0)
        # Where none is higher either, the residuals are flat to rounding, and tell nothing.
        return least & (beside > here * _HIGHER).any(axis=0)

    def around(
        self, x: Array, rows: Array, travelled: Array, distance: float
    ) -> tuple[Array, Array]:
        """The residuals (K, A, n) and the Jacobians (K, A, n, n) at K neighbours."""
        places = self.neighbours(x, rows, travelled, distance)
        count, n = len(places), x.shape[1]
        f, jacobian = self.evaluate(places.reshape(-1, n), np.tile(rows, count))
        return f.reshape(count, -1, n), jacobian.reshape(count, -1, n, n)

    def neighbours(self, x: Array, rows: Array, travelled: Array, distance: float) -> Array:
        """Places up and down in each unknown and across, within the bounds: (K, A, n).

        Across: along the right singular vectors of the Jacobian, for where |F| is stationary it may
        fall along those of singular value 0 alone, and along some that have nothing to do with it.
        """
        size = reaches(x, travelled)
        _, jacobian = self.evaluate(x, rows)
        scaled = np.nan_to_num(jacobian * size[:, None, :], posinf=0.0, neginf=0.0)
        singular = np.swapaxes(np.linalg.svd(scaled)[2], 0, 1)
        n = x.shape[1]
        fixed = np.concatenate([np.eye(n), _across(n)])[:, None, :]
        ways = np.concatenate([np.broadcast_to(fixed, (len(fixed), *x.shape)), singular])
        steps = distance * size * np.concatenate([ways, -ways])
        places: Array = np.clip(x + steps, self.low[rows], self.high[rows])
        return places

    @staticmethod
    def askew(x: Array, travelled: Array, distance: float) -> tuple[Array, Array]:
        """A short way in a direction that favours no unknown, and back."""
        step = distance * reaches(x, travelled) * _across(x.shape[1])[0]
        return step, -step


def _across(n: int) -> Array:
    """Directions that favour no unknown, the same ones every time."""
    drawn = np.random.default_rng(n).normal(size=(n, n))
    return drawn / norm(drawn)[:, None]


def reaches(x: Array, travelled: Array) -> Array:
    """How far each unknown may well have to go: its size, or as far as it came; else 1."""
    size = np.maximum(np.abs(x), travelled)
    return np.where(size > 0, size, 1.0)
