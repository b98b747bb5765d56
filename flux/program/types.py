"""The Program: functions of straight-line instructions over typed, sized buffers.

A Program is made by `flux.lower`, proved by `flux.program.verify`, and run by a backend, which sees
nothing above it. Every operand is a View, an affine window on a buffer, so no instruction needs to
know how a tensor is stored, and native code can be compiled from the Program alone.

One dimension of a view may be the row space: its size is `ROWS`, and the instruction runs for all
rows of a block. A buffer with rows holds `size` elements for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ROWS = -1
VERSION = 1


class DType(Enum):
    """Element types; the values are NumPy's names."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT64 = "int64"
    BOOL = "bool"

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return _ITEM_BYTES[self]

    @property
    def floating(self) -> bool:
        """Whether it is a floating-point type."""
        return self in (DType.FLOAT32, DType.FLOAT64)


_ITEM_BYTES = {DType.FLOAT32: 4, DType.FLOAT64: 8, DType.INT64: 8, DType.BOOL: 1}


class Role(Enum):
    """Who owns a buffer."""

    INPUT = "input"  # the caller's, read only
    OUTPUT = "output"  # the caller's, written
    STATE = "state"  # the caller's, read and then overwritten in place
    CONSTANT = "constant"  # one value, known when the Program is made
    TEMPORARY = "temporary"  # a range of the arena


@dataclass(frozen=True, slots=True)
class Buffer:
    """A contiguous run of elements of one type.

    Args:
        name: what people call it: an input's name, a parameter's path, or a number.
        dtype: the type of its elements.
        size: how many elements, for each row where `rows` holds.
        role: who owns it.
        rows: whether it holds `size` elements for every row of the block.
        offset: bytes from the start of the arena (of the rows' arena: bytes a row), TEMPORARY only.
        value: the value of a CONSTANT.
        axes: names of the axes in memory order, for people.
        shape: sizes along them; the product is `size`.
    """

    name: str
    dtype: DType
    size: int
    role: Role
    rows: bool = False
    offset: int = 0
    value: float | int | bool = 0
    axes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes, for each row where it has rows."""
        return self.size * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class View:
    """An affine window: element (i, j, ...) is at `offset + i*strides[0] + j*strides[1] + ...`.

    Offsets and strides count elements. The row dimension, if any, has size ROWS; its stride is the
    buffer's size, or 0 where the buffer has no rows.
    """

    buffer: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a source text something was written."""

    source: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation over views.

    Args:
        opcode: a name of `flux.program.opcodes.OPCODES`.
        results: what it writes.
        operands: what it reads.
        attributes: what else it needs, by opcode (see the table).
        layer: the path of the layer that it belongs to.
        places: the source lines that it comes from.
    """

    opcode: str
    results: tuple[View, ...]
    operands: tuple[View, ...] = ()
    attributes: tuple[object, ...] = ()
    layer: str = ""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """A named tensor of a function's signature: a view of an INPUT, OUTPUT or STATE buffer."""

    name: str
    view: View
    axes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """Straight-line instructions over buffers of its own.

    Args:
        name: for people.
        buffers: what its views refer to, by position.
        inputs: ports of INPUT and STATE buffers, in the order of the signature.
        outputs: ports of OUTPUT and STATE buffers.
        instructions: in the order in which they run.
        arena_bytes: bytes of all TEMPORARY buffers without rows, called functions included.
        row_bytes: bytes a row of all TEMPORARY buffers with rows.
        invariant: how many instructions at the head depend on no input; their results stay in the
            arena, so a backend may run them once for all runs.
    """

    name: str
    buffers: tuple[Buffer, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    instructions: tuple[Instruction, ...]
    arena_bytes: int = 0
    row_bytes: int = 0
    invariant: int = 0

    @property
    def has_rows(self) -> bool:
        """Whether it is polymorphic in a row space."""
        return any(buffer.rows for buffer in self.buffers)


@dataclass(frozen=True, slots=True)
class Program:
    """Functions; the last one is the entry, and a function calls only earlier ones.

    Args:
        functions: at least one.
        sizes: the sizes of named axes that it is specialised to.
    """

    functions: tuple[Function, ...]
    sizes: tuple[tuple[str, int], ...] = ()

    @property
    def entry(self) -> Function:
        """The function that a run calls."""
        return self.functions[-1]

    @property
    def arena_bytes(self) -> int:
        """Bytes that a run needs beside inputs, outputs and state, rows' blocks not counted."""
        return self.entry.arena_bytes


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Row-major strides of a shape, in elements."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))
