"""A team of threads that share the work of one call; the caller's thread is one of them.

NumPy and BLAS let go of Python's lock inside large operations, so tasks that are a few calls each
do run side by side. Work is cut the same way for every number of threads, so bits do not change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np

Task = Callable[[], Any]
_Job = tuple[Task, "SimpleQueue[BaseException | None]"]


class Team:
    """Threads that wait for tasks; they end with the process.

    Args:
        threads: how many work at once, the caller's included.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        for _ in range(threads - 1):
            Thread(target=self._work, daemon=True, name="flux-team").start()

    def _work(self) -> None:
        with np.errstate(all="ignore"):
            while True:
                task, done = self._jobs.get()
                try:
                    task()
                except BaseException as error:  # it is raised again in the caller's thread
                    done.put(error)
                else:
                    done.put(None)

    def run(self, tasks: Sequence[Task]) -> None:
        """Run tasks, and return when all have ended; the first error is raised."""
        done: SimpleQueue[BaseException | None] = SimpleQueue()
        for task in tasks[1:]:
            self._jobs.put((task, done))
        errors: list[BaseException | None] = []
        try:
            tasks[0]()
        except BaseException as error:  # the others still write to the arena: wait for them first
            errors.append(error)
        errors += [done.get() for _ in tasks[1:]]
        for found in errors:
            if found is not None:
                raise found
