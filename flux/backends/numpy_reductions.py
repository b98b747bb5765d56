"""Source lines for reductions over dimensions of a tensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from flux.backends.arrays import numpy_type, view_array
from flux.backends.numpy_code import Code
from flux.program.types import ROWS, Instruction, View, contiguous

_SUM_LIMIT = 1 << 16  # longest sum that runs as a product with ones


def reduce(code: Code, instruction: Instruction) -> None:
    """A reduction, by the quickest call that fits the operand."""
    x, result = instruction.operands[0], instruction.results[0]
    removed = _dimensions(instruction)
    if instruction.opcode == "sum" and _sum_by_ones(code, x, result, removed):
        return
    if instruction.opcode in ("max", "min") and _extreme_by_position(code, instruction):
        return
    function = code.use(f"reduce_{instruction.opcode}", _REDUCERS[instruction.opcode].reduce)
    axes = removed[0] if len(removed) == 1 else removed
    code.lines.append(f"{function}({code.view(x)}, {axes}, None, {code.view(result)})")


_REDUCERS: Mapping[str, np.ufunc] = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def _dimensions(instruction: Instruction) -> tuple[int, ...]:
    removed = instruction.attributes[0]
    assert isinstance(removed, tuple)
    return removed


def _sum_by_ones(code: Code, x: View, result: View, removed: tuple[int, ...]) -> bool:
    """Sum a matrix over one dimension as a product with ones, which BLAS does faster."""
    matrix = len(x.shape) == 2 and len(removed) == 1 and ROWS not in x.shape
    if not matrix or x.strides != contiguous(x.shape) or result.strides != (1,):
        return False
    count = x.shape[removed[0]]
    if count > _SUM_LIMIT:
        return False
    dot = code.use("dot", np.dot)
    ones = code.constant_array(np.ones(count, numpy_type(code.function.buffers[x.buffer])))
    pair = (code.view(x), ones) if removed[0] == 1 else (ones, code.view(x))
    code.lines.append(f"{dot}({pair[0]}, {pair[1]}, {code.view(result)})")
    return True


def _extreme_by_position(code: Code, instruction: Instruction) -> bool:
    """The extremum of each row of a tensor, by its position, which NumPy finds much faster.

    Both take the first nan of a row, if it has one.
    """
    x, result = instruction.operands[0], instruction.results[0]
    *heads, width = x.shape
    if _dimensions(instruction) != (len(heads),) or 0 in (len(heads), width) or ROWS in x.shape[1:]:
        return False
    packed = x.strides == contiguous(x.shape) and result.strides == contiguous(result.shape)
    if not packed or not (code.is_static(x) and code.is_static(result)):
        return False
    flat, out = _flattened(code, x), _flattened(code, result)
    rows = code.static(lambda _b, n, made: made[int(flat[1:])].reshape(-1, width))
    base = code.static(lambda _b, _n, made: np.arange(made[int(out[1:])].size) * width)
    place = code.static(lambda _b, _n, made: np.zeros(made[int(out[1:])].size, np.int64))
    add = code.use("f_add", np.add)
    code.lines.append(f"{rows}.arg{instruction.opcode}(1, {place})")
    code.lines.append(f"{add}({place}, {base}, {place})")
    code.lines.append(f"{flat}.take({place}, None, {out}, 'clip')")
    return True


def _flattened(code: Code, view: View) -> str:
    """The elements of a contiguous view, in one dimension."""
    buffer = code.function.buffers[view.buffer]
    return code.static(
        lambda bases, n, _made: view_array(view, buffer, bases[view.buffer], n).reshape(-1)
    )


def argmax(code: Code, instruction: Instruction) -> None:
    """The position of the first maximum along a dimension."""
    (dimension,) = _dimensions(instruction)
    x, out = code.view(instruction.operands[0]), code.view(instruction.results[0])
    code.lines.append(f"{x}.argmax({dimension}, {out})")
