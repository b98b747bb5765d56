"""Numbers of any number of bits, by mpmath's functions, with outward rounding.

Sums, products, quotients and roots are rounded in the direction asked for. The other functions are
computed with 24 bits more than are kept, and widened by 2^-(bits + 8) of their size: so the
enclosure is right as long as mpmath's value is right to 16 bits fewer than it was asked for. Where
a function's condition costs bits (near a pole, near 1 under acosh), they are added first.

Magnitudes end at 2^(3e18), about 10^(9e17): beyond it an enclosure is open. So is one that would
take long, such as the sine of a number of a million digits.

Source:
    Johansson and others, mpmath: a Python library for arbitrary-precision floating-point
    arithmetic (2023), whose `libmp` works on (sign, mantissa, exponent, bits).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import libmp

from flux.errors import LimitError
from flux.ops import Op
from flux.precision.bounds import INF, Pair

Raw = Any  # mpmath's tuple (sign, mantissa, exponent, bit count)

_GUARD_BITS = 24
_COARSE_BITS = 80
_KEPT_BITS = 8  # of those, beside the value
_MOST_EXPONENT = 3 * 10**18
_MOST_TURN_BITS = 20_000  # of an angle's magnitude
_FAR_BELOW_ZERO = 2_000  # recurrences from there take long

# mpmath keeps constants such as pi in caches that threads must not fill together.
_LOCK = threading.RLock()

_mpf = mpmath.mp.make_mpf
_ONE, _TWO, _ZERO = libmp.fone, libmp.ftwo, libmp.fzero


def raw(x: Any) -> Raw:
    """A number as mpmath's tuple, exactly."""
    if isinstance(x, int):
        return libmp.from_int(x)
    return libmp.from_float(x) if isinstance(x, float) else x._mpf_


def magnitude(x: Raw) -> int:
    """The exponent m with 2^(m-1) <= |x| < 2^m; very low for 0."""
    return x[2] + x[3] if x[1] else -_MOST_EXPONENT


# ---- Functions that mpmath lacks, or loses bits in -----------------------------------------------


def _expm1(x: Raw, bits: int) -> Raw:
    size = magnitude(x)
    if size < -bits:
        return x
    return libmp.mpf_sub(libmp.mpf_exp(x, bits + max(0, -size) + 4), _ONE, bits)


def _log1p(x: Raw, bits: int) -> Raw:
    if magnitude(x) < -bits:
        return x
    return libmp.mpf_log(x if magnitude(x) > bits else libmp.mpf_add(_ONE, x), bits)


def _log2(x: Raw, bits: int) -> Raw:
    return libmp.mpf_div(libmp.mpf_log(x, bits + 4), libmp.mpf_ln2(bits + 4), bits)


def _log10(x: Raw, bits: int) -> Raw:
    return libmp.mpf_div(libmp.mpf_log(x, bits + 4), libmp.mpf_ln10(bits + 4), bits)


def _cbrt(x: Raw, bits: int) -> Raw:
    root = libmp.mpf_cbrt(libmp.mpf_abs(x), bits)
    return libmp.mpf_neg(root) if x[0] else root


def _acosh(x: Raw, bits: int) -> Raw:
    # log(1 + t + sqrt(t*(t + 2))) with t = x - 1, which keeps its bits near 1
    t = libmp.mpf_sub(x, _ONE) if magnitude(x) < 2 * bits else x
    wide = bits + 10
    root = libmp.mpf_sqrt(libmp.mpf_mul(t, libmp.mpf_add(t, _TWO, wide), wide), wide)
    return _log1p(libmp.mpf_add(t, root, wide), bits)


def _digamma(x: Raw, bits: int) -> Raw:
    if not x[0]:
        return libmp.mpf_psi0(x, bits)
    # psi(1 - x) - pi/tan(pi x)
    cosine, sine = libmp.mpf_cos_sin_pi(x, bits)
    slope = libmp.mpf_div(libmp.mpf_mul(libmp.mpf_pi(bits), cosine, bits), sine, bits)
    return libmp.mpf_sub(libmp.mpf_psi0(libmp.mpf_sub(_ONE, x, bits), bits), slope, bits)


def _lgamma(x: Raw, bits: int) -> Raw:
    if not x[0]:
        return _lgamma_above_zero(x, bits)
    # log(pi / |sin(pi x)|) - lgamma(1 - x)
    _, sine = libmp.mpf_cos_sin_pi(x, bits)
    reflected = libmp.mpf_log(libmp.mpf_div(libmp.mpf_pi(bits), libmp.mpf_abs(sine), bits), bits)
    return libmp.mpf_sub(reflected, libmp.mpf_loggamma(libmp.mpf_sub(_ONE, x, bits), bits), bits)


