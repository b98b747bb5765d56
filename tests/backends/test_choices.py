"""Choices over rows work on bits: every float comes through as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flux

SPECIAL = np.array(
    [0.0, -0.0, 1.5, -np.inf, np.inf, np.nan, -np.nan, 5e-324, 1.7e308, np.float64(2**53)]
)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rows", [1, 7, 65_536, 150_001])
def test_a_choice_gives_the_bits_of_one_side(dtype: Any, rows: int) -> None:
    random = np.random.default_rng(rows)
    with np.errstate(all="ignore"):
        a, b = (random.choice(SPECIAL, rows).astype(dtype) for _ in range(2))
    c = random.integers(0, 2, rows).astype(dtype)
    bits = f"u{a.itemsize}"
    for text, then, other in (
        ("where(c, a, b)", a, b),
        ("where(c, a, a)", a, a),
        ("where(c, 2, b)", np.full(rows, 2, dtype), b),
        ("where(c, a, -0.0)", a, np.full(rows, -0.0, dtype)),
        ("where(c, 0.5, 0.25)", np.full(rows, 0.5, dtype), np.full(rows, 0.25, dtype)),
        ("where(c, where(c, a, 3), b)", a, b),
    ):
        found = flux.compile(text)({"a": a, "b": b, "c": c})
        wanted = np.where(c != 0, then, other)
        np.testing.assert_array_equal(found.view(bits), wanted.view(bits), err_msg=text)


def test_a_result_may_take_the_place_of_an_operand() -> None:
    a, b = np.arange(10_000.0), -np.arange(10_000.0)
    wanted = np.where(a > 50, np.where(b < -99, a * 2, b), a + 1) * 3
    found = flux.compile("where(a > 50, where(b < -99, a*2, b), a + 1)*3")(a=a, b=b)
    np.testing.assert_array_equal(found, wanted)


def test_powers_of_a_constant() -> None:
    x = np.linspace(-30, 30, 20_001)
    np.testing.assert_allclose(flux.compile("0.9938^x")(x), 0.9938**x, rtol=1e-15)
    np.testing.assert_array_equal(flux.compile("1^x")(np.array([np.nan, 2])), [1, 1])
