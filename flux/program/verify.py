"""Proof that a Program is safe to run: every backend, and native code, relies on this alone.

Types and shapes fit the instruction set; every view stays inside its buffer, and every temporary
inside the arena; nothing is read before it is written, nor after another tensor has taken its
bytes; only results and state are written; a function calls only earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flux.errors import ProgramError
from flux.program.opcodes import OPCODES, Family, Row, accepts
from flux.program.types import (
    ROWS,
    Buffer,
    DType,
    Function,
    Instruction,
    Port,
    Program,
    Role,
    View,
)
from flux.program.written import Ranges, Written, distinct, span

MAX_ELEMENTS = 1 << 40
_MAX_DIMENSIONS = 32


def verify(program: Program) -> None:
    """Check a whole Program.

    Raises:
        ProgramError: with the function, the instruction and the rule that is broken.
    """
    if not program.functions:
        raise ProgramError("a Program has at least one function")
    for number, function in enumerate(program.functions):
        _Verification(function, program.functions[:number]).run()


class _Verification:
    """The checks of one function, and what is known while walking its instructions."""

    def __init__(self, function: Function, earlier: Sequence[Function]) -> None:
        self._function = function
        self._earlier = earlier
        self._where = f"function {function.name}"
        self._written = Written(function.buffers)

    def run(self) -> None:
        for size in (self._function.arena_bytes, self._function.row_bytes):
            self._require(0 <= size <= MAX_ELEMENTS, "an arena's size is out of range")
        for buffer in self._function.buffers:
            self._buffer(buffer)
        self._ports(self._function.inputs, (Role.INPUT, Role.STATE))
        self._ports(self._function.outputs, (Role.OUTPUT, Role.STATE))
        self._names()
        for number, instruction in enumerate(self._function.instructions):
            self._where = f"function {self._function.name}, instruction {number}"
            self._instruction(instruction)
        self._where = f"function {self._function.name}"
        for port in self._function.outputs:
            self._defined(port.view)
        self._invariant_head()

    def _require(self, holds: bool, rule: str) -> None:
        if not holds:
            raise ProgramError(f"{self._where}: {rule}")

    # Buffers, ports, views.

    def _buffer(self, buffer: Buffer) -> None:
        self._where = f"function {self._function.name}, buffer {buffer.name}"
        self._require(0 < buffer.size <= MAX_ELEMENTS, "a size is out of range")
        if buffer.role is Role.CONSTANT:
            self._require(buffer.size == 1 and not buffer.rows, "a constant has one element")
            self._require(_fits(buffer), "a constant's value is not of its type")
        if buffer.role is Role.TEMPORARY:
            arena = self._function.row_bytes if buffer.rows else self._function.arena_bytes
            inside = buffer.offset >= 0 and buffer.offset + buffer.bytes <= arena
            self._require(inside, "a temporary lies outside the arena")
            aligned = buffer.offset % buffer.dtype.itemsize == 0
            self._require(aligned, "a temporary is not aligned")
        self._where = f"function {self._function.name}"

    def _ports(self, ports: Sequence[Port], roles: tuple[Role, ...]) -> None:
        for port in ports:
            self._view(port.view)
            role = self._function.buffers[port.view.buffer].role
            self._require(
                role in roles, f"port {port.name} stands on a buffer of role {role.value}"
            )

    def _names(self) -> None:
        for ports in (self._function.inputs, self._function.outputs):
            names = [port.name for port in ports]
            self._require(len(set(names)) == len(names), "two ports have one name")

    def _view(self, view: View) -> None:
        self._require(0 <= view.buffer < len(self._function.buffers), "no such buffer")
        buffer = self._function.buffers[view.buffer]
        self._require(len(view.shape) == len(view.strides) <= _MAX_DIMENSIONS, "bad dimensions")
        last = view.offset
        rows = 0
        for size, stride in zip(view.shape, view.strides, strict=True):
            if size == ROWS:
                rows += 1
                expected = buffer.size if buffer.rows else 0
                self._require(stride == expected, "the row stride does not fit the buffer")
            else:
                good = size >= 1 and 0 <= stride <= MAX_ELEMENTS
                self._require(good, "a size or stride is out of range")
                last += (size - 1) * stride
        self._require(rows <= 1, "a view has two row dimensions")
        self._require(rows == 1 or not buffer.rows, "a view of rows needs the row dimension")
        self._require(view.offset >= 0 and last < buffer.size, "a view leaves its buffer")

    # Reading and writing.

    def _defined(self, view: View) -> None:
        buffer = self._function.buffers[view.buffer]
        if buffer.role in (Role.INPUT, Role.STATE, Role.CONSTANT):
            return
        known = self._written.holds(view)
        self._require(known, f"{buffer.name} is read before it is written")

    def _write(self, view: View) -> None:
        buffer = self._function.buffers[view.buffer]
        roles = (Role.OUTPUT, Role.STATE, Role.TEMPORARY)
        self._require(buffer.role in roles, f"{buffer.name} is written, but is {buffer.role.value}")
        self._require(distinct(view), "a result has one element at two positions")
        self._written.write(view)

    def _invariant_head(self) -> None:
        """The head reads nothing of the caller's, and nothing later touches what it wrote."""
        count = self._function.invariant
        self._require(0 <= count <= len(self._function.instructions), "bad invariant count")
        buffers = self._function.buffers
        head, rest = self._function.instructions[:count], self._function.instructions[count:]
        for i in head:
            self._invariant(i)
        kept = {True: Ranges(), False: Ranges()}
        for buffer in (buffers[view.buffer] for i in head for view in i.results):
            kept[buffer.rows].add(*_place(buffer))
        for target in (buffers[view.buffer] for i in rest for view in i.results):
            clash = target.role is Role.TEMPORARY and kept[target.rows].meets(*_place(target))
            self._require(not clash, "an invariant result is overwritten")

    def _invariant(self, instruction: Instruction) -> None:
        buffers = self._function.buffers
        for view in instruction.operands:
            own = buffers[view.buffer].role in (Role.CONSTANT, Role.TEMPORARY)
            self._require(own, "an invariant instruction reads an input")
        for view in instruction.results:
            inside = buffers[view.buffer].role is Role.TEMPORARY
            self._require(inside, "an invariant instruction writes for the caller")

    # Instructions.

    def _instruction(self, instruction: Instruction) -> None:
        row = OPCODES.get(instruction.opcode)
        if row is None:
            raise ProgramError(f"{self._where}: no opcode {instruction.opcode!r}")
        for view in (*instruction.operands, *instruction.results):
            self._view(view)
        for view in instruction.operands:
            if row.family is not Family.CALL:
                self._defined(view)
        if row.family is not Family.CALL:
            self._plain(instruction, row)
        _FAMILY_RULES[row.family](self, instruction)
        for view in instruction.results:
            self._write(view)

    def _plain(self, instruction: Instruction, row: Row) -> None:
        count = len(instruction.operands)
        self._require(len(instruction.results) == 1, "one result is needed")
        self._require(row.arity in (-1, count), f"{instruction.opcode} takes {row.arity} operands")
        operands = tuple(self._dtype(v) for v in instruction.operands)
        result = self._dtype(instruction.results[0])
        self._require(
            accepts(row.types, operands, result), f"the types do not fit {instruction.opcode}"
        )

    def _dtype(self, view: View) -> DType:
        return self._function.buffers[view.buffer].dtype

    def _shared(self, view: View, result: View) -> bool:
        """Whether an operand and a result may share bytes."""
        if view.buffer == result.buffer:
            (start, stop), (first, last) = span(view), span(result)
            return start < last and first < stop
        source, target = (self._function.buffers[v.buffer] for v in (view, result))
        return source.role is target.role is Role.TEMPORARY and _overlap(source, target)

    def _apart(self, instruction: Instruction) -> None:
        """No operand shares bytes with the result."""
        result = instruction.results[0]
        shared = any(self._shared(view, result) for view in instruction.operands)
        self._require(not shared, "an operand shares bytes with the result")

    def _pointwise(self, instruction: Instruction) -> None:
        result = instruction.results[0]
        for view in instruction.operands:
            self._require(view.shape == result.shape, "an operand's shape is not the result's")
            fits = not self._shared(view, result) or self._in_place(view, result)
            self._require(fits, "a result overwrites an operand out of step")

    def _in_place(self, view: View, result: View) -> bool:
        """Whether every element of the result takes the place of the operand's own one."""
        source, target = (self._function.buffers[v.buffer] for v in (view, result))
        same = (source.offset, source.size, source.dtype) == (
            target.offset,
            target.size,
            target.dtype,
        )
        return same and (view.offset, view.strides) == (result.offset, result.strides)

    def _move(self, instruction: Instruction) -> None:
        shape = instruction.results[0].shape
        if instruction.opcode == "iota":
            dimension = self._integer(instruction, 0)
            self._require(0 <= dimension < len(shape), "no such dimension")
            self._require(ROWS not in shape, "iota has no rows")
        elif instruction.opcode == "fill":
            self._require(instruction.operands[0].shape == (), "fill takes one value")
        else:
            scalars = all(view.shape == () for view in instruction.operands)
            integers = all(self._dtype(v) is DType.INT64 for v in instruction.operands)
            floating = self._dtype(instruction.results[0]).floating
            self._require(
                scalars and integers and floating, "random takes an integer seed and step"
            )
            site = instruction.attributes[:1]
            named = len(site) == 1 and isinstance(site[0], str)
            self._require(named and ROWS not in shape, "random needs a site, and has no rows")

    def _reduce(self, instruction: Instruction) -> None:
        self._apart(instruction)
        x, result = instruction.operands[0], instruction.results[0]
        removed = instruction.attributes[0] if instruction.attributes else None
        good = isinstance(removed, tuple) and all(
            isinstance(d, int) and 0 <= d < len(x.shape) and x.shape[d] != ROWS for d in removed
        )
        self._require(good and bool(removed), "bad dimensions to reduce")
        assert isinstance(removed, tuple)
        single = len(removed) == 1 or instruction.opcode != "argmax"
        self._require(single and len(set(removed)) == len(removed), "bad dimensions to reduce")
        kept = tuple(s for d, s in enumerate(x.shape) if d not in removed)
        self._require(kept == result.shape, "the result's shape is not what is left")

    def _contract(self, instruction: Instruction) -> None:
        self._apart(instruction)
        counts = instruction.attributes
        good = len(counts) == 4 and all(isinstance(c, int) and c >= 0 for c in counts)
        self._require(good, "contract needs four counts")
        batch, m, n, k = (c for c in counts if isinstance(c, int))
        self._require(k >= 1 and batch + m + n + k <= _MAX_DIMENSIONS, "bad counts")
        a, b = instruction.operands
        out = instruction.results[0].shape
        self._require(len(a.shape) == batch + m + k and len(b.shape) == batch + k + n, "bad counts")
        head, rows, inner = a.shape[:batch], a.shape[batch : batch + m], a.shape[batch + m :]
        self._require(b.shape[: batch + k] == head + inner, "the operands do not fit")
        self._require(ROWS not in inner, "the row space cannot be summed over")
        self._require(out == head + rows + b.shape[batch + k :], "the result does not fit")

    def _access(self, instruction: Instruction) -> None:
        self._apart(instruction)
        gather = instruction.opcode == "gather"
        self._require(len(instruction.operands) >= 2, f"{instruction.opcode} needs an index")
        x, *indices = instruction.operands
        result = instruction.results[0]
        walked, described = (result, x) if gather else (x, result)
        same = self._dtype(x) is self._dtype(result)
        self._require(same, "the operand and the result are of different types")
        for view in indices:
            self._require(self._dtype(view) is DType.INT64, "an index is not an integer")
            self._require(view.shape == walked.shape, "an index has another shape")
        plan = instruction.attributes[0] if instruction.attributes else None
        good = isinstance(plan, tuple) and len(plan) == len(described.shape)
        self._require(good, "bad description of the dimensions")
        assert isinstance(plan, tuple)
        for entry, size in zip(plan, described.shape, strict=True):
            self._entry(entry, size, walked.shape, len(indices))
        used = [number for kind, number in plan if kind == 1]
        self._require(sorted(used) == list(range(len(indices))), "an index is not used once")
        stays = [number for kind, number in plan if kind == 0]
        self._require(len(set(stays)) == len(stays), "a dimension is used twice")

    def _entry(self, entry: object, size: int, shape: tuple[int, ...], indices: int) -> None:
        good = (
            isinstance(entry, tuple)
            and len(entry) == 2
            and all(isinstance(part, int) for part in entry)
            and entry[0] in (0, 1)
        )
        self._require(good, "bad description of a dimension")
        assert isinstance(entry, tuple)
        kind, number = entry
        if kind == 1:
            self._require(0 <= number < indices and size != ROWS, "no such index")
        else:
            inside = 0 <= number < len(shape) and shape[number] == size
            self._require(inside, "a dimension does not fit")

    def _integer(self, instruction: Instruction, number: int) -> int:
        attributes = instruction.attributes
        good = len(attributes) > number and isinstance(attributes[number], int)
        self._require(good, "a whole number is missing")
        value = attributes[number]
        assert isinstance(value, int)
        return value

    def _call(self, instruction: Instruction) -> None:
        callee = self._callee(instruction)
        if instruction.opcode == "map":
            self._map(instruction, callee)
            return
        self._require(not callee.has_rows, "a called function has no rows")
        count = self._integer(instruction, 1) if instruction.opcode == "iterate" else 1
        self._require(0 < count <= MAX_ELEMENTS, "an iteration count is out of range")
        sources, targets = called_ports(callee)
        self._require(len(instruction.operands) == len(sources), "wrong number of operands")
        self._require(len(instruction.results) == len(targets) + 1, "wrong number of results")
        for view, port in zip(instruction.operands, sources, strict=True):
            self._argument(view, callee, port, instruction)
            self._defined(view)
        for view, port in zip(instruction.results[1:], targets, strict=True):
            self._argument(view, callee, port, instruction)
        self._own_bytes(instruction, callee, instruction.results[1:])
        scratch = instruction.results[0]
        held = self._function.buffers[scratch.buffer]
        enough = held.role is Role.TEMPORARY and held.bytes >= callee.arena_bytes
        self._require(enough, "the called function's arena does not fit")

    def _map(self, instruction: Instruction, callee: Function) -> None:
        rows = self._integer(instruction, 1)
        self._require(0 < rows <= MAX_ELEMENTS, "a number of rows is out of range")
        self._require(callee.has_rows, "map needs a function with rows")
        sources, targets = called_ports(callee)
        self._require(len(instruction.operands) == len(sources), "wrong number of operands")
        self._require(len(instruction.results) == len(targets), "wrong number of results")
        for view, number in zip(instruction.operands, sources, strict=True):
            self._window(view, callee.buffers[number], rows)
            self._defined(view)
        for view, number in zip(instruction.results, targets, strict=True):
            self._window(view, callee.buffers[number], rows)
        self._own_bytes(instruction, callee, instruction.results)

    def _own_bytes(
        self, instruction: Instruction, callee: Function, results: Sequence[View]
    ) -> None:
        """State is the same view before and after; no other result shares bytes with anything."""
        sources, targets = called_ports(callee)
        given = dict(zip(sources, instruction.operands, strict=True))
        made = dict(zip(targets, results, strict=True))
        taken: dict[object, Ranges] = {}
        for view in instruction.results:
            memory, start, stop = self._bytes(view)
            ranges = taken.setdefault(memory, Ranges())
            self._require(not ranges.meets(start, stop), "two results share bytes")
            ranges.add(start, stop)
        for number, view in given.items():
            if number in made:
                self._require(view == made[number], "state is not overwritten in place")
                continue
            memory, start, stop = self._bytes(view)
            shared = memory in taken and taken[memory].meets(start, stop)
            self._require(not shared, "an operand shares bytes with a result")

    def _bytes(self, view: View) -> tuple[object, int, int]:
        """The memory that a view lies in, and the range of its bytes there."""
        buffer = self._function.buffers[view.buffer]
        start, stop = (n * buffer.dtype.itemsize for n in span(view))
        if buffer.role is Role.TEMPORARY:
            return None, buffer.offset + start, buffer.offset + stop
        return view.buffer, start, stop

    def _window(self, view: View, wanted: Buffer, rows: int) -> None:
        count = wanted.size * (rows if wanted.rows else 1)
        fits = view.shape == (count,) and view.strides == (1,)
        self._require(fits, f"argument {wanted.name} does not fit")
        self._require(self._dtype(view) is wanted.dtype, f"argument {wanted.name} has another type")

    def _callee(self, instruction: Instruction) -> Function:
        number = self._integer(instruction, 0)
        self._require(0 <= number < len(self._earlier), "only an earlier function can be called")
        return self._earlier[number]

    def _argument(
        self, view: View, callee: Function, number: int, instruction: Instruction
    ) -> None:
        wanted = callee.buffers[number]
        good = self._dtype(view) is wanted.dtype
        self._require(good, f"argument {wanted.name} is of another type")
        steps = self._steps(instruction)
        shape = (steps, wanted.size) if len(view.shape) == 2 else (wanted.size,)
        strided = view.strides[-1:] in ((1,), ()) or wanted.size == 1
        self._require(view.shape == shape and strided, f"argument {wanted.name} does not fit")

    def _steps(self, instruction: Instruction) -> int:
        return self._integer(instruction, 1) if instruction.opcode == "iterate" else 1


