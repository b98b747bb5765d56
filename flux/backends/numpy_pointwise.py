"""Source lines for pointwise instructions, and for those that fill a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from flux import philox
from flux.backends.arrays import Array
from flux.backends.numpy_code import Code
from flux.kernels import kernel
from flux.ops import Op
from flux.program.types import ROWS, Instruction, View

_OPERATIONS = {op.row.name: op for op in Op}
_OUT_BY_NAME = {"maximum", "minimum"}  # NumPy warns of a third positional argument


def pointwise(code: Code, instruction: Instruction) -> None:
    """One ufunc call."""
    name = instruction.opcode
    function = code.use(f"f_{name}", _function(name))
    operands = ", ".join(code.view(v) for v in instruction.operands)
    out = "out=" if name in _OUT_BY_NAME else ""
    code.lines.append(f"{function}({operands}, {out}{code.view(instruction.results[0])})")


def _function(opcode: str) -> Any:
    own = {"square": np.square, "reciprocal": np.reciprocal}
    return own.get(opcode) or kernel(_OPERATIONS[opcode])


def where(code: Code, instruction: Instruction) -> None:
    """A choice: one operand over the other, in place of the result."""
    condition, then, otherwise = instruction.operands
    result = instruction.results[0]
    copyto = code.use("copyto", np.copyto)
    out = code.view(result)
    if code.same_place(condition, result):
        code.lines.append(f"{copyto}({out}, {_chosen(code, instruction)})")
        return
    if code.same_place(then, result) and not code.same_place(otherwise, result):
        then, condition_name = otherwise, _flipped(code, condition)
    else:
        condition_name = code.view(condition)
        if not code.same_place(otherwise, result):
            code.lines.append(f"{copyto}({out}, {code.view(otherwise)})")
    code.lines.append(f"{copyto}({out}, {code.view(then)}, where={condition_name})")


def _chosen(code: Code, instruction: Instruction) -> str:
    return f"{code.use('where', np.where)}({', '.join(map(code.view, instruction.operands))})"


def _flipped(code: Code, condition: View) -> str:
    """A name for the negated condition."""

    def make(_bases: list[Any], rows: int, _made: list[Any]) -> Array:
        return np.zeros([rows if size == ROWS else size for size in condition.shape], np.bool_)

    flipped = code.static(make)
    code.lines.append(f"{code.use('f_not', np.logical_not)}({code.view(condition)}, {flipped})")
    return flipped


def copy(code: Code, instruction: Instruction) -> None:
    """A copy, converted where the types differ; nothing where it is one place."""
    source, result = instruction.operands[0], instruction.results[0]
    if code.same_place(source, result):
        return
    copyto = code.use("copyto", np.copyto)
    casting = "" if code.dtype(source) is code.dtype(result) else ", 'unsafe'"
    code.lines.append(f"{copyto}({code.view(result)}, {code.view(source)}{casting})")


def iota(code: Code, instruction: Instruction) -> None:
    """Positions along a dimension."""
    result = instruction.results[0]
    shape = [1] * len(result.shape)
    shape[_whole(instruction)] = -1
    values = np.arange(result.shape[_whole(instruction)]).reshape(shape)
    copyto = code.use("copyto", np.copyto)
    code.lines.append(f"{copyto}({code.view(result)}, {code.constant_array(values)}, 'unsafe')")


def _whole(instruction: Instruction) -> int:
    value = instruction.attributes[0]
    assert isinstance(value, int)
    return value


def random(code: Code, instruction: Instruction) -> None:
    """Random numbers of a site."""
    site = instruction.attributes[0]
    assert isinstance(site, str)

    def fill(result: Array, seed: Array, step: Array) -> None:
        numbers = philox.uniform(int(seed), site, int(step), result.size, dtype=result.dtype)
        np.copyto(result, numbers.reshape(result.shape))

    name = code.static(lambda _bases, _rows, _made: fill)
    operands = ", ".join(code.view(v) for v in instruction.operands)
    code.lines.append(f"{name}({code.view(instruction.results[0])}, {operands})")
