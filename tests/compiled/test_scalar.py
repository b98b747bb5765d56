"""Calls with plain numbers: quick, and the same values as the general path, outside domains too."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import flux
from flux.backends.scalar_code import scalar_function
from flux.expr import Expr, apply, variable
from flux.lower import lower
from flux.ops import POINTWISE, Op
from tests.strategies import formulas

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e308, -1e308, 5e-324, 1e-310, 2.0**53]
SPECIAL += [math.inf, -math.inf, math.nan, 700.0, -745.2, 171.7]
FLOATS = st.one_of(st.sampled_from(SPECIAL), st.floats(), st.floats(-10, 10))
EXACT = {Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.SQRT, Op.ABS}
_NOT_EXECUTED = (Op.CUSTOM,)


def one_row(f, *values: float) -> float:
    """The value on the general path."""
    return float(f(*(np.array([value]) for value in values))[0])


def kind(x: float) -> str:
    return "nan" if math.isnan(x) else "finite" if math.isfinite(x) else f"{x}"


def same(a: float, b: float, ulps: int) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b):
        return a == b
    return abs(a - b) <= ulps * max(math.ulp(a), math.ulp(b))


ONE = [op for op in POINTWISE if op not in _NOT_EXECUTED]
COMPILED = {
    op: flux.compile(apply(op, *(variable(n) for n in "xyz"[: op.row.arity]))) for op in ONE
}
# Near their zeros and in their steepest parts a relative error says nothing.
LOOSE = {Op.GAMMA, Op.LGAMMA, Op.POLYGAMMA, Op.ERFC}


@pytest.mark.parametrize("op", ONE, ids=lambda op: op.row.name)
@settings(max_examples=60)
@given(st.data())
def test_each_operation_agrees_with_the_general_path(op, data):
    values = [data.draw(FLOATS) for _ in range(op.row.arity)]
    f = COMPILED[op]
    found, wanted = f(*values), one_row(f, *values)
    if op in LOOSE:
        assert same(found, wanted, 8) or abs(found - wanted) <= 1e-12 * max(1, abs(wanted))
    else:
        assert same(found, wanted, 0 if op in EXACT else 4), (values, found, wanted)


@settings(max_examples=120, derandomize=True)
@given(formulas(max_leaves=12), st.lists(FLOATS, min_size=5, max_size=5))
def test_formulas_are_nan_and_infinite_in_the_same_places(e, values):
    f = flux.compile(e)
    given_ = values[: len(f.inputs)]
    found, wanted = f(*given_), one_row(f, *given_) if f.inputs else f()
    assert kind(found) == kind(wanted)  # values are compared one operation at a time, above


@settings(max_examples=100)
@given(st.integers(-(2**53), 2**53), st.booleans())
@example(0, True)
def test_integers_and_truth_values_are_numbers(n, truth):
    f = flux.compile("x*2 + y")
    assert f(n, truth) == f(float(n), float(truth)) == f(x=n, y=truth) == n * 2.0 + truth


def test_a_float_is_the_result_whatever_the_formula():
    for text in ["x", "2", "x < 1", "x and 1", "not x", "pi", "nan", "-x", "where(x, 1, 0)"]:
        f = flux.compile(text)
        assert type(f(*[0.5] * len(f.inputs))) is float


def test_a_generated_function_takes_exactly_its_arguments():
    x, y = variable("x"), variable("y")
    program = lower({"f": x + y}, [x, y])
    f = scalar_function(program)
    assert f(1.0, 2.0) == 3.0
    for wrong in [
        (1, 2.0),
        (1.0,),
        (1.0, 2.0, 3.0),
        ("1", 2.0),
        (np.float32(1), 2.0),
        ([1.0], 2.0),
    ]:
        with pytest.raises(TypeError):
            f(*wrong)


def test_programs_with_axes_or_integers_have_no_scalar_function():
    x, v, n = variable("x"), variable("v", ("d",)), variable("n", integer=True)
    assert scalar_function(lower({"f": v + 1}, [v], sizes={"d": 3})) is None
    assert scalar_function(lower({"f": x + n}, [x, n])) is None
    assert scalar_function(lower({"f": x + 1}, [x], dtype="float32")) is None


def test_several_results_of_numbers_are_those_of_arrays():
    texts = {"whole": "x", "next": "x + 1", "twice": "(x + 1)*2", "two": "2", "root": "sqrt(x)"}
    f = flux.compile(texts)
    for value in (0.25, 3, -1.0, math.inf):
        found, wanted = f(value), f(np.array([value]))
        assert list(found) == list(wanted) == list(texts)
        assert all(type(number) is float for number in found.values())
        assert np.array_equal([*found.values()], [a[0] for a in wanted.values()], equal_nan=True)
    assert flux.compile({"one": "x/2"})(3.0) == {"one": 1.5}


def test_numbers_of_many_inputs_take_the_quick_way():
    f = flux.compile({"sum": " + ".join(f"x{n}" for n in range(300)), "first": "x0"})
    assert f(*[0.5] * 300) == f(**dict.fromkeys(f.inputs, 0.5)) == {"sum": 150.0, "first": 0.5}


def test_names_of_python_and_numpy_are_harmless():
    names = ["lambda", "np", "v0", "t0", "x0", "f_sin", "formula", "abs_", "float_", "c1", "return"]
    f = flux.compile(" + ".join(f"sin({name})*{n}" for n, name in enumerate(names)))
    wanted = sum(math.sin(0.25) * n for n in range(len(names)))
    assert f(**dict.fromkeys(names, 0.25)) == pytest.approx(wanted)


def test_deep_formulas_do_not_nest_deep_source():
    e: Expr = variable("x")
    for _ in range(2_000):
        e = apply(Op.SIN, e)
    assert flux.compile(e)(0.5) == pytest.approx(one_row(flux.compile(e), 0.5), rel=1e-9)
