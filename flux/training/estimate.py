"""What a run will cost, said before it starts: parameters, memory, operations and speed.

Speed is measured: the machine's peak by a matrix product, and a step by running it on a copy of the
state, which is put back afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from flux.training.ranks import any_of
from flux.training.run import Run
from flux.training.trainer import Trainer

_SIDE = 384  # of the matrices whose product is the peak: short, so that nothing comes between
_PRODUCTS = 40  # of which the quickest counts
_STEPS = 20  # at most, of a trial
_TRIAL_S = 0.2


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Attributes:
        parameters: their number.
        arena_bytes: temporaries of a step.
        bytes: all that a step holds.
        flops: operations of a step.
        units, unit: tokens or rows of a step.
        step_s: the time of a step.
        peak: operations that the machine does in a second.
    """

    parameters: int
    arena_bytes: int
    bytes: int
    flops: int
    units: int
    unit: str
    step_s: float
    peak: float

    def __str__(self) -> str:
        unit, per_s = self.unit, self.units / self.step_s
        share = self.flops / self.step_s / self.peak
        return (
            f"{self.parameters:,} parameters; arena {_size(self.arena_bytes)},"
            f" {_size(self.bytes)} in all; {self.flops / self.units:,.0f} FLOPs a {unit[:-1]};"
            f" expected {1 / self.step_s:,.4g} steps/s, {per_s:,.0f} {unit}/s"
            f" ({share:.0%} of this machine's measured {self.peak / 1e9:,.0f} GFLOP/s)"
        )


def estimate(run: Run, threads: int) -> Estimate:
    """What a run will cost; it is as it was afterwards."""
    return Estimate(
        parameters=run.model.count,
        arena_bytes=run.trainer.arena_bytes,
        bytes=run.trainer.bytes,
        flops=run.flops,
        units=run.units,
        unit=run.task.unit,
        step_s=trial(run.trainer),
        peak=peak_flops(threads * run.ranks.count, run.model.dtype),
    )


def peak_flops(threads: int, dtype: str = "float32") -> float:
    """Operations a second of a large matrix product, times the threads that take part.

    One product of n x n matrices is 2 n^3 operations; the BLAS has one thread.
    """
    a = np.ones((_SIDE, _SIDE), dtype)
    out = a @ a
    best = float("inf")
    for _ in range(_PRODUCTS):
        start = perf_counter()
        np.matmul(a, a, out=out)
        best = min(best, perf_counter() - start)
    return threads * 2 * _SIDE**3 / best


def trial(trainer: Trainer, most_s: float = _TRIAL_S) -> float:
    """The time of a step in seconds, the shortest of some; the trainer is as it was afterwards."""
    kept = {name: array.copy() for name, array in trainer.state().items()}
    trainer.try_step()  # the first one makes what later ones find
    best, spent = float("inf"), 0.0
    for _ in range(_STEPS):
        start = perf_counter()
        trainer.try_step()
        best = min(best, perf_counter() - start)
        spent += perf_counter() - start
        if any_of(trainer.ranks, spent > most_s):  # a step is one of all ranks
            break
    for name, array in trainer.state().items():
        np.copyto(array, kept[name])
    return best


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count >= 1 << 20 else f"{count / 1024:,.1f} KiB"
