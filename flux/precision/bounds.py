"""An interval of real numbers, and what an arithmetic offers to enclose functions at points.

The rules of `flux.precision.rules` turn enclosures at points into enclosures over intervals; they
are the same for float64 (`flux.precision.float64`) and for any number of bits
(`flux.precision.multiple`, `flux.precision.balls`). Only the arithmetic knows how it rounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from flux.ops import Op

INF = math.inf

# A number of an arithmetic, a Python int or float that it converts, or an infinity of Python.
Point = Any
Pair = tuple[Point, Point]


@dataclass(frozen=True)
class Interval:
    """Every real number from `low` to `high`, which encloses the values of an expression.

    Attributes:
        low, high: the ends; -inf and inf where there is none. Rounded outward.
        defined: whether the expression is known to have a value everywhere in the box.
    """

    low: Point
    high: Point
    defined: bool = True

    @property
    def empty(self) -> bool:
        """Whether it holds no number: the expression has no value anywhere in the box."""
        return bool(self.low > self.high)

    @property
    def width(self) -> Point:
        """How long it is: high - low."""
        return 0.0 if self.empty else self.high - self.low

    def __contains__(self, x: object) -> bool:
        return isinstance(x, int | float) and bool(self.low <= x <= self.high)

    def __str__(self) -> str:
        if self.empty:
            return "empty: defined nowhere"
        note = "" if self.defined else ", not known to be defined everywhere"
        return f"[{self.low}, {self.high}]{note}"


EMPTY = Interval(INF, -INF, False)
WHOLE = Interval(-INF, INF, False)
UNDECIDED = Interval(0, 1)


class Arithmetic(Protocol):
    """Numbers with outward rounding."""

    def enclose(self, op: Op, *points: Point) -> Pair:
        """Numbers below and above the exact value of an operation at finite points of its domain.

        The ends may be far apart, or infinite, where the value is too large or too costly.
        """
        ...

    def coarse(self) -> Arithmetic:
        """An arithmetic on the same numbers that is quick, where only a sign is asked for."""
        ...

    def rational(self, value: Fraction) -> Pair:
        """Numbers below and above a rational number."""
        ...

    def named(self, name: str) -> Pair:
        """Numbers below and above pi or e."""
        ...


def truth(value: bool) -> Interval:
    """The interval of a truth value."""
    return Interval(int(value), int(value))


def is_infinite(x: Point) -> bool:
    """Whether an end is an infinity; a number of an arithmetic never is."""
    return isinstance(x, float) and math.isinf(x)


def is_single(x: Interval) -> bool:
    """Whether an interval holds one number."""
    return bool(x.low == x.high)


def hull(*parts: Interval) -> Interval:
    """The least interval that holds all of them, empty ones apart."""
    kept = [part for part in parts if not part.empty]
    if not kept:
        return EMPTY
    low, high = min(p.low for p in kept), max(p.high for p in kept)
    return Interval(low, high, all(part.defined for part in parts))


def undefined(x: Interval) -> Interval:
    """The same numbers, not known to be defined everywhere."""
    return Interval(x.low, x.high, False)


def contains_zero(x: Interval) -> bool:
    """Whether 0 is in it."""
    return bool(x.low <= 0 <= x.high)
