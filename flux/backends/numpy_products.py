"""Source lines for contractions: matrix products where BLAS takes them, and dot products.

The threads of a team share a large product where that changes no bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from flux.backends.arrays import numpy_type, view_array
from flux.backends.cuts import Operands, shared_parts
from flux.backends.numpy_code import Code
from flux.program.types import ROWS, Instruction, View, contiguous


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
        _product(code, "dot", np.dot, (a, b, out))
    else:
        a = a if m else _with_unit(a, batch)
        b = b if n else _with_unit(b, batch + 1)
        out = out if m else _with_unit(out, batch)
        out = out if n else _with_unit(out, batch + 1)
        _product(code, "matmul", np.matmul, (a, b, out))


def _product(code: Code, name: str, function: Any, whole: Operands) -> None:
    """A matrix product, shared by the team where there is one and that changes no bit."""
    parts = [whole]
    if code.team is not None and all(code.is_static(view) for view in whole):
        kind = numpy_type(code.function.buffers[whole[0].buffer])
        parts = shared_parts(*whole, code.team.threads, kind, function)
    if len(parts) == 1:
        used = code.use(name, function)
        code.lines.append(f"{used}({', '.join(code.view(view) for view in whole)})")
    else:
        _share(code, parts)


def _share(code: Code, parts: Sequence[Operands]) -> None:
    """Run each part on a thread of its own."""
    assert code.team is not None
    run = code.use("team", code.team.run)
    buffers = code.function.buffers

    def make(bases: list[Any], rows: int, _made: list[Any]) -> list[Any]:
        arrays = [
            [view_array(v, buffers[v.buffer], bases[v.buffer], rows) for v in part]
            for part in parts
        ]
        return [partial(np.matmul, *part) for part in arrays]

    code.lines.append(f"{run}({code.static(make)})")


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