def _lgamma_above_zero(x: Raw, bits: int) -> Raw:
    """With an error of 2^-bits where the value is small, since mpmath takes long for more.

    lgamma(1 + t) = -euler*t + O(t^2), lgamma(2 + t) = (1 - euler)*t + O(t^2)
    """
    near = 0
    for zero, rise in ((_ONE, _ZERO), (_TWO, _ONE)) if 0 <= magnitude(x) <= 2 else ():
        t = libmp.mpf_sub(x, zero)
        near = min(near, magnitude(t))
        if 2 * magnitude(t) < -bits:
            slope = libmp.mpf_sub(rise, libmp.mpf_euler(bits), bits)
            return libmp.mpf_mul(slope, t, bits)
    return libmp.mpf_loggamma(x, bits + near)


def _polygamma(order: Raw, x: Raw, bits: int) -> Raw:
    n = int(libmp.to_int(order))
    return _digamma(x, bits) if n == 0 else libmp.mpf_psi(n, x, bits)


def _power(x: Raw, y: Raw, bits: int) -> Raw:
    whole = y[2] >= 0
    if whole and magnitude(y) <= 12:
        return libmp.mpf_pow_int(x, int(libmp.to_int(y)), bits)
    value = libmp.mpf_exp(_power_exponent(x, y, bits), bits)
    odd = whole and y[2] == 0 and y[1] & 1
    return libmp.mpf_neg(value) if x[0] and odd else value


def _power_exponent(x: Raw, y: Raw, bits: int) -> Raw:
    """y*log|x|, to as many bits after the point as `bits` are."""
    size = libmp.mpf_abs(x)
    wide = bits + 10 + max(0, magnitude(y) + abs(magnitude(x)).bit_length())
    return libmp.mpf_mul(y, libmp.mpf_log(size, wide), wide)


# Operands, then the number of bits; the value to nearly as many.
_FUNCTIONS: Mapping[Op, Callable[..., Raw]] = {
    Op.EXP: libmp.mpf_exp,
    Op.EXPM1: _expm1,
    Op.LOG: libmp.mpf_log,
    Op.LOG1P: _log1p,
    Op.LOG2: _log2,
    Op.LOG10: _log10,
    Op.CBRT: _cbrt,
    Op.SIN: libmp.mpf_sin,
    Op.COS: libmp.mpf_cos,
    Op.TAN: libmp.mpf_tan,
    Op.ASIN: libmp.mpf_asin,
    Op.ACOS: libmp.mpf_acos,
    Op.ATAN: libmp.mpf_atan,
    Op.ATAN2: libmp.mpf_atan2,
    Op.SINH: libmp.mpf_sinh,
    Op.COSH: libmp.mpf_cosh,
    Op.TANH: libmp.mpf_tanh,
    Op.ASINH: libmp.mpf_asinh,
    Op.ACOSH: _acosh,
    Op.ATANH: libmp.mpf_atanh,
    Op.HYPOT: libmp.mpf_hypot,
    Op.ERF: libmp.mpf_erf,
    Op.ERFC: libmp.mpf_erfc,
    Op.GAMMA: libmp.mpf_gamma,
    Op.LGAMMA: _lgamma,
    Op.POLYGAMMA: _polygamma,
    Op.POW: _power,
}

# Rounded in the direction that is asked for.
_DIRECTED: Mapping[Op, Callable[..., Raw]] = {
    Op.ADD: libmp.mpf_add,
    Op.SUB: libmp.mpf_sub,
    Op.MUL: libmp.mpf_mul,
    Op.DIV: libmp.mpf_div,
    Op.SQRT: libmp.mpf_sqrt,
}


def _half_away(x: Raw) -> Raw:
    if magnitude(x) < 0:
        return _ZERO
    if x[2] >= 0:
        return x
    size = libmp.mpf_floor(libmp.mpf_add(libmp.mpf_abs(x), libmp.fhalf))
    return libmp.mpf_neg(size) if x[0] else size


def _sign(x: Raw) -> Raw:
    return libmp.from_int(libmp.mpf_sign(x))


def _whole(function: Callable[[Raw], Raw]) -> Callable[[Raw], Raw]:
    return lambda x: x if x[2] >= 0 else function(x)


def _toward_zero(x: Raw) -> Raw:
    return libmp.mpf_ceil(x) if x[0] else libmp.mpf_floor(x)


_EXACT: Mapping[Op, Callable[[Raw], Raw]] = {
    Op.NEG: libmp.mpf_neg,
    Op.FLOOR: _whole(libmp.mpf_floor),
    Op.CEIL: _whole(libmp.mpf_ceil),
    Op.TRUNC: _whole(_toward_zero),
    Op.RINT: _whole(libmp.mpf_nint),
    Op.ROUND: _half_away,
    Op.SIGN: _sign,
}

