"""How the two stages of a training step run: joined into one Program, or apart.

The gradient stage gives the loss and a gradient for each parameter; the update stage reads flat
vectors. A step that follows one batch runs both as one Program. One that follows the mean of
several, be it here or on several ranks, adds up their gradients in a vector first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.backends.runner import Runner
from flux.lower import lower
from flux.lower.stages import link
from flux.nn import Model
from flux.nn.programs import GRADIENT, LOSS
from flux.program import Program
from flux.training.gradients import Gradients
from flux.training.library import call
from flux.training.memory import check_bytes, needed_bytes
from flux.training.ranks import Ranks
from flux.training.update import group_axis, group_vector, kept_name

Array = NDArray[Any]
Arrays = Mapping[str, Array]

_MEAN = "mean gradient"


class Stages(Protocol):
    """Both stages, ready to run.

    Attributes:
        program: forward and backward of a batch, or what follows those of its parts; and the
            update where it belongs to it.
        update: runs the update.
        programs: each Program, how many of it are held, and how often it runs in a step.
        bytes: all that is held.
    """

    program: Program
    update: Runner
    programs: list[tuple[Program, int, int]]
    bytes: int

    def run(self, batches: Sequence[Arrays]) -> float:
        """Run a step; the mean loss of its batches, before the update."""


class Joined:
    """Forward, backward and update of one batch, as one Program.

    Raises:
        LimitError: the machine has too little memory.
    """

    def __init__(self, gradients: Gradients, update: Program, state: Arrays, threads: int) -> None:
        shared = {name: a for name, a in gradients.shared.items() if name not in state}
        self.program = link([gradients.stage, update], keep=(LOSS,))
        self.bytes = gradients.bytes + needed_bytes(self.program, shared)
        check_bytes(self.bytes)
        self.programs = [(self.program, 1, 1), *((p, n, n) for p, n in gradients.programs)]
        self.update = Runner(self.program, state=state, threads=threads, shared=shared)
        self._read = gradients.reader(self.update)
        self._loss = self.update.buffer(LOSS)

    def run(self, batches: Sequence[Arrays]) -> float:
        """Run a step on the one batch."""
        (arrays,) = batches
        self._read(arrays)
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
        gradients: Gradients,
        update: Program,
        state: Arrays,
        threads: int,
        accumulate: int,
        ranks: Ranks,
    ) -> None:
        self._ranks = ranks
        self._batches = accumulate * ranks.count
        buffers = model.parameters.buffers
        mean = self._mean = _Mean(buffers, model.dtype)
        self.program = link([gradients.stage, _mean_stage(buffers, model.dtype, self._batches)])
        alone = link([update])
        kept, read = mean.named(_MEAN), mean.named(GRADIENT)
        self.bytes = gradients.bytes + needed_bytes(self.program, {**gradients.shared, **kept})
        self.bytes += needed_bytes(alone, read) + mean.vector.nbytes
        check_bytes(self.bytes)
        self.programs = [
            (self.program, 1, accumulate),
            *((program, n, n * accumulate) for program, n in gradients.programs),
            (alone, 1, 1),
        ]
        self._gradient = Runner(self.program, state=kept, threads=threads, shared=gradients.shared)
        self.update = Runner(alone, state=state, threads=threads, shared=read)
        self._read = gradients.reader(self._gradient)
        self._loss = self._gradient.buffer(LOSS)
        # A guarded update looks at the loss too: at the mean's.
        self._guard = self.update.buffer(LOSS) if _takes_loss(update) else self._loss

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
        self._read(arrays)
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


def _takes_loss(update: Program) -> bool:
    return any(port.name == LOSS for port in update.entry.inputs)


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
