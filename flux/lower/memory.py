"""The memory plan: where in the arena each temporary lies, known before a run starts.

Temporaries whose live ranges do not overlap share bytes. A pointwise result takes the place of an
operand that is read there for the last time. What the invariant instructions at the head of a
function compute is kept for all runs, so its place is never given away.
"""

from __future__ import annotations

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
    last = _last_reads(function)
    first = _first_writes(function)
    place: dict[int, int] = {}
    ends: dict[int, int] = {}
    for n, instruction in enumerate(function.instructions):
        for result in instruction.results:
            number = result.buffer
            if function.buffers[number].role is not Role.TEMPORARY or number in place:
                continue
            donor = _donor(function, instruction, n, last, place, ends)
            if donor is not None and first[number] == n:
                place[number] = donor
                ends[donor] = last.get(number, n)
            else:
                place[number] = number
                ends[number] = last.get(number, n)
    return place


def _donor(
    function: Function,
    instruction: Instruction,
    at: int,
    last: dict[int, int],
    place: dict[int, int],
    ends: dict[int, int],
) -> int | None:
    result = instruction.results[0]
    target = function.buffers[result.buffer]
    for view in _replaceable(instruction):
        buffer = function.buffers[view.buffer]
        same = (
            buffer.role is Role.TEMPORARY
            and (buffer.dtype, buffer.size, buffer.rows) == (target.dtype, target.size, target.rows)
            and (view.offset, view.strides) == (result.offset, result.strides)
        )
        if not same or last.get(view.buffer) != at or at < function.invariant:
            continue
        owner = place[view.buffer]
        kept = _invariant(function, owner)
        if (
            not kept
            and ends[owner] == at
            and _whole(buffer, view)
            and _read_once(instruction, view)
        ):
            return owner
    return None


def _read_once(instruction: Instruction, view: View) -> bool:
    """Whether all operands on the view's buffer are that very view: none sees the result."""
    return all(v == view for v in instruction.operands if v.buffer == view.buffer)


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


def _invariant(function: Function, number: int) -> bool:
    head = function.instructions[: function.invariant]
    return any(view.buffer == number for i in head for view in i.results)


def _last_reads(function: Function) -> dict[int, int]:
    return {
        view.buffer: n
        for n, instruction in enumerate(function.instructions)
        for view in instruction.operands
    }


def _first_writes(function: Function) -> dict[int, int]:
    found: dict[int, int] = {}
    for n, instruction in enumerate(function.instructions):
        for view in instruction.results:
            found.setdefault(view.buffer, n)
    return found


def _ranges(function: Function, place: dict[int, int]) -> list[_Range]:
    kept = {v.buffer for i in function.instructions[: function.invariant] for v in i.results}
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
    """Give each range the lowest offset free over its life, largest first; the bytes in all."""
    placed: list[tuple[int, int, _Range]] = []
    total = 0
    for r in sorted(ranges, key=lambda r: (-r.size, r.start)):
        offset = 0
        item = buffers[r.buffer].dtype.itemsize
        step = max(alignment, item)
        busy = sorted(
            (start, end) for start, end, p in placed if p.start <= r.end and r.start <= p.end
        )
        for start, end in busy:
            if start - offset >= r.size:
                break
            offset = max(offset, -(-end // step) * step)
        placed.append((offset, offset + r.size, r))
        buffers[r.buffer] = replace(buffers[r.buffer], offset=offset)
        total = max(total, offset + r.size)
    return -(-total // ALIGNMENT) * ALIGNMENT if alignment > 1 else -(-total // 8) * 8
