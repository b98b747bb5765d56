"""The gamma function of a Python float, by the method that SciPy uses for arrays.

`math.gamma` and `scipy.special.gamma` are each within 8 units in the last place, on different
sides; one method keeps the reference evaluator and the backends together.

Source:
    Moshier, Cephes Mathematical Library, gamma.c (1989): a rational function on [2, 3), the
    recurrence around it, Stirling's formula from 33 on.
"""

from __future__ import annotations

import math

_P = (
    1.60119522476751861407e-4,
    1.19135147006586384913e-3,
    1.04213797561761569935e-2,
    4.76367800457137231464e-2,
    2.07448227648435975150e-1,
    4.94214826801497100753e-1,
    9.99999999999999996796e-1,
)
_Q = (
    -2.31581873324120129819e-5,
    5.39605580493303397842e-4,
    -4.45641913851797240494e-3,
    1.18139785222060435552e-2,
    3.58236398605498653373e-2,
    -2.34591795718243348568e-1,
    7.14304917030273074085e-2,
    1.0,
)
_STIRLING = (
    7.87311395793093628397e-4,
    -2.29549961613378126380e-4,
    -2.68132617805781232825e-3,
    3.47222221605458667310e-3,
    8.33333333333482257126e-2,
)
_LARGE_POWER = 143.01608  # x^(x - 1/2) overflows beyond it
_LARGEST = 171.624376956302725
_SQRT_TWO_PI = 2.50662827463100050242
_EULER = 0.5772156649015329


def gamma(x: float) -> float:
    """The integral of t^(x-1) exp(-t) over t from 0 to infinity, continued to x < 0.

    Raises:
        ValueError: x is 0, a negative integer, or -inf.
        OverflowError: the value is beyond the largest float.
    """
    if math.isnan(x) or x == math.inf:
        return x
    if x <= 0 and (x == -math.inf or x == math.floor(x)):
        raise ValueError("gamma has a pole here")
    if abs(x) <= 33:
        return _near(x)
    return _stirling(x) if x > 0 else _reflected(-x)


def _near(x: float) -> float:
    z = 1.0
    while x >= 3:
        x -= 1
        z *= x
    while x < 2:
        if abs(x) < 1e-9:  # gamma(x) = 1/x - 0.577... there
            return _finite(z / ((1 + _EULER * x) * x))
        z /= x
        x += 1
    return z if x == 2 else z * _polynomial(_P, x - 2) / _polynomial(_Q, x - 2)


def _stirling(x: float) -> float:
    if x >= _LARGEST:
        raise OverflowError("gamma of a number beyond 171.6")
    w = 1 + _polynomial(_STIRLING, 1 / x) / x
    if x > _LARGE_POWER:
        half = math.pow(x, 0.5 * x - 0.25)
        return _finite(_SQRT_TWO_PI * (half * (half / math.exp(x))) * w)
    return _SQRT_TWO_PI * (math.pow(x, x - 0.5) / math.exp(x)) * w


def _reflected(q: float) -> float:
    # gamma(-q) = -pi / (q sin(pi q) gamma(q))
    whole = math.floor(q)
    sign = -1.0 if whole % 2 == 0 else 1.0
    fraction = q - whole
    if fraction > 0.5:
        fraction = q - (whole + 1)
    z = abs(q * math.sin(math.pi * fraction))
    if q >= _LARGEST:
        return sign * 0.0
    return sign * math.pi / (z * _stirling(q))


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


def _finite(value: float) -> float:
    if math.isinf(value):
        raise OverflowError("gamma of a number too near 0")
    return value