OPERATIONS = frozenset((*_FUNCTIONS, *_DIRECTED, *_EXACT))

# The most bits at which a function of mpmath takes well under a second, and of all others.
_MOST_BITS = {
    Op.GAMMA: 2_300,
    Op.LGAMMA: 2_300,
    Op.POLYGAMMA: 2_300,
    Op.ERF: 30_000,
    Op.ERFC: 25_000,
}
_OTHERS_BITS = 100_000


class Multiple:
    """Floating-point numbers of a number of bits as an arithmetic of intervals."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def enclose(self, op: Op, *points: Any) -> Pair:
        """Numbers below and above the value of an operation."""
        operands = [raw(x) for x in points]
        if op in _EXACT:
            value = _mpf(_EXACT[op](*operands))
            return value, value
        if op in _DIRECTED:
            return self._directed(_DIRECTED[op], operands)
        with _LOCK:
            guard = _GUARDS.get(op)
            open_ended = guard(*operands) if guard is not None else None
            return open_ended if open_ended is not None else self.function(op, operands)

    def coarse(self) -> Multiple:
        """The same numbers with few bits, where only a sign is asked for."""
        return type(self)(_COARSE_BITS)

    def _directed(self, function: Callable[..., Raw], operands: list[Raw]) -> Pair:
        low, high = (function(*operands, self.bits, rounding) for rounding in "fc")
        return within_range(low, high)

    def function(self, op: Op, operands: list[Raw]) -> Pair:
        """Numbers around the value of a function, from one that is nearly right."""
        most = _MOST_BITS.get(op, _OTHERS_BITS)
        if self.bits > most:
            raise too_many_bits(op, most)
        bits = self.bits + _GUARD_BITS + _lost_bits(op, operands)
        if bits > 2 * most:
            return -INF, INF
        value = _FUNCTIONS[op](*operands, bits)
        return self._widened(value, self._scale(op, operands, value))

    def _scale(self, op: Op, operands: list[Raw], value: Raw) -> Raw:
        """What the error of a function is relative to: its value, but for those with zeros."""
        size = libmp.mpf_abs(value)
        if op is Op.LGAMMA:
            return libmp.mpf_add(size, _ONE, 53)
        if op is not Op.POLYGAMMA:
            return size
        beside = _FUNCTIONS[op](operands[0], _from_pole(operands[1]), 53)
        return libmp.mpf_add(size, libmp.mpf_add(_ONE, libmp.mpf_abs(beside), 53), 53)

    def _widened(self, value: Raw, scale: Raw) -> Pair:
        error = libmp.mpf_shift(scale, -(self.bits + _KEPT_BITS))
        low = libmp.mpf_sub(value, error, self.bits, "f")
        return within_range(low, libmp.mpf_add(value, error, self.bits, "c"))

    def rational(self, value: Fraction) -> Pair:
        """The numbers around a rational one."""
        low, high = (
            libmp.from_rational(value.numerator, value.denominator, self.bits, rounding)
            for rounding in "fc"
        )
        return _mpf(low), _mpf(high)

    def named(self, name: str) -> Pair:
        """The numbers around pi or e."""
        with _LOCK:
            constant = {"pi": libmp.mpf_pi, "e": libmp.mpf_e}[name]
            value = constant(self.bits + _GUARD_BITS)
        return self._widened(value, value)


def too_many_bits(op: Op, most: int) -> LimitError:
    """The error of a function that would take long."""
    return LimitError(
        f"{op.row.name} to more than {int(most * 0.301) - 10} digits takes too long",
        hint='pip install "fluxparser[arb]" has quicker functions',
    )


def within_range(low: Raw, high: Raw) -> Pair:
    """The ends, opened where they are beyond the range of magnitudes."""
    return _lower(low), _upper(high)


def _lower(x: Raw) -> Any:
    if magnitude(x) > _MOST_EXPONENT:
        return -INF if x[0] else LARGEST
    return _mpf(x) if magnitude(x) > -_MOST_EXPONENT or not x[1] else (-SMALLEST if x[0] else 0)


def _upper(x: Raw) -> Any:
    if magnitude(x) > _MOST_EXPONENT:
        return -LARGEST if x[0] else INF
    return _mpf(x) if magnitude(x) > -_MOST_EXPONENT or not x[1] else (0 if x[0] else SMALLEST)


_BELOW_ONE = libmp.mpf_sub(_ONE, (0, 1, -200_000, 1))
LARGEST = _mpf((0, 1, _MOST_EXPONENT, 1))
SMALLEST = _mpf((0, 1, -_MOST_EXPONENT, 1))


# ---- Values out of reach, and bits that are lost -------------------------------------------------

Guard = Callable[..., Pair | None]


def _guard_exp(x: Raw) -> Pair | None:
    if magnitude(x) <= 61:
        return None
    return (0, SMALLEST) if x[0] else (LARGEST, INF)


def _guard_expm1(x: Raw) -> Pair | None:
    if magnitude(x) <= 61:
        return None
    return (-1, _mpf(libmp.mpf_neg(_BELOW_ONE))) if x[0] else (LARGEST, INF)


def _guard_sinh(x: Raw) -> Pair | None:
    if magnitude(x) <= 61:
        return None
    return (-INF, -LARGEST) if x[0] else (LARGEST, INF)


def _guard_tanh(x: Raw) -> Pair | None:
    if magnitude(x) <= 20:
        return None
    low = _mpf(_BELOW_ONE)
    return (-1, _mpf(libmp.mpf_neg(_BELOW_ONE))) if x[0] else (low, 1)


def _guard_cosh(x: Raw) -> Pair | None:
    return None if magnitude(x) <= 61 else (LARGEST, INF)


def _guard_wave(x: Raw) -> Pair | None:
    return None if magnitude(x) <= _MOST_TURN_BITS else (-1, 1)


def _guard_tan(x: Raw) -> Pair | None:
    return None if magnitude(x) <= _MOST_TURN_BITS else (-INF, INF)


def _guard_erfc(x: Raw) -> Pair | None:
    if magnitude(x) <= 30:
        return None
    return (_mpf(libmp.mpf_shift(_BELOW_ONE, 1)), 2) if x[0] else (0, SMALLEST)


def _guard_gamma(x: Raw) -> Pair | None:
    if _is_hard(x):
        return -INF, INF
    return (LARGEST, INF) if magnitude(x) > 56 else None


def _guard_lgamma(x: Raw) -> Pair | None:
    if _is_hard(x):
        return -INF, INF
    return (_mpf(x), _mpf(libmp.mpf_mul(x, x))) if magnitude(x) > 1_000 else None


def _guard_polygamma(order: Raw, x: Raw) -> Pair | None:
    return (-INF, INF) if magnitude(x) > 1_000 or _is_hard(x) else None


def _guard_power(x: Raw, y: Raw) -> Pair | None:
    logarithm = libmp.mpf_log(libmp.mpf_abs(x), 30)
    if not logarithm[1] or magnitude(logarithm) + magnitude(y) <= 62:
        return None
    if logarithm[0] != y[0]:
        return -SMALLEST, SMALLEST
    return (LARGEST, INF) if not x[0] else (-INF, INF)


def _is_hard(x: Raw) -> bool:
    """Whether gamma's kin take long: far below 0, or so near a pole that many bits are lost."""
    if x[0] and libmp.mpf_lt(x, libmp.from_int(-_FAR_BELOW_ZERO)):
        return True
    return magnitude(_from_pole(x)) < -_MOST_TURN_BITS


