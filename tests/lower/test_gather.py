"""Small pointwise work steps aside for large runs, and every value stays the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.backends.runner import Runner
from flux.lower.gather import gather
from flux.nn import Model
from flux.nn.parameters import WEIGHTS
from flux.program import Function, Instruction, Program, Role, View
from flux.program.types import Buffer, DType, Port
from flux.program.verify import verify
from flux.syntax import load_text
from flux.training.recipe import Recipe
from flux.training.step import Step

MODEL = """
model line[h](x[b], y[b]):
    param W[h] ~ normal(0, 1)
    param c = 0
    loss = mean[b]((sum[h](W*W) + c*x - y)^2)
"""
LARGE, SMALL = 1 << 15, 4  # float64: what counts as large, and what does not
BUFFERS = tuple(
    Buffer(name, DType.FLOAT64, size, Role.STATE, axes=(name,), shape=(size,))
    for name, size in (("a", LARGE), ("b", LARGE), ("c", SMALL), ("d", SMALL))
)
VIEWS = (
    View(0, 0, (LARGE,), (1,)),
    View(1, 0, (LARGE,), (1,)),
    View(2, 0, (SMALL,), (1,)),
    View(3, 0, (SMALL,), (1,)),
)


def _function(instructions: list[Instruction]) -> Function:
    ports = tuple(Port(b.name, View(n, 0, b.shape, (1,)), b.axes) for n, b in enumerate(BUFFERS))
    return Function("steps", BUFFERS, ports, ports, tuple(instructions))


@st.composite
def functions(draw: Callable[..., Any]) -> Function:
    """Sums and products of large and small buffers, each written in place."""
    made = []
    for _ in range(draw(st.integers(2, 12))):
        result = draw(st.sampled_from(VIEWS))
        size = result.shape[0]
        others = [v if v.shape == result.shape else View(v.buffer, 1, (size,), (0,)) for v in VIEWS]
        if size == SMALL:
            others.append(View(0, 7, (SMALL,), (3,)))  # a few elements of a large one
        operands = draw(st.tuples(st.sampled_from(others), st.sampled_from(others)))
        opcode = draw(st.sampled_from(("add", "sub")))
        made.append(Instruction(opcode, (result,), operands))
    return _function(made)


def _run(function: Function) -> dict[str, Any]:
    program = Program((function,))
    verify(program)
    random = np.random.default_rng(3)
    state = {b.name: random.standard_normal(b.size) for b in BUFFERS}
    Runner(program, "vm", state).step()
    return state


@given(functions())
@settings(max_examples=60)
def test_the_order_changes_no_value(function: Function) -> None:
    expected, found = _run(function), _run(gather(function))
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_small_instruction_waits_for_the_end_of_the_large_run() -> None:
    a, b, c, d = VIEWS
    large = Instruction("add", (a,), (a, b))
    small = Instruction("add", (c,), (c, d))
    again = Instruction("sub", (b,), (b, a))
    order = gather(_function([large, small, again])).instructions
    assert order == (large, again, small)
    needing = Instruction("sub", (b,), (b, View(2, 0, (LARGE,), (0,))))
    assert gather(_function([large, small, needing])).instructions == (large, small, needing)


def test_an_update_reads_a_large_group_once() -> None:
    model = Model(load_text(MODEL)["line"].build(), {"h": 200_000}, dtype="float32")
    entry = Step(model, Recipe(), {"h": 200_000, "b": 2}).program.entry
    written = [
        {entry.buffers[view.buffer].name for view in i.results}
        for i in entry.instructions
        if i.opcode == "map"
    ]
    assert written[-1] == {WEIGHTS, f"{WEIGHTS}.moment1", f"{WEIGHTS}.moment2"}
