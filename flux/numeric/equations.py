"""A system of equations with its unknowns and values: read, checked, compiled with its Jacobian.

As `equation` does for one equation: what follows sees the residuals, left side minus right side, as
functions of the unknowns, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux import compiler
from flux.calculus.magnitude import magnitude
from flux.compiled import CompiledFunction
from flux.compiled.arguments import broadcast
from flux.errors import ArgumentError, LimitError, UnknownNameError, did_you_mean
from flux.expr import Expr, inputs
from flux.numeric.equation import KEPT, real_values, residual_of, spread
from flux.numeric.given import check_known, columns, divide

Array = NDArray[Any]
Evaluate = Callable[[Array, Array], tuple[Array, Array]]
_EXAMPLE = 'solve_system(["x^2 = a"], x=1.0, a=2.0)'
MOST_EQUATIONS = 400


@dataclass(frozen=True)
class System:
    """Equations that are ready to be solved: n of them, in n unknowns, for R rows.

    Attributes:
        residuals: left side minus right side of each.
        unknowns: the names that are solved for.
        start: (R, n).
        low, high: the bounds, (R, n); infinite where there is none.
        parameters: the other values: a number, or (R,).
        shape: of the rows; () for one system.
    """

    residuals: tuple[Expr, ...]
    unknowns: tuple[str, ...]
    start: Array
    low: Array
    high: Array
    parameters: Mapping[str, Any]
    shape: tuple[int, ...]

    @property
    def unbounded(self) -> bool:
        """Whether no unknown has a bound."""
        return bool(np.isinf(self.low).all() and np.isinf(self.high).all())

    def evaluate(self) -> Evaluate:
        """The residuals (A, n) and the Jacobian (A, n, n), at A places of some of the rows."""
        compiled = _with_jacobian(self.residuals, self.unknowns)
        call, n = self._caller(compiled), len(self.unknowns)
        places = [tuple(map(int, key.split(","))) for key in compiled_names(compiled)]

        def evaluate(x: Array, rows: Array) -> tuple[Array, Array]:
            both = np.zeros((len(x), n, n + 1))
            for (i, j), value in zip(places, call(x, rows), strict=True):
                both[:, i, j] = value
            return both[:, :, n], both[:, :, :n]

        return evaluate

    def sizes(self) -> Callable[[Array, Array], Array]:
        """The sum of the sizes of each residual's terms: rounding is a few ulps of it."""
        call, n = self._caller(_sizes(self.residuals)), len(self.unknowns)

        def sizes(x: Array, rows: Array) -> Array:
            found = np.empty((len(x), n))
            for i, value in enumerate(call(x, rows)):
                found[:, i] = value
            return found

        return sizes

    def _caller(self, compiled: CompiledFunction) -> Callable[[Array, Array], Sequence[Any]]:
        column = {name: j for j, name in enumerate(self.unknowns)}
        names, given = compiled.inputs, self.parameters

        def call(x: Array, rows: Array) -> Sequence[Any]:
            values = [
                x[:, column[name]] if name in column else _of_rows(given[name], rows)
                for name in names
            ]
            if len(x) == 1:  # the function of floats is quicker than that of arrays
                values = [float(np.reshape(value, ())) if np.ndim(value) == 0 else float(value[0])
                          for value in values]  # fmt: skip
            found: dict[str, Any] = compiled(dict(zip(names, values, strict=True)))
            return list(found.values())

        return call


def compiled_names(compiled: CompiledFunction) -> list[str]:
    """The names of the results, in order."""
    return list(compiled.expr)  # type: ignore[arg-type]  # several results: a dictionary


def _of_rows(value: Any, rows: Array) -> Any:
    return value[rows] if isinstance(value, np.ndarray) else value


@lru_cache(maxsize=KEPT)
def _with_jacobian(residuals: tuple[Expr, ...], unknowns: tuple[str, ...]) -> CompiledFunction:
    """The residuals as "i,n", and the derivatives that are not zero throughout as "i,j"."""
    outputs: dict[str, Expr] = {}
    for i, residual in enumerate(residuals):
        present = {x.attributes.name for x in inputs(residual)}
        places = [j for j, name in enumerate(unknowns) if name in present]
        slopes = residual.gradient([unknowns[j] for j in places]) if places else []
        outputs |= {f"{i},{j}": slope for j, slope in zip(places, slopes, strict=True)}
        outputs[f"{i},{len(unknowns)}"] = residual
    return compiler.compile(outputs, dtype="float64")


@lru_cache(maxsize=KEPT)
def _sizes(residuals: tuple[Expr, ...]) -> CompiledFunction:
    sizes = {str(i): magnitude(residual) for i, residual in enumerate(residuals)}
    return compiler.compile(sizes, dtype="float64")


# Reading.


def read(
    equations: Any,
    table: Any,
    options: Mapping[str, Any],
    defaults: Mapping[str, Any],
    named: Mapping[str, Any],
) -> tuple[tuple[Expr, ...], dict[str, Any], dict[str, Any]]:
    """The residuals, the values by name, and the options that no name of the equations takes.

    Raises:
        FluxError: a text is no equation, or has a name that is not given.
    """
    values = {**columns(table, _EXAMPLE), **named}
    residuals = tuple(residual_of(equation, values) for equation in _listed(equations))
    names = names_of(residuals)
    taken, rest = divide(names, options, defaults)
    check_known(named, names, list(defaults), "the equations have")
    known = {name: value for name, value in {**values, **taken}.items() if name in names}
    return residuals, known, rest


