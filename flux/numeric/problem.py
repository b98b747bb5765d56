"""What is minimised, over what, between which bounds and under which constraints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.objective import Function, Point, Unknowns

Array = NDArray[Any]
_ROUNDING = 16 * float(np.finfo(float).eps)


@dataclass(frozen=True)
class Constraint:
    """A function of the unknowns that has to be 0, or at least 0.

    Attributes:
        function: left side minus right side, turned so that it is at least 0.
        equality: whether it has to be 0.
        linear: whether its gradient is constant.
        text: as it was given.
        sizes: the sum of the sizes of its terms; rounding is a few ulps of it.
    """

    function: Function
    equality: bool
    linear: bool
    text: str
    sizes: Function

    def violation(self, x: Array) -> float:
        """By how much it is broken, beside its terms; 0 where it holds."""
        value = self.function.value(x)
        wrong = abs(value) if self.equality else max(-value, 0.0)
        return 0.0 if wrong == 0 else wrong / max(self.sizes.value(x), np.finfo(float).tiny)


@dataclass(frozen=True)
class Problem:
    """A problem that is ready.

    Attributes:
        function: what is minimised.
        sizes: the sum of the sizes of its terms.
        start: flat, within the bounds.
        low, high: the bounds, flat; infinite where there is none.
        constraints: the others.
        maximise: whether the function is the negative of the user's.
    """

    function: Function
    sizes: Function
    start: Array
    low: Array
    high: Array
    constraints: tuple[Constraint, ...] = field(default=())
    maximise: bool = False

    @property
    def unknowns(self) -> Unknowns:
        """The unknowns."""
        return self.function.unknowns

    @property
    def bounded(self) -> bool:
        """Whether any bound is finite."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def clip(self, x: Array) -> Array:
        """The nearest point within the bounds."""
        nearest: Array = np.clip(x, self.low, self.high)
        return nearest

    def free(self, point: Point) -> Array:
        """Which unknowns may move downhill: those that no bound holds back."""
        held_low = (point.x <= self.low) & (point.gradient > 0)
        held_high = (point.x >= self.high) & (point.gradient < 0)
        return ~(held_low | held_high)

    def projected(self, point: Point) -> Array:
        """The gradient, 0 where a bound holds its unknown."""
        return np.where(self.free(point), point.gradient, 0.0)

    def rounding(self, point: Point) -> float:
        """A change of the value at a point that rounding alone may make."""
        return _ROUNDING * max(self.sizes.value(point.x), abs(point.value))

    def sign(self) -> float:
        """What turns a value of the function into the user's."""
        return -1.0 if self.maximise else 1.0
