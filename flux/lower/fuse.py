"""Row blocks: runs of pointwise work on large tensors become functions over rows.

Above the L2 cache's size, unfused pointwise work costs as much as matrix products. A run of
neighbouring instructions that all treat one leading extent alike (pointwise ones, and reductions
along what is inside a row) becomes a function with that extent as its row space, called by `map`:
a backend runs it block by block, and what only the run needs never leaves the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd

from flux.lower.memory import plan
from flux.program.opcodes import OPCODES, Family
from flux.program.types import (
    ROWS,
    Buffer,
    Function,
    Instruction,
    Port,
    Program,
    Role,
    View,
    contiguous,
)

_LEAST_BYTES = 1 << 19  # a run that touches less stays in the cache as it is
_ROW_BYTES = 1 << 16  # rows larger than this would not leave room for a block
_LEAST_ROWS = 8


def fuse(program: Program) -> Program:
    """The Program with its entry's large pointwise runs as functions over rows."""
    fusion = _Fusion(program.entry, len(program.functions) - 1)
    entry, made = fusion.run()
    if not made:
        return program
    return replace(program, functions=(*program.functions[:-1], *made, entry))


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbouring instructions that run over the same rows."""

    start: int
    stop: int
    rows: int


class _Fusion:
    def __init__(self, function: Function, first: int) -> None:
        self._function = function
        self._first = first
        self._made: list[Function] = []

    def run(self) -> tuple[Function, list[Function]]:
        function = self._function
        groups = {group.start: group for group in self._groups()}
        instructions: list[Instruction] = []
        at = 0
        while at < len(function.instructions):
            group = groups.get(at)
            if group is None:
                instructions.append(function.instructions[at])
                at += 1
            else:
                instructions.append(self._map(group))
                at = group.stop
        used = _used_only(replace(function, instructions=tuple(instructions)))
        return plan(used), self._made

    # Which instructions form a group.

    def _groups(self) -> list[_Group]:
        found: list[_Group] = []
        at = self._function.invariant
        count = len(self._function.instructions)
        while at < count:
            group = self._grow(at)
            if group.stop - group.start > 1 and self._large(group):
                found.append(group)
            at = max(group.stop, at + 1)
        return found

    def _grow(self, start: int) -> _Group:
        rows, stop = 0, start
        while stop < len(self._function.instructions):
            instruction = self._function.instructions[stop]
            extent = _leading(instruction)
            together = gcd(rows, extent)
            if extent == 0 or together < _LEAST_ROWS or (rows and together != min(rows, extent)):
                break
            if not all(
                self._splits(i, together) for i in self._function.instructions[start : stop + 1]
            ):
                break
            if not self._consistent(start, stop + 1, together):
                break
            rows, stop = together, stop + 1
        return _Group(start, stop, rows)

    def _splits(self, instruction: Instruction, rows: int) -> bool:
        """Whether every view is one narrow row after another, each inside its own stride."""
        views = (*instruction.results, *instruction.operands)
        return all(_view_splits(view, rows, self._buffer(view)) for view in views)

    def _consistent(self, start: int, stop: int, rows: int) -> bool:
        """Whether every buffer that the run writes is cut into the same rows by all its views."""
        body = self._function.instructions[start:stop]
        written = {view.buffer for i in body for view in i.results}
        cuts: dict[int, set[tuple[int, int]]] = {}
        for i in body:
            for view in (*i.results, *i.operands):
                if view.buffer in written:
                    step = _row_stride(view, rows)
                    base = _base(view, step, rows, self._buffer(view).size)
                    cuts.setdefault(view.buffer, set()).add((step, base))
        return all(len(found) == 1 and next(iter(found))[0] > 0 for found in cuts.values())

    def _large(self, group: _Group) -> bool:
        body = self._function.instructions[group.start : group.stop]
        views = {(v.buffer, v.offset): v for i in body for v in (*i.results, *i.operands)}
        total = sum(_elements(v) * self._buffer(v).dtype.itemsize for v in views.values())
        return total >= _LEAST_BYTES

    def _buffer(self, view: View) -> Buffer:
        return self._function.buffers[view.buffer]

    # The function of a group, and the instruction that runs it.

    def _map(self, group: _Group) -> Instruction:
        body = self._function.instructions[group.start : group.stop]
        outline = _Outline(self._function, group, self._outside(group))
        for instruction in body:
            outline.add(instruction)
        self._made.append(outline.function(f"rows{len(self._made)}"))
        number = self._first + len(self._made) - 1
        layers = list(dict.fromkeys(i.layer for i in body if i.layer))
        places = tuple(dict.fromkeys(p for i in body for p in i.places))[:8]
        return Instruction(
            "map",
            tuple(outline.results),
            tuple(outline.operands),
            (number, group.rows),
            layers[0] if len(layers) == 1 else "",
            places,
        )

    def _outside(self, group: _Group) -> set[int]:
        """Buffers that something outside the group touches, or that the caller sees."""
        outside = {n for n, b in enumerate(self._function.buffers) if b.role is not Role.TEMPORARY}
        for n, instruction in enumerate(self._function.instructions):
            if not group.start <= n < group.stop:
                outside.update(v.buffer for v in (*instruction.results, *instruction.operands))
        return outside


class _Outline:
    """A function over rows that is cut out of another one."""

    def __init__(self, caller: Function, group: _Group, outside: set[int]) -> None:
        self._caller = caller
        self._rows = group.rows
        self._outside = outside
        body = caller.instructions[group.start : group.stop]
        self._writes = {v.buffer for i in body for v in i.results}
        self._numbers: dict[tuple[int, int, int], int] = {}
        self._windows: dict[int, tuple[int, int]] = {}  # the caller's buffer, and where in it
        self._buffers: list[Buffer] = []
        self._read_first: set[int] = set()
        self._written: set[int] = set()
        self._instructions: list[Instruction] = []

    def add(self, instruction: Instruction) -> None:
        """Append one instruction, over rows."""
        operands = tuple(self._view(v) for v in instruction.operands)
        for view in operands:
            if view.buffer not in self._written:
                self._read_first.add(view.buffer)
        results = tuple(self._view(v) for v in instruction.results)
        self._written.update(view.buffer for view in results)
        attributes = _inner_attributes(instruction, self._rows)
        self._instructions.append(
            replace(instruction, results=results, operands=operands, attributes=attributes)
        )

    def _view(self, view: View) -> View:
        buffer = self._caller.buffers[view.buffer]
        if buffer.role is Role.CONSTANT:
            number = self._number((view.buffer, 0, 0), buffer)
            strides = (0,) * (len(_inner(view, self._rows)[0]) + 1)
            return View(number, 0, (ROWS, *_inner(view, self._rows)[0]), strides)
        step = _row_stride(view, self._rows)
        base = _base(view, step, self._rows, buffer.size)
        shape, strides = _inner(view, self._rows)
        size = step or _extent(shape, strides)
        number = self._number(
            (view.buffer, step, base),
            Buffer(buffer.name, buffer.dtype, size, Role.TEMPORARY, step > 0, shape=(size,)),
        )
        if view.buffer in self._outside:
            self._windows[number] = (view.buffer, base)
        return View(number, view.offset - base, (ROWS, *shape), (step, *strides))

    def _number(self, key: tuple[int, int, int], buffer: Buffer) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._buffers)
            self._buffers.append(buffer)
        known = self._buffers[number]
        if buffer.size > known.size and not known.rows:
            self._buffers[number] = buffer
        return number

    def function(self, name: str) -> Function:
        """The function, planned."""
        inputs: list[Port] = []
        outputs: list[Port] = []
        buffers = list(self._buffers)
        for number in self._windows:
            role = self._role(number)
            shown = f"{buffers[number].name}.{number}"
            buffers[number] = replace(buffers[number], role=role, name=shown)
            port = Port(shown, _whole(number, buffers[number]))
            if role is not Role.OUTPUT:
                inputs.append(port)
            if role is not Role.INPUT:
                outputs.append(port)
        return plan(
            Function(name, tuple(buffers), tuple(inputs), tuple(outputs), tuple(self._instructions))
        )

    def _role(self, number: int) -> Role:
        if number not in self._written:
            return Role.INPUT
        return Role.STATE if number in self._read_first else Role.OUTPUT

    @property
    def operands(self) -> list[View]:
        """The caller's windows that the function reads, in the order of its buffers."""
        return [self._window(n) for n in sorted(self._windows) if self._role(n) is not Role.OUTPUT]

    @property
    def results(self) -> list[View]:
        """The caller's windows that the function writes, in the order of its buffers."""
        return [self._window(n) for n in sorted(self._windows) if self._role(n) is not Role.INPUT]

    def _window(self, number: int) -> View:
        buffer = self._buffers[number]
        count = buffer.size * self._rows if buffer.rows else buffer.size
        return View(*self._windows[number], (count,), (1,))


