"""The time that one call may take."""

from __future__ import annotations

from time import thread_time

from flux.errors import LimitError
from flux.settings import current

_SHARE = 0.6  # the rest is for the operation that runs when the time is up


class Budget:
    """Processor seconds of this thread, from when it is made; the setting `max_seconds`."""

    def __init__(self) -> None:
        self.seconds = current().max_seconds
        self._start = thread_time()

    def spent(self) -> float:
        """The share of the budget that is gone."""
        return (thread_time() - self._start) / max(self.seconds * _SHARE, 1e-9)

    def check(self) -> None:
        """Raise LimitError where nothing is left."""
        if self.spent() > 1:
            raise LimitError(
                f"the value takes more than {self.seconds} seconds (setting max_seconds)",
                hint="ask for less, or raise the setting",
            )
