"""Integrals of tables: what they are exact for, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

import flux

places = st.lists(st.floats(0.01, 2), min_size=1, max_size=12)
coefficients = st.lists(st.floats(-5, 5), min_size=4, max_size=4)


def polynomial(c: list[float], x: Any) -> tuple[Any, float]:
    """Its values, and its integral over the places."""
    p = np.polynomial.Polynomial(c)
    whole = p.integ()
    return p(x), float(whole(x[-1]) - whole(x[0]))


def size(c: list[float], x: Any) -> float:
    return 1e-12 * (1 + sum(map(abs, c)) * (1 + float(np.abs(x).max())) ** 4)


@settings(max_examples=100)
@given(places, st.floats(-3, 3), coefficients)
def test_trapezoid_is_exact_for_lines(steps: list[float], x0: float, c: list[float]) -> None:
    x = x0 + np.concatenate([[0.0], np.cumsum(steps)])
    y, expected = polynomial(c[:2], x)
    assert flux.trapezoid(y, x) == pytest.approx(expected, abs=size(c, x))


@settings(max_examples=100)
@given(st.lists(st.floats(0.05, 2), min_size=2, max_size=12), st.floats(-3, 3), coefficients)
def test_simpson_is_exact_for_parabolas_at_any_places(
    steps: list[float], x0: float, c: list[float]
) -> None:
    x = x0 + np.concatenate([[0.0], np.cumsum(steps)])
    y, expected = polynomial(c[:3], x)
    assert flux.simpson(y, x) == pytest.approx(expected, abs=100 * size(c, x))


@pytest.mark.parametrize("count", [3, 5, 21])
def test_simpson_is_exact_for_cubics_at_even_places(count: int) -> None:
    x = np.linspace(-1, 2, count)
    y, expected = polynomial([1, -2, 3, 4], x)
    assert flux.simpson(y, x) == pytest.approx(expected, rel=1e-13)


@settings(max_examples=60)
@given(st.integers(2, 14), st.integers(0, 1000))
def test_both_agree_with_scipy(count: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    x, y = np.cumsum(draw.uniform(0.1, 1, count)), draw.normal(size=(3, count))
    np.testing.assert_allclose(flux.trapezoid(y, x), integrate.trapezoid(y, x), rtol=1e-12)
    np.testing.assert_allclose(
        flux.simpson(y, x), integrate.simpson(y, x=x), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("rule", [flux.trapezoid, flux.simpson])
def test_signs_shapes_and_single_samples(rule: Callable[..., Any]) -> None:
    x, y = np.array([0.0, 1, 4, 5]), np.array([1.0, 3, 2, 7])
    assert isinstance(rule(y, x), float)
    assert rule(y[2::-1], x[2::-1]) == pytest.approx(-rule(y[:3], x[:3]))
    assert rule([2.0], [1.0]) == 0
    assert rule([2.0, 4.0], [1.0, 3.0]) == 6
    assert rule(np.stack([y, 2 * y]), x) == pytest.approx([rule(y, x), 2 * rule(y, x)])
    assert rule(np.stack([y, y]), np.stack([x, 2 * x])) == pytest.approx(
        [rule(y, x), 2 * rule(y, x)]
    )
    assert rule(np.empty((0, 4)), x).shape == (0,)


def test_formulas_over_a_table() -> None:
    table = {"t": np.linspace(0, 1, 201), "c": np.linspace(0, 1, 201) ** 2}
    assert flux.simpson("dose*c", "t", {**table, "dose": 3.0}) == pytest.approx(1, rel=1e-13)
    assert flux.trapezoid("c", "t", table) == pytest.approx(1 / 3, rel=1e-4)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: flux.trapezoid([1, 2], [1, 1]), "neither rise nor fall"),
    (lambda: flux.trapezoid([1, 2, 3], [1, 3, 2]), "neither rise nor fall"),
    (lambda: flux.simpson([1, 2], [1, math.nan]), "neither rise nor fall"),
    (lambda: flux.simpson([1, 2, 3], [1, 2]), "as many places"),
    (lambda: flux.trapezoid(1.0, 2.0), "as many places"),
    (lambda: flux.trapezoid([], []), "no samples"),
    (lambda: flux.trapezoid([[1, 2]] * 2, [[1, 2]] * 3), "neither one row"),
    (lambda: flux.trapezoid("c", [1, 2]), "a formula"),
    (lambda: flux.simpson("c +", "t", {"t": [1, 2]}), "syntax"),
    (lambda: flux.simpson("c", "t", {"t": [1, 2]}), "c"),
    (lambda: flux.simpson("c", "t", 3), ""),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_mistakes_are_flux_errors(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(flux.FluxError) as error:
        call()
    assert message in str(error.value)
