"""Texts that once broke something: each goes through every stage again."""

from __future__ import annotations

import pytest

from tests.fuzz.exercise import Trace
from tests.fuzz.inputs import Input
from tests.fuzz.run import ROOMY, run_one

_DOUBLED = "a0 = x\n" + "".join(f"a{i + 1} = a{i}*a{i}\n" for i in range(90)) + "a90"

FORMULAS = (
    "x^9^9^9",  # an exponent that is infinite
    _DOUBLED,  # a product that doubles with each line, past the exponents that a literal can have
    "diff(log10(a/1e320)^(x/(1e-320*a)) + a/1e320, a)",  # coefficients that no literal holds
    "u = z^2 + 2*z\ndiff(where(u >= 0.5, atanh(x/x), u), x)",  # a branch that is 0/0
    "log10(f_add/1e320)**adamw(0.1, x, z, x, z, pi, 0.5, e400, pi)",
)
FILES = ()
# With the seed of the values that a solver then failed at.
SOLVED = (
    ("((e))%!`a b`^-2^2 == a", 3405009494),  # a sensitivity by what is next to nothing
    ("squared_error(z, 1e300)", 3794776893),  # rows that run off to infinity
    ("(-1e+05 <= +model)^0 ** (123456789012345678901234567890)", 3924077499),  # 0 to a huge power
    ("(((outfalse))) < t", 2275717928),  # a variance that overflows
    ("fabs(np)", 1506199134),  # an integral that does
    ("(w ? 2e300 : nan)^9 != true ? s^x : 0 ? nan : np", 2028767282),  # a gradient of no numbers
)


@pytest.mark.parametrize(
    ("text", "module"), [*((t, False) for t in FORMULAS), *((t, True) for t in FILES)]
)
def test_what_the_fuzzer_found_stays_fixed(text: str, module: bool) -> None:
    for seed in range(3):
        failure = run_one(Input("finding", text, module, seed), Trace(), ROOMY)
        assert failure is None, failure.details


@pytest.mark.parametrize(("text", "seed"), SOLVED)
def test_what_a_solver_failed_at_stays_fixed(text: str, seed: int) -> None:
    failure = run_one(Input("finding", text, False, seed), Trace(), ROOMY)
    assert failure is None, failure.details
