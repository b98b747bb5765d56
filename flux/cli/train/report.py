"""What `flux train` says before the first step, and after the last one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flux.cli.eval_model import ASKED
from flux.cli.output import say, typed
from flux.cli.pace import Pace

if TYPE_CHECKING:
    from flux.training import Elsewhere, Line, Run, RunFolder

_SHOWN = 5  # of their answers
_SAMPLE = 300  # characters
_QUESTION = ("--prompt", "x*sin(x) -> ", "--line", "--greedy")


def tell(remark: str) -> None:
    """A remark, on standard error."""
    say(f"note: {remark}", err=True)


def introduce(run: Run, lines: list[Line], folder: Path) -> float:
    """Say what the run is and what it will cost; the machine's peak, in operations a second."""
    from flux.training import estimate

    source = f"{len(lines):,} lines of calculus" if lines else run.task.name
    expected = estimate(run, run.sharing.threads)
    say(f"training {run.model.count:,} parameters on {source}; the run is saved in {folder}")
    if run.ranks.count > 1:
        say(f"{run.ranks.count} ranks, each on its part of every batch")
    say(str(expected))
    return expected.peak


def conclude(run: Run, lines: list[Line], kept: RunFolder | Elsewhere, steps: int) -> None:
    """Say what came of a run, what it writes or answers, and how to go on."""
    folder = kept.path
    say(f"validation loss {run.validation_loss():.4f} after {run.trainer.step} steps")
    if run.ranks.number:
        return
    if lines:
        _mark(run, lines)
    kept.plot()
    text = run.sample()
    if text is not None:
        say(f"\na sample:\n{text}")
        words = _QUESTION if lines else ("--length", str(_SAMPLE))
        say(f"\nto write more:  {typed('generate', str(folder), *words)}")
    on = typed("train", "--resume", str(folder), "--steps", str(2 * steps))
    say(f"to train on:    {on}")


def _mark(run: Run, lines: list[Line]) -> None:
    from flux.training import mark

    marks = mark(run.language, lines, ASKED, run.origin.seed, Pace().counter("answers", ASKED))
    say(f"{marks}\n{marks.table()}")
    for each in marks.marked[:_SHOWN]:
        verdict = "right" if each.right else "wrong"
        say(f"  {verdict}  {each.line.problem} -> {each.answer}")
