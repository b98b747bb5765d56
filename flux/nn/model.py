"""A model: a graph of the language with sizes for its axes and values for its parameters.

The graph comes from `flux.syntax`; the trainer and the sampler compile what they need of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.backends.runner import Runner
from flux.errors import ArgumentError, DataError, ShapeError, UnknownNameError, did_you_mean
from flux.expr import Expr, inputs
from flux.nn.batch import Batch, conform, sizes_of
from flux.nn.initial import initial_value
from flux.nn.parameters import Entry, Parameters, group_of
from flux.nn.programs import LOSS, VALUE, gradient_program, path_of, value_program
from flux.program import Program
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
        graph: of what the model says; dropout and the like are in `graph.training` alone.
        parameters: path to array, in declared order; writing to an array changes the model.

    Raises:
        ShapeError: an axis of a parameter has no size.
    """

    def __init__(
        self, graph: Graph, sizes: Mapping[str, int], *, seed: int = 0, dtype: str = "float32"
    ) -> None:
        _check_graph(graph)
        if dtype not in DTYPES:
            raise ArgumentError(f"the dtype is {dtype!r}; it can be {' or '.join(DTYPES)}")
        self.graph = graph
        self.sizes = dict(sizes)
        self.dtype = dtype
        _check_sizes(graph, self.sizes)
        entries = [_entry(parameter, self.sizes) for parameter in graph.parameters]
        self.parameters = Parameters(entries, dtype)
        self._needed: dict[Expr, list[Expr]] = {}
        self._runners: dict[tuple[Any, ...], Runner] = {}
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

    @property
    def training_graph(self) -> Graph:
        """The graph of a training step, where `training` is 1."""
        return self.graph.training or self.graph

    def evaluate(self, name: str, /, *, order: Sequence[str] | None = None, **arrays: Any) -> Any:
        """A value of the model's text, such as its `logits`: an array, or a NumPy number.

        Args:
            name: of the value.
            order: of its axes in the result; default: as the inputs declare them.
            arrays: the inputs that the value needs, by name; others are ignored.

        Raises:
            FluxError: no such value, or arrays that do not fit.
        """
        value = self.graph.values.get(name)
        if value is None:
            hint = did_you_mean(name, list(self.graph.values))
            raise UnknownNameError(f"{self.graph.name} has no value `{name}`", hint=hint)
        return self._value(value, order, arrays)[()]

    def loss(self, /, **arrays: Any) -> float:
        """The model's result, a scalar.

        Raises:
            FluxError: arrays that do not fit.
        """
        return float(self._value(self.graph.result, None, arrays))

    def _value(self, value: Expr, order: Sequence[str] | None, arrays: Batch) -> NDArray[Any]:
        taken = self._taken(value)
        given = conform(arrays, taken, self.dtype)
        sizes = sizes_of(given, taken, self.sizes)
        key = (value, tuple(order or ()), *sorted(sizes.items()))
        runner = self._runner(key, lambda: value_program(self, value, order, sizes))
        found: NDArray[Any] = runner(**given, **self.parameters.buffers)[VALUE]
        return found

    def gradient(self, /, **arrays: Any) -> dict[str, NDArray[Any]]:
        """The gradient of the loss by each parameter, by path.

        Raises:
            FluxError: the model's result is not a scalar, or arrays that do not fit.
        """
        given = conform(arrays, self.graph.inputs, self.dtype)
        sizes = sizes_of(given, self.graph.inputs, self.sizes)
        key = ("gradient", *sorted(sizes.items()))
        runner = self._runner(key, lambda: gradient_program(self, sizes))
        found = runner(**given, **self.parameters.buffers)
        return {path_of(name): array for name, array in found.items() if name != LOSS}

    def _taken(self, value: Expr) -> list[Expr]:
        """The graph's inputs that a value needs; the walk is done once."""
        if value not in self._needed:
            found = set(inputs(value))
            self._needed[value] = [e for e in self.graph.inputs if e in found]
        return self._needed[value]

    def _runner(self, key: tuple[Any, ...], program: Callable[[], Program]) -> Runner:
        if key not in self._runners:
            self._runners[key] = Runner(program())
        return self._runners[key]

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
        """Write the parameters as safetensors, one tensor a path.

        Raises:
            DataError: the file cannot be written.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        try:
            save_file(self.state_dict(), str(path))
        except (OSError, SafetensorError) as error:
            raise DataError(f"cannot write {str(path)!r}: {error}") from None

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


def _check_graph(graph: object) -> None:
    if not isinstance(graph, Graph):
        text = f"a model is made of a graph, not of {type(graph).__name__}"
        raise ArgumentError(text, hint='module["name"].build() makes the graph of a definition')


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
