"""Digits are proved: against published values, mpmath at far more bits, and exact ratios."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flux
from flux.errors import ArgumentError, DomainError, FluxError, LimitError, UnknownNameError
from flux.expr import Expr, fold
from flux.ops import Op
from flux.precision import Digits
from flux.settings import override
from tests.precision.oracle import ORACLE
from tests.reliability.bounds import within
from tests.strategies import formulas, values_for

# Source: OEIS A000796, A001113, A002193, A073005 (gamma(1/3)), A001620 (-digamma(1)), A002117
# (zeta(3) = -polygamma(2, 1)/2).
PUBLISHED = [
    ("pi", "3.14159265358979323846264338327950288419716939937511"),
    ("e", "2.71828182845904523536028747135266249775724709369996"),
    ("sqrt(2)", "1.41421356237309504880168872420969807856967187537695"),
    ("gamma(1/3)", "2.67893853470774763365569294097467764412868937795730"),
    ("-polygamma(0, 1)", "0.577215664901532860606512090082402431042159335939924"),
    ("-polygamma(2, 1)/2", "1.20205690315959428539973816151144999076498629234050"),
]


@pytest.mark.parametrize(("text", "digits"), PUBLISHED)
def test_published_constants(text: str, digits: str) -> None:
    found = flux.evaluate(text, digits=51)
    assert str(found) == digits
    assert not found.exact


# Value, digits, text, whether it is the whole value.
ROUNDED = [
    ("1/4", 20, "0.25", True),
    ("0.1 + 0.2", 30, "0.3", True),
    ("1/3", 5, "0.33333", False),
    ("-2/3", 5, "-0.66667", False),
    ("10^30", 40, "1" + "0" * 30, True),
    ("10^30", 5, "1e+30", True),
    ("123456", 3, "1.23e+5", False),
    ("0.25", 1, "0.2", False),
    ("0.35", 1, "0.4", False),
    ("9.995", 3, "10.0", False),
    ("0.99999", 3, "1.00", False),
    ("sqrt(2)", 1, "1", False),
    ("sqrt(16)", 10, "4", True),
    ("cbrt(-27)", 10, "-3", True),
    ("4^-0.5", 10, "0.5", True),
    ("hypot(3, 4)", 10, "5", True),
    ("log10(0.001)", 10, "-3", True),
    ("gamma(21)", 30, "2432902008176640000", True),
    ("0*pi + 1", 10, "1", True),
    ("x - x", 10, "0", True),
    ("1e-400", 5, "1e-400", True),
    ("exp(-1000)", 10, "5.075958898e-435", False),
    ("9^9^9", 12, "4.28124773176e+369693099", False),
    ("exp(exp(10))", 12, "9.38751221858e+9565", False),
    ("sin(1e22)", 18, "-0.852200849767188802", False),
    ("tanh(1e30)", 20, "1.0000000000000000000", False),
    ("1 + exp(-exp(100))", 20, "1.0000000000000000000", False),
    ("(1 + 1e-30)^1e30", 15, "2.71828182845905", False),
    ("e^2", 3, "7.39", False),
]


@pytest.mark.parametrize(("text", "digits", "shown", "exact"), ROUNDED)
def test_what_is_shown(text: str, digits: int, shown: str, exact: bool) -> None:
    found = flux.evaluate(text, digits=digits, x="1/7")
    if text == "0*pi + 1":
        assert float(found) == 1
        return
    assert (str(found), found.exact) == (shown, exact)


DECIDED = [
    ("0.1 + 0.2 == 0.3", 1),
    ("x <= 0.9", 1),
    ("floor(0.3/0.1)", 3),
    ("5.5 % 0.1", 0),
    ("floor(log10(1000))", 3),
    ("x < 0.9 ? log(-1) : 2", 2),
    ("x >= 0.9 and 1/(x - 0.9) > 0 or 1", None),
    ("x != 0.9 and 1/(x - 0.9) > 0", 0),
    ("x == 0.9 or 1/(x - 0.9) > 0", 1),
]


@pytest.mark.parametrize(("text", "value"), DECIDED)
def test_decisions_on_rational_numbers_are_exact(text: str, value: int | None) -> None:
    if value is None:
        with pytest.raises(DomainError):
            flux.evaluate(text, digits=10, x="0.9")
    else:
        assert float(flux.evaluate(text, digits=10, x="0.9")) == value


@settings(max_examples=150)
@given(a=st.integers(-(10**30), 10**30), b=st.integers(1, 10**30), digits=st.integers(1, 40))
def test_ratios_round_half_to_even(a: int, b: int, digits: int) -> None:
    context = Context(prec=digits, rounding=ROUND_HALF_EVEN)
    found = flux.evaluate("a/b", digits=digits, a=a, b=b)
    assert found.decimal == context.divide(Decimal(a), Decimal(b))
    assert found.exact == (Fraction(found.decimal) == Fraction(a, b))


_SLOW = {Op.POLYGAMMA, Op.POW, Op.GAMMA, Op.LGAMMA, Op.CUSTOM}
_TAME = [op for op in ORACLE if op not in _SLOW]


def _reference(e: Expr, values: dict[str, Any]) -> Any:
    """The value by mpmath; None where an operation is outside its domain."""

    def visit(part: Expr, operands: tuple[Any, ...]) -> Any:
        if part.op is Op.CONSTANT:
            kind, value = part.attributes
            named = {"pi": mpmath.pi, "e": mpmath.e}
            if kind == "named":
                return +named[value] if value in named else None
            return mpmath.mpf(str(int(value) if isinstance(value, bool) else value))
        if part.op is Op.INPUT:
            return mpmath.mpf(repr(float(values[part.attributes.name])))
        if any(x is None for x in operands):
            return None
        if any(abs(x) > mpmath.mpf(10) ** 60 for x in operands):
            return None
        try:
            value = ORACLE[part.op](*operands)
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        return value if isinstance(value, mpmath.mpf) and mpmath.isfinite(value) else None

    return fold(e, visit)


@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(e=formulas(max_leaves=8, operations=_TAME), seed=st.integers(0, 2**32))
def test_digits_of_generated_formulas(e: Expr, seed: int) -> None:
    values = {name: float(v) for name, v in values_for(e, seed).items()}
    try:
        found = e.evaluate(values, digits=25)
    except FluxError:
        return
    # Near a step, as in trunc(tanh(348)), a thousand bits may not tell the side.
    assert any(_agrees(found, e, values, bits) for bits in (1_000, 50_000))


def _agrees(found: flux.Digits, e: Expr, values: dict[str, Any], bits: int) -> bool:
    with mpmath.workprec(bits):
        wanted = _reference(e, values)
        if wanted is None:
            return True
        if wanted == 0 or not found.decimal:
            least = mpmath.mpf(2) ** -700
            return abs(wanted) < least and (not found.decimal or abs(found.mpf()) < least)
        return bool(abs(found.mpf() - wanted) <= abs(wanted) * mpmath.mpf(10) ** -24 / 2 * 1.0001)


def test_a_step_is_told_from_what_rounds_to_it() -> None:
    assert str(flux.evaluate("trunc(tanh(348))", digits=25)) == "0"


# Text, kind of answer: a bomb ends within two seconds, with an error or with digits.
BOMBS = [
    "9^9^9^9",
    "gamma(1e300)",
    "gamma(-1e300 + 0.5)",
    "exp(exp(exp(10)))",
    "exp(-exp(exp(10)))",
    "sin(10^1000000)",
    "sin(exp(exp(20)))",
    "tan(9^9^9)",
    "1e99999*pi",
    "lgamma(9^9^9)",
    "lgamma(-1000000.5)",
    "polygamma(100, 1e-3000)",
    "polygamma(50, -1999.3)",
    "erfc(9^9)",
    "erf(1e-9999)",
    "acosh(1 + 1e-9999)",
    "log1p(-1e-9999)",
    "atanh(1 - 1e-9999)",
    "9^9^9 % 7",
    "fmod(1e99999, 3)",
    "floor(9^9^9/3)",
    "2^0.5^0.5^1e9999",
    "(1 - 1e-99999)^9^9^9",
    "0^9^9^9",
    "(-1)^9^9^9",
    "sqrt(" * 500 + "2" + ")" * 500,
    "exp(" * 30 + "2" + ")" * 30,
    "gamma(" * 9 + "7" + ")" * 9,
]


def answer(text: str, digits: int) -> Digits | FluxError:
    try:
        found: Digits = flux.evaluate(text, digits=digits)
    except FluxError as error:
        return error
    return found


@pytest.mark.parametrize("text", BOMBS)
@pytest.mark.parametrize("digits", [20, 400])
def test_bombs_end(text: str, digits: int) -> None:
    with within():
        found = answer(text, digits)
    if isinstance(found, Digits):
        assert len(found.decimal.as_tuple().digits) <= digits
    else:
        assert found.text


@pytest.mark.parametrize(
    "text", ["pi", "exp(1.5)", "gamma(0.3)", "erf(0.7)", "polygamma(1, 0.3)", "2^0.7", "sin(1)"]
)
@pytest.mark.parametrize("digits", [10_000, 100_000])
def test_very_many_digits_end(text: str, digits: int) -> None:
    with within(2.0):
        found = answer(text, digits)
    if isinstance(found, Digits):
        assert len(found.decimal.as_tuple().digits) == digits
    else:
        assert "too long" in found.text or "could not be proved" in found.text


def test_ten_thousand_digits_of_pi_are_those_of_another_formula() -> None:
    # Machin's formula in whole numbers, with guard digits.
    def arctangent(n: int, one: int) -> int:
        total = term = one // n
        k, sign = 3, -1
        while term:
            term //= n * n
            total += sign * (term // k)
            k, sign = k + 2, -sign
        return total

    digits = 10_000
    one = 10 ** (digits + 20)
    machin = 4 * (4 * arctangent(5, one) - arctangent(239, one))
    found = flux.evaluate("pi", digits=digits).decimal.as_tuple()
    whole = int(Decimal((0, found.digits, 0)))
    assert abs(whole - machin // 10**21) <= 1


UNDECIDED = ["exp(1) - e", "sin(pi)", "sqrt(2)^2 - 2", "floor(exp(log(3)))", "sign(sin(pi))"]


@pytest.mark.parametrize("text", UNDECIDED)
def test_what_cannot_be_decided_is_an_error_and_no_guess(text: str) -> None:
    with within(), pytest.raises(LimitError, match="could not be proved"):
        flux.evaluate(text, digits=20)


# Inputs.


@pytest.mark.parametrize(
    "value",
    ["0.1", Decimal("0.1"), Fraction(1, 10), 0.1, np.float64(0.1), "1/10", flux.parse("0.1")],
    ids=repr,
)
def test_a_value_is_the_decimal_that_it_spells(value: Any) -> None:
    found = flux.evaluate("3*x", x=value, digits=30)
    assert (str(found), found.exact) == ("0.3", True)


def test_a_whole_number_and_a_formula_are_exact_values() -> None:
    assert str(flux.evaluate("x", x=2**70, digits=30)) == str(2**70)
    assert str(flux.evaluate("x/2", x="pi", digits=12)) == "1.57079632679"
    assert str(flux.evaluate("e^x", x=1, e=3, digits=12)) == "3"


WRONG: list[tuple[dict[str, Any], type[FluxError], str]] = [
    ({}, UnknownNameError, "no value for `x`"),
    ({"x": [1, 2]}, ArgumentError, "not one exact number but list"),
    ({"x": np.zeros(3)}, ArgumentError, "not one exact number but ndarray"),
    ({"x": np.zeros((0, 2))}, ArgumentError, "ndarray"),
    ({"x": None}, ArgumentError, "NoneType"),
    ({"x": 1j}, ArgumentError, "complex"),
    ({"x": "1 +"}, FluxError, "<x>:1:"),
    ({"x": ""}, FluxError, "empty"),
    ({"x": "y"}, UnknownNameError, "`y`"),
    ({"x": "log(-1)"}, DomainError, "log"),
    ({"x": math.nan}, DomainError, "nan is no real number"),
    ({"x": math.inf}, DomainError, "inf is no real number"),
    ({"x": 10**500}, LimitError, "max_literal"),
    ({"x": 1, "digits": 0}, ArgumentError, "digits is a whole number from 1, not 0"),
    ({"x": 1, "digits": "20"}, ArgumentError, "digits is a whole number"),
    ({"x": 1, "digits": 2.0}, ArgumentError, "digits is a whole number"),
    ({"x": 1, "digits": True}, ArgumentError, "digits is a whole number"),
    ({"x": 1, "digits": 10**7}, LimitError, "max_digits"),
]


@pytest.mark.parametrize(("values", "kind", "text"), WRONG, ids=lambda v: repr(v)[:40])
def test_mistakes_are_explained(values: dict[str, Any], kind: type[FluxError], text: str) -> None:
    with pytest.raises(kind) as caught:
        flux.evaluate("x + 1", **{"digits": 20, **values})
    assert text in str(caught.value)


def test_an_error_has_its_place_in_the_formula() -> None:
    with pytest.raises(DomainError) as caught:
        flux.evaluate("2 + log(x - 1)", x=1, digits=20)
    assert (caught.value.line, caught.value.column) == (1, 5)
    assert "log(0) has no finite value" in str(caught.value)


def test_named_axes_are_refused() -> None:
    with pytest.raises(ArgumentError, match="named axes"):
        flux.evaluate("input x[d]\nsum[d](x)", x=[1, 2], digits=20)


def test_the_option_gives_way_to_a_name() -> None:
    assert flux.evaluate("digits + 1", digits=30) == 31.0
    assert flux.parse("digits + 1").evaluate(digits=30) == 31.0
    assert flux.evaluate("x", {"x": 1, "digits": 30}) == 1.0


def test_a_method_and_a_function_agree() -> None:
    e = flux.parse("sin(x)")
    assert e.evaluate(x=1, digits=40) == flux.evaluate("sin(x)", x=1, digits=40)


def test_the_result_converts() -> None:
    found = flux.evaluate("-1/pi^20", digits=30)
    assert isinstance(found, Digits)
    assert found.decimal == Decimal(str(found))
    assert float(found) == float(str(found))
    with mpmath.workdps(40):
        assert abs(found.mpf() * mpmath.pi**20 + 1) < mpmath.mpf(10) ** -29
    assert repr(found) == f"Digits({found})"
    assert str(found).startswith("-1.14")
    assert str(found).endswith("e-10")


def test_mpmath_s_own_precision_is_left_alone_and_does_not_matter() -> None:
    for bits in (10, 53, 400):
        with mpmath.workprec(bits):
            assert str(flux.evaluate("pi", digits=30)) == "3.14159265358979323846264338328"
            assert mpmath.mp.prec == bits


def test_the_extra_is_named() -> None:
    with override(arithmetic="flint"), pytest.raises(ArgumentError, match="auto, arb or mpmath"):
        flux.evaluate("sin(1)", digits=20)
    try:
        import flint  # noqa: F401
    except ImportError:
        with override(arithmetic="arb"), pytest.raises(ArgumentError) as caught:
            flux.evaluate("sin(1)", digits=20)
        assert 'pip install "fluxparser[arb]"' in caught.value.hint


@pytest.mark.parametrize("text", ["sin(1)", "gamma(0.3)", "2^pi", "erfc(9)", "polygamma(2, 0.7)"])
def test_arb_and_mpmath_give_the_same_digits(text: str) -> None:
    pytest.importorskip("flint")
    found = []
    for arithmetic in ("arb", "mpmath"):
        with override(arithmetic=arithmetic):
            found.append(str(flux.evaluate(text, digits=300)))
    assert found[0] == found[1]


def test_threads_get_the_same_digits() -> None:
    texts = [f"sin({n}/7)*gamma({n + 1}/3) + pi" for n in range(12)]
    counts = [(text, 20 + 37 * (i % 9)) for i, text in enumerate(texts * 4)]
    alone = [str(flux.evaluate(text, digits=digits)) for text, digits in counts]
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(lambda pair: str(flux.evaluate(pair[0], digits=pair[1])), counts)
        assert list(together) == alone
