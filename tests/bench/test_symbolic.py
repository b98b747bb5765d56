"""Parsing, differentiating, compiling and scalar calls, in microseconds; nothing is cached."""

from __future__ import annotations

import pytest

from tests.bench.conftest import Enlist
from tests.bench.measure import figure, line, median_seconds, table, take_turns
from tests.bench.symbolic_peers import CALL, COMPETITORS, TASKS, TOO_LONG

pytestmark = pytest.mark.bench

_MODULE = "tests.bench.symbolic_peers"
_ROUNDS, _SECONDS = 5, 0.05
_MOST_MICROSECONDS_A_CALL = 0.5


def test_symbolic_work(enlist: Enlist) -> None:
    flux = {}
    print(f"\nmicroseconds\n{table(['', *COMPETITORS], [])}")
    for task in TASKS:
        workers = {
            name: worker
            for name in COMPETITORS
            if (name, task) not in TOO_LONG and (worker := enlist(_MODULE, name, task=task))
        }
        samples = take_turns(workers, _ROUNDS, _SECONDS)
        spent = {name: median_seconds(own) * 1e6 for name, own in samples.items()}
        flux[task] = spent["flux"]
        print(line([task, *(figure(spent.get(name, float("nan"))) for name in COMPETITORS)]))
    assert flux[CALL] < _MOST_MICROSECONDS_A_CALL
