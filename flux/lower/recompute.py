"""Recomputation: large values that one cheap operation gives again are not kept for later.

The backward pass reads much that the forward pass computed. A square or a sum of tensors that are
kept anyway costs less to compute again, inside a row block, than to write to memory and read back.
Runs before the memory plan, while every temporary is written by one instruction.
"""

from __future__ import annotations

from dataclasses import replace

from flux.program.opcodes import OPCODES, Family
from flux.program.types import Buffer, Function, Instruction, Role, View

_CHEAP = frozenset({"add", "sub", "mul", "neg", "square", "copy"})
_LEAST_BYTES = 1 << 18  # a smaller value stays in the cache until it is read
_DEPTH = 3


def recompute(function: Function) -> Function:
    """The function with large cheap values computed again where they are read much later."""
    return _Recomputation(function).run()


class _Recomputation:
    def __init__(self, function: Function) -> None:
        self._function = function
        self._buffers = list(function.buffers)
        self._writer = _single_writers(function)
        self._segment = _segments(function)
        self._last_read = self._last_reads()
        self._kept = self._last_reads(repeatable=False)
        self._here: dict[int, int] = {}  # in this segment: what stands for an earlier buffer
        self._out: list[Instruction] = []

    def run(self) -> Function:
        segment = -1
        for n, instruction in enumerate(self._function.instructions):
            if self._segment[n] != segment:
                segment = self._segment[n]
                self._here = {}
            self._out.append(self._renewed(instruction, segment))
        return replace(self._function, buffers=tuple(self._buffers), instructions=tuple(self._out))

    def _renewed(self, instruction: Instruction, segment: int) -> Instruction:
        if not _blockable(instruction):
            return instruction
        operands = tuple(self._operand(v, segment, _DEPTH) for v in instruction.operands)
        return replace(instruction, operands=operands)

    def _operand(self, view: View, segment: int, depth: int) -> View:
        known = self._here.get(view.buffer)
        if known is None:
            known = self._again(view.buffer, segment, depth)
            if known is None:
                return view
            self._here[view.buffer] = known
        return replace(view, buffer=known)

    def _again(self, number: int, segment: int, depth: int) -> int | None:
        """Compute a buffer again in this segment, if that is possible and pays."""
        writer = self._writer.get(number)
        if writer is None or depth == 0:
            return None
        instruction = self._function.instructions[writer]
        buffer = self._function.buffers[number]
        good = (
            instruction.opcode in _CHEAP
            and self._segment[writer] < segment
            and self._kept.get(number, -1) < segment
            and writer >= self._function.invariant
            and buffer.bytes >= _LEAST_BYTES
            and self._affordable(instruction, segment, depth)
        )
        if not good:
            return None
        operands = tuple(self._operand(v, segment, depth - 1) for v in instruction.operands)
        self._buffers.append(replace(buffer, name=f"{buffer.name}'"))
        fresh = len(self._buffers) - 1
        results = (replace(instruction.results[0], buffer=fresh),)
        self._out.append(replace(instruction, operands=operands, results=results))
        return fresh

    def _affordable(self, instruction: Instruction, segment: int, depth: int) -> bool:
        """Whether its operands are there, or one of them may be kept in the result's stead.

        That exchange costs nothing, and what else follows from the operand comes for free.
        """
        lacking = {v.buffer for v in instruction.operands if not self._available(v, segment, depth)}
        if len(lacking) > 1:
            return False
        for number in lacking:
            if self._function.buffers[number].role is not Role.TEMPORARY:
                return False
            self._last_read[number] = segment
        return True

    def _available(self, view: View, segment: int, depth: int) -> bool:
        """Whether a value can be read in a segment without being kept for that alone."""
        buffer = self._function.buffers[view.buffer]
        if buffer.role is Role.CONSTANT or buffer.role is Role.INPUT:
            return True
        if buffer.role is not Role.TEMPORARY:
            return False
        small = buffer.bytes * 8 < _LEAST_BYTES
        if small or self._last_read.get(view.buffer, -1) >= segment:
            return True
        return self._can_repeat(view.buffer, segment, depth - 1)

    def _can_repeat(self, number: int, segment: int, depth: int) -> bool:
        writer = self._writer.get(number)
        if writer is None or depth <= 0:
            return False
        instruction = self._function.instructions[writer]
        return (
            instruction.opcode in _CHEAP
            and self._segment[writer] < segment
            and self._function.buffers[number].bytes >= _LEAST_BYTES
            and all(self._available(v, segment, depth) for v in instruction.operands)
        )

    def _last_reads(self, repeatable: bool = True) -> dict[int, int]:
        """The last segment that reads each buffer; that reads it by what needs it as it is."""
        last: dict[int, int] = {}
        for n, instruction in enumerate(self._function.instructions):
            if not repeatable and _blockable(instruction):
                continue
            for view in instruction.operands:
                last[view.buffer] = max(last.get(view.buffer, -1), self._segment[n])
        return last


def _single_writers(function: Function) -> dict[int, int]:
    """The instruction that writes a temporary, where there is one that writes all of it."""
    found: dict[int, int] = {}
    several: set[int] = set()
    for n, instruction in enumerate(function.instructions):
        for view in instruction.results:
            if view.buffer in found:
                several.add(view.buffer)
            elif _whole(view, function.buffers[view.buffer]):
                found[view.buffer] = n
            else:
                several.add(view.buffer)
    return {
        number: n
        for number, n in found.items()
        if number not in several and function.buffers[number].role is Role.TEMPORARY
    }


def _whole(view: View, buffer: Buffer) -> bool:
    count = 1
    for size in view.shape:
        count *= size
    return count == buffer.size


def _blockable(instruction: Instruction) -> bool:
    family = OPCODES[instruction.opcode].family
    return family in (Family.POINTWISE, Family.REDUCE)


def _segments(function: Function) -> list[int]:
    """A number for each instruction that grows where something other than pointwise work stands."""
    found: list[int] = []
    segment = 0
    for instruction in function.instructions:
        dots = instruction.opcode == "contract" and instruction.attributes[1:3] == (0, 0)
        if not _blockable(instruction) and not dots:
            segment += 1
            found.append(segment)
            segment += 1
        else:
            found.append(segment)
    return found
