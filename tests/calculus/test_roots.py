"""Roots in closed form: known ones, all of them where it is claimed, and none that is wrong."""

import numpy as np
import pytest

import flux
from flux.errors import ArgumentError, AxisError, LimitError, NotFoundError, UnknownNameError
from flux.expr import constant
from flux.settings import override
from tests.reliability.bounds import within

pytestmark = pytest.mark.usefixtures("patience")

PRINTED = [
    # (equation, real roots, whether they are all)
    ("x^2 = a", ["-sqrt(a)", "sqrt(a)"], True),
    ("3*x = y", ["y/3"], True),
    ("x^3 - 3*x + 1", ["-2*cos(pi/9)", "2*cos(4*pi/9)", "2*cos(2*pi/9)"], True),
    ("x^4 - 5*x^2 + 4", ["-2", "-1", "1", "2"], True),
    ("assume x > 0\nx^2 = 4", ["2"], True),
    ("assume a > 0\nassume x < 0\nx^2 = a", ["assume a > 0\n-sqrt(a)"], True),
    ("exp(x) = 3", ["log(3)"], True),
    ("abs(x - 2) = 3", ["-1", "5"], True),
    ("log(x) + log(x - 1)", ["sqrt(5)/2 + 1/2"], True),
    ("a*exp(-k*x) = c", ["log(a/c)/k"], False),
    ("sin(x) = 1/2", ["pi/6", "5*pi/6"], False),
    ("sqrt(x) = -1", [], True),
    ("x^2/x", [], True),  # not 0, where it is 0/0
    ("(x^2 - 1)/(x - 1)", ["-1"], True),
    ("x - x + 5", [], True),
]


@pytest.mark.parametrize(("equation", "roots", "complete"), PRINTED)
def test_real_roots(equation, roots, complete):
    found = flux.solve_exactly(equation, "x")
    assert [str(root) for root in found.roots] == roots
    assert found.complete is complete


POLYNOMIALS = [
    [1, 0, 1],
    [2, -4, -6],
    [1, 2, 5],
    [1, 0, -2, -5],
    [1, 0, 2, 5],
    [1, -6, 11, -5],
    [1, 0, 0, 1, 1],
    [1, 0, 0, -1, -1],
    [1, 0, -10, 1, 3],
    [1, 0, 0, 0, 4],
    [1, 0, 0, 0, 0, -1],
    [1, -3, 3, -1],
    [1, 2, 1],
]


@pytest.mark.parametrize("coefficients", POLYNOMIALS, ids=str)
def test_all_roots_of_polynomials(coefficients):
    degree = len(coefficients) - 1
    text = " + ".join(f"({c})*x^{degree - i}" for i, c in enumerate(coefficients))
    found = flux.solve_exactly(text, "x")
    assert found.complete
    values = [complex(r.evaluate()) for r in found.roots]
    values += [complex(a.evaluate(), b.evaluate()) for a, b in found.complex_roots]
    wanted = np.roots(coefficients)
    for value in values:
        assert np.abs(wanted - value).min() < 1e-4  # a triple root in floats
        assert abs(np.polyval(coefficients, value)) < 1e-9
    for root in wanted:
        assert min(abs(root - value) for value in values) < 1e-4
    assert all(b.evaluate() != 0 for _, b in found.complex_roots)


def test_parameters_stay():
    found = flux.solve_exactly("a*x^2 + b*x + c", "x")
    assert found.complete
    assert len(found.roots) == 2
    values = {"a": 2.0, "b": -3.0, "c": 0.5}
    wanted = sorted(np.roots([2.0, -3.0, 0.5]))
    assert sorted(r.evaluate(values) for r in found.roots) == pytest.approx(wanted)
    assert [str(c) for c in found.roots[0].domain()][-1].startswith("a != 0")


def test_linear_systems():
    found = flux.solve_exactly(["x + y = 3", "x - y = a"], ["x", "y"])
    assert found.complete is False  # names may be anything
    (root,) = found.roots
    assert root["x"].evaluate(a=1.0) == 2.0
    assert root["y"].evaluate(a=1.0) == 1.0
    assert flux.solve_exactly(["x + y = 3", "x - y = 1"]).complete
    none = flux.solve_exactly(["x + y = 3", "x + y = 4"], ["x", "y"])
    assert (none.roots, none.complete, str(none)) == ((), True, "no roots")


