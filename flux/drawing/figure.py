"""What is drawn: curves and marks over one horizontal axis, and the part of it that is shown.

A curve is broken where it is not finite and where it jumps across the whole view, as at a pole; and
the view leaves out what a pole makes of the scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_MIDDLE = (0.05, 0.95)  # of the values, that are shown in any case
_STEEP = 10.0  # times that part: more is a pole, and cut off
_CUT = 1.0  # times that part, kept above and below
_MARGIN = 0.05
_HUGE = 8e307  # ends whose difference is finite


@dataclass(frozen=True)
class Curve:
    """A line through points.

    Attributes:
        label: its name.
        x, y: of the points, in order of x; y may hold nan and infinities.
    """

    label: str
    x: Array
    y: Array


@dataclass(frozen=True)
class Marks:
    """Points that stand out, such as roots or data."""

    label: str
    x: Array
    y: Array


@dataclass(frozen=True)
class Figure:
    """A drawing.

    Attributes:
        title: above it.
        across: what the horizontal axis is.
        curves: the lines.
        marks: the points.
    """

    title: str
    across: str
    curves: tuple[Curve, ...]
    marks: tuple[Marks, ...] = ()

    def sides(self) -> tuple[float, float]:
        """The ends of the horizontal axis."""
        every = np.concatenate([*(c.x for c in self.curves), *(m.x for m in self.marks)])
        return _opened(float(every.min()), float(every.max()))

    def view(self) -> tuple[float, float]:
        """The ends of the vertical axis."""
        every = np.concatenate([*(c.y for c in self.curves), *(m.y for m in self.marks)])
        known = every[np.isfinite(every)]
        if not known.size:
            return -1.0, 1.0
        with np.errstate(all="ignore"):
            low, high = float(known.min()), float(known.max())
            first, last = (float(q) for q in np.quantile(known, _MIDDLE))
            if high - low > _STEEP * (last - first) > 0:
                room = _CUT * (last - first)
                low, high = max(low, first - room), min(high, last + room)
        marked = [m.y[np.isfinite(m.y)] for m in self.marks]
        ends = np.array([low, high, *np.concatenate([np.zeros(0), *marked])])
        return _opened(float(ends.min()), float(ends.max()), _MARGIN)

    def broken(self) -> tuple[Curve, ...]:
        """The curves with nan where a line through their points would mislead."""
        low, high = self.view()
        return tuple(_broken(curve, low, high) for curve in self.curves)


def _opened(low: float, high: float, margin: float = 0.0) -> tuple[float, float]:
    """Two ends that differ, and some room beyond them."""
    if low == high:
        room = abs(low) / 2 or 1.0
        return low - room, high + room
    room = margin * (high / 2 - low / 2) * 2
    if not np.isfinite(room) or not np.isfinite(high - low):
        return max(low, -_HUGE), min(high, _HUGE)
    return low - room, high + room


def _broken(curve: Curve, low: float, high: float) -> Curve:
    y = np.where(np.isfinite(curve.y), curve.y, np.nan)
    before, after = y[:-1], y[1:]
    crosses = ((before > high) & (after < low)) | ((before < low) & (after > high))
    at = np.flatnonzero(crosses) + 1
    x = np.insert(curve.x, at, curve.x[at])
    return Curve(curve.label, x, np.insert(y, at, np.nan))