def called_ports(callee: Function) -> tuple[list[int], list[int]]:
    """The caller's buffers of a function, by number: those that it reads, those that it writes."""
    numbers = range(len(callee.buffers))
    roles = [callee.buffers[n].role for n in numbers]
    sources = [n for n in numbers if roles[n] in (Role.INPUT, Role.STATE)]
    targets = [n for n in numbers if roles[n] in (Role.OUTPUT, Role.STATE)]
    return sources, targets


_FAMILY_RULES: Mapping[Family, Callable[[_Verification, Instruction], None]] = {
    Family.POINTWISE: _Verification._pointwise,
    Family.MOVE: _Verification._move,
    Family.REDUCE: _Verification._reduce,
    Family.CONTRACT: _Verification._contract,
    Family.ACCESS: _Verification._access,
    Family.CALL: _Verification._call,
}


def _place(buffer: Buffer) -> tuple[int, int]:
    return buffer.offset, buffer.offset + buffer.bytes


def _overlap(a: Buffer, b: Buffer) -> bool:
    return a.rows == b.rows and a.offset < b.offset + b.bytes and b.offset < a.offset + a.bytes


def _fits(buffer: Buffer) -> bool:
    kinds: dict[DType, type] = {DType.BOOL: bool, DType.INT64: int}
    kind = kinds.get(buffer.dtype, float)
    return type(buffer.value) is kind and (kind is not int or abs(buffer.value) < 1 << 63)
