"""Where an integrand is not 0 that is 0 at all points of a rule: narrow peaks, found by intervals.

A rule cannot tell 0 from a peak between its points. The interval of the integrand over a stretch
can: a stretch whose interval holds more than 0 is halved, the most promising one first, until its
middle shows the peak.
"""

from __future__ import annotations

import heapq
import math
from contextlib import suppress
from itertools import pairwise

from flux.errors import FluxError
from flux.expr import Expr
from flux.precision import interval

_MOST_HALVINGS = 200
_SEEN = 0.1  # of the most that a stretch may hold: its middle is on the peak
_NEARER = range(2, 40)  # halvings towards a peak, which may be much narrower than its stretch
_DECADES = range(-9, 16)  # from 0, where the range is endless


def cuts(e: Expr, x: str, a: float, b: float) -> list[float]:
    """Places between a and b that peaks lie close to, in order; none where none is found.

    Args:
        e: a scalar expression in x alone.
        x: the name.
        a: the lower end, or -inf.
        b: the upper end, or inf; a < b.
    """
    ends = _stretches(a, b)
    places, waiting = list(ends[1:-1]), [_rated(e, x, *pair) for pair in pairwise(ends)]
    heapq.heapify(waiting)
    for _ in range(_MOST_HALVINGS):
        rating, most, low, high = waiting[0]
        middle = low / 2 + high / 2
        if not rating or not low < middle < high:
            break
        places.append(middle)
        if abs(_value(e, x, middle)) > _SEEN * most:
            around = [(high - low) / 2**n for n in _NEARER]
            near = {middle - step for step in around} | {middle + step for step in around}
            return sorted({*places, *near})
        heapq.heapreplace(waiting, _rated(e, x, low, middle))
        heapq.heappush(waiting, _rated(e, x, middle, high))
    return []


def _stretches(a: float, b: float) -> list[float]:
    """A range in finite stretches, and the endless ones outside of these."""
    if math.isfinite(a) and math.isfinite(b):
        return [a, b]
    steps = [10.0**n for n in _DECADES]
    grid = [*(-step for step in reversed(steps)), 0.0, *steps]
    return [a, *(place for place in grid if a < place < b), b]


def _rated(e: Expr, x: str, low: float, high: float) -> tuple[float, float, float, float]:
    """A stretch behind how much it may hold, the most first, and the largest value there."""
    most = 0.0
    if math.isfinite(high - low):
        with suppress(FluxError):  # it takes too long, or inf occurs in it
            found = interval(e, {x: (low, high)})
            most = max(abs(found.low), abs(found.high))
    return -most * (high - low) if most else 0.0, most, low, high


def _value(e: Expr, x: str, place: float) -> float:
    with suppress(FluxError):
        return float(e.evaluate({x: place}))
    return 0.0
