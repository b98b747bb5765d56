"""Check a definition's own derivatives against differences when they are read.

At some points where the function and the derivative are finite, the derivative must agree with a
central difference of fourth order: (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h, whose error
is h^4 f'''''/30 (Abramowitz and Stegun, 25.3.6). A function is evaluated once, at all points and
steps together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from flux.errors import ArgumentError, FluxError
from flux.expr import Expr, variable
from flux.syntax.definitions import Definition

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    points = {name: _rolled(2 * k % len(_POINTS)) for k, name in enumerate(names)}
    slopes = _differences(value, points, formal)
    compared = 0
    for i, claimed in enumerate(_values(partial, points, (len(_POINTS),)).tolist()):
        measured, check = slopes[:, i].tolist()
        if not math.isfinite(claimed) or _apart(measured, check, _TOLERANCE / 10):
            continue  # outside the domain, at a kink, or too steep for these steps
        if _apart(claimed, measured, _TOLERANCE):
            at = {name: column[i] for name, column in points.items()}
            return _disagreement(derivative, formal, at, claimed, measured)
        compared += 1
        if compared == _WANTED:
            break
    if compared:
        return None
    text = f"the derivative of `{derivative.name}` could not be checked at any point"
    return ArgumentError(text, (derivative.span,))


def _rolled(by: int) -> tuple[float, ...]:
    return _POINTS[by:] + _POINTS[:by]


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


def _differences(value: Expr, points: Mapping[str, tuple[float, ...]], formal: str) -> NDArray[Any]:
    """The derivative at each point by each step: one row a step."""
    import numpy as np  # a text without own derivatives does not need it

    x = np.asarray(points[formal])
    h = np.multiply.outer(_STEPS, abs(x))
    offsets = np.asarray((1, -1, 2, -2)).reshape(4, 1, 1)
    above, below, far_above, far_below = _values(
        value, {**points, formal: x + offsets * h}, (4, *h.shape)
    )
    with np.errstate(all="ignore"):
        slopes: NDArray[Any] = (8 * (above - below) - (far_above - far_below)) / (12 * h)
    return slopes


def _values(e: Expr, at: Mapping[str, Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The values at points, nan outside the domain."""
    import numpy as np

    from flux.expr.evaluate import evaluate

    arrays = {name: np.asarray(values) for name, values in at.items()}
    return np.broadcast_to(evaluate(e, arrays, raise_domain=False), shape)
