"""`flux.evaluate(..., digits=50)`: the value to any number of digits, each of them proved.

The expression is enclosed with more and more bits until both ends of the enclosure round to the
same digits. A value that is rational to the end is rounded as the ratio that it is. What cannot be
decided, such as the first digit of a difference that is 0, is an error and no guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from typing import Any

from flux.errors import ArgumentError, LimitError
from flux.expr import Expr
from flux.expr.arguments import check_names
from flux.expr.domain import Origins
from flux.expr.signature import signature
from flux.expr.traverse import check_size
from flux.ops import Op
from flux.precision.balls import arithmetic
from flux.precision.bounds import Arithmetic, Interval, is_infinite
from flux.precision.budget import Budget
from flux.precision.multiple import LARGEST, Raw, raw
from flux.precision.rules import mul
from flux.precision.values import given_formulas
from flux.precision.walk import Value, check_axes, enclose, is_empty, outside
from flux.settings import current

_BITS_OF_DIGIT = 3.3219280948873626
_FIRST_MARGIN = 40
_DOUBLINGS = 5
_MOST_WRITTEN = 200_000  # of a power of ten as a whole number
_LOG10_2 = 30102999566398119521373889472449302676818988  # 10^44 log10(2)


@dataclass(frozen=True)
class Digits:
    """A number, correctly rounded to decimal digits (half to even).

    `str` gives the digits, `float` the nearest float to them. Two with the same digits are equal.

    Attributes:
        decimal: the digits as a Decimal of the standard library.
        exact: whether they are the whole value, as for 1/4; 1/3 is rounded.
    """

    decimal: Decimal
    exact: bool = field(default=False, compare=False)

    def mpf(self) -> Any:
        """The digits as mpmath's number, in the precision that mpmath is set to."""
        import mpmath

        return mpmath.mpf(str(self.decimal))

    def __float__(self) -> float:
        return float(self.decimal)

    def __str__(self) -> str:
        return str(self.decimal).replace("E", "e")

    def __repr__(self) -> str:
        return f"Digits({self}{', exact' if self.exact else ''})"


def evaluate_digits(
    e: Expr,
    digits: int,
    given: Mapping[str, Any],
    origins: Origins | None = None,
    budget: Budget | None = None,
) -> Digits:
    """The value of an expression to a number of significant digits.

    Args:
        e: the expression.
        digits: how many.
        given: a value for each input.
        origins: the places in a source text that built a node, for error messages.
        budget: the time that is left, where the call is part of another.

    Raises:
        DomainError: an operation outside its domain.
        UnknownNameError: an input has no value.
        ArgumentError: a value that is not one exact number, an axis, a wrong number of digits.
        LimitError: past the settings `max_digits` or `max_seconds`, or a digit that is not decided.
    """
    count = checked_digits(digits)
    budget = budget or Budget()
    formulas = checked_values(e, given)
    bits = int(count * _BITS_OF_DIGIT) + _FIRST_MARGIN
    found, values = _attempt(e, count, bits, formulas, budget, origins)
    for _ in range(_DOUBLINGS):
        if found is not None:
            return found
        if is_empty(values[e]):
            raise outside(e, values, origins or {})
        if budget.spent() > 1 / 5:  # twice the bits take three to five times as long
            break
        bits *= 2
        try:
            found, values = _attempt(e, count, bits, formulas, budget, origins)
        except LimitError:  # so many bits take too long: what is known stays
            break
    if found is None:
        raise _undecided(count, values[e])
    return found


def _attempt(
    e: Expr,
    digits: int,
    bits: int,
    formulas: Mapping[str, Expr],
    budget: Budget,
    origins: Origins | None,
) -> tuple[Digits | None, dict[Expr, Value]]:
    numbers = arithmetic(bits)
    values = enclosed_parts(e, numbers, formulas, budget, origins)
    return rounded(values[e], digits, numbers), values


def checked_digits(digits: Any) -> int:
    """A number of digits that is a whole number from 1 to the setting `max_digits`."""
    if isinstance(digits, bool) or not isinstance(digits, int) or digits < 1:
        raise ArgumentError(f"digits is a whole number from 1, not {digits!r}")
    limit = current().max_digits
    if digits > limit:
        raise LimitError(f"more than {limit} digits (setting max_digits)")
    return digits


def checked_values(e: Expr, given: Mapping[str, Any]) -> dict[str, Expr]:
    """The values of the inputs as expressions, once the expression is known to fit."""
    check_size(e)
    order = signature(e)
    check_axes(order)
    check_names(order, given)
    return given_formulas([x.attributes.name for x in order], given)


def enclosed_parts(
    e: Expr,
    numbers: Arithmetic,
    formulas: Mapping[str, Expr],
    budget: Budget,
    origins: Origins | None = None,
) -> dict[Expr, Value]:
    """The enclosures of an expression and its parts in an arithmetic."""
    given = {}
    for name, formula in formulas.items():
        values = enclose(formula, numbers, {}, budget)
        given[name] = values[formula]
        if is_empty(given[name]):
            raise outside(formula, values, {})
    return enclose(e, numbers, given, budget, origins)


# ---- Rounding ------------------------------------------------------------------------------------


