"""Threads share a step's work and change no bit of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flux.backends.runner import Runner
from flux.backends.team import Team
from flux.calculus import gradient
from flux.expr import apply, reduce, size, variable
from flux.lower import link, lower
from flux.ops import Op

SIZES = {"b": 16, "n": 64, "d": 256, "f": 256, "e": 256}


def _results(threads: int) -> dict[str, Any]:
    x, y = variable("x", ("b", "n", "d")), variable("y", ("b", "n", "e"))
    V, W = variable("V", ("d", "f")), variable("W", ("f", "e"))
    hidden = apply(Op.TANH, reduce(Op.SUM, x * V, ["d"]))
    error = (reduce(Op.SUM, hidden * W, ["f"]) - y) ** 2
    loss = reduce(Op.SUM, error, ["b", "n", "e"]) / (size("b") * size("n"))
    outputs = {"loss": loss}
    outputs |= dict(zip(("dV", "dW"), gradient(loss, [V, W]), strict=True))
    program = link([lower(outputs, [x, y, V, W], sizes=SIZES, dtype="float32", relaxed=True)])
    assert len(program.functions) > 1, "the sizes are chosen so that row blocks are made"
    random = np.random.default_rng(0)
    arrays = {
        e.attributes.name: random.standard_normal([SIZES[a] for a in e.attributes.axes]) / 16
        for e in (x, y, V, W)
    }
    return Runner(program, threads=threads)(**arrays)


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    one, many = _results(1), _results(threads)
    assert one.keys() == many.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, many[name])


def test_a_team_runs_every_task_and_raises_the_first_error() -> None:
    team = Team(3)
    done: list[int] = []

    def fail() -> None:
        raise ValueError("task 3")

    team.run([lambda n=n: done.append(n) for n in range(20)])  # type: ignore[misc]
    assert sorted(done) == list(range(20))
    with pytest.raises(ValueError, match="task 3"):
        team.run([lambda: done.append(20), fail, lambda: done.append(21)])
    assert {20, 21} <= set(done)
