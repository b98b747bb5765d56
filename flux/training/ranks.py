"""Ranks: processes that train one model together, each on its part of every batch.

All that they tell one another is numbers, by two operations: an array becomes its sum over all
ranks, or that of the first one. So every rank decides alike, and takes the same steps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError

Array = NDArray[Any]

# What launchers tell each process of how many there are: MPICH and its kin, Open MPI.
_COUNTS = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
_PATIENCE_S = 5.0  # for the others to fail of the same
_PAUSE_S = 0.01


class Ranks(Protocol):
    """The processes of one training, seen from one of them.

    Attributes:
        number: of this one, from 0.
        count: of all.
    """

    number: int
    count: int

    def add(self, array: Array) -> None:
        """Make an array the sum of all ranks' arrays, in place."""

    def copy(self, array: Array) -> None:
        """Make an array the first rank's, in place."""

    def all_fail(self) -> bool:
        """Whether all other ranks fail as this one does, now or very soon."""

    def end(self, code: int) -> NoReturn:
        """End the processes of all ranks."""


class Alone:
    """One process."""

    number, count = 0, 1

    def add(self, array: Array) -> None:
        """Its own sum."""

    def copy(self, array: Array) -> None:
        """Its own."""

    def all_fail(self) -> bool:
        """Nobody else goes on."""
        return True

    def end(self, code: int) -> NoReturn:
        """End this process."""
        raise SystemExit(code)


ALONE = Alone()


class Processes:
    """The processes that an MPI launcher has started.

    Args:
        mpi: the module of mpi4py.
        world: their communicator.

    Raises:
        DataError: from each operation, where another process is gone.
    """

    def __init__(self, mpi: Any, world: Any) -> None:
        self._mpi = mpi
        self._world = world
        self._failures = world.Dup()  # apart, so that a failure never meets a sum
        self.number: int = world.Get_rank()
        self.count: int = world.Get_size()

    def add(self, array: Array) -> None:
        """Make an array the sum of all ranks' arrays, in place."""
        with self._together():
            self._world.Allreduce(self._mpi.IN_PLACE, array, self._mpi.SUM)

    def copy(self, array: Array) -> None:
        """Make an array the first rank's, in place."""
        with self._together():
            self._world.Bcast(array, 0)

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except self._mpi.Exception as error:
            raise DataError(f"the ranks have lost one another: {error}") from None

    def all_fail(self) -> bool:
        """Whether all others come here too, before patience ends."""
        until = monotonic() + _PATIENCE_S
        try:
            met = self._failures.Ibarrier()
            while not met.Test() and monotonic() < until:
                sleep(_PAUSE_S)
            return bool(met.Test())
        except self._mpi.Exception:  # one of them is gone
            return False

    def end(self, code: int) -> NoReturn:
        """End the processes of all ranks, wherever they are."""
        self._world.Abort(code)
        raise SystemExit(code)


def launched(environment: Mapping[str, str] | None = None) -> bool:
    """Whether an MPI launcher has started this process as one of several."""
    known = os.environ if environment is None else environment
    return any(known.get(name, "1") not in ("", "0", "1") for name in _COUNTS)


def mpi_ranks() -> Ranks:
    """All processes that `mpiexec` has started; this one alone where there is no other.

    Raises:
        ArgumentError: there are others, and mpi4py is not installed.
    """
    if not launched():
        return ALONE
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # the latter where it finds no MPI
        raise ArgumentError(
            f"several processes train together by mpi4py, which cannot be loaded: {error}",
            hint="pip install 'fluxparser[mpi]', and an MPI such as MPICH or Open MPI",
        ) from None
    return Processes(MPI, MPI.COMM_WORLD)


def any_of(ranks: Ranks, answer: bool) -> bool:
    """Whether the answer of some rank is yes."""
    votes = np.array([answer], np.int64)
    ranks.add(votes)
    return bool(votes[0])


def mean_of(ranks: Ranks, value: float) -> float:
    """The mean of all ranks' values."""
    total = np.array([value], np.float64)
    ranks.add(total)
    return float(total[0]) / ranks.count


def check_alike(ranks: Ranks, number: int, what: str) -> None:
    """See that all ranks have the same number.

    Raises:
        DataError: on every rank, where one has another number.
    """
    first = np.array([number], np.int64)
    ranks.copy(first)
    if any_of(ranks, int(first[0]) != number):
        raise DataError(
            f"the ranks have different {what}",
            hint="they need the same files, and machines of one kind",
        )


def part_of(ranks: Ranks, whole: int, what: str) -> slice:
    """This rank's part of a batch; together they are the very batch of one process.

    Raises:
        ArgumentError: there are no equal parts.
    """
    size, rest = divmod(whole, ranks.count)
    if rest or not size:
        fitting = max(1, round(whole / ranks.count)) * ranks.count
        raise ArgumentError(
            f"{ranks.count} ranks cannot share a batch of {whole} {what} equally",
            hint=f"such as --batch {fitting}; a batch is that of all ranks together",
        )
    return slice(ranks.number * size, (ranks.number + 1) * size)
