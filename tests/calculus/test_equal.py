"""Equality: what is proved, what numbers decide, and what stays unknown."""

import math

import pytest

import flux
from flux.calculus import Verdict, equal, gradient
from flux.calculus.equal import error_bound
from flux.expr import apply, index, rename, variable
from flux.expr import reduce as reduced
from flux.ops import Op

ROWS = [
    ("x + y", "y + x", Verdict.PROVED),
    ("2/6", "1/3", Verdict.PROVED),
    ("(1 - x)*exp(-x)", "exp(-x) - x*exp(-x)", Verdict.PROVED),
    ("sin(2*x)", "2*sin(x)*cos(x)", Verdict.AGREED),
    ("(x + 1)^2", "x^2 + 2*x + 1", Verdict.AGREED),
    ("exp(x + y)", "exp(x)*exp(y)", Verdict.AGREED),
    ("log(x^2)", "2*log(x)", Verdict.AGREED),  # where both are finite
    ("(x + 1e8)^2 - x^2 - 2e8*x", "1e16", Verdict.AGREED),  # cancellation is allowed for
    ("1/(4*cosh(x/2)^2)", "exp(-x)/(1 + exp(-x))^2", Verdict.AGREED),
    ("x^2", "x^2 + 1e-9", Verdict.REFUTED),
    ("1e-12*exp(-x^2)", "0", Verdict.REFUTED),
    ("sqrt(x^2)", "x", Verdict.REFUTED),
    ("sin(x)", "cos(x)", Verdict.REFUTED),
    ("x", "y", Verdict.REFUTED),
    ("sqrt(2)^2", "2.0000001", Verdict.REFUTED),
    ("log(-1 - x^2)", "x", Verdict.UNKNOWN),
    ("1/0", "5", Verdict.UNKNOWN),
]

# What random points in float64 do not see: single points, steps and kinks, values far away, and
# differences below the last bit.
DIFFER = [
    ("where(x >= 0, 1, 0)", "where(x > 0, 1, 0)"),
    ("sign(x)^2", "1"),
    ("round(x)", "floor(x + 0.5)"),
    ("round(x)", "rint(x)"),
    ("where(x == 0.123456, 1, 0)", "0"),
    ("where(abs(x) < 1e-6, 1, 0)", "0"),
    ("where(x > 1e10, x, 0)", "0"),
    ("where(x == y, 1, 0)", "0"),
    ("maximum(x - 50, 0)", "0"),
    ("abs(x - 100)", "100 - x"),
    ("floor(x/1000)", "where(x < 0, -1, 0)"),
    ("erf(1000*x)", "sign(x)"),
    ("tanh(1000*x)", "sign(x)"),
    ("1/3", "0.3333333333333333"),
    ("pi", "3.141592653589793"),
    ("1e-400", "0"),
    ("x + 1e-300", "x"),
    ("x*(1 + 1e-12)", "x"),
    ("x + 1e20", "x + 1e20 + 1"),
    ("x*9007199254740993", "x*9007199254740992"),
    ("sin(1e15*x)", "sin(1e15*x + 1e-3)"),
    ("0^x", "0"),
]


@pytest.mark.parametrize(("left", "right"), DIFFER)
def test_what_differs_anywhere_is_refuted(left, right):
    for answer in (equal(left, right), equal(right, left)):
        assert answer.verdict is Verdict.REFUTED
        difference = flux.parse(f"({left}) - ({right})")
        assert difference.evaluate(answer.counterexample, digits=3).decimal != 0


SAME = [
    ("floor(-x)", "-ceil(x)"),
    ("sign(x)*abs(x)", "x"),
    ("x % 1", "x - floor(x)"),
    ("atan2(-x, -1)", "atan2(0 - x, -1)"),  # there is no -0 among real numbers
    ("minimum(x, y) + maximum(x, y)", "x + y"),
    ("lgamma(x + 1)", "lgamma(x) + log(abs(x))"),
    ("exp(1)", "e"),
    ("assume x > 0\nwhere(x >= 0, 1, 0)", "where(x > 0, 1, 0)*1"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_what_is_the_same_at_every_turn_is_not_refuted(left, right):
    assert equal(left, right)
    assert equal(right, left)


@pytest.mark.parametrize("text", ["inf - inf", "nan*0", "inf/inf", "0*inf"])
def test_what_has_no_finite_value_is_not_proved(text):
    assert equal(text, "0").verdict is Verdict.UNKNOWN
    assert str(flux.parse(text).simplify()) == text


@pytest.mark.parametrize(("left", "right", "verdict"), ROWS)
def test_verdicts(left, right, verdict):
    a, b = flux.parse(left), flux.parse(right)
    for answer in (equal(a, b), equal(b, a)):
        assert answer.verdict is verdict
        assert bool(answer) is (verdict in (Verdict.PROVED, Verdict.AGREED))
        if verdict is Verdict.REFUTED:
            values = answer.counterexample
            names = {v.attributes.name for e in (a, b) for v in flux.expr.inputs(e)}
            assert set(values) == names
            pair = [e.evaluate({k: values[k] for k in names}) for e in (a, b)]
            assert pair[0] != pair[1]


def test_the_answer_is_the_same_in_every_run():
    a, b = flux.parse("x^2 + y"), flux.parse("x^2 - y")
    assert equal(a, b) == equal(a, b)


def test_an_assumption_limits_the_points():
    x = variable("x", assumption="> 0")
    assert equal(apply(Op.LOG, x**3 * 2), 3 * apply(Op.LOG, x) + apply(Op.LOG, 2 * x / x))
    assert not equal(apply(Op.ABS, variable("x")), variable("x"))


X, W = variable("X", ["b", "d"]), variable("W", ["d", "e"])


def total(e, *axes):
    return reduced(Op.SUM, e, axes)


def test_expressions_with_axes_are_compared_over_arrays():
    left = total(total(X * W, "d"), "b", "e")
    assert equal(left, total(total(X, "b") * total(W, "e"), "d"))
    refuted = equal(left, left * 1.001)
    assert refuted.verdict is Verdict.REFUTED
    assert set(refuted.counterexample) == {"X", "W"}
    assert equal(gradient(total(X**2, "b", "d"), ["X"])[0], X + X).verdict is Verdict.PROVED
    assert equal(total(X, "d", "e"), total(X, "d"))._asdict()["verdict"] is Verdict.REFUTED


def test_gathers_and_renames_are_compared_too():
    tokens = variable("tokens", ["b"], integer=True)
    gathered = index(variable("E", ["v", "d"]), {"v": tokens})
    assert equal(gathered * 2, apply(Op.SIN, gathered) * 0 + gathered + gathered)
    assert equal(rename(X, {"d": "s"}) ** 2 + 1, 1 + rename(X**2, {"d": "s"}))


def test_the_error_bound_sees_cancellation():
    value, bound = error_bound(flux.parse("(1 + x) - 1"), {"x": 1e-10})
    assert abs(value - 1e-10) <= bound < 1e-13
    value, bound = error_bound(flux.parse("exp(x)"), {"x": 1.0})
    assert value == math.e
    assert bound < 1e-14


def test_formulas_may_be_given_as_text():
    assert equal("x*x", "x^2").verdict is Verdict.PROVED
    assert not equal("x", flux.parse("x + 1"))
