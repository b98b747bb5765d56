"""A run: a task, its trainer, and what a run's checkpoint holds of them.

Everything that a run needs to go on with the same bits is in its checkpoint: the parameters and
moments, and the preset, seed, vocabulary, optimiser's numbers and data it was made with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.nn import Model
from flux.training.generations import save_best, save_newest
from flux.training.kernels import blas_kernels
from flux.training.language import LanguageModel
from flux.training.progress import Display, Meter, Pace, Report
from flux.training.ranks import ALONE, Ranks, any_of, check_alike
from flux.training.saved import Origin, SavedRun
from flux.training.sharing import Sharing
from flux.training.start import begin_from
from flux.training.table import Table
from flux.training.tasks import LanguageTask, TableTask, Task
from flux.training.text import Text, make_tokenizer
from flux.training.tokenizer import AnyTokenizer
from flux.training.trainer import Trainer

VALIDATIONS = 20  # times in a run, where its configuration does not say how often

_ELSEWHERE = "it was another machine"

# Told of each report, and of each validation; what it returns is ignored.
Callback = Callable[[Report], object]


class Run:
    """A model in training.

    Args:
        origin: what it is made from.
        data: a text for a language model, or a table for any other.
        tokenizer: the vocabulary; default: the text's own.
        threads: that a step may use, of Flux's own, which never change bits; or all that is said
            of how steps are shared.
        ranks: which train together, each on its part of every batch.
        parameters: that the model begins with, by path; default: those that its text says.

    Raises:
        FluxError: the data, the model and its parameters do not go together.

    Attributes:
        task: the model with its batches.
        trainer: which trains it.
        best: the least validation loss so far; None before the first.
        sharing: how steps are shared among threads, saved with the run.
    """

    def __init__(
        self,
        origin: Origin,
        data: Text | Table,
        tokenizer: AnyTokenizer | None = None,
        threads: int | Sharing = 1,
        ranks: Ranks = ALONE,
        parameters: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        preset = origin.preset
        self.origin = origin
        self.sharing = threads if isinstance(threads, Sharing) else Sharing(threads)
        self.ranks = ranks
        self.task = _task(origin, data, tokenizer, ranks)
        check_alike(ranks, int(self.task.digest[:15], 16), "data")
        check_alike(ranks, crc32(json.dumps(self._vocabulary()).encode()), "vocabularies")
        if parameters is not None:
            begin_from(self.task.model, parameters, origin.start)
        self.trainer = Trainer(
            self.task.model,
            data=self.task.batch,
            seed=origin.seed,
            threads=self.sharing.own,
            accumulate=preset.accumulate,
            parts=self.sharing.parts,
            ranks=ranks,
            **asdict(preset.full_recipe()),
        )
        self.best: float | None = None

    def share(self, sharing: Sharing) -> None:
        """Share steps in another way from here on; the BLAS is the caller's to limit."""
        self.sharing = sharing
        self.trainer.share(sharing.own, sharing.parts)

    @property
    def model(self) -> Model:
        """The model."""
        return self.task.model

    @property
    def language(self) -> LanguageModel:
        """The model with its tokenizer.

        Raises:
            DataError: it reads a table.
        """
        if not isinstance(self.task, LanguageTask):
            raise DataError("this run's model reads a table, not text")
        return self.task.language

    def pace(self, peak: float = 0.0) -> Pace:
        """What one step is.

        Args:
            peak: floating-point operations that the machine does in a second.
        """
        return Pace(self.units, self.task.unit, self.flops, peak)

    @property
    def units(self) -> int:
        """Tokens or rows of a step."""
        return self.task.units * self.origin.preset.accumulate

    @property
    def flops(self) -> int:
        """Floating-point operations of a step, on all ranks."""
        return self.trainer.flops * self.ranks.count

    def train(
        self,
        steps: int,
        display: Display,
        save: Callable[[], None],
        save_every: int,
        stopped: Callable[[], bool],
        callbacks: Sequence[Callback] = (),
        improved: Callable[[], None] = lambda: None,
        validated: Callable[[], None] = lambda: None,
        peak: float = 0.0,
    ) -> bool:
        """Train up to a number of steps, show how it goes, and save on the way.

        The last state is the caller's to save.

        Args:
            steps: of the whole run, those done before included.
            display: where reports go.
            save: saves the run on the way.
            save_every: steps between two saves.
            stopped: asked after each step; training ends where it says so.
            callbacks: each called with every report, and with one at every validation.
            improved: called after a validation whose loss is the least so far.
            validated: called after each validation; it may look at the model, and not change it.
            peak: floating-point operations that the machine does in a second.

        Returns:
            Whether training ended because some rank was told to stop.
        """
        meter = Meter(self.trainer.step, steps, pace=self.pace(peak))
        every = self.origin.preset.evaluate_every or max(1, steps // VALIDATIONS)
        told = False

        def after(step: int, loss: float) -> bool:
            nonlocal told
            due = step % every == 0 or step == steps
            if due:
                self._validate(meter, improved, validated)
            trainer = self.trainer
            report = meter.add(step, loss, trainer.rate, trainer.norm, trainer.skipped, due)
            if report is not None:
                for show in (display.show, *callbacks):
                    show(report)
            if step % save_every == 0 and step < steps:
                save()
            told = any_of(self.ranks, stopped())
            return told

        with display:
            self.trainer.run(max(0, steps - self.trainer.step), after)
        return told

    def _validate(
        self, meter: Meter, improved: Callable[[], None], validated: Callable[[], None]
    ) -> None:
        """Tell a meter the validation loss; what that takes is no time of training."""
        begun = monotonic()
        self.trainer.check_ranks()
        meter.validation = self.validation_loss()
        meter.bits = self.task.bits(meter.validation)
        if self._improves(meter.validation):
            improved()
        validated()
        meter.paused(monotonic() - begun)

    def _improves(self, loss: float) -> bool:
        if not isfinite(loss) or (self.best is not None and loss >= self.best):
            return False
        self.best = loss
        return True

    def validation_loss(self) -> float:
        """The mean loss of some batches of the validation part, the same ones each time."""
        losses = np.zeros(self.origin.preset.evaluate_batches)
        for n in range(self.ranks.number, len(losses), self.ranks.count):
            losses[n] = self.trainer.loss(self.task.validation(n))
        self.ranks.add(losses)
        return float(np.mean(losses))

    def sample(self) -> str | None:
        """What the model writes from the start of a text; None where it writes none.

        It is a pure function of the parameters and the run's seed.

        Raises:
            DomainError: logits that are not finite.
        """
        return self.task.sample(self.origin.seed)

    def save(self, folder: Path) -> None:
        """Write the newest checkpoint into the run's folder.

        Raises:
            DataError: it cannot be written; the one before is as it was.
        """
        save_newest(folder, self.trainer.state(), self._about(), self.origin.preset.keep)

    def save_best(self, folder: Path) -> None:
        """Write the best checkpoint into the run's folder.

        Raises:
            DataError: it cannot be written; the one before is as it was.
        """
        save_best(folder, self.trainer.state(), self._about())

    def _about(self) -> dict[str, Any]:
        origin = self.origin
        return {
            "preset": asdict(origin.preset),
            "name": origin.name,
            "data": list(origin.data),
            "seed": origin.seed,
            "source": origin.source,
            "from": origin.start,
            "tokenizer": self._vocabulary(),
            "step": self.trainer.step,
            "best": self.best,
            "text": self.task.digest,
            "kernels": blas_kernels(),
            "threads": self.sharing.saved(),
            "ranks": self.ranks.count,
            "parameters": [
                [entry.path, entry.group, list(entry.shape)]
                for entry in self.model.parameters.entries
            ],
        }

    def _vocabulary(self) -> dict[str, Any] | None:
        task = self.task
        return task.language.tokenizer.saved() if isinstance(task, LanguageTask) else None

    def restore(self, saved: SavedRun) -> list[str]:
        """Take up the state of a checkpoint.

        Returns:
            Remarks on what is not as it was when the checkpoint was written.

        Raises:
            DataError: the data are other ones, or the arrays do not fit.
        """
        if saved.text != self.task.digest:
            raise DataError(
                f"the data are not those that this run began with ({self.task.name})",
                hint="begin a new run with the new data",
            )
        self.trainer.load_state(saved.arrays, saved.step)
        self.best = saved.best
        return [
            f"{what} ({then}, now {now}): the last bits may differ"
            for what, then, now in (
                ("the BLAS had other kernels", saved.kernels, blas_kernels()),
                ("the BLAS had other threads", saved.sharing.blas, self.sharing.blas),
                ("batches had other parts", saved.sharing.parts, self.sharing.parts),
                ("it was trained by another number of ranks", saved.ranks, self.ranks.count),
                (_ELSEWHERE, saved.sharing.machine, self.sharing.machine),
            )
            if then != now and (then or what != _ELSEWHERE)
        ]


def _task(origin: Origin, data: Text | Table, tokenizer: AnyTokenizer | None, ranks: Ranks) -> Task:
    preset, seed = origin.preset, origin.seed
    if isinstance(data, Table):
        return TableTask(preset, seed, data, origin.source, ranks)
    known = tokenizer or make_tokenizer(preset.tokenizer, preset.vocabulary, data.texts())
    return LanguageTask(preset, seed, data, known, origin.source, ranks)
