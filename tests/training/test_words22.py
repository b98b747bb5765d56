"""A small file is learnt by heart in about a third of a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from flux.training import Report
from tests.training.words22 import PRESET, TEXT, small_run


def test_the_file_has_the_size_that_it_is_said_to_have() -> None:
    assert len(TEXT.encode()) == 173
    assert len(set(TEXT.split())) == 22


class Silent:
    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, report: Report) -> None:
        pass


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_its_training_loss_falls_below_a_tenth(tmp_path: Path, seed: int) -> None:
    run = small_run(tmp_path, seed)
    reports: list[Report] = []
    assert run.validation_loss() > 2.9
    run.train(
        PRESET.steps,
        Silent(),
        save=lambda: None,
        save_every=PRESET.steps,
        stopped=lambda: False,
        callbacks=[reports.append],
    )
    assert reports[-1].step == 1_400
    assert reports[-1].loss < 0.1
