"""What a solve of a system found: roots by name, how good they are, and why the search ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import UnknownNameError, did_you_mean
from flux.numeric.facts import Facts
from flux.numeric.solution import REASONS, Reason, failures, in_words

SYSTEM_REASONS = {
    **REASONS,
    Reason.CONVERGED: "the step and every residual are within the tolerance",
    Reason.ROUNDING: "every residual is within rounding of zero",
    Reason.LEAST: "the residuals have a least norm here that is not zero",
    Reason.NOT_FINITE: "the equations or their derivatives are not finite at the start",
    Reason.STALLED: "the steps became too small before the residuals did",
    Reason.BOUND: "the residuals have a least norm at a bound that is not zero",
}
_SINGULAR = 1e8


@dataclass(frozen=True, eq=False, repr=False)
class SystemSolution(Facts):
    """The root of a system of equations, or one for each row.

    `solution["x"]` is the root's x.

    Attributes:
        root: the unknowns by name; nan where no root was found.
        residual: left side minus right side of each equation at `nearest`: (n,), or one such for
            each row, (..., n).
        iterations: evaluations of the equations that the search took.
        converged: whether the root is one.
        status: a Reason; for rows, an array of their numbers.
        nearest: where the search ended, by name: the root, or the best place where none was found.
        condition: of the Jacobian there, its columns scaled to length 1 and its rows by their size
            nearby: about how much a root's relative error exceeds that of the equations; inf where
            the Jacobian is singular.
    """

    root: Mapping[str, Any]
    residual: NDArray[Any]
    iterations: Any
    converged: Any
    status: Any
    nearest: Mapping[str, Any]
    condition: Any

    def __getitem__(self, name: str) -> Any:
        if name not in self.root:
            hint = did_you_mean(str(name), list(self.root))
            raise UnknownNameError(f"the system has no unknown `{name}`", hint=hint)
        return self.root[name]

    @property
    def reason(self) -> Any:
        """Why the search ended, in words; for rows, an array of texts."""
        return in_words(self.status, SYSTEM_REASONS)

    @property
    def singular(self) -> Any:
        """Whether the Jacobian is singular at `nearest`, or nearly so.

        A root there may be one of many, or have fewer digits than the tolerance says.
        """
        return self.condition >= _SINGULAR

    def _facts(self) -> Iterable[tuple[str, str]]:
        single = isinstance(self.status, Reason)
        return self._facts_of_one() if single else self._facts_of_rows()

    def _facts_of_one(self) -> Iterable[tuple[str, str]]:
        for name, value in self.root.items():
            near = "" if self.converged else f" (nearest: {self.nearest[name]!r})"
            yield name, f"{value!r}{near}"
        yield "residual", f"at most {np.abs(self.residual).max():.3g}"
        yield "iterations", str(self.iterations)
        yield "converged", f"{self.converged}: {self.reason}"
        if self.singular:
            yield "jacobian", f"singular or nearly so: condition {self.condition:.2g}"

    def _facts_of_rows(self) -> Iterable[tuple[str, str]]:
        shape = " x ".join(map(str, self.status.shape))
        yield "unknowns", f"{', '.join(self.root)}, for {shape} rows"
        finite = np.abs(self.residual)[np.isfinite(self.residual)]
        yield "residual", f"at most {finite.max(initial=0.0):.3g}"
        yield "iterations", f"at most {int(self.iterations.max(initial=0))}"
        yield "converged", f"{int(self.converged.sum()):,} of {self.status.size:,}"
        yield from failures(self.status, SYSTEM_REASONS)
        if self.singular.any():
            yield "jacobian", f"singular or nearly so in {int(self.singular.sum()):,}"
