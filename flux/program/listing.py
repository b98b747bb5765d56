"""A Program as text: what `flux show --stage program` prints.

Each function lists its ports, its buffers and its instructions, with what every instruction costs:
bytes of the elements that it reads and writes (a broadcast one once), and floating-point operations
by `flux.program.opcodes`. Where a function has rows, costs are for one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from flux.program.opcodes import OPCODES, Family
from flux.program.types import ROWS, Buffer, Function, Instruction, Port, Program, Role, View
from flux.source import printable

_WIDEST = 78  # instructions longer than this do not push the columns of the others to the right


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes moved and floating-point operations."""

    bytes: int = 0
    flops: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.bytes + other.bytes, self.flops + other.flops)

    def times(self, count: int) -> Cost:
        """The cost of doing it `count` times."""
        return Cost(self.bytes * count, self.flops * count)


def listing(program: Program) -> str:
    """The Program as text, one line an instruction, with totals.

    `contract(mk, kn)` names the dimensions of its two operands; `gather(i0, d1)` takes the first
    dimension from its first index, and the second as it is. In `w@12[3, 1]` the view starts at
    element 12 of w, and is constant along its second dimension. An asterisk marks the invariant
    head: instructions that depend on no input, which a backend runs once. Memory of rows, and
    costs of functions that have rows, are for one row.
    """
    totals: list[Cost] = []
    blocks: list[str] = []
    for function in program.functions:
        costs = [cost(i, function, totals) for i in function.instructions]
        totals.append(_total(costs))
        blocks.append("\n".join(_function(program, function, costs)))
    return "\n\n".join([_headline(program), *blocks])


def cost_of(program: Program) -> Cost:
    """What one run of a Program's entry costs."""
    totals: list[Cost] = []
    for function in program.functions:
        totals.append(_total(cost(i, function, totals) for i in function.instructions))
    return totals[program.functions.index(program.entry)]


def _headline(program: Program) -> str:
    count = len(program.functions)
    sizes = ", ".join(f"{_name(axis)} = {size}" for axis, size in program.sizes)
    text = f"program: {count} function{'s' if count > 1 else ''}"
    return f"{text}, sizes {sizes}" if sizes else text


def _function(program: Program, function: Function, costs: Sequence[Cost]) -> list[str]:
    lines = [f"function {_name(function.name)}"]
    for title, ports in (("inputs", function.inputs), ("outputs", function.outputs)):
        lines += _section(title, [_port(function, port) for port in ports])
    for role in (Role.CONSTANT, Role.TEMPORARY):
        found = [b for b in function.buffers if b.role is role]
        lines += _section(_TITLES[role], [_BUFFER_ROWS[role](b) for b in found])
    lines += _instructions(program, function, costs)
    lines.append(_summary(function, _total(costs)))
    return lines


# Ports and buffers.

_TITLES = {Role.CONSTANT: "constants", Role.TEMPORARY: "temporaries"}


def _port(function: Function, port: Port) -> list[str]:
    buffer = function.buffers[port.view.buffer]
    shape = tuple(size for size in port.view.shape if size != ROWS)
    whole = (buffer.name, buffer.size) == (port.name, _elements(port.view, buffer))
    home = "" if whole else f"in {_name(buffer.name)}@{port.view.offset}"
    kind = "state" if buffer.role is Role.STATE else ""
    size = _elements(port.view, buffer) * buffer.dtype.itemsize
    return [
        _name(port.name),
        buffer.dtype.value,
        _axes(port.axes, shape, buffer.rows),
        _bytes(size, buffer.rows),
        kind,
        home,
    ]


def _constant(buffer: Buffer) -> list[str]:
    return [_name(buffer.name), buffer.dtype.value, repr(buffer.value)]


def _temporary(buffer: Buffer) -> list[str]:
    return [
        _name(buffer.name),
        buffer.dtype.value,
        _axes(buffer.axes, buffer.shape, buffer.rows),
        _bytes(buffer.bytes, buffer.rows),
        f"at {buffer.offset:,}",
    ]


_BUFFER_ROWS: Mapping[Role, Callable[[Buffer], list[str]]] = {
    Role.CONSTANT: _constant,
    Role.TEMPORARY: _temporary,
}


def _axes(axes: Sequence[str], shape: Sequence[int], rows: bool) -> str:
    named = len(axes) == len(shape)
    sizes = [
        f"{_name(axes[n])} = {size}" if named and axes[n] else str(size)
        for n, size in enumerate(shape)
    ]
    return f"[{', '.join([*(['rows'] if rows else []), *sizes])}]"


def _bytes(count: int, rows: bool) -> str:
    return f"{count:,} bytes a row" if rows else f"{count:,} bytes"


def _section(title: str, rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"  {title}", *(f"    {line}" for line in _columns(rows))] if rows else []


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    count = max(len(row) for row in rows)
    full = [[*row, *[""] * (count - len(row))] for row in rows]
    widths = [max(len(row[n]) for row in full) for n in range(count)]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in full)
    return [line.rstrip() for line in lines]


# Instructions.


