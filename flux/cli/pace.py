"""How far a long command is: a line on standard error each second, with rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from typing import TextIO

from flux.errors import DataError


class Pace:
    """Called with what is counted, how many are done, and of how many; prints a line a second.

    In a terminal the line is written over; elsewhere lines follow one another. Work that ends
    within the first second prints nothing. Of an unknown number (0) there is a rate only.

    Args:
        stream: where to; standard error without one.
        clock: the time in seconds.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._what = ""
        self._start = self._told = clock()
        self._open = False

    def __call__(self, what: str, done: int, of: int) -> None:
        """Tell, if it is time."""
        now = self._clock()
        if what != self._what:
            self._what, self._start = what, self._told
        if now - self._told < 1 and not (done == of and self._open):
            return
        rate = done / max(now - self._start, 1e-9)
        self._told = now
        if of:
            left = f"{done:,}/{of:,} {what}", f"ETA {_span((of - done) / max(rate, 1e-9))}"
        else:
            left = f"{done:,} {what}", ""
        self._write(f"{left[0]}  {rate:,.0f}/s  {left[1]}".rstrip(), done == of)

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
