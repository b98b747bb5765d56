"""Printed blocks: what they look like, and that they parse back to the same node."""

from decimal import Decimal

import pytest
from hypothesis import given, settings

from flux.expr import (
    apply,
    constant,
    custom,
    index,
    node,
    position,
    random,
    reduce,
    rename,
    size,
    to_line,
    variable,
    where,
)
from flux.expr.node import InputAttributes
from flux.ops import Op
from flux.syntax import parse
from tests.reliability.bounds import within
from tests.strategies import formulas, tensors

x, y, n = variable("x"), variable("y"), variable("n", integer=True)
A = variable("A", ("b", "d"))


def sin(u):
    return apply(Op.SIN, u)


# (expression, text)
ROWS = [
    (sin(x) * apply(Op.EXP, -x), "sin(x)*exp(-x)"),
    (x - (y - 1), "x - (y - 1)"),
    (x - y - 1, "x - y - 1"),
    (x / (y * 2), "x/(y*2)"),
    (x / y * 2, "x/y*2"),
    (-(x**2), "-x^2"),
    ((-x) ** 2, "(-x)^2"),
    (x ** (y**2), "x^y^2"),
    ((x**y) ** 2, "(x^y)^2"),
    (x**-y, "x^-y"),
    (-(x * y), "-(x*y)"),
    ((-x) * y, "-x*y"),
    (x * -y, "x*-y"),
    (apply(Op.NEG, -x), "--x"),
    ((x + y) * 2, "(x + y)*2"),
    (x % y, "x % y"),
    (apply(Op.NOT, apply(Op.AND, x, y)), "not (x and y)"),
    (apply(Op.AND, apply(Op.NOT, x), y), "not x and y"),
    (apply(Op.OR, apply(Op.AND, x, y), x), "x and y or x"),
    (apply(Op.AND, x, apply(Op.OR, x, y)), "x and (x or y)"),
    (apply(Op.LT, apply(Op.LT, x, y), 2), "(x < y) < 2"),
    (apply(Op.AND, apply(Op.LT, x, y), apply(Op.LE, y, 2)), "x < y and y <= 2"),
    (-apply(Op.NOT, x), "-(not x)"),
    (where(x, y, 0), "where(x, y, 0)"),
    (apply(Op.MAXIMUM, x, y), "maximum(x, y)"),
    (custom(x, {y: constant(2)}), "custom(x, y, 2)"),
    (constant(-1), "-1"),
    (constant(1.0), "1.0"),
    (constant(0.1), "0.1"),
    (constant(1e300), "1e+300"),
    (constant(12345.678), "12345.678"),
    (constant(Decimal("0.00001")), "1e-05"),
    (constant(Decimal("1.234567890123456789012345678901")), "1.234567890123456789012345678901"),
    (constant(-0.0), "-0.0"),
    (constant(True), "true"),
    (constant("inf") + constant("nan"), "inf + nan"),
    (constant("pi") * constant("e"), "pi*e"),
    (variable("e") * 2, "`e`*2"),
    (variable("and"), "`and`"),
    (variable("block.0.W") + 1, "`block.0.W` + 1"),
    (variable("sum") * variable("sin"), "sum*sin"),
    (n + 1, "input n: int\nn + 1"),
    (variable("k", assumption="> 0") ** 2, "assume k > 0\nk^2"),
    (reduce(Op.SUM, A, ["d"]), "input A[b, d]\nsum[d](A)"),
    (rename(A, {"b": "s"}), "input A[b, d]\naxis s\nA[b = s]"),
    (rename(A, {"b": "d", "d": "b"}), "input A[b, d]\nA[b = d, d = b]"),
    (rename(A + 1, {"b": "s"}), "input A[b, d]\naxis s\n(A + 1)[b = s]"),
    (index(A, {"d": n, "b": 0}), "input A[b, d], n: int\nA[b = 0, d = n]"),
    (index(A, {"d": position("b")}), "input A[b, d]\nA[d = position[b]]"),
    (position("t") * size("t"), "axis t\nt*size[t]"),
    (random("drop", ("t",), n, 3), "input n: int\naxis t\nrandom[t](`drop`, n, 3)"),
    (random("drop", (), 1, 3), "random(`drop`, 1, 3)"),
    (reduce(Op.PROD, x, ["k"]), "axis k\nprod[k](x)"),
    (
        sin(x + y + 1) * (x + y + 1) ** 2,
        "_1 = x + y + 1\nsin(_1)*_1^2",
    ),
    (
        sin(variable("_1") + y + 1) * (variable("_1") + y + 1),
        "_2 = _1 + y + 1\nsin(_2)*_2",
    ),
    (sin(x + 1) * (x + 1), "sin(x + 1)*(x + 1)"),  # small: written out each time
    (variable("b") * A, "input A[b, d]\n`b`*A"),
    (variable("my axis", ("row number",)) * 2, "input `my axis`[`row number`]\n`my axis`*2"),
]


