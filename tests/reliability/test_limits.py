"""Every limit is a setting that its error names; arithmetic and algebra bombs end (T5, T6, T7)."""

from __future__ import annotations

import math

import pytest

import flux
from flux.errors import FluxError, LimitError
from flux.expr import apply, count_nodes, variable
from flux.ops import Op
from flux.settings import override
from tests.reliability.bounds import SECONDS, within

# Refused before the parser runs: setting, text.
EARLY = (
    ("max_source_bytes", "x" * (256 * 1024 + 1)),
    ("max_source_bytes", "(" * 1_000_000),
    ("max_depth", "(" * 100_000 + "x" + ")" * 100_000),
    ("max_depth", "[" * 200_000),
    ("max_depth", "f(" * 100_000),
    ("max_literal", "1" * 401),
    ("max_literal", "x + " + "9" * 200_000),
    ("max_literal", "0." + "0" * 200_000 + "1"),
    ("max_literal", "1e" + "9" * 200_000),
)
# Refused later.
LATE = (
    ("max_depth", "-" * 200_000 + "x"),
    ("max_depth", "2^" * 50_000 + "x"),
    ("max_depth", "not " * 20_000 + "x"),
    ("max_names", " + ".join(f"x{i}" for i in range(20_001))),
    ("max_names", "max(" + ", ".join(f"x{i}" for i in range(20_001)) + ")"),
)
# Changed settings hold: changes, what is accepted, what is refused.
CHANGED = (
    ({"max_source_bytes": 100}, "x" * 100, "x" * 101),
    ({"max_depth": 50}, "(" * 30 + "x" + ")" * 30, "(" * 60 + "x" + ")" * 60),
    ({"max_literal": 5}, "12345", "123456"),
    ({"max_names": 3}, "a + b + c", "a + b + c + d"),
    ({"max_nodes": 10}, "a + 1 + 2", "a*b + c/d + sin(a) - cos(b) + exp(c) + a^d"),
)


def _refused(text: str) -> LimitError:
    with pytest.raises(LimitError) as caught:
        flux.parse(text)
    return caught.value


@pytest.mark.parametrize(("setting", "text"), EARLY, ids=range(len(EARLY)))
def test_length_depth_and_literals_are_refused_within_ten_milliseconds(
    setting: str, text: str
) -> None:
    flux.parse("1")
    with within(0.010):
        error = _refused(text)
    assert setting in error.text


@pytest.mark.parametrize(("setting", "text"), LATE, ids=range(len(LATE)))
def test_other_limits_are_named_within_two_seconds(setting: str, text: str) -> None:
    with within():
        error = _refused(text)
    assert setting in error.text


@pytest.mark.parametrize(("changes", "good", "bad"), CHANGED)
def test_a_limit_is_a_setting(changes: dict[str, int], good: str, bad: str) -> None:
    (name,) = changes
    with override(**changes):
        flux.parse(good)
        assert name in _refused(bad).text
    flux.parse(bad)


def test_errors_of_a_text_are_as_many_as_the_setting_says() -> None:
    text = "\n".join(["y = = 1"] * 100)
    for most in (1, 7, 20):
        with override(max_errors=most), pytest.raises(FluxError) as caught:
            flux.parse(text)
        assert len(caught.value.errors) == most


# ---- Arithmetic (T6) -----------------------------------------------------------------------------

BOMBS = {
    "9^9^9^9": math.inf,
    "-(9^9^9^9)": -math.inf,
    "2^-9^9^9": 0.0,
    "gamma(1e300)": math.inf,
    "factorial(factorial(factorial(9)))": math.inf,
    "exp(exp(exp(exp(9))))": math.inf,
    "exp(-exp(exp(9)))": 0.0,
    "1e308*10": math.inf,
    "1e9999": math.inf,
    "1e-9999": 0.0,
    "9" * 400: math.inf,
    "10^400 % 7": math.nan,
    "sin(1e308)": math.sin(1e308),
    "1e308 % 3e-308": 1e308 % 3e-308,
    "polygamma(100, 1e-300)": None,
    "polygamma(1e9, 2)": math.nan,
    "lgamma(1e308)": math.inf,
    "(-9)^(9^9^9)": math.inf,
    "0.5^(9^9)": 0.0,
    "(1 + 1e-16)^(9^9)": 1.0,
    "round(1e308) + floor(-1e308)": 0.0,
    "2^0.5^0.5^0.5^1e308": None,
    "cosh(9^9)": math.inf,
    "normal_cdf(-1e300)": 0.0,
}


