"""The parameters of a model: one flat buffer a group, and an array for each path in it.

What starts at different values, most often at random, is a weight; what starts at a constant (a
gain, a bias) is not. Weight decay pulls on weights only, so the two are two groups, each contiguous
and in declared order: clipping and updates run over whole buffers, and a checkpoint writes them as
they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from flux.backends.arrays import check_bytes
from flux.errors import DataError, LimitError, ShapeError, UnknownNameError, did_you_mean
from flux.expr import topological
from flux.ops import Op
from flux.syntax import Parameter

WEIGHTS = "all weights"  # the group that weight decay pulls on
OTHERS = "all others"
GROUPS = (WEIGHTS, OTHERS)


@dataclass(frozen=True)
class Entry:
    """One parameter's place.

    Attributes:
        path: its name, such as `block.0.attention.Wq`.
        axes: its named axes in declared order.
        shape: their sizes.
        group: the buffer that holds it.
    """

    path: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    group: str

    @property
    def count(self) -> int:
        """The number of its values."""
        return prod(self.shape)


def group_of(parameter: Parameter) -> str:
    """The group of a parameter: WEIGHTS where its initial values differ, by chance or by place."""
    initial = parameter.initial
    random = any(e.op is Op.RANDOM for e in topological((initial,)))
    return WEIGHTS if random or initial.axes else OTHERS


class Parameters(Mapping[str, NDArray[Any]]):
    """The arrays of a model's parameters by path: views of the buffers, written through.

    Attributes:
        entries: the parameters in declared order.
        buffers: group to flat array.
    """

    def __init__(self, entries: Sequence[Entry], dtype: DTypeLike) -> None:
        self.entries = tuple(entries)
        self.buffers: dict[str, NDArray[Any]] = {}
        self._views: dict[str, NDArray[Any]] = {}
        for group in GROUPS:
            self._pack(group, np.dtype(dtype))

    def _pack(self, group: str, dtype: np.dtype[Any]) -> None:
        members = self.members(group)
        buffer = _zeros(sum(entry.count for entry in members), dtype)
        start = 0
        for entry in members:
            self._views[entry.path] = buffer[start : start + entry.count].reshape(entry.shape)
            start += entry.count
        if members:
            self.buffers[group] = buffer

    def members(self, group: str) -> list[Entry]:
        """The parameters of a group, in the order of its buffer."""
        return [entry for entry in self.entries if entry.group == group]

    def __getitem__(self, path: str) -> NDArray[Any]:
        found = self._views.get(path)
        if found is None:
            hint = did_you_mean(str(path), list(self._views))
            raise UnknownNameError(f"the model has no parameter {path!r}", hint=hint)
        return found

    def __contains__(self, path: object) -> bool:
        return path in self._views

    def get(self, path: str, default: Any = None) -> Any:
        """The array of that path, or the default."""
        return self._views.get(path, default)

    def __iter__(self) -> Iterator[str]:
        return (entry.path for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def count(self) -> int:
        """The number of all values."""
        return sum(entry.count for entry in self.entries)

    def assign(self, arrays: Mapping[str, Any]) -> None:
        """Overwrite the parameters; every path must be given, with its shape.

        Raises:
            DataError: a path is missing, or one is not known.
            ShapeError: an array of another shape.
        """
        for path in arrays:
            if path not in self._views:
                raise DataError(f"the model has no parameter {path!r}", hint=self._hint(path))
        for entry in self.entries:
            if entry.path not in arrays:
                raise DataError(f"the parameter {entry.path!r} is missing")
            _check_shape(entry, np.shape(arrays[entry.path]))
        for path, array in arrays.items():
            self._views[path][...] = array

    def _hint(self, path: str) -> str:
        return did_you_mean(path, list(self))

    def table(self) -> str:
        """Path, axes with sizes, and number of values of each parameter; then the total."""
        rows = [(e.path, _show_axes(e), f"{e.count:,}") for e in self.entries]
        rows.append(("total", "", f"{self.count:,}"))
        first, second, third = (max(len(row[i]) for row in rows) for i in range(3))
        return "\n".join(f"{a:<{first}}  {b:<{second}}  {c:>{third}}" for a, b, c in rows)


def _show_axes(entry: Entry) -> str:
    pairs = zip(entry.axes, entry.shape, strict=True)
    return f"[{', '.join(f'{axis}={size}' for axis, size in pairs)}]"


def _check_shape(entry: Entry, shape: tuple[int, ...]) -> None:
    if shape != entry.shape:
        raise ShapeError(
            f"the parameter {entry.path!r} is {_show_axes(entry)}; the array has shape {shape}"
        )


def _zeros(count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        check_bytes(count * dtype.itemsize)
        return np.zeros(count, dtype)
    except MemoryError:
        raise LimitError(f"not enough memory for {count} parameters") from None
