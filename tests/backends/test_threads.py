"""Threads share a step's work and change no bit of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flux.backends.cuts import shared_parts
from flux.backends.runner import Runner
from flux.backends.team import Team
from flux.calculus import gradient
from flux.expr import apply, reduce, size, variable
from flux.lower import link, lower
from flux.ops import Op
from flux.program.types import View, contiguous

SIZES = {"b": 64, "n": 64, "d": 256, "f": 512, "e": 256}  # enough for threads to be used


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


def test_large_work_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[int] = []
    run = Team.run

    def count(team: Team, tasks: Any) -> None:
        shared.append(len(tasks))
        run(team, tasks)

    monkeypatch.setattr(Team, "run", count)
    _results(2)
    assert len(shared) >= 4  # products of the way forward and back, and a map of row blocks
    assert set(shared) == {2}


def _product(m: int, k: int, n: int, transposed: bool = False) -> tuple[View, View, View]:
    a = View(0, 0, (m, k), (1, m) if transposed else (k, 1))
    return a, View(1, 0, (k, n), (n, 1)), View(2, 0, (m, n), (n, 1))


F32 = np.dtype(np.float32)


def test_a_large_product_is_cut_along_rows_or_columns() -> None:
    rows = shared_parts(*_product(1024, 512, 512), 2, F32, np.dot)
    assert [out.shape for *_, out in rows] in ([(512, 512)] * 2, [(1024, 512)])
    columns = shared_parts(*_product(512, 1024, 512, transposed=True), 2, F32, np.dot)
    assert [out.shape for *_, out in columns] in ([(512, 256)] * 2, [(512, 512)])


def test_a_product_whose_parts_differ_stays_whole() -> None:
    def otherwise(a: Any, b: Any, out: Any) -> None:
        np.matmul(a, b, out=out)
        out[0, 0] = np.nextafter(out[0, 0], np.inf, dtype=out.dtype)

    whole = _product(1024, 512, 512)
    assert shared_parts(*whole, 2, F32, otherwise) == [whole]


def test_a_small_product_stays_whole() -> None:
    whole = _product(64, 64, 64)
    assert shared_parts(*whole, 2, F32, np.dot) == [whole]


def test_a_batch_of_products_is_cut_along_its_first_dimension() -> None:
    shapes = (8, 256, 256), (8, 256, 256), (8, 256, 256)
    whole = [View(n, 0, shape, contiguous(shape)) for n, shape in enumerate(shapes)]
    parts = shared_parts(whole[0], whole[1], whole[2], 3, F32, np.matmul)
    assert [out.shape[0] for *_, out in parts] in ([3, 3, 2], [8])


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
