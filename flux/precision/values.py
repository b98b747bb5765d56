"""What is given for the inputs of an expression: exact numbers, or intervals.

A whole number, a Decimal, a Fraction and a text such as "0.1", "1/3" or "2*pi" are exact. A float
is the decimal that it prints as, so 0.1 is one tenth, as in a formula.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

from flux.errors import ArgumentError, UnknownNameError
from flux.expr import Expr, constant, inputs
from flux.precision.bounds import INF, Interval
from flux.syntax import parse


def given_formulas(names: list[str], given: Mapping[str, Any]) -> dict[str, Expr]:
    """The value of each input as an expression without inputs.

    Raises:
        ArgumentError: a value of another kind.
        UnknownNameError: a text with a name in it.
    """
    return {name: _formula(name, given[name]) for name in names}


def _formula(name: str, value: Any) -> Expr:
    e = _as_expression(name, value)
    unknown = inputs(e)
    if unknown:
        other = unknown[0].attributes.name
        raise UnknownNameError(f"the value of `{name}` has a name without a value, `{other}`")
    return e


def _as_expression(name: str, value: Any) -> Expr:
    if isinstance(value, Expr):
        return value
    if isinstance(value, str):
        return parse(value, f"<{name}>" if name.isidentifier() else "<value>")
    if isinstance(value, Fraction):
        return constant(value.numerator) / constant(value.denominator)
    if isinstance(value, bool | int | float | Decimal):
        return constant(value)
    if isinstance(value, Integral):
        return constant(int(value))
    if isinstance(value, Real):
        return constant(float(value))
    raise ArgumentError(
        f"`{name}` is not one exact number but {type(value).__name__}",
        hint='give a number, a text such as "0.1", a Decimal or a Fraction',
    )


def bounds(name: str, value: Any) -> tuple[Any, Any] | None:
    """The two ends where a value is an interval: a pair, or an Interval; None where it is not.

    Raises:
        ArgumentError: the lower end is above the upper one, or is no number.
    """
    if isinstance(value, Interval):
        value = (value.low, value.high)
    if not isinstance(value, tuple | list):
        return None
    if len(value) != 2:
        raise ArgumentError(f"`{name}` has {len(value)} ends", hint=f"as in {name}=(1, 2)")
    return tuple(value)


def is_infinite_end(value: Any) -> bool:
    """Whether an end is an infinity; a nan is refused where it is read."""
    return isinstance(value, Real) and not isinstance(value, Fraction) and math.isinf(float(value))


def ordered(name: str, low: Any, high: Any) -> Interval:
    """The interval of two ends."""
    if low == INF or high == -INF or low > high:
        raise ArgumentError(f"the interval of `{name}` is empty", hint="the lower end comes first")
    return Interval(low, high)
