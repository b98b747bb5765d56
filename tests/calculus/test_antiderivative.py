"""Antiderivatives: known ones, checked ones, and what is said where none is found."""

import pytest

import flux
from flux.errors import ArgumentError, AxisError, LimitError, NotFoundError
from flux.settings import override

pytestmark = pytest.mark.usefixtures("patience")

FACTS = [
    # (formula, a known antiderivative, its difference between 0.4 and 1.3)
    ("sin(x)*cos(x)", "sin(x)^2/2", 0.38839886567902815),
    ("x^2-exp(x)", "x^3/3 - exp(x)", -1.466471969977974),
    ("x^2", "x^3/3", 0.7110000000000001),
    ("2*sin(x)-3*cos(x)", "-3*sin(x) - 2*cos(x)", -0.41529519856903196),
    ("x/2", "x^2/4", 0.3825),
    ("1/(x^2-4)", "log(abs(x - 2))/4 - log(abs(x + 2))/4", -0.28628307607575065),
    ("3*x^2+2*x+1", "x^3 + x^2 + x", 4.563000000000001),
    ("x*ln(x)", "x^2*ln(x)/2 - x^2/4", -0.08749893797503763),
    ("(x+1)^3", "x^4/4 + x^3 + 3*x^2/2 + x", 6.0356250000000005),
    ("log(x)", "x*ln(x) - x", -0.19241016344259956),
    ("x/(x^2+1)", "ln(x^2 + 1)/2", 0.42056059424773723),
    ("exp(x)*sin(x)", "exp(x)*sin(x)/2 - exp(x)*cos(x)/2", 1.6735829582306285),
    ("1/(x+1)", "ln(x + 1)", 0.4964368863138911),
]


@pytest.mark.parametrize(("text", "known", "difference"), FACTS)
def test_antiderivative(text, known, difference):
    found = flux.integrate(text, "x")
    assert flux.equal(found.diff("x"), text)
    assert flux.equal(found.diff("x"), flux.parse(known).diff("x"))
    assert found.evaluate(x=1.3) - found.evaluate(x=0.4) == pytest.approx(difference, rel=1e-9)


PRINTED = [
    ("x*exp(-x)", "-exp(-x)*(x + 1)"),
    ("1/x", "log(abs(x))"),
    ("tan(x)", "-log(abs(cos(x)))"),
    ("x^n", "where(n != -1, x^(n + 1)/(n + 1), log(abs(x)))"),
    ("a + b", "x*(a + b)"),
    ("where(x > 0, x, 0)", "where(x <= 0, 0, x^2)/2"),
    ("0.1*x", "x^2/20"),
]


@pytest.mark.parametrize(("text", "printed"), PRINTED)
def test_printed_antiderivative(text, printed):
    assert str(flux.parse(text).integrate("x")) == printed


@pytest.mark.parametrize("text", ["x^x", "exp(exp(x))", "sin(x^2)"])
def test_one_that_is_not_found_offers_the_definite_integral(text):
    with pytest.raises(NotFoundError, match="no antiderivative was found") as caught:
        flux.integrate(text, "x")
    assert "flux.integrate(e, 'x', a, b)" in caught.value.hint


def test_what_sympy_gets_wrong_is_not_returned(monkeypatch):
    wrong = [flux.parse("sin(x)"), flux.parse("x")]
    monkeypatch.setattr("flux.calculus.antiderivative.call", lambda *_: wrong)
    with pytest.raises(NotFoundError, match="could not be confirmed"):
        flux.integrate("exp(x)", "x")


def test_an_integral_beyond_its_budget_names_the_setting():
    with override(max_seconds=1), pytest.raises(LimitError, match="max_seconds"):
        flux.integrate("9^9^9^9*x", "x")


def test_mistakes():
    with pytest.raises(AxisError, match="no named axes"):
        flux.parse("input x[d]\nx^2").integrate("x")
    with pytest.raises(ArgumentError, match="a name"):
        flux.integrate("x", 3)
    with pytest.raises(ArgumentError, match="two ends"):
        flux.integrate("x", "x", 0)
