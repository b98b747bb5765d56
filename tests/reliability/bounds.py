"""Bounds that several tests share: CPU time, in seconds of a machine that does nothing else.

How busy the machine is does not count as waiting, but two threads on one core slow each other
down. So a loop of known length is timed before and after, and the bound stretches by its slowness.
No timing may decide in a unit test: there a bound is taken five times over, which what grows
without limit exceeds all the same. `make soak` asks for the bounds themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time

SECONDS = 2.0
ROOM = 1.0 if os.environ.get("EXACT_BOUNDS") else 5.0
PATIENCE_S = 300.0  # of the clock, for what ends by itself: only what hangs lasts so long
_LOOPS = 20_000
_QUIET_SECONDS = 0.0012  # of that many rounds, on a slow core of 2020


@contextmanager
def within(seconds: float = SECONDS) -> Iterator[None]:
    """Fail where the block takes more CPU time of this thread."""
    slowness = _slowness()
    start = thread_time()
    yield
    spent = thread_time() - start
    bound = ROOM * seconds * max(1.0, slowness, _slowness())
    assert spent < bound, f"{spent:.3f} s of CPU time, more than {bound:.3f} s"


def _slowness() -> float:
    start = thread_time()
    total = 0
    for i in range(_LOOPS):
        total += i * i % 7
    return (thread_time() - start) / _QUIET_SECONDS
