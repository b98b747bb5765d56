"""Stopping between two steps: the first signal asks, the second one leaves at once.

Python calls its handlers between two instructions of its own, and one of those may be a product of
matrices that takes seconds. So a thread reads of signals as they arrive.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic

TERMINATED = 143
_EXIT_CODES: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: TERMINATED}
if hasattr(signal, "SIGHUP"):
    _EXIT_CODES[signal.SIGHUP] = 129  # the terminal is gone

# Closer together, signals are one: `timeout`, `make` and `mpiexec` pass on what a process may have
# been sent already, by a terminal or to its whole group.
_SAME_S = 0.1


class Stop:
    """Whether a signal has asked to stop, and the exit code that it means."""

    def __init__(self) -> None:
        self.exit_code = 0
        self._asked_s = 0.0

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.exit_code != 0

    def note(self, number: int, _: object = None) -> None:
        """Take note of a signal."""
        self.exit_code = self.exit_code or _EXIT_CODES[number]

    def watch(self, pipe: int) -> None:
        """Take note of the signals in a pipe, and at the second one leave without any clean-up."""
        while numbers := os.read(pipe, 1):
            number, now = numbers[0], monotonic()
            if number not in _EXIT_CODES:
                continue
            self.note(number)
            self._asked_s = self._asked_s or now
            if now - self._asked_s > _SAME_S:
                os._exit(_EXIT_CODES[number])


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Signals set a flag in this block, so that work in hand is saved before leaving."""
    stop = Stop()
    arrived, arriving = os.pipe()
    if os.name == "posix":
        os.set_blocking(arriving, False)  # which is asked for there, and only there
    watching = Thread(target=stop.watch, args=(arrived,), daemon=True)
    watching.start()
    wake = signal.set_wakeup_fd(arriving)
    before = {number: signal.signal(number, stop.note) for number in _heard()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wake)
        os.close(arriving)
        watching.join()
        os.close(arrived)


def _heard() -> list[int]:
    """The signals that ask to stop; `nohup` has said that a terminal that goes does not."""
    hangup = getattr(signal, "SIGHUP", None)
    ignored = hangup is not None and signal.getsignal(hangup) is signal.SIG_IGN
    return [number for number in _EXIT_CODES if number != hangup or not ignored]
