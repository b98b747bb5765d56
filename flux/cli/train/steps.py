"""Training up to the last step, or to the signal that ends it before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from flux.cli.output import say, typed
from flux.cli.stopping import TERMINATED, stoppable
from flux.cli.train.report import conclude, tell
from flux.errors import DomainError

if TYPE_CHECKING:
    from flux.training import Line, Ranks, Run


def held(folder: Path, ranks: Ranks) -> AbstractContextManager[None]:
    """The folder's lock, which the first rank holds for all."""
    from flux.training import locked

    return nullcontext() if ranks.number else locked(folder)


def train(run: Run, lines: list[Line], folder: Path, steps: int, peak: float) -> None:
    """Train a run that is ready, save it, and say what came of it.

    Args:
        run: at its beginning, or where its checkpoint left it.
        lines: of calculus, where it learns those; else none.
        folder: that it is saved in.
        steps: of the whole run.
        peak: operations that the machine does in a second.
    """
    from flux.training import Elsewhere, RunFolder, display

    kept = Elsewhere(folder) if run.ranks.number else RunFolder(folder, run, tell)
    every = run.origin.preset.save_every
    with stoppable() as stop, _explained(folder):
        stopped = run.train(
            steps,
            display(steps),
            kept.save_on_the_way,
            every,
            stop,
            callbacks=(kept.report,),
            improved=kept.improved,
            validated=kept.sample,
            peak=peak,
        )
        kept.save()
    if stopped:
        on = typed("train", "--resume", str(folder))
        say(f"saved at step {run.trainer.step}; to go on: {on}")
        raise SystemExit(stop.exit_code or TERMINATED)  # the signal was another rank's
    conclude(run, lines, kept, steps)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say how to go on after a loss that is not finite."""
    from flux.training import CHECKPOINT

    try:
        yield
    except DomainError as error:
        if (folder / CHECKPOINT).exists():
            on = typed("train", "--resume", str(folder), "--set", "not_finite=skip")
            error.notes = (*error.notes, f"to leave such steps out: {on}")
        raise
