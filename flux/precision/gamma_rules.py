"""The rules of gamma, lgamma and polygamma over intervals.

Between two poles, and above 0, gamma and lgamma rise where digamma is positive and fall where it is
negative (for gamma below 0, its magnitude does); digamma itself only rises. So the sign of digamma
at the ends tells whether an extremum lies between them.

Source:
    Abramowitz and Stegun, Handbook of Mathematical Functions: 6.1.3 (the minimum, at 1.4616321...),
    6.3.1, 6.4.10.
"""

from __future__ import annotations

from flux.ops import Op
from flux.polygamma import MAX_ORDER
from flux.precision.bounds import (
    EMPTY,
    INF,
    WHOLE,
    Arithmetic,
    Interval,
    Point,
    is_infinite,
    is_single,
)

# Floats just below the least values for x > 0: 0.88560319441088870..., -0.12148629053584960...
_LEAST_GAMMA = 0.8856031944108886
_LEAST_LGAMMA = -0.12148629053584962


def gamma(numbers: Arithmetic, x: Interval) -> Interval:
    """Gamma over an interval."""
    if _meets_pole(numbers, x):
        if is_single(x):
            return EMPTY
        return Interval(_LEAST_GAMMA, INF, False) if x.low >= 0 else WHOLE
    found = _turning(numbers, Op.GAMMA, x)
    if found is not None:
        return found
    ends = _from_ends(numbers, Op.GAMMA, x)
    if x.low > 0:
        return Interval(_LEAST_GAMMA, ends.high, x.defined)
    return Interval(min(ends.low, 0), max(ends.high, 0), x.defined)


def lgamma(numbers: Arithmetic, x: Interval) -> Interval:
    """The logarithm of gamma's magnitude over an interval."""
    if _meets_pole(numbers, x):
        if is_single(x):
            return EMPTY
        return Interval(_LEAST_LGAMMA if x.low >= 0 else -INF, INF, False)
    found = _turning(numbers, Op.LGAMMA, x)
    if found is not None:
        return found
    ends = _from_ends(numbers, Op.LGAMMA, x)
    return Interval(_LEAST_LGAMMA if x.low > 0 else -INF, ends.high, x.defined)


def polygamma(numbers: Arithmetic, order: Interval, x: Interval) -> Interval:
    """The derivatives of digamma: of even order rising, of odd order positive.

    An odd order falls where the next one, which only rises, is negative, and rises where it is
    positive.
    """
    if not is_single(order):
        return WHOLE
    n = order.low
    if is_infinite(n) or not 0 <= n <= MAX_ORDER or numbers.enclose(Op.FLOOR, n)[0] != n:
        return EMPTY
    odd = int(n) % 2 == 1
    if _meets_pole(numbers, x):
        return EMPTY if is_single(x) else Interval(0 if odd else -INF, INF, False)
    ends = _from_ends(numbers, Op.POLYGAMMA, x, n)
    if not odd or _keeps_sign(numbers, n + 1, x):
        return ends
    return Interval(0, ends.high, x.defined)


def _meets_pole(numbers: Arithmetic, x: Interval) -> bool:
    """Whether 0 or a negative integer lies in an interval."""
    if x.low > 0:
        return False
    if is_infinite(x.low) or x.high >= 0:
        return True
    return bool(numbers.enclose(Op.FLOOR, x.high)[0] >= x.low)


def _turning(numbers: Arithmetic, op: Op, x: Interval) -> Interval | None:
    """The values between the ends where the operation does not turn; None where it may."""
    return _from_ends(numbers, op, x) if is_single(x) or _keeps_sign(numbers, 0, x) else None


def _keeps_sign(numbers: Arithmetic, n: Point, x: Interval) -> bool:
    """Whether polygamma of an even order has one sign over an interval without poles."""
    if is_single(x):
        return True
    numbers = numbers.coarse()
    high = INF if is_infinite(x.high) else numbers.enclose(Op.POLYGAMMA, n, x.high)[1]
    return bool(numbers.enclose(Op.POLYGAMMA, n, x.low)[0] > 0 or high < 0)


def _from_ends(numbers: Arithmetic, op: Op, x: Interval, *order: Point) -> Interval:
    """The least interval around the values at the ends."""
    ends = [numbers.enclose(op, *order, x.low)]
    if is_infinite(x.high):
        ends.append(_limit(op, *order))
    elif not is_single(x):
        ends.append(numbers.enclose(op, *order, x.high))
    return Interval(min(low for low, _ in ends), max(high for _, high in ends), x.defined)


def _limit(op: Op, *order: Point) -> tuple[Point, Point]:
    """Where an operation goes as x grows: polygamma of an order above 0 to 0, the others to inf."""
    return (0, 0) if order and order[0] > 0 else (INF, INF)
