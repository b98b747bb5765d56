"""A run allocates no array: `Runner.step` under tracemalloc, which sees every NumPy allocation.

What is left are the buffers of NumPy's iterators over broadcast operands, of a fixed size whatever
the tensors'. The tests make them small, so that anything else would show.
"""

import tracemalloc

import numpy as np
import pytest

from flux.backends.runner import Runner
from flux.calculus import gradient
from flux.expr import apply, index, position, reduce, variable, where
from flux.lower import link, lower
from flux.ops import Op
from flux.program import Program
from tests.program import programs
from tests.program.programs import total

ITERATORS = 4_500  # bytes; every tensor of the tests below takes more
BATCH, COUNT = 64, 64 * 128 + 128 + 128 * 40


def perceptron(batch: int) -> Program:
    """Forward, backward and update of two layers on a classification, as one Program."""
    sizes = {"b": batch, "d": 64, "f": 128, "c": 40}
    x, labels = variable("x", ("b", "d")), variable("labels", ("b",), integer=True)
    weights = [variable("W", ("d", "f")), variable("u", ("f",)), variable("V", ("f", "c"))]
    w, u, v = weights
    hidden = apply(Op.MAXIMUM, total(x * w, "d") + u, 0)
    logits = total(hidden * v, "f")
    top = reduce(Op.MAX, logits, ["c"])
    spread = top + apply(Op.LOG, total(apply(Op.EXP, logits - top), "c"))
    loss = total(spread - index(logits, {"c": labels}), "b") / batch
    found = gradient(loss, weights)
    names = [e.attributes.name for e in weights]
    first = lower(
        {"loss": loss, **{f"d{n}": g for n, g in zip(names, found, strict=True)}},
        [x, labels, *weights],
        sizes=sizes,
        dtype="float32",
        orders={f"d{e.attributes.name}": e.attributes.axes for e in weights},
        packs={"weights": names, "gradients": [f"d{n}" for n in names]},
        relaxed=True,
    )
    p, g = variable("weights", ("n",)), variable("gradients", ("n",))
    norm = apply(Op.SQRT, total(g * g, "n"))
    clipped = where(apply(Op.GT, norm, 1), g / norm, g)
    second = lower(
        {"next": p - 0.1 * clipped},
        [p, g],
        sizes={"n": COUNT},
        dtype="float32",
        updates={"next": "weights"},
    )
    return link([first, second])


def growth(runner: Runner, steps: int = 20) -> int:
    buffered = np.setbufsize(16)
    for _ in range(3):
        runner.step()
    tracemalloc.start()
    runner.step()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(steps):
        runner.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.setbufsize(buffered)
    return peak - before


def trainer(batch: int) -> Runner:
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.2, COUNT).astype(np.float32)
    runner = Runner(perceptron(batch), state={"weights": weights})
    runner.buffer("x")[:] = rng.normal(size=batch * 64)
    runner.buffer("labels")[:] = rng.integers(0, 40, batch)
    return runner


def test_a_training_step_of_a_perceptron_allocates_nothing_and_learns():
    runner = trainer(BATCH)
    runner.step()
    first = float(runner.buffer("loss")[0])
    assert growth(runner) < ITERATORS
    for _ in range(200):
        runner.step()
    assert float(runner.buffer("loss")[0]) < 0.2 * first


def test_what_a_step_takes_does_not_depend_on_its_sizes():
    assert growth(trainer(8 * BATCH), 3) < ITERATORS


@pytest.mark.parametrize("sizes", [{"t": 64, "d": 32, "k": 16}, {"t": 128, "d": 32, "k": 16}])
def test_attention_and_its_gradient_allocate_nothing(sizes):
    loss, given = programs.attention()
    found = gradient(loss, given[1:])
    outputs = {"loss": loss, "dWq": found[0], "dWk": found[1]}
    orders = {"dWq": ("d", "k"), "dWk": ("d", "k")}
    runner = Runner(lower(outputs, given, sizes=sizes, orders=orders))
    for name in ("x", "Wq", "Wk"):
        runner.buffer(name)[:] = 0.01
    assert growth(runner, 3) < ITERATORS


def test_large_tensors_allocate_nothing():
    x, w = variable("x", ("a", "b")), variable("w", ("b", "c"))
    mask = apply(Op.LE, position("a"), position("c"))
    y = where(mask, apply(Op.TANH, total(x * w, "b")), 0)
    z = y / total(y * y, "c")
    program = lower({"z": total(z, "a")}, [x, w], sizes={"a": 512, "b": 64, "c": 512})
    runner = Runner(program)
    runner.buffer("x")[:] = 0.01
    runner.buffer("w")[:] = 0.01
    assert growth(runner, 3) < ITERATORS


def test_the_arena_is_smaller_than_what_the_temporaries_would_take():
    program = programs.attention_gradient()
    alone = sum(b.bytes for b in program.entry.buffers if b.role.value == "temporary")
    assert program.arena_bytes < 0.6 * alone