def rounded(x: Value, digits: int, numbers: Arithmetic) -> Digits | None:
    """The digits that every number of an enclosure rounds to; None where they differ."""
    if isinstance(x, Fraction):
        return _rounded_fraction(x, digits)
    if x.empty or not x.defined or is_infinite(x.low) or is_infinite(x.high):
        return None
    if x.low == x.high == 0:
        return Digits(Decimal(0), exact=True)
    if x.low <= 0 <= x.high:
        return None
    return _rounded_interval(x, digits, numbers)


def _rounded_fraction(x: Fraction, digits: int) -> Digits:
    if x == 0:
        return Digits(Decimal(0), exact=True)
    size = abs(x)
    exponent = _floor_log10(size) - digits + 1
    scaled = size / Fraction(10) ** exponent if exponent >= 0 else size * 10**-exponent
    whole = round(scaled)
    if scaled == whole:
        return Digits(_shortened(_decimal(whole, exponent, x < 0, digits)), exact=True)
    return Digits(_decimal(whole, exponent, x < 0, digits))


def _floor_log10(x: Fraction) -> int:
    bits = x.numerator.bit_length() - x.denominator.bit_length()
    found = (bits - 1) * _LOG10_2 // 10**44
    while Fraction(10) ** (found + 1) <= x:
        found += 1
    return int(found)


def _decimal(whole: int, exponent: int, negative: bool, digits: int) -> Decimal:
    """A number of `digits` digits; one more by a carry, whose last 0 is dropped."""
    if whole >= 10**digits:
        whole, exponent = whole // 10, exponent + 1
    context = Context(prec=digits + 2, Emax=MAX_EMAX, Emin=MIN_EMIN)
    return context.scaleb(Decimal(-whole if negative else whole), exponent)


def _shortened(x: Decimal) -> Decimal:
    """The same number without zeros at its end; whole numbers without an exponent."""
    context = Context(prec=len(x.as_tuple().digits) + 2, Emax=MAX_EMAX, Emin=MIN_EMIN)
    short = context.normalize(x)
    exponent = short.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent > 0 and short.adjusted() < context.prec - 2:
        return context.quantize(short, Decimal(1))
    return short


def _rounded_interval(x: Interval, digits: int, numbers: Arithmetic) -> Digits | None:
    """The digits of both ends on the decimal grid of the larger one, where they are the same."""
    negative = bool(x.high < 0)
    largest = x.low if negative else x.high
    for top in _decimal_exponents(raw(largest)):
        exponent = top - digits + 1
        scaled = mul(numbers, x, _power_of_ten(-exponent, numbers))
        if is_infinite(scaled.low) or is_infinite(scaled.high):
            return None
        wholes = {_nearest(end, 0) for end in (scaled.low, scaled.high)}
        if len(wholes) != 1:
            return None
        whole = wholes.pop()
        if 10 ** (digits - 1) < whole <= 10**digits:
            return Digits(_decimal(whole, exponent, negative, digits))
        if whole == 10 ** (digits - 1) and _on_finer_grid(scaled, whole):
            return Digits(_decimal(whole, exponent, negative, digits))
    return None


def _power_of_ten(exponent: int, numbers: Arithmetic) -> Interval:
    if abs(exponent) <= _MOST_WRITTEN:
        return Interval(*numbers.rational(Fraction(10) ** exponent))
    return Interval(*numbers.enclose(Op.POW, 10, exponent))


def _on_finer_grid(scaled: Interval, whole: int) -> bool:
    """Whether numbers just below a power of ten round to it on their own, ten times finer grid."""
    return all(_nearest(end, 4) >= 16 * whole for end in (scaled.low, scaled.high))


def _nearest(x: Any, shift: int) -> int:
    """The whole number nearest to |x|*2^shift, half to even."""
    from mpmath import libmp

    size = libmp.mpf_abs(raw(x))  # `abs` would round to the precision that mpmath is set to
    return int(libmp.to_int(libmp.mpf_shift(size, shift), "n"))


def _decimal_exponents(x: Raw) -> list[int]:
    """What floor(log10 |x|) is, or may be."""
    _, _, exponent, bits = x
    low = (exponent + bits - 1) * _LOG10_2 // 10**44
    return [int(low), int(low) + 1]


def _undecided(digits: int, x: Value) -> LimitError:
    if isinstance(x, Interval) and (x.low >= LARGEST or x.high <= -LARGEST):
        return LimitError("the value is beyond 10^(9*10^17)")
    where = "" if isinstance(x, Fraction) else f": the value is in {_shown(x)}"
    return LimitError(
        f"{digits} digits could not be proved{where}",
        hint="it may be 0, or on the edge between two roundings or branches; simplify may help",
    )


def _shown(x: Interval) -> str:
    return f"[{_shown_end(x.low)}, {_shown_end(x.high)}]"


def _shown_end(x: Any) -> str:
    if is_infinite(x) or x == 0:
        return str(int(x) if x == 0 else x)
    top = _decimal_exponents(raw(x))[0]
    if abs(top) < 300:
        return f"{float(x):.6g}"
    return f"{'-' if x < 0 else ''}1e{top:+d}"
