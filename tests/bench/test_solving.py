"""Roots over a million rows on one core, beside SciPy, in nanoseconds for a root."""

from __future__ import annotations

import pytest

from tests.bench.conftest import Enlist
from tests.bench.measure import figure, line, median_seconds, speed_ratio, table, take_turns
from tests.bench.solving_peers import COMPETITORS, TEXTS

pytestmark = pytest.mark.bench

_MODULE = "tests.bench.solving_peers"
_ROUNDS, _SECONDS = 5, 0.2
_ROWS, _LOOP_ROWS = 1_000_000, 2_000
_TIMES_A_LOOP = 10
_LEAST_RATIO = 0.9  # to the vectorised form: not behind it by more than two turns differ


def _rows(competitor: str) -> int:
    return {"scipy loop": _LOOP_ROWS, "flux, one": 1}.get(competitor, _ROWS)


@pytest.mark.parametrize("task", TEXTS)
def test_solving_rows(task: str, enlist: Enlist) -> None:
    workers = {
        name: worker
        for name in COMPETITORS
        if (worker := enlist(_MODULE, name, task=task, rows=_rows(name)))
    }
    values = {name: worker.run().value for name, worker in workers.items()}
    assert values["flux"] == pytest.approx(values["scipy newton"], rel=1e-7)
    samples = take_turns(workers, _ROUNDS, _SECONDS)
    spent = {name: median_seconds(own) / _rows(name) * 1e9 for name, own in samples.items()}
    print(f"\n{task}, ns a root\n{table(['', *COMPETITORS], [])}")
    print(line([task, *(figure(spent[name]) for name in COMPETITORS)]))
    assert spent["scipy loop"] > _TIMES_A_LOOP * spent["flux"]
    assert speed_ratio(samples["flux"], samples["scipy newton"]) > _LEAST_RATIO
