"""Fits on one core, beside SciPy, in milliseconds for a whole fit."""

from __future__ import annotations

import pytest

from tests.bench.conftest import Enlist
from tests.bench.fitting_peers import COMPETITORS, HILL, MISRA, THURBER
from tests.bench.measure import figure, line, median_seconds, speed_ratio, table, take_turns

pytestmark = pytest.mark.bench

_MODULE = "tests.bench.fitting_peers"
_ROUNDS, _SECONDS = 3, 0.2
_MANY, _LEAST_RATIO = 10_000, 0.4  # over many rows, arrays count and not the steps between them


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
    if rows > _MANY and "curve_fit, typed Jacobian" in samples:
        assert speed_ratio(samples["flux"], samples["curve_fit, typed Jacobian"]) > _LEAST_RATIO
