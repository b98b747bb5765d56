"""Integrals of tables: the trapezoidal rule and Simpson's, for samples at any places.

For formulas that can be evaluated anywhere, `integrate` is far more exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux import compiler
from flux.errors import ArgumentError, ShapeError
from flux.expr import Expr
from flux.expr.arguments import as_array, as_float

Array = NDArray[Any]


def trapezoid(y: Any, x: Any, table: Any = None) -> Any:
    """The integral of samples by the trapezoidal rule: exact where y is linear between them.

    sum of (x[i+1] - x[i]) * (y[i] + y[i+1])/2

    `flux.trapezoid(concentration, time)`, or `flux.trapezoid("dose*c", "t", table)`.

    Shapes:
        y: (..., N); x: (N,) or as y; the result (...), a float for one row.

    Args:
        y: the samples, or a formula of the table's columns.
        x: their places, which all rise or all fall, or a formula.
        table: a mapping or a table of columns, for formulas.

    Raises:
        ArgumentError: the places neither rise nor fall, or a value cannot be used.
        ShapeError: there are not as many places as samples.
    """
    samples, steps = _samples(y, x, table)
    return _result((steps * (samples[..., 1:] + samples[..., :-1]) / 2).sum(axis=-1))


def simpson(y: Any, x: Any, table: Any = None) -> Any:
    """The integral of samples by Simpson's rule: exact for parabolas, whatever the spacing.

    Each pair of steps is integrated under the parabola through its three samples; of an odd number
    of steps, the last one under the parabola of the last three. With even spacing and an even
    number of steps it is exact for cubics too. Two samples are joined by a line.

    Shapes:
        as for trapezoid.

    Source:
        Cartwright, Simpson's rule cumulative integration with MS Excel and irregularly-spaced data
        (2017), Journal of Mathematical Sciences and Mathematics Education 12(2).
    """
    samples, steps = _samples(y, x, table)
    count = steps.shape[-1]
    if count < 2:
        return trapezoid(samples, _places(steps))
    pairs = count // 2 * 2
    h, k = steps[..., 0:pairs:2], steps[..., 1:pairs:2]
    left, middle, right = (samples[..., n : n + pairs - 1 : 2] for n in range(3))
    total = _parabola(left, middle, right, h, k).sum(axis=-1)
    if count % 2:
        total = total + _last_step(samples[..., -3:], steps[..., -2], steps[..., -1])
    return _result(total)


def _parabola(left: Array, middle: Array, right: Array, h: Array, k: Array) -> Array:
    """The integral over both steps h and k."""
    weight = (h + k) / 6
    area: Array = weight * (
        (2 - k / h) * left + (h + k) ** 2 / (h * k) * middle + (2 - h / k) * right
    )
    return area


def _last_step(samples: Array, h: Array, k: Array) -> Array:
    """The integral over the step k alone, under the parabola over h and k."""
    before, left, right = (samples[..., n] for n in range(3))
    area: Array = (
        right * (2 * k**2 + 3 * h * k) / (6 * (h + k))
        + left * (k**2 + 3 * h * k) / (6 * h)
        - before * k**3 / (6 * h * (h + k))
    )
    return area


def _samples(y: Any, x: Any, table: Any) -> tuple[Array, Array]:
    """The samples and the steps between them."""
    samples, places = (_values(name, v, table) for name, v in (("y", y), ("x", x)))
    if not samples.ndim or not places.ndim or samples.shape[-1] != places.shape[-1]:
        shown = f"y {list(samples.shape)}, x {list(places.shape)}"
        raise ShapeError(f"there are not as many places as samples: {shown}")
    if places.ndim > 1 and places.shape != samples.shape:
        raise ShapeError(f"x {list(places.shape)} has neither one row nor those of y")
    if samples.shape[-1] < 1:
        raise ArgumentError("there are no samples")
    steps = np.diff(places, axis=-1)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise ArgumentError("the places neither rise nor fall throughout", hint="sort them first")
    return samples, steps


def _values(name: str, value: Any, table: Any) -> Array:
    if isinstance(value, str | Expr):
        if table is None:
            raise ArgumentError(f"`{name}` is a formula", hint="give its table as the third one")
        value = compiler.compile(value)(table)
    return as_float(name, as_array(name, value), np.dtype(np.float64))


def _places(steps: Array) -> Array:
    zero = np.zeros((*steps.shape[:-1], 1))
    return np.concatenate([zero, np.cumsum(steps, axis=-1)], axis=-1)


def _result(total: Array) -> Any:
    return float(total) if np.ndim(total) == 0 else total
