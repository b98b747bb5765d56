"""Source lines for gathers and scatters: values at positions that other tensors hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flux.backends.arrays import Array, numpy_type
from flux.backends.numpy_code import Code
from flux.backends.vm import scatter as add_at_positions
from flux.backends.vm import within
from flux.program.types import ROWS, Instruction, View, contiguous

_ONE_HOT_LIMIT = 1 << 20  # elements of a one-hot matrix that replaces an indexed addition


def _plan(instruction: Instruction) -> Sequence[tuple[int, int]]:
    plan = instruction.attributes[0]
    assert isinstance(plan, tuple)
    return plan


def _leading(index: View) -> View:
    """The view without the trailing dimensions along which it is constant."""
    count = len(index.shape)
    while count > 0 and index.strides[count - 1] == 0:
        count -= 1
    return View(index.buffer, index.offset, index.shape[:count], index.strides[:count])


def _by_rows(plan: Sequence[tuple[int, int]], index: View, walked: View) -> bool:
    """Whether an access moves whole rows: one index first, the other dimensions behind it."""
    count = len(_leading(index).shape)
    rest = [(0, d) for d in range(count, len(walked.shape))]
    return list(plan) == [(1, 0), *rest] and ROWS not in walked.shape


def gather(code: Code, instruction: Instruction) -> None:
    """Values at positions: whole rows or single elements by `take`, anything else by indexing."""
    x, *indices = instruction.operands
    out = instruction.results[0]
    plan = _plan(instruction)
    for (kind, number), size in zip(plan, x.shape, strict=True):
        if kind == 1:
            code.check_once(_leading(indices[number]), size)
    whole = x.strides == contiguous(x.shape) and ROWS not in (*x.shape, *out.shape)
    if whole and out.strides == contiguous(out.shape) and code.is_static(out):
        if len(indices) == 1 and _by_rows(plan, indices[0], out):
            index = code.view(_leading(indices[0]))
            code.lines.append(f"{code.view(x)}.take({index}, 0, {code.view(out)}, 'clip')")
        else:
            _take_flat(code, instruction)
    else:
        _fancy(code, instruction)


def _take_flat(code: Code, instruction: Instruction) -> None:
    """Gather single elements from the flat operand: position = base + sum of index * stride."""
    x, *indices = instruction.operands
    out = instruction.results[0]
    base, terms = _flat_positions(_plan(instruction), x, out.shape, indices)
    scratch = code.scratch(out.shape, np.int64)
    more = code.scratch(out.shape, np.int64) if len(terms) > 1 else ""
    multiply, add = code.use("f_mul", np.multiply), code.use("f_add", np.add)
    for n, (index, stride) in enumerate(terms):
        target = more if n else scratch
        factor = code.constant_array(np.array(stride))
        code.lines.append(f"{multiply}({code.view(index)}, {factor}, {target})")
        if n:
            code.lines.append(f"{add}({scratch}, {more}, {scratch})")
    code.lines.append(f"{add}({scratch}, {code.constant_array(base)}, {scratch})")
    count = int(np.prod(x.shape))
    source = code.view(View(x.buffer, x.offset, (count,), (1,)))
    code.lines.append(f"{source}.take({scratch}, None, {code.view(out)}, 'clip')")


def _flat_positions(
    plan: Sequence[tuple[int, int]],
    x: View,
    walked: tuple[int, ...],
    indices: Sequence[View],
) -> tuple[Array, list[tuple[View, int]]]:
    base = np.zeros(walked, np.int64)
    terms: list[tuple[View, int]] = []
    for (kind, number), stride in zip(plan, x.strides, strict=True):
        if kind == 1:
            terms.append((indices[number], stride))
        else:
            shape = [1] * len(walked)
            shape[number] = walked[number]
            base += np.arange(walked[number]).reshape(shape) * stride
    return base, terms


def _positions(code: Code, instruction: Instruction, walked: View) -> str:
    """An indexing tuple over the walked shape."""
    parts: list[str] = []
    indices = instruction.operands[1:]
    for kind, number in _plan(instruction):
        if kind == 1:
            parts.append(code.view(indices[number]))
        else:
            parts.append(_range(code, walked.shape, number))
    return ", ".join(parts)


def _range(code: Code, walked: tuple[int, ...], dimension: int) -> str:
    def make(_bases: list[Any], rows: int, _made: list[Any]) -> Array:
        shape = [1] * len(walked)
        shape[dimension] = -1
        count = rows if walked[dimension] == ROWS else walked[dimension]
        return np.arange(count).reshape(shape)

    return code.static(make)


def _fancy(code: Code, instruction: Instruction) -> None:
    out = instruction.results[0]
    copyto = code.use("copyto", np.copyto)
    positions = _positions(code, instruction, out)
    x = code.view(instruction.operands[0])
    code.lines.append(f"{copyto}({code.view(out)}, {x}[{positions}])")


def scatter(code: Code, instruction: Instruction) -> None:
    """Zeros, and values added at positions."""
    g, *indices = instruction.operands
    by_rows = len(indices) == 1 and _by_rows(_plan(instruction), indices[0], g)
    if not (by_rows and _one_hot(code, instruction)):
        code.lines.append(_add_at(code, instruction))


def _add_at(code: Code, instruction: Instruction) -> str:
    g, *indices = (code.view(view) for view in instruction.operands)
    out, plan = code.view(instruction.results[0]), tuple(_plan(instruction))
    return f"{code.use('scatter', add_at_positions)}({out}, {plan!r}, {g}, ({', '.join(indices)},))"


def _one_hot(code: Code, instruction: Instruction) -> bool:
    """Add rows at positions as a product with a one-hot matrix, where that matrix is small."""
    g, index = instruction.operands[0], _leading(instruction.operands[1])
    out = instruction.results[0]
    count = int(np.prod(index.shape))
    size, rest = out.shape[0], g.shape[len(index.shape) :]
    flat = (
        g.strides == contiguous(g.shape)
        and out.strides == contiguous(out.shape)
        and index.strides == contiguous(index.shape)
    )
    if not flat or not rest or not count or count * size > _ONE_HOT_LIMIT:
        return False
    width = int(np.prod(rest))
    kind = numpy_type(code.function.buffers[out.buffer])
    flat_hot = code.scratch((count * size,), kind)
    number = len(code.statics) - 1
    hot = code.static(lambda _bases, _rows, made: made[number].reshape(count, size).T)
    base = code.constant_array(np.arange(count) * size)
    scratch = code.scratch((count,), np.int64)
    one = code.constant_array(np.array(1, kind))
    add, dot = code.use("f_add", np.add), code.use("dot", np.dot)
    positions = code.view(View(index.buffer, index.offset, (count,), (1,)))
    rows = code.view(View(g.buffer, g.offset, (count, width), (width, 1)))
    target = code.view(View(out.buffer, out.offset, (size, width), (width, 1)))
    # The product serves where every position is inside and g is finite: 0 * inf would spread nan.
    flat_g = code.view(View(g.buffer, g.offset, (count * width,), (1,)))
    zeros = code.constant_array(np.zeros(count * width, kind))
    inside = code.use("within", within)
    code.lines += [
        f"if {inside}({positions}, {size}) and {dot}({flat_g}, {zeros}) == 0:",
        f"    {flat_hot}.fill(0)",
        f"    {add}({positions}, {base}, {scratch})",
        f"    {flat_hot}[{scratch}] = {one}",
        f"    {dot}({hot}, {rows}, {target})",
        "else:",
        f"    {_add_at(code, instruction)}",
    ]
    return True
