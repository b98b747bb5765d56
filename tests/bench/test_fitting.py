"""Fits on one core, beside SciPy, in milliseconds for a whole fit."""

from __future__ import annotations

import pytest

from tests.bench.conftest import Enlist
from tests.bench.fitting_peers import COMPETITORS, HILL, MISRA, THURBER
from tests.bench.measure import figure, line, median_seconds, table, take_turns

pytestmark = pytest.mark.bench

_MODULE = "tests.bench.fitting_peers"
_ROUNDS, _SECONDS = 3, 0.2


@pytest.mark.parametrize(("task", "rows"), [(MISRA, 14), (THURBER, 37), (HILL, 100_000)])
def test_fitting(task: str, rows: int, enlist: Enlist) -> None:
    workers = {
        name: worker
        for name in COMPETITORS
        if (worker := enlist(_MODULE, name, task=task, rows=rows))
    }
    values = {name: worker.run().value for name, worker in workers.items()}
    for name in workers:
        assert values[name] == pytest.approx(values["flux"], rel=1e-4)
    samples = take_turns(workers, _ROUNDS, _SECONDS)
    print(f"\n{task}, {rows:,} rows, ms a fit\n{table(['', *COMPETITORS], [])}")
    spent = {name: median_seconds(own) * 1e3 for name, own in samples.items()}
    print(line([task, *(figure(spent.get(name, float("nan"))) for name in COMPETITORS)]))
