"""Taylor polynomials: known ones, every row against derivatives, and where there is none."""

import pytest

import flux
from flux.calculus.power_series import ROWS
from flux.calculus.series import coefficients
from flux.errors import ArgumentError, AxisError, DomainError, LimitError
from flux.expr import apply, constant, custom, variable
from flux.expr.evaluate import evaluate
from flux.ops import POINTWISE, Op
from tests.reliability.bounds import within

FACTS = [
    # (formula, point, degree, coefficients, a place, the polynomial's value there)
    (
        "cos(x)",
        0,
        8,
        [1, 0, -0.5, 0, 0.041666666666666664, 0, -0.001388888888888889, 0, 2.48015873015873e-05],
        0.7,
        0.7648421950399306,
    ),
    (
        "sin(x)*exp(x)",
        0,
        6,
        [0, 1, 1, 0.3333333333333333, 0, -0.03333333333333333, -0.011111111111111112],
        0.4,
        0.5809464888888889,
    ),
    ("x^3+2*x", 0, 5, [0, 2, 0, 1, 0, 0], 1.5, 6.375),
    ("x^2", 0, 5, [0, 0, 1, 0, 0, 0], 2.0, 4.0),
    ("x^2+3*x+1", 2, 3, [11, 7, 1, 0], 3.1, 19.91),
]


@pytest.mark.parametrize(("text", "x0", "n", "known", "at", "value"), FACTS)
def test_known_coefficients(text, x0, n, known, at, value):
    e = flux.parse(text)
    found = [c.evaluate() for c in coefficients(e, "x", x0, n)]
    assert found == pytest.approx(known, rel=1e-14, abs=1e-15)
    assert e.series("x", x0, n).evaluate(x=at) == pytest.approx(value, rel=1e-12)


PRINTED = [
    ("cos(x)", 0, 6, "1 - x^2/2 + x^4/24 - x^6/720"),
    ("sin(x)/x", 0, 6, "1 - x^2/6 + x^4/120 - x^6/5040"),
    ("(exp(x) - 1 - x)/x^2", 0, 3, "1/2 + x/6 + x^2/24 + x^3/120"),
    ("tan(x)", 0, 9, "x + x^3/3 + 2*x^5/15 + 17*x^7/315 + 62*x^9/2835"),
    ("log(x)", 1, 3, "x - 1 - (x - 1)^2/2 + (x - 1)^3/3"),
    ("1/(1 - x)", 0, 4, "1 + x + x^2 + x^3 + x^4"),
    ("erf(x)", 0, 3, "2*x/sqrt(pi) - 2*x^3/(3*sqrt(pi))"),
    ("exp(a*x)", "b", 2, "exp(a*b) + a*exp(a*b)*(x - b) + a^2*exp(a*b)*(x - b)^2/2"),
    ("cbrt(x)", 8, 2, "2 + (x - 8)/12 - (x - 8)^2/288"),
    ("abs(x)", -1, 2, "1 - (x + 1)"),
    ("where(x > 1, x, x^2)", 0, 3, "x^2"),
    ("x % 3", 4.5, 2, "3/2 + (x - 4.5)"),
    ("a", 0, 3, "a"),
    ("0*x", 0, 3, "0"),
    ("sin(x)", "pi", 3, "(x - pi)^3/6 - (x - pi)"),
    ("sin(x)/(x - pi)", "pi", 2, "(x - pi)^2/6 - 1"),
    ("sin(x - a)/(x - a)", "a", 2, "1 - (x - a)^2/6"),
]


@pytest.mark.parametrize(("text", "x0", "n", "printed"), PRINTED)
def test_printed_series(text, x0, n, printed):
    assert str(flux.parse(text).series("x", x0, n)) == printed


def test_every_pointwise_operation_but_custom_has_a_row():
    assert set(ROWS) == set(POINTWISE) - {Op.CUSTOM}


