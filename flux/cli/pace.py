"""How far a long command is: a line on standard error each second, with rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from typing import TextIO

from flux.errors import DataError


class Pace:
    """Called with the work done and all of it; prints at most a line a second.

    In a terminal the line is written over; elsewhere lines follow one another. A command that ends
    within the first second prints nothing.

    Args:
        unit: what is counted, in the plural.
        stream: where to; standard error without one.
        clock: the time in seconds.
    """

    def __init__(
        self, unit: str, stream: TextIO | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._unit = unit
        self._stream = stream or sys.stderr
        self._clock = clock
        self._start = self._told = clock()
        self._open = False

    def __call__(self, done: int, of: int) -> None:
        """Tell, if it is time."""
        now = self._clock()
        if now - self._told < 1 and not (done == of and self._open):
            return
        self._told = now
        rate = done / max(now - self._start, 1e-9)
        left_s = (of - done) / max(rate, 1e-9)
        line = f"{done:,}/{of:,} {self._unit}  {rate:,.0f} {self._unit}/s  ETA {_span(left_s)}"
        self._write(line, done == of)

    def _write(self, line: str, last: bool) -> None:
        live = self._stream.isatty()
        end = "" if live and not last else "\n"
        try:
            self._stream.write(f"\r{line:<72}{end}" if live else f"{line}\n")
            self._stream.flush()
        except OSError as error:
            raise DataError(f"cannot write the progress: {error.strerror}") from None
        self._open = not last


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
