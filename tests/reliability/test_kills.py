"""A few runs of `make soak`: killed, told to stop, killed within a save."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.soak.kills import SAVE_EVERY, STEPS, end, go_on, reference

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def whole(folder: Path) -> dict[str, bytes]:
    return reference(folder)


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_run_ends_with_the_bits_of_one_that_was_not(
    seed: int, folder: Path, whole: dict[str, bytes]
) -> None:
    ending = end(folder, f"kill-{seed}", signal.SIGKILL, random.Random(seed))
    assert SAVE_EVERY <= ending.step <= STEPS
    assert go_on(folder, f"kill-{seed}") == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_loses_no_step(
    number: signal.Signals, folder: Path, whole: dict[str, bytes]
) -> None:
    ending = end(folder, number.name, number, random.Random(0))
    assert not ending.inside_a_save
    assert go_on(folder, number.name) == whole
