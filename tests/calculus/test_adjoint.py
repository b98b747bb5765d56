"""Reverse mode: the broadcast law, guards, and the rule of every operation that moves axes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.calculus import diff, gradient, jvp, vjp
from flux.errors import ArgumentError, AxisError
from flux.expr import (
    Expr,
    apply,
    constant,
    count_nodes,
    custom,
    index,
    inputs,
    position,
    random,
    reduce,
    rename,
    size,
    stop,
    topological,
    variable,
    where,
)
from flux.ops import Op
from tests.calculus.oracle import Oracle, differences, random_arrays

SIZES = {"b": 2, "d": 3, "e": 4, "t": 3, "s": 3, "v": 5, "n": 4}
X = variable("X", ["b", "t", "d"])
W = variable("W", ["d", "e"])
P = variable("P", ["n", "d"])
E = variable("E", ["v", "d"])
TOKENS = variable("tokens", ["b", "t"], integer=True)
SCORE = variable("score", ["b", "v"])
Q = variable("Q", ["d", "e"])
u = variable("u")
v = variable("v")


def over_all(e: Expr) -> Expr:
    return reduce(Op.SUM, e, sorted(e.axes)) if e.axes else e


def weighted(e: Expr) -> Expr:
    """A scalar whose cotangents differ from position to position."""
    axes = sorted(e.axes)
    weights = variable("weights", axes)
    return over_all(e * weights)


def check(e: Expr, seed: int = 0, sizes: dict | None = None, tolerance: float = 2e-6) -> None:
    """Every gradient of a scalar against differences, and reverse mode against forward."""
    sizes = {**SIZES, **(sizes or {})}
    oracle = Oracle(sizes)
    arrays = random_arrays(e, sizes, seed)
    leaves = [x for x in inputs(e) if not x.attributes.integer]
    for x, slope in zip(leaves, gradient(e, leaves), strict=True):
        assert slope.axes <= x.axes
        got = oracle.full(slope, oracle.value(slope, arrays), x.axes)
        expected = differences(oracle, e, x, arrays)
        scale = 1 + np.abs(expected).max()
        np.testing.assert_allclose(got, expected, atol=tolerance * scale, err_msg=x.attributes.name)
        direction = variable("direction", x.attributes.axes)
        pushed = jvp(e, {x: direction})
        way = np.random.default_rng(seed).normal(size=[sizes[a] for a in x.attributes.axes])
        along = oracle.value(pushed, {**arrays, "direction": way})
        sorted_way = oracle.value(direction, {"direction": way})
        np.testing.assert_allclose(along, (got * sorted_way).sum(), rtol=1e-9, atol=1e-12)


# The broadcast law, on random expressions.

AXES = ("b", "d", "e")
LEAVES = tuple(
    variable("x_" + "".join(axes) if axes else "x", axes)
    for axes in ((), ("b",), ("d",), ("b", "d"), ("e", "d"), ("b", "e", "d"))
)
UNARY = (Op.TANH, Op.SIN, Op.NEG, Op.EXP)
BINARY = (Op.ADD, Op.SUB, Op.MUL, Op.MUL)


@st.composite
def tensors(draw: st.DrawFn) -> Expr:
    """Expressions in which operands of different axes meet, sums included."""
    pool: list[Expr] = [*draw(st.lists(st.sampled_from(LEAVES), min_size=2, max_size=4))]
    for _ in range(draw(st.integers(1, 6))):
        pick = st.sampled_from(pool)
        kind = draw(st.integers(0, 4))
        if kind == 0:
            made = apply(draw(st.sampled_from(UNARY)), draw(pick))
        elif kind == 1:
            made = reduce(Op.SUM, draw(pick), draw(st.sets(st.sampled_from(AXES), min_size=1)))
        elif kind == 2:
            e = draw(pick)
            made = where(apply(Op.GT, e, draw(pick)), draw(pick), e)
        else:
            made = apply(draw(st.sampled_from(BINARY)), draw(pick), draw(pick))
        pool.append(apply(Op.TANH, made) if kind > 2 else made)
    return pool[-1]


@settings(max_examples=60, derandomize=True)
@given(tensors(), st.integers(0, 5))
def test_an_operand_receives_the_sum_over_the_axes_along_which_it_was_broadcast(e, seed):
    total = apply(Op.SIN, over_all(e))
    check(total, seed, tolerance=2e-5)


def test_a_constant_cotangent_is_multiplied_by_the_size_of_each_axis():
    total = reduce(Op.SUM, u + X, ["b", "t", "d"])
    (slope,) = gradient(total, ["u"])
    assert slope is (size("b") * size("d")) * size("t")
    assert gradient(total, ["X"])[0] is constant(1)


def test_the_gradient_of_a_matrix_product_is_a_sum_of_products():
    y = reduce(Op.SUM, X * W, ["d"])
    g = variable("g", ["b", "t", "e"])
    to_x, to_w = vjp(y, g, ["X", "W"])
    assert to_x is reduce(Op.SUM, g * W, ["e"])
    assert to_w is reduce(Op.SUM, g * X, ["b", "t"])


MOVES = {
    "rename": rename(X, {"t": "s"}) * X,
    "rename to a shorter axis": rename(P, {"n": "t"}) * X,
    "swap": rename(W * W, {"d": "e", "e": "d"}) * W,
    "swap and move": rename(X, {"t": "d", "d": "t", "b": "s"}) * X,
    "chain": rename(X, {"t": "d", "d": "s"}) * X,
    "gather": index(E, {"v": TOKENS}) ** 2,
    "gather twice": index(E, {"v": TOKENS}) * index(E, {"v": position("t")}),
    "shared axis": index(SCORE, {"v": TOKENS}) ** 2,
    "number": index(E, {"v": 3}) ** 3,
    "diagonal": index(Q, {"e": position("d")}) ** 2,
    "two indices": index(E, {"v": TOKENS, "d": position("b")}) ** 2,
    "index over the same name": index(X, {"t": 2 - position("t")}) * X,
    "index of one axis by another of the value": index(X, {"t": position("d")}) * X,
    "constant along the new axis": reduce(Op.SUM, rename(X, {"t": "s"}) + 0 * SCORE, ["s"]),
}

MOVE_SIZES = {"swap": {"e": 3}, "swap and move": {"s": 2}}


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("weigh", [weighted, over_all])
def test_gradient_of_an_access_returns_to_the_places_it_read(name, weigh):
    check(weigh(MOVES[name]), 1, MOVE_SIZES.get(name))


def test_a_rename_to_a_shorter_axis_gives_zero_beyond_it():
    total = over_all(rename(P, {"n": "t"}) * 2)
    (slope,) = gradient(total, ["P"])
    oracle = Oracle(SIZES)
    got = oracle.full(slope, oracle.value(slope, {}), P.axes)
    assert got.tolist() == [[2.0, 2.0, 2.0, 0.0]] * 3


def test_a_gather_scatters_without_a_primitive():
    total = over_all(index(SCORE, {"v": variable("targets", ["b"], integer=True)}))
    targets = variable("targets", ["b"], integer=True)
    (slope,) = gradient(total, ["score"])
    assert slope is where(apply(Op.EQ, position("v"), targets), 1, 0)


def test_swapped_axes_swap_back_without_a_sum():
    total = weighted(rename(W, {"d": "e", "e": "d"}))
    (slope,) = gradient(total, ["W"])
    assert all(e.op is not Op.SUM for e in topological((slope,)))


REDUCED = {
    "sum": reduce(Op.SUM, X**2, ["d"]),
    "sum over all": reduce(Op.SUM, X**3, ["b", "d", "t"]),
    "sum over an absent axis": reduce(Op.SUM, W**2, ["b", "e"]),
    "prod": reduce(Op.PROD, X, ["d"]),
    "prod over two": reduce(Op.PROD, X, ["b", "d"]),
    "prod over an absent axis": reduce(Op.PROD, W, ["b", "d"]),
    "max": reduce(Op.MAX, X, ["d"]),
    "max over two": reduce(Op.MAX, X, ["t", "d"]),
    "max over an absent axis": reduce(Op.MAX, W, ["t", "d"]),
    "max over absent axes alone": reduce(Op.MAX, W, ["t"]),
    "min": reduce(Op.MIN, X, ["t"]),
    "argmax": reduce(Op.ARGMAX, X, ["t"]) + reduce(Op.SUM, X, ["t"]),
}


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize("weigh", [weighted, over_all])
def test_gradient_of_a_reduction(name, weigh):
    check(weigh(REDUCED[name]), 2)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_gradient_of_prod_is_exact_with_zeros(zeros):
    x = variable("x", ["d"])
    (slope,) = gradient(reduce(Op.PROD, x, ["d"]), ["x"])
    values = np.array([2.0, 3.0, 5.0])
    values[:zeros] = 0.0
    expected = [Fraction(1), Fraction(1), Fraction(1)]
    for i in range(3):
        for j in range(3):
            if i != j:
                expected[i] *= Fraction(values[j])
    assert Oracle(SIZES).value(slope, {"x": values}).tolist() == [float(q) for q in expected]


def test_ties_of_max_share_equally():
    x = variable("x", ["d"])
    oracle = Oracle(SIZES)
    for op in (Op.MAX, Op.MIN):
        (slope,) = gradient(reduce(op, x, ["d"]), ["x"])
        values = np.array([1.0, 1.0, 0.0 if op is Op.MAX else 2.0])
        assert oracle.value(slope, {"x": values}).tolist() == [0.5, 0.5, 0.0]


# Guards: what was not chosen does not count, however bad its derivative is.

positive = apply(Op.GT, u, 0)
log_u = apply(Op.LOG, u)
LOGS = reduce(Op.SUM, apply(Op.LOG, X), ["d"])
BAD = {
    "branch": (where(positive, log_u, 0), 0.0),
    "other branch": (where(apply(Op.LE, u, 0), 0, log_u), 0.0),
    "both branches": (where(positive, log_u, 2 * u), 2.0),
    "composed": (where(positive, apply(Op.EXP, log_u * log_u), 3 * u), 3.0),
    "nested": (where(positive, where(apply(Op.GT, u, 1), apply(Op.SQRT, u - 1), log_u), u), 1.0),
    "two choices of one value": (
        where(positive, log_u, 0) + where(apply(Op.GT, u, 1), log_u, 0),
        0.0,
    ),
    "used twice inside": (where(positive, log_u + where(apply(Op.GT, u, 1), log_u, 0), u), 1.0),
    "product": (where(positive, log_u * v, u * v), 1.5),
    "under a reduction": (where(positive, reduce(Op.SUM, log_u * X, ["b", "d", "t"]), u), 1.0),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("at", [0.0, -1.0])
def test_a_branch_that_was_not_taken_does_not_spoil_the_gradient(name, at):
    e, expected = BAD[name]
    oracle = Oracle(SIZES)
    arrays = {"u": at, "v": 1.5, "X": np.ones((2, 3, 3))}
    assert oracle.value(gradient(e, ["u"])[0], arrays) == expected
    assert oracle.value(diff(e, "u"), arrays) == expected


@pytest.mark.parametrize("name", BAD)
def test_a_branch_that_was_not_taken_does_not_spoil_higher_derivatives(name):
    e, _ = BAD[name]
    oracle = Oracle(SIZES)
    arrays = {"u": -1.0, "v": 1.5, "X": np.ones((2, 3, 3))}
    for second in (
        diff(e, "u", 2),
        gradient(diff(e, "u"), ["u"])[0],
        diff(gradient(e, ["u"])[0], "u"),
        gradient(gradient(e, ["u"])[0], ["u"])[0],
        diff(e, "u", 3),
    ):
        assert oracle.value(second, arrays) == 0.0


def test_an_operand_of_maximum_that_was_not_chosen_does_not_count():
    e = apply(Op.MAXIMUM, apply(Op.SQRT, u), 1)
    oracle = Oracle()
    assert oracle.value(gradient(e, ["u"])[0], {"u": 0.0}) == 0.0
    assert oracle.value(diff(e, "u"), {"u": 0.0}) == 0.0


def test_a_masked_branch_with_axes_is_selected_before_it_is_summed():
    mask = apply(Op.GT, X, 0)
    e = over_all(where(mask, apply(Op.LOG, X) * v, 0))
    values = np.linspace(-1, 1, 18).reshape(2, 3, 3)
    values[0, 0, 1] = 0.0
    oracle = Oracle(SIZES)
    to_x, to_v = gradient(e, ["X", "v"])
    with np.errstate(all="ignore"):
        expected = np.where(values > 0, 1.5 / values, 0.0)
        logs = np.where(values > 0, np.log(values), 0.0)
    got = oracle.value(to_x, {"X": values, "v": 1.5})
    np.testing.assert_allclose(got.transpose(0, 2, 1), expected)
    np.testing.assert_allclose(oracle.value(to_v, {"X": values, "v": 1.5}), logs.sum())


def test_a_guard_is_closed_before_a_contraction_not_after():
    query = reduce(Op.SUM, X * W, ["d"])
    key = rename(reduce(Op.SUM, X * Q, ["d"]), {"t": "s"})
    score = reduce(Op.SUM, query * key, ["e"])
    causal = apply(Op.LE, position("s"), position("t"))
    masked = where(causal, score, -constant("inf"))
    loss = over_all(apply(Op.EXP, masked) * variable("g", ["b", "s", "t"]))
    check(loss, 3)
    for e in topological(gradient(loss, ["W", "Q"])):
        if e.op is Op.WHERE and "e" in e.axes:
            assert "s" not in e.axes or "t" not in e.axes or e.args[1].op is Op.SUM


def test_two_branches_join_in_one_choice():
    e = where(positive, 2 * u, 3 * u)
    assert gradient(e, ["u"])[0] is where(positive, 2, 3)
    assert diff(e, "u") is where(positive, 2, 3)


# What has no derivative, and what states its own.


def test_stop_and_random_are_constant():
    noise = random("dropout", ["d"], 1, 2)
    e = over_all(noise * stop(u) * u)
    (slope,) = gradient(e, ["u"])
    assert slope is reduce(Op.SUM, noise * stop(u), ["d"])


def test_a_stated_derivative_replaces_the_real_one():
    e = custom(apply(Op.SIN, u * v), {u: constant(7), v: u})
    assert gradient(e, ["u", "v"]) == [constant(7), u]
    assert diff(e**2, "u") is 2 * e * 7
    stated = custom(apply(Op.SIN, u), {u: u**2})
    assert diff(stated, "u") is u**2
    assert diff(stated, "u", 2) is 2 * u
    assert gradient(stated, ["u"]) == [u**2]


def test_a_stated_derivative_has_no_axes_of_its_own():
    with pytest.raises(AxisError, match="lacks axes \\[d\\]"):
        custom(u, {v: variable("p", ["d"])})


def test_an_input_that_is_absent_has_derivative_zero():
    assert gradient(u * v, ["w", "u"]) == [constant(0), v]


def test_a_gradient_of_a_value_with_axes_is_an_error_with_a_hint():
    with pytest.raises(AxisError, match="axes \\[b, d, t\\]") as caught:
        gradient(X * u, ["u"])
    assert "sum[b, d, t](...)" in caught.value.hint


def test_the_variables_of_a_gradient_are_a_list():
    for bad in ("u", u):
        with pytest.raises(ArgumentError, match="are a list"):
            gradient(u * v, bad)
    with pytest.raises(ArgumentError, match="a name or an expression"):
        gradient(u * v, [0])
    with pytest.raises(ArgumentError, match="a name or an expression"):
        diff(u * v, 0)


def test_a_cotangent_has_axes_of_the_expression_only():
    with pytest.raises(AxisError, match="axes \\[e\\]"):
        vjp(X, W, ["X"])


def test_a_gradient_by_an_expression_takes_it_as_independent():
    square = u * u
    assert gradient(square * u, [square]) == [u]
    assert gradient(square * u, [square, u]) == [u, square]


def test_long_sums_and_deep_chains_stay_linear():
    total, deep = u, u
    for i in range(10_000):
        total = total + apply(Op.SIN, u * i)
        deep = apply(Op.SIN, deep)
    for e in (total, deep):
        assert count_nodes(*gradient(e, ["u"])) < 60_000


# Values that were never chosen, at any position, do not count either.

row = variable("row", ["d"])
NEVER_CHOSEN = {
    "a scalar that no position chose": (
        over_all(where(apply(Op.LT, row, 0), where(apply(Op.GT, v, 1), v, log_u * u), row)),
        "u",
    ),
    "a row that no other position chose": (
        over_all(where(apply(Op.GT, X, 5), apply(Op.SQRT, u) * X, X)),
        "u",
    ),
    "the untaken side of a minimum": (
        over_all(apply(Op.MINIMUM, apply(Op.SQRT, -u) + 9, X)),
        "u",
    ),
    "an entry that was not gathered": (
        over_all(index(apply(Op.LOG, variable("table", ["v"])), {"v": TOKENS})),
        "table",
    ),
    "an entry beyond a prefix": (
        over_all(rename(apply(Op.LOG, variable("table", ["v"])), {"v": "t"})),
        "table",
    ),
}


@pytest.mark.parametrize("name", NEVER_CHOSEN)
def test_what_was_never_chosen_does_not_spoil_the_gradient(name):
    e, wrt = NEVER_CHOSEN[name]
    oracle = Oracle(SIZES)
    arrays = {
        "row": np.ones(3),
        "u": 0.0,
        "v": -1.0,
        "X": np.ones((2, 3, 3)),
        "table": np.array([1.0, 2.0, 4.0, 0.0, 0.0]),
        "tokens": np.array([[0, 1, 2], [0, 0, 1]]),
    }
    (x,) = [leaf for leaf in inputs(e) if leaf.attributes.name == wrt]
    (slope,) = gradient(e, [x])
    direction = variable("direction", x.attributes.axes)
    along = oracle.value(jvp(e, {x: direction}), {**arrays, "direction": arrays[wrt] * 0 + 1})
    got = oracle.full(slope, oracle.value(slope, arrays), x.axes)
    assert np.isfinite(got).all()
    assert got.sum() == pytest.approx(float(along))


def test_a_condition_is_looked_at_only_where_the_ones_around_it_hold():
    inner = apply(Op.GT, log_u, 1)
    e = where(positive, log_u * where(inner, u, 2) + where(inner, log_u, 0), u)
    for slope in (gradient(e, ["u"])[0], diff(e, "u"), diff(e, "u", 2)):
        slope.evaluate({"u": -1.0})  # which raises where log(-1) is looked at


@pytest.mark.parametrize("name", [*MOVES, *REDUCED])
def test_gradients_print_and_parse_back(name):
    total = weighted({**MOVES, **REDUCED}[name])
    for slope in gradient(total, [x for x in inputs(total) if not x.attributes.integer]):
        for e in (slope, slope.simplify()):
            assert flux.parse(str(e)) is e
