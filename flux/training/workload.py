"""What is looked at of a model: a step of its training, and one token that it writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flux.backends.clock import Clock
from flux.backends.runner import Runner
from flux.errors import DataError, did_you_mean
from flux.nn import Model, decoding_programs
from flux.nn.decoder import empty_buffers
from flux.nn.one_step import PLACE
from flux.training.blueprint import TOKENS
from flux.training.language import TIME, LanguageModel, logits_of
from flux.training.presets import PRESETS, Preset
from flux.training.profile import Profile, profile
from flux.training.saved import read_run
from flux.training.step import Step
from flux.training.tokenizer import Tokenizer
from flux.training.trained import model_of

_LETTERS = 65  # of the vocabulary that a preset is looked at with
_OF_TABLES = "table"  # the preset for models of one's own
_SIZE = 4  # of an axis that only a table knows


@dataclass(frozen=True)
class Workload:
    """A model, and the sizes of a step of its training.

    Attributes:
        model: with its parameters.
        preset: how it is trained.
        vocabulary: how many tokens it knows; 0 where it reads a table.
    """

    model: Model
    preset: Preset
    vocabulary: int

    @property
    def sizes(self) -> dict[str, int]:
        """Of all axes; those of the inputs that no parameter has are the batch's, and the time."""
        found = dict(self.model.sizes)
        for e in self.model.graph.inputs:
            for n, axis in enumerate(e.attributes.axes):
                found.setdefault(axis, self._size(axis) if n else max(1, self.preset.batch))
        return found

    def _size(self, axis: str) -> int:
        return self.preset.context if self.vocabulary and axis == TIME else _SIZE


def workload(name: str) -> Workload:
    """The model of a preset, with random parameters, or that of a run.

    Raises:
        DataError: neither has that name.
    """
    if Path(name).exists():
        saved = read_run(Path(name))
        size = saved.vocabulary.size if saved.vocabulary else 0
        return Workload(model_of(saved), saved.origin.preset, size)
    known = [preset for preset in PRESETS if preset != _OF_TABLES]
    if name not in known:
        hint = did_you_mean(name, known) or f"presets with a model: {', '.join(known)}"
        raise DataError(f"{name!r} is no run, and no preset with a model", hint=hint)
    letters = "".join(chr(32 + n) for n in range(_LETTERS))
    language = LanguageModel(PRESETS[name], Tokenizer(letters), seed=0)
    return Workload(language.model, language.preset, _LETTERS)


def step_profile(work: Workload, runs: int) -> Profile:
    """Of a training step on random tokens, or numbers; the model's parameters move."""
    step = Step(work.model, work.preset.full_recipe(), work.sizes)

    def runner(clock: Clock) -> Runner:
        made = Runner(step.program, state=step.state, clock=clock)
        drawn = np.random.default_rng(0)
        for e in work.model.graph.inputs:
            if e.attributes.axes:
                buffer = made.buffer(e.attributes.name)
                if np.issubdtype(buffer.dtype, np.integer):
                    buffer[:] = drawn.integers(0, max(1, work.vocabulary), buffer.size)
                else:
                    buffer[:] = drawn.normal(size=buffer.size)
        return made

    return profile(step.program, runner, runs)


def writing_profile(work: Workload, runs: int) -> Profile:
    """Of one token in the middle of a window, with what is kept of earlier ones.

    Raises:
        AxisError: the model's text cannot be evaluated place by place.
        UnknownNameError: it writes nothing.
    """
    model, context = work.model, work.preset.context
    made = decoding_programs(model, logits_of(model), TOKENS, TIME, context)

    def runner(clock: Clock) -> Runner:
        found = Runner(made.step, state=empty_buffers(made.step), clock=clock)
        for name, array in model.parameters.buffers.items():
            found.buffer(name)[:] = array
        found.buffer(PLACE)[0] = context // 2
        return found

    return profile(made.step, runner, runs)
