"""Stopping between two steps: the first signal asks, the second one leaves at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 143
_EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: TERMINATED}


class Stop:
    """Whether a signal has asked to stop, and the exit code that it means."""

    def __init__(self) -> None:
        self.exit_code = 0

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.exit_code != 0

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Take note of a signal; of the second one, leave without any clean-up."""
        code = _EXIT_CODES[signal.Signals(number)]
        if self.exit_code:
            os._exit(code)
        self.exit_code = code


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Signals set a flag in this block, so that work in hand is saved before leaving."""
    stop = Stop()
    before = {number: signal.signal(number, stop.ask) for number in _EXIT_CODES}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
