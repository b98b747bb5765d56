"""Progress of a command that does one thing after another: a line on standard error at times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TypeVar

import click

_EVERY_S = 1.0  # between two lines

Item = TypeVar("Item")


def counted(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items, and every second how many are done, the rate, and the time that is left."""
    began = told = monotonic()
    for done, item in enumerate(items):
        now = monotonic()
        if done and now - told >= _EVERY_S:
            told = now
            rate = done / (now - began)
            left = (len(items) - done) / rate
            click.echo(f"{done} of {len(items)} {what}, {rate:.3g}/s, {left:.0f} s left", err=True)
        yield item
