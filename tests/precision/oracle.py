"""Pointwise operations by mpmath's public functions, as an independent reference.

Each takes numbers of a context whose precision the caller sets, far above what is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mpmath
from mpmath import mp

from flux.ops import Op


def half_away(x: Any) -> Any:
    return mp.sign(x) * mp.floor(abs(x) + mpmath.mpf("0.5"))


def fmod(x: Any, y: Any) -> Any:
    quotient = x / y
    return x - y * (mp.floor(quotient) if quotient >= 0 else mp.ceil(quotient))


def polygamma(n: Any, x: Any) -> Any:
    return mp.psi(int(n), x)


def lgamma(x: Any) -> Any:
    return mp.log(abs(mp.gamma(x)))


ORACLE: Mapping[Op, Callable[..., Any]] = {
    Op.NEG: lambda x: -x,
    Op.ADD: lambda x, y: x + y,
    Op.SUB: lambda x, y: x - y,
    Op.MUL: lambda x, y: x * y,
    Op.DIV: lambda x, y: x / y,
    Op.POW: lambda x, y: x**y,
    Op.MOD: lambda x, y: x - y * mp.floor(x / y),
    Op.FMOD: fmod,
    Op.EXP: mp.exp,
    Op.EXPM1: mp.expm1,
    Op.LOG: mp.log,
    Op.LOG1P: mp.log1p,
    Op.LOG2: lambda x: mp.log(x, 2),
    Op.LOG10: mp.log10,
    Op.SQRT: mp.sqrt,
    Op.CBRT: lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    Op.SIN: mp.sin,
    Op.COS: mp.cos,
    Op.TAN: mp.tan,
    Op.ASIN: mp.asin,
    Op.ACOS: mp.acos,
    Op.ATAN: mp.atan,
    Op.ATAN2: mp.atan2,
    Op.SINH: mp.sinh,
    Op.COSH: mp.cosh,
    Op.TANH: mp.tanh,
    Op.ASINH: mp.asinh,
    Op.ACOSH: mp.acosh,
    Op.ATANH: mp.atanh,
    Op.HYPOT: mp.hypot,
    Op.ERF: mp.erf,
    Op.ERFC: mp.erfc,
    Op.GAMMA: mp.gamma,
    Op.LGAMMA: lgamma,
    Op.POLYGAMMA: polygamma,
    Op.ABS: abs,
    Op.SIGN: mp.sign,
    Op.FLOOR: mp.floor,
    Op.CEIL: mp.ceil,
    Op.ROUND: half_away,
    Op.RINT: mp.nint,
    Op.TRUNC: lambda x: mp.sign(x) * mp.floor(abs(x)),
    Op.MINIMUM: min,
    Op.MAXIMUM: max,
    Op.LT: lambda x, y: mpmath.mpf(x < y),
    Op.LE: lambda x, y: mpmath.mpf(x <= y),
    Op.GT: lambda x, y: mpmath.mpf(x > y),
    Op.GE: lambda x, y: mpmath.mpf(x >= y),
    Op.EQ: lambda x, y: mpmath.mpf(x == y),
    Op.NE: lambda x, y: mpmath.mpf(x != y),
    Op.AND: lambda x, y: mpmath.mpf(x != 0 and y != 0),
    Op.OR: lambda x, y: mpmath.mpf(x != 0 or y != 0),
    Op.NOT: lambda x: mpmath.mpf(x == 0),
    Op.WHERE: lambda c, x, y: x if c != 0 else y,
    Op.STOP: lambda x: x,
    Op.CUSTOM: lambda x, *_: x,
}


def exact(op: Op, *points: Any) -> Any:
    """The value at mpmath's current precision; None outside the domain."""
    try:
        value = ORACLE[op](*(mpmath.mpf(x) for x in points))
    except (ValueError, ZeroDivisionError):
        return None
    return value if isinstance(value, mpmath.mpf) and mp.isfinite(value) else None
