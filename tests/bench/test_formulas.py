"""Formulas over rows on one core, in nanoseconds for each element; compilation is not counted."""

from __future__ import annotations

import pytest

from tests.bench.conftest import Enlist
from tests.bench.formula_peers import COMPETITORS, FORMULAS
from tests.bench.measure import Worker, figure, median_seconds, table, take_turns

pytestmark = pytest.mark.bench

_MODULE = "tests.bench.formula_peers"
_ROUNDS, _SECONDS = 5, 0.03
_TOLERANCE = {"float64": 1e-9, "float32": 1e-5}


@pytest.mark.parametrize("rows", [100_000, 10_000_000])
@pytest.mark.parametrize("dtype", _TOLERANCE)
def test_formulas_over_rows(dtype: str, rows: int, enlist: Enlist) -> None:
    lines = []
    for formula in FORMULAS:
        workers = {
            name: worker
            for name in COMPETITORS
            if (worker := enlist(_MODULE, name, formula=formula, dtype=dtype, rows=rows))
        }
        _check_values(workers, _TOLERANCE[dtype])
        samples = take_turns(workers, _ROUNDS, _SECONDS)
        spent = {name: median_seconds(own) / rows * 1e9 for name, own in samples.items()}
        lines.append([formula, *(figure(spent.get(name, float("nan"))) for name in COMPETITORS)])
    print(f"\n{dtype}, {rows:,} rows, ns per element\n{table(['', *COMPETITORS], lines)}")


def _check_values(workers: dict[str, Worker], tolerance: float) -> None:
    values = {name: worker.run().value for name, worker in workers.items()}
    for name, value in values.items():
        assert value == pytest.approx(values["numpy typed"], rel=tolerance), name
