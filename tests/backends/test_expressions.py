"""Random expressions agree on the reference, the virtual machine and NumPy; their gradients too."""

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from flux.calculus import gradient
from flux.errors import AxisError, DomainError, FluxError, LimitError, ShapeError
from flux.expr import Expr, apply, inputs, reduce, topological
from flux.expr.evaluate import evaluate
from flux.ops import Op
from tests.backends.agree import BACKENDS, close, over_rows, reference, run, same_kinds
from tests.backends.strategies import SIZES as CONTRACTED
from tests.backends.strategies import contractions
from tests.strategies import SIZES, formulas, tensors, values_for

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e30, -1e30, 1e-40, np.inf, -np.inf, np.nan, 700.0]
# Refused by every evaluator, or only where lowering knows more: an index that is no integer.
REFUSED = (AxisError, DomainError)
TOLERANCE = {"float64": 1e-9, "float32": 2e-3}
# A value near a step, a pole or overflow may fall to either side of it.
_STEPS = {Op.FLOOR, Op.CEIL, Op.ROUND, Op.RINT, Op.TRUNC, Op.MOD, Op.FMOD, Op.SIGN, Op.EQ, Op.NE}


def options(count: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=count, derandomize=True, suppress_health_check=slow)


def stable(e: Expr) -> bool:
    return not any(part.op in _STEPS for part in topological((e,)))


@options(150)
@given(formulas(max_leaves=10), st.integers(0, 2**32), st.sampled_from(["float32", "float64"]))
def test_formulas_over_rows_agree(e, seed, dtype):
    rng = np.random.default_rng(seed)
    values = {x.attributes.name: rng.choice(SPECIAL, 30).astype(dtype) for x in inputs(e)}
    wanted = np.asarray(evaluate(e, values, raise_domain=False))
    for backend in BACKENDS:
        found = over_rows(e, backend, values)
        assert found.dtype == wanted.dtype
        assert same_kinds(found, wanted)


ARITHMETIC = (Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.SQRT, Op.ABS)


@options(60)
@given(st.data(), st.integers(0, 2**32), st.sampled_from(["float32", "float64"]))
def test_arithmetic_agrees_bit_for_bit(data, seed, dtype):
    e = data.draw(formulas(max_leaves=10, operations=ARITHMETIC))
    rng = np.random.default_rng(seed)
    values = {x.attributes.name: rng.choice(SPECIAL, 30).astype(dtype) for x in inputs(e)}
    wanted = np.asarray(evaluate(e, values, raise_domain=False))
    for backend in BACKENDS:
        np.testing.assert_array_equal(over_rows(e, backend, values), wanted)


def _sizes(one: str | None) -> dict[str, int]:
    return {**SIZES, **({one: 1} if one else {})}


def _values(e: Expr, seed: int, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {}
    for x in inputs(e):
        shape = [sizes[axis] for axis in x.attributes.axes]
        whole = x.attributes.integer
        found[x.attributes.name] = rng.integers(0, 3, shape) if whole else rng.normal(size=shape)
    return found


@options(150)
@given(tensors(steps=8), st.integers(0, 2**32), st.sampled_from([None, *SIZES]))
def test_tensors_agree_and_so_they_do_with_an_axis_of_size_1(e, seed, one):
    sizes = _sizes(one)
    values = _values(e, seed, sizes)
    try:
        wanted = reference(e, values, sizes)
    except FluxError:
        assume(False)
    for backend in BACKENDS:
        try:
            found = run(e, backend, values, sizes)
        except REFUSED:
            assume(False)
        assert same_kinds(found, wanted) or not stable(e)
        assert close(found, wanted, TOLERANCE["float64"]) or not stable(e)


@options(60)
@given(tensors(steps=6), st.integers(0, 2**32))
def test_tensors_agree_in_float32_and_with_relaxed_arithmetic(e, seed):
    assume(stable(e))
    values = values_for(e, seed)
    try:
        wanted = reference(e, values, SIZES)
        assume(np.isfinite(wanted).all() and np.abs(wanted).max(initial=0) < 1e6)
        for dtype in ("float32", "float64"):
            vm, numpy = (run(e, b, values, SIZES, dtype, relaxed=True) for b in BACKENDS)
            assert same_kinds(vm, numpy)
            assert close(vm, numpy, TOLERANCE[dtype])
            if dtype == "float64":
                assert close(vm, wanted, TOLERANCE[dtype])
    except (*REFUSED, FluxError):
        assume(False)


@options(80)
@given(tensors(steps=5), st.integers(0, 2**32), st.sampled_from([None, *SIZES]))
def test_tensors_with_anonymous_rows_are_the_rows_one_by_one(e, seed, one):
    sizes = _sizes(one)
    many = [_values(e, seed + i, sizes) for i in range(3)]
    values = {name: np.stack([each[name] for each in many]) for name in many[0]}
    try:
        wanted = [reference(e, each, sizes) for each in many]
        for backend in BACKENDS:
            found = over_rows(e, backend, values, sizes=sizes)
            for row, known in zip(found, wanted, strict=True) if inputs(e) else ():
                assert same_kinds(row, known) or not stable(e)
                assert close(row, known, TOLERANCE["float64"]) or not stable(e)
    except FluxError:
        assume(False)


@options(60)
@given(tensors(steps=5), st.integers(0, 2**32), st.sampled_from([None, *SIZES]))
def test_gradients_agree_with_the_reference_of_the_same_expression(e, seed, one):
    sizes = _sizes(one)
    loss = reduce(Op.SUM, apply(Op.TANH, e), sorted(e.axes)) if e.axes else e
    given_ = [x for x in inputs(e) if not x.attributes.integer]
    assume(given_)
    values = _values(e, seed, sizes)
    try:
        derivatives = gradient(loss, given_)
        for x, g in zip(given_, derivatives, strict=True):
            needed = {
                n: v for n, v in values.items() if n in {y.attributes.name for y in inputs(g)}
            }
            wanted = reference(g, needed, sizes)
            for backend in BACKENDS:
                found = run(g, backend, needed, sizes)
                assert found.shape == wanted.shape, x
                assert same_kinds(found, wanted) or not stable(g)
                assert close(found, wanted, TOLERANCE["float64"]) or not stable(g)
    except (AxisError, DomainError, LimitError, ShapeError):
        assume(False)


@options(50)
@given(contractions(), st.integers(0, 2**32), st.sampled_from([None, *CONTRACTED]), st.booleans())
def test_sums_of_products_agree_and_so_do_their_gradients(e, seed, one, relaxed):
    sizes = {**CONTRACTED, **({one: 1} if one else {})}
    values = _values(e, seed, sizes)
    loss = reduce(Op.SUM, e * e, sorted(e.axes)) if e.axes else e * e
    try:
        roots = [e, *gradient(loss, inputs(e))]
        wanted = [reference(root, _of(root, values), sizes) for root in roots]
    except ShapeError:  # a rename to an axis that is now longer
        assume(False)
    for root, known in zip(roots, wanted, strict=True):
        for backend in BACKENDS:
            found = run(root, backend, _of(root, values), sizes, relaxed=relaxed)
            assert same_kinds(found, known)
            assert close(found, known, TOLERANCE["float64"])


def _of(e: Expr, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {x.attributes.name: values[x.attributes.name] for x in inputs(e)}
