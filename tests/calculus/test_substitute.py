"""Substitution: all at once, from numbers, expressions and text, without capture."""

import numpy as np
import pytest

import flux
from flux.calculus import equal, subs
from flux.errors import ArgumentError, AxisError, FluxError, LimitError, UnknownNameError
from flux.expr import apply, constant, index, position, rename, variable
from flux.expr import reduce as reduced
from flux.ops import Op
from flux.settings import override

x, y = variable("x"), variable("y")
ROWS = [
    ("sin(x)*x", {"x": "2*t"}, "sin(2*t)*(2*t)"),
    ("a*x + b", {"x": "a"}, "a*a + b"),
    ("x - y", {"x": "y", "y": "x"}, "y - x"),
    ("x^2", {"x": 3}, "3^2"),
    ("x^2", {"x": -0.5}, "(-0.5)^2"),
    ("x + y", {"x": y * 2}, "y*2 + y"),
    ("x + y", {}, "x + y"),
]


@pytest.mark.parametrize(("text", "mapping", "expected"), ROWS)
def test_substitution(text, mapping, expected):
    assert subs(flux.parse(text), mapping) is flux.parse(expected)
    assert flux.parse(text).subs(mapping) is flux.parse(expected)


def test_an_expression_may_be_replaced_too():
    u = apply(Op.SIN, x)
    assert subs(u**2 + x, {u: y}) is y**2 + x


def test_a_misspelt_name_is_an_error_with_a_hint():
    with pytest.raises(UnknownNameError, match="`rat`") as caught:
        subs(variable("rate") * x, {"rat": 1})
    assert caught.value.hint == "did you mean `rate`?"


def test_what_is_no_replacement_is_an_error():
    for bad in (None, [1], 1j, object()):
        with pytest.raises(ArgumentError, match="expected an expression"):
            subs(x, {"x": bad})
    with pytest.raises(ArgumentError, match="a name or an expression"):
        subs(x, {5: 1})
    with pytest.raises(ArgumentError, match="expected an expression"):
        equal(x, None)


def test_numbers_of_numpy_are_numbers():
    assert subs(x, {"x": np.int64(3)}) is constant(3)
    assert subs(x, {"x": np.float32(0.5)}) is constant(0.5)
    assert subs(x, {"x": True}) is constant(True)


def test_text_that_does_not_parse_is_an_error():
    with pytest.raises(FluxError):
        subs(x, {"x": "1 +"})


X = variable("X", ["b", "d"])


def test_an_axis_that_is_bound_above_is_not_captured():
    total = reduced(Op.SUM, x * X, ["d"])
    assert subs(total, {"x": variable("g", ["b"])}).axes == {"b"}
    for bound in (total, rename(x * X, {"d": "s"}), index(x * X, {"d": 0})):
        with pytest.raises(AxisError, match="axes \\[d\\]"):
            subs(bound, {"x": variable("g", ["d"])})


def test_a_replacement_may_lack_axes():
    assert subs(rename(X, {"d": "s"}), {"X": x}) is x
    assert subs(index(X, {"d": 1, "b": position("t")}), {"X": constant(2)}) is constant(2)
    assert subs(reduced(Op.SUM, X, ["d"]), {"X": x}) is reduced(Op.SUM, x, ["d"])


def test_a_substitution_that_explodes_names_its_limit():
    with override(max_nodes=20), pytest.raises(LimitError, match="max_nodes"):
        subs(x * 2, {"x": flux.parse("+".join(f"sin(y*{i})" for i in range(20)))})


def test_long_sums_are_no_trouble():
    total = x
    for i in range(10_000):
        total = total + x * i
    assert subs(total, {"x": "y"}) is not total
