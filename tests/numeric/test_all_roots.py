"""All roots in an interval: simple, double, near poles, and none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux

ROWS = [
    ("sin(x) = 0.5", (0, 8), [math.pi / 6, 5 * math.pi / 6, 13 * math.pi / 6]),
    ("(x - 1)^2", (-3, 4), [1]),
    ("x^2 - 2*x + 1", (-3, 4), [1]),
    ("(x - 1)*(x - 1.0001)", (-3, 4.1), [1, 1.0001]),
    ("sin(x) = 1", (0, 10), [math.pi / 2, 5 * math.pi / 2]),
    ("tan(x) = 1", (-4, 3), [-3 * math.pi / 4, math.pi / 4]),
    ("x^3 = x", (-1, 1), [-1, 0, 1]),
    ("sqrt(x)", (0, 1), [0]),
    ("log(x) = 1", (-2, 5), [math.e]),
    ("1/x", (-1, 2), []),
    ("x^2 + 1e-17", (-1, 1.1), []),
    ("exp(x)", (0, 1), []),
    ("x - x", (0, 1), []),
    ("round(x) = 2.5", (-3, 4.1), []),
    ("floor(x) + x = 2.25", (-3, 4.1), [1.25]),
]


@pytest.mark.parametrize(("equation", "interval", "roots"), ROWS)
def test_all_roots(equation: str, interval: tuple[float, float], roots: list[float]) -> None:
    found = flux.all_roots(equation, x=interval)
    assert len(found) == len(roots), found
    assert found == pytest.approx(np.array(roots), abs=1e-8)


@settings(max_examples=40)
@given(st.lists(st.integers(-400, 400), min_size=1, max_size=6, unique=True))
def test_the_roots_of_a_polynomial_are_all_found(numbers: list[int]) -> None:
    text = "*".join(f"(x - ({n}/100))" for n in numbers)
    found = flux.all_roots(text, x=(-5.03, 5.01))
    assert found == pytest.approx(np.sort(numbers) / 100, abs=1e-9)


def test_parameters_and_mappings() -> None:
    assert flux.all_roots("x^2 = a", x=(-5, 5.5), a=4) == pytest.approx([-2, 2])
    assert flux.all_roots("x^2 = a", {"x": (0, 5.5), "a": 4}) == pytest.approx([2])


MISTAKES = [
    ({"x": 1.0, "a": 1.0, "unknown": "x"}, "`x` has no interval"),
    ({"x": (0, 1), "a": [1.0, 2.0]}, "one equation at a time"),
    ({"x": (0, 1), "a": 1.0, "pieces": 0}, "pieces must be"),
    ({"x": (1, 0), "a": 1.0}, "is empty"),
]


@pytest.mark.parametrize(("values", "message"), MISTAKES)
def test_mistakes_are_explained(values: dict[str, object], message: str) -> None:
    with pytest.raises(flux.FluxError, match=message):
        flux.all_roots("x^2 = a", **values)
