"""`flux.interval`: enclosures of whole formulas, their edges, and the mistakes of a caller."""

from __future__ import annotations

import math
import sys
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flux
from flux.errors import ArgumentError, DomainError, FluxError, UnknownNameError
from flux.expr import Expr
from flux.precision import Interval
from tests.reliability.bounds import within
from tests.strategies import formulas

INF = math.inf

# Text, box, the range over the defined part, whether it is defined everywhere.
RANGES: list[tuple[str, dict[str, Any], tuple[float, float], bool]] = [
    ("x^2", {"x": (-1, 2)}, (0, 4), True),
    ("x*x", {"x": (-1, 2)}, (0, 4), True),
    ("x^3", {"x": (-1, 2)}, (-1, 8), True),
    ("x^-2", {"x": (-1, 2)}, (0.25, INF), False),
    ("1/x", {"x": (-1, 2)}, (-INF, INF), False),
    ("1/x", {"x": (0, 2)}, (0.5, INF), False),
    ("1/x", {"x": (2, 4)}, (0.25, 0.5), True),
    ("sqrt(x)", {"x": (-1, 4)}, (0, 2), False),
    ("log(x)", {"x": (0, 1)}, (-INF, 0), False),
    ("abs(x)", {"x": (-3, 2)}, (0, 3), True),
    ("sin(x)", {"x": (0, 2)}, (0, 1), True),
    ("sin(x)", {"x": (3, 4)}, (math.sin(4), math.sin(3)), True),
    ("cos(x)", {"x": (-1, 4)}, (-1, 1), True),
    ("tan(x)", {"x": (1, 2)}, (-INF, INF), False),
    ("tan(x)", {"x": (-1, 1)}, (-math.tan(1), math.tan(1)), True),
    ("atan2(y, x)", {"x": (-1, 1), "y": (1, 2)}, (math.pi / 4, 3 * math.pi / 4), True),
    ("atan2(y, x)", {"x": (-2, -1), "y": (-1, 1)}, (-math.pi, math.pi), True),
    ("x > 0 ? x : -x", {"x": (-1, 2)}, (-2, 2), True),
    ("x > 0 ? log(x) : 0", {"x": (1, 2)}, (0, math.log(2)), True),
    ("x < 5 ? x : 1/0", {"x": (1, 2)}, (1, 2), True),
    ("floor(x)", {"x": (-0.5, 2.5)}, (-1, 2), True),
    ("x % 3", {"x": (1, 2)}, (1, 2), True),
    ("x % 3", {"x": (2, 4)}, (0, 3), True),
    ("gamma(x)", {"x": (1, 2)}, (0.8856031944108887, 1), True),
    ("gamma(x)", {"x": (-0.5, 1)}, (-INF, INF), False),
    ("lgamma(x)", {"x": (0, 2)}, (-0.1214862905358496, INF), False),
    ("polygamma(1, x)", {"x": (1, 2)}, (math.pi**2 / 6 - 1, math.pi**2 / 6), True),
    ("exp(x)", {"x": (-INF, 0)}, (0, 1), True),
    ("x^y", {"x": (2, 3), "y": (-1, 2)}, (1 / 3, 9), True),
    ("x^0.5", {"x": (-1, 4)}, (0, 2), False),
    ("min(x, 1) + max(y, 0)", {"x": (0, 3), "y": (-1, 1)}, (0, 2), True),
    ("x - x", {"x": (0, 1)}, (-1, 1), True),
    ("0.1 + 0.2 == 0.3", {}, (1, 1), True),
    ("x <= 0.9", {"x": "0.9"}, (1, 1), True),
    ("exp(x)", {"x": 1000}, (sys.float_info.max, INF), True),
]


@pytest.mark.parametrize(("text", "box", "wanted", "defined"), RANGES)
def test_ranges(text: str, box: dict[str, Any], wanted: tuple[float, float], defined: bool) -> None:
    found = flux.interval(text, box)
    assert found.defined is defined
    assert found.low <= wanted[0] or found.low == pytest.approx(wanted[0], rel=1e-15)
    assert found.high >= wanted[1] or found.high == pytest.approx(wanted[1], rel=1e-15)
    assert found.low == pytest.approx(wanted[0], rel=1e-3, abs=1e-13)
    assert found.high == pytest.approx(wanted[1], rel=1e-13, abs=1e-13)


def test_nowhere_defined_is_empty() -> None:
    found = flux.interval("log(x)", x=(-2, -1))
    assert found.empty
    assert not found.defined
    assert 0.0 not in found
    assert str(found) == "empty: defined nowhere"
    assert found.width == 0


def test_an_operand_that_is_nowhere_defined_decides_nothing() -> None:
    for text in ("log(-1) > 0 ? 1 : 2", "log(-1) or 1", "log(-1) and 0", "not log(-1)"):
        assert flux.interval(text).empty, text
    for text in ("sqrt(x) >= 0 ? 1 : 2", "sqrt(x) >= 0 or x", "sqrt(x) < 0 and x"):
        assert not flux.interval(text, x=(-1, 1)).defined, text


def test_the_ends_are_floats_and_print() -> None:
    found = flux.interval("x + 1", x=(Fraction(1, 3), Decimal("0.5")))
    assert (type(found.low), type(found.high)) == (float, float)
    assert Fraction(found.low) <= Fraction(4, 3) < Fraction(math.nextafter(found.low, 2))
    assert found.high == 1.5
    assert str(flux.interval("1/x", x=(0, 1))) == "[1.0, inf], not known to be defined everywhere"
    assert found.low in found
    assert "x" not in found


