"""`flux.fit`: the parameters of a model that are nearest to data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError, LimitError, UnknownNameError, chosen, did_you_mean
from flux.expr import Expr
from flux.expr.arguments import as_array, is_number
from flux.numeric.fitting.attempt import Plan, make
from flux.numeric.fitting.columns import (
    Columns,
    columns_of,
    finite_rows,
    group_codes,
    real,
    rows_of,
)
from flux.numeric.fitting.losses import LOSSES, SQUARES
from flux.numeric.fitting.model import (
    Model,
    Roles,
    assign_roles,
    compiled_curve,
    is_linear,
    read_model,
)
from flux.numeric.fitting.parameters import Parameters, arrange
from flux.numeric.fitting.problem import Curve, FitProblem
from flux.numeric.fitting.result import Fit, fit_of
from flux.numeric.fitting.statistics import describe

Array = NDArray[Any]

_MAX_ITERATIONS, _MOST_ITERATIONS = 500, 100_000
_MOST_STARTS = 10_000
_MISSING = ("raise", "drop")
DEFAULTS: Mapping[str, Any] = {
    "response": None,
    "parameters": (),
    "fixed": None,
    "bounds": None,
    "sigma": None,
    "weights": None,
    "absolute": False,
    "loss": SQUARES,
    "threshold": None,
    "groups": None,
    "per_group": (),
    "starts": 1,
    "seed": 0,
    "max_iterations": _MAX_ITERATIONS,
    "missing": "raise",
}


def fit(
    model: str | Expr,
    data: Any,
    start: Any = None,
    /,
    *,
    response: Any = None,
    parameters: Any = (),
    fixed: Any = None,
    bounds: Any = None,
    sigma: Any = None,
    weights: Any = None,
    absolute: Any = False,
    loss: Any = SQUARES,
    threshold: Any = None,
    groups: Any = None,
    per_group: Any = (),
    starts: Any = 1,
    seed: Any = 0,
    max_iterations: Any = _MAX_ITERATIONS,
    missing: Any = "raise",
    **more_starts: Any,
) -> Fit:
    """Fit a model to data by least squares.

    sum of weight * (observed - curve)^2, least over the parameters

    `flux.fit("y = a*(1 - exp(-b*x))", data, a=200, b=0.001)`: `a` and `b` start there; `x` and `y`
    are columns. A start `b=(0, 1)` is a pair of bounds, and the search starts between them. A model
    that is linear in its parameters is solved in one step and needs no start: name them in
    `parameters`. Options give way to names of the model.

    Args:
        model: `response = curve`, or a curve alone; the left side is a formula of columns.
        data: a mapping or a table of columns, or a structured array.
        start: of the parameters as a mapping, for any names.
        response: what was measured, where the model does not say it.
        parameters: names of parameters without a start.
        fixed: names of parameters that stay at their start, or a mapping of names to numbers.
        bounds: a mapping of names to pairs (low, high); None is no bound.
        sigma: the standard deviation of each observation: a column's name, an array or a number.
        weights: instead of it, 1/sigma^2.
        absolute: whether sigma is the noise itself, not only up to a common factor.
        loss: "squares", or robust against outliers: "huber", "soft_l1", "cauchy", "welsch",
            "arctan".
        threshold: residuals (weighted) beyond it are outliers to the loss; by default it follows
            from the median of the residuals.
        groups: a column's name or an array: which group each row belongs to.
        per_group: names of parameters that have a value for each group; the others are shared.
        starts: how many starts are tried: the given one, and others drawn around it or within its
            bounds.
        seed: of these draws.
        max_iterations: steps of a search.
        missing: "raise" an error where a row has no finite number, or "drop" the row.
        more_starts: starts by name.

    Raises:
        FluxError: the text is no model, a name is neither column nor parameter, or the data or an
            option cannot be used. That the fit did not converge is no error: see `Fit.converged`.
    """
    options = {
        "response": response,
        "parameters": parameters,
        "fixed": fixed,
        "bounds": bounds,
        "sigma": sigma,
        "weights": weights,
        "absolute": absolute,
        "loss": loss,
        "threshold": threshold,
        "groups": groups,
        "per_group": per_group,
        "starts": starts,
        "seed": seed,
        "max_iterations": max_iterations,
        "missing": missing,
    }
    try:
        with np.errstate(all="ignore"):
            starts_by_name = {**_mapping("start", start), **more_starts}
            return _fit(model, columns_of(data), starts_by_name, options)
    except MemoryError:
        raise LimitError("not enough memory for the Jacobian of this fit") from None


def _fit(text: str | Expr, table: Columns, starts: dict[str, Any], options: dict[str, Any]) -> Fit:
    given = {**starts, **{k: v for k, v in options.items() if v is not DEFAULTS[k]}}
    model = read_model(text, options["response"], given)
    taken = {k: v for k, v in given.items() if k in options and k in model.names}
    options = {k: DEFAULTS[k] if k in taken else v for k, v in options.items()}
    starts = {**starts, **taken}
    fixed, unstarted = _fixed(options["fixed"], starts), _names("parameters", options["parameters"])
    moving = {name: value for name, value in starts.items() if name not in fixed}
    roles = assign_roles(model, table.names, moving, fixed, unstarted)
    _check_started(model, roles, moving, unstarted)
    plan = _plan(options)
    rows = _rows(model, roles, table, options)
    bounds = _mapping("bounds", options["bounds"])
    _check_known("bounds", bounds, roles.parameters)
    grouped = _grouped(options, roles)
    arranged = arrange(roles.parameters, moving, bounds, grouped, rows.groups)
    problem = rows.problem(model, arranged, roles)
    _check_count(problem)
    attempt = make(problem, plan)
    absolute = _flag("absolute", options["absolute"])
    group = options["groups"] if isinstance(options["groups"], str) else "groups"
    statistics = describe(problem, plan, attempt, absolute)
    return fit_of(model.text, problem, attempt, statistics, group, absolute)


def _check_count(problem: FitProblem) -> None:
    n, p = problem.rows, problem.curve.parameters.start.size
    if n < p:
        raise DataError(f"{n} rows cannot determine {p} parameters", hint="fix some of them")


def _check_started(
    model: Model, roles: Roles, starts: Mapping[str, Any], unstarted: Sequence[str]
) -> None:
    bare = [name for name in unstarted if name not in starts]
    if bare and not is_linear(model.curve, roles.parameters):
        text = f"`{bare[0]}` needs a start: the model is not linear in its parameters"
        raise ArgumentError(text, model.place(bare[0]), f"give it, as in {bare[0]}=1.0")


# Rows.


@dataclass(frozen=True)
class _Rows:
    """The data of a fit: columns by name, the response, weights and groups, row by row."""

    columns: Mapping[str, Array]
    observed: Array
    root_weights: Array | None
    codes: Array | None
    groups: tuple[str, ...]

    def problem(self, model: Model, parameters: Parameters, roles: Roles) -> FitProblem:
        curve = Curve(model.curve, parameters, roles.fixed)
        codes = self.codes if parameters.grouped else None
        return FitProblem(curve, self.columns, self.observed, self.root_weights, codes)


def _rows(model: Model, roles: Roles, table: Columns, options: Mapping[str, Any]) -> _Rows:
    missing = chosen("missing", options["missing"], _MISSING)
    columns = {name: table.real(name) for name in roles.columns}
    weights = _weights(table, options)
    count = rows_of({**columns, **weights})
    used = {**columns, **weights}
    good = finite_rows(used, count, missing)
    codes: Array | None = None
    groups: tuple[str, ...] = ()
    if options["groups"] is not None:
        codes, groups = _groups(table, options["groups"], count, good)
    kept = {name: column[good] if column.ndim else column for name, column in used.items()}
    observed = _observed(model, roles, kept, int(good.sum()))
    roots = _root_weights({n: kept[n] for n in weights}, int(good.sum()))
    curve = {name: kept[name] for name in columns}
    return _Rows(curve, observed, roots, codes, groups)


def _groups(table: Columns, groups: Any, count: int, good: Array) -> tuple[Array, tuple[str, ...]]:
    name = groups if isinstance(groups, str) else "groups"
    column = _column(table, name) if isinstance(groups, str) else groups
    codes, names = group_codes(name, column, count)
    used = np.unique(codes[good])
    order = np.full(len(names), -1)
    order[used] = np.arange(used.size)
    return order[codes[good]], tuple(names[code] for code in used)


def _observed(model: Model, roles: Roles, columns: Mapping[str, Array], count: int) -> Array:
    function = compiled_curve(model.response)
    with np.errstate(all="ignore"):
        value = function({**columns, **roles.fixed})
    observed = np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (count,)))
    if not np.isfinite(observed).all():
        row = int((~np.isfinite(observed)).argmax())
        raise DataError(f"`{model.response}` is {observed[row]} in row {row} of the rows used")
    return observed


_SIGMA, _WEIGHTS = " sigma", " weights"  # no column has such names


def _weights(table: Columns, options: Mapping[str, Any]) -> dict[str, Array]:
    given = {k: options[k] for k in ("sigma", "weights") if options[k] is not None}
    if len(given) == 2:
        raise ArgumentError("sigma and weights are given", hint="weights are 1/sigma^2: give one")
    return {f" {kind}": _column_values(table, kind, value) for kind, value in given.items()}


def _column_values(table: Columns, kind: str, value: Any) -> Array:
    return real(kind, _column(table, value) if isinstance(value, str) else value)


def _column(table: Columns, name: str) -> Any:
    if name not in table.names:
        shown = ", ".join(table.names[:8])
        hint = did_you_mean(name, table.names) or f"the data has {shown}"
        raise UnknownNameError(f"no column `{name}`", hint=hint)
    return table.column(name)


def _root_weights(given: Mapping[str, Array], count: int) -> Array | None:
    if not given:
        return None
    kind, values = next(iter(given.items()))
    if not (values > 0).all():
        row = int((~np.atleast_1d(values > 0)).argmax())
        raise DataError(f"{kind.strip()} must be above 0; it is not in row {row} of the rows used")
    roots = 1 / values if kind == _SIGMA else np.sqrt(values)
    return np.array(np.broadcast_to(roots, (count,)))


# Options.


def _plan(options: Mapping[str, Any]) -> Plan:
    threshold = options["threshold"]
    if threshold is not None and not (is_number(threshold) and 0 < threshold < float("inf")):
        raise ArgumentError(f"a threshold is a number above 0, not {threshold!r}")
    loss = chosen("loss", options["loss"], (SQUARES, *LOSSES))
    if threshold is not None and loss == SQUARES:
        raise ArgumentError("a threshold is for a robust loss", hint='such as loss="huber"')
    return Plan(
        loss,
        None if threshold is None else float(threshold),
        _count("starts", options["starts"], 1, _MOST_STARTS),
        _count("seed", options["seed"], 0, 2**63),
        _count("max_iterations", options["max_iterations"], 1, _MOST_ITERATIONS),
    )


def _count(what: str, value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ArgumentError(
            f"{what} must be a whole number from {least} to {most:,}, not {value!r}"
        )
    return value


def _flag(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ArgumentError(f"{what} is true or false, not {value!r}")
    return value


def _mapping(what: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ArgumentError(f"{what} come as a mapping of names, not as {type(value).__name__}")
    return dict(value)


def _names(what: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"{what} is a list of names, not {type(value).__name__}")
    return tuple(names)


def _fixed(fixed: Any, starts: Mapping[str, Any]) -> dict[str, float]:
    if fixed is None:
        return {}
    if isinstance(fixed, Mapping):
        given = _mapping("fixed", fixed)
    else:
        names = _names("fixed", fixed)
        _check_known("fixed", names, list(starts))
        given = {name: starts[name] for name in names}
    return {name: _number(name, value) for name, value in given.items()}


def _number(name: str, value: Any) -> float:
    array = as_array(name, value) if not isinstance(value, tuple) else np.zeros(2)
    if array.shape or not np.isfinite(array):
        raise ArgumentError(f"`{name}` is fixed, and must be a finite number")
    return float(array)


def _grouped(options: Mapping[str, Any], roles: Roles) -> frozenset[str]:
    names = _names("per_group", options["per_group"])
    _check_known("per_group", names, roles.parameters)
    if names and options["groups"] is None:
        raise ArgumentError("per_group needs groups", hint="name the column that tells them apart")
    if options["groups"] is not None and not names:
        raise ArgumentError("groups need per_group", hint="name the parameters that differ")
    return frozenset(names)


def _check_known(what: str, names: Sequence[str] | Mapping[str, Any], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"the parameters are {', '.join(known[:8])}"
            raise UnknownNameError(f"{what}: no parameter `{name}`", hint=hint)
