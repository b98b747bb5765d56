"""Check a definition's own derivatives against differences when they are read.

At some points where the function and the derivative are finite, the derivative must agree with a
central difference of fourth order: (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h, whose error
is h^4 f'''''/30 (Abramowitz and Stegun, 25.3.6).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from flux.errors import ArgumentError, DomainError, FluxError
from flux.expr import Expr, variable
from flux.expr.node import service
from flux.syntax.definitions import Definition

# No point is a likely place for a kink; the last ones are for functions of large or small numbers.
_POINTS = (0.3719, 1.4142, -0.8273, 2.7183, -2.2361, 0.0517, 7.3891, -9.8696, 41.37)
_STEPS = (1e-3, 2e-3)  # relative; where the two differences differ, a point tells nothing
_TOLERANCE = 1e-6
_WANTED = 5  # points that are enough


def check_derivatives(definition: Definition) -> Iterator[FluxError]:
    """An error for each derivative that differs from the differences."""
    if not definition.derivatives:
        return
    if definition.axes or definition.kind != "function":
        text = "a derivative of its own is for a function without axes"
        yield ArgumentError(text, (definition.span,))
        return
    names = [formal.name for formal in definition.formals]
    arguments = [variable(name) for name in names]
    value = definition(*arguments)
    for formal, derivative in definition.derivatives.items():
        error = _compare(derivative, names, formal, value, derivative(*arguments))
        if error is not None:
            yield error


def _compare(
    derivative: Definition, names: list[str], formal: str, value: Expr, partial: Expr
) -> FluxError | None:
    compared = 0
    for i in range(len(_POINTS)):
        at = {name: _POINTS[(i + 2 * k) % len(_POINTS)] for k, name in enumerate(names)}
        claimed = _number(partial, at)
        measured, check = (_difference(value, at, formal, step) for step in _STEPS)
        if not math.isfinite(claimed) or _apart(measured, check, _TOLERANCE / 10):
            continue  # outside the domain, at a kink, or too steep for these steps
        if _apart(claimed, measured, _TOLERANCE):
            return _disagreement(derivative, formal, at, claimed, measured)
        compared += 1
        if compared == _WANTED:
            break
    if compared:
        return None
    text = f"the derivative of `{derivative.name}` could not be checked at any point"
    return ArgumentError(text, (derivative.span,))


def _disagreement(
    derivative: Definition, formal: str, at: dict[str, float], claimed: float, measured: float
) -> FluxError:
    place = ", ".join(f"{name} = {x:g}" for name, x in at.items())
    return ArgumentError(
        f"the derivative of `{derivative.name}` by {formal} is wrong: at {place} it gives "
        f"{claimed:.9g}, differences give {measured:.9g}",
        (derivative.span,),
    )


def _apart(a: float, b: float, tolerance: float) -> bool:
    """Whether two numbers differ; nan and infinity differ from everything."""
    return not abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def _difference(value: Expr, at: dict[str, float], formal: str, step: float) -> float:
    x = at[formal]
    h = step * abs(x)
    near, far = (
        _number(value, {**at, formal: x + k * h}) - _number(value, {**at, formal: x - k * h})
        for k in (1, 2)
    )
    return (8 * near - far) / (12 * h)


def _number(e: Expr, at: dict[str, float]) -> float:
    """The value, or nan outside the domain."""
    try:
        return float(service("evaluate")(e, at))
    except DomainError:
        return math.nan