def test_polynomial_systems():
    found = flux.solve_exactly(["x^2 + y^2 = 4", "x*y = 1"], ["x", "y"])
    assert found.complete
    assert len(found.roots) == 4
    for root in found.roots:
        x, y = root["x"].evaluate(), root["y"].evaluate()
        assert x**2 + y**2 == pytest.approx(4)
        assert x * y == pytest.approx(1)


def test_a_line_of_roots_leaves_a_name_free():
    found = flux.solve_exactly(["x + y = 3"], ["x", "y"])
    assert str(found) == "x = 3 - y, y = y\n(there may be more real roots)"
    assert not found.complete


def test_complex_roots_are_pairs():
    found = flux.solve_exactly("x^2 + 2*x + 5")
    assert found.roots == ()
    assert [(str(a), str(b)) for a, b in found.complex_roots] == [("-1", "-2"), ("-1", "2")]
    assert str(found) == "x = -1 - 2*i\nx = 2*i - 1"


@pytest.mark.parametrize("equation", ["x^5 - x = 1", "cos(x) = x", "x*exp(x) = 1"])
def test_one_that_has_no_closed_form_is_not_found(equation):
    with pytest.raises(NotFoundError, match="no root was found in closed form"):
        flux.solve_exactly(equation, "x")


def test_what_does_not_solve_the_equation_is_not_returned(monkeypatch):
    wrong = [constant(2), constant(2), constant(0), constant(3), constant(0)]
    monkeypatch.setattr("flux.calculus.roots.call", lambda *_: wrong)
    found = flux.solve_exactly("x^2 = 4", "x")
    assert [str(root) for root in found.roots] == ["2"]


def test_a_claim_to_be_all_is_checked_by_signs(monkeypatch):
    said = [constant(1), constant(2), constant(0)]  # SymPy: 2 is the only root
    monkeypatch.setattr("flux.calculus.roots.call", lambda *_: said)
    assert not flux.solve_exactly("(x - 2)*(exp(x) - 9)", "x").complete


@pytest.mark.parametrize("equation", ["gamma(1e300)*x = 2", "exp(x) = exp(1000)"])
def test_what_is_beyond_the_floats_is_no_reason_to_say_that_there_is_no_root(equation):
    with pytest.raises(NotFoundError):
        flux.solve_exactly(equation, "x")


def test_roots_of_unity_are_checked_quickly():
    with within():  # the checks alone: SymPy has a process of its own
        found = flux.solve_exactly("x^64 = 1", "x")
    assert len(found.roots) == 2


def test_a_root_beyond_its_budget_names_the_setting():
    with override(max_seconds=1), pytest.raises(LimitError, match="max_seconds"):
        flux.solve_exactly("9^9^9^9*x = sin(x)", "x")


MISTAKES = [
    (lambda: flux.solve_exactly(None), ArgumentError, "equations are"),
    (lambda: flux.solve_exactly([]), ArgumentError, "equations are"),
    (lambda: flux.solve_exactly([3]), ArgumentError, "not int"),
    (lambda: flux.solve_exactly("x = y"), ArgumentError, "not clear what is solved for"),
    (lambda: flux.solve_exactly("x = 1", "y"), UnknownNameError, "no `y`"),
    (lambda: flux.solve_exactly("x = 1", []), ArgumentError, "unknowns are"),
    (lambda: flux.solve_exactly("x = 1", [3]), UnknownNameError, "no `3`"),
    (lambda: flux.solve_exactly("x > 1", "x"), ArgumentError, "compares"),
    (lambda: flux.solve_exactly("input x[d]\nx = 1", "x"), AxisError, "axes"),
    (lambda: flux.solve_exactly("x = x", "x"), NotFoundError, "every value"),
]


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_mistakes(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_a_part_that_roots_share_is_written_once() -> None:
    shown = str(flux.solve_exactly("x^3 - 2*x - 5 = 0")).splitlines()
    shared = [line for line in shown if line.startswith("_")]
    assert shared[0] == "_1 = (sqrt(1929)/18 + 5/2)^(1/3)"
    assert sum("1929" in line for line in shown) == 1
    assert [line.split(" = ")[0] for line in shown[len(shared) :]] == ["x", "x", "x"]