def _instructions(program: Program, function: Function, costs: Sequence[Cost]) -> list[str]:
    texts = [_instruction(program, function, i) for i in function.instructions]
    width = max((len(text) for text in texts if len(text) <= _WIDEST), default=0)
    digits = len(str(max(len(texts) - 1, 0)))
    lines = [f"  {'instructions'.ljust(digits + 4 + width)}  {'bytes':>12}  {'FLOPs':>12}"]
    for n, (i, text, spent) in enumerate(zip(function.instructions, texts, costs, strict=True)):
        mark = "*" if n < function.invariant else " "
        figures = f"{spent.bytes:>12,}  {spent.flops:>12,}"
        line = f"  {mark} {n:>{digits}}  {text.ljust(width)}  {figures}  {_origin(i)}"
        lines.append(line.rstrip())
    return lines


def _instruction(program: Program, function: Function, i: Instruction) -> str:
    results = ", ".join(_view(function, view) for view in i.results)
    operands = ", ".join(_view(function, view) for view in i.operands)
    return f"{results} = {i.opcode}{_attributes(program, i)} {operands}".rstrip()


def _attributes(program: Program, i: Instruction) -> str:
    family = OPCODES[i.opcode].family
    if family is Family.CALL:
        number, *rest = (_whole(value) for value in i.attributes)
        counts = "".join(f" x {count}" for count in rest)
        return f" {_name(program.functions[number].name)}{counts}:"
    shown = ", ".join(_ATTRIBUTES.get(family, _plain)(i.attributes))
    return f"({shown})" if shown else ""


def _plain(attributes: Sequence[object]) -> list[str]:
    return [_name(str(value)) for value in attributes]


def _reduced(attributes: Sequence[object]) -> list[str]:
    (dimensions,) = attributes
    assert isinstance(dimensions, tuple)
    return [str(d) for d in dimensions]


def _contracted(attributes: Sequence[object]) -> list[str]:
    """One letter a dimension, as in `bmk, bkn`."""
    batch, m, n, k = (letter * _whole(c) for letter, c in zip("bmnk", attributes, strict=True))
    return [batch + m + k, batch + k + n]


def _taken(attributes: Sequence[object]) -> list[str]:
    """For each dimension the index that moves it, or the dimension that it stays: `i0, d1`."""
    (plan,) = attributes
    assert isinstance(plan, tuple)
    return [f"{'i' if kind else 'd'}{number}" for kind, number in plan]


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


_ATTRIBUTES: Mapping[Family, Callable[[Sequence[object]], list[str]]] = {
    Family.REDUCE: _reduced,
    Family.CONTRACT: _contracted,
    Family.ACCESS: _taken,
}


def _view(function: Function, view: View) -> str:
    start = f"@{view.offset}" if view.offset else ""
    sizes = [_extent(n, s) for n, s in zip(view.shape, view.strides, strict=True)]
    shape = f"[{', '.join(sizes)}]" if sizes else ""
    return f"{_name(function.buffers[view.buffer].name)}{start}{shape}"


def _extent(size: int, stride: int) -> str:
    if stride == 0:
        return "1"
    return "rows" if size == ROWS else str(size)


def _origin(i: Instruction) -> str:
    places = [f"{_name(place.source)}:{place.line}" for place in i.places[:1]]
    return "  ".join([*([_name(i.layer)] if i.layer else []), *places])


def _name(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


# Costs.


def cost(i: Instruction, function: Function, callees: Sequence[Cost]) -> Cost:
    """What one instruction costs; of a call, all that it runs.

    Args:
        i: an instruction of a verified function.
        function: it.
        callees: the total of each function that it may call.
    """
    row = OPCODES[i.opcode]
    if row.family is Family.CALL:
        number, *rest = (_whole(value) for value in i.attributes)
        return callees[number].times(rest[0] if rest else 1)
    views = [*i.results, *i.operands]
    if i.opcode == "gather":
        views[len(i.results)] = i.results[0]  # of the operand, as many elements as it gives
    moved = sum(_touched(v, function) * function.buffers[v.buffer].dtype.itemsize for v in views)
    return Cost(moved, row.flops * _work(i))


def _work(i: Instruction) -> int:
    """The number of times that an instruction's operation is done."""
    if i.opcode == "contract":
        shape = i.operands[0].shape
        summed = shape[len(shape) - _whole(i.attributes[3]) :]
        return _product(i.results[0].shape) * _product(summed)
    read = OPCODES[i.opcode].family is Family.REDUCE or i.opcode == "scatter"
    return _product((i.operands if read else i.results)[0].shape)


def _touched(view: View, function: Function) -> int:
    """The different elements of a view, of one row."""
    if function.has_rows and not function.buffers[view.buffer].rows and ROWS in view.shape:
        return 0  # the same for all rows: read once a block
    pairs = zip(view.shape, view.strides, strict=True)
    return _product(size for size, stride in pairs if stride)


def _elements(view: View, buffer: Buffer) -> int:
    return _product(view.shape) if buffer.size else 0


def _product(shape: Iterable[int]) -> int:
    total = 1
    for size in shape:
        total *= 1 if size == ROWS else size
    return total


def _total(costs: Iterable[Cost]) -> Cost:
    total = Cost()
    for spent in costs:
        total = total + spent
    return total


def _summary(function: Function, total: Cost) -> str:
    each = " a row" if function.has_rows else ""
    memory = f"arena {function.arena_bytes:,} bytes"
    if function.has_rows:
        memory += f" and {function.row_bytes:,} a row"
    count = len(function.instructions)
    head = f" ({function.invariant} invariant)" if function.invariant else ""
    return (
        f"  total: {count} instruction{'' if count == 1 else 's'}{head},"
        f" {total.bytes:,} bytes moved{each}, {total.flops:,} FLOPs{each}, {memory}"
    )
