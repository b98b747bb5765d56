"""`flux.check_precision`: how many digits of a float64 value are right, and where they are lost.

Every part of the formula is computed twice: in float64, and enclosed with so many bits that its
first 20 digits are proved. The relative distance of the two is the number of right digits of that
part; an operation whose value has fewer than its operands lost them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flux.errors import ArgumentError, FluxError, LimitError
from flux.expr import Expr, topological, users
from flux.expr.constants import constant_value
from flux.ops import Op
from flux.precision.balls import arithmetic
from flux.precision.bounds import Point, is_infinite
from flux.precision.budget import Budget
from flux.precision.digits import Digits, checked_values, enclosed_parts, evaluate_digits
from flux.precision.multiple import fraction
from flux.precision.rewrites import replaced, rewritten
from flux.precision.walk import Value
from flux.scalars import SCALARS
from flux.syntax import parse

DIGITS = 20
FULL = 53 * math.log10(2)  # 15.95: the value is the nearest float
_BITS = (100, 200, 400, 800, 1600, 3200)
_WORTH_TELLING = 1.0
_MOST_LOSSES = 5
_SHARE_OF_PARTS, _SHARE_OF_HINTS = 0.3, 0.6  # of the time, after which no more bits, no more forms
_MOST_BITS_OF_FLOAT = 1_100  # beyond, a part is far outside float64


@dataclass(frozen=True)
class Loss:
    """An operation that loses digits.

    Attributes:
        part: the subexpression whose value has fewer right digits than its operands.
        before, after: right digits of its worst operand, and of its value.
        hint: what to do about it; a form of the same value, where one keeps more digits.
    """

    part: Expr
    before: float
    after: float
    hint: str


@dataclass(frozen=True)
class PrecisionReport:
    """What became of the digits of a float64 value.

    Attributes:
        value: in float64; nan or an infinity where it left its range on the way.
        exact: 20 digits, each of them proved.
        digits: how many digits of the value are right, 0 to 15.95.
        losses: the operations that lost a digit or more, the worst first.
    """

    value: float
    exact: Digits
    digits: float
    losses: tuple[Loss, ...]

    def __str__(self) -> str:
        lines = [
            f"float64: {self.value!r}",
            f"exact:   {self.exact}",
            f"digits:  {self.digits:.1f} of {FULL:.1f} are right",
        ]
        for loss in self.losses:
            part = str(loss.part).splitlines()[-1]
            lines.append(f"lost:    {loss.before:.1f} to {loss.after:.1f} digits in {_short(part)}")
            lines.append(f"  hint: {loss.hint}")
        return "\n".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:97] + "..."


def check_precision(
    formula: str | Expr, values: Mapping[str, Any] | None = None, /, **by_name: Any
) -> PrecisionReport:
    """Compare the float64 value of a formula with digits that are proved.

    `print(flux.check_precision("1 - cos(x)", x=1e-8))`. A float that is given means the decimal
    that it prints as, so that rounding it counts too.

    Args:
        formula: a text or an expression without named axes.
        values: a number for each input, as a mapping.
        by_name: the same by name.

    Raises:
        DomainError: an operation outside its domain.
        UnknownNameError: an input has no value.
        LimitError: past the setting `max_seconds`, or 20 digits cannot be proved: the value may
            be 0.
    """
    if values is not None and not isinstance(values, Mapping):
        raise ArgumentError(f"values come by name or as a mapping, not as {type(values).__name__}")
    given = {**(values or {}), **by_name}
    e = parse(formula, given=given) if isinstance(formula, str) else formula
    if not isinstance(e, Expr):
        raise ArgumentError(f"a formula is a text or an expression, not {type(e).__name__}")
    budget = Budget()
    exact = evaluate_digits(e, DIGITS, given, budget=budget)
    right = _right_digits(e, checked_values(e, given), budget)
    if e not in right:
        raise LimitError(f"the parts take more than {budget.seconds} seconds (setting max_seconds)")
    losses = [
        Loss(part, before, right[part][1], _hint(e, part, right, given, budget))
        for part, before in _losing(e, right)[:_MOST_LOSSES]
    ]
    return PrecisionReport(right[e][0], exact, right[e][1], tuple(losses))


Right = dict[Expr, tuple[float, float]]  # of each part: its float64 value, its right digits


def _right_digits(e: Expr, formulas: Mapping[str, Expr], budget: Budget) -> Right:
    values: dict[Expr, Value] = {}
    for bits in _BITS:
        numbers = arithmetic(bits)
        values = enclosed_parts(e, numbers, formulas, budget)
        if budget.spent() > _SHARE_OF_PARTS or all(_is_narrow(x) for x in values.values()):
            break
    floats = _float_values(e, formulas, values)
    known = {part: _middle(x) for part, x in values.items()}
    return {
        part: (floats[part], _agreement(floats[part], exact))
        for part, exact in known.items()
        if exact is not None
    }


def _is_narrow(x: Value) -> bool:
    return _middle(x) is not None


def _middle(x: Value) -> Fraction | None:
    """A number of an enclosure that is right to 20 digits; None where it is wider."""
    if isinstance(x, Fraction):
        return x
    if x.empty or not _is_moderate(x.low) or not _is_moderate(x.high):
        return None
    low, high = fraction(x.low), fraction(x.high)
    middle = (low + high) / 2
    return middle if high - low <= abs(middle) / 10**DIGITS else None


def _is_moderate(x: Point) -> bool:
    """Whether a number is one that a fraction may hold."""
    if is_infinite(x):
        return False
    return isinstance(x, int | float) or abs(x._mpf_[2] + x._mpf_[3]) <= 4 * _MOST_BITS_OF_FLOAT


def _agreement(value: float, exact: Fraction) -> float:
    """Right digits: -log10 of the relative error."""
    if not math.isfinite(value):
        return 0.0
    error = abs(Fraction(value) - exact)
    if error == 0:
        return FULL
    if exact == 0 or error >= abs(exact):
        return 0.0
    ratio = error / abs(exact)
    size = math.log10(ratio.numerator) - math.log10(ratio.denominator)
    return min(-size, FULL)


def _float_values(
    e: Expr, formulas: Mapping[str, Expr], values: Mapping[Expr, Value]
) -> dict[Expr, float]:
    """The float64 value of every part; nan and infinities where an operation leaves its range.

    A part that the value does not depend on, such as a choice not taken, has no enclosure: nan.
    """
    found: dict[Expr, float] = {}
    for part in topological((e,)):
        if part not in values:
            found[part] = math.nan
        elif part.op is Op.INPUT:
            found[part] = _nearest(values.get(part))
        elif part.op is Op.CONSTANT:
            found[part] = constant_value(part)
        else:
            found[part] = _applied(part, [found[arg] for arg in part.args])
    return found


def _nearest(x: Value | None) -> float:
    if x is None:
        return math.nan
    middle = _middle(x)
    try:
        return float(middle) if middle is not None else math.nan
    except OverflowError:
        return math.inf


def _applied(e: Expr, operands: list[float]) -> float:
    try:
        return SCALARS[e.op](*operands)
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        return math.nan


# ---- Losses --------------------------------------------------------------------------------------


def _losing(e: Expr, right: Right) -> list[tuple[Expr, float]]:
    """The operations that lose a digit, with what their worst operand has; the worst first.

    A part may lose all of its digits and the value none, as the residual of a search does.
    """
    found: list[tuple[Expr, float]] = []
    if FULL - right[e][1] < _WORTH_TELLING:
        return found
    for part, (_, after) in right.items():
        before = min((right[arg][1] for arg in part.args if arg in right), default=0.0)
        if before - after >= _WORTH_TELLING:
            found.append((part, before))
    return sorted(found, key=lambda pair: right[pair[0]][1] - pair[1])


def _hint(e: Expr, part: Expr, right: Right, given: Mapping[str, Any], budget: Budget) -> str:
    """A form that keeps more digits of the whole, or what happened."""
    best, form = right[e][1] + _WORTH_TELLING, None
    for old in _with_users(e, part):
        for new in rewritten(old):
            kept = _digits_with(replaced(e, {old: new}), given, budget)
            if kept > best:
                best, form = kept, new
    if form is not None:
        return f"{_short(str(form).splitlines()[-1])} keeps {best:.1f}"
    if not math.isfinite(right[part][0]):
        return "its value is outside the range of float64, 1e-308 to 1.8e308"
    return _REASONS.get(part.op, _MAGNIFIED)


def _with_users(e: Expr, part: Expr) -> list[Expr]:
    """A part, what uses it, and what uses that."""
    uses = users(topological((e,)))
    found = [part]
    for _ in range(2):
        found += [user for inner in tuple(found) for user in uses[inner]]
    return list(dict.fromkeys(found))


def _digits_with(other: Expr, given: Mapping[str, Any], budget: Budget) -> float:
    """The right digits of another form; 0 where there is no time for it."""
    if budget.spent() > _SHARE_OF_HINTS:
        return 0.0
    try:
        right = _right_digits(other, checked_values(other, given), budget)
    except FluxError:
        return 0.0
    return right[other][1] if other in right else 0.0


_CANCELLED = "the operands nearly cancel: take their difference before rounding, or ask for digits"
_TURNS = "the angle is many turns: what is left of it has few digits"
_MAGNIFIED = "the operation magnifies the rounding of its operand here"
_REASONS: Mapping[Op, str] = {
    Op.ADD: _CANCELLED,
    Op.SUB: _CANCELLED,
    Op.SIN: _TURNS,
    Op.COS: _TURNS,
    Op.TAN: _TURNS,
    Op.MOD: "the remainder of a large quotient has few digits",
    Op.FMOD: "the remainder of a large quotient has few digits",
    Op.EXP: "an error of the exponent is one of the value's logarithm: keep the exponent small",
    Op.POW: "an error of the base counts as often as the exponent says",
}
