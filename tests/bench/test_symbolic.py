"""Parsing, differentiating, compiling and scalar calls, in microseconds; nothing is cached."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pytest

from tests.bench.conftest import Enlist
from tests.bench.measure import Worker, figure, line, median_seconds, table, take_turns
from tests.bench.symbolic_peers import (
    CALL,
    COMPETITORS,
    FIRST,
    GRADIENT,
    HESSIAN,
    READY,
    ROOT,
    TASKS,
    TOO_LONG,
)

pytestmark = pytest.mark.bench

_MODULE = "tests.bench.symbolic_peers"
_ROUNDS, _SECONDS = 5, 0.05
_VALUES = (CALL, FIRST, READY, ROOT)  # tasks whose result is a number
# Microseconds that are enough, and how many times the time of a peer.
_MOST_MICROSECONDS = {CALL: 0.5, FIRST: 2_000, READY: 2_000}
_MOST_TIMES: Mapping[str, Mapping[str, float]] = {
    "parse, short": {"numexpr": 1, "sympy": 1 / 5},
    "parse, medium": {"numexpr": 1.5, "sympy": 1 / 5},
    "parse, 1,000 terms": {"sympy": 1 / 100},
    "derivative, nest of 50": {"sympy": 1 / 100, "symengine": 10, "casadi": 10},
    "derivative, 1,000 terms": {"sympy": 1 / 100, "symengine": 10, "casadi": 10},
    "second derivative, GELU": {"sympy": 1 / 100, "symengine": 50, "casadi": 50},
    "third derivative, GELU": {"sympy": 1 / 100, "symengine": 50, "casadi": 50},
    GRADIENT: {"sympy": 1 / 100, "symengine": 10, "casadi": 10},
    HESSIAN: {"sympy": 1 / 100, "symengine": 50, "casadi": 50},
}


def test_symbolic_work(enlist: Enlist) -> None:
    print(f"\nmicroseconds\n{table(['', *COMPETITORS], [])}")
    missed = []
    for task in TASKS:
        workers = {
            name: worker
            for name in COMPETITORS
            if (name, task) not in TOO_LONG and (worker := enlist(_MODULE, name, task=task))
        }
        if task in _VALUES:
            _check_values(workers)
        samples = take_turns(workers, _ROUNDS, _SECONDS)
        spent = {name: median_seconds(own) * 1e6 for name, own in samples.items()}
        print(line([task, *(figure(spent.get(name, float("nan"))) for name in COMPETITORS)]))
        missed += list(_missed(task, spent))
    assert not missed


def _check_values(workers: Mapping[str, Worker]) -> None:
    values = {name: worker.run().value for name, worker in workers.items()}
    assert all(value == pytest.approx(values["flux"], rel=1e-9) for value in values.values())


def _missed(task: str, spent: Mapping[str, float]) -> Iterator[str]:
    """The goals that a task's times do not reach."""
    if spent["flux"] > _MOST_MICROSECONDS.get(task, math.inf):
        yield f"{task}: {spent['flux']:.3g} microseconds"
    for peer, times in _MOST_TIMES.get(task, {}).items():
        ratio = spent["flux"] / spent.get(peer, math.inf)
        if ratio > times:
            yield f"{task}: {ratio:.3g} times the time of {peer}, not {times:.3g}"
