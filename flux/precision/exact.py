"""Rational arithmetic: what stays exact, so that comparisons and roundings can be decided.

0.1 + 0.2 == 0.3, floor(0.3/0.1) and `x <= 0.9` at x = 0.9 hang on one number, which no interval
around it decides. Operations on rational numbers whose value is known to be rational are done
here; the others give None and go to intervals. Numbers of more than 20,000 bits do too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from flux.ops import Op
from flux.precision.bounds import EMPTY, Interval

MOST_BITS = 20_000

Exact = Fraction | Interval | None  # a value; EMPTY outside the domain; None where not known


def _divided(a: Fraction, b: Fraction) -> Exact:
    return a / b if b else EMPTY


def _mod(a: Fraction, b: Fraction) -> Exact:
    return a % b if b else EMPTY


def _fmod(a: Fraction, b: Fraction) -> Exact:
    return a - b * math.trunc(a / b) if b else EMPTY


def _power(a: Fraction, b: Fraction) -> Exact:
    if b.denominator != 1:
        return _root_power(a, b)
    n = b.numerator
    if a == 0 and n < 0:
        return EMPTY
    if abs(a) == 1 or a == 0:
        return a ** (n % 2 if a == -1 else min(n, 1) if a == 0 else 1)
    if abs(n) * _bits(a) > MOST_BITS:
        return None
    return Fraction(a**n)


def _root_power(a: Fraction, b: Fraction) -> Exact:
    if a < 0 or (a == 0 and b < 0):
        return EMPTY
    if b.denominator != 2:
        return Fraction(0) if a == 0 else Fraction(1) if a == 1 else None
    root = _square_root(a)
    return _power(root, Fraction(b.numerator)) if isinstance(root, Fraction) else None


def _square_root(a: Fraction) -> Exact:
    return EMPTY if a < 0 else _rooted(a, math.isqrt)


def _cube_root(a: Fraction) -> Exact:
    root = _rooted(abs(a), _integer_cube_root)
    return root * (1 if a > 0 else -1) if isinstance(root, Fraction) else root


def _rooted(a: Fraction, root: Callable[[int], int]) -> Fraction | None:
    power = 2 if root is math.isqrt else 3
    top, bottom = root(a.numerator), root(a.denominator)
    exact = top**power == a.numerator and bottom**power == a.denominator
    return Fraction(top, bottom) if exact else None


def _integer_cube_root(n: int) -> int:
    x = 1 << -(-n.bit_length() // 3)  # Newton's method from above falls to the floor
    while x and (y := (2 * x + n // (x * x)) // 3) < x:
        x = y
    return x if n else 0


def _hypot(a: Fraction, b: Fraction) -> Exact:
    return _square_root(a * a + b * b)


def _log2(a: Fraction) -> Exact:
    return _logarithm(a, 2)


def _log10(a: Fraction) -> Exact:
    return _logarithm(a, 10)


def _logarithm(a: Fraction, base: int) -> Exact:
    if a <= 0:
        return EMPTY
    if a < 1:
        other = _logarithm(1 / a, base)
        return -other if isinstance(other, Fraction) else None
    n = round(math.log2(a.numerator) / math.log2(base)) if a.denominator == 1 else -1
    return Fraction(n) if n >= 0 and base**n == a else None


def _gamma(a: Fraction) -> Exact:
    if a.denominator != 1:
        return None
    if a <= 0:
        return EMPTY
    return Fraction(math.factorial(a.numerator - 1)) if a <= 1_000 else None


def _half_away(a: Fraction) -> Fraction:
    size = math.floor(abs(a) + Fraction(1, 2))
    return Fraction(size if a >= 0 else -size)


def _whole(function: Callable[[Fraction], int]) -> Callable[[Fraction], Fraction]:
    return lambda a: Fraction(function(a))


def _known(*rows: tuple[int, int]) -> Callable[[Fraction], Exact]:
    """A function that is rational at few rational numbers: argument and value."""
    values = {Fraction(x): Fraction(y) for x, y in rows}
    return lambda a: values.get(a)


def _truth(compare: Callable[[Fraction, Fraction], bool]) -> Callable[..., Fraction]:
    return lambda a, b: Fraction(int(compare(a, b)))


EXACT: Mapping[Op, Callable[..., Exact]] = {
    Op.NEG: lambda a: -a,
    Op.ADD: lambda a, b: a + b,
    Op.SUB: lambda a, b: a - b,
    Op.MUL: lambda a, b: a * b,
    Op.DIV: _divided,
    Op.POW: _power,
    Op.MOD: _mod,
    Op.FMOD: _fmod,
    Op.EXP: _known((0, 1)),
    Op.EXPM1: _known((0, 0)),
    Op.LOG: _known((1, 0)),
    Op.LOG1P: _known((0, 0)),
    Op.LOG2: _log2,
    Op.LOG10: _log10,
    Op.SQRT: _square_root,
    Op.CBRT: _cube_root,
    Op.SIN: _known((0, 0)),
    Op.COS: _known((0, 1)),
    Op.TAN: _known((0, 0)),
    Op.ASIN: _known((0, 0)),
    Op.ACOS: _known((1, 0)),
    Op.ATAN: _known((0, 0)),
    Op.ATAN2: lambda a, b: Fraction(0) if a == 0 and b >= 0 else None,
    Op.SINH: _known((0, 0)),
    Op.COSH: _known((0, 1)),
    Op.TANH: _known((0, 0)),
    Op.ASINH: _known((0, 0)),
    Op.ACOSH: _known((1, 0)),
    Op.ATANH: _known((0, 0)),
    Op.HYPOT: _hypot,
    Op.ERF: _known((0, 0)),
    Op.ERFC: _known((0, 1)),
    Op.GAMMA: _gamma,
    Op.LGAMMA: _known((1, 0), (2, 0)),
    Op.ABS: abs,
    Op.SIGN: lambda a: Fraction((a > 0) - (a < 0)),
    Op.FLOOR: _whole(math.floor),
    Op.CEIL: _whole(math.ceil),
    Op.ROUND: _half_away,
    Op.RINT: _whole(round),
    Op.TRUNC: _whole(math.trunc),
    Op.MINIMUM: min,
    Op.MAXIMUM: max,
    Op.LT: _truth(lambda a, b: a < b),
    Op.LE: _truth(lambda a, b: a <= b),
    Op.GT: _truth(lambda a, b: a > b),
    Op.GE: _truth(lambda a, b: a >= b),
    Op.EQ: _truth(lambda a, b: a == b),
    Op.NE: _truth(lambda a, b: a != b),
    Op.AND: _truth(lambda a, b: a != 0 and b != 0),
    Op.OR: _truth(lambda a, b: a != 0 or b != 0),
    Op.NOT: lambda a: Fraction(int(a == 0)),
    Op.STOP: lambda a: a,
    Op.CUSTOM: lambda a: a,
}


def exactly(op: Op, operands: list[Fraction]) -> Exact:
    """The value of an operation on rational numbers where it is known to be one."""
    rule = EXACT.get(op)
    if rule is None or any(_bits(a) > MOST_BITS for a in operands):
        return None
    return rule(*operands)


def _bits(a: Fraction) -> int:
    return a.numerator.bit_length() + a.denominator.bit_length()
