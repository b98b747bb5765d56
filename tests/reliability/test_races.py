"""Threads see one another's expressions and nothing else; what is thrown away is gone (F10)."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flux
from flux.expr.node import interned_count
from flux.syntax import _parse

_THREADS = 8
_ROUNDS = 25

TEXTS = (
    "sin(x)*exp(-x^2) + y",
    "softplus(x) - sigmoid(y*x)",
    "where(x > y, x^y, log(abs(y) + 1))",
    "a = x*y\nb = a + sin(a)\nb/(1 + b^2)",
    "gelu_tanh(x) + clip(y, -1, 1)",
    "polygamma(1, x^2 + 1)*lgamma(y^2 + 1)",
)
X, Y = np.linspace(-2, 3, 300), np.linspace(1, 2, 300)


def _everything(text: str) -> list[Any]:
    """What one thread makes of a formula, as bytes and texts."""
    _parse.cache_clear()  # so that every thread builds the nodes itself
    e = flux.parse(text)
    gradient = e.gradient(["x", "y"])
    results: list[Any] = [str(part.simplify()) for part in (e, e.diff("x", 2), *gradient)]
    results.append(e.evaluate(x=0.5, y=1.5))
    for part in (e, gradient[0]):
        for backend in ("numpy", "vm"):
            f = flux.compile(part, backend=backend)
            results += [f({"x": X, "y": Y}).tobytes(), f({"x": 0.5, "y": 1.5})]
    return results


def _in_threads(work: Callable[[int], Any]) -> list[Any]:
    """What several threads give that start at the same moment and take turns all the time."""
    barrier = threading.Barrier(_THREADS)
    interval = sys.getswitchinterval()

    def run(number: int) -> Any:
        barrier.wait()
        return work(number)

    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(_THREADS) as pool:
            return [task.result() for task in [pool.submit(run, n) for n in range(_THREADS)]]
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("text", TEXTS)
def test_threads_on_one_formula_get_identical_results(text: str) -> None:
    alone = _everything(text)
    for found in _in_threads(lambda _: [_everything(text) for _ in range(2)]):
        assert found == [alone, alone]


def test_threads_on_different_formulas_get_the_results_of_one() -> None:
    alone = [_everything(text) for text in TEXTS]

    def work(number: int) -> list[Any]:
        order = [(number + i) % len(TEXTS) for i in range(len(TEXTS))]
        found = {i: _everything(TEXTS[i]) for i in order}
        return [found[i] for i in range(len(TEXTS))]

    for found in _in_threads(work):
        assert found == alone


def test_threads_that_build_one_expression_get_one_node() -> None:
    for round_ in range(_ROUNDS):
        texts = [f"sin(race{round_} + {i})*cos(race{round_}*{i})" for i in range(20)]

        def work(number: int, texts: list[str] = texts) -> list[flux.Expr]:
            _parse.cache_clear()
            return [flux.parse(texts[(number + i) % 20]) for i in range(20)]

        for number, found in enumerate(_in_threads(work)):
            assert all(e is flux.parse(texts[(number + i) % 20]) for i, e in enumerate(found))


def test_one_compiled_function_serves_all_threads() -> None:
    f = flux.compile("sin(x)*y + z*x", threads=2)

    def work(number: int) -> list[bytes]:
        rows = 1 + 500 * number
        x = np.linspace(0, number + 1, rows)
        return [f(x=x, y=number, z=x[::-1]).tobytes() for _ in range(_ROUNDS)]

    alone = [work(number) for number in range(_THREADS)]
    assert _in_threads(work) == alone


def test_threads_that_read_a_file_get_the_same_definitions(tmp_path: Path) -> None:
    path = tmp_path / "f.flux"
    path.write_text("f(x) = softplus(x)^2\nderivative f(x) = 2*softplus(x)*sigmoid(x)\n")
    x = flux.parse("x")
    found = _in_threads(lambda _: flux.load(path)["f"](x).diff("x"))
    assert len(set(found)) == 1


# ---- Leaks ---------------------------------------------------------------------------------------


def _one_round(number: int) -> None:
    text = f"sin(leak{number}*x) + {number}.5*x^2 - log(x + {number + 1})"
    e = flux.parse(text)
    f = flux.compile(e.diff("x").simplify(), backend=("numpy", "vm")[number % 2])
    f(0.5 if number % 3 else X + 3, 1.5)
    e.evaluate({"x": 0.5, f"leak{number}": 2.0})
    try:
        flux.parse(f"leak{number} + + (")
    except flux.FluxError as error:
        str(error)


def _settle() -> int:
    _parse.cache_clear()
    gc.collect()
    return interned_count()


def test_rounds_of_compiling_and_evaluating_leave_nothing_behind() -> None:
    for number in range(150):
        _one_round(number)
    nodes, resident = _settle(), _resident()
    for number in range(150, 900):
        _one_round(number)
    assert abs(_settle() - nodes) <= 20
    assert _resident() - resident < 5 << 20


def test_errors_hold_no_expression_alive() -> None:
    _settle()
    before = _settle()
    for number in range(200):
        with pytest.raises(flux.FluxError):
            flux.evaluate(f"log(gone{number} - 1)*{number}", {f"gone{number}": 0.0})
    assert _settle() - before <= 5


def _resident() -> int:
    statistics = Path("/proc/self/statm")
    if not statistics.exists():
        pytest.skip("the system does not say how much memory a process has")
    return int(statistics.read_text(encoding="ascii").split()[1]) * 4096
