"""`flux.check_precision`: right digits are counted, losses are found where they happen."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

import flux
from flux.errors import ArgumentError, DomainError, FluxError, LimitError
from flux.expr import inputs
from flux.precision.check import FULL
from flux.precision.rewrites import REWRITES, rewritten
from tests.reliability.bounds import within

# Text, values, the right digits (to within one), the part that loses them, what the hint holds.
LOSSES: list[tuple[str, dict[str, Any], float, str, str]] = [
    ("1 - cos(x)", {"x": 1e-8}, 0.0, "1 - cos(x)", "2*sin(x/2)^2"),
    ("1 - cos(x)", {"x": 1e-4}, 8.5, "1 - cos(x)", "2*sin(x/2)^2"),
    ("log(1 + x)", {"x": 1e-10}, 7.1, "log(1 + x)", "log1p(x)"),
    ("log(x + 1)", {"x": 1e-10}, 7.1, "log(x + 1)", "log1p(x)"),
    ("exp(x) - 1", {"x": 1e-9}, 7.1, "exp(x) - 1", "expm1(x)"),
    ("sqrt(x^2 + y^2)", {"x": 1e200, "y": 1}, 0.0, "x^2", "hypot(x, y)"),
    ("sqrt(x + 1) - sqrt(x)", {"x": 1e12}, 4.5, "sqrt(x + 1) - sqrt(x)", "sqrt(x + 1) + sqrt(x)"),
    ("3*(1 - erf(x))", {"x": 5}, 4.7, "1 - erf(x)", "erfc(x)"),
    ("gamma(x)/gamma(y)", {"x": 200, "y": 199.5}, 0.0, "gamma(x)", "exp(lgamma(x) - lgamma(y))"),
    ("(1 + x)^n", {"x": 1e-12, "n": 1e12}, 4.1, "(1 + x)^n", "base"),
    ("sin(x)", {"x": "10^25*pi + 1"}, 0.0, "sin(x)", "many turns"),
    ("a - b", {"a": "1.000000000001", "b": 1}, 4.0, "a - b", "cancel"),
]


@pytest.mark.parametrize(("text", "values", "digits", "part", "hint"), LOSSES)
def test_losses(text: str, values: dict[str, Any], digits: float, part: str, hint: str) -> None:
    found = flux.check_precision(text, values)
    assert found.digits == pytest.approx(digits, abs=1.0)
    assert str(found.losses[0].part) == part
    assert hint in found.losses[0].hint
    assert found.losses[0].before - found.losses[0].after >= 1
    assert part in str(found)


FINE = [
    ("sin(x)*exp(-x)", {"x": 0.7}),
    ("log1p(x)", {"x": 1e-10}),
    ("x + y", {"x": 1, "y": 2}),
    ("1 + 1e-9*(1 - cos(x))", {"x": 1e-8}),
    ("root(x^2 - a, x, 1)", {"a": 2}),
    ("x > 2 ? log(x - 2) : 5", {"x": 1}),
    ("142*min(s/0.9, 1)^-0.302*0.9938^age", {"s": 1.1, "age": 54}),
]


@pytest.mark.parametrize(("text", "values"), FINE)
def test_where_nothing_is_lost_nothing_is_said(text: str, values: dict[str, Any]) -> None:
    found = flux.check_precision(text, values)
    assert found.digits > 14.5
    assert found.losses == ()
    assert found.value == pytest.approx(float(found.exact), rel=1e-14)


def test_the_value_is_the_reference_evaluator_s() -> None:
    for text, values in [("exp(x) - 1", {"x": 1e-9}), FINE[0], FINE[4]]:
        assert flux.check_precision(text, values).value == flux.evaluate(text, values)


def test_full_precision_is_that_of_the_nearest_float() -> None:
    found = flux.check_precision("pi")
    assert found.digits == FULL == 53 * math.log10(2)


def test_rump_s_example() -> None:
    # Source: Rump, Algorithms for verified inclusions (1988).
    text = "333.75*b^6 + a^2*(11*a^2*b^2 - b^6 - 121*b^4 - 2) + 5.5*b^8 + a/(2*b)"
    found = flux.check_precision(text, a=77617, b=33096)
    assert str(found.exact) == "-0.82739605994682136814"
    assert found.digits == 0
    assert found.losses


@pytest.mark.parametrize("row", REWRITES, ids=lambda row: str(row[0]))
def test_a_form_has_the_same_value(row: Any) -> None:
    pattern, replacement = row
    names = {x.attributes.name for x in inputs(pattern, replacement)}
    for a, b in (("0.3", "0.2"), ("0.11", "0.7")):
        values = {"a": a, "b": b}
        given = {name: values[name] for name in names}
        old = pattern.evaluate(given, digits=25)
        assert old == replacement.evaluate(given, digits=25)


def test_sums_match_in_either_order_and_numbers_only_themselves() -> None:
    assert [str(e) for e in rewritten(flux.parse("log(q*r + 1)"))] == ["log1p(q*r)"]
    assert list(rewritten(flux.parse("log(q*r + 2)"))) == []
    assert list(rewritten(flux.parse("sqrt(x^2 + y^3)"))) == []
    assert list(rewritten(flux.parse("log(pi + x)"))) == []


def test_a_value_that_may_be_zero_is_an_error() -> None:
    with pytest.raises(LimitError, match="could not be proved"):
        flux.check_precision("exp(1) - e")
    assert flux.check_precision("0.1 + 0.2 - 0.3").exact.decimal == 0


def test_mistakes_are_explained() -> None:
    with pytest.raises(DomainError):
        flux.check_precision("log(x)", x=-1)
    with pytest.raises(ArgumentError):
        flux.check_precision("x", x=np.zeros(2))
    with pytest.raises(ArgumentError):
        flux.check_precision("x", 5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError):
        flux.check_precision(5)  # type: ignore[arg-type]
    with pytest.raises(FluxError, match="no value"):
        flux.check_precision("x + y", x=1)


@pytest.mark.parametrize(
    "text",
    [
        "x^" * 50 + "x",
        "exp(" * 9 + "x" + ")" * 9,
        "gamma(x)^99 - 1",
        "+".join(["(1 - cos(x))"] * 999),
    ],
)
def test_bombs_end(text: str) -> None:
    with within():
        try:
            found = flux.check_precision(text, x="1.01")
        except LimitError:
            return
    assert 0 <= found.digits <= FULL


def test_digits_agree_with_mpmath() -> None:
    with mpmath.workdps(50):
        exact = mpmath.exp(mpmath.mpf("1e-5")) - 1
        wanted = -mpmath.log10(abs((math.exp(1e-5) - 1) - exact) / exact)
    assert flux.check_precision("exp(x) - 1", x=1e-5).digits == pytest.approx(float(wanted))
