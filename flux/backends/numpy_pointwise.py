"""Source lines for pointwise instructions, and for those that fill a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from flux import philox
from flux.backends.arrays import Array, numpy_type
from flux.backends.numpy_code import Code
from flux.kernels import kernel
from flux.ops import Op
from flux.program.types import ROWS, DType, Instruction, Role, View

_OPERATIONS = {op.row.name: op for op in Op}
_OUT_BY_NAME = {"maximum", "minimum"}  # NumPy warns of a third positional argument


def pointwise(code: Code, instruction: Instruction) -> None:
    """One ufunc call."""
    name = instruction.opcode
    function = code.use(f"f_{name}", _function(name))
    operands = ", ".join(_operand(code, instruction, v) for v in instruction.operands)
    out = "out=" if name in _OUT_BY_NAME else ""
    code.lines.append(f"{function}({operands}, {out}{code.view(instruction.results[0])})")


def _operand(code: Code, instruction: Instruction, view: View) -> str:
    """A name for an operand; the constant base of powers of a column is written out in full.

    NumPy's quick loop for powers takes contiguous operands only.
    """
    buffer = code.function.buffers[view.buffer]
    base = instruction.opcode == "pow" and view is instruction.operands[0]
    if base and view.shape == (ROWS,) and buffer.role is Role.CONSTANT:
        kind, value = numpy_type(buffer), buffer.value
        return code.static(lambda _bases, rows, _made: np.full(rows, value, kind))
    return code.view(view)


def _function(opcode: str) -> Any:
    own = {"square": np.square, "reciprocal": np.reciprocal}
    return own.get(opcode) or kernel(_OPERATIONS[opcode])


def where(code: Code, instruction: Instruction) -> None:
    """A choice: one operand over the other, in place of the result."""
    condition, then, otherwise = instruction.operands
    result = instruction.results[0]
    if _is_rows(code, instruction):
        _select_bits(code, instruction)
        return
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


_BITS = {DType.FLOAT64: np.int64, DType.INT64: np.int64, DType.FLOAT32: np.int32}


def _is_rows(code: Code, instruction: Instruction) -> bool:
    """Whether the operands of a choice are columns of a row program, or single numbers."""
    condition, then, otherwise = instruction.operands
    kind = code.dtype(instruction.results[0])
    columns = all(v.shape == (ROWS,) for v in (*instruction.results, *instruction.operands))
    same = code.dtype(then) is code.dtype(otherwise) is kind and kind in _BITS
    return columns and same and code.dtype(condition) is DType.BOOL


def _select_bits(code: Code, instruction: Instruction) -> None:
    """A choice without a branch: b ^ ((a ^ b)*c), on the bits of a and b.

    NumPy's own masks go element by element, and a condition that no predictor foresees costs them
    three times as much.
    """
    condition, then, otherwise = map(code.view, instruction.operands)
    result = instruction.results[0]
    kind = _BITS[code.dtype(result)]
    bits = code.use(f"bits_{kind.__name__}", kind)
    xor = code.use("f_xor", np.bitwise_xor)
    multiply = code.use("f_mul_bits", np.multiply)
    other = f"{otherwise}.view({bits})"
    changed = code.static(lambda _bases, rows, _made: np.zeros(rows, kind))
    code.lines.append(f"{xor}({then}.view({bits}), {other}, {changed})")
    code.lines.append(f"{multiply}({changed}, {condition}, {changed})")
    code.lines.append(f"{xor}({changed}, {other}, {code.view(result)}.view({bits}))")


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
