"""A Program without axes as a function of Python floats, for calls that NumPy would dominate.

The generated function does what the Program does with `math` on plain floats. It raises TypeError
on any other argument, and what `math` raises outside a domain; the caller then takes the general
path, which has IEEE values. Where Python's own operators differ from IEEE, a row says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flux.backends.generated import define
from flux.ops import Op
from flux.program.types import DType, Function, Instruction, Program, Role
from flux.scalars import SCALARS

_TEMPLATES: Mapping[str, str] = {
    "neg": "-{0}",
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "square": "{0} * {0}",
    "reciprocal": "1.0 / {0}",
    "abs": "abs_({0})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "{0} and {1}",
    "or": "{0} or {1}",
    "not": "not {0}",
    "where": "{1} if {0} else {2}",
}
_OPERATIONS = {op.row.name: op for op in Op}


def scalar_function(program: Program) -> Callable[..., Any] | None:
    """The function of floats that a Program of float64 outputs computes.

    It gives a float where there is one output, and a tuple of them where there are several. None
    where the Program has axes, integers, or instructions other than pointwise ones.
    """
    entry = program.entry
    if not _plain(entry):
        return None
    numbers = {port.view.buffer: f"x{n}" for n, port in enumerate(entry.inputs)}
    names: dict[str, Any] = {"abs_": abs, "float_": float, "TypeError_": TypeError, "type_": type}
    lines = _lines(entry, numbers, names)
    arguments = ", ".join(numbers.values())
    checks = " or ".join(f"type_({x}) is not float_" for x in numbers.values())
    source = [f"def formula({arguments}):"]
    if checks:
        source += [f"    if {checks}:", "        raise TypeError_"]
    source += [f"    {line}" for line in lines]
    return define("\n".join(source), "formula", names)


def _plain(entry: Function) -> bool:
    known = all(
        i.opcode == "copy" or i.opcode in _TEMPLATES or i.opcode in _OPERATIONS
        for i in entry.instructions
    )
    sizes = all(b.size == 1 and not b.rows and b.dtype in _TYPES for b in entry.buffers)
    simple = all(v.shape == () for i in entry.instructions for v in (*i.results, *i.operands))
    return known and sizes and simple


_TYPES = (DType.FLOAT64, DType.BOOL)


def _lines(entry: Function, numbers: dict[int, str], names: dict[str, Any]) -> list[str]:
    """One assignment for each instruction; a value used once stands inside its user."""
    reads: dict[int, int] = {}
    for instruction in entry.instructions:
        for view in instruction.operands:
            reads[view.buffer] = reads.get(view.buffer, 0) + 1
    outputs = [port.view.buffer for port in entry.outputs]
    texts: dict[int, str] = dict(numbers)
    lines: list[str] = []
    for n, instruction in enumerate(entry.instructions):
        target = instruction.results[0].buffer
        text = _expression(entry, instruction, texts, names)
        if reads.get(target) == 1 and len(text) < 200 and target not in outputs:
            texts[target] = f"({text})"
        else:
            lines.append(f"t{n} = {text}")
            texts[target] = f"t{n}"
    lines.append(f"return {', '.join(texts[number] for number in outputs)}")
    return lines


def _expression(
    entry: Function, instruction: Instruction, texts: Mapping[int, str], names: dict[str, Any]
) -> str:
    operands = [_operand(entry, v.buffer, texts, names) for v in instruction.operands]
    if instruction.opcode == "copy":
        return f"float_({operands[0]})"
    template = _TEMPLATES.get(instruction.opcode)
    if template is not None:
        return template.format(*operands)
    name = f"f_{instruction.opcode}"
    names[name] = SCALARS[_OPERATIONS[instruction.opcode]]
    return f"{name}({', '.join(operands)})"


def _operand(entry: Function, number: int, texts: Mapping[int, str], names: dict[str, Any]) -> str:
    buffer = entry.buffers[number]
    if buffer.role is not Role.CONSTANT:
        return texts[number]
    value = buffer.value
    if value != value or value in (float("inf"), float("-inf")):
        name = f"c{number}"
        names[name] = value
        return name
    return f"({value!r})"
