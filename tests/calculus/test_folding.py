"""The folding builders: what they fold, and that every fold keeps the value."""

import itertools

import numpy as np
import pytest

from flux.calculus.folding import (
    FOLDERS,
    FreshAxes,
    Template,
    add,
    arithmetic,
    div,
    literal,
    mul,
    neg,
    number,
    power,
    ratio,
    select,
    sub,
    total,
)
from flux.expr import Expr, apply, constant, node, position, reduce, rename, size, variable, where
from flux.ops import Op
from tests.calculus.oracle import Oracle

x, y = variable("x"), variable("y")
OPERANDS: list[Expr] = [
    x,
    y,
    -x,
    -(x * y),
    1 / x,
    x - y,
    constant(0),
    constant(1),
    constant(2),
    -constant(3),
    constant(0.5),
    constant(1) / 3,
    constant("e"),
    constant(True),
    apply(Op.NOT, x),
    where(x, y, 2),
]
BUILDERS = [op for op in FOLDERS if op is not Op.WHERE]


@pytest.mark.parametrize("op", BUILDERS, ids=lambda op: op.name)
def test_a_folded_node_has_the_value_of_the_plain_one(op):
    oracle = Oracle()
    values = {"x": 1.75, "y": -0.6}
    for args in itertools.product(OPERANDS, repeat=op.row.arity):
        plain = float(oracle.value(node(op, args), values))
        folded = FOLDERS[op](*args)
        if np.isfinite(plain):
            got = float(oracle.value(folded, values))
            if op in (Op.AND, Op.NOT):  # conditions: only whether they are zero counts
                plain, got = float(plain != 0), float(got != 0)
            assert got == pytest.approx(plain, rel=1e-14)


def test_selections_fold_and_keep_the_value():
    oracle = Oracle()
    for condition, then, otherwise in itertools.product(OPERANDS, repeat=3):
        for point in (0.0, 1.75):
            values = {"x": point, "y": -0.6}
            plain = float(oracle.value(where(condition, then, otherwise), values))
            got = float(oracle.value(select(condition, then, otherwise), values))
            assert got == plain or (np.isnan(got) and np.isnan(plain))


FOLDS = [
    (mul(constant(1), x), x),
    (mul(x, 1 / y), x / y),
    (mul(1 / y, x), x / y),
    (mul(-x, -y), x * y),
    (mul(-x, y), -(x * y)),
    (div(-x, y), -(x / y)),
    (add(x, -y), x - y),
    (add(-y, x), x - y),
    (sub(x, -y), x + y),
    (sub(constant(0), x), -x),
    (neg(neg(x)), x),
    (power(x, constant(0)), constant(1)),
    (power(x, constant(1)), x),
    (add(constant(2), constant(3)), constant(5)),
    (sub(constant(0.5), constant(1)), constant(-0.5)),
    (sub(constant(1) / 3, constant(1)), -(constant(2) / 3)),
    (mul(constant(0.044715), constant(3)), constant(0.134145)),
    (mul(constant(2**52), constant(4)), constant(2**52) * 4),  # not exact in float64
]


@pytest.mark.parametrize(("folded", "expected"), FOLDS, ids=[str(i) for i in range(len(FOLDS))])
def test_fold(folded, expected):
    assert folded is expected


NUMBERS = [
    (constant(3), 3),
    (-constant(3), -3),
    (constant(0.25), ratio(1, 4)),
    (constant(1) / 3, ratio(1, 3)),
    (-(constant(1) / 3), ratio(-1, 3)),
    (constant(1) / 0, None),
    (constant("pi"), None),
    (constant(True), None),
    (x, None),
]


@pytest.mark.parametrize(("e", "value"), NUMBERS, ids=[str(i) for i in range(len(NUMBERS))])
def test_numbers_are_read_exactly(e, value):
    assert number(e) == value


def test_literals_are_written_exactly_or_not_at_all():
    assert literal(ratio(-1, 4), decimal=True) is constant(-0.25)
    assert literal(ratio(1, 3), decimal=True) is None
    assert literal(ratio(2, 6)) is constant(1) / 3
    assert literal(2**53 + 1) is None
    assert arithmetic(Op.ADD, constant("pi"), constant(1)) is None


def test_a_sum_over_an_absent_axis_multiplies_by_its_size():
    X = variable("X", ["b", "d"])
    assert total(X, ["d", "e"]) is reduce(Op.SUM, X, ["d"]) * size("e")
    assert total(-X, ["d"]) is -reduce(Op.SUM, X, ["d"])
    assert total(constant(1), ["e"]) is size("e")


def test_deep_signs_and_negations_do_not_recurse():
    e, c = x, y
    for _ in range(20_001):
        e, c = -e, apply(Op.NOT, c)
    assert mul(e, y) is -(x * y)
    assert div(e, e) is x / x
    assert select(c, x, constant(0)) is where(y, 0, x)


def test_a_template_builds_its_row_over_any_operands():
    a, b = variable("a"), variable("b")
    template = Template(a * b + apply(Op.SIN, a), (a, b))
    assert template.build((x, constant(1))) is x + apply(Op.SIN, x)
    assert Template(b, (a, b)).build((x, y)) is y


def test_fresh_axes_stand_beside_the_ones_that_are_taken():
    taken = reduce(Op.SUM, variable("X", ["t", "t_1"]) * position("t_2"), ["t_1"])
    fresh = FreshAxes(taken, rename(variable("Y", ["u"]), {"u": "s"}))
    assert fresh.of("t") == "t_3"
    assert fresh.of("t") == "t_3"
    assert fresh.of("t_1") == "t_4"
    assert fresh.of("u") == "u_1"