def _whole(number: int, buffer: Buffer) -> View:
    shape = (ROWS, buffer.size) if buffer.rows else (buffer.size,)
    return View(number, 0, shape, contiguous((1, buffer.size)) if buffer.rows else (1,))


def _used_only(function: Function) -> Function:
    """The function without the temporaries that nothing touches any more."""
    used = {v.buffer for i in function.instructions for v in (*i.results, *i.operands)}
    used.update(p.view.buffer for p in (*function.inputs, *function.outputs))
    kept = [n for n, b in enumerate(function.buffers) if n in used]
    number = {old: new for new, old in enumerate(kept)}

    def moved(view: View) -> View:
        return replace(view, buffer=number[view.buffer])

    return replace(
        function,
        buffers=tuple(function.buffers[n] for n in kept),
        inputs=tuple(replace(p, view=moved(p.view)) for p in function.inputs),
        outputs=tuple(replace(p, view=moved(p.view)) for p in function.outputs),
        instructions=tuple(
            replace(
                i,
                results=tuple(map(moved, i.results)),
                operands=tuple(map(moved, i.operands)),
            )
            for i in function.instructions
        ),
    )


# How views are cut into rows.


def _elements(view: View) -> int:
    count = 1
    for size in view.shape:
        count *= size
    return count


