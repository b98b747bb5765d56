"""The scalar and the array walk of the reference evaluator agree, on any expression."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.errors import DomainError, UnknownNameError
from flux.expr import apply, inputs, variable
from flux.expr.evaluate import evaluate
from flux.expr.signature import result_axes
from flux.ops import POINTWISE, Op
from flux.syntax import parse
from tests.expr.oracle import Oracle
from tests.strategies import EXACT, SIZES, formulas, tensors, values_for

numbers = st.one_of(st.floats(), st.integers(-4, 4).map(float), st.sampled_from([0.5, -2.5, 0.0]))


def _outcome(e, values):
    try:
        return evaluate(e, values)
    except DomainError:
        return "outside the domain"


@settings(max_examples=150, derandomize=True)
@given(formulas(operations=EXACT), st.lists(st.lists(numbers, min_size=5, max_size=5), min_size=1))
def test_an_array_raises_where_one_of_its_rows_does_and_else_has_their_bits(e, rows):
    names = [x.attributes.name for x in inputs(e)]
    tables = [dict(zip(names, row, strict=False)) for row in rows]
    outcomes = [_outcome(e, table) for table in tables]
    columns = {name: np.array([table[name] for table in tables]) for name in names}
    got = _outcome(e, {**columns, "rows": np.zeros(len(rows))})
    if "outside the domain" in outcomes:
        assert isinstance(got, str)
    else:
        np.testing.assert_array_equal(got, outcomes)


@settings(max_examples=100, derandomize=True)
@given(formulas(max_leaves=8), st.lists(numbers, min_size=5, max_size=5))
def test_no_formula_raises_anything_but_a_domain_error(e, row):
    values = dict(zip((x.attributes.name for x in inputs(e)), row, strict=False))
    _outcome(e, values)
    array = {name: np.full(2, value) for name, value in values.items()}
    assert np.shape(evaluate(e, {**array, "rows": np.zeros(2)}, raise_domain=False)) == (2,)


@settings(max_examples=100, derandomize=True)
@given(tensors(), st.integers(0, 2**32))
def test_leading_dimensions_are_rows_that_do_not_meet(e, seed):
    values = values_for(e, seed, rows=(2,))
    try:
        whole = evaluate(e, values, sizes=SIZES, raise_domain=False)
    except DomainError:  # an index outside its axis, in one of the rows
        return
    for i in range(2):
        row = {name: array[i] for name, array in values.items()}
        np.testing.assert_array_equal(
            whole[i] if np.ndim(whole) > 0 and values else whole,
            evaluate(e, row, sizes=SIZES, raise_domain=False),
        )


@settings(max_examples=100, derandomize=True)
@given(tensors(), st.integers(0, 2**32))
def test_text_and_expression_have_the_same_value(e, seed):
    values = values_for(e, seed)
    first = _outcome_of_tensor(e, values)
    np.testing.assert_array_equal(_outcome_of_tensor(parse(str(e)), values), first)


def _outcome_of_tensor(e, values):
    try:
        return evaluate(e, values, sizes=SIZES)
    except DomainError as error:
        return str(error)


def _by_element(e, values):
    oracle = Oracle(values, SIZES)
    axes = result_axes(e)
    result = np.empty([SIZES[axis] for axis in axes])
    try:
        with np.errstate(all="ignore"):
            for place in np.ndindex(*result.shape):
                result[place] = oracle.at(e, dict(zip(axes, place, strict=True)))
    except DomainError:
        return None
    return result


@settings(max_examples=300, derandomize=True)
@given(tensors(), st.integers(0, 2**32))
def test_arrays_have_the_value_and_the_errors_of_each_element_by_definition(e, seed):
    values = {name: np.round(array * 2) for name, array in values_for(e, seed).items()}
    expected = _by_element(e, values)
    if expected is None:
        with pytest.raises(DomainError):
            evaluate(e, values, sizes=SIZES)
    else:
        np.testing.assert_allclose(evaluate(e, values, sizes=SIZES), expected, rtol=1e-9)


_EVENTS: list[str] = []
_LISTENING: list[bool] = []


def _listen(event, args):
    if _LISTENING and event.split(".")[0] in ("open", "exec", "import", "compile", "socket", "os"):
        _EVENTS.append(event)


def test_a_one_shot_evaluation_opens_imports_and_executes_nothing():
    sys.addaudithook(_listen)
    operands = {1: (0.5,), 2: (1.0, 0.5), 3: (1.0, 0.5, 0.25)}
    formulas = [apply(op, *operands[op.row.arity]) for op in POINTWISE if op.row.arity > 0]
    formulas += [apply(Op.GAMMA, 0), variable("x") / 0, apply(Op.LOG, -1)]
    _LISTENING.append(True)
    try:
        for e in formulas:
            _outcome(e, {"x": 1.0})
        with pytest.raises(UnknownNameError, match="did you mean `alhpa`"):
            evaluate(variable("alpha"), {"alhpa": 1.0})
    finally:
        _LISTENING.clear()
    assert _EVENTS == []
