"""The table of partial derivatives tests itself: a new row is judged here without a new test."""

import itertools
import math

import numpy as np
import pytest

from flux.calculus import diff, gradient
from flux.calculus.adjoint import RULES as REVERSE_RULES
from flux.calculus.adjoint import differentiable
from flux.calculus.differentiate import RULES as FORWARD_RULES
from flux.calculus.folding import Template
from flux.calculus.partials import CONVENTIONS, GUARDS, PARTIALS, POWERS
from flux.expr import apply, constant, node, variable
from flux.ops import POINTWISE, Kind, Op
from tests.calculus.oracle import Oracle

NAMES = ("a", "b", "c")
ORACLE = Oracle()

# Where operands are drawn, by the words of the operation's domain.
EVERYWHERE = (-2.0, 2.0)
DOMAINS = {
    "": (EVERYWHERE,) * 3,
    "a > 0": ((0.1, 4.0),),
    "a > -1": ((-0.9, 4.0),),
    "a >= 0": ((0.1, 4.0),),
    "a >= 1": ((1.1, 4.0),),
    "-1 <= a <= 1": ((-0.9, 0.9),),
    "-1 < a < 1": ((-0.9, 0.9),),
    "b != 0": (EVERYWHERE, (0.3, 2.0)),
    "a > 0, or b an integer (positive where a = 0)": ((0.1, 3.0), EVERYWHERE),
    "a not in 0, -1, -2, ...": ((-0.9, -0.1),),
    "a an integer, 0 to 100, b not in 0, -1, -2, ...": ((0.0, 4.0), (0.3, 3.0)),
}
INTEGER_OPERANDS = {(Op.POLYGAMMA, 0)}


def points(op: Op, count: int, arity: int) -> list[tuple[float, ...]]:
    generator = np.random.default_rng(len(op.name))
    ranges = DOMAINS[op.row.domain]
    drawn = [generator.uniform(*ranges[i], count) for i in range(arity)]
    for i in range(arity):
        if (op, i) in INTEGER_OPERANDS:
            drawn[i] = np.floor(drawn[i])
    return [tuple(map(float, point)) for point in zip(*drawn, strict=True)]


def at(e, point) -> float:
    return float(ORACLE.value(e, dict(zip(NAMES, point, strict=False))))


def difference(e, point, i: int) -> float:
    """The slope along operand i by Richardson's extrapolation of central differences."""
    slopes = []
    for step in (2e-4, 1e-4):
        above = at(e, (*point[:i], point[i] + step, *point[i + 1 :]))
        below = at(e, (*point[:i], point[i] - step, *point[i + 1 :]))
        slopes.append((above - below) / (2 * step))
    return (4 * slopes[1] - slopes[0]) / 3


def near_a_step(op: Op, point) -> bool:
    """Whether the operation is not smooth within reach of the differences."""
    smooth = at(apply(op, *map(variable, NAMES[: len(point)])), point)
    for i in range(len(point)):
        for step in (-1e-3, 1e-3):
            e = apply(op, *map(variable, NAMES[: len(point)]))
            if abs(at(e, (*point[:i], point[i] + step, *point[i + 1 :])) - smooth) > 0.2:
                return True
    return False


TESTED = [op for op in POINTWISE if op.row.arity > 0 and op is not Op.STOP]
SMOOTH_OPERANDS = [
    (op, i) for op in TESTED for i in range(op.row.arity) if (op, i) not in INTEGER_OPERANDS
]


@pytest.mark.parametrize(("op", "i"), SMOOTH_OPERANDS, ids=lambda x: getattr(x, "name", str(x)))
def test_partial_against_differences_to_second_order(op, i):
    e = apply(op, *map(variable, NAMES[: op.row.arity]))
    first = diff(e, NAMES[i])
    assert gradient(e, [NAMES[i]])[0] is first or op in GUARDS
    for point in points(op, 12, op.row.arity):
        if near_a_step(op, point):
            continue
        expected = difference(e, point, i)
        assert at(first, point) == pytest.approx(expected, rel=1e-7, abs=1e-7)
        for j in range(op.row.arity):
            if (op, j) in INTEGER_OPERANDS:
                continue
            second = at(diff(first, NAMES[j]), point)
            assert second == pytest.approx(difference(first, point, j), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("op", [op for op in TESTED if op.row.arity == 1], ids=lambda op: op.name)
def test_partial_from_each_side_of_kinks(op):
    """Points 1e-2 to either side of every convention's point, and of 0, 1, 1/2."""
    e = apply(op, variable("a"))
    first = diff(e, "a")
    centres = {0.0, 0.5, 1.0, -1.0} | {c.at[0] for c in CONVENTIONS if c.op is op}
    for centre, side in itertools.product(sorted(centres), (-1e-2, 1e-2)):
        point = (centre + side,)
        if math.isfinite(at(e, point)) and math.isfinite(expected := difference(e, point, 0)):
            assert at(first, point) == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda c: c.op.name)
