"""What is profiled of a language model: one training step, or one token that is written."""

from __future__ import annotations

import numpy as np

from flux.backends.clock import Clock
from flux.backends.runner import Runner
from flux.nn import decoding_programs
from flux.nn.decoder import empty_buffers
from flux.nn.one_step import PLACE
from flux.training.blueprint import TOKENS
from flux.training.language import TIME, LanguageModel, logits_of
from flux.training.profile import Profile, profile
from flux.training.step import Step


def step_profile(language: LanguageModel, runs: int) -> Profile:
    """Of a training step on random tokens; the model's parameters move."""
    preset, model = language.preset, language.model
    sizes = {**model.sizes, "b": preset.batch, TIME: preset.context}
    step = Step(model, preset.full_recipe(), sizes)

    def runner(clock: Clock) -> Runner:
        made = Runner(step.program, state=step.state, clock=clock)
        drawn = np.random.default_rng(0)
        for e in model.graph.inputs:
            if e.attributes.axes:
                buffer = made.buffer(e.attributes.name)
                buffer[:] = drawn.integers(0, language.tokenizer.size, buffer.size)
        return made

    return profile(step.program, runner, runs)


def writing_profile(language: LanguageModel, runs: int) -> Profile:
    """Of one token in the middle of a window, with what is kept of earlier ones.

    Raises:
        AxisError: the model's text cannot be evaluated place by place.
    """
    model, context = language.model, language.context
    made = decoding_programs(model, logits_of(model), TOKENS, TIME, context)

    def runner(clock: Clock) -> Runner:
        found = Runner(made.step, state=empty_buffers(made.step), clock=clock)
        for name, array in model.parameters.buffers.items():
            found.buffer(name)[:] = array
        found.buffer(PLACE)[0] = context // 2
        return found

    return profile(made.step, runner, runs)
