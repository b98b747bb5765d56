"""The gradient stage of a step: over a whole batch, or over parts of it side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from flux.backends.runner import Runner
from flux.errors import ArgumentError
from flux.nn import Model
from flux.nn.parts import split_batch
from flux.nn.programs import gradient_program
from flux.program import Program
from flux.training.parts import Parts

Arrays = Mapping[str, NDArray[Any]]


class Gradients(Protocol):
    """Loss and gradients of a batch, as a stage that others are linked to.

    Attributes:
        stage: gives the loss and the gradients of each group.
        shared: flat arrays that the stage reads, by name.
        bytes: held beside what the stage needs.
        programs: Programs that run before the stage, and how many runners each has.
    """

    stage: Program
    shared: Arrays
    bytes: int
    programs: list[tuple[Program, int]]

    def reader(self, runner: Runner) -> Callable[[Arrays], None]:
        """What brings a batch to a runner whose Program begins with the stage."""


class Whole:
    """The gradient stage itself reads the batch."""

    bytes = 0

    def __init__(self, model: Model, sizes: Mapping[str, int]) -> None:
        self.stage = gradient_program(model, sizes, model.training_graph)
        self.shared: Arrays = model.parameters.buffers
        self.programs: list[tuple[Program, int]] = []
        self._names = [e.attributes.name for e in model.training_graph.inputs]

    def reader(self, runner: Runner) -> Callable[[Arrays], None]:
        """Copies a batch into the runner's inputs."""
        buffers = [(name, runner.buffer(name)) for name in self._names]

        def read(arrays: Arrays) -> None:
            for name, buffer in buffers:
                buffer[:] = arrays[name].reshape(-1)

        return read


def gradients_of(model: Model, sizes: Mapping[str, int], parts: int) -> Gradients:
    """The stage over whole batches, or over that many parts of each.

    Raises:
        ShapeError: the model's result is not a scalar.
        ArgumentError: a batch cannot be cut into that many parts.
        LimitError: the machine has too little memory.
    """
    if parts == 1:
        return Whole(model, sizes)
    split = split_batch(model.training_graph, sizes, parts)
    if split is None:
        raise ArgumentError(
            f"a batch cannot be cut into {parts} parts",
            hint="its size must be a multiple of them, and each example's loss its own",
        )
    return Parts(model, sizes, split)
