"""How the reference evaluator lays out arrays.

Every value has the dimensions (anonymous ..., named axes by name). What the values and the domain
check both need is here: aligning operands, the dimensions of axes, what a gather reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ShapeError
from flux.expr.parts import Part, operands
from flux.expr.signature import Sizes

Array = NDArray[Any]
Arrays = Mapping[Part, Array]


@dataclass(frozen=True)
class Frame:
    """What all nodes of one evaluation share: dtype, anonymous shape, sizes, inputs by name."""

    dtype: np.dtype[Any]
    rows: tuple[int, ...]
    sizes: Sizes
    arrays: Mapping[str, Array]

    @property
    def rank(self) -> int:
        """The number of anonymous dimensions."""
        return len(self.rows)

    def size(self, axis: str) -> int:
        """The size of an axis."""
        if axis not in self.sizes:
            raise ShapeError(
                f"the size of axis {axis} is not known",
                hint=f"give it, as in sizes={{'{axis}': 8}}, or pass an array that has it",
            )
        return self.sizes[axis]


def sorted_axes(array: Array, axes: Sequence[str]) -> Array:
    """An array whose last dimensions are `axes`, with those axes by name."""
    first = array.ndim - len(axes)
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    return array.transpose(*range(first), *(first + i for i in order))


def aligned(value: Array, has: Part, wants: Part, frame: Frame) -> Array:
    """A value over one part's axes, with a dimension of size 1 for each further axis wanted."""
    if has.e.axes == wants.e.axes:
        return value
    sizes = dict(zip(has.axes, value.shape[frame.rank :], strict=True))
    named = tuple(sizes.get(axis, 1) for axis in wants.axes)
    return value.reshape(value.shape[: frame.rank] + named)


def aligned_operands(part: Part, values: Arrays, frame: Frame) -> list[Array]:
    """The operands of a pointwise operation, aligned with its result."""
    return [aligned(values[x], x, part, frame) for x in operands(part)]


def dimensions(x: Part, axes: Sequence[str], frame: Frame) -> tuple[int, ...]:
    """The dimensions that axes have in the value of x; axes that x lacks have none."""
    return tuple(frame.rank + x.axes.index(axis) for axis in axes if axis in x.e.axes)


def indices(part: Part, values: Arrays, frame: Frame) -> list[Array]:
    """What a gather reads: one index for each dimension of x, each aligned with the result."""
    x, *positions = operands(part)
    given = dict(zip(part.e.attributes, positions, strict=True))
    rank, shape = frame.rank + len(part.axes), values[x].shape
    found = [_along(i, n, rank) for i, n in enumerate(shape[: frame.rank])]
    for axis, n in zip(x.axes, shape[frame.rank :], strict=True):
        if axis in given:
            i = given[axis]
            found.append(aligned(values[i], i, part, frame))
        else:
            found.append(_along(frame.rank + part.axes.index(axis), n, rank))
    return found


def _along(dimension: int, n: int, rank: int) -> Array:
    return np.arange(n).reshape([n if i == dimension else 1 for i in range(rank)])


def prefixes(part: Part, frame: Frame) -> tuple[Any, ...]:
    """What a rename keeps of its operand: along each axis the first positions of the new axis."""
    pairs = dict(part.e.attributes)
    new = (pairs.get(axis, axis) for axis in operands(part)[0].axes)
    return (..., *(slice(0, frame.size(axis)) for axis in new))
