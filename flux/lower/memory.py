"""The memory plan: where in the arena each temporary lies, known before a run starts.

Temporaries whose live ranges do not overlap share bytes. A pointwise result takes the place of an
operand that is read there for the last time. What the invariant instructions at the head of a
function compute is kept for all runs, so its place is never given away.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from flux.program.opcodes import OPCODES, Family
from flux.program.types import Buffer, Function, Instruction, Role, View

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass(slots=True)
class _Range:
    """The instructions between which a temporary is needed, and its size in bytes."""

    buffer: int
    size: int
    start: int
    end: int


def plan(function: Function) -> Function:
    """The function with offsets for its temporaries, and its arena's size."""
    place = _shared_places(function)
    ranges = _ranges(function, place)
    buffers = list(function.buffers)
    totals = {}
    for rows in (False, True):
        chosen = [r for r in ranges if buffers[r.buffer].rows == rows]
        totals[rows] = _assign(chosen, buffers, 1 if rows else ALIGNMENT)
    for number, owner in place.items():
        buffers[number] = replace(buffers[number], offset=buffers[owner].offset)
    return replace(
        function, buffers=tuple(buffers), arena_bytes=totals[False], row_bytes=totals[True]
    )


def _shared_places(function: Function) -> dict[int, int]:
    """For each temporary, the one whose bytes it uses: itself, or a dying operand's."""
    return _Sharing(function).run()


class _Sharing:
    def __init__(self, function: Function) -> None:
        self._function = function
        self._buffers = function.buffers
        self._last = _last_reads(function)
        self._kept = _head_results(function)
        self._place: dict[int, int] = {}
        self._ends: dict[int, int] = {}

    def run(self) -> dict[int, int]:
        for n, instruction in enumerate(self._function.instructions):
            for result in instruction.results:
                number = result.buffer
                if self._buffers[number].role is Role.TEMPORARY and number not in self._place:
                    owner = self._donor(instruction, n)
                    self._place[number] = number if owner is None else owner
                    self._ends[self._place[number]] = self._last.get(number, n)
        return self._place

    def _donor(self, instruction: Instruction, at: int) -> int | None:
        """The place of an operand that is read for the last time, if the result may have it."""
        result = instruction.results[0]
        if at < self._function.invariant:
            return None
        for view in _replaceable(instruction):
            owner = self._place.get(view.buffer)
            if (
                owner is not None
                and owner not in self._kept
                and self._last.get(view.buffer) == at == self._ends[owner]
                and self._alike(view, result)
                and all(v == view for v in instruction.operands if v.buffer == view.buffer)
            ):
                return owner
        return None

    def _alike(self, view: View, result: View) -> bool:
        """Whether two views are all of two buffers of one kind, element for element."""
        a, b = self._buffers[view.buffer], self._buffers[result.buffer]
        return (
            (a.dtype, a.size, a.rows) == (b.dtype, b.size, b.rows)
            and (view.offset, view.strides) == (result.offset, result.strides)
            and _whole(a, view)
        )


def _replaceable(instruction: Instruction) -> Sequence[View]:
    """The operands in whose place the result may be written."""
    if OPCODES[instruction.opcode].family is not Family.POINTWISE:
        return ()
    if instruction.opcode == "where":
        return instruction.operands[2:]  # the result starts as the last operand
    return instruction.operands


def _whole(buffer: Buffer, view: View) -> bool:
    count = 1
    for size in view.shape:
        count *= size if size > 0 else 1
    return count == buffer.size


def _head_results(function: Function) -> set[int]:
    """The buffers that the invariant instructions write: they are kept for all runs."""
    return {v.buffer for i in function.instructions[: function.invariant] for v in i.results}


def _last_reads(function: Function) -> dict[int, int]:
    return {
        view.buffer: n
        for n, instruction in enumerate(function.instructions)
        for view in instruction.operands
    }


def _ranges(function: Function, place: dict[int, int]) -> list[_Range]:
    kept = _head_results(function)
    found: dict[int, _Range] = {}
    for n, instruction in enumerate(function.instructions):
        for view in (*instruction.results, *instruction.operands):
            owner = place.get(view.buffer)
            if owner is None:
                continue
            known = found.get(owner)
            if known is None:
                found[owner] = _Range(owner, function.buffers[owner].bytes, n, n)
            else:
                known.end = n
    for number in kept & found.keys():
        found[number].start, found[number].end = 0, len(function.instructions)
    return list(found.values())


def _assign(ranges: Iterable[_Range], buffers: list[Buffer], alignment: int) -> int:
    """Give each range the smallest gap that is free when its life starts; the bytes in all."""
    arena = _Arena()
    ending: list[tuple[int, int, int, int]] = []  # a heap of (end, offset, size, buffer)
    for r in sorted(ranges, key=lambda r: (r.start, -r.size, r.buffer)):
        while ending and ending[0][0] < r.start:
            _, offset, size, _ = heapq.heappop(ending)
            arena.free(offset, size)
        step = max(alignment, buffers[r.buffer].dtype.itemsize)
        size = -(-r.size // step) * step
        offset = arena.take(size, step)
        heapq.heappush(ending, (r.end, offset, size, r.buffer))
        buffers[r.buffer] = replace(buffers[r.buffer], offset=offset)
    return -(-arena.top // max(alignment, 8)) * max(alignment, 8)


class _Arena:
    """Bytes from 0 to `top`, of which the gaps, in order of offset, are free."""

    def __init__(self) -> None:
        self.top = 0
        self._gaps: list[tuple[int, int]] = []  # (offset, size)

    def take(self, size: int, step: int) -> int:
        """The offset of a free run of bytes, a multiple of step: the best gap, or the end."""
        best, waste = -1, 0
        for n, (offset, room) in enumerate(self._gaps):
            left = room - size - (-offset % step)
            if left >= 0 and (best < 0 or left < waste):
                best, waste = n, left
        if best < 0:
            return self._grow(size, step)
        offset, room = self._gaps.pop(best)
        start = offset + -offset % step
        self._keep(offset, start - offset)
        self._keep(start + size, offset + room - start - size)
        return start

    def _grow(self, size: int, step: int) -> int:
        start = self.top
        if self._gaps and sum(self._gaps[-1]) == self.top:
            start = self._gaps.pop()[0]  # a gap at the end is too small, but a beginning
        aligned = start + -start % step
        self._keep(start, aligned - start)
        self.top = aligned + size
        return aligned

    def _keep(self, offset: int, size: int) -> None:
        if size > 0:
            insort(self._gaps, (offset, size))

    def free(self, offset: int, size: int) -> None:
        """Give bytes back; neighbouring gaps become one."""
        at = bisect_left(self._gaps, (offset, 0))
        if at < len(self._gaps) and self._gaps[at][0] == offset + size:
            size += self._gaps.pop(at)[1]
        if at and sum(self._gaps[at - 1]) == offset:
            offset, before = self._gaps.pop(at - 1)
            size += before
        insort(self._gaps, (offset, size))
