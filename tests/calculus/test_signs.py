"""Signs: no sign that occurs is left out, on random expressions and by assumption."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flux.calculus.signs import (
    ANY,
    NEGATIVE,
    NONNEGATIVE,
    NONPOSITIVE,
    NONZERO,
    POSITIVE,
    ZERO,
    SignTable,
)
from flux.expr import apply, constant, inputs, position, size, topological, variable
from flux.ops import Op
from tests.calculus.oracle import Oracle
from tests.strategies import formulas

ASSUMED = [
    ("> 0", POSITIVE),
    (">0", POSITIVE),
    (">= 0", NONNEGATIVE),
    (">= 2", POSITIVE),
    ("> -1", ANY),
    ("< 0", NEGATIVE),
    ("<= 0", NONPOSITIVE),
    ("<= -1", NEGATIVE),
    ("!= 0", NONZERO),
    ("", ANY),
    ("> y", ANY),
]


@pytest.mark.parametrize(("assumption", "signs"), ASSUMED)
def test_assumptions(assumption, signs):
    assert SignTable().of(variable("x", assumption=assumption)) == signs


x = variable("x", assumption="> 0")
free = variable("y")
ROWS = [
    (constant(0), ZERO),
    (constant(3), POSITIVE),
    (-constant(3), NEGATIVE),
    (constant("inf"), POSITIVE),
    (constant("nan"), ANY),
    (x * x + 1, POSITIVE),
    (x - 1, ANY),
    (-x - 1, NEGATIVE),
    (free**2, NONNEGATIVE),
    (free**2 + 1, POSITIVE),
    (free**3, ANY),
    (x**free, POSITIVE),
    (apply(Op.EXP, free), POSITIVE),
    (apply(Op.ABS, free), NONNEGATIVE),
    (apply(Op.TANH, x), POSITIVE),
    (apply(Op.MAXIMUM, free, 0), NONNEGATIVE),
    (apply(Op.MINIMUM, free, -constant(1)), NEGATIVE),
    (position("t"), NONNEGATIVE),
    (size("t"), POSITIVE),
]


@pytest.mark.parametrize(("e", "signs"), ROWS)
def test_signs_of_expressions(e, signs):
    assert SignTable().of(e) == signs


@settings(max_examples=150, derandomize=True, suppress_health_check=list(HealthCheck))
@given(formulas(10), st.integers(0, 1_000))
def test_no_sign_that_occurs_is_left_out(e, seed):
    oracle, table = Oracle(), SignTable()
    generator = np.random.default_rng(seed)
    values = {x.attributes.name: generator.normal() * 2 for x in inputs(e)}
    for part in topological((e,)):
        value = float(oracle.value(part, values))
        real = all(np.isfinite(float(oracle.value(p, values))) for p in topological((part,)))
        if real and abs(value) > 1e-300:
            assert int(np.sign(value)) in table.of(part)
