"""A run: a language model, its text, its trainer and its folder.

Everything that a run needs to go on with the same bits is in its checkpoint: the parameters and
moments, and the preset, seed, vocabulary, optimiser's numbers and text it was made with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from flux.errors import DataError
from flux.training import checkpoint
from flux.training.batches import Windows, line_starts
from flux.training.kernels import blas_kernels
from flux.training.language import LanguageModel
from flux.training.presets import Preset
from flux.training.progress import Display, Meter
from flux.training.recipe import Recipe
from flux.training.saved import CHECKPOINT, Origin, SavedRun, read_run
from flux.training.text import Corpus, encode
from flux.training.tokenizer import Tokenizer, Tokens
from flux.training.trainer import Trainer

VALIDATION_BATCHES = 8
VALIDATIONS = 20  # times in a run


class Run:
    """A language model in training.

    Args:
        origin: what it is made from.
        corpus: the text.
        tokenizer: the vocabulary; default: the text's own.
        threads: that a step may use; it never changes bits.

    Attributes:
        language: the model.
        trainer: which trains it.
    """

    def __init__(
        self,
        origin: Origin,
        corpus: Corpus,
        tokenizer: Tokenizer | None = None,
        threads: int = 1,
    ) -> None:
        preset = origin.preset
        self.origin = origin
        self._name, self._digest = corpus.name, corpus.digest
        self.language = LanguageModel(preset, tokenizer or corpus.tokenizer(), origin.seed)
        training, validation = encode(corpus, self.language.tokenizer)
        self._validation = self._windows(validation, corpus.validation, corpus, "validation")
        batches = self._windows(training, corpus.training, corpus, "batches")
        recipe = asdict(preset_recipe(preset))
        self.trainer = Trainer(self.language.model, data=batches, threads=threads, **recipe)

    def _windows(self, tokens: Tokens, text: str, corpus: Corpus, site: str) -> Windows:
        preset = self.origin.preset
        starts = line_starts(text) if corpus.by_line else None
        return Windows(
            tokens, preset.context, preset.batch, self.origin.seed, starts=starts, site=site
        )

    def train(
        self,
        steps: int,
        display: Display,
        save: Callable[[], None],
        save_every: int,
        stopped: Callable[[], bool],
    ) -> None:
        """Train up to a number of steps, show how it goes, save now and then and at the end.

        Args:
            steps: of the whole run, those done before included.
            display: where reports go.
            save: saves the run.
            save_every: steps between two saves.
            stopped: asked after each step; training ends, saved, where it says so.
        """
        meter = Meter(self.trainer.step, steps)
        validate_every = max(1, steps // VALIDATIONS)

        def after(step: int, loss: float) -> bool:
            if step % validate_every == 0 or step == steps:
                meter.validation = self.validation_loss()
            report = meter.add(step, loss)
            if report is not None:
                display.show(report)
            if step % save_every == 0 and step < steps:
                save()
            return stopped()

        with display:
            self.trainer.run(steps - self.trainer.step, after)
        save()

    def validation_loss(self) -> float:
        """The mean loss of some batches of the validation part, the same ones each time."""
        losses = [self.trainer.loss(self._validation(n)) for n in range(VALIDATION_BATCHES)]
        return float(np.mean(losses))

    def save(self, folder: Path) -> None:
        """Write the checkpoint into the run's folder."""
        about = {
            "preset": asdict(self.origin.preset),
            "data": self.origin.data,
            "seed": self.origin.seed,
            "characters": self.language.tokenizer.characters,
            "step": self.trainer.step,
            "text": self._digest,
            "kernels": blas_kernels(),
            "parameters": [
                [entry.path, entry.group, list(entry.shape)]
                for entry in self.language.model.parameters.entries
            ],
        }
        checkpoint.save(folder / CHECKPOINT, self.trainer.state(), about)

    def restore(self, saved: SavedRun) -> list[str]:
        """Take up the state of a checkpoint.

        Returns:
            Remarks on what is not as it was when the checkpoint was written.

        Raises:
            DataError: the text is another one, or the arrays do not fit.
        """
        if saved.text != self._digest:
            raise DataError(
                f"the text is not the one that this run began with ({self._name})",
                hint="begin a new run with the new text",
            )
        self.trainer.load_state(saved.arrays, saved.step)
        then, now = saved.kernels, blas_kernels()
        if then == now:
            return []
        return [f"the BLAS had other kernels ({then}, now {now}): the last bits may differ"]


def preset_recipe(preset: Preset) -> Recipe:
    """How a preset is trained: AdamW, warm-up, cosine, clipping."""
    return Recipe(
        learning_rate=preset.learning_rate,
        warm_up=preset.warm_up,
        steps=preset.steps,
        weight_decay=preset.weight_decay,
    )


def load_language_model(folder: Path) -> LanguageModel:
    """The trained model of a run's folder.

    Raises:
        DataError: there is none, or it is damaged.
    """
    saved = read_run(folder)
    language = LanguageModel(saved.origin.preset, saved.tokenizer, seed=0)
    for group, buffer in language.model.parameters.buffers.items():
        found = saved.arrays.get(group)
        if found is None or found.shape != buffer.shape:
            raise DataError(f"the checkpoint in {str(folder)!r} does not fit its own preset")
        np.copyto(buffer, found)
    return language
