"""Long runs leave nothing behind, and threads get the same bits (F10).

A round parses, differentiates, compiles, evaluates and lets go of formulas that no round before
had. `make soak` runs the long ones.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import flux
from flux.expr.node import interned_count
from flux.settings import override
from flux.syntax import _parse

_THREADS, _CALLS = 8, 10_000
_ROUNDS, _DRIFT_BYTES = 100_000, 5 << 20
_WARM_UP = 2_000
_X = np.linspace(0.1, 2, 6)
_TEXT = "sin(x)*exp(-y) + (x > 1 ? log(x) : x^3)/gamma(y + 2) - atan2(x, y)"


_SCALAR = flux.compile(_TEXT)
_EXPRESSION = flux.parse(_TEXT)

# What is called, and how its result is compared bit for bit.
CALLS: dict[str, Callable[[float], bytes]] = {
    "compiled, a number": lambda x: np.float64(_SCALAR(x, 0.5)).tobytes(),
    "compiled, rows": lambda x: _SCALAR(_X * x, 0.5).tobytes(),
    "reference": lambda x: np.float64(_EXPRESSION.evaluate(x=x, y=0.5)).tobytes(),
}


@pytest.mark.parametrize("kind", CALLS)
def test_eight_threads_give_identical_bits(kind: str) -> None:
    _check_threads(CALLS[kind], _CALLS if kind == "compiled, a number" else _CALLS // 10)


@pytest.mark.soak
@pytest.mark.parametrize("kind", CALLS)
def test_eight_threads_of_ten_thousand_calls_give_identical_bits(kind: str) -> None:
    _check_threads(CALLS[kind], _CALLS)


def _check_threads(call: Callable[[float], bytes], count: int) -> None:
    points = [0.01 * (1 + n) for n in range(250)]
    alone = [call(x) for x in points]
    barrier = threading.Barrier(_THREADS)

    def work(_: int) -> int:
        barrier.wait()
        return sum(call(points[i % 250]) != alone[i % 250] for i in range(count))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        with ThreadPoolExecutor(_THREADS) as pool:
            assert sum(pool.map(work, range(_THREADS))) == 0
    finally:
        sys.setswitchinterval(interval)


def _round(number: int) -> None:
    text = f"sin(soak{number % 977}*x) + {number}.5*x^2 - log(x + {number + 1})"
    e = flux.parse(text)
    f = flux.compile(e.diff("x"), backend=("numpy", "vm")[number % 2])
    f({"x": 0.5 if number % 3 else _X, f"soak{number % 977}": 1.5})
    e.evaluate({"x": 0.5, f"soak{number % 977}": 2.0})
    if number % 10 == 0:
        e.evaluate({"x": "0.5", f"soak{number % 977}": 2}, digits=20 + number % 7)
        flux.interval(e, {"x": (0, 1), f"soak{number % 977}": (1, 2)})
    if number % 100 == 0:
        str(e.simplify())


def _settled() -> tuple[int, int]:
    """Nodes alive, and bytes of resident memory."""
    _parse.cache_clear()
    gc.collect()
    statistics = Path("/proc/self/statm")
    if not statistics.exists():
        pytest.skip("the system does not say how much memory a process has")
    return interned_count(), int(statistics.read_text(encoding="ascii").split()[1]) * 4096


def _drift(rounds: int) -> tuple[int, int]:
    with override(verify=False):
        for number in range(_WARM_UP if rounds >= _ROUNDS else rounds // 5):
            _round(number)
        nodes, resident = _settled()
        for number in range(rounds):
            _round(number + 10**6)
        later_nodes, later_resident = _settled()
    return later_nodes - nodes, later_resident - resident


def test_five_hundred_rounds_leave_nothing_behind() -> None:
    nodes, resident = _drift(500)
    assert abs(nodes) <= 30
    assert resident < _DRIFT_BYTES


@pytest.mark.soak
def test_a_hundred_thousand_rounds_leave_nothing_behind() -> None:
    nodes, resident = _drift(_ROUNDS)
    print(f"{_ROUNDS} rounds: {nodes:+} nodes, {resident / 2**20:+.1f} MB")
    assert abs(nodes) <= 30
    assert resident < _DRIFT_BYTES
