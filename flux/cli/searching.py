"""A search by SymPy on the command line: the seconds that it may take, and how many are gone."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from flux.cli.pace import Pace
from flux.settings import current, override

_EVERY_S = 0.25


@contextmanager
def searching(seconds: int | None) -> Iterator[None]:
    """Let the searches of a block take so many seconds each, and show in a terminal how far one is.

    Elsewhere nothing is shown: what a script reads is the answer or the error alone.
    """
    most, done = seconds or current().max_seconds, threading.Event()
    watch = threading.Thread(target=tell, args=(most, done.wait, Pace()), daemon=True)
    with override(max_seconds=most):
        if sys.stderr.isatty():
            watch.start()
        try:
            yield
        finally:
            done.set()
            if watch.ident is not None:
                watch.join()


def tell(
    most: int,
    wait: Callable[[float], bool],
    pace: Pace,
    clock: Callable[[], float] = monotonic,
) -> None:
    """Say how many seconds of a search are gone, until `wait` says that it is done."""
    start = clock()
    while not wait(_EVERY_S):
        pace("seconds of the search at most", clock() - start, most)
    pace.end()
