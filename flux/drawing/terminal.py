"""A figure in plain characters, for a terminal or a log."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.drawing.figure import Curve, Figure

Array = NDArray[Any]

_LINES = "*~+x"  # one for each curve
_MARKS = "o@#"


def draw(figure: Figure, width: int = 72, height: int = 20) -> str:
    """The figure as lines of text, ASCII alone.

    Args:
        figure: what is drawn.
        width: of the area, in characters, without the numbers at its side.
        height: of the area, in lines.
    """
    canvas = _Canvas(figure, width, height)
    canvas.axes()
    for curve, sign in reversed(list(zip(figure.broken(), _signs(_LINES), strict=False))):
        canvas.curve(curve, sign)
    for marks, sign in zip(figure.marks, _signs(_MARKS), strict=False):
        for x, y in zip(marks.x, marks.y, strict=True):
            canvas.put(float(x), float(y), sign)
    return "\n".join([*_legend(figure), *canvas.lines()])


def _signs(signs: str) -> str:
    return signs * 100


def _legend(figure: Figure) -> list[str]:
    curves = [f"{s} {c.label}" for c, s in zip(figure.curves, _signs(_LINES), strict=False)]
    marks = [f"{s} {m.label}" for m, s in zip(figure.marks, _signs(_MARKS), strict=False)]
    return ["   ".join([*curves, *marks]), ""]


def _part(value: Any, first: float, last: float) -> Any:
    """How far along the way from first to last a value lies; by halves where ends are huge."""
    with np.errstate(all="ignore"):
        if np.isfinite(last - first):
            return (np.asarray(value) - first) / (last - first)
        return (np.asarray(value) / 2 - first / 2) / (last / 2 - first / 2)


class _Canvas:
    def __init__(self, figure: Figure, width: int, height: int) -> None:
        self._across = figure.across
        self._left, self._right = figure.sides()
        self._low, self._high = figure.view()
        self._width, self._height = width, height
        self._cells = [[" "] * width for _ in range(height)]

    def _column(self, x: float) -> float:
        return float(_part(x, self._left, self._right)) * (self._width - 1)

    def _row(self, y: float) -> float:
        return float(_part(y, self._high, self._low)) * (self._height - 1)

    def put(self, x: float, y: float, sign: str) -> None:
        """One sign, where it is in view."""
        column, row = self._column(x), self._row(y)
        if not (np.isfinite(column) and np.isfinite(row)):
            return
        i, j = round(row), round(column)
        if 0 <= i < self._height and 0 <= j < self._width:
            self._cells[i][j] = sign

    def axes(self) -> None:
        """The lines of zero, where they are in view."""
        if self._low <= 0 <= self._high:
            self._cells[round(self._row(0))] = ["-"] * self._width
        if self._left <= 0 <= self._right:
            j = round(self._column(0))
            for line in self._cells:
                line[j] = "+" if line[j] == "-" else "|"

    def curve(self, curve: Curve, sign: str) -> None:
        """A line: in each column the rows that it runs through."""
        rows = _part(curve.y, self._high, self._low) * (self._height - 1)
        columns = np.rint(_part(curve.x, self._left, self._right) * (self._width - 1))
        for j in range(self._width):
            within = np.flatnonzero(columns == j)
            if not within.size:
                continue
            # From the last point of the column before, unless the curve is broken there.
            seen = rows[max(within[0] - 1, 0) : within[-1] + 1]
            run = rows[within] if np.isnan(seen).any() else seen
            run = run[~np.isnan(run)]
            if run.size:
                self._fill(j, float(run.min()), float(run.max()), sign)

    def _fill(self, j: int, first: float, last: float, sign: str) -> None:
        if last < -0.5 or first > self._height - 0.5:
            return
        top, bottom = max(first, 0.0), min(last, self._height - 1.0)
        for i in range(round(top), max(round(bottom), round(top)) + 1):
            self._cells[min(i, self._height - 1)][j] = sign

    def lines(self) -> list[str]:
        """The area with the numbers of its ends."""
        top, bottom = f"{self._high:.4g}", f"{self._low:.4g}"
        side = max(len(top), len(bottom))
        names = [top, *[""] * (self._height - 2), bottom]
        body = [
            f"{name:>{side}} {''.join(cells)}".rstrip()
            for name, cells in zip(names, self._cells, strict=True)
        ]
        left, right = f"{self._left:.4g}", f"{self._right:.4g}"
        middle = self._across.center(max(self._width - len(left) - len(right), 1))
        return [*body, f"{'':>{side}} {left}{middle}{right}".rstrip()]
