"""Operations of one operand that only rise, or only fall, over their domain: one row each.

So the ends of an interval give the ends of its image. A row says where the domain ends, and the
limit of the values at an edge that is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flux.ops import Op
from flux.precision.bounds import EMPTY, INF, Arithmetic, Interval, Pair, Point

# Floats just outside -pi/2 and pi/2.
_HALF_PI = 1.5707963267948968


@dataclass(frozen=True, slots=True)
class Monotone:
    """How an operation rises or falls.

    Args:
        falls: whether it falls.
        low, high: the edges of its domain.
        at_low, at_high: the limits there, or numbers beyond them; None where the edge is in the
            domain.
    """

    falls: bool = False
    low: Point = -INF
    high: Point = INF
    at_low: Point | None = -INF
    at_high: Point | None = INF


MONOTONE: Mapping[Op, Monotone] = {
    Op.EXP: Monotone(at_low=0),
    Op.EXPM1: Monotone(at_low=-1),
    Op.LOG: Monotone(low=0),
    Op.LOG1P: Monotone(low=-1),
    Op.LOG2: Monotone(low=0),
    Op.LOG10: Monotone(low=0),
    Op.SQRT: Monotone(low=0, at_low=None),
    Op.CBRT: Monotone(),
    Op.ASIN: Monotone(low=-1, high=1, at_low=None, at_high=None),
    Op.ACOS: Monotone(falls=True, low=-1, high=1, at_low=None, at_high=None),
    Op.ATAN: Monotone(at_low=-_HALF_PI, at_high=_HALF_PI),
    Op.SINH: Monotone(),
    Op.TANH: Monotone(at_low=-1, at_high=1),
    Op.ASINH: Monotone(),
    Op.ACOSH: Monotone(low=1, at_low=None),
    Op.ATANH: Monotone(low=-1, high=1),
    Op.ERF: Monotone(at_low=-1, at_high=1),
    Op.ERFC: Monotone(falls=True, at_low=2, at_high=0),
    Op.SIGN: Monotone(at_low=-1, at_high=1),
    Op.FLOOR: Monotone(),
    Op.CEIL: Monotone(),
    Op.ROUND: Monotone(),
    Op.RINT: Monotone(),
    Op.TRUNC: Monotone(),
}


def monotone(numbers: Arithmetic, op: Op, x: Interval) -> Interval:
    """The image of an interval under an operation of the table."""
    row = MONOTONE[op]
    low, high = max(x.low, row.low), min(x.high, row.high)
    outside = _beyond(row, low, high)
    if low > high or (outside and low == high):
        return EMPTY
    first = _at(numbers, op, row, low)
    last = first if low == high else _at(numbers, op, row, high)
    if row.falls:
        first, last = last, first
    whole = bool(low == x.low and high == x.high) and not outside
    return Interval(first[0], last[1], x.defined and whole)


def _beyond(row: Monotone, low: Point, high: Point) -> bool:
    """Whether an end lies on a finite edge that is not in the domain."""
    at_low = row.low != -INF and row.at_low is not None and low == row.low
    at_high = row.high != INF and row.at_high is not None and high == row.high
    return bool(at_low or at_high)


def _at(numbers: Arithmetic, op: Op, row: Monotone, x: Point) -> Pair:
    if row.at_low is not None and x == row.low:
        return row.at_low, row.at_low
    if row.at_high is not None and x == row.high:
        return row.at_high, row.at_high
    low, high = numbers.enclose(op, x)
    least, most = _limits(row)
    return max(low, least), min(high, most)


def _limits(row: Monotone) -> tuple[Any, Any]:
    """Numbers that no value passes."""
    ends = (row.at_high, row.at_low) if row.falls else (row.at_low, row.at_high)
    return -INF if ends[0] is None else ends[0], INF if ends[1] is None else ends[1]
