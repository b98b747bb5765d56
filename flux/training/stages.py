"""How the two stages of a training step run: joined into one Program, or apart.

The gradient stage gives the loss and a gradient for each parameter; the update stage reads flat
vectors. A step that follows one batch runs both as one Program. One that follows the mean of
several, be it here or on several ranks, adds up their gradients in a vector first. The gradient
stage is that of a whole batch, or the one that adds up what parts of it give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.backends.runner import Runner
from flux.lower import lower
from flux.lower.stages import link
from flux.nn import Model
from flux.nn.programs import GRADIENT, LOSS
from flux.program import Program
from flux.training.library import call
from flux.training.memory import check_bytes, check_memory, needed_bytes
from flux.training.parts import Parts
from flux.training.ranks import Ranks
from flux.training.update import group_axis, group_vector, kept_name

Array = NDArray[Any]
Arrays = Mapping[str, Array]

_MEAN = "mean gradient"


class Stages(Protocol):
    """Both stages, ready to run.

    Attributes:
        program: forward and backward of a batch, and the update where it belongs to it.
        update: runs the update.
        bytes: all that a step holds.
    """

    program: Program
    update: Runner
    bytes: int

    def programs(self) -> list[tuple[Program, int, int]]:
        """Each Program, how many of it are held, and how often it is run in a step."""

    def run(self, batches: Sequence[Arrays]) -> float:
        """Run a step; the mean loss of its batches, before the update."""


class Joined:
    """Forward, backward and update of one batch, as one Program.

    Raises:
        LimitError: the machine has too little memory.
    """

    def __init__(
        self,
        model: Model,
        gradients: Program | Parts,
        update: Program,
        state: Arrays,
        threads: int,
    ) -> None:
        self._gradients = gradients
        self.program = _fitting(link([_stage(gradients), update], keep=(LOSS,)), gradients)
        given = _given(gradients)
        self.update = Runner(self.program, state=state, threads=threads, shared=given)
        self.bytes = needed_bytes(self.program, given) + _held(gradients)
        self._fill = _filler(gradients, model, self.update)
        self._loss = self.update.buffer(LOSS)

    def programs(self) -> list[tuple[Program, int, int]]:
        """Each Program, how many of it are held, and how often it is run in a step."""
        return [(self.program, 1, 1), *_programs(self._gradients, 1)]

    def run(self, batches: Sequence[Arrays]) -> float:
        """Run a step on the one batch."""
        (arrays,) = batches
        self._fill(arrays)
        self.update.step()
        return float(self._loss[0])


class Apart:
    """Forward and backward of each batch, then the update by their mean gradient.

    Args:
        model: its parameters are updated in place.
        gradients, update: the stages.
        state: what the update changes.
        threads: that a run may use.
        accumulate: batches of a step on each rank.
        ranks: which add up their gradients.

    Raises:
        LimitError: the machine has too little memory.
    """

    def __init__(
        self,
        model: Model,
        gradients: Program | Parts,
        update: Program,
        state: Arrays,
        threads: int,
        accumulate: int,
        ranks: Ranks,
    ) -> None:
        self._ranks = ranks
        self._accumulate = accumulate
        self._gradients = gradients
        self._batches = accumulate * ranks.count
        buffers = model.parameters.buffers
        self._mean = _Mean(buffers, model.dtype)
        means = _mean_stage(buffers, model.dtype, self._batches)
        self.program = _fitting(link([_stage(gradients), means]), gradients)
        given = _given(gradients) if isinstance(gradients, Parts) else buffers
        self._gradient = Runner(
            self.program, state=self._mean.named(_MEAN), threads=threads, shared=given
        )
        self.update = Runner(
            _fitting(link([update])),
            state=state,
            threads=threads,
            shared=self._mean.named(GRADIENT),
        )
        self.bytes = (
            needed_bytes(self.program, given)
            + needed_bytes(self.update.program, self._mean.named(GRADIENT))
            + _held(gradients)
        )
        self._fill = _filler(gradients, model, self._gradient)
        self._loss = self._gradient.buffer(LOSS)
        # A guarded update looks at the loss too: at the mean's.
        self._guard = self.update.buffer(LOSS) if _takes_loss(update) else self._loss

    def programs(self) -> list[tuple[Program, int, int]]:
        """Each Program, how many of it are held, and how often it is run in a step."""
        times = self._accumulate
        return [
            (self.program, 1, times),
            *_programs(self._gradients, times),
            (self.update.program, 1, 1),
        ]

    def run(self, batches: Sequence[Arrays]) -> float:
        """Run a step; the mean is over the batches of all ranks."""
        mean = self._mean
        mean.vector.fill(0)
        mean.loss[0] = sum(map(self._one, batches)) / self._batches
        self._ranks.add(mean.vector)
        self._guard[0] = mean.loss[0]
        self.update.step()
        return float(mean.loss[0])

    def _one(self, arrays: Arrays) -> float:
        self._fill(arrays)
        self._gradient.step()
        return float(self._loss[0])


class _Mean:
    """The mean gradient of all groups and the mean loss, as one vector.

    Attributes:
        vector: all of it, which ranks add up by one call.
        loss: its last place.
    """

    def __init__(self, buffers: Arrays, dtype: str) -> None:
        sizes = {group: buffer.size for group, buffer in buffers.items()}
        self.vector = np.zeros(sum(sizes.values()) + 1, dtype)
        ends = np.cumsum([*sizes.values()])
        *parts, self.loss = np.split(self.vector, ends)
        self._parts = dict(zip(sizes, parts, strict=True))

    def named(self, kept: str) -> dict[str, Array]:
        """The part of each group, under the name by which a stage knows it."""
        return {kept_name(group, kept): part for group, part in self._parts.items()}


class _Inputs:
    """The arrays from which a Program reads a batch."""

    def __init__(self, model: Model, runner: Runner) -> None:
        names = [e.attributes.name for e in model.training_graph.inputs]
        self._buffers = [(name, runner.buffer(name)) for name in names]

    def __call__(self, arrays: Arrays) -> None:
        for name, buffer in self._buffers:
            buffer[:] = arrays[name].reshape(-1)


def _stage(gradients: Program | Parts) -> Program:
    return gradients.stage if isinstance(gradients, Parts) else gradients


def _given(gradients: Program | Parts) -> Arrays:
    """The arrays that the gradient stage reads where they lie."""
    return gradients.shared if isinstance(gradients, Parts) else {}


def _held(gradients: Program | Parts) -> int:
    return gradients.bytes if isinstance(gradients, Parts) else 0


def _filler(gradients: Program | Parts, model: Model, runner: Runner) -> Callable[[Arrays], None]:
    """What a batch is given to before the gradient stage runs."""
    return gradients.run if isinstance(gradients, Parts) else _Inputs(model, runner)


def _programs(gradients: Program | Parts, times: int) -> list[tuple[Program, int, int]]:
    if not isinstance(gradients, Parts):
        return []
    return [(gradients.program, gradients.count, gradients.count * times)]


def _takes_loss(update: Program) -> bool:
    return any(port.name == LOSS for port in update.entry.inputs)


def _fitting(program: Program, gradients: Program | Parts | None = None) -> Program:
    if isinstance(gradients, Parts):
        check_bytes(gradients.bytes + needed_bytes(program, gradients.shared))
    else:
        check_memory(program)
    return program


def _mean_stage(buffers: Arrays, dtype: str, count: int) -> Program:
    """Adds the gradients of one of `count` batches to their mean."""
    inputs = []
    outputs = {}
    for group in buffers:
        g, mean = group_vector(group, GRADIENT), group_vector(group, _MEAN)
        inputs += [g, mean]
        outputs[kept_name(group, _MEAN)] = call("mean_gradient", mean=mean, g=g, count=count)
    return lower(
        {f"next {name}": e for name, e in outputs.items()},
        inputs,
        sizes={group_axis(group): buffer.size for group, buffer in buffers.items()},
        dtype=dtype,
        updates={f"next {name}": name for name in outputs},
        relaxed=True,
        name="mean gradient",
    )
