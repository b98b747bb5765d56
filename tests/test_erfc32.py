"""erfc of float32 numbers, beside SciPy's of float64 numbers and mpmath's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest

from flux.erfc32 import erfc32
from flux.kernels import KERNELS
from flux.ops import Op

_ULP = 8
_SPACING = np.float32(1e-45)


def _off(x: np.ndarray) -> np.ndarray:
    """How many units in the last place the result is off; float64's erfc is the measure."""
    expected = KERNELS[Op.ERFC](x.astype(np.float64))
    unit = np.spacing(np.maximum(expected.astype(np.float32), _SPACING))
    return np.abs(erfc32(x) - expected) / unit


@pytest.mark.parametrize("low", range(-12, 12))
def test_every_value_is_within_eight_units(low: int) -> None:
    x = np.random.default_rng(low + 12).uniform(low, low + 1, 200_000).astype(np.float32)
    assert _off(x).max() <= _ULP


@pytest.mark.parametrize("exponent", range(-40, 4))
def test_so_is_every_scale(exponent: int) -> None:
    x = (np.random.default_rng(1).uniform(-1, 1, 2_000) * 10.0**exponent).astype(np.float32)
    assert _off(x).max() <= _ULP


@pytest.mark.parametrize("x", [-3.5, -0.25, 0.0, 0.3, 1.0, 2.75, 5.5, 9.0])
def test_mpmath_agrees(x: float) -> None:
    expected = float(mpmath.erfc(x))
    found = float(erfc32(np.array(x, np.float32))[()])
    assert abs(found - expected) <= _ULP * float(np.spacing(np.float32(expected)))


def test_ends_and_what_is_no_number() -> None:
    x = np.array([np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 1e-45, np.nan], np.float32)
    with np.errstate(all="ignore"):
        found = erfc32(x)
    np.testing.assert_array_equal(found, np.array([0, 2, 1, 1, 0, 2, 1, np.nan], np.float32))


def test_shapes_orders_and_places() -> None:
    x = np.random.default_rng(0).normal(0, 2, (300, 200)).astype(np.float32)
    expected = erfc32(x)
    assert erfc32(np.zeros((3, 0), np.float32)).shape == (3, 0)
    assert erfc32(x[0, 0]).shape == ()
    np.testing.assert_array_equal(erfc32(x.T), expected.T)
    np.testing.assert_array_equal(erfc32(x[::-2, ::3]), expected[::-2, ::3])
    wide = np.full((300, 400), np.float32(7))
    assert erfc32(x, out=wide[:, ::2]) is not None
    np.testing.assert_array_equal(wide[:, ::2], expected)
    assert (wide[:, 1::2] == 7).all()
    double = np.empty(x.shape)
    np.testing.assert_array_equal(erfc32(x, out=double), expected)
    own = x.copy()
    assert erfc32(own, out=own) is own
    np.testing.assert_array_equal(own, expected)


def test_a_value_does_not_depend_on_its_neighbours() -> None:
    x = np.random.default_rng(0).normal(0, 2, 70_000).astype(np.float32)
    expected = erfc32(x)
    for start, count in ((0, 1), (1, 7), (16_383, 3), (5, 40_001)):
        found = erfc32(x[start : start + count])
        np.testing.assert_array_equal(found, expected[start : start + count])


def test_threads_do_not_disturb_each_other() -> None:
    inputs = [np.random.default_rng(n).normal(0, 2, 50_000).astype(np.float32) for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(erfc32, inputs))
    for x, y in zip(inputs, found, strict=True):
        np.testing.assert_array_equal(y, erfc32(x))
