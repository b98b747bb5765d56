"""Expanding, collecting, and what an expression consists of."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.calculus.equal import Verdict
from flux.errors import ArgumentError, LimitError
from flux.expr import variable
from flux.settings import override
from tests.strategies import formulas

EXPANDED = [
    ("(x + 1)^3", "x^3 + 3*x^2 + 3*x + 1"),
    ("(a + b)*(a - b)", "a^2 - b^2"),
    ("(x + y)/z", "x/z + y/z"),
    ("1/(x*(x + 1))^2", "1/(x^4 + 2*x^3 + x^2)"),
    ("0.5*(x + 0.1)^2", "0.5*x^2 + 0.1*x + 0.005"),
    ("-(a - (b - c))", "b - a - c"),
    ("(x - x)^3", "0"),
    ("(x + 1)^0", "1"),
    ("x^2*x^0.5", "x^2.5"),
    ("sqrt(x)*(sqrt(x) + 1)", "x + sqrt(x)"),
    ("sqrt(x^2)^2", "sqrt(x^2)^2"),  # not x^2 by way of x
    ("exp(x)*(exp(x) + 1)", "exp(x)^2 + exp(x)"),
    ("sin((x + 1)^2)", "sin(x^2 + 2*x + 1)"),
    ("(x + 1)^(n + 1)", "(x + 1)^(n + 1)"),
    ("input x[d], y[d]\nsum[d](x*(x + y))", "input x[d], y[d]\nsum[d](x^2 + x*y)"),
]


@pytest.mark.parametrize(("text", "printed"), EXPANDED)
def test_expanded(text, printed):
    assert str(flux.parse(text).expand()) == printed


COLLECTED = [
    ("a*x + b*x + c", "x", "(a + b)*x + c"),
    ("(x + a)*(x + b)*(x - 1)", "x", "x^3 + (a + b - 1)*x^2 + (a*b - a - b)*x - a*b"),
    ("x/y + y*x^2/3 - x", "x", "x^2*y/3 + (1/y - 1)*x"),
    ("(x + 1)/x", "x", "1 + 1/x"),
    ("sqrt(x)*(a + b*sqrt(x))", "x", "b*x + a*sqrt(x)"),
    ("a*(b + c)", "x", "a*b + a*c"),
]


@pytest.mark.parametrize(("text", "name", "printed"), COLLECTED)
def test_collected(text, name, printed):
    assert str(flux.parse(text).collect(name)) == printed


def test_collected_by_an_expression():
    e = flux.parse("exp(t)*(a + b*exp(t)) + exp(t)")
    assert str(e.collect(flux.parse("exp(t)"))) == "b*exp(t)^2 + (a + 1)*exp(t)"


def polynomials():
    leaves = st.one_of(
        st.sampled_from("xyz").map(variable),
        st.integers(0, 5).map(lambda n: flux.parse(str(n))),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
            st.tuples(inner, inner).map(lambda p: p[0] - p[1]),
            st.tuples(inner, inner).map(lambda p: p[0] * p[1]),
            inner.map(lambda e: -e),
            st.tuples(inner, st.integers(0, 3)).map(lambda p: p[0] ** p[1]),
        ),
        max_leaves=10,
    )


@settings(max_examples=80, derandomize=True)
@given(polynomials())
def test_polynomials_expand_as_in_sympy(e):
    found = e.expand()
    assert sympy.expand(found.to_sympy() - e.to_sympy()) == 0
    # One term for each monomial.
    terms = sympy.Poly(sympy.expand(e.to_sympy()), *sympy.symbols("x y z", real=True)).terms()
    assert found.count_ops() <= 1 + sum(sum(powers) * 2 + 2 for powers, _ in terms)
    assert found.expand() is found
    assert sympy.expand(e.collect("x").to_sympy() - e.to_sympy()) == 0


@settings(max_examples=100, derandomize=True)
@given(formulas())
def test_any_formula_keeps_its_value(e):
    for found in (e.expand(), e.collect("x")):
        assert flux.equal(found, e).verdict is not Verdict.REFUTED


def test_bombs_name_their_budget():
    with pytest.raises(LimitError, match="max_steps"):
        flux.parse("(a + b + c + d)^200").expand()
    with pytest.raises(LimitError, match="max_steps"):
        flux.parse("((x + 1)^9 + y)^9^2*((z + y)^20 + x)^20").expand()
    many = " + ".join(f"x{i}" for i in range(2_000))
    assert flux.parse(many).expand().count_ops() == 1_999
    with override(max_steps=100), pytest.raises(LimitError, match="max_steps"):
        flux.parse(many).expand()


@pytest.mark.parametrize("base", ["0", "(x - x)", "(2*y - y - y)"])
def test_zero_to_a_huge_power_is_zero_at_once(base):
    assert flux.parse(f"{base}^123456789012345678901234567890").expand() is flux.parse("0")
    assert flux.parse(f"{base}^0").expand() is flux.parse("1")


def test_coefficients_beyond_exact_ones_stay_as_they_are():
    assert str(flux.parse("9^9^9*(x + 1)").expand()) == "x*9^387420489 + 9^387420489"
    wide = flux.parse("(a + b + c)^40")
    assert wide.expand() is wide


def test_collect_by_something_else_is_a_mistake():
    with pytest.raises(ArgumentError, match="a name or an expression"):
        flux.parse("x").collect(3)


# Names, operations, constancy.


def test_names_in_order_of_first_appearance():
    assert flux.parse("b*a + sin(c)*b").free_names() == ("b", "a", "c")
    assert flux.parse("pi").free_names() == ()


COUNTS = [("x", 0), ("2", 0), ("x + 1", 1), ("sin(x)*sin(x)", 2), ("-(x^2) + y/3", 4)]


@pytest.mark.parametrize(("text", "count"), COUNTS)
def test_operations_are_counted_once_each(text, count):
    assert flux.parse(text).count_ops() == count


CONSTANCY = [
    ("3*pi", True),
    ("x - x", True),
    ("sin(x)^2 + cos(x)^2 + y - y", True),
    ("0*x", True),  # wherever it is finite
    ("x", False),
    ("where(x > 100, 1, 0)", False),
    ("floor(x)", False),
    ("input x[d]\nsize[d]", True),
]


@pytest.mark.parametrize(("text", "constant"), CONSTANCY)
def test_what_is_constant_is_proved(text, constant):
    assert flux.parse(text).is_constant() is constant
