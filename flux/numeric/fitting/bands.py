"""A fitted curve at given places, with what is uncertain about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Band:
    """The curve and an interval around it.

    Attributes:
        value: of the curve.
        error: standard errors.
        low, high: the ends of the intervals.
        level: how often such an interval holds the truth.
    """

    value: Array
    error: Array
    low: Array
    high: Array
    level: float


@dataclass(frozen=True)
class Estimate:
    """A number that follows from the parameters.

    Attributes:
        value: its value.
        error: its standard error, to first order.
        low, high: the ends of its interval.
        level: how often such an interval holds the truth.
    """

    value: float
    error: float
    low: float
    high: float
    level: float

    def __float__(self) -> float:
        return self.value