# A point inside each operation's domain, away from kinks and jumps.
POINTS = {Op.ACOSH: 2.3, Op.ASIN: 0.31, Op.ACOS: 0.31, Op.ATANH: 0.31}
X = variable("x")
INNER = [X, X * X + X / 3]  # a straight operand and a curved one


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("op", [op for op in POINTWISE if op is not Op.CUSTOM])
def test_every_row_against_repeated_differentiation(op, inner):
    if op is Op.POLYGAMMA:
        operands = (constant(1), inner)
    else:
        operands = (inner, apply(Op.COS, X), X + 4)[: op.row.arity]
    e = apply(op, *operands)
    point = POINTS.get(op, 1.27)
    if inner is not X and op is Op.ACOSH:
        point = 1.9
    found = [c.evaluate() for c in coefficients(e, "x", point, 4)]
    derivative, factorial = e, 1
    for k in range(5):
        factorial *= max(k, 1)
        wanted = evaluate(derivative, {"x": point}) / factorial
        assert found[k] == pytest.approx(wanted, rel=1e-8, abs=1e-9), (op, k)
        derivative = derivative.diff("x")


def test_a_stated_derivative_is_used():
    e = custom(apply(Op.SIN, X), {X: 2 * X})
    assert [c.evaluate() for c in coefficients(e, "x", 0, 2)] == [0, 0, 1]


def test_a_series_is_near_its_function():
    e = flux.parse("exp(sin(x))/(1 + x^2)")
    for x in (-0.2, 0.1, 0.25):
        assert e.series("x", 0, 25).evaluate(x=x) == pytest.approx(e.evaluate(x=x), rel=1e-12)


NONE = [
    ("1/x", 0, "pole"),
    ("log(x)", 0, "not finite"),
    ("sqrt(x)", 0, "not whole"),
    ("abs(x)", 0, "kink"),
    ("floor(x)", 1, "jumps"),
    ("where(x > 1, x, x^2)", 1, "changes"),
    ("max(x, 0)", 0, "changes"),
    ("log(x)", -1, "no finite value"),
    ("gamma(x)", 0, "no finite value"),
    ("x^x", 0, "not finite"),
    ("tan(x)", "pi/2", "pole"),
    ("tan(x)", "3*pi/2", "may be 0"),
    ("log(sin(x))", "pi", "not finite"),
    ("sqrt(sin(x))", "2*pi", "may be 0"),
    ("1/(x^2 - 2)", "sqrt(2)", "pole"),
    ("1/(x - a)", "a", "pole"),
    ("1/x", "0*a", "pole"),
    ("abs(x - a)", "a", "kink"),
    ("1/x", "inf", "not finite"),
]


@pytest.mark.parametrize(("text", "x0", "message"), NONE)
def test_where_there_is_no_series(text, x0, message):
    with pytest.raises(DomainError, match=message):
        flux.parse(text).series("x", x0, 3)


def test_mistakes_and_limits():
    e = flux.parse("exp(x)")
    with pytest.raises(LimitError, match="max_steps"):
        e.series("x", 0, 100_000)
    with pytest.raises(LimitError, match="max_literal"):
        e.series("x", 0, 600)
    with pytest.raises(LimitError, match="max_steps"):
        flux.parse("sin(x*exp(x))").series("x", "1/3", 150)  # symbolic coefficients cost more
    with pytest.raises(ArgumentError, match="whole number"):
        e.series("x", 0, -1)
    with pytest.raises(ArgumentError, match="itself"):
        e.series("x", "x + 1", 2)
    with pytest.raises(AxisError, match="no named axes"):
        flux.parse("input x[d]\nx^2").series("x", 0, 2)


def test_values_within_values_end():
    lines = [f"a{k + 1} = sin(a{k}) + a{k}" for k in range(60)]
    e = flux.parse("\n".join(["a0 = x", *lines, "a60"]))
    with within():
        found = e.series("x", -2, 6)
    near = -2 + 1e-4
    assert found.evaluate(x=near) == pytest.approx(e.evaluate(x=near), rel=1e-9)
