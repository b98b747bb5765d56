"""Gradients of a model against differences of its own loss, parameter by parameter.

Along a random direction v in one parameter p, the derivative of the loss is g.v; the difference

    (8 (L(p + hv) - L(p - hv)) - (L(p + 2hv) - L(p - 2hv)))/(12 h)

is as much up to h^4. It is taken at two steps: where the two disagree, as at a kink, the difference
itself is not known well enough, and nothing is claimed.

Everything is in float64, on random data and on random parameters near the initial ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, AxisError, DomainError, LimitError, ShapeError
from flux.expr import Expr, reduce, show_axes, topological, variable
from flux.expr.signature import bind_sizes
from flux.nn.model import Model
from flux.ops import Op
from flux.syntax import Graph

DIRECTIONS = 3
TOLERANCE = 1e-6  # relative to the directional derivative
_STEP = 1e-3  # times a direction of unit length
_SIZE = 4  # of an axis whose size nobody gives
_MOST = 10_000_000  # values of parameters and data
_SPREAD = 0.3  # of what is added to initial parameters
_COTANGENT = "the cotangent"  # weights that make a scalar of a layer's value


class Verdict(Enum):
    """What a comparison says."""

    AGREES = "agrees"
    DIFFERS = "DIFFERS"
    UNCLEAR = "unclear"  # the differences themselves do not agree


@dataclass(frozen=True)
class Checked:
    """One parameter's gradient.

    Attributes:
        path: of the parameter.
        shape: of it.
        size: the largest |g.v| of the directions.
        error: the largest difference to it, relative to `size` or to the loss's own rounding.
        verdict: what that says.
    """

    path: str
    shape: tuple[int, ...]
    size: float
    error: float
    verdict: Verdict


@dataclass(frozen=True)
class GradientCheck:
    """All parameters, the sizes of the axes, and the loss at which they were checked."""

    rows: tuple[Checked, ...]
    sizes: Mapping[str, int]
    loss: float

    @property
    def agrees(self) -> bool:
        """Whether no gradient differs, and none is unclear."""
        return all(row.verdict is Verdict.AGREES for row in self.rows)

    def table(self) -> str:
        """Path, shape, size, error and verdict of each parameter."""
        width = max([len("parameter"), *(len(row.path) for row in self.rows)])
        shapes = [" x ".join(map(str, row.shape)) or "1" for row in self.rows]
        wide = max([len("shape"), *map(len, shapes)])
        head = f"{'parameter':<{width}}  {'shape':<{wide}}  {'|g.v|':>9}  {'error':>9}  verdict"
        return "\n".join(
            [
                head,
                *(
                    f"{row.path:<{width}}  {shape:<{wide}}  {row.size:>9.2e}  {row.error:>9.1e}"
                    f"  {row.verdict.value}"
                    for row, shape in zip(self.rows, shapes, strict=True)
                ),
            ]
        )


def check_gradients(
    graph: Graph, sizes: Mapping[str, int] | None = None, *, seed: int = 0
) -> GradientCheck:
    """Compare every parameter's gradient with differences.

    Args:
        graph: of a model or layer; a value with axes is made a scalar by random weights.
        sizes: of axes; those not given are 4.
        seed: of data, parameters and directions.

    Raises:
        ArgumentError: the graph has no parameters.
        DomainError: the loss is not finite on random data.
        LimitError: parameters and data are too large.
        ShapeError: sizes that do not fit.
    """
    if not graph.parameters:
        raise ArgumentError(f"{graph.name} has no parameters, and so no gradient to check")
    graph = _scalar(graph)
    known = all_sizes(graph, sizes or {})
    drawn = np.random.default_rng(seed)
    model = Model(graph, known, seed=seed, dtype="float64")
    for array in model.parameters.values():
        array += drawn.normal(0, _SPREAD, array.shape)
    data = {e.attributes.name: _data(e, graph, known, drawn) for e in graph.inputs}
    loss = model.loss(**data)
    if not np.isfinite(loss):
        raise DomainError(
            f"the loss of {graph.name} is {loss} on random data",
            hint="the differences of such a loss say nothing; try another --seed",
        )
    gradients = model.gradient(**data)
    rows = [
        _check(path, gradients[path], model.parameters[path], lambda: model.loss(**data), drawn)
        for path in model.parameters
    ]
    return GradientCheck(tuple(rows), known, loss)


def _scalar(graph: Graph) -> Graph:
    """The graph itself where its value is a scalar, else that of a weighted sum of it."""
    axes = sorted(graph.result.axes)
    if not axes:
        return graph
    weights = variable(_COTANGENT, axes)
    total = reduce(Op.SUM, graph.result * weights, axes)
    return replace(graph, result=total, inputs=(*graph.inputs, weights))


def all_sizes(graph: Graph, given: Mapping[str, int]) -> dict[str, int]:
    """The sizes of all axes of a graph's inputs and parameters: those given, and 4.

    Raises:
        AxisError: an axis that the graph has not.
        LimitError: so large that a check would take too long.
        ShapeError: sizes that do not fit.
    """
    inputs = [*graph.inputs, *(parameter.input for parameter in graph.parameters)]
    axes = dict.fromkeys(axis for e in inputs for axis in e.attributes.axes)
    for axis in given:
        if axis not in axes:
            raise AxisError(f"{graph.name} has no axis `{axis}`; it has {show_axes(tuple(axes))}")
    sizes = {axis: given.get(axis, _SIZE) for axis in axes}
    for axis, size in sizes.items():
        if size < 1:
            raise ShapeError(f"axis {axis} has size {size}; sizes are at least 1")
    values = sum(int(np.prod([float(sizes[a]) for a in e.attributes.axes])) for e in inputs)
    if values > _MOST:
        raise LimitError(f"{values} values are too many to check; smaller sizes show as much")
    bind_sizes(topological((graph.result,)), sizes)
    return sizes


def _data(
    e: Expr, graph: Graph, sizes: Mapping[str, int], drawn: np.random.Generator
) -> NDArray[Any]:
    """Random values of an input: whole numbers stay inside the axes that they index."""
    shape = tuple(sizes[axis] for axis in e.attributes.axes)
    if not e.attributes.integer:
        return drawn.normal(0, 1, shape)
    return drawn.integers(0, _bound(e, graph, sizes), shape)


def _bound(e: Expr, graph: Graph, sizes: Mapping[str, int]) -> int:
    indexed = [
        sizes[axis]
        for user in topological((graph.result,))
        if user.op is Op.INDEX
        for axis, index in zip(user.attributes, user.args[1:], strict=True)
        if index is e and axis in sizes
    ]
    return min(indexed, default=2)


def _check(
    path: str,
    gradient: NDArray[Any],
    array: NDArray[Any],
    loss: Callable[[], float],
    drawn: np.random.Generator,
) -> Checked:
    size, error, spread = 0.0, 0.0, 0.0
    rounding = 0.0
    for _ in range(DIRECTIONS):
        direction = drawn.normal(0, 1, array.shape)
        direction /= np.linalg.norm(direction)
        slope = float((gradient * direction).sum())
        coarse, fine = (_difference(array, direction, h, loss) for h in (_STEP, _STEP / 2))
        size = max(size, abs(slope), abs(fine))
        error = max(error, abs(fine - slope))
        spread = max(spread, abs(fine - coarse))
        rounding = max(rounding, abs(loss()) * 1e-14 / _STEP)
    scale = max(size, rounding / TOLERANCE)
    return Checked(path, array.shape, size, error / scale, _verdict(error, spread, scale))


def _verdict(error: float, spread: float, scale: float) -> Verdict:
    if not spread <= TOLERANCE * scale:
        return Verdict.UNCLEAR
    return Verdict.AGREES if error <= TOLERANCE * scale else Verdict.DIFFERS


def _difference(
    array: NDArray[Any], direction: NDArray[Any], h: float, loss: Callable[[], float]
) -> float:
    """The derivative of the loss along a direction, to fourth order; the array is as it was."""
    kept = array.copy()

    def at(distance: float) -> float:
        np.copyto(array, kept + distance * direction)
        found = loss()
        np.copyto(array, kept)
        return found

    near, far = at(h) - at(-h), at(2 * h) - at(-2 * h)
    return (8 * near - far) / (12 * h)