def _leading(instruction: Instruction) -> int:
    """The extent that could serve as rows; 0 where the instruction cannot be cut."""
    family = OPCODES[instruction.opcode].family
    shape = instruction.results[0].shape
    if not shape or ROWS in shape:
        return 0
    if family is Family.POINTWISE:
        return shape[0]
    if family is Family.REDUCE:
        removed = instruction.attributes[0]
        assert isinstance(removed, tuple)
        return shape[0] if 0 not in removed and instruction.opcode != "argmax" else 0
    if instruction.opcode == "contract":
        batch, m, n, _ = instruction.attributes
        return shape[0] if batch and m == n == 0 else 0
    return 0


def _view_splits(view: View, rows: int, buffer: Buffer) -> bool:
    if not view.shape or view.shape[0] % rows:
        return False
    inner = _extent(*_inner(view, rows))
    if inner * buffer.dtype.itemsize > _ROW_BYTES:
        return False
    step = _row_stride(view, rows)
    base = _base(view, step, rows, buffer.size)
    return step == 0 or (view.offset - base + inner <= step and base + step * rows <= buffer.size)


def _row_stride(view: View, rows: int) -> int:
    return view.strides[0] * (view.shape[0] // rows)


def _base(view: View, step: int, rows: int, size: int) -> int:
    """Where the window on the buffer starts, which holds whole rows only."""
    return view.offset if view.offset + step * rows <= size else view.offset - view.offset % step


def _inner(view: View, rows: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shape and strides inside one row."""
    part = view.shape[0] // rows
    if part == 1:
        return view.shape[1:], view.strides[1:]
    return (part, *view.shape[1:]), view.strides


def _extent(shape: Sequence[int], strides: Sequence[int]) -> int:
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))


def _inner_attributes(instruction: Instruction, rows: int) -> tuple[object, ...]:
    """Attributes over rows: a leading extent that is cut in two moves the dimensions behind it."""
    extent = instruction.results[0].shape[0]
    moved = 0 if extent == rows else 1
    if instruction.opcode == "contract":
        batch, m, n, k = instruction.attributes
        assert isinstance(batch, int)
        return (batch + moved, m, n, k)
    if OPCODES[instruction.opcode].family is Family.REDUCE:
        removed = instruction.attributes[0]
        assert isinstance(removed, tuple)
        return (tuple(d + moved for d in removed),)
    return instruction.attributes
