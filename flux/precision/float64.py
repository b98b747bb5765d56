"""Float64 with outward rounding.

Sums, products, quotients and roots are rounded exactly outward: the float that IEEE gives is
compared with the exact rational. The functions of the platform's library are widened by a stated
number of units in the last place, four times what a sound library needs; the log-gamma and
polygamma functions, which have no such bound near their zeros, come from more bits.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from flux.ops import Op
from flux.precision.bounds import INF, Pair
from flux.precision.exact import exactly
from flux.scalars import SCALARS

_MOST = sys.float_info.max

# Units in the last place by which a value may be wrong; those not named are within 4.
_ULPS: Mapping[Op, int] = {Op.GAMMA: 16, Op.ERFC: 8, Op.POW: 4}
_OTHER_ULPS = 4

_EXACT = frozenset((Op.NEG, Op.FLOOR, Op.CEIL, Op.ROUND, Op.RINT, Op.TRUNC, Op.SIGN))
_FROM_MORE_BITS = frozenset((Op.LGAMMA, Op.POLYGAMMA))
_BITS = 90

# Values beyond the largest float are positive, or have the sign of the first operand.
_POSITIVE = frozenset((Op.EXP, Op.EXPM1, Op.COSH, Op.HYPOT))


def _root_error(y: float, x: float) -> int:
    """The sign of sqrt(x) - y."""
    return _sign(Fraction(x) - Fraction(y) ** 2)


def _sign(x: Fraction) -> int:
    return (x > 0) - (x < 0)


# The sign of the exact value less the rounded one.
_ERRORS: Mapping[Op, Callable[..., int]] = {
    Op.ADD: lambda z, x, y: _sign(Fraction(x) + Fraction(y) - Fraction(z)),
    Op.SUB: lambda z, x, y: _sign(Fraction(x) - Fraction(y) - Fraction(z)),
    Op.MUL: lambda z, x, y: _sign(Fraction(x) * Fraction(y) - Fraction(z)),
    Op.DIV: lambda z, x, y: _sign(Fraction(x) / Fraction(y) - Fraction(z)),
    Op.SQRT: _root_error,
}


class Float64:
    """Floats of Python as an arithmetic of intervals."""

    def enclose(self, op: Op, *points: Any) -> Pair:
        """Floats below and above the value of an operation."""
        operands = [float(x) + 0.0 for x in points]  # real numbers have one zero, and no -0.0
        if op in _EXACT:
            value = SCALARS[op](*operands)
            return value, value
        known = None if op in _ERRORS else exactly(op, [Fraction(x) for x in operands])
        if isinstance(known, Fraction):
            return self.rational(known)
        if op in _FROM_MORE_BITS:
            return _from_more_bits(op, operands)
        try:
            value = SCALARS[op](*operands)
        except OverflowError:
            value = INF
        if math.isinf(value):
            return _beyond(op, operands)
        if op in _ERRORS:
            return _rounded(value, _ERRORS[op](value, *operands))
        margin = _ULPS.get(op, _OTHER_ULPS) * math.ulp(value)
        return value - margin, value + margin

    def coarse(self) -> Float64:
        """The arithmetic itself."""
        return self

    def rational(self, value: Fraction) -> Pair:
        """The floats around a rational number."""
        try:
            nearest = float(value)
        except OverflowError:
            return (_MOST, INF) if value > 0 else (-INF, -_MOST)
        return _rounded(nearest, _sign(value - Fraction(nearest)))

    def named(self, name: str) -> Pair:
        """The floats around pi or e: both are a little more than the nearest one."""
        nearest = {"pi": math.pi, "e": math.e}[name]
        return nearest, math.nextafter(nearest, INF)


def _rounded(value: float, error: int) -> Pair:
    """The float and its neighbour on the side where the exact value lies."""
    if error == 0:
        return value, value
    beside = math.nextafter(value, INF if error > 0 else -INF)
    return (value, beside) if error > 0 else (beside, value)


def _beyond(op: Op, operands: list[float]) -> Pair:
    """Around a value whose magnitude is beyond the largest float."""
    if op in _POSITIVE or (op in (Op.POW, Op.GAMMA) and operands[0] > 0):
        return _MOST, INF
    if op is Op.SINH:
        return (_MOST, INF) if operands[0] > 0 else (-INF, -_MOST)
    if op in (Op.ADD, Op.SUB, Op.MUL, Op.DIV):
        return _sided(op, operands)
    return -INF, INF


def _sided(op: Op, operands: list[float]) -> Pair:
    x, y = operands
    positive = x > 0 if op in (Op.ADD, Op.SUB) else (x > 0) == (y > 0)
    return (_MOST, INF) if positive else (-INF, -_MOST)


def _from_more_bits(op: Op, operands: list[float]) -> Pair:
    from flux.precision.multiple import Multiple, outward_floats

    return outward_floats(Multiple(_BITS).enclose(op, *operands))
