"""Formulas with known values and known errors, in text, through the parser and the evaluator."""

import math

import pytest

from flux.errors import ArgumentError, DomainError, LimitError, ParseError, UnknownNameError
from flux.expr.evaluate import evaluate
from flux.syntax import parse, parse_block

# (formula, values, result): conventions of the language and identities.
VALUES = [
    ("int(3.7)", {}, 3.0),
    ("int(-3.7)", {}, -3.0),
    ("sgn(0)", {}, 0.0),
    ("exp(1)", {}, math.e),
    ("abs(-5) != 5", {}, 0.0),
    ("7/2*2", {}, 7.0),
    ("ceil(3.2)", {}, 4.0),
    ("ceil(-1.5)", {}, -1.0),
    ("sin(a) + cos(b)", {"a": 3, "b": 4}, -0.5125236128037447),
    ("1+2+3+4+5+6+7+8+9+10", {}, 55.0),
    ("tan(PI/4)", {}, 1.0),
    ("1e-3", {}, 0.001),
    ("1000000*1000000", {}, 1e12),
    ("2 && 3", {}, 1.0),
    ("2^3^2", {}, 512.0),
    ("3 > 5", {}, 0.0),
    ("6 <= 5", {}, 0.0),
    ("(" * 95 + "1" + ")" * 95, {}, 1.0),
    ("max(3,5)", {}, 5.0),
    ("max(min(3,5),min(7,2))", {}, 3.0),
    ("max(1,1,1,1,1,1,1,1,1,1,7)", {}, 7.0),
    ("exp(-745)", {}, 5e-324),
    ("5 != 5", {}, 0.0),
    ("2 + 3 * 4", {}, 14.0),
    ("!-0", {}, 1.0),
    ("2^-2^2", {}, 0.0625),
    ("-3^2+1", {}, -8.0),
    ("sin(0.3)^2+cos(0.3)^2", {}, 1.0),
    ("2 + 2 == 4 && 3 * 3 == 9", {}, 1.0),
    ("0.5 * M * V^2", {"M": 10, "V": 5}, 125.0),
    ("0.5 * G * T^2", {"G": 9.81, "T": 2}, 19.62),
    ("10 - 4 - 3", {}, 3.0),
    ("2 * 3 / 4 * 5", {}, 7.5),
    ("5 < 3 || 10 < 20", {}, 1.0),
    ("5 < 3 || 10 > 20", {}, 0.0),
    ("!1==0", {}, 1.0),
    ("!0", {}, 1.0),
    ("5 > 3 && 4 < 6 && 7 == 7", {}, 1.0),
    ("1 || 0 && 0", {}, 1.0),
    ("1 == 1 == 1", {}, 1.0),
    ("3 > 2 > 2", {}, 0.0),
    ("log10(0.001)", {}, -3.0),
    ("log(10)", {}, 2.302585092994046),
    ("sqrt(16) + sin(PI/2)", {}, 5.0),
    ("sqrt(2)", {}, 1.4142135623730951),
    ("round(sqrt(abs(c)) * a)", {"a": 3, "c": -5}, 7.0),
    ("atan2(2,1)", {}, 1.1071487177940904),
    ("atan(-10)", {}, -1.4711276743037347),
    ("acos(0.3)", {}, 1.2661036727794992),
    ("sinh(1)", {}, 1.1752011936438014),
    ("0.1*3", {}, 0.3),
    ("1e10*1e-10", {}, 1.0),
    ("e", {}, math.e),
    ("sin(A)*exp(-B)", {"A": 0.5, "B": 1.5}, 0.10697429720800304),
    ("A/(B-1)", {"A": 2.0, "B": 3.0}, 1.0),
    ("-7 % 3", {}, 2.0),
    ("fmod(-7, 3)", {}, -1.0),
    ("round(-2.5)", {}, -3.0),
    ("rint(-2.5)", {}, -2.0),
    ("cbrt(-8)", {}, -2.0),
    ("0 and 1/0", {}, 0.0),
    ("1 or log(-1)", {}, 1.0),
    ("x > 0 ? log(x) : 0", {"x": -1}, 0.0),
]


@pytest.mark.parametrize(("text", "values", "expected"), VALUES)
def test_formulas_have_their_known_values(text, values, expected):
    assert evaluate(parse(text), values) == pytest.approx(expected, rel=1e-13, abs=1e-300)


def test_a_given_name_shadows_the_constant():
    assert evaluate(parse("e*2", given=["e"]), {"e": 7}) == 14.0


# (formula, error, offset of the error or None)
ERRORS = [
    ("   ", ParseError, None),
    ("()", ParseError, 1),
    ("^".join(["1"] * 4000), LimitError, None),
    ("* 3", ParseError, 0),
    ("2=>2", ParseError, None),
    ("sin(1,2)", ArgumentError, 0),
    ("sin()", ArgumentError, 0),
    ("2 + 3 * foo(1)", UnknownNameError, 8),
    (".", ParseError, 0),
    ("2 + * 3", ParseError, 4),
    ("sin(", ParseError, 3),
    ("sqrt(", ParseError, None),
    ("sin(1,)", ParseError, None),
]


@pytest.mark.parametrize(("text", "error", "offset"), ERRORS)
def test_wrong_formulas_are_errors_at_their_place(text, error, offset):
    with pytest.raises(error) as caught:
        parse(text)
    if offset is not None:
        assert caught.value.column == offset + 1


# (formula, values, error): right formulas without a value.
WITHOUT_VALUE = [
    ("x", {}, UnknownNameError),
    ("1/0", {}, DomainError),
    ("log10(0)", {}, DomainError),
    ("log(0)", {}, DomainError),
    ("mod(5,0)", {}, DomainError),
    ("sqrt(-1)", {}, DomainError),
    ("(-8)^(1/3)", {}, DomainError),
    ("9^9^9^9", {}, DomainError),
    ("gamma(1e300)", {}, DomainError),
    ("exp(1000)", {}, DomainError),
    ("1 and 1/0", {}, DomainError),
]


@pytest.mark.parametrize(("text", "values", "error"), WITHOUT_VALUE)
def test_formulas_without_a_value_raise(text, values, error):
    with pytest.raises(error):
        evaluate(parse(text), values)


# (formula, values, column of the operation without a value)
PLACES = [
    ("1 + log(0)", {}, 5),
    ("x*(2/(1 - x))", {"x": 1}, 4),
    ("input v[d]\nsum[d](sqrt(v))", {"v": [1.0, -1.0]}, 8),
    ("input v[d], n: int\n2*v[d = n]", {"v": [1.0, -1.0], "n": 5}, 3),
]


@pytest.mark.parametrize(("text", "values", "column"), PLACES)
def test_an_error_shows_its_place_where_the_origins_are_known(text, values, column):
    block = parse_block(text)
    with pytest.raises(DomainError) as caught:
        evaluate(block.result, values, origins=block.origins)
    assert caught.value.column == column