@pytest.mark.parametrize(("e", "text"), ROWS, ids=range(len(ROWS)))
def test_expressions_print_as_people_write_them_and_parse_back(e, text):
    assert str(e) == text
    assert parse(text) is e


@settings(max_examples=200, derandomize=True)
@given(formulas())
def test_formulas_parse_back_to_the_same_node(e):
    assert parse(str(e)) is e


@settings(max_examples=200, derandomize=True)
@given(tensors())
def test_tensors_parse_back_to_the_same_node(e):
    assert parse(str(e)) is e


# Names that mean something in the language, as values and as axes.
WORDS = [
    "and",
    "or",
    "not",
    "inf",
    "nan",
    "true",
    "false",
    "size",
    "position",
    "pi",
    "e",
    "E",
    "PI",
]
WORDS += [
    "input",
    "axis",
    "assume",
    "param",
    "layer",
    "model",
    "derivative",
    "sum",
    "random",
    "x y",
]


@pytest.mark.parametrize("word", WORDS)
def test_words_of_the_language_are_fine_as_names(word):
    value, tensor = variable(word), variable("T", (word, "d"))
    for e in (
        value,
        value * constant("e") + constant("pi") * 2,
        -(value**value),
        variable(word, ("d",)) * size("d"),
        rename(variable(word, ("d",)), {"d": "s"}),
        reduce(Op.SUM, tensor, [word]) + position("d"),
        tensor * size(word),
        rename(tensor, {word: "s"}),
    ):
        assert parse(str(e)) is e


@pytest.mark.parametrize("word", [w for w in WORDS if w not in ("true", "false", "inf", "nan")])
def test_an_axis_may_have_any_name_beside_the_constants(word):
    e = position(word) * constant("e") + constant("pi")
    assert parse(str(e)) is e


def test_a_long_sum_is_flat():
    e = x
    for i in range(10_000):
        e = e + sin(constant(i) * x)
    text = str(e)
    assert "\n" not in text
    assert text.startswith("x + sin(0*x) + sin(1*x) + sin(2*x)")
    assert parse(text) is e


@pytest.mark.parametrize(
    "step",
    [
        sin,
        lambda e: -e,
        lambda e: 1 - e,
        lambda e: (e + 1) * y,
        lambda e: (e * 2) ** y,
        lambda e: where(x, e, 0),
        lambda e: apply(Op.NOT, e),
        lambda e: apply(Op.LT, e, 1),
        lambda e: y**e,
    ],
)
def test_deep_expressions_parse_back(step):
    e = x
    for _ in range(3_000):
        e = step(e)
    assert parse(str(e)) is e


def test_printing_is_linear_in_shared_nodes():
    e = x
    for _ in range(2_000):
        e = sin(e * e + 1) * (e * e + 1)
    with within():
        text = str(e)
    assert len(text) < 100_000
    assert parse(text) is e


def test_many_declarations_stand_on_several_lines():
    e = sum((variable(f"weight_{i}", ("d",)) for i in range(40)), constant(0))
    assert max(map(len, str(e).splitlines()[:-1])) <= 100
    assert parse(str(e)) is e


def test_repr_is_short():
    e = node(Op.INPUT, (), InputAttributes("x" * 5_000))
    assert len(repr(e)) < 1_100


def test_a_line_writes_shared_parts_out_and_reads_back_the_same() -> None:
    inner = parse("sin(x + y)*exp(x)")
    e = apply(Op.DIV, apply(Op.POW, inner, inner), inner)
    assert "\n" in str(e)
    line = to_line(e)
    assert line.count("sin(x + y)") == 3
    assert "\n" not in line
    assert parse(line) is e
