"""One training step as one Program, or as two where it follows the mean of several batches.

The gradient stage (loss, and a gradient for each parameter) and the update stage (flat vectors) are
lowered apart and linked over the flat buffers that they share: parameters and gradients of a group
lie in one buffer each, so the update never sees single parameters.

Where a batch is cut into parts, these have Programs of their own (`flux.training.parts`), and the
sum of what they give takes the gradient stage's place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.lower import lower
from flux.nn import WEIGHTS, Model
from flux.nn.parts import split_batch
from flux.nn.programs import gradient_program
from flux.program import Program, cost_of
from flux.training.parts import Parts
from flux.training.ranks import ALONE, Ranks
from flux.training.recipe import Recipe
from flux.training.stages import Apart, Arrays, Joined, Stages
from flux.training.update import NORM, OPTIMISERS, RATE, STEP, build_update, kept_name


class Step:
    """A compiled training step of a model.

    Args:
        model: its parameters are updated in place.
        recipe: the optimiser and its numbers.
        sizes: of all axes.
        threads: that a step may use; it never changes bits.
        accumulate: the number of batches whose mean gradient a step follows.
        watched: whether `norm` and `rate` are kept; a norm that does not clip costs a pass over
            the gradient.
        parts: of each batch, computed side by side on as many threads; their number changes last
            bits.
        ranks: whose mean gradient a step follows.

    Attributes:
        program: forward, backward, clipping and update; of a step that follows several batches,
            forward and backward of one; of one with parts, what follows them.
        state: the flat arrays that a step changes, by name: parameters and what is kept of them.

    Raises:
        ShapeError: the model's result is not a scalar.
        ArgumentError: a batch cannot be cut into that many parts.
        LimitError: the machine has too little memory.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        sizes: Mapping[str, int],
        threads: int = 1,
        accumulate: int = 1,
        watched: bool = False,
        parts: int = 1,
        ranks: Ranks = ALONE,
    ) -> None:
        cut = _cut(model, sizes, parts) if parts > 1 else None
        self.state = _state(model, recipe)
        gradients = cut or gradient_program(model, sizes, model.training_graph)
        update = _update_stage(model, recipe, watched)
        made = (model, gradients, update, self.state, max(threads, parts))
        single = accumulate == ranks.count == 1
        stages: Stages = Joined(*made) if single else Apart(*made, accumulate, ranks)
        self._stages = stages
        self.program = stages.program
        self._run = stages.run
        self._step = stages.update.buffer(STEP)
        self._shown = {n: stages.update.buffer(n) for n in (NORM, RATE)} if watched else {}

    def __call__(self, step: int, *batches: Arrays) -> float:
        """Run one step; its loss, before the update: the mean over its batches.

        Args:
            step: the number of steps done before.
            batches: as many as the step accumulates, in the types of the Program.
        """
        self._step[0] = step
        return self._run(batches)

    @property
    def arena_bytes(self) -> int:
        """Temporaries of a step."""
        return sum(count * program.arena_bytes for program, count, _ in self._stages.programs())

    @property
    def bytes(self) -> int:
        """All that a step holds."""
        return self._stages.bytes

    @property
    def flops(self) -> int:
        """Floating-point operations of a step."""
        return sum(runs * cost_of(program).flops for program, _, runs in self._stages.programs())

    @property
    def norm(self) -> float:
        """The norm of the last step's whole gradient, before clipping; nan if it is not kept."""
        return self._kept(NORM)

    @property
    def rate(self) -> float:
        """The learning rate of the last step; nan if it is not kept."""
        return self._kept(RATE)

    def _kept(self, name: str) -> float:
        return float(self._shown[name][0]) if name in self._shown else math.nan


def _cut(model: Model, sizes: Mapping[str, int], parts: int) -> Parts:
    split = split_batch(model.training_graph, sizes, parts)
    if split is None:
        raise ArgumentError(
            f"a batch cannot be cut into {parts} parts",
            hint="its size must be a multiple of them, and each example's loss its own",
        )
    return Parts(model, sizes, split)


def _state(model: Model, recipe: Recipe) -> dict[str, NDArray[Any]]:
    """The parameters of each group, and beside them what the optimiser keeps, zeros at first."""
    kept, _ = OPTIMISERS[recipe.optimizer]
    state: dict[str, NDArray[Any]] = {}
    for group, buffer in model.parameters.buffers.items():
        state[group] = buffer
        state |= {kept_name(group, name): np.zeros_like(buffer) for name in kept}
    return state


def _update_stage(model: Model, recipe: Recipe, watched: bool) -> Program:
    buffers = model.parameters.buffers
    groups = list(buffers)
    update = build_update(recipe, groups, groups if recipe.decay_all else (WEIGHTS,))
    return lower(
        {
            **{f"next {name}": e for name, e in update.outputs.items()},
            **(update.shown if watched else {}),
        },
        update.inputs,
        sizes={axis: buffers[group].size for group, axis in update.axes.items()},
        dtype=model.dtype,
        updates={f"next {name}": name for name in update.outputs},
        origins=update.origins,
        relaxed=True,
        name=recipe.optimizer,
    )
