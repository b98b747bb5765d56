"""Training runs that are killed or told to stop at random times, and what must be left of them.

A run is started, ended by a signal at a random time or while a save is being written, and gone on
with. Its final checkpoint must have the bits of one that nobody disturbed.
"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from flux.cli.entry import run
from flux.errors import DataError
from flux.training import CHECKPOINT, checkpoint, generations

Result = TypeVar("Result")

TEXT = "the cat sat on a mat, the dog on a log\n" * 60
STEPS, SAVE_EVERY = 300, 5
_SMALL = ["--preset", "tiny", "--context", "16", "--batch", "4", "--set", "evaluate_every=100"]
_APART_S = 0.15  # closer together, two signals are one
_EXIT = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}


@dataclass(frozen=True)
class Ending:
    """How a run was ended.

    Attributes:
        inside_a_save: whether a file beside the checkpoint was left half made.
        step: of the newest whole checkpoint then; -1 where there was none yet.
        finished: whether it had ended by itself.
        second_s: from a second signal to the end of the process; 0 where there was none.
    """

    inside_a_save: bool
    step: int
    finished: bool
    second_s: float = 0.0


def arguments(folder: Path, name: str) -> list[str]:
    """The words that begin a run."""
    words = ["train", *_SMALL, "--data", str(folder / "text.txt"), "--out", str(folder / name)]
    return [*words, "--steps", str(STEPS), "--save-every", str(SAVE_EVERY)]


def reference(folder: Path) -> dict[str, bytes]:
    """The arrays of a run that nobody disturbs."""
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    assert run(arguments(folder, "whole")) == 0
    return arrays(folder / "whole")


def arrays(folder: Path) -> dict[str, bytes]:
    """The arrays of the newest checkpoint, by name."""
    found = checkpoint.load(folder / CHECKPOINT)
    assert found.about["step"] == STEPS
    return {name: array.tobytes() for name, array in found.arrays.items()}


def end(
    folder: Path, name: str, number: signal.Signals, choice: random.Random, twice: bool = False
) -> Ending:
    """Begin a run, end it by a signal, and look at what it has left.

    Args:
        folder: with the text.
        name: of the run.
        number: of the signal.
        choice: of the moment.
        twice: whether to send a second one at once.
    """
    path = folder / name
    command = [sys.executable, "-c", "from flux.cli import main; main()", *arguments(folder, name)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as job:
        _wait(job, path, choice)
        job.send_signal(number)
        second_s = _again(job, number) if twice else 0.0
        out, err = job.communicate(timeout=60)
    finished = job.returncode == 0
    # A second one may come when all is saved and Python is leaving, which then dies of it.
    codes = {_EXIT[number], -number} if twice else {_EXIT[number]}
    assert finished or job.returncode in codes, (job.returncode, err)
    asked = number is not signal.SIGKILL and not finished and not twice
    assert not asked or f"to go on: flux train --resume {path}" in out
    in_a_save = any(path.glob(".*.safetensors.*"))
    return Ending(in_a_save, _newest(path), finished, second_s)


def _again(job: subprocess.Popen[str], number: signal.Signals) -> float:
    """Send a second signal; the seconds until the process has ended, 0 where it had before."""
    time.sleep(_APART_S)
    begun = time.monotonic()
    if job.poll() is not None:
        return 0.0
    job.send_signal(number)
    job.wait(timeout=60)
    return time.monotonic() - begun


def _wait(job: subprocess.Popen[str], path: Path, choice: random.Random) -> None:
    """Until a random moment of the training, or, every other time, one within a save."""
    while job.poll() is None and not (path / CHECKPOINT).exists():
        time.sleep(0.001)
    if choice.random() < 0.5:
        while job.poll() is None and not list(path.glob(".checkpoint.safetensors.*")):
            pass
    else:
        time.sleep(choice.random() * 0.4)


def _newest(path: Path) -> int:
    try:
        return int(generations.load_newest(path)[0].about["step"])
    except DataError:
        return -1


def go_on(folder: Path, name: str) -> dict[str, bytes]:
    """Finish a run; the arrays that it ends with."""
    assert run(["train", "--resume", str(folder / name)]) == 0
    return arrays(folder / name)


def soak(folder: Path, count: int, signals: int, seed: int) -> str:
    """End runs in each way; the figures.

    Runs are killed until as many were as are asked for, a quarter of them inside a save.
    """
    choice = random.Random(seed)
    whole = quietly(lambda: reference(folder))
    killed = inside = told = early = 0
    seconds: list[float] = []
    while killed < count or inside < count // 4 or told < signals:
        number = killed + told + early
        kill = killed < count or inside < count // 4
        kind = signal.SIGKILL if kill else choice.choice([signal.SIGINT, signal.SIGTERM])
        name = f"run-{number}"
        ending = end(folder, name, kind, choice, twice=not kill and number % 4 == 0)
        assert ending.step >= SAVE_EVERY, "no checkpoint is left"
        assert quietly(lambda name=name: go_on(folder, name)) == whole, f"{name} has other bits"
        shutil.rmtree(folder / name)
        early += ending.finished
        killed += kill and not ending.finished
        told += not kill and not ending.finished
        inside += kill and ending.inside_a_save
        seconds += [ending.second_s] if ending.second_s else []
        shown = f"{killed} killed, {inside} of them inside a save; {told} told to stop"
        print(f"\r{shown}", end="", file=sys.stderr, flush=True)
    slowest = f"{max(seconds):.2f} s" if seconds else "none"
    return (
        f"{shown}, {len(seconds)} of them twice (the slowest end: {slowest}); all went on and ended"
        f" with the bits of a run that nobody disturbed; {early} had finished before the signal"
    )


def quietly(action: Callable[[], Result]) -> Result:
    """What an action gives; what it prints is not shown."""
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        return action()
