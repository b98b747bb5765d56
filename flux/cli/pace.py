"""How far a long command is: a line on standard error now and then, with rate and time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import TextIO, TypeVar

from flux.training.progress import duration

_FIRST_S = 1.0  # work that ends sooner shows nothing
_EVERY_S = {True: 0.5, False: 2.0}  # in a terminal; elsewhere

Item = TypeVar("Item")


class Pace:
    """Called with what is counted, how many are done, and of how many.

    In a terminal the line is written over and wiped at the end; elsewhere lines follow one another.
    Another thing that is counted, or fewer of it, is other work, with a rate of its own.

    Args:
        stream: where to; standard error without one.
        clock: the time in seconds.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._live = self._stream.isatty()
        self._begun = self._called = clock()
        self._told: float | None = None
        self._what, self._done = "", 0.0
        self._before, self._share = 0.0, 0.0
        self._width = 0

    def __call__(
        self, what: str, done: float, of: float = 0, note: str = "", share: float | None = None
    ) -> None:
        """Tell, if it is time.

        Args:
            what: is counted, in the plural.
            done: how many of them.
            of: how many there are; 0 where that is not known.
            note: what else is to be said.
            share: of the work that is done; by default that of the number.
        """
        part = share if share is not None else done / of if of else 0.0
        now = self._clock()
        if what != self._what or done < self._done:
            self.begin(what)
        self._done, self._called = done, now
        if part >= 1:
            self.end()
        if now - self._begun < _FIRST_S or part >= 1:
            return
        if self._told is None or now - self._told >= _EVERY_S[self._live]:
            self._told = now
            self._write(self._line(done, of, part, now - self._begun), note)

    def counter(self, what: str, of: float) -> Callable[[float], None]:
        """What is called with the number that is done alone."""
        return lambda done: self(what, done, of)

    def begin(self, what: str, done: float = 0.0, share: float = 0.0) -> None:
        """Say that work begins, or goes on with a part of it behind it."""
        self._what, self._before, self._share = what, done, share
        self._done, self._begun = done, self._called

    def end(self) -> None:
        """Leave no line behind in a terminal."""
        if self._width:
            self._send("\r" + " " * self._width + "\r")
            self._width = 0

    def _line(self, done: float, of: float, part: float, elapsed_s: float) -> str:
        count = f"{done:,.0f} of {of:,.0f} {self._what}" if of else f"{done:,.0f} {self._what}"
        parts = [count, f"{_rounded((done - self._before) / elapsed_s)} a second"]
        if part > self._share:
            left_s = elapsed_s * (1 - part) / (part - self._share)
            parts += [f"{part:.0%}", f"ETA {duration(left_s)}"]
        return ", ".join(parts)

    def _write(self, line: str, note: str) -> None:
        text = f"{line}, {note}" if note else line
        if self._live:
            self._send("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._send(text + "\n")

    def _send(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # nobody is there to see it
            self._width = 0


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def paced(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items one after another, and how many are done."""
    pace = Pace()
    for done, item in enumerate(items):
        pace(what, done, len(items))
        yield item
    pace.end()
