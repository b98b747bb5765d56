"""SymPy and back: every operation has a row, values are kept, what has no counterpart is named."""

import math
from decimal import Decimal

import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import flux
from flux.calculus.sympy_bridge import ROWS, to_sympy
from flux.calculus.sympy_reader import READERS, from_sympy, readers
from flux.errors import ArgumentError, AxisError, DomainError, FluxError, LimitError
from flux.expr import apply, constant, custom, inputs, node, topological, variable
from flux.expr.evaluate import evaluate
from flux.ops import POINTWISE, Op
from tests.strategies import formulas, operands_for

X = sympy.Symbol("x", real=True)


def test_every_pointwise_operation_has_a_row():
    assert set(ROWS) == set(POINTWISE)


def test_every_class_of_the_reader_is_one_of_sympy():
    assert len(readers()) == len(READERS)


@pytest.mark.parametrize("op", [op for op in POINTWISE if op is not Op.CUSTOM])
@settings(max_examples=12, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_operation_has_the_same_value_in_sympy(op, data):
    operands = data.draw(operands_for(op))
    names = [variable(name) for name in ("x", "y", "z")[: op.row.arity]]
    values = {e.attributes.name: v for e, v in zip(names, operands, strict=True)}
    assume(op is not Op.ATAN2 or 0 not in operands)  # SymPy has no signed zero
    if op is Op.POLYGAMMA:
        names[0] = constant(int(values.pop("x")))
    e = node(op, tuple(names))
    try:
        wanted = evaluate(e, values)
    except FluxError:
        assume(False)
    s = to_sympy(e)
    exact = {x: sympy.Rational(values[x.name]) for x in s.free_symbols}
    found = complex(s.evalf(30, subs=exact))  # subs alone would take exact roots
    assert found.imag == pytest.approx(0, abs=1e-12)
    assert found.real == pytest.approx(wanted, rel=1e-9, abs=1e-12)


# What SymPy decides by many digits, or by algebra, is not asked of random towers of operations.
PLAIN = tuple(
    op for op in POINTWISE if op not in (Op.CUSTOM, Op.GAMMA, Op.LGAMMA, Op.POLYGAMMA, Op.POW)
)


@settings(max_examples=80, derandomize=True, suppress_health_check=list(HealthCheck))
@given(formulas(max_leaves=6, operations=PLAIN))
def test_there_and_back_is_the_same_value(e):
    try:
        again = from_sympy(to_sympy(e))
    except DomainError:  # a part that has no real value, such as log(-1)
        return
    for seed in range(3):
        values = {x.attributes.name: 0.3 + 0.77 * i + seed for i, x in enumerate(inputs(e), 1)}
        try:
            wanted = evaluate(e, values)
            wanted_again = evaluate(again, values)
        except FluxError:
            continue
        if math.isfinite(wanted) and abs(wanted) < 1e12 and not _has_steps(e):
            assert wanted_again == pytest.approx(wanted, rel=1e-6, abs=1e-6)


STEPS = {
    *(Op.FLOOR, Op.CEIL, Op.ROUND, Op.RINT, Op.TRUNC, Op.MOD, Op.FMOD, Op.SIGN),
    *(Op.LT, Op.LE, Op.GT, Op.GE, Op.EQ, Op.NE, Op.AND, Op.OR, Op.NOT, Op.WHERE),
}


def _has_steps(e):
    """Whether rounding may change the value by a step."""
    return any(part.op in STEPS for part in topological((e,)))


SPELLINGS = [
    ("x^2/3 - 1/(2*y)", "x**2/3 - 1/(2*y)"),
    ("where(x > 0 and y < 2, log(x), 0.1)", "Piecewise((log(x), (x > 0) & (y < 2)), (1/10, True))"),
    ("0.1 + 0.2", "3/10"),
    ("sqrt(x^2)", "Abs(x)"),
    ("stop(x)*e^x", "x*exp(x)"),
]


@pytest.mark.parametrize(("text", "shown"), SPELLINGS)
def test_spelling_in_sympy(text, shown):
    assert str(flux.parse(text).to_sympy()) == shown


BACK = [
    (X**2 / 3 - 1 / X, "x^2/3 - 1/x"),
    (1 / sympy.sqrt(X), "1/sqrt(x)"),
    (X**-2 * sympy.sin(X), "sin(x)/x^2"),
    (sympy.sec(X), "1/cos(x)"),
    (sympy.Max(X, 1, 2 * X), None),
    (sympy.Piecewise((X, X > 1)), "where(x > 1, x, nan)"),
    (sympy.factorial(X), "gamma(x + 1)"),
    (sympy.Float("0.1"), "0.1"),
    (-sympy.oo, "-inf"),
]


@pytest.mark.parametrize(("s", "text"), BACK)
def test_from_sympy(s, text):
    e = flux.from_sympy(s)
    if text is not None:
        assert flux.equal(e, text).verdict.value in ("proved", "agreed", "unknown")
    value = {x: sympy.Rational(17, 10) for x in s.free_symbols}
    assert e.evaluate(x=1.7) == pytest.approx(float(s.subs(value)))


def test_a_long_float_keeps_its_digits():
    kind, value = flux.from_sympy(sympy.pi.evalf(40)).attributes
    assert kind == "decimal"
    assert abs(value - Decimal("3.14159265358979323846264338327950288419717")) < Decimal("1e-38")


def test_assumptions_go_both_ways():
    e = flux.parse("assume x > 0\nsqrt(x^2)")
    assert to_sympy(e).is_positive
    assert from_sympy(to_sympy(e)).attributes.assumption == "> 0"
    assert from_sympy(X) is variable("x")


UNREADABLE = [
    (sympy.besselj(0, X), FluxError, "besselj"),
    (sympy.Integral(sympy.exp(-(X**4)), X), FluxError, "Integral"),
    (sympy.I * X, DomainError, "not real"),
    (sympy.zoo, DomainError, "not real"),
    (sympy.Dummy("x"), FluxError, "Dummy"),
    ("x + 1", ArgumentError, "expected an expression of SymPy"),
]


@pytest.mark.parametrize(("s", "kind", "message"), UNREADABLE)
def test_what_has_no_counterpart_is_named(s, kind, message):
    with pytest.raises(kind, match=message):
        flux.from_sympy(s)


def test_named_axes_are_refused_with_a_hint():
    with pytest.raises(AxisError, match="no named axes") as caught:
        flux.parse("input x[d]\nsum[d](x^2)").to_sympy()
    assert "scalar formula" in caught.value.hint


def test_a_stated_derivative_hands_over_the_value():
    x = variable("x")
    assert to_sympy(custom(apply(Op.SIN, x), {x: x})) == sympy.sin(X)


@pytest.mark.parametrize(
    "text", ["9^9^9^9", "gamma(10^300)", "floor(exp(exp(100)))", "exp(exp(exp(100))) > 3"]
)
def test_bombs_are_handed_over_unevaluated(text):
    assert to_sympy(flux.parse(text)) is not None


def test_a_long_sum_and_a_deep_nest():
    long = flux.parse(" + ".join(f"{k}*x^{k}" for k in range(1, 1500)))
    assert len(to_sympy(long).args) == 1499
    deep = variable("x")
    for _ in range(20_000):
        deep = apply(Op.ATAN, deep)
    with pytest.raises(LimitError, match="too deeply"):
        to_sympy(deep)
