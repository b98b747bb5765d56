"""The initial values of parameters, by the reference evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.expr.evaluate import evaluate
from flux.expr.signature import result_axes
from flux.syntax import Parameter


def initial_value(parameter: Parameter, sizes: Mapping[str, int], seed: int) -> NDArray[Any]:
    """The value that a parameter starts with, in the order of its declared axes.

    It is a pure function of the seed and the parameter's path: another parameter more or less
    changes nothing here.

    Dtypes:
        float64.
    """
    declared = parameter.input.attributes.axes
    found = np.asarray(evaluate(parameter.initial, {"seed": seed}, sizes=_own(sizes, declared)))
    axes = [axis for axis in result_axes(parameter.initial) if axis in parameter.initial.axes]
    present = [axis for axis in declared if axis in axes]
    ordered = found.transpose([axes.index(axis) for axis in present])
    spread = [sizes[axis] if axis in axes else 1 for axis in declared]
    shape = tuple(sizes[axis] for axis in declared)
    return np.broadcast_to(ordered.reshape(spread), shape)


def _own(sizes: Mapping[str, int], declared: tuple[str, ...]) -> dict[str, int]:
    return {axis: sizes[axis] for axis in declared}
