"""What an integration of differential equations found: the values over time, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, UnknownNameError, did_you_mean
from flux.expr.arguments import as_array, as_float
from flux.numeric.facts import Facts

Array = NDArray[Any]


class Ending(IntEnum):
    """Why an integration ended; the first two are as asked."""

    END = 0
    EVENT = 1
    STEP = 2
    NOT_FINITE = 3
    EVALUATIONS = 4


ENDINGS = {
    Ending.END: "the end of the time was reached",
    Ending.EVENT: "an event ended it",
    Ending.STEP: "the steps became too small to go on",
    Ending.NOT_FINITE: "the equations are not finite there",
    Ending.EVALUATIONS: "the most evaluations were used",
}


@dataclass(frozen=True, eq=False, repr=False)
class OdeSolution(Facts):
    """The values of unknowns over time.

    `solution["x"]` are the values of x at `solution.times`; `solution(3.5)` is a mapping of the
    values at another time, between steps.

    Attributes:
        times: the times asked for, or those of the steps.
        values: of each unknown, at these times.
        events: the times at which each event happened.
        status: an Ending.
        evaluations: of the equations.
        method: that was used.
        time: the name of the time.
    """

    times: Array
    values: Mapping[str, Array]
    events: Mapping[str, Array]
    status: Ending
    evaluations: int
    method: str
    time: str
    _dense: Any = field(repr=False)

    @property
    def completed(self) -> bool:
        """Whether it ended as asked: at the end of the time, or by an event that ends it."""
        return self.status <= Ending.EVENT

    @property
    def reason(self) -> str:
        """Why it ended, in words."""
        return ENDINGS[self.status]

    @property
    def end(self) -> float:
        """The last time that was reached."""
        return float(self._dense.ts[-1])

    def __getitem__(self, name: str) -> Array:
        if name == self.time:
            return self.times
        if name not in self.values:
            hint = did_you_mean(str(name), list(self.values))
            raise UnknownNameError(f"no unknown `{name}`", hint=hint)
        return self.values[name]

    def __call__(self, times: Any) -> dict[str, Any]:
        """The values of the unknowns at a time or several, interpolated as exactly as the steps.

        Raises:
            ArgumentError: a time lies outside what was integrated.
        """
        at = as_float(self.time, as_array(self.time, times), np.dtype(np.float64))
        low, high = sorted((float(self._dense.ts[0]), self.end))
        if not np.all((at >= low) & (at <= high)):
            raise ArgumentError(f"a time lies outside {low:g} to {high:g}")
        found = self._dense(at.reshape(-1)).reshape(len(self.values), *at.shape)
        return {
            name: row if at.shape else float(row)
            for name, row in zip(self.values, found, strict=True)
        }

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield self.time, f"{self._dense.ts[0]:.6g} to {self.end:.6g}, {self.times.size} times"
        last = self._dense(self._dense.ts[-1])
        for name, value in zip(self.values, last, strict=True):
            yield name, f"{value:.10g} at the end"
        for name, times in self.events.items():
            first = f", first at {times[0]:.6g}" if times.size else ""
            yield name, f"{times.size} times{first}"
        yield "evaluations", f"{self.evaluations} ({self.method})"
        yield "completed", f"{self.completed}: {self.reason}"
