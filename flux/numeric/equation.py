"""An equation with its unknown and its values: read, checked, and compiled with its derivatives.

The text goes through the language's own parser. What follows sees a residual: left side minus
right side, as a function of the unknown, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux import compiler
from flux.calculus.magnitude import magnitude
from flux.compiled import CompiledFunction
from flux.compiled.arguments import broadcast
from flux.errors import ArgumentError, AxisError, UnknownNameError, did_you_mean
from flux.expr import Expr, apply, inputs
from flux.expr.arguments import as_array, as_float
from flux.numeric.given import check_known, columns, divide
from flux.ops import COMPARISONS, Op
from flux.settings import Settings, current
from flux.syntax import parse_equation

Array = NDArray[Any]
KEPT = 128  # compiled equations
_EXAMPLE = 'solve("x^2 = a", x=1.0, a=2.0)'


@dataclass(frozen=True)
class Problem:
    """An equation that is ready to be solved.

    Attributes:
        residual: left side minus right side.
        unknown: the name that is solved for.
        start: its start, flat, one for each row; None where there is a bracket.
        low, high: the bracket, flat; infinite where there is none.
        parameters: the other values: a number, or flat, one for each row.
        shape: of the rows; () for one equation.
        bracketed: whether a bracket was given.
    """

    residual: Expr
    unknown: str
    start: Array
    low: Array
    high: Array
    parameters: Mapping[str, Any]
    shape: tuple[int, ...]
    bracketed: bool

    @property
    def count(self) -> int:
        """The number of rows."""
        return self.start.size

    def compiled(self, order: int) -> CompiledFunction:
        """The residual and so many derivatives, which share their work."""
        return _compiled(self.residual, self.unknown, order)

    def function(self, order: int) -> Function:
        """The same, of the unknown at some of the rows."""
        compiled = self.compiled(order)
        names = [name for name in compiled.inputs if name != self.unknown]
        wide = {name: self.parameters[name] for name in names}

        def call(x: Array, rows: Any) -> tuple[Array, ...]:
            values = {n: v[rows] if isinstance(v, np.ndarray) else v for n, v in wide.items()}
            found = compiled({**values, self.unknown: x}).values()
            # What does not depend on the unknown or on rows is one number.
            return tuple(f if np.shape(f) == x.shape else filled(f, x.shape) for f in found)

        return call

    def scale(self) -> Callable[[Array, Any], Array]:
        """The sum of the sizes of the residual's terms: rounding is a few ulps of it."""
        compiled = _sizes(self.residual)

        def call(x: Array, rows: Any) -> Array:
            values = {
                n: v[rows] if isinstance(v, np.ndarray) else v for n, v in self.parameters.items()
            }
            found = compiled({**values, self.unknown: x})
            return found if np.shape(found) == x.shape else filled(found, x.shape)

        return call


Function = Callable[[Array, Any], tuple[Array, ...]]


def filled(value: Any, shape: tuple[int, ...]) -> Array:
    """A value for each place of a shape."""
    return np.broadcast_to(np.asarray(value, dtype=np.float64), shape)


@lru_cache(maxsize=KEPT)
def _compiled(residual: Expr, unknown: str, order: int) -> CompiledFunction:
    outputs = {"0": residual}
    for n in range(1, order + 1):
        outputs[str(n)] = outputs[str(n - 1)].diff(unknown)
    return compiler.compile(outputs, dtype="float64")


@lru_cache(maxsize=KEPT)
def _sizes(residual: Expr) -> CompiledFunction:
    return compiler.compile(magnitude(residual), dtype="float64")


# Reading.


def read(
    equation: str | Expr,
    table: Any,
    options: Mapping[str, Any],
    defaults: Mapping[str, Any],
    named: Mapping[str, Any],
) -> tuple[Expr, dict[str, Any], dict[str, Any]]:
    """The residual, the values by name, and the options that no name of the equation takes.

    Raises:
        FluxError: the text is no equation, or has a name that is not given.
    """
    values = {**columns(table, _EXAMPLE), **named}
    residual = residual_of(equation, values)
    names = [x.attributes.name for x in inputs(residual)]
    taken, rest = divide(names, options, defaults)
    check_known(named, names, list(defaults), "the equation has")
    known = {name: value for name, value in {**values, **taken}.items() if name in names}
    return residual, known, rest


def residual_of(equation: str | Expr, values: Mapping[str, Any]) -> Expr:
    """Left side minus right side, checked; names that have values shadow constants."""
    if isinstance(equation, Expr):
        e = equation
    elif isinstance(equation, str):
        e = difference(equation, tuple(values), current())
    else:
        raise ArgumentError(
            f"an equation is a text or an expression, not {type(equation).__name__}"
        )
    if e.op in COMPARISONS:
        raise ArgumentError("this compares two values", hint="write an equation with one `=`")
    check_plain(e)
    return e


