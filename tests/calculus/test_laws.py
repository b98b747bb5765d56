"""Laws that tie calls together: inverses, integrals, series, roots; SymPy and mpmath beside them.

What is generated is smooth and tame, so that no law hangs on a kink; the operations' own tests know
the others.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.calculus.equal import Verdict
from flux.expr import Expr, apply, constant, variable
from flux.ops import Op
from flux.settings import override

LAWS = settings(max_examples=40, derandomize=True)
SLOW = settings(LAWS, max_examples=8)
PATIENT = 60  # seconds of SymPy on a busy machine
DIGITS = 40
x = variable("x")

leaves = st.sampled_from([x, constant(2), constant(0.5), constant(3)])
smooth: st.SearchStrategy[Expr] = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.builds(apply, st.sampled_from((Op.SIN, Op.COS, Op.TANH, Op.ATAN, Op.NEG)), parts),
        st.builds(apply, st.sampled_from((Op.ADD, Op.SUB, Op.MUL)), parts, parts),
        st.builds(lambda a: apply(Op.EXP, apply(Op.SIN, a)), parts),
        st.builds(lambda a, b: a / (b**2 + 1), parts, parts),
        st.builds(lambda a: apply(Op.LOG, a**2 + 1), parts),
        st.builds(lambda a, n: a**n, parts, st.integers(2, 4)),
    ),
    max_leaves=6,
)
quarters = st.integers(-8, 8).map(lambda n: Fraction(n, 4))


# ---- Derivatives beside SymPy and mpmath ---------------------------------------------------------


def _at(e: Expr, value: Fraction) -> Expr:
    """The expression at a value of x, which it may lack."""
    return e.subs(x=float(value)) if "x" in e.free_names() else e


def _number(value: Any) -> mpmath.mpf:
    return value.evalf(DIGITS)._to_mpmath(140)


@LAWS
@given(smooth, quarters, st.integers(1, 3))
def test_derivatives_are_those_of_sympy(e: Expr, at: Fraction, order: int) -> None:
    symbol = sympy.Symbol("x", real=True)
    theirs = sympy.diff(e.to_sympy(), symbol, order).subs(symbol, sympy.Rational(at))
    ours = _at(e.diff("x", order), at).to_sympy()
    with mpmath.workdps(DIGITS):
        wanted, found = _number(theirs), _number(ours)
        assert abs(found - wanted) <= mpmath.mpf(10) ** -25 * max(1, abs(wanted))


# ---- Inverse functions ---------------------------------------------------------------------------

# Outer function, inner one, and where outer(inner(x)) is x.
INVERSES = [
    ("exp(x)", "log(x)", (0.1, 5)),
    ("log(x)", "exp(x)", (-3, 3)),
    ("expm1(x)", "log1p(x)", (-0.9, 5)),
    ("log1p(x)", "expm1(x)", (-3, 3)),
    ("sin(x)", "asin(x)", (-0.95, 0.95)),
    ("cos(x)", "acos(x)", (-0.95, 0.95)),
    ("tan(x)", "atan(x)", (-5, 5)),
    ("asin(x)", "sin(x)", (-1.4, 1.4)),
    ("atan(x)", "tan(x)", (-1.4, 1.4)),
    ("sinh(x)", "asinh(x)", (-5, 5)),
    ("asinh(x)", "sinh(x)", (-3, 3)),
    ("cosh(x)", "acosh(x)", (1.1, 5)),
    ("tanh(x)", "atanh(x)", (-0.95, 0.95)),
    ("atanh(x)", "tanh(x)", (-2, 2)),
    ("x^3", "cbrt(x)", (-5, 5)),
    ("x^2", "sqrt(x)", (0.1, 5)),
    ("2^x", "log2(x)", (0.1, 5)),
    ("10^x", "log10(x)", (0.1, 5)),
]


@pytest.mark.parametrize("row", INVERSES, ids=lambda row: f"{row[0]} of {row[1]}")
@settings(max_examples=20, derandomize=True)
@given(share=st.floats(0, 1))
def test_an_inverse_takes_back_and_its_slope_is_the_reciprocal(
    row: tuple[str, str, tuple[float, float]], share: float
) -> None:
    outer, inner, (low, high) = flux.parse(row[0]), flux.parse(row[1]), row[2]
    at = low + share * (high - low)
    whole = outer.subs(x=inner)
    assert whole.evaluate(x=at) == pytest.approx(at, rel=1e-13, abs=1e-13)
    assert whole.simplify().evaluate(x=at) == pytest.approx(at, rel=1e-13, abs=1e-13)
    assert whole.diff("x").evaluate(x=at) == pytest.approx(1, rel=1e-11)
    slope = outer.diff("x").evaluate(x=inner.evaluate(x=at))
    assert inner.diff("x").evaluate(x=at) == pytest.approx(1 / slope, rel=1e-11)


# ---- Integrals -----------------------------------------------------------------------------------

_TERMS = (
    lambda a, n: f"{a}*x^{n}",
    lambda a, n: f"{a}*exp({n}*x)",
    lambda a, n: f"x*sin({n}*x)*{a}",
    lambda a, n: f"{a}/(x + {n + 3})",
    lambda a, n: f"cos({a}*x + {n})",
    lambda a, n: f"{a}/(x^2 + {n})",
    lambda a, n: f"x^{n}*exp(-x)/{a}",
)
terms = st.builds(
    lambda make, a, n: make(a, n), st.sampled_from(_TERMS), st.integers(1, 5), st.integers(1, 4)
)
integrands = st.lists(terms, min_size=1, max_size=3).map(" + ".join)


@SLOW
@given(integrands)
def test_an_antiderivative_differentiates_back_and_gives_the_integral(text: str) -> None:
    e = flux.parse(text)
    with override(max_seconds=PATIENT):
        found = e.integrate("x")
    assert flux.equal(found.diff("x"), e)
    whole = flux.integrate(text, "x", 0.25, 1.5, {}, method="numeric")
    ends = found.evaluate(x=1.5) - found.evaluate(x=0.25)
    assert whole.value == pytest.approx(ends, rel=1e-9, abs=1e-9)
    wanted = mpmath.quad(lambda t: mpmath.mpf(e.evaluate(x=float(t))), [0.25, 1.5])
    assert whole.value == pytest.approx(float(wanted), rel=1e-9)


@LAWS
@given(smooth)
def test_an_integral_by_numbers_is_that_of_mpmath(e: Expr) -> None:
    f = flux.compile(e)
    has_x = "x" in e.free_names()
    wanted = mpmath.quad(lambda t: mpmath.mpf(f(x=float(t)) if has_x else f()), [-1, 0, 1])
    found = flux.integrate(e, "x", -1, 1, {}, method="numeric")
    assert found.value == pytest.approx(float(wanted), rel=1e-7, abs=1e-7)


# ---- Series --------------------------------------------------------------------------------------


@LAWS
@given(smooth, quarters)
def test_a_series_has_the_derivatives_of_its_function(e: Expr, at: Fraction) -> None:
    polynomial = e.series("x", float(at), 4)
    for order in range(5):
        wanted = e.diff("x", order).evaluate(x=float(at))
        found = polynomial.diff("x", order).evaluate(x=float(at))
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@LAWS
@given(smooth, quarters)
def test_a_series_is_as_near_as_its_order_says(e: Expr, at: Fraction) -> None:
    point, order = float(at), 5
    polynomial = e.series("x", point, order)

    def error(step: float) -> float:
        return abs(polynomial.evaluate(x=point + step) - e.evaluate(x=point + step))

    size = max(1.0, abs(e.evaluate(x=point)))
    near, nearer = error(2**-9), error(2**-10)
    # The first term that is left out has degree six, or higher.
    assert nearer <= near / 2 ** (order - 0.5) + 1e-13 * size


# ---- Roots ---------------------------------------------------------------------------------------

roots_of_polynomials = st.lists(st.integers(-4, 4), min_size=1, max_size=4)


@SLOW
@given(roots_of_polynomials, st.integers(1, 3))
def test_exact_roots_solve_the_equation_and_none_is_missing(roots: list[int], scale: int) -> None:
    factors = "*".join(f"(x - ({root}))" for root in roots)
    e = flux.parse(f"{scale}*{factors}")
    with override(max_seconds=PATIENT):
        found = flux.solve_exactly(e.expand(), "x")
    assert found.complete
    assert sorted(root.evaluate() for root in found.roots) == sorted(set(roots))
    for root in found.roots:
        assert flux.equal(e.subs(x=root), "0").verdict is Verdict.PROVED


@LAWS
@given(st.integers(-20, 20), st.integers(1, 9), st.integers(1, 9))
def test_a_root_that_is_claimed_solves_the_equation(p: int, q: int, r: int) -> None:
    residual = flux.parse(f"x^3 + {q}*x + tanh({r}*x) - ({p})")  # rises everywhere: one root
    found = flux.solve(residual, x=0.0)
    assert found.converged
    assert abs(residual.evaluate(x=found.root)) < 1e-11 * (1 + abs(p))
    with mpmath.workdps(30):
        wanted = mpmath.findroot(
            lambda t: t**3 + q * t + mpmath.tanh(r * t) - p, mpmath.mpf(found.root)
        )
    assert found.root == pytest.approx(float(wanted), rel=2e-12)


# ---- There and back ------------------------------------------------------------------------------


@LAWS
@given(smooth, quarters)
def test_sympy_s_form_read_back_has_the_same_value(e: Expr, at: Fraction) -> None:
    again = flux.from_sympy(e.to_sympy())
    assert flux.equal(again, e).verdict is not Verdict.REFUTED
    found, wanted = _at(again, at).evaluate(), _at(e, at).evaluate()
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_a_broken_law_would_be_seen() -> None:
    e = flux.parse("sin(x)*exp(x)")
    assert flux.equal(e.diff("x"), "cos(x)*exp(x)").verdict is Verdict.REFUTED
    assert math.isclose(e.series("x", 0, 3).evaluate(x=0.1), e.evaluate(x=0.1), rel_tol=1e-4)