_GUARDS: Mapping[Op, Guard] = {
    Op.EXP: _guard_exp,
    Op.EXPM1: _guard_expm1,
    Op.SINH: _guard_sinh,
    Op.COSH: _guard_cosh,
    Op.TANH: _guard_tanh,
    Op.SIN: _guard_wave,
    Op.COS: _guard_wave,
    Op.TAN: _guard_tan,
    Op.ERFC: _guard_erfc,
    Op.GAMMA: _guard_gamma,
    Op.LGAMMA: _guard_lgamma,
    Op.POLYGAMMA: _guard_polygamma,
    Op.POW: _guard_power,
}


def _from_pole(x: Raw) -> Raw:
    """How far a number below 0 is from the nearest pole of gamma; itself above 0."""
    if not x[0] or magnitude(x) < 0:
        return x
    return libmp.mpf_abs(libmp.mpf_sub(x, libmp.mpf_nint(x)))


def _lost_bits(op: Op, operands: list[Raw]) -> int:
    """Bits that a function loses near a pole."""
    if op not in (Op.GAMMA, Op.LGAMMA, Op.POLYGAMMA):
        return 0
    return 10 + max(0, -magnitude(_from_pole(operands[-1])))


def outward_floats(pair: Pair) -> tuple[float, float]:
    """The floats around a pair of numbers."""
    low, high = (float(x) for x in pair)
    return math.nextafter(low, -INF), math.nextafter(high, INF)


def fraction(x: Any) -> Fraction:
    """A number as the ratio that it is."""
    sign, mantissa, exponent, _ = raw(x)
    size = Fraction(int(mantissa) << exponent) if exponent >= 0 else _divided(mantissa, -exponent)
    return -size if sign else size


def _divided(mantissa: Any, shift: int) -> Fraction:
    return Fraction(int(mantissa), 1 << shift)
