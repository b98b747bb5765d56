"""Progress of work that is counted: a line on standard error now and then."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import click


class Telling:
    """Tells how much of some work is done, at most once in `every_s` seconds.

    Args:
        what: is counted, in the plural.
        count: how much of it there is.
    """

    def __init__(
        self,
        what: str,
        count: int,
        every_s: float = 2.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._what, self._count = what, count
        self._every_s, self._clock = every_s, clock
        self._began = self._told = clock()

    def __call__(self, done: int, note: str = "") -> None:
        """Say how much is done, where it is time to; what is complete needs no line."""
        now = self._clock()
        if now - self._told < self._every_s or not 0 < done < self._count:
            return
        self._told = now
        speed = done / (now - self._began)
        left_s = (self._count - done) / speed
        line = f"{done:,} of {self._count:,} {self._what}  {speed:,.0f}/s  ETA {left_s:.0f} s"
        click.echo(f"{line}  {note}".rstrip(), err=True)
