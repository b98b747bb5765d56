"""What a fit found: the parameters, how sure they are, and why the search ended."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.compiled.arguments import is_table
from flux.drawing import write_picture
from flux.errors import ArgumentError, NotFoundError, UnknownNameError, chosen, did_you_mean
from flux.expr import Expr, inputs
from flux.expr.arguments import is_number
from flux.numeric.fitting.attempt import Attempt
from flux.numeric.fitting.bands import Band, Estimate
from flux.numeric.fitting.columns import columns_of, known_groups, real, rows_of
from flux.numeric.fitting.model import compiled_jacobian, read_side
from flux.numeric.fitting.picture import DOTS_PER_INCH, draw
from flux.numeric.fitting.problem import FitProblem
from flux.numeric.fitting.profile import Profile, follow
from flux.numeric.fitting.reasons import FIT_REASONS, FitReason
from flux.numeric.fitting.statistics import Statistics

Array = NDArray[Any]
LEVEL = 0.95
_KINDS = ("confidence", "prediction")
_SHOWN_PARAMETERS = 60


@dataclass(frozen=True, eq=False)
class Fit:
    """A model fitted to data.

    Attributes:
        model: as it was written.
        values: of the parameters by name, `a[group]` where there is one for each group; the fixed
            ones are there too.
        errors: standard errors by name; nan for what the data do not determine, for what is held
            at a bound, and where there are as many parameters as rows; 0 for what was fixed.
        covariance: of the free parameters in the order of `names`, (P, P).
        names: of the free parameters.
        statistics: sums of squares, R², AIC and others; each is an attribute of the fit too.
        residuals: observed minus fitted, (N,); not weighted.
        fitted: the curve at the data, (N,).
        iterations: steps of the search.
        evaluations: of the model over all rows.
        converged: whether the values are a minimum.
        status: a FitReason.
        undetermined: parameters of which the data say nothing, alone or together, or that run off.
        at_bounds: parameters that are held at a bound.
        threshold: of the robust loss, in weighted residuals; 0 for least squares.
        costs: half the sum of squares that each start led to, lowest first.
    """

    model: str
    values: Mapping[str, float]
    errors: Mapping[str, float]
    covariance: Array
    names: tuple[str, ...]
    statistics: Statistics
    residuals: Array
    fitted: Array
    iterations: int
    evaluations: int
    converged: bool
    status: FitReason
    undetermined: tuple[str, ...]
    at_bounds: tuple[str, ...]
    threshold: float
    costs: tuple[float, ...]
    _problem: FitProblem = field(repr=False)
    _vector: Array = field(repr=False)
    _group_name: str = field(repr=False)
    _absolute: bool = field(repr=False)

    # Figures.

    @property
    def reason(self) -> str:
        """Why the search ended, in words."""
        text = FIT_REASONS[self.status]
        return f"{text}: {', '.join(self.undetermined)}" if self.undetermined else text

    @property
    def chi_square(self) -> float:
        """The sum of squared residuals, weighted."""
        return self.statistics.chi_square

    @property
    def degrees_of_freedom(self) -> int:
        """Rows less parameters."""
        return self.statistics.degrees_of_freedom

    @property
    def noise(self) -> float:
        """The standard error of the residuals: sqrt(chi_square/degrees_of_freedom).

        With a robust loss it follows from their median instead, so that outliers do not count.
        """
        return self.statistics.noise

    @property
    def r_squared(self) -> float:
        """1 - chi_square / (the same about the mean)."""
        return self.statistics.r_squared

    @property
    def aic(self) -> float:
        """Akaike's information criterion; an unknown noise counts as a parameter."""
        return self.statistics.aic

    @property
    def bic(self) -> float:
        """Schwarz's information criterion; an unknown noise counts as a parameter."""
        return self.statistics.bic

    @property
    def correlation(self) -> Array:
        """Of the free parameters, (P, P)."""
        error = np.sqrt(np.diag(self.covariance))
        with np.errstate(all="ignore"):
            correlation: Array = self.covariance / np.outer(error, error)
        return correlation

    def __getitem__(self, name: str) -> float:
        """The value of a parameter."""
        if name not in self.values:
            hint = did_you_mean(str(name), list(self.values))
            raise UnknownNameError(f"the fit has no `{name}`", hint=hint)
        return self.values[name]

    def intervals(self, level: float = LEVEL) -> dict[str, tuple[float, float]]:
        """Confidence intervals by name: value -+ t * standard error.

        Args:
            level: how often such an interval holds the truth, between 0 and 1.
        """
        t = self._quantile(level)
        return {
            name: (
                self.values[name] - t * self.errors[name],
                self.values[name] + t * self.errors[name],
            )
            for name in self.names
        }

    def profile(self, name: str, level: float = LEVEL) -> Profile:
        """The confidence interval of a parameter by its likelihood: where the data allow it.

        |tau| <= t, tau^2 = (S(parameter) - S)/noise^2, S(parameter) least over the others

        Where the curve bends within the interval, this one holds the truth as often as it says,
        while `intervals` is rough. Costs some dozens of fits.

        Args:
            name: of a free parameter; `a[group]` where there is one for each group.
            level: how often such an interval holds the truth, between 0 and 1.

        Raises:
            UnknownNameError: there is no such free parameter.
            ArgumentError: a level outside 0 to 1, or a fit with a robust loss.
            NotFoundError: the fit did not converge, is not the lowest minimum, or has no noise.
        """
        t = self._quantile(level)
        k = self._free_index(name)
        if self.threshold > 0:
            text = "a profile is of least squares, and this fit has a robust loss"
            raise ArgumentError(text, hint="`intervals` has the interval of a robust loss")
        if not self.converged or not t > 0:
            text = self.reason if not self.converged else "there are as many parameters as rows"
            raise NotFoundError(f"there is no profile: {text}")
        noise = 1.0 if self._absolute else self.noise
        with np.errstate(all="ignore"):
            error = self._reach(k)
            ends, at, tau = follow(self._problem, self._vector, k, error, noise, t)
        (low, first), (high, last) = ends
        return Profile(name, float(self._vector[k]), low, high, level, (first, last), at, tau, t)

    def _free_index(self, name: str) -> int:
        if name not in self.names:
            hint = did_you_mean(str(name), self.names) or f"one of {', '.join(self.names[:8])}"
            raise UnknownNameError(f"the fit has no free parameter {name!r}", hint=hint)
        return self.names.index(name)

    def _reach(self, k: int) -> float:
        """About how far a parameter goes for tau to be 1: also one that is held at a bound."""
        if self.errors[self.names[k]] > 0:
            return self.errors[self.names[k]]
        j = self._problem.objective().jacobian(self._vector)
        return self.noise / float(np.linalg.norm(j[k]))

    def _quantile(self, level: float) -> float:
        if not is_number(level) or not 0 < level < 1:
            raise ArgumentError(f"a level is between 0 and 1, not {level!r}", hint="such as 0.95")
        spare = self.degrees_of_freedom
        if self._absolute:
            spare = 0  # the noise is known: normal
        elif spare <= 0:
            return float("nan")
        from scipy.special import ndtri, stdtrit

        upper = (1 + level) / 2
        return float(stdtrit(spare, upper) if spare else ndtri(upper))

    # The curve elsewhere.

    def predict(self, table: Any = None, /, **columns: Any) -> Any:
        """The curve at given columns: `fit.predict(x=3.0)`, `fit.predict(table)`.

        Where parameters differ by group, the column of groups is needed too.
        """
        values, codes, n, single = self._rows(table, columns)
        with np.errstate(all="ignore"):
            found = self._problem.curve.value(self._vector, values, codes, n)
        return float(found[0]) if single else found

    def band(
        self,
        table: Any = None,
        /,
        *,
        level: float = LEVEL,
        kind: str = "confidence",
        **columns: Any,
    ) -> Band:
        """The curve at given columns with an interval at each place.

        error^2 = g C gᵀ with g the curve's gradient by the parameters and C their covariance; for
        a prediction, plus noise^2.

        Args:
            table: of columns.
            level: how often such an interval holds the truth, at one place.
            kind: "confidence", of the curve, or "prediction", of one more observation of weight 1.
            columns: by name.
        """
        chosen("kind of band", kind, _KINDS)
        t = self._quantile(level)
        values, codes, n, _ = self._rows(table, columns)
        with np.errstate(all="ignore"):
            value, j = self._problem.curve.derivatives(self._vector, values, codes, n)
            variance = _variance(j, self.covariance)
        if kind == "prediction":
            variance = variance + (1.0 if self._absolute else self.noise**2)
        error = np.sqrt(variance)
        return Band(value, error, value - t * error, value + t * error, level)

    def estimate(self, formula: str | Expr, level: float = LEVEL) -> Estimate:
        """A number that follows from the parameters, such as a half-life `log(2)/b`.

        error^2 = g C gᵀ with g its gradient by the parameters: to first order.
        """
        t = self._quantile(level)
        e = read_side(formula, tuple(self.values))
        shared = [name for name in self._problem.curve.parameters.names if name in self.values]
        for x in inputs(e):
            name = x.attributes.name
            if name not in (*shared, *self._problem.curve.fixed):
                hint = did_you_mean(name, list(self.values))
                raise UnknownNameError(f"`{name}` is no parameter shared by all rows", hint=hint)
        used = {x.attributes.name: self.values[x.attributes.name] for x in inputs(e)}
        moving = tuple(name for name in shared if name in used)
        found = compiled_jacobian(e, moving)(used)
        g = np.array([[float(found[f"cd{i}"]) for i in range(len(moving))]])
        at = [self.names.index(name) for name in moving]
        error = float(np.sqrt(_variance(g, self.covariance[np.ix_(at, at)])[0]))
        value = float(found["c"])
        return Estimate(value, error, value - t * error, value + t * error, level)

    def _rows(
        self, table: Any, named: Mapping[str, Any]
    ) -> tuple[dict[str, Array], Array | None, int, bool]:
        given: dict[str, Any] = dict(named)
        if table is not None:
            if not is_table(table) and not getattr(getattr(table, "dtype", None), "names", None):
                raise ArgumentError("columns come by name or as a table", hint="such as x=[1, 2]")
            found = columns_of(table)
            given = {**{name: found.column(name) for name in found.names}, **given}
        parameters = self._problem.curve.parameters
        known = {*parameters.names, *self._problem.curve.fixed}
        wanted = [x.attributes.name for x in inputs(self._problem.curve.expr)]
        columns = {}
        for name in wanted:
            if name in given and name not in known:
                columns[name] = real(name, given[name])
            elif name not in known:
                raise UnknownNameError(f"no value for `{name}`", hint=f"give it, as in {name}=1.0")
        n = rows_of(columns)
        single = not any(column.ndim for column in columns.values())
        if not parameters.grouped:
            return columns, None, n, single
        if self._group_name not in given:
            hint = f"one of {', '.join(parameters.groups[:8])}"
            raise UnknownNameError(f"no value for `{self._group_name}`", hint=hint)
        group = given[self._group_name]
        if single and not isinstance(group, str) and np.ndim(group):
            n, single = len(group), False
        return columns, known_groups(self._group_name, group, parameters.groups, n), n, single

    # Drawn.

    @property
    def groups(self) -> tuple[str, ...]:
        """What the groups of rows are called; empty where parameters do not differ by group."""
        return self._problem.curve.parameters.groups if self._problem.codes is not None else ()

    def columns(self) -> dict[str, Array]:
        """The columns of the curve that it was fitted to."""
        wanted = {x.attributes.name for x in inputs(self._problem.curve.expr)}
        return {name: c for name, c in self._problem.columns.items() if name in wanted}

    def rows_by_group(self) -> list[tuple[int, Array]]:
        """The number of each group with its rows; all rows where there are no groups."""
        codes = self._problem.codes
        if codes is None:
            return [(0, np.arange(self.fitted.size))]
        return [(group, np.flatnonzero(codes == group)) for group in range(len(self.groups))]

    def group_column(self, group: int) -> dict[str, Any]:
        """What `predict` needs to know for a group."""
        return {self._group_name: self.groups[group]} if self.groups else {}

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        /,
        *,
        x: str | None = None,
        log: bool = False,
        level: float = LEVEL,
    ) -> Any:
        """Draw data, curve, bands and residuals; a figure of Matplotlib.

        The dark band is of the curve, the light one of one more observation.

        Args:
            path: where to save it: .png, .svg or .pdf.
            x: the column along the horizontal axis; needed where the curve depends on several.
            log: whether that axis is logarithmic.
            level: of the bands.

        Raises:
            ArgumentError: Matplotlib is not installed: it is the extra `plot`.
        """
        figure = draw(self, x, log, level)
        if path is not None:
            write_picture(figure, Path(path), DOTS_PER_INCH)
        return figure

    # Printed.

    def __repr__(self) -> str:
        return self.table()

    def table(self, level: float = LEVEL, profiles: Mapping[str, Profile] | None = None) -> str:
        """What the fit found, as it is printed, with intervals of some level; or with profiles."""
        kind = "interval" if profiles is None else "profile interval"
        head = ("parameter", "value", "standard error", f"{100 * level:g}% {kind}")
        table = [head, *self._lines(level, profiles)]
        widths = [max(len(row[i]) for row in table) for i in range(len(head))]
        lines = ["  ".join(_aligned(row, widths)).rstrip() for row in table]
        return "\n".join([self.model.strip(), "", *lines, "", *self._facts()])

    def _repr_html_(self) -> str:
        cells = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._lines(LEVEL)
        )
        facts = "".join(f"<p>{escape(fact)}</p>" for fact in self._facts())
        return f"<p><code>{escape(self.model)}</code></p><table>{cells}</table>{facts}"

    def _lines(
        self, level: float, profiles: Mapping[str, Profile] | None = None
    ) -> Iterable[tuple[str, str, str, str]]:
        ends = {name: (own.low, own.high) for name, own in (profiles or {}).items()}
        intervals = {**self.intervals(level), **ends}
        for name in list(self.values)[:_SHOWN_PARAMETERS]:
            value = f"{self.values[name]:.8g}"
            if name not in self.names:
                yield name, value, "fixed", ""
            elif name in self.at_bounds:
                yield name, value, "at its bound", _interval(*ends[name]) if name in ends else ""
            elif name in self.undetermined:
                yield name, value, "not determined", ""
            else:
                yield name, value, f"{self.errors[name]:.3g}", _interval(*intervals[name])
        if len(self.values) > _SHOWN_PARAMETERS:
            yield f"and {len(self.values) - _SHOWN_PARAMETERS} more", "", "", ""

    def _facts(self) -> Sequence[str]:
        spare = self.degrees_of_freedom
        rows = f"{self.residuals.size:,} rows, {spare:,} degrees of freedom"
        return [
            f"noise: {self.noise:.5g} ({rows})",
            f"chi-square: {self.chi_square:.8g}, R²: {self.r_squared:.6g},"
            f" AIC: {self.aic:.6g}, BIC: {self.bic:.6g}",
            f"converged: {self.converged}: {self.reason} ({self.iterations} steps)",
        ]


