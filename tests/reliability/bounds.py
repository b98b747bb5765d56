"""Bounds that several tests share: CPU time, which does not depend on how busy the machine is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time

SECONDS = 2.0


@contextmanager
def within(seconds: float = SECONDS) -> Iterator[None]:
    """Fail where the block takes more CPU time of this thread."""
    start = thread_time()
    yield
    spent = thread_time() - start
    assert spent < seconds, f"{spent:.3f} s of CPU time, more than {seconds} s"
