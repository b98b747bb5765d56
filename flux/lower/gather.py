"""Gathering: small pointwise work steps aside, so that runs on large tensors are not broken.

The update of one group of parameters is the same few operations as that of another; where a small
group's stand between a large one's, two runs over the large tensors would read memory twice. A
small instruction waits until something needs it or the large run ends.
Runs before the memory plan, while every temporary is written by one instruction.
"""

from __future__ import annotations

from dataclasses import replace

from flux.program.opcodes import OPCODES, Family
from flux.program.types import Function, Instruction, View

_LARGE_BYTES = 1 << 18  # what is smaller stays in the cache
_SMALL_BYTES = 1 << 16
_MOST = 32  # instructions that wait at one time


def gather(function: Function) -> Function:
    """The function with large pointwise instructions of one extent next to each other."""
    head = function.instructions[: function.invariant]
    gathering = _Gathering(function)
    for instruction in function.instructions[function.invariant :]:
        gathering.add(instruction)
    return replace(function, instructions=(*head, *gathering.finished()))


class _Gathering:
    """Instructions in their new order; `extent` is that of the large run that ends it, or 0."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self._out: list[Instruction] = []
        self._waiting: list[Instruction] = []
        self._extent = 0

    def add(self, instruction: Instruction) -> None:
        """Place the next instruction of the function."""
        size = self._bytes(instruction) if _pointwise(instruction) else -1
        extent = _elements(instruction.results[0]) if size >= _LARGE_BYTES else 0
        if 0 <= size < _SMALL_BYTES and self._extent and len(self._waiting) < _MOST:
            self._waiting.append(instruction)
            return
        goes_on = 0 < extent == self._extent
        if not goes_on or any(_conflict(instruction, other) for other in self._waiting):
            self._flush()
        self._out.append(instruction)
        self._extent = extent

    def finished(self) -> list[Instruction]:
        """All instructions."""
        self._flush()
        return self._out

    def _flush(self) -> None:
        self._out += self._waiting
        self._waiting = []

    def _bytes(self, instruction: Instruction) -> int:
        """Of the largest view."""
        views = (*instruction.results, *instruction.operands)
        sizes = (self._function.buffers[v.buffer].dtype.itemsize * _elements(v) for v in views)
        return max(sizes)


def _pointwise(instruction: Instruction) -> bool:
    return OPCODES[instruction.opcode].family is Family.POINTWISE


def _elements(view: View) -> int:
    count = 1
    for size in view.shape:
        count *= size
    return count


def _conflict(a: Instruction, b: Instruction) -> bool:
    """Whether one writes what the other reads or writes."""
    return _writes_into(a, b) or _writes_into(b, a)


def _writes_into(a: Instruction, b: Instruction) -> bool:
    written = {view.buffer for view in a.results}
    return any(view.buffer in written for view in (*b.results, *b.operands))