def test_decimals_are_enclosed_not_rounded() -> None:
    low, high = (Fraction(end) for end in (lambda i: (i.low, i.high))(flux.interval("0.1")))
    assert low < Fraction(1, 10) < high
    assert high - low == Fraction(math.ulp(0.1))


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    e=formulas(max_leaves=8),
    ends=st.lists(st.tuples(st.floats(-9, 9), st.floats(0, 2)), min_size=5, max_size=5),
    shares=st.lists(st.floats(0, 1), min_size=5, max_size=5),
)
def test_values_at_points_lie_in_the_interval(
    e: Expr, ends: list[tuple[float, float]], shares: list[float]
) -> None:
    names = ("x", "y", "z", "rate", "k1")
    box = {name: (low, low + width) for name, (low, width) in zip(names, ends, strict=True)}
    point = {
        name: min(max(low + share * (high - low), low), high)
        for (name, (low, high)), share in zip(box.items(), shares, strict=True)
    }
    try:
        found = flux.interval(e, box)
        # A float that is given to `digits` means its shortest decimal, so ratios are given.
        value = e.evaluate({k: Fraction(v) for k, v in point.items()}, digits=30)
    except DomainError:
        return  # inf, nan, or no value at this point
    except FluxError:
        return  # not decided
    assert not found.empty
    # As decimals: a value such as exp(exp(30)) has more digits as a ratio than memory holds.
    with localcontext(Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        margin = abs(value.decimal) * Decimal("1e-29")
        assert Decimal(found.low) <= value.decimal + margin
        assert Decimal(found.high) >= value.decimal - margin


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(e=formulas(max_leaves=8), x=st.floats(-5, 5), widths=st.tuples(*[st.floats(0, 1)] * 2))
def test_a_wider_box_has_a_wider_interval(e: Expr, x: float, widths: tuple[float, float]) -> None:
    names = ("x", "y", "z", "rate", "k1")
    small, large = sorted(widths)
    try:
        inner = flux.interval(e, dict.fromkeys(names, (x, x + small)))
        outer = flux.interval(e, dict.fromkeys(names, (x - large, x + large)))
    except FluxError:
        return
    if not inner.empty:
        assert outer.low <= inner.low or outer.low <= inner.low + abs(inner.low) * 1e-9 + 1e-300
        assert outer.high >= inner.high or outer.high >= inner.high * (1 - 1e-9) - 1e-300


WRONG: list[tuple[str, Any, str]] = [
    ("x", {}, "no value for `x`"),
    ("x", {"x": (2, 1)}, "is empty"),
    ("x", {"x": (INF, INF)}, "is empty"),
    ("x", {"x": (1, 2, 3)}, "3 ends"),
    ("x", {"x": ()}, "0 ends"),
    ("x", {"x": (1, None)}, "NoneType"),
    ("x", {"x": (math.nan, 1)}, "nan"),
    ("x", {"x": math.inf}, "inf"),
    ("x", {"x": np.zeros(2)}, "ndarray"),
    ("x", {"x": np.zeros((0, 3))}, "ndarray"),
    ("x", {"x": ("log(-1)", 1)}, "not a number"),
    ("x", {"x": "y"}, "`y`"),
    ("inf + 1", {}, "no real number"),
    ("input x[d]\nsum[d](x)", {"x": 1}, "named axes"),
    ("axis d\nsum[d](position[d])", {}, "named axes"),
    ("x +", {"x": 1}, "expected a value"),
]


@pytest.mark.parametrize(("text", "box", "message"), WRONG)
def test_mistakes_are_explained(text: str, box: dict[str, Any], message: str) -> None:
    with pytest.raises(FluxError) as caught:
        flux.interval(text, box)
    assert message in str(caught.value)


def test_a_box_is_a_mapping_and_a_formula_a_text() -> None:
    with pytest.raises(ArgumentError):
        flux.interval("x", [1, 2])  # type: ignore[arg-type]
    with pytest.raises(ArgumentError):
        flux.interval(3)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        flux.parse("x").interval(y=1)


def test_an_interval_is_a_value_too() -> None:
    inner = flux.interval("sin(x)", x=(0, 1))
    assert flux.interval("y^2", y=inner).high == pytest.approx(math.sin(1) ** 2)
    assert isinstance(inner, Interval)


@pytest.mark.usefixtures("patience")
def test_many_nodes_are_enclosed_in_time() -> None:
    text = " + ".join(f"sin({n}*x)*exp(-x/{n + 1})" for n in range(300))
    with within():
        found = flux.interval(text, x=(0, 0.01))
    with mpmath.workprec(100):
        x = mpmath.mpf("0.005")
        value = sum(mpmath.sin(n * x) * mpmath.exp(-x / (n + 1)) for n in range(300))
    assert found.low <= value <= found.high


@pytest.mark.parametrize("zero", ["0", "-0", "rint(x - x)", "int(x/9)", "ceil(x)", "-(0*x)"])
def test_zero_has_one_sign(zero: str) -> None:
    values = {"x": -0.0507655}
    found = flux.interval(f"atan2({zero}, x)", values)
    assert found.low <= math.pi <= found.high
    assert flux.parse(f"atan2({zero}, x)").evaluate(values, digits=15).decimal == Decimal(
        "3.14159265358979"
    )
