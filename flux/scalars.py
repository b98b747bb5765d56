"""Pointwise operations on Python floats: one row per operation, for the reference evaluator.

A row signals an operation outside its domain as Python's `math` does, with ValueError,
ZeroDivisionError or OverflowError, or returns a value that is not finite; `flux.expr.evaluate`
turns both into a DomainError. `flux.kernels` has the same operations on arrays, by IEEE rules.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from flux.gamma import gamma
from flux.ops import Op
from flux.polygamma import polygamma

Scalar = Callable[..., float]

_INTEGERS = 2.0**52  # from here on every float is an integer


def _rounded(function: Callable[[float], int]) -> Scalar:
    def apply(x: float) -> float:
        if not abs(x) < _INTEGERS:  # integers, infinities and nan
            return x
        return math.copysign(float(function(x)), x)

    return apply


def _half_away(x: float) -> int:
    whole = int(x)
    return whole + (0 if abs(x - whole) < 0.5 else 1 if x > 0 else -1)


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0)) if x == x else x


def _minimum(a: float, b: float) -> float:
    return a if a < b or a != a else b


def _maximum(a: float, b: float) -> float:
    return a if a > b or a != a else b


def _first(value: float, *_: float) -> float:
    return value


# Truth is "not zero", so nan is true, as in C, Python and NumPy.
SCALARS: Mapping[Op, Scalar] = {
    Op.NEG: operator.neg,
    Op.ADD: operator.add,
    Op.SUB: operator.sub,
    Op.MUL: operator.mul,
    Op.DIV: operator.truediv,
    Op.POW: math.pow,
    Op.MOD: operator.mod,
    Op.FMOD: math.fmod,
    Op.EXP: math.exp,
    Op.EXPM1: math.expm1,
    Op.LOG: math.log,
    Op.LOG1P: math.log1p,
    Op.LOG2: math.log2,
    Op.LOG10: math.log10,
    Op.SQRT: math.sqrt,
    Op.CBRT: math.cbrt,
    Op.SIN: math.sin,
    Op.COS: math.cos,
    Op.TAN: math.tan,
    Op.ASIN: math.asin,
    Op.ACOS: math.acos,
    Op.ATAN: math.atan,
    Op.ATAN2: math.atan2,
    Op.SINH: math.sinh,
    Op.COSH: math.cosh,
    Op.TANH: math.tanh,
    Op.ASINH: math.asinh,
    Op.ACOSH: math.acosh,
    Op.ATANH: math.atanh,
    Op.HYPOT: math.hypot,
    Op.ERF: math.erf,
    Op.ERFC: math.erfc,
    Op.GAMMA: gamma,
    Op.LGAMMA: math.lgamma,
    Op.POLYGAMMA: polygamma,
    Op.ABS: abs,
    Op.SIGN: _sign,
    Op.FLOOR: _rounded(math.floor),
    Op.CEIL: _rounded(math.ceil),
    Op.ROUND: _rounded(_half_away),
    Op.RINT: _rounded(round),
    Op.TRUNC: _rounded(int),
    Op.MINIMUM: _minimum,
    Op.MAXIMUM: _maximum,
    Op.LT: lambda a, b: float(a < b),
    Op.LE: lambda a, b: float(a <= b),
    Op.GT: lambda a, b: float(a > b),
    Op.GE: lambda a, b: float(a >= b),
    Op.EQ: lambda a, b: float(a == b),
    Op.NE: lambda a, b: float(a != b),
    Op.AND: lambda a, b: float(a != 0 and b != 0),
    Op.OR: lambda a, b: float(a != 0 or b != 0),
    Op.NOT: lambda a: float(a == 0),
    Op.WHERE: lambda c, a, b: a if c != 0 else b,
    Op.STOP: lambda a: a,
    Op.CUSTOM: _first,
}
