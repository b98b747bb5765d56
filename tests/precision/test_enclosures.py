"""Enclosures at points and over intervals hold the exact values, in every arithmetic."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flux.ops import POINTWISE, Op
from flux.precision.balls import Balls
from flux.precision.bounds import Arithmetic, Interval
from flux.precision.exact import EXACT, exactly
from flux.precision.float64 import Float64
from flux.precision.monotone import MONOTONE
from flux.precision.multiple import OPERATIONS, Multiple
from flux.precision.rules import RULES, applied
from tests.precision.oracle import ORACLE, exact

try:
    import flint  # noqa: F401  (an extra)

    BALLS = [Balls(150)]
except ImportError:
    BALLS = []

ARITHMETICS: list[Arithmetic] = [Float64(), Multiple(60), Multiple(150), *BALLS]
FUNCTIONS = sorted(OPERATIONS, key=lambda op: op.row.name)

# Numbers at which functions turn, end, or lose bits; and beside them.
SPECIAL = (
    *(0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1.4616321449683623, 33.0, 171.0, -20.0),
    *(1e-300, -1e-300, 5e-324, 1e-20, -1e-20, 1e-8, 1e8, 1e16, -1e16, 1e22, 700.0, -745.0),
    *(math.pi, -math.pi, math.pi / 2, 10 * math.pi, math.e, 100.0, 0.3, 1000.0, -0.999999),
)
NUMBERS = tuple(
    x
    for at in SPECIAL
    for x in (at, math.nextafter(at, math.inf), math.nextafter(at, -math.inf), at * (1 + 1e-9))
)


@pytest.fixture(autouse=True)
def _precise() -> Iterator[None]:
    with mpmath.workprec(700):
        yield


def test_every_pointwise_operation_has_a_rule_and_an_oracle() -> None:
    assert set(RULES) == set(POINTWISE)
    assert set(ORACLE) == set(POINTWISE)


def test_every_operation_is_enclosed_or_made_of_comparisons() -> None:
    made = {Op.ABS, Op.MOD, Op.FMOD, Op.MINIMUM, Op.MAXIMUM, Op.WHERE, Op.STOP, Op.CUSTOM}
    truths = {Op.LT, Op.LE, Op.GT, Op.GE, Op.EQ, Op.NE, Op.AND, Op.OR, Op.NOT}
    assert set(OPERATIONS) | made | truths == set(POINTWISE)
    assert set(MONOTONE) <= set(OPERATIONS)
    assert set(POINTWISE) - set(EXACT) == {Op.POLYGAMMA, Op.WHERE}


def _operands(op: Op, rng: random.Random) -> list[float]:
    if op is Op.POLYGAMMA:
        return [rng.choice((0, 1, 2, 3, 7)), rng.choice(NUMBERS)]
    arity = op.row.arity if op.row.arity > 0 else 3
    return [_number(rng) for _ in range(arity)]


def _number(rng: random.Random) -> float:
    return rng.choice(NUMBERS) if rng.random() < 0.7 else rng.gauss(0, 10 ** rng.uniform(-3, 2))


def _reachable(op: Op, points: list[float]) -> bool:
    """Whether the oracle itself is quick there."""
    if op in (Op.GAMMA, Op.LGAMMA, Op.POLYGAMMA):
        return abs(points[-1]) < 1e6 and abs(points[-1]) > 1e-30
    if op is Op.POW:
        return abs(points[1]) < 1e6
    if op in (Op.EXP, Op.EXPM1, Op.SINH, Op.COSH, Op.ERFC, Op.ERF):
        return abs(points[0]) < 1e6
    return True


def _held(pair: tuple[Any, Any], value: Any) -> bool:
    return bool(pair[0] <= value <= pair[1])


@pytest.mark.parametrize(
    "numbers", ARITHMETICS, ids=[f"arithmetic {n}" for n in range(len(ARITHMETICS))]
)
@pytest.mark.parametrize("op", FUNCTIONS, ids=lambda op: op.row.name)
def test_a_point_is_enclosed(op: Op, numbers: Arithmetic) -> None:
    rng = random.Random(f"{op}")
    for _ in range(60):
        points = _operands(op, rng)
        value = exact(op, *points) if _reachable(op, points) else None
        rule = applied(numbers, op, [Interval(x, x) for x in points])
        if value is None:
            continue
        if not rule.empty:
            assert _held((rule.low, rule.high), value), (points, value, rule)
            _check_width(op, numbers, rule, value)
        else:
            assert op in (Op.POW, Op.DIV, Op.ATAN2), (points, value)  # 0^-1 and the like


def _check_width(op: Op, numbers: Arithmetic, rule: Interval, value: Any) -> None:
    """Around an ordinary value the ends agree to nearly all bits."""
    if op in (Op.LGAMMA, Op.POLYGAMMA) or not 1e-300 < abs(value) < 1e300:
        return
    bits = getattr(numbers, "bits", 46)
    width = mpmath.mpf(rule.high) - mpmath.mpf(rule.low)
    assert width <= abs(value) * mpmath.mpf(2) ** (4 - bits), (value, rule)


def _box(rng: random.Random) -> Interval:
    a = _number(rng)
    b = a if rng.random() < 0.15 else rng.choice((_number(rng), a + abs(rng.gauss(0, 1))))
    return Interval(min(a, b), max(a, b))


def _inside(box: Interval, rng: random.Random) -> float:
    edge = rng.random()
    if edge < 0.2:
        return float(box.low if edge < 0.1 else box.high)
    return min(max(box.low + rng.random() * (box.high - box.low), box.low), box.high)


@pytest.mark.parametrize("numbers", [ARITHMETICS[0], ARITHMETICS[1]], ids=["float64", "60 bits"])
@pytest.mark.parametrize("op", POINTWISE, ids=lambda op: op.row.name)
def test_values_at_points_of_a_box_lie_in_its_interval(op: Op, numbers: Arithmetic) -> None:
    rng = random.Random(f"box {op}")
    arity = op.row.arity if op.row.arity > 0 else 3
    for _ in range(50):
        boxes = [_box(rng) for _ in range(arity)]
        if op is Op.POLYGAMMA:
            n = rng.choice((0, 1, 2, 3, 8))
            boxes[0] = Interval(n, n)
        found = applied(numbers, op, boxes)
        for _ in range(6):
            points = [_inside(box, rng) for box in boxes]
            value = exact(op, *points) if _reachable(op, points) else None
            if value is None:
                assert not found.defined or not _reachable(op, points), (op, boxes, points)
            elif found.empty or not _held((found.low, found.high), value):
                raise AssertionError((op, boxes, points, value, found))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    op=st.sampled_from(sorted(set(POINTWISE) - {Op.POLYGAMMA}, key=lambda op: op.row.name)),
    ends=st.lists(st.tuples(st.floats(-50, 50), st.floats(0, 5)), min_size=3, max_size=3),
    shares=st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_inclusion_as_a_law(op: Op, ends: list[tuple[float, float]], shares: list[float]) -> None:
    arity = op.row.arity if op.row.arity > 0 else 3
    boxes = [Interval(low, low + width) for low, width in ends[:arity]]
    points = [
        min(max(b.low + s * (b.high - b.low), b.low), b.high)
        for b, s in zip(boxes, shares, strict=False)
    ]
    with mpmath.workprec(500):
        value = exact(op, *points)
        found = applied(Float64(), op, boxes)
        if value is None:
            assert not found.defined
        else:
            assert not found.empty
            assert _held((found.low, found.high), value)


@pytest.mark.parametrize("op", sorted(EXACT, key=lambda op: op.row.name), ids=lambda o: o.row.name)
def test_what_is_rational_is_the_exact_value(op: Op) -> None:
    rng = random.Random(f"exact {op}")
    arity = op.row.arity if op.row.arity > 0 else 1
    known = 0
    for _ in range(200):
        parts = [Fraction(rng.randint(-9, 9), rng.choice((1, 1, 2, 4, 8))) for _ in range(arity)]
        if rng.random() < 0.3:
            parts = [Fraction(rng.choice((0, 1, 2, 4, 8, 9, 27, 100, 1000))) for _ in parts]
        found = exactly(op, parts)
        value = exact(op, *(mpmath.mpf(x.numerator) / x.denominator for x in parts))
        if isinstance(found, Fraction):
            known += 1
            if value is not None:
                assert abs(mpmath.mpf(found.numerator) / found.denominator - value) < 1e-150
        elif found is not None:
            assert value is None or op is Op.POW, (parts, value)
    assert known


@pytest.mark.parametrize("op", [Op.EXP, Op.LOG, Op.SIN, Op.ATAN, Op.GAMMA, Op.ERFC])
def test_more_bits_give_narrower_enclosures_inside_the_wider_ones(op: Op) -> None:
    wide, narrow = (Multiple(bits).enclose(op, 1.7) for bits in (50, 300))
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) * 1e-60


@pytest.mark.skipif(not BALLS, reason="python-flint is not installed")
@pytest.mark.parametrize("op", FUNCTIONS, ids=lambda op: op.row.name)
def test_mpmath_and_arb_overlap(op: Op) -> None:
    rng = random.Random(f"both {op}")
    for _ in range(40):
        boxes = [Interval(x, x) for x in _operands(op, rng)]
        one, other = (applied(numbers, op, boxes) for numbers in (Multiple(150), BALLS[0]))
        assert one.empty == other.empty
        assert one.empty or (one.low <= other.high and other.low <= one.high), boxes
