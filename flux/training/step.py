"""One training step as one Program.

The gradient stage (loss, and a gradient for each parameter) and the update stage (flat vectors) are
lowered apart and linked over the flat buffers that they share: parameters and gradients of a group
lie in one buffer each, so the update never sees single parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.backends.runner import Runner
from flux.lower import lower
from flux.lower.stages import link
from flux.nn import GROUPS, WEIGHTS, Model
from flux.nn.programs import LOSS, gradient_program
from flux.program import Program
from flux.training.memory import check_memory
from flux.training.recipe import Recipe
from flux.training.update import NORM, OPTIMISERS, RATE, STEP, build_update, kept_name

Arrays = Mapping[str, NDArray[Any]]


class Step:
    """A compiled training step of a model.

    Args:
        model: its parameters are updated in place.
        recipe: the optimiser and its numbers.
        sizes: of all axes.
        threads: that a step may use; it never changes bits.

    Attributes:
        program: forward, backward, clipping and update.
        state: the flat arrays that a step changes, by name: parameters and what is kept of them.

    Raises:
        ShapeError: the model's result is not a scalar.
        LimitError: the machine has too little memory.
    """

    def __init__(
        self, model: Model, recipe: Recipe, sizes: Mapping[str, int], threads: int = 1
    ) -> None:
        groups = [group for group in GROUPS if group in model.parameters.buffers]
        stages = [gradient_program(model, sizes), _update_stage(model, recipe, groups)]
        self.program = link(stages, keep=(LOSS,))
        check_memory(self.program)
        self.state: dict[str, NDArray[Any]] = {}
        for group in groups:
            buffer = model.parameters.buffers[group]
            self.state[group] = buffer
            for kept in OPTIMISERS[recipe.optimizer][0]:
                self.state[kept_name(group, kept)] = np.zeros_like(buffer)
        self._runner = Runner(self.program, state=self.state, threads=threads)
        self._loss, self._norm, self._rate = (
            self._runner.buffer(name) for name in (LOSS, NORM, RATE)
        )
        self._step = self._runner.buffer(STEP)
        self._inputs = [
            (e.attributes.name, self._runner.buffer(e.attributes.name)) for e in model.graph.inputs
        ]

    def __call__(self, step: int, arrays: Arrays) -> float:
        """Run one step; its loss, before the update.

        Args:
            step: the number of steps done before.
            arrays: the batch, in the types of the Program.
        """
        self._step[0] = step
        for name, buffer in self._inputs:
            buffer[:] = arrays[name].reshape(-1)
        self._runner.step()
        return float(self._loss[0])

    @property
    def norm(self) -> float:
        """The norm of the last step's whole gradient, before clipping."""
        return float(self._norm[0])

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self._rate[0])


def _update_stage(model: Model, recipe: Recipe, groups: Sequence[str]) -> Program:
    update = build_update(recipe, groups, groups if recipe.decay_all else (WEIGHTS,))
    buffers = model.parameters.buffers
    return lower(
        {**{f"next {name}": e for name, e in update.outputs.items()}, **update.shown},
        update.inputs,
        sizes={axis: buffers[group].size for group, axis in update.axes.items()},
        dtype=model.dtype,
        updates={f"next {name}": name for name in update.outputs},
        relaxed=True,
        name=recipe.optimizer,
    )
