"""What lowering may do to a model, whose sums change the last bits anyway, and what it may not."""

import numpy as np
import pytest

from flux.calculus import gradient
from flux.expr import apply, constant, position, reduce, variable, where
from flux.nn.programs import gradient_program
from flux.ops import Op
from tests.backends.agree import BACKENDS, reference, run, same_kinds
from tests.gpt_models import gpt
from tests.lower.look import elements, lowered, opcodes
from tests.program.programs import total

SIZES = {"s": 6, "t": 6}
X = variable("x", ("s", "t"))
VALUES = {"x": np.random.default_rng(0).normal(size=(6, 6))}
S, T = position("s"), position("t")
CAUSAL, BEFORE = apply(Op.LE, S, T), apply(Op.LT, S, T)
INF = constant("inf")


def log(x):
    return apply(Op.LOG, x)


def exp(x):
    return apply(Op.EXP, x)


# A value that is not finite where the condition takes it away: 0 * inf would be nan.
GUARDED = [
    where(BEFORE, X / (T - S), 0),
    where(BEFORE, X / (T - S), -INF),
    where(BEFORE, X * log(T - S), 0),
    where(CAUSAL, X * exp((S - T) * 1000), 0),
    where(CAUSAL, X * constant(0.5) ** ((T - S) * 600), 0),
    where(BEFORE, X / T, 0),  # position 0 has nothing before it
    where(BEFORE, X * apply(Op.SQRT, T - S - 1), 0),
    where(apply(Op.GT, T, 0), log(T), 0) * X,
    where(CAUSAL, where(CAUSAL, X, INF), 0),
    where(CAUSAL, exp(where(CAUSAL, X, INF)), 0),
]


@pytest.mark.parametrize("e", GUARDED, ids=range(len(GUARDED)))
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_guard_guards(e, backend):
    for wanted in (e, total(where(apply(Op.GT, e, -INF), e, 0), "s", "t")):
        found = run(wanted, backend, VALUES, SIZES, relaxed=True)
        known = reference(wanted, VALUES, SIZES)
        assert same_kinds(found, known)
        np.testing.assert_allclose(found, known, rtol=1e-12)
    loss = total(where(apply(Op.GT, e, -INF), e * e, 0), "s", "t")
    (g,) = gradient(loss, [X])
    np.testing.assert_allclose(
        run(g, backend, VALUES, SIZES, relaxed=True), reference(g, VALUES, SIZES), rtol=1e-12
    )


def test_attention_s_mask_is_added_before_and_multiplied_after_the_softmax():
    masked = where(CAUSAL, X, -INF)
    weight = exp(masked - reduce(Op.MAX, masked, ["s"]))
    weight = weight / total(weight, "s")
    loss = total(weight * weight, "s", "t")
    (g,) = gradient(loss, [X])
    program = lowered(loss, g, sizes=SIZES, relaxed=True)
    entry = program.entry
    late = [i for i in entry.instructions[entry.invariant :] if i.opcode == "where"]
    ties = [i for i in late if len(i.results[0].shape) > 0]
    assert len(ties) <= 1  # the maximum's own: which score it came from
    np.testing.assert_allclose(
        run(g, "numpy", VALUES, SIZES, relaxed=True),
        reference(g, VALUES, SIZES),
        rtol=1e-10,
        atol=1e-14,
    )


def test_a_gpt_s_masks_are_made_once():
    model = gpt()
    entry = gradient_program(model, {**model.sizes, "b": 2, "t": 6}).entry
    late = entry.instructions[entry.invariant :]
    chosen = [elements(i.results[0].shape) for i in late if i.opcode == "where"]
    assert max(chosen, default=0) < 2 * 2 * 6 * 6  # none over all scores
    assert "le" not in {i.opcode for i in late}


# Coefficients.

Y = variable("y", ("s",))
COEFFICIENTS = [
    X * 0.5 * 2.0 * Y,
    (X * 1e200) ** 2,
    (X * 1e-200) ** 2,
    1 / (X * 1e-200 * 1e-200),
    X * 1e-300 * 1e-300 * 1e300 * 1e300,
    X * 0,
    X * 0.0 / 0,
    -(X * 0.5) - X * 0.5,
    (X * 3 + Y * 3) / 3,
    (X * 3 - Y * -3) * constant("inf"),
    total(X * 0.1, "t") * total(Y * 10, "s"),
    total(X * 2 * Y * 0.5, "s", "t") * 4,
    1 / (Y * 0.25) * X,
    (X / 7) ** 2 * 49,
    total(-X * -Y, "s"),
]


@pytest.mark.parametrize("e", COEFFICIENTS, ids=range(len(COEFFICIENTS)))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_collected_coefficients_keep_the_value(e, dtype):
    values = {**VALUES, "y": np.random.default_rng(1).normal(size=6)}
    used = {name: values[name] for name in ("x", "y") if f"{name}[" in str(e).split(chr(10))[0]}
    wanted = reference(e, used, SIZES, dtype)
    for backend in BACKENDS:
        found = run(e, backend, used, SIZES, dtype, relaxed=True)
        finite = np.isfinite(wanted) & np.isfinite(found)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
        np.testing.assert_allclose(
            found[finite], wanted[finite], rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-30
        )


def test_coefficients_meet_and_are_applied_where_tensors_are_small():
    program = lowered(total(X * 0.5, "t") * 2, sizes=SIZES, relaxed=True)
    assert dict(opcodes(program)) == {"sum": 1}
