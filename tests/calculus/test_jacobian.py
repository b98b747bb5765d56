"""Jacobians, Hessians and their products: against differences, one another, and size bounds."""

from itertools import pairwise

import pytest
import sympy
from hypothesis import given, settings

import flux
from flux.errors import ArgumentError, AxisError, FluxError, LimitError
from flux.expr import count_nodes, variable
from flux.settings import override
from tests.reliability.bounds import within
from tests.strategies import formulas


def rosenbrock(count):
    """100*(b - a^2)^2 + (1 - a)^2, summed over neighbours."""
    xs = [variable(f"x{i}") for i in range(count)]
    terms = [100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(xs)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total, [x.attributes.name for x in xs]


POINT = {"x": 0.7, "y": 1.3, "z": -0.4}
TEXTS = [
    "x^2*y + sin(x*y)*z",
    "exp(x*y - z^2)/(1 + x^2)",
    "log(x + y^2)*tanh(z*x)",
    "where(x > y, x*y*z, x^3*z^2)",
    "sqrt(x^2 + y^2 + z^2)",
    "max(x, y)*min(y, z)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_second_derivatives_are_those_of_first_ones(text):
    e, names = flux.parse(text), ["x", "y", "z"]
    rows = e.hessian(names)
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            assert rows[i][j] is rows[j][i]
            wanted = e.diff(first).diff(second).evaluate(POINT)
            assert rows[i][j].evaluate(POINT) == pytest.approx(wanted, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("text", TEXTS)
def test_products_are_sums_over_the_matrix(text):
    e, names = flux.parse(text), ["x", "y", "z"]
    direction = {"x": 2, "z": "y - 1"}
    weights = {"x": 2.0, "y": 0.0, "z": POINT["y"] - 1}
    rows = e.hessian(names)
    for row, product in zip(rows, e.hvp(direction, names), strict=True):
        wanted = sum(h.evaluate(POINT) * weights[n] for h, n in zip(row, names, strict=True))
        assert product.evaluate(POINT) == pytest.approx(wanted, rel=1e-11, abs=1e-13)
    slopes = [s.evaluate(POINT) for s in e.jacobian(names)]
    wanted = sum(s * weights[n] for s, n in zip(slopes, names, strict=True))
    assert e.jvp(direction).evaluate(POINT) == pytest.approx(wanted, rel=1e-12)
    for slope, back in zip(slopes, e.vjp("3", names), strict=True):
        assert back.evaluate(POINT) == pytest.approx(3 * slope, rel=1e-12, abs=1e-14)


def test_a_product_has_rows_for_its_direction_alone():
    assert [str(h.simplify()) for h in flux.parse("x^2*y").hvp({"x": 1})] == ["2*y"]


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_either_sweep_gives_the_same_jacobian(count):
    # Many rows over few names go forwards, few rows over many names backwards.
    texts = [f"sin({i + 1}*x)*y^{i + 2} + z" for i in range(count)]
    outputs = [flux.parse(text) for text in texts]
    rows = flux.jacobian(texts, ["x", "y", "z"])
    assert len(rows) == count
    for row, e in zip(rows, outputs, strict=True):
        for name, slope in zip("xyz", row, strict=True):
            assert slope.evaluate(POINT) == pytest.approx(e.diff(name).evaluate(POINT), rel=1e-12)


def test_against_sympy():
    texts = ["x*exp(y)/z", "sin(x*y*z)", "(x + y)^z"]
    symbols = sympy.symbols("x y z", real=True)
    wanted = sympy.Matrix([flux.parse(t).to_sympy() for t in texts]).jacobian(symbols)
    point = {"x": 0.7, "y": 1.3, "z": 0.4}
    for i, row in enumerate(flux.jacobian(texts, ["x", "y", "z"])):
        for j, slope in enumerate(row):
            value = wanted[i, j].subs({s: point[s.name] for s in symbols}).evalf()
            assert slope.evaluate(point) == pytest.approx(float(value), rel=1e-12)


def test_no_names_and_no_expressions_are_empty():
    assert flux.jacobian(["x", "y"], []) == [[], []]
    assert flux.jacobian([], ["x"]) == []
    assert flux.parse("x").hessian([]) == []
    assert [str(s) for s in flux.parse("x").jacobian(["absent"])] == ["0"]


ORDINARY = [
    "sin(x)*exp(-x)",
    "a*exp(-b*x) + c",
    "x^2/(k^2 + x^2)",
    "log(1 + exp(x*y))",
    "0.5*x*(1 + tanh(0.7978845608*(x + 0.044715*x^3)))",
    "sqrt(x^2 + y^2 + z^2)/(1 + abs(x))",
    "exp(-(x - m)^2/(2*s^2))/(s*sqrt(2*pi))",
    "where(x > 0, x*log(x), x^2)",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_each_order_is_at_most_eight_times_as_large(text):
    e = flux.parse(text)
    names = list(e.free_names())
    first = e.gradient(names)
    assert count_nodes(*first) <= 8 * count_nodes(e)
    second = [h for row in e.hessian(names) for h in row]
    assert count_nodes(*second) <= 8 * len(names) * count_nodes(*first)
    for n in (1, 2, 3):
        assert count_nodes(e.diff("x", n)) <= 8 * count_nodes(e.diff("x", n - 1))


def test_rosenbrock_is_sparse_and_quick():
    e, names = rosenbrock(100)
    with within(0.1):  # 5 ms on an idle machine
        slopes = e.gradient(names)
    assert count_nodes(*slopes) <= 3 * count_nodes(e)
    small, few = rosenbrock(30)
    with within(0.1):
        rows = small.hessian(few)
    assert sum(h.op.name != "CONSTANT" or str(h) != "0" for row in rows for h in row) == 88
    assert count_nodes(*(h for row in rows for h in row)) <= 2 * count_nodes(small)


@settings(max_examples=60, derandomize=True)
@given(formulas())
def test_any_formula_has_a_hessian_or_a_flux_error(e):
    names = list(e.free_names())[:3]
    try:
        rows = e.hessian(names)
    except FluxError:
        return
    assert all(rows[i][j] is rows[j][i] for i in range(len(names)) for j in range(len(names)))


def test_a_dense_hessian_of_many_names_names_its_budget():
    names = [f"x{i}" for i in range(40)]
    e = flux.parse(f"exp({' * '.join(names)})")
    with override(max_nodes=2_000), pytest.raises(LimitError, match="max_nodes"):
        e.hessian(names)


MISTAKES = [
    (lambda: flux.jacobian("x", ["x"]), ArgumentError, "are a list"),
    (lambda: flux.jacobian([None], ["x"]), ArgumentError, "not a NoneType"),
    (lambda: flux.jacobian(["x"], "x"), ArgumentError, "variables are a list"),
    (lambda: flux.parse("x").hessian("x"), ArgumentError, "variables are a list"),
    (lambda: flux.parse("x").hessian([3]), ArgumentError, "a name or an expression"),
    (lambda: flux.parse("x").hvp(3), ArgumentError, "mapping"),
    (lambda: flux.parse("x").jvp({"x": None}), ArgumentError, "NoneType"),
    (lambda: flux.parse("x").vjp("input c[d]\nc", ["x"]), AxisError, "cotangent"),
    (lambda: flux.parse("input x[d]\nsum[d](x^2)").hessian(["x"]), AxisError, "axes"),
    (lambda: flux.parse("input x[d]\nx^2").jacobian(["x"]), AxisError, "axes"),
]


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_mistakes(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_products_take_inputs_with_axes():
    e = flux.parse("input x[d], v[d]\nsum[d](x^3)")
    (product,) = e.hvp({"x": "input v[d]\nv"})
    assert product.evaluate(x=[1.0, 2.0], v=[1.0, -1.0]) == pytest.approx([6.0, -12.0])


def test_a_sparse_hessian_costs_as_much_as_it_has_entries():
    names = [f"x{i}" for i in range(1_500)]
    e = flux.parse(" + ".join(f"log({a}*{b} + 1)" for a, b in pairwise(names)))
    with within():
        matrix = e.hessian(names)
    zero = flux.parse("0")
    filled = [
        (i, j) for i, row in enumerate(matrix) for j, each in enumerate(row) if each is not zero
    ]
    assert filled == [(i, j) for i in range(1_500) for j in range(1_500) if abs(i - j) <= 1]


def test_a_variable_that_is_no_input_hides_what_it_is_made_of():
    wave = flux.parse("sin(x)")
    rows = flux.parse("sin(x)*x*y").hessian([wave, "x", "y"])
    assert [[str(each.simplify()) for each in row] for row in rows] == [
        ["0", "y", "x"],
        ["y", "0", "sin(x)"],
        ["x", "sin(x)", "0"],
    ]


def test_a_name_twice_is_two_variables_of_a_hessian():
    (a, b), (c, d) = flux.parse("x^3").hessian(["x", "x"])
    assert a is b is c is d
    assert a is flux.parse("x^3").diff("x", 2)
