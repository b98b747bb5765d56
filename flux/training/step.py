"""One training step as one Program, or as two where it follows the mean of several batches.

The gradient stage (loss, and a gradient for each parameter) and the update stage (flat vectors) are
lowered apart and linked over the flat buffers that they share: parameters and gradients of a group
lie in one buffer each, so the update never sees single parameters.

A step that accumulates links the gradient stage with one that adds its gradients to their mean, and
runs that once for each batch; then the update runs alone on the mean, which is its own buffer.

Where a batch is cut into parts, these have Programs of their own (`flux.training.parts`), and the
sum of what they give takes the gradient stage's place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.backends.runner import Runner
from flux.errors import ArgumentError
from flux.lower import lower
from flux.lower.stages import link
from flux.nn import GROUPS, WEIGHTS, Model
from flux.nn.parts import split_batch
from flux.nn.programs import GRADIENT, LOSS, gradient_program
from flux.program import Program, cost_of
from flux.training.library import call
from flux.training.memory import check_bytes, check_memory, needed_bytes
from flux.training.parts import Parts
from flux.training.recipe import Recipe
from flux.training.update import (
    NORM,
    OPTIMISERS,
    RATE,
    STEP,
    build_update,
    group_axis,
    group_vector,
    kept_name,
)

Arrays = Mapping[str, NDArray[Any]]

_MEAN = "mean gradient"


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

    Attributes:
        program: forward, backward, clipping and update; of a step that accumulates, forward and
            backward of one batch; of one with parts, what follows them.
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
    ) -> None:
        groups = [group for group in GROUPS if group in model.parameters.buffers]
        threads = max(threads, parts)
        self._accumulate = accumulate
        self._parts = _cut(model, sizes, parts) if parts > 1 else None
        update = _update_stage(model, recipe, groups, watched)
        self.state: dict[str, NDArray[Any]] = {}
        for group in groups:
            buffer = model.parameters.buffers[group]
            self.state[group] = buffer
            for kept in OPTIMISERS[recipe.optimizer][0]:
                self.state[kept_name(group, kept)] = np.zeros_like(buffer)
        if self._parts:
            gradients, given = self._parts.stage, self._parts.shared
        else:
            gradients = gradient_program(model, sizes, model.training_graph)
            given = {} if accumulate == 1 else model.parameters.buffers
        self._means: dict[str, NDArray[Any]] = {}
        if accumulate == 1:
            self.program = _fitting(link([gradients, update], keep=(LOSS,)), self._parts)
            self._runner = self._update = Runner(self.program, "numpy", self.state, threads, given)
        else:
            means = _mean_stage(model, groups, accumulate)
            self.program = _fitting(link([gradients, means]), self._parts)
            self._update = Runner(_fitting(link([update])), "numpy", self.state, threads)
            self._means = self._mean_buffers(groups)
            self._runner = Runner(self.program, "numpy", self._means, threads, given)
        self._given = given
        self._loss = self._runner.buffer(LOSS)
        # The loss that a guarded update looks at: the mean's, where the update runs alone.
        self._guard = self._update.buffer(LOSS) if _takes_loss(update) else self._loss
        self._step = self._update.buffer(STEP)
        self._shown = {n: self._update.buffer(n) for n in (NORM, RATE)} if watched else {}
        names = [e.attributes.name for e in model.training_graph.inputs]
        self._inputs = [] if self._parts else [(n, self._runner.buffer(n)) for n in names]

    def _mean_buffers(self, groups: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The update's own gradients, under the names by which the mean is added up."""
        return {
            kept_name(group, _MEAN): self._update.buffer(kept_name(group, GRADIENT))
            for group in groups
        }

    def __call__(self, step: int, *batches: Arrays) -> float:
        """Run one step; its loss, before the update: the mean over its batches.

        Args:
            step: the number of steps done before.
            batches: as many as the step accumulates, in the types of the Program.
        """
        self._step[0] = step
        losses = [self._run(arrays) for arrays in batches]
        loss = sum(losses) / len(losses)
        if self._means:
            self._guard[0] = loss
            self._update.step()
            for mean in self._means.values():
                mean.fill(0)
        return loss

    def _run(self, arrays: Arrays) -> float:
        if self._parts:
            self._parts.run(arrays)
        for name, buffer in self._inputs:
            buffer[:] = arrays[name].reshape(-1)
        self._runner.step()
        return float(self._loss[0])

    @property
    def arena_bytes(self) -> int:
        """Temporaries of a step."""
        return sum(count * program.arena_bytes for program, count, _ in self._programs())

    @property
    def bytes(self) -> int:
        """All that a step holds."""
        held = needed_bytes(self.program, {**self._given, **self._means})
        held += needed_bytes(self._update.program) if self._means else 0
        return held + (self._parts.bytes if self._parts else 0)

    @property
    def flops(self) -> int:
        """Floating-point operations of a step."""
        return sum(runs * cost_of(program).flops for program, _, runs in self._programs())

    def _programs(self) -> list[tuple[Program, int, int]]:
        """Each Program, how many of it are held, and how often it is run in a step."""
        found = [(self.program, 1, self._accumulate)]
        if self._parts:
            count = self._parts.count
            found.append((self._parts.program, count, count * self._accumulate))
        return [*found, (self._update.program, 1, 1)] if self._means else found

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


def _takes_loss(update: Program) -> bool:
    return any(port.name == LOSS for port in update.entry.inputs)


def _fitting(program: Program, parts: Parts | None = None) -> Program:
    if parts is None:
        check_memory(program)
    else:
        check_bytes(parts.bytes + needed_bytes(program, parts.shared))
    return program


def _update_stage(model: Model, recipe: Recipe, groups: Sequence[str], watched: bool) -> Program:
    update = build_update(recipe, groups, groups if recipe.decay_all else (WEIGHTS,))
    buffers = model.parameters.buffers
    return lower(
        {
            **{f"next {name}": e for name, e in update.outputs.items()},
            **(update.shown if watched else {}),
        },
        update.inputs,
        sizes={axis: buffers[group].size for group, axis in update.axes.items()},
        dtype=model.dtype,
        updates={f"next {name}": name for name in update.outputs},
        relaxed=True,
        name=recipe.optimizer,
    )


def _mean_stage(model: Model, groups: Sequence[str], count: int) -> Program:
    """Adds the gradients of one of `count` batches to their mean."""
    inputs = []
    outputs = {}
    for group in groups:
        g, mean = group_vector(group, GRADIENT), group_vector(group, _MEAN)
        inputs += [g, mean]
        outputs[kept_name(group, _MEAN)] = call("mean_gradient", mean=mean, g=g, count=count)
    return lower(
        {f"next {name}": e for name, e in outputs.items()},
        inputs,
        sizes={group_axis(group): model.parameters.buffers[group].size for group in groups},
        dtype=model.dtype,
        updates={f"next {name}": name for name in outputs},
        relaxed=True,
        name="mean gradient",
    )