def _interval(low: float, high: float) -> str:
    return f"{low:.6g} .. {high:.6g}"


def _variance(j: Array, covariance: Array) -> Array:
    """The value of g C gᵀ of each row g; what a row does not depend on may be unknown."""
    used = np.where(np.isnan(covariance) & ((j == 0).all(axis=0)[:, None]), 0.0, covariance)
    used = np.where(np.isnan(used) & ((j == 0).all(axis=0)[None, :]), 0.0, used)
    variance: Array = np.einsum("np,pq,nq->n", j, used, j)
    return np.maximum(variance, 0) if not np.isnan(variance).any() else variance


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    name, *figures = row
    return [name.ljust(widths[0])] + [f.rjust(w) for f, w in zip(figures, widths[1:], strict=True)]


def fit_of(
    model: str,
    problem: FitProblem,
    attempt: Attempt,
    statistics: Statistics,
    group_name: str,
    absolute: bool,
) -> Fit:
    """The result of an attempt."""
    parameters, found = problem.curve.parameters, attempt.found
    vector = found.place.x if found.place is not None else parameters.start
    names = parameters.labels
    deviations = np.sqrt(np.diag(statistics.covariance))
    fixed = problem.curve.fixed
    with np.errstate(all="ignore"):
        curve = problem.curve.value(vector, problem.columns, problem.codes, problem.rows)
        residuals = problem.observed - curve
    held = np.zeros(len(names), bool) if found.standing is None else ~found.standing.free
    return Fit(
        model=model,
        values={**dict(zip(names, map(float, vector), strict=True)), **fixed},
        errors={
            **dict(zip(names, map(float, deviations), strict=True)),
            **dict.fromkeys(fixed, 0.0),
        },
        covariance=statistics.covariance,
        names=names,
        statistics=statistics,
        residuals=residuals,
        fitted=np.array(curve),
        iterations=found.iterations,
        evaluations=attempt.evaluations,
        converged=found.reason <= FitReason.ONE_STEP,
        status=found.reason,
        undetermined=tuple(name for name, out in zip(names, found.lost, strict=True) if out),
        at_bounds=tuple(name for name, at in zip(names, held, strict=True) if at),
        threshold=attempt.threshold,
        costs=attempt.costs,
        _problem=problem,
        _vector=vector,
        _group_name=group_name,
        _absolute=absolute,
    )
