"""The Programs of a model: a value, or the loss with a gradient for each parameter.

Parameters are packed: those of a group lie in one buffer, as in `flux.nn.parameters`, and so do
their gradients, so that a later stage can run over whole groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flux.calculus import traced_gradient
from flux.errors import ShapeError
from flux.expr import Expr, inputs, show_axes
from flux.lower import lower
from flux.nn.parameters import GROUPS
from flux.program import Program
from flux.syntax import Graph

if TYPE_CHECKING:
    from flux.nn.model import Model

# Names of buffers and outputs hold a blank, so that no name of a formula clashes with them.
LOSS = "the loss"
VALUE = "the value"
GRADIENT = "gradient"  # what the buffer of a group's gradients is called, behind a point
_OF = "gradient of "


def gradient_program(model: Model, sizes: Mapping[str, int], graph: Graph | None = None) -> Program:
    """The loss, and its gradient by each parameter.

    Args:
        model: whose graph's result is the loss.
        sizes: of all axes.
        graph: another graph over the same parameters; default: the model's.

    Raises:
        ShapeError: the result is not a scalar.
    """
    graph = graph or model.graph
    if graph.result.axes:
        raise ShapeError(
            f"the loss of {graph.name} has {show_axes(graph.result.axes)}; it must be a scalar",
            hint="take its mean over them",
        )
    parameters = [parameter.input for parameter in graph.parameters]
    gradients, sources = traced_gradient(graph.result, parameters)
    known = graph.origins
    # What a line's derivative is made of belongs to that line.
    origins = {e: known[through] for e, through in sources.items() if through in known}
    outputs = {LOSS: graph.result}
    outputs |= {_OF + e.attributes.name: g for e, g in zip(parameters, gradients, strict=True)}
    return lower(
        outputs,
        [*graph.inputs, *parameters],
        sizes=sizes,
        dtype=model.dtype,
        orders={_OF + e.attributes.name: e.attributes.axes for e in parameters},
        packs={**packs(model), **_gradient_packs(model)},
        origins={**origins, **known},
        relaxed=True,
        name=graph.name,
    )


def value_program(
    model: Model, value: Expr, order: Sequence[str] | None, sizes: Mapping[str, int]
) -> Program:
    """One value of a model's graph, as a function of the inputs that it needs.

    Args:
        model: whose graph it is.
        value: its expression.
        order: of its axes; None for the order in which inputs declare them.
        sizes: of all axes.
    """
    graph = model.graph
    taken = set(inputs(value))
    return lower(
        {VALUE: value},
        [
            *(e for e in graph.inputs if e in taken),
            *(parameter.input for parameter in graph.parameters),
        ],
        sizes=sizes,
        dtype=model.dtype,
        orders={} if order is None else {VALUE: tuple(order)},
        packs=packs(model),
        origins=graph.origins,
        relaxed=True,
        name=graph.name,
    )


def path_of(output: str) -> str:
    """The parameter whose gradient an output of `gradient_program` is."""
    return output.removeprefix(_OF)


def packs(model: Model) -> dict[str, list[str]]:
    """The parameters of each group, in the order of its buffer."""
    members = {group: model.parameters.members(group) for group in GROUPS}
    return {group: [entry.path for entry in found] for group, found in members.items() if found}


def _gradient_packs(model: Model) -> dict[str, list[str]]:
    return {
        f"{group}.{GRADIENT}": [_OF + path for path in paths]
        for group, paths in packs(model).items()
    }
