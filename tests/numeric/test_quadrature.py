"""Definite integrals: known values, ends at infinity, singular ends, and divergence."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.errors import ArgumentError, DomainError, UnknownNameError
from flux.numeric.double_exponential import exp_sinh, tanh_sinh
from flux.numeric.gauss_kronrod import gauss_kronrod
from flux.settings import override

PI = math.pi

KNOWN = [
    # (formula, ends, value)
    ("exp(x)", 0, 1, 1.7182818284590453),
    ("x^3-x", -1, 2, 2.25),
    ("sqrt(1+x^2)", 0, 1, 1.147793574696319),
    ("x^2", 0, 1, 1 / 3),
    ("x^2", 1, 0, -1 / 3),
    ("7", 0, 2, 14),
    ("exp(-x^2)", "-inf", "inf", math.sqrt(PI)),
    ("1/(1+x^2)", "-inf", 0, PI / 2),
    ("1/x^2", 1, "inf", 1),
    ("exp(-x)/sqrt(x)", 0, "inf", math.sqrt(PI)),
    ("x^2*exp(-x)", 0, "inf", 2),
    ("exp(x)", "-inf", 1, math.e),
    ("1/sqrt(x)", 0, 1, 2),
    ("1/sqrt(1-x)", 0, 1, 2),
    ("1/sqrt(1-x^2)", -1, 1, PI),
    ("1/sqrt((3-x)*(x-2))", 2, 3, PI),
    ("log(x)", 0, 1, -1),
    ("log(x)*log(1-x)", 0, 1, 2 - PI**2 / 6),
    ("1/sqrt(abs(x))", -1, 1, 4),
    ("abs(x-1/3)", 0, 1, 5 / 18),
    ("floor(x)", 0, 3.5, 4.5),
    ("sin(x)", 0, "2*pi", 0),
    ("sin(100*x)", 0, 10, (1 - math.cos(1000)) / 100),
    ("exp(-1e6*(x-0.3)^2)", 0, 1, math.sqrt(PI) / 1000),
    ("x^x", 0, 1, 0.78343051071213440706),
    ("1/(2+cos(x))", 0, "2*pi", 2 * PI / math.sqrt(3)),
]


@pytest.mark.parametrize(("text", "a", "b", "value"), KNOWN)
def test_a_known_integral_within_its_own_error(text, a, b, value):
    found = flux.integrate(text, "x", a, b, method="numeric")
    assert float(found) == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert abs(found.value - value) <= max(10 * found.error, 4e-15 * abs(value))
    assert found.exact is None
    assert found.points > 0


@pytest.mark.parametrize(
    ("text", "a", "b"),
    [
        ("1/x", 0, 1),
        ("1/x", -1, 1),
        ("1/x^2", -1, 1),
        ("1/x", 1, "inf"),
        ("exp(x)", 0, "inf"),
        ("sin(x)^2", 0, "inf"),
        ("tan(x)", 0, 2),
        ("log(x)", -2, -1),
        ("1/(x-1/3)", 0, 1),
    ],
)
def test_a_divergent_integral_is_not_given_a_value(text, a, b):
    with override(max_seconds=30), pytest.raises(DomainError, match="does not converge"):
        flux.integrate(text, "x", a, b)


CLOSED = [
    ("x^2", 0, 1, "1/3"),
    ("exp(-x^2)", "-inf", "inf", "sqrt(pi)"),
    ("1/(1+x^2)", "-inf", "inf", "pi"),
    ("x*log(x)", 1, 2, "2*log(2) - 3/4"),
    ("x*exp(-k*x)", 0, "inf", "1/4"),
]


@pytest.mark.parametrize(("text", "a", "b", "exact"), CLOSED)
def test_a_closed_form_that_agrees_is_offered(text, a, b, exact):
    with override(max_seconds=30):
        found = flux.parse(text).integrate("x", a, b, {"k": 2})
    assert flux.equal(found.exact, exact)
    assert found.value == pytest.approx(flux.evaluate(exact), rel=1e-12)


def test_a_jump_in_the_antiderivative_does_not_reach_the_value():
    # atan(tan(x/2)/sqrt(3)) jumps at pi.
    with override(max_seconds=30):
        found = flux.integrate("1/(2 + cos(x))", "x", 0, 6)
    wanted = flux.integrate("1/(2 + cos(x))", "x", 0, 6, method="numeric")
    assert found.value == pytest.approx(wanted.value, rel=1e-9)


@settings(max_examples=25)
@given(
    st.lists(st.integers(-9, 9), min_size=1, max_size=6),
    st.floats(-3, 3),
    st.floats(-3, 3),
)
def test_polynomials_are_exact(coefficients, a, b):
    p = np.polynomial.Polynomial(coefficients)
    wanted = p.integ()(b) - p.integ()(a)
    scale = max(1.0, sum(abs(c) * 3.0 ** (k + 1) for k, c in enumerate(coefficients)))
    found = gauss_kronrod(lambda x: p(x), a, b, 1e-12, 1e-300)
    assert found.value == pytest.approx(wanted, abs=1e-13 * scale)


def test_the_rules_agree_with_one_another():
    smooth = gauss_kronrod(lambda x: np.exp(-x), 0.0, 30.0, 1e-12)
    ends = tanh_sinh(lambda u: np.exp(-u), lambda u: np.exp(u - 30), 30.0, 1e-12)
    endless = exp_sinh(lambda u: np.exp(-u), 1e-12)
    assert smooth.value == pytest.approx(ends.value, rel=1e-11)
    assert endless.value == pytest.approx(1.0, rel=1e-12)
    assert smooth.converged
    assert ends.converged
    assert endless.converged


MISTAKES = [
    (lambda: flux.integrate("a*x", "x", 0, 1), UnknownNameError, "no value for `a`"),
    (lambda: flux.integrate("x", "x", 0, "y"), UnknownNameError, "no value for `y`"),
    (lambda: flux.integrate("x", "x", 0, "nan"), ArgumentError, "not a number"),
    (lambda: flux.integrate("x", "x", 0, 1, tolerance=0.0), ArgumentError, "tolerance"),
    (lambda: flux.integrate("x", "x", 0, 1, method="simpson"), ArgumentError, "no method"),
]


@pytest.mark.parametrize(("action", "kind", "message"), MISTAKES)
def test_mistakes_are_explained(action, kind, message):
    with pytest.raises(kind, match=message):
        action()


@pytest.mark.parametrize(
    ("text", "a", "b"),
    [("x", -1e300, 1e300), ("1e300", -1e300, 1e300), ("1", -1.5e308, 1.5e308), ("x", 1, "inf")],
)
def test_what_is_beyond_float64_is_said_to_be(text: str, a: float, b: float) -> None:
    with pytest.raises(flux.FluxError):
        flux.integrate(text, "x", a, b, {}, method="numeric")


def test_a_wide_range_alone_is_no_obstacle() -> None:
    assert flux.integrate("1", "x", 1e308, 1.5e308, {}, method="numeric").value == pytest.approx(
        5e307, rel=1e-12
    )