def _listed(equations: Any) -> list[Any]:
    if isinstance(equations, str | Expr) or not isinstance(equations, Sequence):
        hint = 'such as ["x^2 + y^2 = 4", "x*y = 1"]; one equation is for flux.solve'
        raise ArgumentError("a system is a list of equations", hint=hint)
    if not equations:
        raise ArgumentError("the system has no equations")
    if len(equations) > MOST_EQUATIONS:
        raise LimitError(f"{len(equations)} equations are more than {MOST_EQUATIONS}")
    return list(equations)


def names_of(residuals: Sequence[Expr]) -> list[str]:
    """The names in the equations, in order of appearance."""
    return list(dict.fromkeys(x.attributes.name for e in residuals for x in inputs(e)))


# The unknowns.


def prepare(
    residuals: tuple[Expr, ...], values: Mapping[str, Any], unknowns: Any, bounds: Any
) -> System:
    """The system that equations and their values are.

    Raises:
        ArgumentError: it is not clear what is solved for, or a start or a bound is unusable.
        UnknownNameError: a name has no value.
    """
    names = names_of(residuals)
    for name in names:
        if name not in values:
            hint = f"give its start or its value, as in {name}=1.0"
            raise UnknownNameError(f"no value for `{name}`", hint=hint)
    wanted = _unknowns(residuals, names, values, unknowns)
    _check_count(residuals, wanted)
    limits = _bounds(wanted, bounds)
    given = {name: real_values(name, values[name]) for name in names}
    ends = {(name, k): end for name, pair in limits.items() for k, end in enumerate(pair)}
    shape = broadcast(
        {n: v.shape for n, v in given.items()}
        | {f"{n} {'low' if k == 0 else 'high'}": end.shape for (n, k), end in ends.items()}
    )
    start = _columns_of([given[name] for name in wanted], shape)
    low, high = (
        _columns_of([limits[name][k] if name in limits else without for name in wanted], shape)
        for k, without in enumerate((np.asarray(-np.inf), np.asarray(np.inf)))
    )
    _check_start(wanted, start, low, high, shape)
    others = {name: spread(v, shape) for name, v in given.items() if name not in wanted}
    return System(residuals, wanted, start, low, high, others, shape)


def _columns_of(values: Sequence[Array], shape: tuple[int, ...]) -> Array:
    return np.stack([np.broadcast_to(v, shape).reshape(-1) for v in values], axis=1)


def _unknowns(
    residuals: Sequence[Expr], names: Sequence[str], values: Mapping[str, Any], unknowns: Any
) -> tuple[str, ...]:
    if unknowns is not None:
        return _named_unknowns(names, unknowns)
    if len(names) > len(residuals):
        shown = ", ".join(f'"{name}"' for name in list(values)[: len(residuals)])
        raise ArgumentError(
            f"{len(names)} names for {_counted(len(residuals), 'equation')}: "
            "it is not clear what is solved for",
            hint=f"say it, as in unknowns=[{shown}]",
        )
    return tuple(name for name in values if name in names)


def _named_unknowns(names: Sequence[str], unknowns: Any) -> tuple[str, ...]:
    listed = [unknowns] if isinstance(unknowns, str) else unknowns
    if not isinstance(listed, Sequence) or not all(isinstance(name, str) for name in listed):
        raise ArgumentError("unknowns are a list of names", hint='such as ["x", "y"]')
    for name in listed:
        if name not in names:
            hint = did_you_mean(name, names)
            raise UnknownNameError(f"the equations have no `{name}`", hint=hint)
    if len(set(listed)) != len(listed):
        raise ArgumentError("an unknown is named twice")
    return tuple(listed)


def _check_count(residuals: Sequence[Expr], unknowns: Sequence[str]) -> None:
    if len(residuals) != len(unknowns):
        raise ArgumentError(
            f"{_counted(len(residuals), 'equation')} for {_counted(len(unknowns), 'unknown')}",
            hint="a system has as many equations as unknowns",
        )
    for x in (x for e in residuals for x in inputs(e)):
        if x.attributes.integer and x.attributes.name in unknowns:
            name = x.attributes.name
            raise ArgumentError(
                f"`{name}` is declared as an integer", hint="solve for real numbers"
            )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _bounds(unknowns: Sequence[str], bounds: Any) -> dict[str, tuple[Array, Array]]:
    if bounds is None:
        return {}
    if not isinstance(bounds, Mapping):
        raise ArgumentError("bounds are a mapping", hint='such as {"x": (0, 10)}')
    found = {}
    for name, pair in bounds.items():
        if name not in unknowns:
            hint = did_you_mean(str(name), unknowns)
            raise UnknownNameError(f"no unknown `{name}` has bounds", hint=hint)
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ArgumentError(f"`{name}` has no two bounds", hint='such as {"x": (0, 10)}')
        low, high = (_bound(name, end, side) for side, end in zip((-1, 1), pair, strict=True))
        found[name] = (low, high)
    return found


def _bound(name: str, end: Any, side: int) -> Array:
    return np.asarray(side * np.inf) if end is None else real_values(name, end)


def _check_start(
    unknowns: Sequence[str], start: Array, low: Array, high: Array, shape: tuple[int, ...]
) -> None:
    """A single start has to be usable; of rows, each has its own reason."""
    wrong = ~(low < high)
    if wrong.any():
        row, j = np.argwhere(wrong)[0]
        ends = f"({float(low[row, j])}, {float(high[row, j])})"
        raise ArgumentError(
            f"the bounds {ends} of `{unknowns[j]}` leave no room", hint="the lower one comes first"
        )
    if shape:
        return
    for name, x, a, b in zip(unknowns, start[0], low[0], high[0], strict=True):
        if not np.isfinite(x):
            raise ArgumentError(f"`{name}` starts at {x}", hint="start at a finite number")
        if not a <= x <= b:
            raise ArgumentError(f"`{name}` starts at {x}, outside its bounds ({a}, {b})")
