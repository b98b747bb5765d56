"""Source lines for contractions: matrix products where BLAS takes them, and dot products.

A large product is cut into parts, always the same ones, which the threads of a team share.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from flux.backends.arrays import view_array
from flux.backends.numpy_code import Code
from flux.program.types import ROWS, Instruction, View, contiguous

# A matrix product of this many operations is cut into parts.
_PART_FLOPS = 1 << 25
_PARTS = 4
# BLAS packs its operands for each part anew, so that narrow parts cost more than they share out.
_LEAST_ROWS, _LEAST_COLUMNS = 8, 64


def contract(code: Code, instruction: Instruction) -> None:
    """A contraction, by the quickest call that fits its dimensions."""
    batch, m, n, k = (c for c in instruction.attributes if isinstance(c, int))
    a, b = instruction.operands
    out = instruction.results[0]
    if m > 1 or n > 1 or k > 1 or (m == n == 0 and not _rows_of_dots(a, b, batch)):
        _einsum(code, instruction)
    elif m == n == 0:
        vecdot = code.use("vecdot", np.vecdot)
        code.lines.append(f"{vecdot}({code.view(a)}, {code.view(b)}, {code.view(out)})")
    elif batch == 0 and ROWS not in out.shape and out.strides == contiguous(out.shape):
        parts = _parts(a, b, out) if m == n == k == 1 else [(a, b, out)]
        whole = all(part.strides == contiguous(part.shape) for *_, part in parts)
        _product(code, "dot" if whole else "matmul", np.dot if whole else np.matmul, parts)
    else:
        a = a if m else _with_unit(a, batch)
        b = b if n else _with_unit(b, batch + 1)
        out = out if m else _with_unit(out, batch)
        out = out if n else _with_unit(out, batch + 1)
        _product(code, "matmul", np.matmul, _batches(a, b, out) if batch else [(a, b, out)])


_Operands = tuple[View, View, View]


def _product(code: Code, name: str, function: Any, parts: Sequence[_Operands]) -> None:
    """Run the parts of a matrix product, on the team where there is one."""
    shared = code.team is not None and all(code.is_static(v) for part in parts for v in part)
    if len(parts) == 1 or not shared:
        used = code.use(name, function)
        for part in parts:
            code.lines.append(f"{used}({', '.join(code.view(v) for v in part)})")
        return
    assert code.team is not None
    run = code.use("team", code.team.run)
    buffers = code.function.buffers

    def make(bases: list[Any], rows: int, _made: list[Any]) -> list[Any]:
        arrays = [
            [view_array(v, buffers[v.buffer], bases[v.buffer], rows) for v in part]
            for part in parts
        ]
        return [partial(function, *part) for part in arrays]

    code.lines.append(f"{run}({code.static(make)})")


def _parts(a: View, b: View, out: View) -> list[_Operands]:
    """A large product cut along the rows of its result, or its columns where a is transposed.

    A few rows of a transposed matrix are a narrow strip of it, at half the speed of all.
    """
    rows, columns = out.shape
    if 2 * rows * columns * a.shape[1] < _PART_FLOPS:
        return [(a, b, out)]
    if a.strides[0] < a.strides[1]:
        pieces = _cuts(columns, min(_PARTS, columns // _LEAST_COLUMNS))
        return [(a, _cut(b, p, 1), _cut(out, p, 1)) for p in pieces]
    return [(_cut(a, p), b, _cut(out, p)) for p in _cuts(rows, min(_PARTS, rows // _LEAST_ROWS))]


def _batches(a: View, b: View, out: View) -> list[_Operands]:
    """A large batch of products cut along its first dimension."""
    flops = 2 * a.shape[-1]
    for size in out.shape:
        flops *= size
    if ROWS in out.shape or flops < _PART_FLOPS or out.shape[0] < _PARTS:
        return [(a, b, out)]
    return [(_cut(a, p), _cut(b, p), _cut(out, p)) for p in _cuts(out.shape[0], _PARTS)]


def _cuts(size: int, parts: int) -> list[tuple[int, int]]:
    step = -(-size // max(parts, 1))
    return [(start, min(start + step, size)) for start in range(0, size, step)]


def _cut(view: View, piece: tuple[int, int], dimension: int = 0) -> View:
    """A range of one dimension."""
    start, stop = piece
    shape = (*view.shape[:dimension], stop - start, *view.shape[dimension + 1 :])
    return View(view.buffer, view.offset + start * view.strides[dimension], shape, view.strides)


def _rows_of_dots(a: View, b: View, batch: int) -> bool:
    """Whether dot products run along unit strides."""
    return len(a.shape) == batch + 1 and a.strides[-1] == b.strides[-1] == 1


def _with_unit(view: View, at: int) -> View:
    """The view with a dimension of size 1."""
    shape = (*view.shape[:at], 1, *view.shape[at:])
    stride = view.strides[at] * view.shape[at] if at < len(view.shape) else 1
    return View(view.buffer, view.offset, shape, (*view.strides[:at], stride, *view.strides[at:]))


def _einsum(code: Code, instruction: Instruction) -> None:
    batch, m, n, k = (c for c in instruction.attributes if isinstance(c, int))
    letters = [chr(ord("a") + i) for i in range(batch + m + n + k)]
    heads, rows = letters[:batch], letters[batch : batch + m]
    columns, inner = letters[batch + m : batch + m + n], letters[batch + m + n :]
    text = "".join([*heads, *rows, *inner, ",", *heads, *inner, *columns, "->"])
    text += "".join([*heads, *rows, *columns])
    einsum = code.use("einsum", np.einsum)
    a, b = (code.view(v) for v in instruction.operands)
    code.lines.append(f"{einsum}({text!r}, {a}, {b}, out={code.view(instruction.results[0])})")
