"""Conditions under which an expression is defined: in words, and against the evaluator."""

import pytest
from hypothesis import given, settings

import flux
from flux.calculus.domain import REQUIREMENTS, domain
from flux.errors import DomainError
from flux.expr import apply, inputs, variable
from flux.ops import POINTWISE, Op
from tests.strategies import formulas

WORDS = [
    ("log(x)", ["x > 0 (from log(x))"]),
    ("1/sqrt(x)", ["x > 0 (from 1/sqrt(x))"]),
    ("x^0.5", ["x >= 0 (from x^0.5)"]),
    ("x^-2", ["x != 0 (from x^-2)"]),
    ("x^3", []),
    ("2^x", []),
    ("(a/b)/(c*d)", ["b != 0 (from a/b)", "c != 0 (from a/b/(c*d))", "d != 0 (from a/b/(c*d))"]),
    ("x^y", ["x > 0 or x == 0 and y >= 0 or x < 0 and y == floor(y) (from x^y)"]),
    ("where(x > 0, log(x), 0)", []),
    ("where(x <= 0, 0, log(x))", []),
    ("where(x >= 1, 1/x, 0)", []),
    ("where(x >= 0, 1/x, 0)", ["x != 0 where x >= 0 (from 1/x)"]),
    ("where(0 < x, log(x) + 1/y, 1)", ["y != 0 where 0 < x (from 1/y)"]),
    ("x > 0 and log(x) > 1", []),
    ("x <= 0 or log(x) > 1", []),
    ("log(2)", []),
    ("log(-1)", ["-1 > 0 (from log(-1))"]),
    ("1/(1 - 1)", ["1 - 1 != 0 (from 1/(1 - 1))"]),
    ("log(exp(x) + 1)", []),
    ("sqrt(x^2 + 1)", []),
    ("1/(x^2 + 1)", []),
    ("assume x > 0\nlog(x) + 1/x", []),
    ("asin(sin(x))", []),
    ("asin(x) + acos(x)", ["abs(x) <= 1 (from asin(x))"]),
    ("log(log(x))", ["x > 0 (from log(x))", "log(x) > 0 (from log(log(x)))"]),
    ("tan(x)", ["cos(x) != 0 (from tan(x))"]),
    ("axis d\n1/prod[d](2 - 2)", ["prod[d](2 - 2) != 0 (from 1/prod[d](2 - 2))"]),
    ("x % y", ["y != 0 (from x % y)"]),
    ("gamma(x)", ["x > 0 or x != floor(x) (from gamma(x))"]),
    ("polygamma(0, x)", ["x > 0 or x != floor(x) (from polygamma(0, x))"]),
    ("1/x + log(x) + sqrt(x)", ["x > 0 (from log(x))"]),
    ("acosh(x) + atanh(y)", ["x >= 1 (from acosh(x))", "abs(y) < 1 (from atanh(y))"]),
    ("log(1 + x)", ["1 + x > 0 (from log(1 + x))"]),
    (
        "input x[d]\nlog(sum[d](x^2))",
        ["sum[d](x^2) > 0 (from log(sum[d](x^2)))"],
    ),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_conditions_in_words(text, words):
    assert [str(condition) for condition in flux.parse(text).domain()] == words


def test_an_index_stays_within_its_axis():
    e = flux.parse("input E[v, d], i: int\nE[v = i]")
    shown = [condition.condition for condition in e.domain()]
    assert [c.op for c in shown] == [Op.GE, Op.LT]


def test_every_operation_with_a_domain_asks_for_it():
    ruled = {Op.POW, *REQUIREMENTS}
    assert {op for op in POINTWISE if op.row.domain} <= ruled
    # The tangent has poles, which no float meets.
    assert ruled - {op for op in POINTWISE if op.row.domain} == {Op.TAN}


# What fails where an operand that is positive has underflowed to 0, or overflows itself.
UNDERFLOWS = {"pow", "div", "mod", "fmod", "log", "log2", "log10", "gamma", "lgamma", "polygamma"}
POINTS = (-2.5, -2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 1.5, 3.0)


@pytest.mark.parametrize("op", [Op.POW, *REQUIREMENTS], ids=lambda op: op.row.name)
def test_conditions_hold_exactly_where_the_evaluator_has_a_value(op):
    x, y = variable("x"), variable("y")
    e = apply(op, *(x, y)[: op.row.arity])
    conditions = [c.condition for c in domain(e)]
    for a in POINTS:
        for b in POINTS:
            values = {"x": a, "y": b}
            assert _is_defined(e, values) is all(c.evaluate(values) for c in conditions), values


def _is_defined(e, values):
    try:
        e.evaluate(values)
    except DomainError:
        return False
    return True


@settings(max_examples=150, derandomize=True)
@given(formulas())
def test_where_every_condition_holds_only_overflow_is_left(e):
    """A formula that fails though its conditions hold fails by a value beyond the floats."""
    conditions = domain(e)
    for condition in conditions:
        assert "from" in str(condition)
    for a in POINTS[::3]:
        values = {x.attributes.name: a + i / 3 for i, x in enumerate(inputs(e))}
        hint = _hint(e, conditions, values)
        assert not hint or hint.split()[0] in UNDERFLOWS, (str(e), values)


def _hint(e, conditions, values):
    """What an operation needs that fails although every condition holds."""
    try:
        if all(_holds(c, values) for c in conditions):
            e.evaluate(values)
    except DomainError as error:
        return error.hint
    return ""


def _holds(condition, values):
    if condition.branch is not None and not condition.branch.evaluate(values):
        return True
    return bool(condition.condition.evaluate(values))
