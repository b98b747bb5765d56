"""A product inside a sum is a matrix product: nothing larger than its factors is ever stored."""

import itertools

import numpy as np
import pytest

from flux.calculus import gradient
from flux.expr import apply, inputs, reduce, rename, variable
from flux.ops import Op
from tests.lower.look import check, elements, largest, lowered, moved, opcodes, products
from tests.program.programs import attention, total

SIZES = {"b": 2, "t": 5, "s": 5, "h": 3, "d": 6, "k": 4, "f": 7, "v": 8}
RNG = np.random.default_rng(0)


def tensor(name, *axes):
    return variable(name, axes)


def values(e, sizes=SIZES):
    return {
        x.attributes.name: RNG.normal(size=[sizes[a] for a in x.attributes.axes]) for x in inputs(e)
    }


X, W = tensor("x", "b", "t", "d"), tensor("W", "d", "f")
Q, K = tensor("q", "b", "t", "h", "k"), tensor("k", "b", "s", "h", "k")
A, B, C = tensor("A", "t", "d"), tensor("B", "d", "f"), tensor("C", "f", "v")

# (what it is, expression, opcodes, the largest tensor that may be stored)
ROWS = [
    ("a matrix product", total(A * B, "d"), {"contract": 1}, 0),
    ("with a batch", total(X * W, "d"), {"contract": 1}, 0),
    ("attention scores", total(Q * K, "k"), {"contract": 1}, 0),
    ("over two axes", total(Q * tensor("W", "h", "k", "d"), "h", "k"), {"contract": 1}, 0),
    ("a dot product", total(A * A, "t", "d"), {"contract": 1}, 0),
    ("an outer product is stored where it is the result", A * B, {"mul": 1}, 0),
    ("a negative product", total(-(A * B), "d"), {"contract": 1, "mul": 1}, 35),
    (
        "a quotient",
        total(A / tensor("n", "t") * B, "d"),
        {"contract": 1, "mul": 1, "reciprocal": 1},
        35,
    ),
    ("a number inside", total(A * B * 3, "d"), {"contract": 1, "mul": 1}, 35),
    ("a factor outside", total(A * B * tensor("u", "t"), "d"), {"contract": 1, "mul": 1}, 35),
    ("an absent axis", total(A * B, "d", "s"), {"contract": 1, "mul": 1}, 35),
    ("one sum in another", total(total(A * B, "d"), "f"), {"contract": 1, "sum": 1}, 6),
    ("three factors", total(A * B * C, "d", "f"), {"contract": 2}, 48),
    (
        "a sum of products",
        total(A * B + A * 2, "d"),
        {"contract": 1, "sum": 1, "mul": 1, "add": 1},
        35,
    ),
    (
        "a difference of products",
        total(A * B - A * tensor("D", "d", "f"), "d"),
        {"contract": 2, "sub": 1},
        35,
    ),
    ("a square", total(A**2, "d"), {"contract": 1}, 0),
]


@pytest.mark.parametrize(("what", "e", "wanted", "most"), ROWS, ids=[row[0] for row in ROWS])
def test_what_a_sum_becomes(what, e, wanted, most):
    program = check(e, values(e), SIZES)
    assert dict(opcodes(program)) == wanted
    assert largest(program) <= most
    assert moved(program.entry) == []


def test_a_product_that_several_sums_share_is_a_matrix_product_for_each():
    shared = A * B  # [t, d, f], never stored
    first, second = total(shared, "d"), total(shared, "t", "f")
    program = lowered(first, second, total(shared, "t"), sizes=SIZES)
    assert largest(program) < 5 * 6 * 7
    for e in (first, second):
        check(e, values(e), SIZES)


def test_a_sum_that_is_used_elsewhere_is_not_merged_into_the_sum_of_it():
    inner = total(A * B, "d")
    program = lowered(inner, total(inner, "t"), sizes=SIZES)
    assert opcodes(program) == {"contract": 1, "sum": 1}


def test_the_order_of_contraction_is_the_cheapest():
    sizes = {"a": 50, "b": 40, "c": 30, "e": 2}
    x, y, z = tensor("x", "a", "b"), tensor("y", "b", "c"), tensor("z", "c", "e")
    program = check(total(x * y * z, "b", "c"), values(x * y * z, sizes), sizes)
    work = sum(elements(i.results[0].shape) * i.operands[0].shape[-1] for i in products(program))
    assert work == 40 * 30 * 2 + 50 * 40 * 2  # from the right
    assert largest(program) == 40 * 2


def test_no_gradient_of_attention_stores_a_product_of_three_axes():
    loss, given = attention()
    sizes = {"t": 16, "d": 12, "k": 8}
    for g in gradient(loss, given):
        program = check(g, values(g, sizes), sizes)
        assert largest(program) <= 16 * 16
    assert largest(lowered(loss, *gradient(loss, given), sizes=sizes)) <= 16 * 16


# The law of the cotangent's broadcast: an axis along which a value is constant counts by its size.


@pytest.mark.parametrize("one", [None, "t", "d", "f"])
def test_sums_over_axes_that_a_factor_lacks_multiply_by_their_sizes(one):
    sizes = {**SIZES, **({one: 1} if one else {})}
    u = tensor("u", "d")
    for axes in itertools.chain.from_iterable(
        itertools.combinations(["t", "d", "f"], n) for n in (1, 2, 3)
    ):
        for e in (u, u * tensor("w", "t"), u * 1, reduce(Op.MAX, A, ["t"]) * u, apply(Op.EXP, u)):
            check(total(e, *axes), values(e, sizes), sizes)
            small = apply(Op.TANH, e) / 2
            check(reduce(Op.PROD, small, axes), values(e, sizes), sizes)
            check(reduce(Op.MAX, e, axes), values(e, sizes), sizes)


@pytest.mark.parametrize("one", [None, *sorted({"t", "d", "f", "k"})])
def test_gradients_of_broadcast_operands_have_the_operand_s_axes(one):
    sizes = {
        **SIZES,
        "s": SIZES["t"],
        **({one: 1, **({"s": 1} if one == "t" else {})} if one else {}),
    }
    bias, gain = tensor("bias", "f"), variable("gain")
    hidden = apply(Op.TANH, total(A * B, "d") * gain + bias)
    mixed = total(hidden * rename(hidden, {"t": "s"}), "f")
    loss = total(mixed * mixed, "t", "s")
    for g in gradient(loss, [A, B, bias, gain]):
        check(g, values(g, sizes), sizes)


@pytest.mark.parametrize("axis", ["b", "t", "s", "h", "k"])
def test_attention_with_any_axis_of_size_1(axis):
    sizes = {**SIZES, axis: 1}
    score = total(Q * K, "k")
    weight = apply(Op.EXP, score - reduce(Op.MAX, score, ["s"]))
    mixed = total(weight / total(weight, "s") * K, "s")
    check(mixed, values(mixed, sizes), sizes)
    loss = total(mixed * mixed, "b", "t", "h", "k")
    for g in gradient(loss, [Q, K]):
        check(g, values(g, sizes), sizes)
