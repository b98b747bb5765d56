"""The polygamma function, for Python floats and for arrays, by one method.

psi_n is the n-th derivative of digamma, psi_0 = (log gamma)'. For x > 0 the recurrence moves the
argument up to where the asymptotic series holds; for x < 0 reflection brings it back. Orders run
from 0 to 100. SciPy's own is not used: it has no negative arguments for most orders.

Source:
    Abramowitz and Stegun, Handbook of Mathematical Functions: 6.3.5, 6.3.7, 6.3.18 (digamma) and
    6.4.6, 6.4.7, 6.4.11 (polygamma); Bernoulli numbers: table 23.2.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_ORDER = 100

_BERNOULLI = tuple(  # B_2, B_4, ..., B_20
    Fraction(*pair)
    for pair in [
        (1, 6),
        (-1, 30),
        (1, 42),
        (-1, 30),
        (5, 66),
        (-691, 2730),
        (7, 6),
        (-3617, 510),
        (43867, 798),
        (-174611, 330),
    ]
)


def polygamma(order: float, x: float) -> float:
    """psi_n(x) for floats.

    Raises:
        ValueError: an order that is not an integer from 0 to 100, or x at a pole.
        OverflowError: the value is beyond the largest float.
    """
    if order != order or x != x:
        return math.nan
    if not _is_order(order) or x == -math.inf or (x <= 0 and x == math.floor(x)):
        raise ValueError("outside the domain of polygamma")
    n = int(order)
    if x > 0:
        return _positive(n, x)
    sign = -1.0 if n % 2 else 1.0
    cotangent = 1.0 / math.tan(math.pi * (x - round(x)))
    slope: float = _horner(_cotangent_derivative(n), cotangent)
    return sign * _positive(n, 1.0 - x) - slope


def _is_order(order: float) -> bool:
    return 0 <= order <= MAX_ORDER and order == int(order)


def _positive(n: int, x: float) -> float:
    if x == math.inf:
        return math.inf if n == 0 else 0.0
    return _digamma(x) if n == 0 else _derivative(n, x)


def _digamma(x: float) -> float:
    terms = []
    while x < 10.0:
        terms.append(1.0 / x)
        x += 1.0
    tail = _horner(_digamma_series(), 1.0 / (x * x))
    return math.fsum([math.log(x), -0.5 / x, -tail, *(-term for term in terms)])


def _derivative(n: int, x: float) -> float:
    # (-1)^(n+1) psi_n(x) = (n-1)!/x^n * (n/x * sum_k (x/(x+k))^(n+1) + (x/y)^n * series(y)), where
    # y = x + shift and the sum runs over the shift: every term is positive, so nothing cancels.
    shift = _shift(n) if x < _shift(n) else 0
    y = x + shift
    tail = _horner(_derivative_series(n), 1.0 / (y * y)) + n / (2.0 * y) + 1.0
    parts = [n / x * (x / (x + k)) ** (n + 1) for k in range(shift)]
    total = math.fsum([*parts, tail * (x / y) ** n]) * _factorial_over_power(n, x)
    return total if n % 2 else -total


def _shift(n: int) -> int:
    return 10 + 2 * n


def _factorial_over_power(n: int, x: float) -> float:
    if n <= 20:
        return float(math.factorial(n - 1)) * math.pow(x, -n)
    product = 1.0 / x  # (n-1)! and x^n alone may leave the range of floats
    for j in range(1, n):
        product *= j / x
    return product


def _horner(coefficients: tuple[float, ...], z: Any) -> Any:
    total = z * 0.0
    for coefficient in reversed(coefficients):
        total = total * z + coefficient
    return total


@lru_cache(maxsize=1)
def _digamma_series() -> tuple[float, ...]:
    # sum_k B_2k / (2k y^2k), as a polynomial in 1/y^2.
    return (0.0, *(float(b / (2 * k)) for k, b in enumerate(_BERNOULLI, 1)))


@lru_cache(maxsize=MAX_ORDER + 1)
def _derivative_series(n: int) -> tuple[float, ...]:
    # sum_k B_2k binomial(2k + n - 1, 2k) / y^2k, as a polynomial in 1/y^2.
    terms = (b * math.comb(2 * k + n - 1, 2 * k) for k, b in enumerate(_BERNOULLI, 1))
    return (0.0, *(float(term) for term in terms))


@lru_cache(maxsize=MAX_ORDER + 1)
def _cotangent_derivative(n: int) -> tuple[float, ...]:
    # pi d^n/dx^n cot(pi x) as a polynomial in c = cot(pi x), from dc/dx = -pi (1 + c^2).
    p = [0, 1]
    for _ in range(n):
        slope = [-k * a for k, a in enumerate(p)][1:]
        p = [a + b for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return tuple(float(a) * math.pi ** (n + 1) for a in p)


def polygamma_array(
    order: NDArray[Any], x: NDArray[Any], out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """psi_n(x) for arrays, by IEEE rules.

    A pole gives the infinity that both sides agree on (odd n), that the sign of zero names (even n
    at +-0), else nan; so does an order that is not an integer from 0 to 100.
    """
    orders, points = np.broadcast_arrays(np.asarray(order), np.asarray(x))
    dtype = np.result_type(orders, points, np.float32)
    result = np.full(points.shape, np.nan, dtype) if out is None else out
    found = np.full(points.shape, np.nan)
    for value in np.unique(np.asarray(order)):
        if _is_order(value):
            at = orders == value
            found[at] = _of_order(int(value), points[at].astype(np.float64))
    np.copyto(result, found, casting="same_kind")
    return result


def _of_order(n: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.full(x.shape, np.nan)
    positive = x > 0
    result[positive] = _positive_array(n, x[positive])
    poles = (x <= 0) & (x == np.floor(x)) & (x > -np.inf)
    result[poles] = _at_poles(n, x[poles])
    negative = (x < 0) & ~poles & (x > -np.inf)
    result[negative] = _reflected(n, x[negative])
    return result


def _at_poles(n: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    if n % 2:
        return np.full(x.shape, np.inf)
    return np.where(x == 0, -np.copysign(np.inf, x), np.nan)


def _reflected(n: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    sign = -1.0 if n % 2 else 1.0
    cotangent = 1.0 / np.tan(np.pi * (x - np.rint(x)))
    mirrored = sign * _positive_array(n, 1.0 - x)
    result: NDArray[np.float64] = mirrored - _horner(_cotangent_derivative(n), cotangent)
    return result


def _positive_array(n: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    if n == 0:
        return _digamma_array(x)
    result = _derivative_array(n, np.minimum(x, 1e300))
    return np.where(np.isinf(x), 0.0, result)


def _digamma_array(x: NDArray[np.float64]) -> NDArray[np.float64]:
    shift = np.where(x < 10.0, 10, 0)
    y = x + shift
    total: NDArray[np.float64] = np.log(y) - 0.5 / y - _horner(_digamma_series(), 1.0 / y / y)
    for k in range(9, -1, -1):
        total = np.where(k < shift, total - 1.0 / (x + k), total)
    return total


def _derivative_array(n: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    shift = np.where(x < _shift(n), _shift(n), 0)
    y = x + shift
    tail = _horner(_derivative_series(n), 1.0 / y / y) + n / (2.0 * y) + 1.0
    total: NDArray[np.float64] = tail * (x / y) ** n
    for k in range(_shift(n) - 1, -1, -1):
        total = np.where(k < shift, total + n / x * (x / (x + k)) ** (n + 1), total)
    total = total * _factorial_over_power_array(n, x)
    return total if n % 2 else -total


def _factorial_over_power_array(n: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    if n <= 20:
        return math.factorial(n - 1) * x ** float(-n)
    product = 1.0 / x
    for j in range(1, n):
        product = product * (j / x)
    return product
