"""A compiled function over arrays that stay where they are: the numbers of a call."""

from __future__ import annotations

import numpy as np
import pytest

import flux
from flux.compiled import Bound, CompiledFunction


def bound(text: str, rows: int, **arrays: object) -> tuple[CompiledFunction, Bound]:
    outputs = {"0": flux.parse(text), "1": flux.parse(text).diff("a")}
    function = flux.compile(outputs, dtype="float64")
    return function, function.bound(
        {n: np.asarray(arrays[n], dtype=np.float64) for n in function.inputs}, rows
    )


@pytest.mark.parametrize("rows", [1, 7, 4096, 10_001])
@pytest.mark.parametrize("text", ["a*x + 1", "a*exp(-x) + b", "2*a", "x^2", "a*b", "a + x*b*0"])
def test_a_run_has_the_bits_of_a_call(text: str, rows: int) -> None:
    x = np.random.default_rng(0).normal(size=rows)
    a, b = np.zeros(()), np.zeros(())
    function, run = bound(text, rows, x=x, a=a, b=b)
    found = {name: np.full(rows, 7.0) for name in ("0", "1")}
    for value in (0.5, -2.0):
        a[()], b[()] = value, 3 * value
        run.run(found)
        called = function({n: {"x": x, "a": value, "b": 3 * value}[n] for n in function.inputs})
        for name, array in found.items():
            assert (array == called[name]).all()


def test_a_column_may_change_between_runs() -> None:
    x, a = np.arange(5.0), np.zeros(5)
    _, run = bound("a*x", 5, x=x, a=a)
    found = {"0": np.zeros(5), "1": np.zeros(5)}
    a[:] = [1, 2, 3, 4, 5]
    run.run(found)
    assert found["0"].tolist() == [0, 2, 6, 12, 20]
    assert found["1"].tolist() == x.tolist()


def test_no_rows_are_no_work() -> None:
    _, run = bound("a*x", 0, x=np.zeros(0), a=1.0)
    run.run({"0": np.zeros(0), "1": np.zeros(0)})
