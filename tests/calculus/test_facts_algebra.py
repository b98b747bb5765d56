"""Known factors and roots: text in, values and text out."""

import pytest

import flux

pytestmark = pytest.mark.usefixtures("patience")

FACTORED = [
    ("x^2+1", "x^2 + 1"),  # irreducible over the rationals
    ("2*x^2-8", "2*(x - 2)*(x + 2)"),
    ("2*x+4", "2*(x + 2)"),
    ("x^3 - 3*x^2*y + 3*x*y^2 - y^3", "(x - y)^3"),
    ("exp(2*x) - 1", "(exp(x) - 1)*(exp(x) + 1)"),
    ("0.5*x^2 - 0.5", "(x - 1)*(x + 1)/2"),
    ("1/x + 1/y", "(x + y)/(x*y)"),
]


@pytest.mark.parametrize(("text", "printed"), FACTORED)
def test_factored(text, printed):
    assert str(flux.parse(text).factor()) == printed


SOLVED = [
    # (equation, its real roots)
    ("2*x^2-4*x-6 = 0", [-1.0, 3.0]),
    ("x^2+1 = 0", []),
    ("x^3-2*x-5 = 0", [2.0945514815423265]),
    ("x-x+5 = 0", []),
    ("1/x-2 = 0", [0.5]),
    ("x^2-4 = 0", [-2.0, 2.0]),
    ("5*x-10 = 0", [2.0]),
]


@pytest.mark.parametrize(("equation", "roots"), SOLVED)
def test_solved(equation, roots):
    found = flux.solve_exactly(equation, "x")
    assert found.complete
    assert [root.evaluate() for root in found.roots] == pytest.approx(roots, rel=1e-10)