@pytest.mark.parametrize("text", BOMBS, ids=lambda text: text[:40])
def test_arithmetic_bombs_have_float_semantics(text: str) -> None:
    warm = "polygamma(2, 0.5) + gamma(1.5) + normal_cdf(1)"  # files and modules are read
    flux.evaluate(warm)
    flux.compile(warm)()
    wanted = BOMBS[text]
    with within(0.050):
        try:
            value = flux.evaluate(text)
        except flux.FluxError:
            value = None
    if value is not None and wanted is not None:
        assert value == wanted
    with within(0.050):
        compiled = flux.compile(text)()
    if wanted is not None:
        assert compiled == wanted or (math.isnan(compiled) and math.isnan(wanted))


@pytest.mark.parametrize(
    "text",
    [
        "x^9^9^9",
        "x^(10^300)*x^(10^300)",
        "(x^1e300)^1e300",
        "2^x*2^(9^9^9)",
        "(2^(9^9))*x - (2^(9^9))*x",
        "1e300*1e300*x*1e300",
        "(x/1e-320)/1e-320",
        "(3/7)^1000*x^(1/3)",
        "((x^2)^2)^2^2^2^2",
        "1" * 400 + "*x*" + "7" * 400,
        "(x + " + "9" * 400 + ")^2",
    ],
)
def test_huge_numbers_in_algebra_end_at_once(text: str) -> None:
    e = flux.parse(text)
    e.simplify()
    e.diff("x").simplify()
    with within(0.050):
        e.simplify()
        e.simplify(exact=True)
        e.diff("x").simplify()


# ---- Algebra (T7) --------------------------------------------------------------------------------

ALGEBRA = (
    "tanh(x)",
    "exp(sin(x))*log(x)",
    "x^x^x",
    "1/(1 + exp(-x^2))",
    "gelu(x)*softplus(x)",
    "sqrt(sqrt(sqrt(x + 1) + 1) + 1)",
    "*".join(f"(x + {i})" for i in range(60)),
    "(x + y + 1)^60",
    "atan2(x, y)^hypot(x, y)",
)


@pytest.mark.parametrize("text", ALGEBRA)
@pytest.mark.parametrize("order", [5, 60, 10**9])
def test_a_derivative_of_any_order_ends(text: str, order: int) -> None:
    e = flux.parse(text)
    with within(2 * SECONDS):  # it is memory traffic, which other jobs of the machine slow down
        try:
            d = e.diff("x", order)
        except LimitError as error:
            assert "max_nodes" in error.text or "order" in error.text  # noqa: PT017
            return
    assert count_nodes(d) <= 200_000


@pytest.mark.parametrize("text", ALGEBRA)
def test_simplify_of_a_large_derivative_ends(text: str) -> None:
    d = flux.parse(text).diff("x", 6)
    with within():
        simplified = d.simplify()
    assert count_nodes(simplified) <= count_nodes(d)


def test_nested_derivatives_in_text_end() -> None:
    for depth in (5, 40, 300):
        text = "diff(" * depth + "exp(x*x)" + ", x)" * depth
        with within():
            try:
                flux.parse(text)
            except LimitError as error:
                assert "setting" in error.text  # noqa: PT017


def test_a_rewriting_pass_that_runs_out_returns_its_input() -> None:
    e = flux.parse("(x + 0)*1 + sin(x)*sin(x) + cos(x)*cos(x) + x - x")
    for steps in (0, 1, 3, 6):
        with override(max_steps=steps):
            assert e.simplify() is e
    assert e.simplify() is not e


def test_products_that_double_end() -> None:
    e = variable("x")
    for i in range(400):
        e = e * e if i % 3 else apply(Op.SQRT, e) + e * e
    with within():
        e.simplify()
    with within():
        e.diff("x").simplify()
