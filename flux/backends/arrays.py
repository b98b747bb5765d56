"""Views of a Program as NumPy arrays over the caller's buffers and the arena.

Every buffer is a one-dimensional array; with rows it holds `size` elements for each row. A view is
then an `ndarray` on its memory: no copy, and no NumPy call that could make one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, did_you_mean
from flux.program.types import ROWS, Buffer, Function, Port, Role, View

Array = NDArray[Any]

_NUMPY_TYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "int64": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
}


def numpy_type(buffer: Buffer) -> np.dtype[Any]:
    """The NumPy type of a buffer's elements."""
    return _NUMPY_TYPES[buffer.dtype.value]


def view_array(view: View, buffer: Buffer, base: Array, rows: int = 0) -> Array:
    """A view as an array over its buffer's array."""
    item = buffer.dtype.itemsize
    shape = tuple(rows if size == ROWS else size for size in view.shape)
    strides = tuple(stride * item for stride in view.strides)
    return np.ndarray(shape, base.dtype, base, view.offset * item, strides)


_ADDRESSABLE = 1 << 47  # bytes that a process can have


def check_bytes(count: int) -> None:
    """Raise MemoryError where NumPy would find a ValueError: for more than any machine has."""
    if count > _ADDRESSABLE:
        raise MemoryError


def check_memory(function: Function) -> None:
    """Raise MemoryError where a function's buffers or views are larger than any memory."""
    check_bytes(function.arena_bytes)
    for buffer in function.buffers:
        check_bytes(buffer.size * buffer.dtype.itemsize)
    for instruction in function.instructions:
        for view in (*instruction.results, *instruction.operands):
            check_bytes(prod(size for size in view.shape if size != ROWS))


def aligned_bytes(count: int) -> NDArray[np.uint8]:
    """Zeroed memory that starts at a multiple of 64 bytes."""
    check_bytes(count)
    raw = np.zeros(count + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count]


def arena_arrays(
    function: Function,
    rows: int,
    arena: NDArray[np.uint8] | None = None,
    row_arena: NDArray[np.uint8] | None = None,
) -> list[Any]:
    """An array for each TEMPORARY and CONSTANT buffer; None for the caller's.

    Args:
        function: its buffers.
        rows: rows of a block.
        arena: memory to use for buffers without rows; fresh memory where it is None.
        row_arena: the same for buffers with rows.
    """
    fixed = aligned_bytes(function.arena_bytes) if arena is None else arena
    by_row = aligned_bytes(function.row_bytes * rows) if row_arena is None else row_arena
    arrays: list[Any] = []
    for buffer in function.buffers:
        kind = numpy_type(buffer)
        if buffer.role is Role.CONSTANT:
            arrays.append(np.array([buffer.value], kind))
        elif buffer.role is Role.TEMPORARY:
            memory, times = (by_row, rows) if buffer.rows else (fixed, 1)
            count = buffer.size * times
            arrays.append(np.ndarray((count,), kind, memory, buffer.offset * times))
        else:
            arrays.append(None)
    return arrays


def caller_buffers(function: Function, *roles: Role) -> dict[str, int]:
    """The caller's buffers with these roles: number by name."""
    return {b.name: n for n, b in enumerate(function.buffers) if b.role in roles}


def flat(name: str, value: Any, buffer: Buffer, rows: int = 1) -> Array:
    """A caller's array as the flat array of a buffer: converted and copied only where needed."""
    kind = numpy_type(buffer)
    array = np.asarray(value)
    if array.dtype != kind:
        array = _converted(name, array, kind)
    count = buffer.size * (rows if buffer.rows else 1)
    if array.size != count:
        expected = list(buffer.shape) if not buffer.rows else [rows, *buffer.shape]
        raise ArgumentError(f"{name} has shape {list(array.shape)}, expected {expected}")
    return np.ascontiguousarray(array).reshape(-1)


def _converted(name: str, array: Array, kind: np.dtype[Any]) -> Array:
    if not np.can_cast(array.dtype, kind, "same_kind"):
        raise ArgumentError(f"{name} holds {array.dtype} values, expected {kind}")
    return array.astype(kind)


def port_array(port: Port, buffer: Buffer, base: Array, rows: int = 0) -> Array:
    """A port as an array of the signature's shape."""
    return view_array(port.view, buffer, base, rows)


def check_names(given: Mapping[str, object], known: Sequence[str], what: str) -> None:
    """Raise ArgumentError unless the names given are exactly the known ones."""
    for name in given:
        if name not in known:
            raise ArgumentError(f"no {what} `{name}`", hint=did_you_mean(name, list(known)))
    missing = [name for name in known if name not in given]
    if missing:
        raise ArgumentError(f"{what} `{missing[0]}` is missing")
