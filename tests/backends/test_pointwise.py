"""Each pointwise operation on both backends against the reference, over special values (T10)."""

import itertools

import numpy as np
import pytest

from flux.expr import apply, constant, custom, variable, where
from flux.expr.evaluate import evaluate
from flux.ops import POINTWISE, Op
from tests.backends.agree import BACKENDS, over_rows, same_kinds, ulps

EXACT = {Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.SQRT, Op.ABS}
OPERATIONS = [op for op in POINTWISE if op is not Op.CUSTOM]
DTYPES = ["float32", "float64"]


def special(dtype: str) -> np.ndarray:
    info = np.finfo(dtype)
    rng = np.random.default_rng(0)
    limits = [info.max, info.tiny, info.smallest_subnormal, info.eps, 0.5, 1, 2, 3.5, 88, 710]
    drawn = [rng.normal(size=10), rng.uniform(-1, 1, 10), 10 ** rng.uniform(-30, 30, 6)]
    values = np.concatenate([[0.0, np.inf], limits, *drawn]).astype(dtype)
    return np.concatenate([values, -values, np.array([np.nan], dtype)])


def combinations(arity: int, dtype: str) -> list[np.ndarray]:
    values = special(dtype)
    if arity == 3:
        values = values[::3]
    return [
        np.array(column) for column in zip(*itertools.product(values, repeat=arity), strict=True)
    ]


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.row.name)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_operation_agrees_with_the_reference(op, dtype, backend):
    names = "abc"[: op.row.arity]
    e = apply(op, *(variable(name) for name in names))
    values = dict(zip(names, combinations(op.row.arity, dtype), strict=True))
    wanted = evaluate(e, values, raise_domain=False)
    found = over_rows(e, backend, values)
    assert found.dtype == wanted.dtype == dtype
    assert same_kinds(found, wanted)
    if op in EXACT:
        np.testing.assert_array_equal(found, wanted)
        zeros = wanted == 0
        np.testing.assert_array_equal(np.signbit(found[zeros]), np.signbit(wanted[zeros]))
    else:
        assert ulps(found, wanted) <= 4


EXPONENTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0.5, 1.5, 2.5, 1 / 3, 1e10, 1e300]


@pytest.mark.parametrize("exponent", [*EXPONENTS, *(-e for e in EXPONENTS)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_constant_exponents_agree_with_the_reference(exponent, dtype):
    x = variable("x")
    e = x ** constant(exponent)
    values = special(dtype)
    if abs(exponent) == 0.5:  # a root: nan at -inf, and the sign of zero
        values = values[(values != -np.inf) & ((values != 0) | ~np.signbit(values))]
    wanted = evaluate(e, {"x": values}, raise_domain=False)
    for backend in BACKENDS:
        found = over_rows(e, backend, {"x": values})
        # The reciprocal of a power that is beyond the largest number is 0 where the quotient is
        # a subnormal one.
        normal = np.abs(wanted) >= np.finfo(dtype).tiny * 4 if exponent < 0 else wanted == wanted
        assert same_kinds(found, wanted)
        assert ulps(found[normal], wanted[normal]) <= 4


def test_roots_written_as_powers_are_roots():
    values = np.array([-np.inf, -0.0])
    for backend in BACKENDS:
        np.testing.assert_array_equal(
            over_rows(variable("x") ** 0.5, backend, {"x": values}), [np.nan, -0.0]
        )


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_only_the_derivative_sees_has_no_part_in_the_value(backend):
    x, y = variable("x"), variable("y")
    bad = apply(Op.LOG, -x)
    values = {"x": np.array([1.0, 2.0]), "y": 3.0}
    for e in [apply(Op.STOP, x), custom(x, {y: bad})]:
        np.testing.assert_array_equal(over_rows(e + 0 * y, backend, values), [1.0, 2.0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_choice_takes_its_branch_whatever_the_other_holds(backend):
    c, x = variable("c"), variable("x")
    e = where(c, x, 1 / (c - c) + apply(Op.LOG, -c))
    values = {"c": np.array([1.0, np.nan, -2.0, 0.0]), "x": np.array([5.0, 6.0, 7.0, 8.0])}
    found = over_rows(e, backend, values)
    np.testing.assert_array_equal(found, [5, 6, 7, np.nan])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_is_rounded_to_the_type_before_it_is_used(backend, dtype):
    x = variable("x")
    for text in [constant(1e-300), constant(16777217), constant(0.1) + 0.2]:
        e = where(apply(Op.OR, text, 0), text + x, x - 5)
        values = {"x": np.array([0.0, 1.0], dtype)}
        np.testing.assert_array_equal(
            over_rows(e, backend, values), evaluate(e, values, raise_domain=False)
        )
