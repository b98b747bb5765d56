"""Roots as expressions: their values, their derivatives, and what is no root."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize

import flux

CUBIC = "root(x^3 + a*x - b, x, 1)"
IN_BRACKET = flux.compile(flux.implicit("x^3 + a*x = b", "x", low=-60, high=60))
FROM_START = flux.compile(flux.implicit("x^2 - a*x + b + sin(3*x)", "x", start="s"))
POINT = {"a": 1.0, "b": 3.0}


def derivatives_by_sympy(orders: tuple[int, int]) -> float:
    """d^(i+j) x/(da^i db^j) of x^3 + a x = b at POINT, by differentiating the equation."""
    a, b = sympy.symbols("a b")
    x = sympy.Function("x")(a, b)
    first = {
        x.diff(a): -x / (3 * x**2 + a),
        x.diff(b): 1 / (3 * x**2 + a),
    }
    found: Any = x
    for symbol, order in zip((a, b), orders, strict=True):
        for _ in range(order):
            found = found.diff(symbol).subs(first)
    place = sympy.Symbol("place")
    root = sympy.nsolve(place**3 + place - 3, place, 1.2, prec=30)
    return float(found.subs({x: root, a: 1, b: 3}))


@pytest.mark.parametrize("text", [CUBIC, "root(x^3 + a*x - b, x, 0, b)"])
@pytest.mark.parametrize("orders", [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 3), (2, 2)])
def test_derivatives_of_any_order_are_those_of_the_equation(
    text: str, orders: tuple[int, int]
) -> None:
    e = flux.parse(text)
    for name, order in zip("ab", orders, strict=True):
        e = e.diff(name, order)
    expected = derivatives_by_sympy(orders)
    assert flux.compile(e)(**POINT) == pytest.approx(expected, rel=1e-9)
    if sum(orders) <= 2:
        assert e.evaluate(**POINT) == pytest.approx(expected, rel=1e-12)


def test_the_gradient_is_the_derivatives() -> None:
    e = flux.parse(f"{CUBIC}^2 + a")
    forward = [e.diff(name).evaluate(**POINT) for name in "ab"]
    assert [g.evaluate(**POINT) for g in e.gradient(["a", "b"])] == pytest.approx(
        forward, rel=1e-14
    )


def test_what_is_printed_is_read_as_the_same() -> None:
    e = flux.parse(CUBIC)
    assert flux.parse(str(e)) is e
    slope = e.diff("a")
    assert flux.parse(str(slope)) is slope
    assert "custom" in str(e)


@pytest.mark.parametrize("text", ["root(x^2 - 2, x, 1)", "root(x^2 - 2, x, a, 3)"])
def test_a_root_of_numbers_alone_is_a_constant_that_prints(text: str) -> None:
    e = flux.parse(text)
    assert flux.parse(str(e)) is e
    assert e.evaluate(a=1.0) == pytest.approx(2**0.5, rel=1e-15)
    assert e.diff("a").evaluate(a=1.0) == 0


def test_the_backends_agree_over_rows() -> None:
    e = flux.parse(f"b*{CUBIC}")
    a, b = np.linspace(0.5, 4, 300), np.linspace(3, -2, 300)
    values = flux.compile(e)(a=a, b=b)
    machine = flux.compile(e, backend="vm")(a=a, b=b)
    np.testing.assert_allclose(values, machine, rtol=1e-14)
    expected = [
        v * optimize.brentq(lambda x, u=u, v=v: x**3 + u * x - v, -3, 3, xtol=1e-14)
        for u, v in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-13)


def test_a_solve_stands_inside_a_solve() -> None:
    """Which a makes the cubic's root 1.2? a = (3 - 1.2^3)/1.2."""
    found = flux.solve("root(x^3 + a*x - 3, x, 1) = 1.2", a=1.0)
    assert float(found) == pytest.approx((3 - 1.2**3) / 1.2, rel=1e-13)


def test_a_solve_stands_inside_a_fit_and_a_minimum() -> None:
    """The rate of a Michaelis-Menten reaction from its implicit progress curve."""
    t = np.linspace(0.5, 8, 16)
    left = [
        optimize.brentq(lambda s, t=t: s + 2 * np.log(s / 10) - 10 + 1.7 * t, 1e-9, 10) for t in t
    ]
    model = "y = root(s + Km*log(s/10) - 10 + V*t, s, 1e-9, 10)"
    found = flux.fit(model, {"t": t, "y": np.array(left)}, V=1.0, Km=1.0)
    assert found.converged
    assert found.values == pytest.approx({"V": 1.7, "Km": 2.0}, rel=1e-8)
    least = flux.minimize("(root(x^3 + a*x - 3, x, 1) - 1.2)^2", a=1.0)
    assert least.converged


