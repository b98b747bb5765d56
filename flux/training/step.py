"""One training step as one Program, and the other Programs that a model needs.

The gradient stage (loss, and a gradient for each parameter) and the update stage (flat vectors) are
lowered apart and linked over the flat buffers that they share: parameters and gradients of a group
lie in one buffer each, so the update never sees single parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.backends.runner import Runner
from flux.calculus import gradient
from flux.errors import ShapeError
from flux.expr import Expr, inputs, show_axes
from flux.lower import lower
from flux.lower.link import link
from flux.nn import GROUPS, WEIGHTS, Model
from flux.program import Program
from flux.training.recipe import Recipe
from flux.training.update import GRADIENT, KEPT, STEP, build_update, kept_name

Arrays = Mapping[str, NDArray[Any]]
LOSS = "loss"


class Step:
    """A compiled training step of a model.

    Args:
        model: its parameters are updated in place.
        recipe: the optimiser and its numbers.
        sizes: of all axes.

    Attributes:
        program: forward, backward, clipping and update.
        state: the flat arrays that a step changes, by name: parameters and what is kept of them.

    Raises:
        ShapeError: the model's result is not a scalar.
    """

    def __init__(self, model: Model, recipe: Recipe, sizes: Mapping[str, int]) -> None:
        groups = [group for group in GROUPS if group in model.parameters.buffers]
        self.program = link([_gradient_stage(model, sizes), _update_stage(model, recipe, groups)])
        self.state: dict[str, NDArray[Any]] = {}
        for group in groups:
            buffer = model.parameters.buffers[group]
            self.state[group] = buffer
            for kept in KEPT[recipe.optimizer]:
                self.state[kept_name(group, kept)] = np.zeros_like(buffer)
        self._runner = Runner(self.program, state=self.state)
        self._loss = self._runner.buffer(LOSS)
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


def _gradient_stage(model: Model, sizes: Mapping[str, int]) -> Program:
    graph = model.graph
    if graph.result.axes:
        raise ShapeError(
            f"the loss of {graph.name} has {show_axes(graph.result.axes)}; it must be a scalar",
            hint="take its mean over them",
        )
    parameters = [parameter.input for parameter in graph.parameters]
    gradients = gradient(graph.result, parameters)
    outputs = {LOSS: graph.result}
    outputs |= {_gradient_name(e): g for e, g in zip(parameters, gradients, strict=True)}
    return lower(
        outputs,
        [*graph.inputs, *parameters],
        sizes=sizes,
        dtype=model.dtype,
        orders={_gradient_name(e): e.attributes.axes for e in parameters},
        packs={**_packs(model), **_gradient_packs(model)},
        origins=graph.origins,
        relaxed=True,
        name=graph.name,
    )


def _update_stage(model: Model, recipe: Recipe, groups: Sequence[str]) -> Program:
    update = build_update(recipe, groups, groups if recipe.decay_all else (WEIGHTS,))
    buffers = model.parameters.buffers
    return lower(
        {f"next {name}": e for name, e in update.outputs.items()},
        update.inputs,
        sizes={axis: buffers[group].size for group, axis in update.axes.items()},
        dtype=model.dtype,
        updates={f"next {name}": name for name in update.outputs},
        relaxed=True,
        name=recipe.optimizer,
    )


def _gradient_name(e: Expr) -> str:
    return f"gradient of {e.attributes.name}"


def _packs(model: Model) -> dict[str, list[str]]:
    """The parameters of each group, in the order of its buffer."""
    members = {group: model.parameters.members(group) for group in GROUPS}
    return {group: [entry.path for entry in found] for group, found in members.items() if found}


def _gradient_packs(model: Model) -> dict[str, list[str]]:
    return {
        kept_name(group, GRADIENT): [f"gradient of {path}" for path in paths]
        for group, paths in _packs(model).items()
    }


# --- without an update -------------------------------------------------------------------------


def compile_value(
    model: Model, name: str, axes: Sequence[str], sizes: Mapping[str, int]
) -> Callable[..., NDArray[Any]]:
    """A function from a graph's inputs to one of its values.

    Args:
        model: whose parameters are read at each call.
        name: of the value in the model's text.
        axes: their order in the result.
        sizes: of the axes that the model's own sizes lack.
    """
    value = model.graph.values[name]
    run = _forward(model, {name: value}, {name: tuple(axes)}, sizes)
    return lambda **arrays: np.asarray(run(arrays)[name])


def compile_loss(model: Model, sizes: Mapping[str, int]) -> Callable[[Arrays], float]:
    """A function from a batch to its loss."""
    run = _forward(model, {LOSS: model.graph.result}, {}, sizes)
    return lambda arrays: float(run(arrays)[LOSS])


def compile_gradients(
    model: Model, sizes: Mapping[str, int]
) -> Callable[..., tuple[float, dict[str, NDArray[Any]]]]:
    """A function from a batch to its loss and its gradient by each parameter."""
    runner = Runner(_gradient_stage(model, {**model.sizes, **sizes}))

    def run(**arrays: Any) -> tuple[float, dict[str, NDArray[Any]]]:
        found = runner(**arrays, **model.parameters.buffers)
        return float(found.pop(LOSS)), {
            name.removeprefix("gradient of "): array for name, array in found.items()
        }

    return run


def _forward(
    model: Model,
    outputs: Mapping[str, Expr],
    orders: Mapping[str, Sequence[str]],
    sizes: Mapping[str, int],
) -> Callable[[Arrays], dict[str, Any]]:
    used = inputs(*outputs.values())
    runner = Runner(
        lower(
            outputs,
            [e for e in _all_inputs(model) if e in used or e not in model.graph.inputs],
            sizes={**model.sizes, **sizes},
            dtype=model.dtype,
            orders=orders,
            packs=_packs(model),
            origins=model.graph.origins,
            relaxed=True,
            name=model.graph.name,
        )
    )
    taken = [e.attributes.name for e in model.graph.inputs if e in used]
    buffers = model.parameters.buffers

    def run(arrays: Arrays) -> dict[str, Any]:
        return runner(**{name: arrays[name] for name in taken}, **buffers)

    return run


def _all_inputs(model: Model) -> list[Expr]:
    return [*model.graph.inputs, *(parameter.input for parameter in model.graph.parameters)]
