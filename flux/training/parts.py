"""The gradient stage on parts of a batch side by side, and the stage that adds up what they give.

Each part has an arena and gradients of its own, and a thread: whole passes forward and back are
shared, so that threads meet once a step and not once an instruction. Adding parts up is another
order of additions than one pass has, so the number of parts changes last bits; how many cores there
are, or which part ends first, changes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

from numpy.typing import NDArray

from flux.backends.numpy_backend import team
from flux.backends.runner import Runner
from flux.expr import Expr, constant, variable
from flux.lower import link, lower
from flux.nn import GROUPS, Model
from flux.nn.parts import Split
from flux.nn.programs import GRADIENT, LOSS, gradient_program
from flux.program import Program
from flux.training.memory import check_bytes, needed_bytes
from flux.training.update import group_axis, kept_name


class Parts:
    """The parts of a batch.

    Args:
        model: whose loss and gradients they give.
        sizes: of all axes, for the whole batch.
        split: how the batch is cut.

    Attributes:
        program: loss and gradients of one part.
        count: how many there are.
        bytes: what they hold, beside the model's parameters.
        stage: adds up their losses and gradients, under the names that those of a batch have.
        shared: the flat arrays that the stage reads, by name.
    """

    def __init__(self, model: Model, sizes: Mapping[str, int], split: Split) -> None:
        graph, axis = model.training_graph, split.axis
        self._size = sizes[axis] // split.parts
        self.count = split.parts
        self.program = link([gradient_program(model, {**sizes, axis: self._size}, graph)])
        self.bytes = split.parts * needed_bytes(self.program, model.parameters.buffers)
        check_bytes(self.bytes)
        self._runners = [
            Runner(self.program, shared=model.parameters.buffers) for _ in range(split.parts)
        ]
        self.stage = _sums(model, split)
        self.shared = {
            _name(given, n): runner.buffer(given)
            for given in (LOSS, *_gradients(model))
            for n, runner in enumerate(self._runners)
        }
        self._cuts = [(e.attributes.name, _place(e, axis)) for e in graph.inputs]
        self._team = team(split.parts)
        self._tasks = [runner.step for runner in self._runners]

    def run(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Each part's loss and gradients, of the arrays of a whole batch."""
        for name, place in self._cuts:
            for n, runner in enumerate(self._runners):
                runner.buffer(name)[:] = self._cut(arrays[name], place, n).reshape(-1)
        assert self._team is not None
        self._team.run(self._tasks)

    def _cut(self, array: NDArray[Any], place: int | None, number: int) -> NDArray[Any]:
        if place is None:
            return array
        start = number * self._size
        return array[(slice(None),) * place + (slice(start, start + self._size),)]


def _place(e: Expr, axis: str) -> int | None:
    axes = e.attributes.axes
    return axes.index(axis) if axis in axes else None


def _name(given: str, number: int) -> str:
    return f"{given} of part {number}"


def _gradients(model: Model) -> list[str]:
    groups = [group for group in GROUPS if group in model.parameters.buffers]
    return [kept_name(group, GRADIENT) for group in groups]


def _sums(model: Model, split: Split) -> Program:
    """The loss, and each group's gradients: the sum of those of the parts, times the factor."""
    buffers = model.parameters.buffers
    axes: dict[str, tuple[str, ...]] = {LOSS: ()}
    for group in buffers:
        axes[kept_name(group, GRADIENT)] = (group_axis(group),)
    terms = {
        name: [variable(_name(name, n), own) for n in range(split.parts)]
        for name, own in axes.items()
    }
    return lower(
        {name: _scaled(parts, split) for name, parts in terms.items()},
        [e for parts in terms.values() for e in parts],
        sizes={group_axis(group): buffer.size for group, buffer in buffers.items()},
        dtype=model.dtype,
        relaxed=True,
        name="sum of parts",
    )


def _scaled(parts: Sequence[Expr], split: Split) -> Expr:
    factor = split.factor
    return reduce(add, parts) * constant(factor.numerator) / constant(factor.denominator)
