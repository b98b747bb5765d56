"""Scores over ten million rows of arrays, and over files, beside what else people use."""

from __future__ import annotations

import pytest

from tests.bench.conftest import Enlist
from tests.bench.measure import (
    Sample,
    Worker,
    figure,
    median_seconds,
    table,
    take_turns,
)
from tests.bench.scoring_peers import FORMULAS, OVER_ARRAYS

pytestmark = pytest.mark.bench

_MODULE = "tests.bench.scoring_peers"
_ROWS, _FILE_ROWS, _ROUNDS, _SECONDS = 10_000_000, 3_000_000, 5, 0.1
# Four operations leave nothing to gain over NumPy in blocks and over SymPy, which makes them three;
# Flux also looks for what is missing.
_CLOSE = {("4PL", "numpy in blocks", 1): 0.6, ("4PL", "lambdify", 1): 0.6}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("formula", FORMULAS)
def test_scores_over_arrays(formula: str, threads: int, enlist: Enlist) -> None:
    task = {"formula": formula, "rows": _ROWS, "cores": threads}
    workers = {
        name: worker
        for name in OVER_ARRAYS
        if (worker := enlist(_MODULE, name, threads, **task)) is not None
    }
    values = {name: worker.run().value for name, worker in workers.items()}
    for name, value in values.items():
        assert value == pytest.approx(values["numpy typed"], rel=1e-9), name
    samples = take_turns(workers, _ROUNDS, _SECONDS)
    _print(f"{formula}, {_ROWS:,} rows, {threads} thread(s)", samples)
    spent = {name: median_seconds(own) for name, own in samples.items()}
    for name, seconds in spent.items():
        least = _CLOSE.get((formula, name, threads), 1.0)
        assert name == "flux" or seconds > least * spent["flux"], name


def _print(title: str, samples: dict[str, list[Sample]]) -> None:
    lines = [
        [name, figure(median_seconds(own) / _ROWS * 1e9), figure(own[-1].peak_mb)]
        for name, own in samples.items()
    ]
    print(f"\n{title}\n{table(['', 'ns a row', 'peak, MB'], lines)}")


def test_memory_beyond_columns_and_results(enlist: Enlist) -> None:
    for formula in FORMULAS:
        peaks = {}
        for name in ("bare", "flux"):
            worker = Worker(_MODULE, 2)
            worker.prepare(name, formula=formula, rows=_ROWS, cores=2)
            peaks[name] = worker.run(2).peak_mb
            worker.close()
        print(f"{formula}: {peaks['flux'] - peaks['bare']:.0f} MB beyond inputs and outputs")
        assert peaks["flux"] - peaks["bare"] < 64


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_beside_a_bare_read_and_write(kind: str, threads: int, enlist: Enlist) -> None:
    workers = {}
    for name in ("flux file", "bare file"):
        worker = enlist(_MODULE, name, threads, kind=kind, rows=_FILE_ROWS, cores=threads)
        if worker is None:
            pytest.skip("needs pyarrow")
        workers[name] = worker
    samples = take_turns(workers, _ROUNDS, _SECONDS)
    seconds = {name: median_seconds(own) for name, own in samples.items()}
    ratio = seconds["flux file"] / seconds["bare file"]
    print(
        f"\n{kind}, {_FILE_ROWS:,} rows, {threads} thread(s): {ratio:.2f} of a bare copy, {seconds}"
    )
    assert ratio < 1.75  # pyarrow does not look for integers that no float64 holds
