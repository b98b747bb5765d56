"""No wrong mathematics: derivatives and simplified forms of random formulas (T12)."""

from __future__ import annotations

from random import Random

import mpmath
import pytest
from mpmath import mpf

from flux.expr import Expr, constant
from tests.reliability.exact import (
    DIGITS,
    NAMES,
    NOWHERE,
    OPERATIONS,
    random_expression,
    random_point,
    value,
)

_STEP = mpf(10) ** -15
_SAME = mpf(10) ** -25  # of an identity between values of fifty digits, with room to cancel
_CLOSE = mpf(10) ** -12  # of a difference


def _error(a: mpf, b: mpf) -> mpf:
    with mpmath.workdps(DIGITS):
        return abs(a - b) / max(1, abs(a), abs(b))


def _difference(e: Expr, at: dict[str, mpf], name: str, step: mpf) -> mpf:
    with mpmath.workdps(DIGITS):
        above, below = (value(e, {**at, name: at[name] + s}) for s in (step, -step))
        return (above - below) / (2 * step)


def _slope(e: Expr, at: dict[str, mpf], name: str) -> mpf:
    """The derivative by differences, or NOWHERE near a kink or a pole."""
    near, far = (_difference(e, at, name, step) for step in (_STEP, 3 * _STEP))
    return near if _error(near, far) < _CLOSE / 100 else NOWHERE


@pytest.mark.parametrize("part", range(8))
def test_derivatives_agree_with_differences(part: int) -> None:
    rng, compared = Random(f"derivative {part}"), 0
    for _ in range(60):
        e, name = random_expression(rng), rng.choice(NAMES)
        forward, (backward,) = e.diff(name), e.gradient([name])
        for at in (random_point(rng) for _ in range(3)):
            wanted = _slope(e, at, name)
            if mpmath.isnan(wanted) or mpmath.isnan(value(e, at)):
                continue
            for d in (forward, backward):
                found = value(d, at)
                assert mpmath.isnan(found) or _error(found, wanted) < _CLOSE, f"{e}\n{name} {at}"
                compared += not mpmath.isnan(found)
    assert compared > 60


@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("exact", [False, True])
def test_simplified_forms_keep_the_value(part: int, exact: bool) -> None:
    rng, compared = Random(f"simplify {part}"), 0
    for _ in range(60):
        e = random_expression(rng)
        if rng.random() < 0.5:
            e = e.diff(rng.choice(NAMES))
        simplified = e.simplify(exact=exact)
        for at in (random_point(rng) for _ in range(4)):
            wanted = value(e, at)
            if mpmath.isnan(wanted):
                continue
            found = value(simplified, at)
            assert _error(found, wanted) < _SAME, f"{e}\nbecame {simplified}\nat {at}"
            compared += 1
    assert compared > 60


def test_derivatives_of_derivatives_agree_with_differences() -> None:
    rng, compared = Random("second derivative"), 0
    for _ in range(120):
        e, name = random_expression(rng, 3), rng.choice(NAMES)
        first, second = e.diff(name), e.diff(name, 2)
        at = random_point(rng)
        wanted = _slope(first, at, name)
        found = value(second, at)
        if mpmath.isnan(wanted) or mpmath.isnan(found):
            continue
        assert _error(found, wanted) < _CLOSE, f"{e}\n{name} {at}"
        compared += found != 0
    assert compared > 20


def test_the_values_are_right_where_they_are_known() -> None:
    with mpmath.workdps(DIGITS):
        assert _error(value(constant(0.1) + constant(0.2), {}), mpf(3) / 10) < _SAME
    assert {op.row.name for op in OPERATIONS} >= {"exp", "pow", "atan2", "erfc", "mod", "round"}


def test_a_wrong_derivative_would_be_seen() -> None:
    rng = Random("wrong")
    seen = 0
    for _ in range(60):
        e, at = random_expression(rng), random_point(rng)
        wanted, found = _slope(e, at, "x"), value(e.diff("x") * constant(1.000001), at)
        seen += not mpmath.isnan(wanted) and found != 0 and _error(found, wanted) > _CLOSE
    assert seen > 5
