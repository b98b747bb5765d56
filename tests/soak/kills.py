"""Training runs that are killed or told to stop at random times, and what must be left of them.

A run is started, ended by a signal at a random time or while a save is being written, and gone on
with. Its final checkpoint must have the bits of one that nobody disturbed.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from flux.cli.entry import run
from flux.errors import DataError
from flux.training import CHECKPOINT, checkpoint, generations

TEXT = "the cat sat on a mat, the dog on a log\n" * 60
STEPS, SAVE_EVERY = 300, 5
_SMALL = ["--preset", "tiny", "--context", "16", "--batch", "4", "--set", "evaluate_every=100"]
_EXIT = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}


@dataclass(frozen=True)
class Ending:
    """How a run was ended.

    Attributes:
        inside_a_save: whether a file beside the checkpoint was left half made.
        step: of the newest whole checkpoint then; -1 where there was none yet.
        finished: whether it had ended by itself.
    """

    inside_a_save: bool
    step: int
    finished: bool


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


def end(folder: Path, name: str, number: signal.Signals, choice: random.Random) -> Ending:
    """Begin a run, end it by a signal, and look at what it has left."""
    path = folder / name
    command = [sys.executable, "-c", "from flux.cli import main; main()", *arguments(folder, name)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as job:
        _wait(job, path, choice)
        job.send_signal(number)
        _, err = job.communicate(timeout=60)
    finished = job.returncode == 0
    assert finished or job.returncode == _EXIT[number], err
    strays = [p for p in path.glob(".*.safetensors.*") if not p.name.endswith("-previous")]
    return Ending(bool(strays), _newest(path), finished)


def _wait(job: subprocess.Popen[str], path: Path, choice: random.Random) -> None:
    """Until a random moment of the training, or, each third time, one within a save."""
    while job.poll() is None and not (path / CHECKPOINT).exists():
        time.sleep(0.001)
    if choice.random() < 1 / 3:
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
