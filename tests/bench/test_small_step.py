"""What a step costs where there is next to nothing to compute: the trainer's whole loop.

A run of `flux train` on a file of 173 bytes: batches, validations, the step and its reports. Its
mark is 2,400 steps a second of one thread's CPU time.
"""

from __future__ import annotations

import io
from pathlib import Path
from time import process_time

import pytest

from flux.cli.machine import limit_blas
from flux.training import display
from tests.training.words22 import PRESET, small_run

pytestmark = pytest.mark.bench

_STEPS_PER_S = 2_400
_ROUNDS = 20


def test_steps_of_a_small_run(tmp_path: Path) -> None:
    limit_blas()
    run = small_run(tmp_path)
    seconds = []
    for done in range(1, _ROUNDS + 1):
        began = process_time()
        run.train(
            done * PRESET.steps,
            display(PRESET.steps, io.StringIO()),
            save=lambda: None,
            save_every=_ROUNDS * PRESET.steps,
            stopped=lambda: False,
        )
        seconds.append((process_time() - began) / PRESET.steps)
    best, middle = 1 / min(seconds), 1 / sorted(seconds)[_ROUNDS // 2]
    print(
        f"\n22 words, one thread: {middle:,.0f} steps/s, median of {_ROUNDS}; at best {best:,.0f}"
    )
    assert middle >= _STEPS_PER_S
