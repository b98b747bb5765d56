"""The two tables of pointwise operations agree with each other and with mathematics."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.kernels import KERNELS, SCALARS, kernel
from flux.ops import POINTWISE, Op, Result
from flux.polygamma import polygamma, polygamma_array
from tests.strategies import operands_for

ULPS = {Op.ERFC: 8, Op.POLYGAMMA: 64}
# Two have zeros, where no ulp can hold; SciPy's gamma gives 0 for subnormal values.
ABSOLUTE = {Op.LGAMMA: 1e-14, Op.POLYGAMMA: 1e-12, Op.GAMMA: 1e-305}
SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.5, -2.5, 3.0, -3.0, 1e-300, -1e-300, 1e300, -1e300]
SPECIAL += [math.inf, -math.inf, math.nan, 170.5, -170.5, 710.0, -745.0, 0.49999999999999994, 1e16]


def _points(op, count=400):
    rng = np.random.default_rng(list(Op).index(op))
    wide = rng.normal(size=count) * 10.0 ** rng.integers(-6, 3, count)
    return np.concatenate([SPECIAL, wide, rng.uniform(-1, 1, count)])


def _operands(op):
    x = _points(op)
    arity = max(op.row.arity, 1)
    rng = np.random.default_rng(1)
    columns = [x, *(rng.permutation(x) for _ in range(arity - 1))]
    if arity > 1:
        pairs = np.array([(a, b) for a in SPECIAL for b in SPECIAL])
        extra = [pairs[:, 0], pairs[:, 1], pairs[:, 0]][:arity]
        columns = [np.concatenate(both) for both in zip(columns, extra, strict=True)]
    if op is Op.POLYGAMMA:
        columns[0] = rng.integers(-1, 4, len(columns[0])).astype(float)
        columns[1] = np.clip(columns[1], -50, 1e9)
    return columns


def _scalar(op, operands):
    try:
        return SCALARS[op](*operands)
    except (ValueError, ZeroDivisionError):
        return math.nan
    except OverflowError:
        return math.inf


@pytest.mark.parametrize("op", POINTWISE, ids=lambda op: op.name)
def test_scalars_and_kernels_agree(op):
    columns = _operands(op)
    with np.errstate(all="ignore"):
        array = np.asarray(KERNELS[op](*columns), np.float64)
    for *operands, got in zip(*(c.tolist() for c in columns), array.tolist(), strict=True):
        expected = _scalar(op, operands)
        if not math.isfinite(expected):
            assert not math.isfinite(got), operands  # a pole is an error there, a class here
            continue
        tolerance = max(ULPS.get(op, 4) * math.ulp(expected), ABSOLUTE.get(op, 0.0))
        assert abs(got - expected) <= tolerance, (operands, got, expected)


@pytest.mark.parametrize("op", POINTWISE, ids=lambda op: op.name)
@settings(max_examples=40, derandomize=True)
@given(data=st.data())
def test_operations_are_finite_on_their_domain(op, data):
    operands = data.draw(operands_for(op))
    value = SCALARS[op](*operands)
    assert isinstance(value, float)
    assert math.isfinite(value)
    assert math.isfinite(KERNELS[op](*map(np.float64, operands)))


@pytest.mark.parametrize("op", POINTWISE, ids=lambda op: op.name)
def test_every_kernel_writes_into_out_even_over_an_operand(op):
    columns = _operands(op)
    with np.errstate(all="ignore"):
        expected = np.asarray(KERNELS[op](*columns), np.float64)
        for i in range(len(columns)):
            operands = [c.copy() for c in columns]
            result = kernel(op)(*operands, out=operands[i])
            assert result is operands[i]
            np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("op", [op for op in POINTWISE if op.row.result is not Result.TRUTH])
def test_kernels_keep_float32(op):
    with np.errstate(all="ignore"):
        columns = [c[:50].astype(np.float32) for c in _operands(op)]
        assert KERNELS[op](*columns).dtype == np.float32


# (operation, operands, value by IEEE rules)
VALUES = [
    (Op.DIV, (1, 0), math.inf),
    (Op.DIV, (0, 0), math.nan),
    (Op.POW, (-8, 1 / 3), math.nan),
    (Op.POW, (0, 0), 1),
    (Op.POW, (0, -1), math.inf),
    (Op.CBRT, (-8,), -2),
    (Op.MOD, (-7, 3), 2),
    (Op.MOD, (7, -3), -2),
    (Op.FMOD, (-7, 3), -1),
    (Op.FMOD, (7, -3), 1),
    (Op.MOD, (5, 0), math.nan),
    (Op.ROUND, (0.5,), 1),
    (Op.ROUND, (-2.5,), -3),
    (Op.ROUND, (0.49999999999999994,), 0),
    (Op.ROUND, (4503599627370497.5 - 1,), 4503599627370497),
    (Op.RINT, (2.5,), 2),
    (Op.RINT, (3.5,), 4),
    (Op.TRUNC, (-3.7,), -3),
    (Op.LOG, (0,), -math.inf),
    (Op.LOG, (-1,), math.nan),
    (Op.GAMMA, (0.0,), math.inf),
    (Op.GAMMA, (-0.0,), -math.inf),
    (Op.GAMMA, (-3,), math.nan),
    (Op.LGAMMA, (-3,), math.inf),
    (Op.LGAMMA, (-math.inf,), math.inf),
    (Op.POLYGAMMA, (0, 0.0), -math.inf),
    (Op.POLYGAMMA, (1, -2), math.inf),
    (Op.POLYGAMMA, (2, -2), math.nan),
    (Op.POLYGAMMA, (0.5, 1), math.nan),
    (Op.SIGN, (-3,), -1),
    (Op.SIGN, (math.nan,), math.nan),
    (Op.MINIMUM, (1, math.nan), math.nan),
    (Op.MAXIMUM, (math.nan, 1), math.nan),
    (Op.AND, (math.nan, 1), 1),
    (Op.NOT, (math.nan,), 0),
    (Op.WHERE, (math.nan, 1, 2), 1),
    (Op.WHERE, (0.0, math.nan, 2), 2),
    (Op.EQ, (math.nan, math.nan), 0),
    (Op.CUSTOM, (1, 2, 3), 1),
]


@pytest.mark.parametrize(("op", "operands", "expected"), VALUES)
def test_kernels_have_the_documented_values(op, operands, expected):
    with np.errstate(all="ignore"):
        got = float(KERNELS[op](*(np.float64(x) for x in operands)))
    assert got == expected or (math.isnan(got) and math.isnan(expected))


@pytest.mark.parametrize("x", [1e-300, 0.3, 2.0, 5.0, 30.7, 33.5, 150.2, 171.6, -0.5, -20.3, -60.7])
def test_gamma_agrees_with_mpmath(x):
    exact = float(mpmath.gamma(mpmath.mpf(x)))
    assert SCALARS[Op.GAMMA](x) == pytest.approx(exact, rel=2e-15)
    assert float(KERNELS[Op.GAMMA](np.float64(x))) == pytest.approx(exact, rel=2e-15)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 20, 40])
def test_polygamma_agrees_with_mpmath(n):
    points = [1e-6, 0.3, 1.0, 4.5, 9.99, 40.0, 1e4, 1e8, -0.3, -1.7, -12.4, -100.25]
    array = polygamma_array(np.float64(n), np.array(points))
    for x, got in zip(points, array, strict=True):
        exact = float(mpmath.polygamma(n, mpmath.mpf(x)))
        assert got == pytest.approx(exact, rel=2e-14, abs=1e-15)
        assert polygamma(n, x) == pytest.approx(exact, rel=2e-14, abs=1e-15)
