"""Which elements hold a value while a function is walked: what was written, and not taken since.

Temporaries share the arena, so writing one forgets every other that it overlaps. Everything here
takes logarithmic time a step, since the Program that is walked may be hostile.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from flux.program.types import ROWS, Buffer, Role, View


class Ranges:
    """A set of whole numbers, kept as disjoint ranges in order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def add(self, start: int, stop: int) -> None:
        """Add the numbers from start to stop (exclusive); ranges that touch become one."""
        first = bisect_left(self._stops, start)
        last = bisect_right(self._starts, stop)
        if first < last:
            start = min(start, self._starts[first])
            stop = max(stop, self._stops[last - 1])
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]

    def covers(self, start: int, stop: int) -> bool:
        """Whether all numbers from start to stop are in the set."""
        n = bisect_right(self._starts, start) - 1
        return n >= 0 and stop <= self._stops[n]

    def meets(self, start: int, stop: int) -> bool:
        """Whether any number from start to stop is in the set."""
        n = bisect_left(self._starts, stop) - 1
        return n >= 0 and start < self._stops[n]


class Written:
    """What the instructions so far have written.

    Args:
        buffers: of the function.
    """

    def __init__(self, buffers: Sequence[Buffer]) -> None:
        self._buffers = buffers
        self._views: dict[int, set[View]] = {}
        self._ranges: dict[int, Ranges] = {}
        # Temporaries that hold something, by place; those with rows have an arena of their own.
        self._live: dict[bool, list[tuple[int, int, int]]] = {False: [], True: []}

    def holds(self, view: View) -> bool:
        """Whether every element of the view holds a value."""
        if view in self._views.get(view.buffer, ()):
            return True
        ranges = self._ranges.get(view.buffer)
        return ranges is not None and ranges.covers(*span(view))

    def write(self, view: View) -> None:
        """Note that the view is written; its elements are different ones."""
        if self._buffers[view.buffer].role is Role.TEMPORARY:
            self._take(view.buffer)
        self._views.setdefault(view.buffer, set()).add(view)
        start, stop = span(view)
        if elements(view) == stop - start:
            self._ranges.setdefault(view.buffer, Ranges()).add(start, stop)

    def _take(self, number: int) -> None:
        """Forget every other temporary whose bytes this one takes."""
        mine = self._buffers[number]
        live = self._live[mine.rows]
        start, stop = mine.offset, mine.offset + mine.bytes
        first = bisect_left(live, (start,))
        if first and live[first - 1][1] > start:
            first -= 1
        last = bisect_left(live, (stop,))
        for _, _, other in live[first:last]:
            if other != number:
                self._views.pop(other, None)
                self._ranges.pop(other, None)
        live[first:last] = [(start, stop, number)]


def elements(view: View) -> int:
    """The number of elements of a view (of one row)."""
    count = 1
    for size in view.shape:
        count *= 1 if size == ROWS else size
    return count


def span(view: View) -> tuple[int, int]:
    """The range of elements from the view's first to its last one (of one row)."""
    last = view.offset
    for size, stride in zip(view.shape, view.strides, strict=True):
        last += 0 if size == ROWS else (size - 1) * stride
    return view.offset, last + 1


def distinct(view: View) -> bool:
    """Whether no element of the view stands at two of its positions.

    It is enough that each stride passes over all that the smaller ones reach.
    """
    reach = 0
    for stride, size in sorted(zip(view.strides, view.shape, strict=True)):
        if size != 1 and stride <= reach:
            return False
        reach += (size - 1) * stride if size > 1 else 0
    return True