def test_kinks_and_poles_have_their_stated_values(convention):
    names = NAMES[: len(convention.at)]
    e = apply(convention.op, *map(variable, names))
    for name, expected in zip(names, convention.partials, strict=True):
        assert at(diff(e, name), convention.at) == expected
        assert at(gradient(e, [name])[0], convention.at) == expected


def test_every_operation_has_a_derivative():
    for op in Op:
        if op.row.kind is Kind.POINTWISE:
            assert op in PARTIALS or op is Op.CUSTOM
            if op in PARTIALS:
                assert len(PARTIALS[op]) == op.row.arity
        else:
            assert op in FORWARD_RULES
            if op.row.kind is not Kind.LEAF and op is not Op.ARGMAX:
                assert op in REVERSE_RULES


def test_every_guard_belongs_to_an_operand_with_a_partial():
    for op, row in GUARDS.items():
        assert [g is None for g in row] == [p is None for p in PARTIALS[op]]


def test_what_may_be_differentiated_follows_from_the_table():
    x = variable("x")
    assert tuple(differentiable(apply(Op.POLYGAMMA, 1, x))) == (1,)
    assert tuple(differentiable(node(Op.CUSTOM, (x, x, x, x, x)))) == (1, 3)


x = variable("x")
ROWS = [
    (x**2, 2 * x),
    (x**3, 3 * x**2),
    (x**1, constant(1)),
    (x**0, constant(0)),
    (x**-1, -(x**-2)),
    (x**0.5, 0.5 * x**-0.5),
    (x ** (constant(1) / 3), x ** -(constant(2) / 3) / 3),
    (constant("e") ** x, constant("e") ** x),
    (constant(2) ** x, constant(2) ** x * apply(Op.LOG, constant(2))),
    (x / 2, constant(1) / 2),
    (2 * x, constant(2)),
    (x + x, constant(2)),
    (x - 5, constant(1)),
    (5 - x, -constant(1)),
    (apply(Op.LOG, x), 1 / x),
    (apply(Op.SQRT, x), 1 / (2 * apply(Op.SQRT, x))),
    (apply(Op.FLOOR, x), constant(0)),
    (apply(Op.GT, x, 1), constant(0)),
    (variable("y"), constant(0)),
]


@pytest.mark.parametrize(("e", "expected"), ROWS, ids=[str(i) for i in range(len(ROWS))])
def test_derivatives_carry_no_idle_factors(e, expected):
    assert diff(e, "x") is expected
    assert gradient(e, ["x"]) == [expected]


def test_a_power_with_a_constant_exponent_is_right_at_zero():
    for n, slope in ((0, 0.0), (1, 1.0), (2, 0.0), (3, 0.0)):
        assert at(diff(variable("a") ** n, "a"), (0.0,)) == slope


def test_the_tail_of_expm1_keeps_its_digits():
    assert at(diff(apply(Op.EXPM1, variable("a")), "a"), (-50.0,)) == math.exp(-50.0)


@pytest.mark.parametrize("exponent", POWERS, ids=str)
def test_a_row_for_a_literal_exponent_is_what_the_row_of_pow_folds_to(exponent):
    a, b, y = variable("a"), variable("b"), variable("y")
    general = Template(PARTIALS[Op.POW][0], (a, b, y)).build((x, exponent, x**exponent))
    row = POWERS[exponent]
    if row is None:
        assert at(a**exponent, (0.0,)) == at(a**exponent, (0.7,)) == 1
    else:
        assert Template(row, (a,)).build((x,)) is general
