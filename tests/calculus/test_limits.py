"""Limits, sums and products in closed form: known ones, and what is declined."""

import math

import pytest

import flux
from flux.errors import ArgumentError, AxisError, FluxError, NotFoundError
from flux.expr import constant

pytestmark = pytest.mark.usefixtures("patience")

LIMITS = [
    ("sin(x)/x", 0, "both", "1"),
    ("(1 + 1/x)^x", "inf", "both", "e"),
    ("(1 + a/x)^x", "inf", "both", "exp(a)"),
    ("1/x", 0, "right", "inf"),
    ("1/x", 0, "left", "-inf"),
    ("1/x^2", 0, "both", "inf"),
    ("x*log(x)", 0, "right", "0"),
    ("1/log(x)", "inf", "both", "0"),
    ("(x^2 - a^2)/(x - a)", "a", "both", "2*a"),
    ("atan(x)", "-inf", "both", "-pi/2"),
    ("(exp(x) - 1 - x)/x^2", 0, "both", "1/2"),
    ("x^x", 0, "right", "1"),
    ("x^2 + 1", 3, "both", "10"),
]


@pytest.mark.parametrize(("text", "to", "side", "printed"), LIMITS)
def test_limit(text, to, side, printed):
    assert str(flux.limit(text, "x", to, side)) == printed
    assert str(flux.parse(text).limit("x", to, side)) == printed


NO_LIMITS = [
    ("1/x", 0, "from the left and inf from the right"),
    ("abs(x)/x", 0, "is -1 from the left and 1 from the right"),
    ("floor(x)", 1, "is 0 from the left and 1 from the right"),
    ("sin(x)", "inf", "no real limit"),
    ("sqrt(x)", 0, "could not be confirmed"),
]


@pytest.mark.parametrize(("text", "to", "message"), NO_LIMITS)
def test_what_has_no_limit_is_declined(text, to, message):
    with pytest.raises(NotFoundError, match=message):
        flux.limit(text, "x", to)


SUMS = [
    ("k^2", 1, "n", "n*(2*n^2 + 3*n + 1)/6"),
    ("k", "m", "n", "(n^2 - m^2 + m + n)/2"),
    ("a*k + b", 1, 10, "55*a + 10*b"),
    ("k*k_1", 1, 10**9, "k_1*1000000000*1000000001/2"),
    ("1/(k*(k + 1))", 1, "n", "n/(n + 1)"),
    ("1/k^2", 1, "inf", "pi^2/6"),
    ("(-1)^k/(2*k + 1)", 0, "inf", "pi/4"),
    ("x^k/gamma(k + 1)", 0, "inf", "exp(x)"),
]


@pytest.mark.parametrize(("term", "first", "last", "printed"), SUMS)
def test_sum(term, first, last, printed):
    assert str(flux.summation(term, "k", first, last)) == printed


def test_a_geometric_sum_has_its_exception():
    found = flux.summation("r^k", "k", 0, "n")
    for r in (0.5, 1.0, 3.0):
        wanted = math.fsum(r**k for k in range(8))
        assert found.evaluate(r=r, n=7.0) == pytest.approx(wanted, rel=1e-12)


PRODUCTS = [("k", 1, "n", "gamma(n + 1)"), ("2", 1, "n", "2^n"), ("x", 1, 5, "x^5")]


@pytest.mark.parametrize(("term", "first", "last", "printed"), PRODUCTS)
def test_product(term, first, last, printed):
    assert str(flux.product(term, "k", first, last)) == printed


DECLINED = [
    (lambda: flux.summation("1/k", "k", 1, "inf"), "does not converge"),
    (lambda: flux.summation("1/k", "k", 1, "n"), "no counterpart"),
    (lambda: flux.summation("sin(exp(k))", "k", 1, "n"), "no closed form"),
    (lambda: flux.product("1 + 1/k", "k", 1, "n"), "no counterpart"),
]


@pytest.mark.parametrize(("call", "message"), DECLINED)
def test_what_has_no_closed_form_is_declined(call, message):
    with pytest.raises(FluxError, match=message) as caught:
        call()
    assert isinstance(caught.value, NotFoundError)


def test_a_wrong_closed_form_is_not_returned(monkeypatch):
    monkeypatch.setattr("flux.calculus.limits.call", lambda *_: [flux.parse("n^2 + 1 - 1")])
    with pytest.raises(NotFoundError, match="could not be confirmed"):
        flux.summation("k", "k", 1, "n")  # right for n = 1 alone
    monkeypatch.setattr("flux.calculus.limits.call", lambda *_: [constant(1)])
    with pytest.raises(NotFoundError, match="could not be confirmed"):
        flux.product("k", "k", 1, 3)


MISTAKES = [
    (lambda: flux.limit("x", 3, 0), ArgumentError, "a name"),
    (lambda: flux.limit("x", "x", 0, "top"), ArgumentError, "no side"),
    (lambda: flux.limit("x", "x", "x + 1"), ArgumentError, "itself"),
    (lambda: flux.limit("x", "x", None), ArgumentError, "NoneType"),
    (lambda: flux.limit("input x[d]\nx", "y", 0), AxisError, "axes"),
    (lambda: flux.summation("k", "k", 1, "k"), ArgumentError, "its index"),
    (lambda: flux.summation("k", None, 1, 2), ArgumentError, "a name"),
    (lambda: flux.summation("k", "k", 3, 1), ArgumentError, "comes before"),
    (lambda: flux.summation("k", "k", "inf", 1), ArgumentError, "comes before"),
    (lambda: flux.summation("k", "k", 0.5, "n"), ArgumentError, "whole"),
]


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_mistakes(call, error, text):
    with pytest.raises(error, match=text):
        call()
