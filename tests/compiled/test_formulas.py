"""The formulas with known values, compiled: on numbers, on rows, by both backends and in blocks."""

import math

import numpy as np
import pytest

import flux
from flux.errors import DomainError
from flux.expr import apply, reduce, variable
from flux.ops import Op
from tests.expr.test_cases import VALUES, WITHOUT_VALUE

MORE = [
    ("sin(A)*exp(-B)", {"A": 0.5, "B": 1.5}, 0.10697429720800304),
    ("A/(B-1)", {"A": 2.0, "B": 3.0}, 1.0),
    ("9^9^9^9", {}, math.inf),
    ("gamma(1e300)*x", {"x": 1.0}, math.inf),
    ("gamma(171)", {}, 7.257415615307999e306),
    ("1" + "0" * 399 + "*x", {"x": -1.0}, -math.inf),
    ("x % 3 + fmod(x, 3)", {"x": -7.5}, 0.0),
    ("round(x) + rint(x)", {"x": 2.5}, 5.0),
]


@pytest.mark.parametrize(("text", "values", "expected"), [*VALUES, *MORE])
@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_a_formula_has_its_known_value(text, values, expected, backend):
    f = flux.compile(text, backend=backend)
    rows = {name: np.full(3, float(value)) for name, value in values.items()}
    found = [f(values), *np.atleast_1d(f(rows))]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


OUTSIDE = [row[:2] for row in WITHOUT_VALUE if row[1] or row[0] != "x"]


@pytest.mark.parametrize(("text", "values"), OUTSIDE)
@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_a_formula_outside_its_domain_is_an_error_where_that_is_asked_for(text, values, backend):
    f = flux.compile(text, backend=backend)
    assert isinstance(f(values), float)  # nan or an infinity by IEEE rules, and no warning
    with pytest.raises(DomainError):
        f(values, domain="raise")


# Formulas whose value is finite though a part of them leaves its domain.
HIDDEN = [
    ("1/(1/x)", 0.0),
    ("exp(-1/x^2)", 0.0),
    ("log(x) < 0", -1.0),
    ("where(log(x) > 0, 1, 2)", -1.0),
    ("max(sqrt(x), 0) < 1", -1.0),
    ("tanh(exp(x))", 1e4),
    ("1 and 1/x", 0.0),
    ("(x/0)^0", 1.0),
]


@pytest.mark.parametrize(("text", "x"), HIDDEN)
def test_what_leaves_its_domain_inside_a_finite_formula_is_found(text, x):
    f = flux.compile(text)
    assert math.isfinite(f(x))
    for value in [x, np.array([1.0, x]), np.array([[0.5], [x]])]:
        with pytest.raises(DomainError):
            f(value, domain="raise")
    rows = np.full(40_000, 0.5)
    if "/0" not in text:
        f(rows, domain="raise")
        rows[-1] = x
        with pytest.raises(DomainError):
            f(rows, domain="raise")


def test_a_branch_that_is_not_taken_leaves_no_domain():
    f = flux.compile("where(x > 0, log(x), 0) + (x > 1 and 1/(x - 1) > 0)", domain="raise")
    np.testing.assert_allclose(f(np.array([-1.0, 1.0, 2.0])), [0, 0, math.log(2) + 1])


def test_a_domain_error_is_found_in_any_shape_of_rows_and_named_axes():
    x, w = variable("x", ("d",)), variable("w")
    f = flux.compile(reduce(Op.MAX, apply(Op.EXP, -1 / (x * w)), ["d"]), domain="raise")
    good = np.ones((3, 4, 2))
    assert f(x=good, w=np.ones(4)).shape == (3, 4)
    for place in [(0, 0, 0), (2, 3, 1)]:
        bad = good.copy()
        bad[place] = 0
        with pytest.raises(DomainError):
            f(x=bad, w=np.ones(4))
    with pytest.raises(DomainError):
        f(x=good, w=np.array([[1.0], [0.0], [1.0]]))
