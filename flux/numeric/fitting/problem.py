"""A fit that is ready: columns, weights and parameters, as residuals and a Jacobian of a vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.expr import Expr
from flux.numeric.fitting.model import compiled_curve, compiled_jacobian
from flux.numeric.fitting.objective import Objective
from flux.numeric.fitting.parameters import Parameters

Array = NDArray[Any]


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
        columns_of = [_column(found[f"cd{i}"], n) for i in range(len(names))]
        return _column(found["c"], n), self.parameters.spread(columns_of, codes)

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

    def residuals(self, vector: Array) -> Array:
        """Observed minus curve, weighted."""
        with np.errstate(all="ignore"):
            curve = self.curve.value(vector, self.columns, self.codes, self.rows)
            residuals: Array = self.observed - curve
        return self.weighted(residuals)

    def jacobian(self, vector: Array) -> tuple[Array, Array]:
        """The same, and their derivatives."""
        with np.errstate(all="ignore"):
            curve, j = self.curve.derivatives(vector, self.columns, self.codes, self.rows)
            residuals = self.observed - curve
            np.negative(j, out=j)
        if self.root_weights is None:
            return residuals, j
        return residuals * self.root_weights, j * self.root_weights[:, None]

    def objective(self) -> Objective:
        """Its least squares."""
        return Objective(self.residuals, self.jacobian, self.magnitude)
