"""How a long command goes: so many rows, at which rate, and when it will be done.

A line a second in a terminal, which is drawn over; elsewhere one every ten seconds. What is done
within a second shows nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import TextIO

from flux.training.progress import duration

_EVERY_S = {True: 0.5, False: 10.0}  # in a terminal; elsewhere


class Rate:
    """Shows progress while it is entered.

    Args:
        unit: what is counted.
        stream: where it is shown; standard error by default.
        clock: the time in seconds.
    """

    def __init__(
        self, unit: str, stream: TextIO | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._unit = unit
        self._stream = stream or sys.stderr
        self._clock = clock
        self._live = self._stream.isatty()
        self._start = self._last = clock()
        self._begun: tuple[int, int, float] | None = None
        self._width = 0

    def __enter__(self) -> Rate:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._width:
            self._write("\r" + " " * self._width + "\r")

    def show(self, count: int, done: int, size: int) -> None:
        """Show that so many are finished, and so much of a size is read; size 0 where unknown."""
        now = self._clock()
        if self._begun is None:  # a run that goes on has a part behind it
            self._begun = (count, done, now)
        wait = _EVERY_S[self._live] if self._last > self._start else 1.0
        if now - self._last < wait or now <= self._begun[2]:
            return
        self._last = now
        line = self._line(count, done, size, now)
        if self._live:
            self._write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self._write(line + "\n")

    def _line(self, count: int, done: int, size: int, now: float) -> str:
        assert self._begun is not None
        first, from_done, since = self._begun
        elapsed_s = now - since
        parts = [f"{count:,} {self._unit}", f"{(count - first) / elapsed_s:,.0f} a second"]
        if size and done > from_done:
            parts.append(f"{done / size:.0%}")
            left_s = elapsed_s * (size - done) / (done - from_done)
            parts.append(f"ETA {duration(max(left_s, 0.0))}")
        return ", ".join(parts)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._width = 0  # nobody is there to see it
