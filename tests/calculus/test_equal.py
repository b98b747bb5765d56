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