def test_the_unknown_is_bound_and_a_name_outside_is_another() -> None:
    e = flux.parse("x*root(x^2 - a, x, 1)")
    assert e.evaluate(x=10, a=4) == pytest.approx(20)
    assert e.diff("x").evaluate(x=10, a=4) == pytest.approx(2)


def test_kepler_as_a_definition() -> None:
    text = "kepler(M, ecc, E) = root(E - ecc*sin(E) - M, E, M)\nkepler(m, ecc, 0)"
    f = flux.compile(text)
    m, ecc = np.linspace(-3, 3, 101), 0.6
    eccentric = f(m=m, ecc=ecc)
    np.testing.assert_allclose(eccentric - ecc * np.sin(eccentric), m, atol=1e-14)
    slope = flux.compile(flux.parse(text).diff("m"))(m=m, ecc=ecc)
    np.testing.assert_allclose(slope, 1 / (1 - ecc * np.cos(eccentric)), rtol=1e-12)


@settings(max_examples=80)
@given(st.floats(0.01, 50), st.floats(-50, 50))
def test_a_monotone_cubic_has_its_root_in_a_bracket(a: float, b: float) -> None:
    x = IN_BRACKET(a=a, b=b)
    # Near 0, what counts as the root's size is a part of the bracket.
    assert abs(x**3 + a * x - b) <= 1e-12 * (abs(x**3) + abs(a * x) + abs(b)) + 1e-14 * a


@settings(max_examples=80)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-4, 4))
def test_what_is_given_is_a_root_or_nan(a: float, b: float, start: float) -> None:
    x = FROM_START(a=a, b=b, s=start)
    assume(not math.isnan(x))
    assert abs(x**2 - a * x + b + math.sin(3 * x)) < 1e-9


# Formula, values: no root is there, or the search does not find it.
NONE = [
    ("root(x^2 + a, x, 5)", 1.0),
    ("root(1/(x - a), x, 0, 3)", 1.0),  # a pole changes its sign
    ("root(sign(x - a)*(1 + abs(x)), x, 0, 3)", 1.0),  # and a jump
    ("root(tanh(1e12*(x - a)) + 2, x, 3)", 1.0),
    ("root(tanh(1e12*(x - a)) + 2, x, -3, 3)", 1.0),
    ("root(abs(x - a) + 1, x, 3)", 1.0),
    ("root(x - a, x, 2, 3)", 1.0),  # outside the bracket
    ("root(exp(-x) + 0*a, x, 1)", 1.0),
    ("root(x^2 - a, x, 1)", math.nan),
    ("root(a*0*x + 1, x, 1)", 1.0),
]


@pytest.mark.parametrize(("text", "a"), NONE)
def test_what_is_no_root_is_nan(text: str, a: float) -> None:
    e = flux.parse(text)
    assert math.isnan(flux.compile(e)(a))
    assert np.isnan(flux.compile(e, backend="vm")(np.array([a]))).all()


def test_sympy_is_not_given_a_search() -> None:
    for ask in (lambda e: e.to_sympy(), lambda e: e.integrate("a")):
        with pytest.raises(flux.FluxError):
            ask(flux.parse(CUBIC))


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: flux.implicit("x^2 = a", "x"), "a start, or a bracket"),
    (lambda: flux.implicit("x^2 = a", "x", low=0), "a start, or a bracket"),
    (lambda: flux.implicit("x^2 = a", "x", 1, low=0, high=2), "a start, or a bracket"),
    (lambda: flux.implicit("x^2 = a", "y", 1), "no `y`"),
    (lambda: flux.implicit("x^2 = a", "x", "x + 1"), "depends on `x` itself"),
    (lambda: flux.implicit("x^2 = a", "x", 1, steps=0), "steps"),
    (lambda: flux.implicit("x^2 = a", "x", 1, steps=10**9), "more than"),
    (lambda: flux.implicit("x^2 =", "x", 1), "1:6"),
    (lambda: flux.parse("root(x, x)"), "3 or 4"),
    (lambda: flux.parse("root(x - 1, 2, 1)"), "a root is sought for"),
    (lambda: flux.parse("root(y - 1, x, 1)"), "no `x`"),
    (
        lambda: flux.parse("root(root(root(x - y + sin(x)*exp(x), x, 1) - z, y, 1) - w, z, 1)"),
        "nodes",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_mistakes_are_flux_errors(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(flux.FluxError) as error:
        call()
    assert message in str(error.value)
