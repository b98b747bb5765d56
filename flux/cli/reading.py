"""How far the reading of a long text has come: a line on standard error now and then."""

from __future__ import annotations

from time import monotonic

import click

_EVERY_S = 2.0  # between two lines


class Reading:
    """Told of the bytes of a pass over a text, it says how far, how quick, and how long yet.

    Args:
        name: of the text.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = self._told = monotonic()
        self._last = 0

    def __call__(self, done: int, count: int) -> None:
        """So many bytes of all have been read in this pass."""
        now = monotonic()
        if done < self._last:  # another pass
            self._begun = self._told = now
        self._last = done
        if now - self._told < _EVERY_S or done == count:
            return
        self._told = now
        rate = done / (now - self._begun)
        click.echo(
            f"reading {self._name}: {done / count:.0%}, {rate / 1e6:,.0f} MB/s,"
            f" ETA {(count - done) / rate:,.0f} s",
            err=True,
        )
