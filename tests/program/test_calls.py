"""Programs of several functions run alike on both backends, and as their stages do."""

import numpy as np
import pytest

from flux.backends.runner import Runner
from flux.errors import ProgramError
from flux.expr import apply, variable
from flux.lower import link, lower, repeat
from flux.ops import Op
from flux.program import Role, dumps, loads, verify
from tests.program import programs
from tests.program.programs import total

BACKENDS = ["vm", "numpy"]
RNG = np.random.default_rng(0)
W, M, G = RNG.normal(size=4), RNG.normal(size=4), RNG.normal(size=(3, 4))


def by_hand(w, m, gradients):
    for g in gradients:
        m = m * 0.9 + g
        w = w - m * 0.1
    return w, m


@pytest.mark.parametrize("backend", BACKENDS)
def test_many_steps_in_one_call_are_the_steps_one_after_another(backend):
    state = {"w": W.copy(), "m": M.copy()}
    Runner(programs.updates(), backend, state)(g=G)
    wanted = by_hand(W, M, G)
    np.testing.assert_allclose([state["w"], state["m"]], wanted, rtol=1e-14)
    single = {"w": W.copy(), "m": M.copy()}
    runner = Runner(programs.update(), backend, single)
    for g in G:
        runner(g=g)
    np.testing.assert_array_equal(single["w"], state["w"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_input_that_is_not_stacked_is_the_same_every_time(backend):
    state = {"w": W.copy(), "m": M.copy()}
    Runner(repeat(programs.update(), 3, []), backend, state)(g=G[0])
    np.testing.assert_allclose(state["w"], by_hand(W, M, [G[0]] * 3)[0], rtol=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stacked_output_has_a_value_for_each_time(backend):
    w, x = variable("w", ("n",)), variable("x", ("n",))
    step = lower(
        {"next w": w * 2, "seen": total(w * x, "n")},
        [w, x],
        sizes={"n": 4},
        updates={"next w": "w"},
    )
    state = {"w": W.copy()}
    found = Runner(repeat(step, 5, ["seen"]), backend, state)(x=M)
    np.testing.assert_allclose(found["seen"], [2.0**i * (W @ M) for i in range(5)], rtol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_function_without_temporaries_is_repeated(backend):
    w = variable("w", ("n",))
    step = lower({"next w": w + 1}, [w], sizes={"n": 4}, updates={"next w": "w"})
    assert step.arena_bytes == 0
    state = {"w": W.copy()}
    Runner(repeat(step, 10, []), backend, state)()
    np.testing.assert_allclose(state["w"], W + 10, rtol=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
def test_repetitions_nest(backend):
    state = {"w": W.copy(), "m": M.copy()}
    Runner(repeat(repeat(programs.update(), 2, []), 3, []), backend, state)(g=G[0])
    np.testing.assert_allclose(state["w"], by_hand(W, M, [G[0]] * 6)[0], rtol=1e-13)


def stages():
    """A gradient, and an update that takes it."""
    w, x = variable("w", ("n",)), variable("x", ("n",))
    g = variable("g", ("n",))
    first = lower({"loss": total(w * x, "n"), "g": apply(Op.TANH, w * x)}, [w, x], sizes={"n": 4})
    second = lower({"next w": w - 0.1 * g}, [w, g], sizes={"n": 4}, updates={"next w": "w"})
    return first, second


@pytest.mark.parametrize("backend", BACKENDS)
def test_linked_stages_are_one_program_whose_inner_buffers_are_temporaries(backend):
    program = link(stages())
    verify(program)
    roles = {b.name: b.role for b in program.entry.buffers}
    assert roles["g"] is Role.TEMPORARY
    assert roles["w"] is Role.STATE
    state = {"w": W.copy()}
    found = Runner(program, backend, state)(x=M)
    assert set(found) == {"loss", "next w"}
    np.testing.assert_allclose(found["loss"], W @ M, rtol=1e-13)
    np.testing.assert_allclose(state["w"], W - 0.1 * np.tanh(W * M), rtol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_kept_buffer_is_an_output_and_an_operand(backend):
    state = {"w": W.copy()}
    found = Runner(link(stages(), keep=["g"]), backend, state)(x=M)
    np.testing.assert_allclose(found["g"], np.tanh(W * M), rtol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_linked_steps_are_repeated_after_a_round_trip_through_a_file(backend):
    program = loads(dumps(repeat(link(stages()), 3, ["x", "loss"])))
    state = {"w": W.copy()}
    found = Runner(program, backend, state)(x=G)
    w, losses = W, []
    for x in G:
        losses.append(w @ x)
        w = w - 0.1 * np.tanh(w * x)
    np.testing.assert_allclose(found["loss"], losses, rtol=1e-12)
    np.testing.assert_allclose(state["w"], w, rtol=1e-12)


def test_stages_that_disagree_about_a_buffer_are_refused():
    first, _ = stages()
    w = variable("w", ("n",))
    other = lower({"next w": w + 1}, [w], sizes={"n": 5}, updates={"next w": "w"})
    with pytest.raises(ProgramError, match="disagree about buffer w"):
        link([first, other])


def test_a_stage_whose_input_and_output_have_one_name_cannot_be_linked():
    x = variable("x", ("n",))
    stage = lower({"x": x + 1}, [x], sizes={"n": 3})
    with pytest.raises(ProgramError, match="two buffers named x"):
        link([stage])
