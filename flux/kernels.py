"""Pointwise operations on arrays: one NumPy function per operation, by IEEE rules.

The reference evaluator and the numpy backend share this table. Every row takes its operands by
position and `out=`, which may be one of them, and is a real ufunc wherever NumPy or SciPy has one
(`kernel` gives SciPy's own, once imported). Callers run them under `np.errstate(all="ignore")`.

The values outside a domain are IEEE's: nan, or the infinity that a pole has. gamma(+0) is inf,
gamma(-0) is -inf and gamma at a negative integer nan; lgamma is inf at each of these and at both
infinities. Truth is "not zero", so nan is true. `flux.scalars` has the same rows on Python floats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.erfc32 import erfc32
from flux.ops import Op
from flux.polygamma import polygamma_array
from flux.scalars import SCALARS

__all__ = ["KERNELS", "SCALARS", "kernel"]

Array = NDArray[Any]
Kernel = Callable[..., Array]

_BELOW_HALF = {np.dtype(t): np.nextafter(t(0.5), t(0)) for t in (np.float32, np.float64)}


@cache
def _special() -> ModuleType:
    import scipy.special  # heavy, and most formulas need none of it

    special: ModuleType = scipy.special
    return special


def _erf(x: Array, out: Array | None = None) -> Array:
    return np.asarray(_special().erf(x, out=out))


def _erfc(x: Array, out: Array | None = None) -> Array:
    # SciPy's erfc loses hundreds of ulp in the tail, where exp(-x^2) magnifies the rounding of x^2.
    # There: erfcx(x) exp(-h^2) exp(-(x - h)(x + h)), with h the float32 of x, so that h^2 is exact.
    x = np.asarray(x)
    if x.dtype == np.float32:
        return erfc32(x, out)
    tail = x > 0.5
    if x.dtype != np.float64 or not tail.any():
        return np.asarray(_special().erfc(x, out=out))
    far = np.clip(x, 0.5, 30.0)
    h = far.astype(np.float32).astype(np.float64)
    small = _special().erfcx(far) * (np.exp(-h * h) * np.exp(-(far - h) * (far + h)))
    result = np.asarray(_special().erfc(x, out=out))
    np.copyto(result, small, where=tail)
    return result


def _gamma(x: Array, out: Array | None = None) -> Array:
    return np.asarray(_special().gamma(x, out=out))


def _lgamma(x: Array, out: Array | None = None) -> Array:
    lowest = np.equal(x, -np.inf)  # SciPy gives -inf there; C and Python give inf
    result = np.asarray(_special().gammaln(x, out=out))
    np.copyto(result, np.inf, where=lowest)
    return result


def _round_half_away(x: Array, out: Array | None = None) -> Array:
    # trunc(x + copysign(h, x)) with h the float just below one half: h itself would carry
    # 0.49999999999999994 up to 1.
    x = np.asarray(x)
    half = _BELOW_HALF.get(x.dtype, _BELOW_HALF[np.dtype(np.float64)])
    moved = np.asarray(np.copysign(half, x))
    np.add(x, moved, out=moved)
    return np.asarray(np.trunc(moved, out=moved if out is None else out))


def _where(condition: Array, then: Array, otherwise: Array, out: Array | None = None) -> Array:
    chosen = np.where(np.not_equal(condition, 0), then, otherwise)
    if out is None:
        return chosen
    np.copyto(out, chosen, casting="same_kind")
    return out


def _first(value: Array, *_: Array, out: Array | None = None) -> Array:
    result: Array = np.positive(value, out=out)
    return result


KERNELS: Mapping[Op, Kernel] = {
    Op.NEG: np.negative,
    Op.ADD: np.add,
    Op.SUB: np.subtract,
    Op.MUL: np.multiply,
    Op.DIV: np.true_divide,
    Op.POW: np.power,
    Op.MOD: np.remainder,
    Op.FMOD: np.fmod,
    Op.EXP: np.exp,
    Op.EXPM1: np.expm1,
    Op.LOG: np.log,
    Op.LOG1P: np.log1p,
    Op.LOG2: np.log2,
    Op.LOG10: np.log10,
    Op.SQRT: np.sqrt,
    Op.CBRT: np.cbrt,
    Op.SIN: np.sin,
    Op.COS: np.cos,
    Op.TAN: np.tan,
    Op.ASIN: np.arcsin,
    Op.ACOS: np.arccos,
    Op.ATAN: np.arctan,
    Op.ATAN2: np.arctan2,
    Op.SINH: np.sinh,
    Op.COSH: np.cosh,
    Op.TANH: np.tanh,
    Op.ASINH: np.arcsinh,
    Op.ACOSH: np.arccosh,
    Op.ATANH: np.arctanh,
    Op.HYPOT: np.hypot,
    Op.ERF: _erf,
    Op.ERFC: _erfc,
    Op.GAMMA: _gamma,
    Op.LGAMMA: _lgamma,
    Op.POLYGAMMA: polygamma_array,
    Op.ABS: np.absolute,
    Op.SIGN: np.sign,
    Op.FLOOR: np.floor,
    Op.CEIL: np.ceil,
    Op.ROUND: _round_half_away,
    Op.RINT: np.rint,
    Op.TRUNC: np.trunc,
    Op.MINIMUM: np.minimum,
    Op.MAXIMUM: np.maximum,
    Op.LT: np.less,
    Op.LE: np.less_equal,
    Op.GT: np.greater,
    Op.GE: np.greater_equal,
    Op.EQ: np.equal,
    Op.NE: np.not_equal,
    Op.AND: np.logical_and,
    Op.OR: np.logical_or,
    Op.NOT: np.logical_not,
    Op.WHERE: _where,
    Op.STOP: np.positive,
    Op.CUSTOM: _first,
}


def kernel(op: Op) -> Kernel:
    """The function of an operation, without the wrapper that imports SciPy on first use."""
    if op not in (Op.ERF, Op.GAMMA):
        return KERNELS[op]
    ufunc: Kernel = _special().erf if op is Op.ERF else _special().gamma
    return ufunc
