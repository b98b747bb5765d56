"""How a step is shared among threads: measured once, saved with a run, and used again on resume.

Flux's own threads change no bits. Those of the BLAS do: a sum cut in two is another sum. So what a
run began with, it keeps, and another machine is remarked on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flux.errors import ArgumentError

_MOST = 64
_WORTH = 0.95  # of the time of one thread


@dataclass(frozen=True)
class Sharing:
    """Threads of a step.

    Attributes:
        own: Flux's.
        blas: of a matrix product.
        machine: where that was chosen.
    """

    own: int = 1
    blas: int = 1
    machine: str = ""

    def saved(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.own} of Flux's, {self.blas} of the BLAS's"


def restored(values: Mapping[str, Any]) -> Sharing:
    """What was saved; one thread where nothing was.

    Raises:
        ArgumentError: values that no run has saved.
    """
    if not values:
        return Sharing()
    own, blas, machine = (values.get(name) for name in ("own", "blas", "machine"))
    for threads in (own, blas):
        if isinstance(threads, bool) or not isinstance(threads, int) or not 0 < threads <= _MOST:
            raise ArgumentError(f"its threads are {threads!r}")
    if not isinstance(machine, str):
        raise ArgumentError("its machine is no text")
    return Sharing(own, blas, machine)  # type: ignore[arg-type]  # integers, as has been seen


def limit_blas(threads: int) -> None:
    """Give the BLAS that many threads from here on, whichever BLAS it is."""
    import numpy  # noqa: F401  (the library must be loaded before it can be limited)
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads, user_api="blas")


def measure(cores: int, machine: str, step_s: Callable[[int], float]) -> Sharing:
    """The quickest of one thread, Flux's threads, and the BLAS's.

    Args:
        cores: the most threads.
        machine: what this one is called.
        step_s: the time of a step with that many of Flux's threads.
    """
    if cores < 2:
        return Sharing(machine=machine)
    choices = [Sharing(1, 1, machine), Sharing(1, cores, machine), Sharing(cores, 1, machine)]
    times: dict[Sharing, float] = {}
    for sharing in choices:
        limit_blas(sharing.blas)
        times[sharing] = step_s(sharing.own)
    best = min(choices, key=times.__getitem__)
    # More threads than one must pay for the cores that they take.
    found = best if times[best] < _WORTH * times[choices[0]] else choices[0]
    limit_blas(found.blas)
    return found
