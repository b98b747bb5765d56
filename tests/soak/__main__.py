"""Kill training runs at random and compare what they end with: python -m tests.soak --kills 200."""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import shutil
import signal
import tempfile
from pathlib import Path

from tests.soak.kills import SAVE_EVERY, end, go_on, reference


def main() -> None:
    """Count runs until as many were ended in each way as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--signals", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    choice = random.Random(options.seed)
    plan = [signal.SIGKILL] * options.kills
    plan += [choice.choice([signal.SIGINT, signal.SIGTERM]) for _ in range(options.signals)]
    with tempfile.TemporaryDirectory() as made:
        _soak(Path(made), plan, choice)


def _soak(folder: Path, plan: list[signal.Signals], choice: random.Random) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        whole = reference(folder)
    inside = finished = 0
    for count, number in enumerate(plan, 1):
        name = f"run-{count}"
        ending = end(folder, name, number, choice)
        assert ending.step >= SAVE_EVERY, "no checkpoint is left"
        inside += ending.inside_a_save
        finished += ending.finished
        quiet = io.StringIO()
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            assert go_on(folder, name) == whole, f"{name} ends with other bits"
        shutil.rmtree(folder / name)
        print(f"\r{count}/{len(plan)} ended and gone on with, bits equal", end="", flush=True)
    print(f"; {inside} inside a save, {finished} had finished before the signal came")


if __name__ == "__main__":
    main()