@lru_cache(maxsize=KEPT)
def difference(text: str, given: tuple[str, ...], settings: Settings) -> Expr:
    """Left side minus right side; the settings in force limit what is read."""
    sides = parse_equation(text, given=given)
    plain = sides.right.op is Op.CONSTANT and str(sides.right) == "0"
    return sides.left if plain else apply(Op.SUB, sides.left, sides.right)


def check_plain(e: Expr) -> None:
    """Raise AxisError where a named axis occurs."""
    if e.axes:
        raise AxisError("the sides of an equation have no axes", hint="arrays give one root a row")
    for x in inputs(e):
        if x.axes:
            raise AxisError(f"`{x.attributes.name}` has axes", hint="arrays give one root a row")


# The unknown.


def prepare(residual: Expr, values: Mapping[str, Any], unknown: str | None) -> Problem:
    """The problem that an equation and its values are.

    Raises:
        ArgumentError: it is not clear what is solved for, or a start or bracket is unusable.
        UnknownNameError: a name has no value.
    """
    names = [x.attributes.name for x in inputs(residual)]
    name = _unknown(names, values, unknown)
    for other in names:
        if other != name and other not in values:
            raise UnknownNameError(f"no value for `{other}`", hint=f"give it, as in {other}=1.0")
    if name not in values:
        hint = f"give a start, {name}=1.0, or a bracket, {name}=(0, 10)"
        raise ArgumentError(f"`{name}` has no start", hint=hint)
    _checkreal_values(residual, name)
    given = values[name]
    bracketed = isinstance(given, tuple)
    ends = _bracket(name, given) if bracketed else [real_values(name, given)]
    others = {n: real_values(n, v) for n, v in values.items() if n != name}
    shapes = {n: v.shape for n, v in others.items()}
    shape = broadcast({**shapes, **{f"{name}{n}": end.shape for n, end in enumerate(ends)}})
    wide = [np.broadcast_to(end, shape).reshape(-1) for end in ends]
    if bracketed:
        low, high = wide
        start = low / 2 + high / 2
    else:
        start = wide[0]
        low, high = (np.broadcast_to(end, start.shape) for end in (-np.inf, np.inf))
    if not shape and not np.isfinite(start).all():
        raise ArgumentError(
            f"`{name}` starts at {float(start[0])}", hint="start at a finite number"
        )
    parameters = {n: spread(v, shape) for n, v in others.items()}
    return Problem(residual, name, start, low, high, parameters, shape, bracketed)


def _unknown(names: list[str], values: Mapping[str, Any], unknown: str | None) -> str:
    if unknown is not None:
        if unknown not in names:
            hint = did_you_mean(str(unknown), names)
            raise UnknownNameError(f"the equation has no `{unknown}`", hint=hint)
        return unknown
    if not names:
        raise ArgumentError("the equation has no unknown", hint="write one, as in x^2 = 2")
    brackets = [name for name, value in values.items() if isinstance(value, tuple)]
    if len(brackets) == 1:
        return brackets[0]
    candidates = brackets or [name for name in names if name in values] or names
    if len(candidates) == 1:
        return candidates[0]
    shown = " or ".join(f"`{name}`" for name in candidates[:8])
    first = candidates[0]
    hint = f'say which, as in unknown="{first}", or give it a bracket, {first}=(low, high)'
    raise ArgumentError(f"the unknown may be {shown}", hint=hint)


def _checkreal_values(residual: Expr, name: str) -> None:
    if any(x.attributes.integer and x.attributes.name == name for x in inputs(residual)):
        raise ArgumentError(f"`{name}` is declared as an integer", hint="solve for a real number")


def _bracket(name: str, given: tuple[Any, ...]) -> list[Array]:
    if len(given) != 2:
        hint = f"a bracket is {name}=(low, high); starts of rows are a list or an array"
        raise ArgumentError(f"`{name}` has {len(given)} ends", hint=hint)
    low, high = (real_values(name, end) for end in given)
    broadcast({"low": low.shape, "high": high.shape})
    with np.errstate(all="ignore"):
        width = high - low
    single = not width.shape
    wrong = ~(np.isfinite(width) & (width > 0)) if single else (width <= 0) | np.isinf(width)
    if wrong.any():
        at = int(wrong.reshape(-1).argmax())
        a, b = (float(np.broadcast_to(end, width.shape).reshape(-1)[at]) for end in (low, high))
        where = "" if single else f" in row {at}"
        hint = f"give finite ends, the lower one first, as in {name}=(0, 10)"
        raise ArgumentError(f"the bracket ({a}, {b}){where} is empty", hint=hint)
    return [low, high]


def real_values(name: str, value: Any) -> Array:
    """A number or an array of them, as float64."""
    if isinstance(value, tuple):
        raise ArgumentError(f"`{name}` has a bracket", hint="only the unknown has one")
    return as_float(name, as_array(name, value), np.dtype(np.float64))


def spread(value: Array, shape: tuple[int, ...]) -> Any:
    """A number as it is; anything else as one value for each row."""
    if not value.shape:
        return float(value)
    return np.ascontiguousarray(np.broadcast_to(value, shape)).reshape(-1)
