"""How a step is shared among threads: measured once, saved with a run, and used again on resume.

Flux's own threads change no bits. Those of the BLAS do, since a sum cut in two is another sum, and
so do the parts of a batch that are computed side by side. So what a run began with, it keeps, and
another machine is remarked on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from flux.errors import ArgumentError, LimitError

MOST_THREADS = 64
_WORTH = 0.95  # of the time of one thread


@dataclass(frozen=True)
class Sharing:
    """Threads of a step.

    Attributes:
        own: Flux's, within an operation.
        blas: of a matrix product.
        parts: of a batch, each on a thread of its own.
        machine: where that was chosen.
    """

    own: int = 1
    blas: int = 1
    parts: int = 1
    machine: str = ""

    @property
    def threads(self) -> int:
        """How many threads a step may use."""
        return max(self.own, self.blas, self.parts)

    def saved(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        ways = {
            f"each batch in {self.parts} parts side by side": self.parts,
            f"{self.blas} threads in each product of the BLAS": self.blas,
            f"{self.own} threads of Flux's": self.own,
        }
        return ", ".join(way for way, count in ways.items() if count > 1) or "one thread"


# What `--threads` may say before its number, and what that number is then of.
_WORDS = {"": "own", "blas": "blas", "batch": "parts"}


def asked(text: str, saved: Sharing, machine: str) -> Sharing:
    """What `--threads` says: `N` for threads of Flux's, `blas:N`, or `batch:N` for parts.

    Args:
        text: as it was typed.
        saved: what a run has begun with; `N` changes no bits of it.
        machine: what this one is called.

    Raises:
        ArgumentError: it says something else.
    """
    word, _, digits = text.rpartition(":")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else 0
    if word not in _WORDS or text.startswith(":") or not 0 < number <= MOST_THREADS:
        raise ArgumentError(
            f"threads are {text!r}",
            hint=f"a number from 1 to {MOST_THREADS}; blas:N or batch:N, which change last bits;"
            " or auto",
        )
    if not word:
        return Sharing(number, saved.blas, saved.parts, machine)
    return Sharing(**{_WORDS[word]: number}, machine=machine)


def restored(values: Mapping[str, Any]) -> Sharing:
    """What was saved; one thread where nothing was.

    Raises:
        ArgumentError: values that no run has saved.
    """
    counts = {name: values.get(name, 1) for name in ("own", "blas", "parts")}
    for threads in counts.values():
        whole = isinstance(threads, int) and not isinstance(threads, bool)
        if not whole or not 0 < threads <= MOST_THREADS:
            raise ArgumentError(f"its threads are {threads!r}")
    machine = values.get("machine", "")
    if not isinstance(machine, str):
        raise ArgumentError("its machine is no text")
    return Sharing(**counts, machine=machine)


def limit_blas(threads: int) -> None:
    """Give the BLAS that many threads from here on, whichever BLAS it is."""
    import numpy  # noqa: F401  (the library must be loaded before it can be limited)
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads, user_api="blas")


def measure(
    cores: int,
    parts: int,
    machine: str,
    step_s: Callable[[Sharing], float],
    told: Callable[[Sharing, float], None] = lambda _sharing, _step_s: None,
) -> Sharing:
    """The quickest of one thread, Flux's threads, the BLAS's, and parts of the batch.

    Args:
        cores: the most threads.
        parts: into which a batch can be cut for them.
        machine: what this one is called.
        step_s: the time of a step that is shared so; the BLAS has the threads that it says.
        told: called with each way and its time.
    """
    one = Sharing(machine=machine)
    if cores < 2:
        return one
    choices = [
        one,
        Sharing(own=cores, machine=machine),
        Sharing(blas=cores, machine=machine),
        *([Sharing(parts=parts, machine=machine)] if parts > 1 else []),
    ]
    times: dict[Sharing, float] = {}
    for sharing in choices:
        limit_blas(sharing.blas)
        with suppress(LimitError):  # of memory, where one way takes more than another
            times[sharing] = step_s(sharing)
            told(sharing, times[sharing])
    best = min(times, key=times.__getitem__)
    # More threads than one must pay for the cores that they take.
    found = best if times[best] < _WORTH * times[one] else one
    limit_blas(found.blas)
    return found
