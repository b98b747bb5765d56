"""A fit that is ready: columns, weights and parameters, as residuals and a Jacobian of a vector.

A Jacobian lies in memory with a row for each parameter, and the residuals below: the numbers that
a compiled function writes in one run, and that one product with itself takes in.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.compiled import Bound, CompiledFunction
from flux.expr import Expr
from flux.numeric.fitting.model import compiled_curve, compiled_jacobian
from flux.numeric.fitting.objective import Objective
from flux.numeric.fitting.parameters import Parameters

Array = NDArray[Any]
_LARGE_BYTES, _MOST_KEPT = 1 << 16, 4


@dataclass(frozen=True)
class Curve:
    """A model's right side, of a vector of parameters over some rows.

    Attributes:
        expr: of columns and parameters.
        parameters: what the vector holds.
        fixed: numbers by name.
    """

    expr: Expr
    parameters: Parameters
    fixed: Mapping[str, float]

    def value(
        self, vector: Array, columns: Mapping[str, Array], codes: Array | None, n: int
    ) -> Array:
        """The curve, (N,)."""
        values = self._values(vector, columns, codes)
        return _column(compiled_curve(self.expr)(values), n)

    def derivatives(
        self, vector: Array, columns: Mapping[str, Array], codes: Array | None, n: int
    ) -> tuple[Array, Array]:
        """The curve, (N,), and its derivatives by the vector, (N, P)."""
        names = self.parameters.names
        found = compiled_jacobian(self.expr, names)(self._values(vector, columns, codes))
        rows = [
            _column(found[f"{key}"], n) for key in (*(f"cd{i}" for i in range(len(names))), "c")
        ]
        both = self.parameters.spread(np.stack(rows), codes)
        return both[-1], both[:-1].T

    def _values(
        self, vector: Array, columns: Mapping[str, Array], codes: Array | None
    ) -> dict[str, Any]:
        return {**columns, **self.fixed, **self.parameters.values(vector, codes)}


def _column(value: Any, n: int) -> Array:
    """One value for each row, also where the formula does not depend on rows."""
    if np.shape(value) == (n,):
        column: Array = value
        return column
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (n,))


@dataclass(frozen=True)
class FitProblem:
    """A fit that is ready to be made.

    Attributes:
        curve: the model's right side.
        columns: of the curve, by name, (N,) or numbers.
        observed: the response, (N,).
        root_weights: what residuals are multiplied by, (N,); None where that is 1.
        codes: the number of each row's group, (N,), or None.
    """

    curve: Curve
    columns: Mapping[str, Array]
    observed: Array
    root_weights: Array | None
    codes: Array | None

    @property
    def rows(self) -> int:
        """N."""
        return self.observed.size

    @property
    def magnitude(self) -> float:
        """The length of the response, weighted: residuals are differences of such numbers."""
        return float(np.linalg.norm(self.weighted(self.observed)))

    def weighted(self, column: Array) -> Array:
        """A column times the roots of the weights."""
        return column if self.root_weights is None else column * self.root_weights

    def objective(self) -> Objective:
        """Its least squares."""
        sheet = Sheet(self)
        return Objective(sheet.residuals, sheet.jacobian, self.magnitude)


class Sheet:
    """Residuals and Jacobian over rows whose memory is set up once; for one thread.

    Args:
        problem: whose columns are used where they lie.
    """

    def __init__(self, problem: FitProblem) -> None:
        self._problem = problem
        self._parameters = parameters = problem.curve.parameters
        self._numbers = {
            name: np.zeros(problem.rows if name in parameters.grouped else ())
            for name in parameters.names
        }
        fixed = {name: np.asarray(float(value)) for name, value in problem.curve.fixed.items()}
        self._arrays = {**problem.columns, **fixed, **self._numbers}
        self._memory = _Memory()

    @cached_property
    def _curve(self) -> Bound:
        return self._bound(compiled_curve(self._problem.curve.expr))

    @cached_property
    def _derivatives(self) -> Bound:
        return self._bound(compiled_jacobian(self._problem.curve.expr, self._parameters.names))

    def _bound(self, function: CompiledFunction) -> Bound:
        return function.bound({n: self._arrays[n] for n in function.inputs}, self._problem.rows)

    def residuals(self, vector: Array) -> Array:
        """Curve minus observed, weighted, (N,)."""
        self._write(vector)
        r = np.empty(self._problem.rows)
        self._curve.run({"": r})
        return self._weighted(r)

    def jacobian(self, vector: Array) -> Array:
        """The derivatives by the vector and, last, the residuals: (P + 1, N)."""
        self._write(vector)
        names = self._parameters.names
        found = self._memory.take((len(names) + 1, self._problem.rows))
        outputs = {f"cd{i}": found[i] for i in range(len(names))}
        self._derivatives.run({**outputs, "c": found[-1]})
        if self._parameters.grouped:
            found = self._parameters.spread(found, self._problem.codes)
        self._weighted(found)
        return found

    def _write(self, vector: Array) -> None:
        """Put the parameters where the compiled functions read them."""
        for name, place in self._parameters.places.items():
            if name in self._parameters.grouped:
                self._numbers[name][...] = vector[place][self._problem.codes]
            else:
                self._numbers[name][()] = vector[place.start]

    def _weighted(self, columns: Array) -> Array:
        """Curves become residuals, and everything is multiplied by its weight, in place."""
        residuals = columns[-1] if columns.ndim == 2 else columns
        np.subtract(residuals, self._problem.observed, out=residuals)
        if self._problem.root_weights is not None:
            np.multiply(columns, self._problem.root_weights, out=columns)
        return columns


def _references(arrays: list[Array], place: int) -> int:
    """How many references an array has; views of it count."""
    return sys.getrefcount(arrays[place])


_UNUSED = _references([np.empty(0)], 0)  # of the list alone, as this interpreter counts it


class _Memory:
    """Large arrays that are used again: fresh memory costs more than what is written into it."""

    def __init__(self) -> None:
        self._made: list[Array] = []

    def take(self, shape: tuple[int, ...]) -> Array:
        """An array that nobody refers to any more, or a new one; all have the same shape."""
        for place in range(len(self._made)):
            if _references(self._made, place) == _UNUSED:
                return self._made[place]
        array = np.empty(shape)
        if array.nbytes >= _LARGE_BYTES and len(self._made) < _MOST_KEPT:
            self._made.append(array)
        return array
