"""What a search for a minimum found: where, how good it is, and why the search ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from flux.errors import DomainError, UnknownNameError, did_you_mean
from flux.numeric.facts import Facts


class Ending(IntEnum):
    """Why a search ended; the first two are convergence."""

    CONVERGED = 0
    ROUNDING = 1
    ITERATIONS = 2
    STALLED = 3
    SADDLE = 4
    FLAT = 5
    UNBOUNDED = 6
    NOT_FINITE = 7
    INFEASIBLE = 8
    UNDECIDED = 9


# Said of a minimum, and of a maximum where that differs.
ENDINGS: Mapping[Ending, tuple[str, ...]] = {
    Ending.CONVERGED: (
        "the gradient vanishes, and the value falls on no side",
        "the gradient vanishes, and the value rises on no side",
    ),
    Ending.ROUNDING: (
        "the gradient is within rounding of zero, and the value falls on no side",
        "the gradient is within rounding of zero, and the value rises on no side",
    ),
    Ending.ITERATIONS: ("the most iterations were used",),
    Ending.STALLED: (
        "no step lowers the value, though the gradient does not vanish: "
        "a kink, a jump, the edge of the domain, or a method that does not fit",
        "no step raises the value, though the gradient does not vanish: "
        "a kink, a jump, the edge of the domain, or a method that does not fit",
    ),
    Ending.SADDLE: (
        "the gradient vanishes at a saddle or a maximum: the value falls on some side",
        "the gradient vanishes at a saddle or a minimum: the value rises on some side",
    ),
    Ending.FLAT: ("the value is level on one side: a plateau, or a limit that is never reached",),
    Ending.UNBOUNDED: (
        "the value still falls beyond all size: it seems to have no minimum",
        "the value still rises beyond all size: it seems to have no maximum",
    ),
    Ending.NOT_FINITE: ("the value or its gradient is not finite where the search stood",),
    Ending.INFEASIBLE: ("no point was found that keeps the constraints",),
    Ending.UNDECIDED: (
        "the gradient vanishes, but within rounding nothing tells a minimum from a saddle",
        "the gradient vanishes, but within rounding nothing tells a maximum from a saddle",
    ),
}
_SHOWN = 5  # entries of an array


class Step(NamedTuple):
    """One place of a search.

    Args:
        values: the unknowns by name.
        value: of the formula.
        gradient_norm: the largest entry of the gradient, without those that a bound holds.
    """

    values: Mapping[str, Any]
    value: float
    gradient_norm: float


@dataclass(frozen=True, eq=False, repr=False)
class Minimum(Facts):
    """A minimum of a formula, or a maximum; `m["x"]` is where, `float(m)` the value there.

    Attributes:
        values: the unknowns by name: where the search ended.
        value: of the formula there.
        gradient_norm: the largest entry of the gradient there; of the part that neither bounds nor
            constraints hold.
        iterations: steps of the search.
        evaluations: of value and gradient.
        converged: whether it is a minimum.
        status: why the search ended.
        steps: every place of the search, the start first.
        method: that found it.
        multipliers: the price of each constraint: of an equation, the derivative of the value by
            its right side; of an inequality, by how much it is tightened.
        violation: by how much a constraint is broken, beside its terms.
        maximised: whether it is a maximum.
    """

    values: Mapping[str, Any]
    value: float
    gradient_norm: float
    iterations: int
    evaluations: int
    converged: bool
    status: Ending
    steps: Sequence[Step]
    method: str
    multipliers: Mapping[str, float]
    violation: float
    maximised: bool

    @property
    def reason(self) -> str:
        """Why the search ended, in words."""
        return ENDINGS[self.status][-1 if self.maximised else 0]

    def __getitem__(self, name: str) -> Any:
        """The value of an unknown."""
        if name not in self.values:
            hint = did_you_mean(str(name), list(self.values))
            raise UnknownNameError(f"no unknown `{name}`", hint=hint)
        return self.values[name]

    def __float__(self) -> float:
        """The value of the formula.

        Raises:
            DomainError: no minimum was found.
        """
        if not self.converged:
            raise DomainError(f"no {self._goal} was found: {self.reason}")
        return self.value

    @property
    def _goal(self) -> str:
        return "maximum" if self.maximised else "minimum"

    def _facts(self) -> Iterator[tuple[str, str]]:
        yield self._goal, repr(self.value)
        for name, value in self.values.items():
            yield f"  {name}", _shown(value)
        yield "gradient", f"{self.gradient_norm:.3g}"
        for text, price in self.multipliers.items():
            yield f"price of {text}", f"{price:.6g}"
        if self.violation:
            yield "violation", f"{self.violation:.3g}"
        yield "iterations", f"{self.iterations} ({self.method})"
        yield "converged", f"{self.converged}: {self.reason}"


def _shown(value: Any) -> str:
    if not np.ndim(value):
        return repr(float(value))
    flat = np.ravel(value)
    entries = ", ".join(f"{entry:.6g}" for entry in flat[:_SHOWN])
    return f"{list(np.shape(value))}: {entries}" + (", ..." if flat.size > _SHOWN else "")
