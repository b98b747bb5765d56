"""Forward mode: the laws of the derivative, orders, directions, and what it costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.calculus import diff, gradient, jvp, subs
from flux.errors import ArgumentError, AxisError, LimitError
from flux.expr import Expr, apply, constant, count_nodes, reduce, rename, variable, where
from flux.ops import Op
from flux.settings import override
from tests.calculus.oracle import Oracle

ORACLE = Oracle({"d": 3, "b": 2})
x, y = variable("x"), variable("y")
SMOOTH = (Op.SIN, Op.COS, Op.TANH, Op.EXP, Op.ATAN, Op.ERF, Op.ASINH, Op.NEG)

leaves = st.sampled_from([x, y, constant(2), constant(0.5)])
smooth = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.builds(apply, st.sampled_from(SMOOTH), parts),
        st.builds(apply, st.sampled_from((Op.ADD, Op.SUB, Op.MUL)), parts, parts),
        st.builds(lambda a, b: a / (b**2 + 1), parts, parts),
        st.builds(lambda a, b: where(apply(Op.GT, a, b), a * b, a + b), parts, parts),
    ),
    max_leaves=6,
)
points = st.tuples(st.floats(-1, 1), st.floats(-1, 1))
LAWS = settings(max_examples=60, derandomize=True)


def at(e: Expr, point) -> float:
    return float(ORACLE.value(e, dict(zip("xy", point, strict=True))))


def same(a: Expr, b: Expr, point) -> None:
    assert at(a, point) == pytest.approx(at(b, point), rel=1e-9, abs=1e-12)


@LAWS
@given(smooth, smooth, points)
def test_the_derivative_is_linear(f, g, point):
    same(diff(3 * f - g * 0.5, "x"), 3 * diff(f, "x") - 0.5 * diff(g, "x"), point)


@LAWS
@given(smooth, smooth, points)
def test_the_product_rule(f, g, point):
    same(diff(f * g, "x"), diff(f, "x") * g + f * diff(g, "x"), point)


@LAWS
@given(smooth, smooth, points)
def test_the_chain_rule(f, g, point):
    inner = apply(Op.TANH, g)

    def composed(e: Expr) -> Expr:
        return subs(e, {x: inner})

    outer, by_y = composed(diff(f, "x")), composed(diff(f, "y"))
    same(diff(composed(f), "y"), outer * diff(inner, "y") + by_y, point)


@LAWS
@given(smooth, points)
def test_the_gradient_of_a_scalar_is_its_derivative(f, point):
    for name, slope in zip("xy", gradient(f, ["x", "y"]), strict=True):
        same(slope, diff(f, name), point)


@LAWS
@given(smooth, points)
def test_second_derivatives_commute(f, point):
    same(diff(diff(f, "x"), "y"), diff(diff(f, "y"), "x"), point)


@LAWS
@given(smooth, points, st.floats(-2, 2), st.floats(-2, 2))
def test_a_directional_derivative_is_the_gradient_times_the_direction(f, point, p, q):
    along = jvp(f, {"x": constant(p), "y": constant(q)})
    expected = at(diff(f, "x"), point) * p + at(diff(f, "y"), point) * q
    assert at(along, point) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_orders_of_derivatives():
    assert diff(x**5, "x", 0) is x**5
    assert at(diff(x**5, "x", 5), (0.3, 0)) == 120
    assert diff(x**5, "x", 6) is constant(0)
    assert at(diff(apply(Op.SIN, x), "x", 4), (0.3, 0)) == pytest.approx(np.sin(0.3))
    for bad in (-1, 1.5, True, "2"):
        with pytest.raises(ArgumentError, match="whole number"):
            diff(x, "x", bad)


def test_a_derivative_by_an_expression_takes_it_as_independent():
    u = apply(Op.SIN, x)
    assert diff(u**2 + x, u) is 2 * u
    assert diff(x**2, u) is constant(0)


def test_an_absent_name_has_derivative_zero():
    assert diff(x**2, "xx") is constant(0)


X = variable("X", ["b", "d"])


def test_the_derivative_by_a_value_with_axes_is_taken_at_each_position():
    assert diff(X**2 + x, "X") is 2 * X
    assert diff(reduce(Op.SUM, y * rename(X, {"d": "e"}), ["b", "e"]) * x, "x").axes == frozenset()


@pytest.mark.parametrize(
    "e",
    [
        reduce(Op.SUM, X, ["d"]),
        reduce(Op.MAX, X * 2, ["b"]) * x,
        rename(X, {"d": "e"}),
        flux.expr.index(X, {"d": 1}),
    ],
)
def test_a_derivative_that_mixes_positions_is_an_error_with_a_hint(e):
    with pytest.raises(AxisError, match="mixes positions") as caught:
        diff(e, "X")
    assert "gradient" in caught.value.hint


def test_a_tangent_has_axes_of_its_input_only():
    with pytest.raises(AxisError, match="axes \\[d\\]"):
        jvp(x * X, {"x": variable("t", ["d"])})


def test_a_tangent_may_lack_axes_along_which_it_is_constant():
    along = jvp(reduce(Op.SUM, X * X, ["b", "d"]), {"X": x})
    values = np.arange(6.0).reshape(2, 3)
    assert float(ORACLE.value(along, {"X": values, "x": 2.0})) == 4 * values.sum()
    counted = jvp(reduce(Op.SUM, X, ["b", "d"]), {"X": x})
    assert float(ORACLE.value(counted, {"x": 2.0})) == 12


def test_higher_derivatives_share_their_parts():
    nest = x
    for _ in range(50):
        nest = apply(Op.SIN, nest)
    for n, limit in ((1, 200), (2, 500), (3, 1_200)):
        assert count_nodes(diff(nest, "x", n)) < limit


def test_a_derivative_that_would_not_end_names_its_limit():
    with override(max_nodes=2_000), pytest.raises(LimitError, match="max_nodes"):
        diff(x ** apply(Op.SIN, x) / (1 + x**x), "x", 40)
    total = x
    for i in range(200):
        total = total * apply(Op.SIN, x + i)
    with override(max_nodes=50), pytest.raises(LimitError, match="max_nodes"):
        gradient(total, ["x"])


def test_derivatives_print_and_parse_back():
    for text in ("x^x", "where(x > 0, log(x), 0)", "1/(1 + exp(-x))", "gamma(x)*atan2(x, y)"):
        slope = flux.parse(text).diff("x", 2)
        assert flux.parse(str(slope)) is slope
    (slope,) = reduce(Op.SUM, X**2, ["b", "d"]).gradient(["X"])
    assert flux.parse(str(slope)) is slope
