"""How each pointwise operation acts on intervals: one rule each.

A rule takes an arithmetic and intervals that hold the operands, and gives an interval that holds
every value of the operation over them, with `defined` true only where it has a value at each point.
Values outside a domain are left out: what is enclosed is the range over the defined part. Rules
rest on where an operation rises and falls, so no step is taken on faith but the enclosures at
points that the arithmetic gives.

Source:
    Moore, Kearfott and Cloud, Introduction to Interval Analysis (2009), chapters 2 and 5;
    IEEE 1788-2015, for ranges over the defined part of a box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import product

from flux.ops import Op
from flux.precision.bounds import (
    EMPTY,
    INF,
    UNDECIDED,
    WHOLE,
    Arithmetic,
    Interval,
    Pair,
    Point,
    contains_zero,
    hull,
    is_infinite,
    is_single,
    truth,
    undefined,
)
from flux.precision.gamma_rules import gamma, lgamma, polygamma
from flux.precision.monotone import MONOTONE, monotone

Rule = Callable[..., Interval]

_ONE = Interval(1, 1)
_UNIT = Interval(-1, 1)


# ---- Arithmetic ----------------------------------------------------------------------------------


def negative(numbers: Arithmetic, x: Interval) -> Interval:
    """-x."""
    return Interval(_minus(numbers, x.high), _minus(numbers, x.low), x.defined)


def _minus(numbers: Arithmetic, x: Point) -> Point:
    return -x if isinstance(x, int | float) else numbers.enclose(Op.NEG, x)[0]


def add(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """X + y."""
    low = _sum(numbers, x.low, y.low, -INF)[0]
    high = _sum(numbers, x.high, y.high, INF)[1]
    return Interval(low, high, x.defined and y.defined)


def _sum(numbers: Arithmetic, x: Point, y: Point, beyond: float) -> Pair:
    # An infinite end is the lower one of lower ends, or the upper one of upper ends.
    if is_infinite(x) or is_infinite(y):
        return beyond, beyond
    return numbers.enclose(Op.ADD, x, y)


def sub(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """X - y."""
    return add(numbers, x, negative(numbers, y))


def mul(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """X * y: the ends are among the products of ends."""
    corners = [_product(numbers, p, q) for p, q in product(_ends(x), _ends(y))]
    return _around(corners, x.defined and y.defined)


def _ends(x: Interval) -> tuple[Point, ...]:
    return (x.low,) if is_single(x) else (x.low, x.high)


def _around(corners: list[Pair], defined: bool) -> Interval:
    return Interval(min(low for low, _ in corners), max(high for _, high in corners), defined)


def _product(numbers: Arithmetic, p: Point, q: Point) -> Pair:
    if p == 0 or q == 0:
        return 0, 0
    if is_infinite(p) or is_infinite(q):
        end = INF if (p > 0) == (q > 0) else -INF
        return end, end
    return numbers.enclose(Op.MUL, p, q)


def div(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """X / y; where y holds 0, over the rest of y."""
    if not contains_zero(y):
        corners = [_quotient(numbers, p, q) for p, q in _least_and_largest(x, y)]
        return _around(corners, x.defined and y.defined)
    if y.low == y.high:
        return EMPTY
    if x.low == x.high == 0:
        return Interval(0, 0, False)
    if y.low < 0 < y.high:
        return WHOLE
    return undefined(mul(numbers, x, _reciprocal_of_side(numbers, y)))


def _least_and_largest(x: Interval, y: Interval) -> set[tuple[Point, Point]]:
    """The ends whose quotients are the least and the largest, for a y without 0."""
    positive = y.low > 0
    low, high = (x.low, x.high) if positive else (x.high, x.low)
    near, far = (y.low, y.high) if positive else (y.high, y.low)
    return {
        (low, far if (low > 0) is positive else near),
        (high, near if (high > 0) is positive else far),
    }


def _quotient(numbers: Arithmetic, p: Point, q: Point) -> Pair:
    # The other end of q is finite, and gives the infinite quotients where p is infinite.
    if p == 0 or is_infinite(q):
        return 0, 0
    if is_infinite(p):
        end = INF if (p > 0) == (q > 0) else -INF
        return end, end
    return numbers.enclose(Op.DIV, p, q)


def _reciprocal_of_side(numbers: Arithmetic, y: Interval) -> Interval:
    """1/y over an interval that ends at 0."""
    if y.low == 0:
        return Interval(_quotient(numbers, 1, y.high)[0], INF)
    return Interval(-INF, _quotient(numbers, 1, y.low)[1])


def square(numbers: Arithmetic, x: Interval) -> Interval:
    """X * x, which is never below 0."""
    return _whole_power(numbers, x, 2)


# ---- Powers --------------------------------------------------------------------------------------


def power(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """X ^ y: for one whole number y every x counts; else x > 0, and 0 where y > 0."""
    if is_single(y) and _is_whole(numbers, y.low):
        return _with(_whole_power(numbers, x, y.low), x.defined and y.defined)
    if x.low > 0:
        return _with(_positive_power(numbers, x, y), x.defined and y.defined)
    parts = [_zero_power(y)] if contains_zero(x) else []
    if x.high > 0:
        parts.append(_positive_power(numbers, Interval(0, x.high), y))
    if x.low < 0 and _whole_inside(numbers, y):
        size = _positive_power(numbers, _magnitude(numbers, Interval(x.low, min(x.high, 0))), y)
        parts += [size, negative(numbers, size)]
    found = hull(*parts)
    defined = x.low >= 0 and y.low >= 0 and x.defined and y.defined
    return Interval(found.low, found.high, bool(defined) and not found.empty)


def _with(x: Interval, defined: bool) -> Interval:
    return x if x.defined is defined or not x.defined else undefined(x)


def _is_whole(numbers: Arithmetic, x: Point) -> bool:
    return not is_infinite(x) and bool(numbers.enclose(Op.FLOOR, x)[0] == x)


def _whole_inside(numbers: Arithmetic, x: Interval) -> bool:
    """Whether an interval holds a whole number."""
    if is_infinite(x.low) or is_infinite(x.high):
        return True
    return bool(numbers.enclose(Op.FLOOR, x.high)[0] >= x.low)


def _zero_power(y: Interval) -> Interval:
    """0 ^ y: 0 where y > 0, 1 where y = 0, nothing below."""
    parts = [Interval(0, 0)] if y.high > 0 else []
    return hull(*parts, *([_ONE] if contains_zero(y) else []))


def _positive_power(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """x^y for the part of x above 0: the ends are among the powers of ends."""
    if x.low > 0 and not any(map(is_infinite, (x.high, y.low, y.high))):
        corners = [numbers.enclose(Op.POW, p, q) for p, q in product(_ends(x), _ends(y))]
        found = _around(corners, True)
        return Interval(max(found.low, 0), found.high)
    logarithm = monotone(numbers, Op.LOG, x)
    if logarithm.empty:
        return EMPTY
    return undefined(monotone(numbers, Op.EXP, mul(numbers, y, logarithm)))


def _whole_power(numbers: Arithmetic, x: Interval, k: Point) -> Interval:
    if k == 0:
        return _ONE
    even = _is_whole(numbers, numbers.enclose(Op.DIV, k, 2)[0])
    base = _magnitude(numbers, x) if even else x
    if k > 0:
        return _rising_power(numbers, base, k, even)
    if not contains_zero(base):
        return _falling_power(numbers, base, k, even)
    if base.low == base.high:
        return EMPTY
    inverse = numbers.enclose(Op.NEG, k)[0]
    return undefined(div(numbers, _ONE, _rising_power(numbers, base, inverse, even)))


def _rising_power(numbers: Arithmetic, x: Interval, k: Point, even: bool) -> Interval:
    low, high = (_power_at(numbers, p, k) for p in (x.low, x.high))
    return Interval(max(low[0], 0) if even else low[0], high[1])


def _falling_power(numbers: Arithmetic, x: Interval, k: Point, even: bool) -> Interval:
    low, high = (_power_at(numbers, p, k) for p in (x.high, x.low))
    least = max(low[0], 0) if x.low > 0 else low[0]
    return Interval(least, high[1] if x.low > 0 or even else min(high[1], 0))


def _power_at(numbers: Arithmetic, x: Point, k: Point) -> Pair:
    if is_infinite(x):
        return (x, x) if k > 0 else (0, 0)
    return (0, 0) if x == 0 else numbers.enclose(Op.POW, x, k)


# ---- Signs, extrema, remainders ------------------------------------------------------------------


def _magnitude(numbers: Arithmetic, x: Interval) -> Interval:
    if x.low >= 0:
        return x
    if x.high <= 0:
        return negative(numbers, x)
    return Interval(0, max(_minus(numbers, x.low), x.high), x.defined)


def minimum(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """The smaller of two."""
    return Interval(min(x.low, y.low), min(x.high, y.high), x.defined and y.defined)


def maximum(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """The larger of two."""
    return Interval(max(x.low, y.low), max(x.high, y.high), x.defined and y.defined)


def mod(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """X - y*floor(x/y), between 0 and y."""
    return _remainder(numbers, x, y, Op.FLOOR, hull(Interval(0, 0), y))


def fmod(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """X - y*trunc(x/y), with the sign of x, no larger than either."""
    most = min(_magnitude(numbers, x).high, _magnitude(numbers, y).high)
    low, high = (0 if x.low >= 0 else _minus(numbers, most)), (0 if x.high <= 0 else most)
    return _remainder(numbers, x, y, Op.TRUNC, Interval(low, high))


def _remainder(
    numbers: Arithmetic, x: Interval, y: Interval, rounding: Op, most: Interval
) -> Interval:
    if contains_zero(y):
        return EMPTY if is_single(y) else undefined(most)
    quotient = monotone(numbers, rounding, div(numbers, x, y))
    if is_infinite(quotient.low) or not is_single(quotient):
        return Interval(most.low, most.high, x.defined and y.defined)
    exact = sub(numbers, x, mul(numbers, y, quotient))
    return Interval(max(exact.low, most.low), min(exact.high, most.high), exact.defined)


# ---- Even and periodic functions -----------------------------------------------------------------


def cosh(numbers: Arithmetic, x: Interval) -> Interval:
    """Even, and rising from 1 at 0."""
    size = _magnitude(numbers, x)
    low = numbers.enclose(Op.COSH, size.low)[0]
    high = INF if is_infinite(size.high) else numbers.enclose(Op.COSH, size.high)[1]
    return Interval(max(low, 1), high, x.defined)


def hypot(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """Rising in both magnitudes."""
    x, y = _magnitude(numbers, x), _magnitude(numbers, y)
    infinite = is_infinite(x.high) or is_infinite(y.high)
    low = numbers.enclose(Op.HYPOT, x.low, y.low)[0]
    high = INF if infinite else numbers.enclose(Op.HYPOT, x.high, y.high)[1]
    return Interval(max(low, 0), high, x.defined and y.defined)


def sin(numbers: Arithmetic, x: Interval) -> Interval:
    """1 at pi/2 + 2 pi k, -1 at -pi/2 + 2 pi k, and between them from end to end."""
    return _wave(numbers, Op.SIN, x, Fraction(1, 4), Fraction(-1, 4))


def cos(numbers: Arithmetic, x: Interval) -> Interval:
    """1 at 2 pi k, -1 at pi + 2 pi k, and between them from end to end."""
    return _wave(numbers, Op.COS, x, Fraction(0), Fraction(1, 2))


def _wave(numbers: Arithmetic, op: Op, x: Interval, top: Fraction, bottom: Fraction) -> Interval:
    if is_infinite(x.low) or is_infinite(x.high):
        return Interval(-1, 1, x.defined)
    ends = [numbers.enclose(op, end) for end in _ends(x)]
    found = _around(ends, x.defined)
    if not is_single(x):
        turns = _turns(numbers, x, 2)
        high = 1 if _crosses(numbers, turns, top) else found.high
        low = -1 if _crosses(numbers, turns, bottom) else found.low
        found = Interval(low, high, x.defined)
    return Interval(max(found.low, -1), min(found.high, 1), x.defined)


def _turns(numbers: Arithmetic, x: Interval, period: int) -> Interval:
    """X / (period * pi)."""
    pi = Interval(*numbers.named("pi"))
    return div(numbers, x, mul(numbers, pi, Interval(period, period)))


def _crosses(numbers: Arithmetic, turns: Interval, at: Fraction) -> bool:
    """Whether a number of turns may be k + at for a whole k."""
    moved = sub(numbers, turns, Interval(*numbers.rational(at)))
    return _whole_inside(numbers, moved)


def tan(numbers: Arithmetic, x: Interval) -> Interval:
    """Rising, between poles at pi/2 + pi k."""
    if is_infinite(x.low) or is_infinite(x.high):
        return WHOLE
    if not is_single(x) and _crosses(numbers, _turns(numbers, x, 1), Fraction(1, 2)):
        return WHOLE
    return Interval(
        numbers.enclose(Op.TAN, x.low)[0], numbers.enclose(Op.TAN, x.high)[1], x.defined
    )


def atan2(numbers: Arithmetic, y: Interval, x: Interval) -> Interval:
    """The angle of (x, y): that of a corner at its ends, unless the box meets y = 0, x <= 0."""
    defined = x.defined and y.defined
    pi = numbers.named("pi")[1]
    turn = Interval(_minus(numbers, pi), pi, defined)
    origin = contains_zero(x) and contains_zero(y)
    if any(map(is_infinite, (x.low, x.high, y.low, y.high))):
        return turn
    if (contains_zero(y) and x.low < 0 and y.low < 0) or (origin and not is_point(x, y)):
        return turn
    if origin:
        return Interval(0, 0, defined)
    corners = [numbers.enclose(Op.ATAN2, p, q) for p, q in product(_ends(y), _ends(x))]
    return _around(corners, defined)


def is_point(x: Interval, y: Interval) -> bool:
    """Whether both intervals hold one number."""
    return is_single(x) and is_single(y)


# ---- Comparison and logic ------------------------------------------------------------------------


def less(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """Whether x < y: 1 or 0 where the intervals lie apart."""
    return _decided(x, y, x.high < y.low, x.low >= y.high)


def less_or_equal(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """Whether x <= y."""
    return _decided(x, y, x.high <= y.low, x.low > y.high)


def equal(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    """Whether x = y: known where they lie apart, or are the same number."""
    apart = x.high < y.low or x.low > y.high
    return _decided(x, y, is_point(x, y) and x.low == y.low, apart)


def _decided(x: Interval, y: Interval, yes: bool, no: bool) -> Interval:
    if yes or no:
        return Interval(int(yes), int(yes), x.defined and y.defined)
    return Interval(0, 1, x.defined and y.defined)


def negated(numbers: Arithmetic, x: Interval) -> Interval:
    """Whether x is 0."""
    if not contains_zero(x):
        return _with(truth(False), x.defined)
    return _with(truth(True) if is_single(x) else UNDECIDED, x.defined)


def _swapped(rule: Rule) -> Rule:
    return lambda numbers, x, y: rule(numbers, y, x)


def _not(rule: Rule) -> Rule:
    return lambda numbers, x, y: negated(numbers, rule(numbers, x, y))


def _and(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    return _truth_of(numbers, minimum(numbers, *(_truth_of(numbers, z) for z in (x, y))))


def _or(numbers: Arithmetic, x: Interval, y: Interval) -> Interval:
    return _truth_of(numbers, maximum(numbers, *(_truth_of(numbers, z) for z in (x, y))))


def _truth_of(numbers: Arithmetic, x: Interval) -> Interval:
    return negated(numbers, negated(numbers, x))


def where(numbers: Arithmetic, condition: Interval, x: Interval, y: Interval) -> Interval:
    """X where the condition is not 0, else y; both where it may be either."""
    chosen = _chosen(condition, x, y)
    return _with(chosen, chosen.defined and condition.defined)


def _chosen(condition: Interval, x: Interval, y: Interval) -> Interval:
    if not contains_zero(condition):
        return x
    return y if is_single(condition) else hull(x, y)


def first(numbers: Arithmetic, x: Interval, *_: Interval) -> Interval:
    """The first operand."""
    return x


def _monotone_rule(op: Op) -> Rule:
    return lambda numbers, x: monotone(numbers, op, x)


RULES: Mapping[Op, Rule] = {
    Op.NEG: negative,
    Op.ADD: add,
    Op.SUB: sub,
    Op.MUL: mul,
    Op.DIV: div,
    Op.POW: power,
    Op.MOD: mod,
    Op.FMOD: fmod,
    **{op: _monotone_rule(op) for op in MONOTONE},
    Op.SIN: sin,
    Op.COS: cos,
    Op.TAN: tan,
    Op.ATAN2: atan2,
    Op.COSH: cosh,
    Op.HYPOT: hypot,
    Op.GAMMA: gamma,
    Op.LGAMMA: lgamma,
    Op.POLYGAMMA: polygamma,
    Op.ABS: _magnitude,
    Op.MINIMUM: minimum,
    Op.MAXIMUM: maximum,
    Op.LT: less,
    Op.LE: less_or_equal,
    Op.GT: _swapped(less),
    Op.GE: _swapped(less_or_equal),
    Op.EQ: equal,
    Op.NE: _not(equal),
    Op.AND: _and,
    Op.OR: _or,
    Op.NOT: negated,
    Op.WHERE: where,
    Op.STOP: first,
    Op.CUSTOM: first,
}


def applied(numbers: Arithmetic, op: Op, operands: list[Interval]) -> Interval:
    """The interval of an operation over intervals; empty where an operand is."""
    if any(x.empty for x in operands):
        return EMPTY
    return RULES[op](numbers, *operands)
