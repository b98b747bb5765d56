"""A model: a graph of the language with sizes for its axes and values for its parameters.

The graph comes from `flux.syntax`; the trainer and the sampler compile what they need of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError, ShapeError, did_you_mean
from flux.nn.initial import initial_value
from flux.nn.parameters import Entry, Parameters, group_of
from flux.syntax import Graph, Parameter

DTYPES = ("float32", "float64")


class Model:
    """A graph with its parameters.

    Args:
        graph: what `module["name"].build(...)` gives.
        sizes: the size of each axis that a parameter has; sizes of other axes may be given too,
            and else come from the data.
        seed: of the initial values.
        dtype: float32 or float64.

    Attributes:
        parameters: path to array, in declared order; writing to an array changes the model.

    Raises:
        ShapeError: an axis of a parameter has no size.
    """

    def __init__(
        self, graph: Graph, sizes: Mapping[str, int], *, seed: int = 0, dtype: str = "float32"
    ) -> None:
        if dtype not in DTYPES:
            raise ArgumentError(f"the dtype is {dtype!r}; it can be {' or '.join(DTYPES)}")
        self.graph = graph
        self.sizes = dict(sizes)
        self.dtype = dtype
        _check_sizes(graph, self.sizes)
        entries = [_entry(parameter, self.sizes) for parameter in graph.parameters]
        self.parameters = Parameters(entries, dtype)
        self.initialise(seed)

    def initialise(self, seed: int) -> None:
        """Give every parameter its initial value; the same seed gives the same bits."""
        for parameter in self.graph.parameters:
            value = initial_value(parameter, self.sizes, seed)
            self.parameters[parameter.path][...] = value

    @property
    def count(self) -> int:
        """The number of parameters' values."""
        return self.parameters.count

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of every parameter by path."""
        return {path: array.copy() for path, array in self.parameters.items()}

    def load_state_dict(self, arrays: Mapping[str, Any]) -> None:
        """Overwrite every parameter.

        Raises:
            DataError: a path is missing, or one is not known.
            ShapeError: an array of another shape.
        """
        self.parameters.assign(arrays)

    def save(self, path: str | Path) -> None:
        """Write the parameters as safetensors, one tensor a path."""
        from safetensors.numpy import save_file

        save_file(self.state_dict(), str(path))

    def load(self, path: str | Path) -> None:
        """Read the parameters from safetensors.

        Raises:
            DataError: no such file, damaged, or of another model.
            ShapeError: a tensor of another shape.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(str(path))
        except OSError as error:
            raise DataError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
        except SafetensorError as error:
            raise DataError(f"{str(path)!r} is damaged: {error}") from None
        self.load_state_dict(arrays)

    def __repr__(self) -> str:
        return f"Model({self.graph.name}, {self.count:,} parameters, {self.dtype})"


def _check_sizes(graph: Graph, sizes: Mapping[str, int]) -> None:
    for axis, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ShapeError(f"the size of axis {axis} is {size!r}; it must be a whole number >= 1")
    for parameter in graph.parameters:
        missing = [axis for axis in parameter.input.attributes.axes if axis not in sizes]
        if missing:
            raise ShapeError(
                f"the parameter {parameter.path!r} has axis {missing[0]}, whose size is not given",
                hint=did_you_mean(missing[0], list(sizes)) or f"give sizes={{{missing[0]!r}: ...}}",
            )


def _entry(parameter: Parameter, sizes: Mapping[str, int]) -> Entry:
    axes: tuple[str, ...] = parameter.input.attributes.axes
    shape = tuple(int(sizes[axis]) for axis in axes)
    return Entry(parameter.path, axes, shape, group_of(parameter))
