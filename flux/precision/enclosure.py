"""`flux.interval`: numbers between which an expression stays while its inputs vary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flux.errors import ArgumentError
from flux.expr import Expr
from flux.expr.arguments import check_names
from flux.expr.signature import signature
from flux.expr.traverse import check_size
from flux.precision.bounds import Interval
from flux.precision.budget import Budget
from flux.precision.float64 import Float64
from flux.precision.values import bounds, given_formulas, is_infinite_end, ordered
from flux.precision.walk import Value, as_interval, check_axes, enclose, is_empty
from flux.syntax import parse

_NUMBERS = Float64()


def interval(
    formula: str | Expr, values: Mapping[str, Any] | None = None, /, **bounds: Any
) -> Interval:
    """An interval that holds every value of a formula for inputs in given intervals.

    `flux.interval("x*exp(-x)", x=(0, 1))`. The ends are floats, rounded outward at every step, so
    that no value lies outside. They need not be the least ones: an input that occurs more than
    once is taken as if each occurrence varied by itself, so `x - x` over (0, 1) gives [-1, 1].
    Narrower inputs give tighter ends.

    Where the formula has no value in a part of the box, the interval holds the values over the
    rest, and `defined` is false. `defined` is true only where that is proved.

    Args:
        formula: a text or an expression without named axes.
        values: a pair (low, high), or a number, for each input, as a mapping.
        bounds: the same by name. Ends may be -inf and inf.

    Raises:
        ArgumentError: an interval that is empty, a value that is no number, an axis.
        DomainError: the formula holds inf or nan.
        LimitError: past the setting `max_seconds`.
    """
    given = {**_mapping(values), **bounds}
    e = parse(formula, given=given) if isinstance(formula, str) else formula
    if not isinstance(e, Expr):
        raise ArgumentError(f"a formula is a text or an expression, not {type(e).__name__}")
    check_size(e)
    order = signature(e)
    check_axes(order)
    check_names(order, given)
    budget = Budget()
    box = {name: _given(name, given[name], budget) for name in (x.attributes.name for x in order)}
    found = as_interval(enclose(e, _NUMBERS, box, budget)[e], _NUMBERS)
    return Interval(float(found.low) + 0.0, float(found.high) + 0.0, found.defined)


def _mapping(values: Any) -> Mapping[str, Any]:
    if values is not None and not isinstance(values, Mapping):
        raise ArgumentError(
            f"intervals come by name or as a mapping, not as {type(values).__name__}",
            hint="such as interval(formula, x=(1, 2)) or {'x': (1, 2)}",
        )
    return values or {}


def _given(name: str, value: Any, budget: Budget) -> Value:
    ends = bounds(name, value)
    if ends is None:
        return _number(name, value, budget)
    low, high = (
        end if is_infinite_end(end) else as_interval(_number(name, end, budget), _NUMBERS)
        for end in ends
    )
    return ordered(
        name,
        low.low if isinstance(low, Interval) else low,
        high.high if isinstance(high, Interval) else high,
    )


def _number(name: str, value: Any, budget: Budget) -> Value:
    e = given_formulas([name], {name: value})[name]
    found = enclose(e, _NUMBERS, {}, budget)[e]
    if is_empty(found):
        raise ArgumentError(f"the value of `{name}` is not a number")
    return found
