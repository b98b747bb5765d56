"""Buffers of a function: the caller's, packed or alone, constants, and temporaries.

A pack is one flat buffer that holds several tensors one after another in declared order, so that
clipping, updating and saving run once over all parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flux.errors import ArgumentError
from flux.lower.ir import ROW_AXIS, Graph, Value
from flux.program.types import Buffer, DType, Port, Role, View, contiguous


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the signature: its name, type, and axes in declared order, rows first."""

    name: str
    dtype: DType
    axes: tuple[str, ...]


class Storage:
    """Hands out buffers; views refer to them by number."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.buffers: list[Buffer] = []
        self._constants: dict[tuple[str, DType], int] = {}

    def add(self, buffer: Buffer) -> int:
        """The number of a buffer that is added."""
        self.buffers.append(buffer)
        return len(self.buffers) - 1

    def temporary(self, dtype: DType, order: Sequence[str], name: str = "") -> int:
        """A temporary that holds a tensor with these axes, outermost first."""
        shape = tuple(self._graph.sizes[axis] for axis in order if axis != ROW_AXIS)
        size = self._graph.size(order)
        axes = tuple(axis for axis in order if axis != ROW_AXIS)
        number = name or f"t{len(self.buffers)}"
        return self.add(
            Buffer(number, dtype, size, Role.TEMPORARY, ROW_AXIS in order, 0, 0, axes, shape)
        )

    def constant(self, value: Value) -> int:
        """The buffer of a constant; equal bits share one."""
        known = value.constant
        assert known is not None
        key = (known.hex() if isinstance(known, float) else repr(known), value.dtype)
        if key not in self._constants:
            buffer = Buffer(f"{known!r}", value.dtype, 1, Role.CONSTANT, value=known)
            self._constants[key] = self.add(buffer)
        return self._constants[key]

    def tensors(
        self, tensors: Sequence[Tensor], role: Role, packs: Mapping[str, Sequence[str]]
    ) -> dict[str, Port]:
        """Ports of tensors of the signature, each in a buffer of its own or in its pack."""
        owner = {name: pack for pack, names in packs.items() for name in names}
        ports: dict[str, Port] = {}
        by_name = {t.name: t for t in tensors}
        for pack, names in packs.items():
            present = [by_name[name] for name in names if name in by_name]
            if present:
                ports.update(self._pack(pack, present, role))
        for tensor in tensors:
            if tensor.name not in owner:
                ports[tensor.name] = self._alone(tensor, role)
        return ports

    def _alone(self, tensor: Tensor, role: Role) -> Port:
        named = tuple(axis for axis in tensor.axes if axis != ROW_AXIS)
        shape = tuple(self._graph.sizes[axis] for axis in named)
        rows = ROW_AXIS in tensor.axes
        size = self._graph.size(named)
        number = self.add(
            Buffer(tensor.name, tensor.dtype, size, role, rows, axes=named, shape=shape)
        )
        return Port(tensor.name, self._whole(number, 0, shape, rows, size), named)

    def _pack(self, pack: str, tensors: Sequence[Tensor], role: Role) -> dict[str, Port]:
        dtypes = {tensor.dtype for tensor in tensors}
        if len(dtypes) != 1 or any(ROW_AXIS in tensor.axes for tensor in tensors):
            raise ArgumentError(f"pack {pack} holds tensors of different types, or with rows")
        number = self.add(Buffer(pack, dtypes.pop(), 0, role))
        ports: dict[str, Port] = {}
        start = 0
        for tensor in tensors:
            shape = tuple(self._graph.sizes[axis] for axis in tensor.axes)
            view = self._whole(number, start, shape, False, 0)
            ports[tensor.name] = Port(tensor.name, view, tensor.axes)
            start += self._graph.size(tensor.axes)
        self.buffers[number] = replace(self.buffers[number], size=start, shape=(start,))
        return ports

    def _whole(
        self, number: int, start: int, shape: tuple[int, ...], rows: bool, size: int
    ) -> View:
        strides = contiguous(shape)
        if rows:
            return View(number, start, (-1, *shape), (size, *strides))
        return View(number, start, shape, strides)
