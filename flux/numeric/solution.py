"""What a solve found: the root, how good it is, and why the search ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DomainError
from flux.numeric.facts import Facts


class Reason(IntEnum):
    """Why a search ended; the first two are convergence."""

    CONVERGED = 0
    ROUNDING = 1
    ITERATIONS = 2
    LEAST = 3
    POLE = 4
    NOT_FINITE = 5
    NO_CHANGE = 6
    STALLED = 7
    BOUND = 8


REASONS = {
    Reason.CONVERGED: "the step and the residual are within the tolerance",
    Reason.ROUNDING: "the residual is within rounding of zero",
    Reason.ITERATIONS: "the most iterations were used",
    Reason.LEAST: "the two sides come close to each other but do not meet",
    Reason.POLE: "the sides change places at a pole or a jump, not at a root",
    Reason.NOT_FINITE: "the equation is not finite where the search stood",
    Reason.NO_CHANGE: "no change of sign was found",
    Reason.STALLED: "the steps became too small before the residual did",
    Reason.BOUND: "the two sides come closest to each other at a bound",
}
_SHOWN_ROWS = 5


@dataclass(frozen=True, eq=False, repr=False)
class Solution(Facts):
    """The root of an equation, or one for each row.

    Attributes:
        root: where the two sides are equal; nan where no root was found.
        residual: left side minus right side at `nearest`.
        iterations: evaluations of the equation that the search took.
        converged: whether the root is one.
        status: a Reason; for rows, an array of their numbers.
        nearest: where the search ended: the root, or the best place where none was found.
        unknown: the name of what was solved for.
    """

    root: Any
    residual: Any
    iterations: Any
    converged: Any
    status: Any
    nearest: Any
    unknown: str

    @property
    def reason(self) -> Any:
        """Why the search ended, in words; for rows, an array of texts."""
        return in_words(self.status, REASONS)

    def __float__(self) -> float:
        """The root.

        Raises:
            DomainError: no root was found.
            ArgumentError: there is one for each row.
        """
        if not isinstance(self.status, Reason):
            raise ArgumentError("a solution of rows is not one number", hint="use its .root")
        if not self.converged:
            raise DomainError(f"no root was found: {self.reason}")
        return float(self.root)

    def _facts(self) -> Iterable[tuple[str, str]]:
        if isinstance(self.status, Reason):
            return self._facts_of_one()
        return self._facts_of_rows()

    def _facts_of_one(self) -> Iterable[tuple[str, str]]:
        yield self.unknown, repr(self.root)
        if not self.converged:
            yield "nearest", repr(self.nearest)
        yield "residual", f"{self.residual:.3g}"
        yield "iterations", str(self.iterations)
        yield "converged", f"{self.converged}: {self.reason}"

    def _facts_of_rows(self) -> Iterable[tuple[str, str]]:
        count = self.status.size
        shape = " x ".join(map(str, self.status.shape))
        yield self.unknown, f"{shape} roots: {_first(self.root)}"
        yield "residual", f"at most {_most(abs(self.residual)):.3g}"
        yield "iterations", f"at most {int(self.iterations.max(initial=0))}"
        yield "converged", f"{int(self.converged.sum()):,} of {count:,}"
        yield from failures(self.status, REASONS)


def in_words(status: Any, words: Mapping[Reason, str]) -> Any:
    """A reason as a text; those of rows as an array of texts."""
    if isinstance(status, Reason):
        return words[status]
    return np.array([words[reason] for reason in Reason], dtype=object)[status]


def failures(status: NDArray[Any], words: Mapping[Reason, str]) -> Iterable[tuple[str, str]]:
    """How many rows ended without a root, by reason."""
    for code, times in zip(*np.unique(status, return_counts=True), strict=True):
        if code > Reason.ROUNDING:
            yield f"  {int(times):,}", words[Reason(code)]


def _first(values: NDArray[Any]) -> str:
    flat = values.reshape(-1)
    shown = ", ".join(f"{value:.6g}" for value in flat[:_SHOWN_ROWS])
    return shown + (", ..." if flat.size > _SHOWN_ROWS else "")


def _most(values: NDArray[Any]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max(initial=0.0))
