"""Looking into a lowered Program: its instructions, its tensors, and its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from flux.backends.runner import Runner
from flux.expr import Expr
from flux.expr.signature import result_axes, signature
from flux.lower import lower
from flux.program import ROWS, Function, Instruction, Program, Role
from tests.backends.agree import BACKENDS, reference


def lowered(*roots: Expr, sizes: Mapping[str, int], **options: Any) -> Program:
    outputs = {f"result {n}": e for n, e in enumerate(roots)}
    given = dict.fromkeys(x for e in roots for x in signature(e))
    return lower(outputs, list(given), sizes=sizes, **options)


def opcodes(program: Program) -> Counter[str]:
    return Counter(i.opcode for i in program.entry.instructions)


def products(program: Program) -> list[Instruction]:
    return [i for i in program.entry.instructions if i.opcode == "contract"]


def elements(shape: tuple[int, ...]) -> int:
    return int(np.prod([size for size in shape if size != ROWS]))


def largest(program: Program) -> int:
    """Elements of the largest tensor that is stored."""
    entry = program.entry
    return max((b.size for b in entry.buffers if b.role is Role.TEMPORARY), default=0)


def moved(function: Function) -> list[Instruction]:
    """Copies between temporaries of one type: those that only change a layout."""
    return [i for i in function.instructions if i.opcode == "copy" and _moves(function, i)]


def _moves(function: Function, i: Instruction) -> bool:
    source, result = (function.buffers[v.buffer] for v in (i.operands[0], i.results[0]))
    return source.role is result.role is Role.TEMPORARY and source.dtype is result.dtype


def fits_blas(i: Instruction) -> bool:
    """Whether every matrix of a contraction lies as BLAS takes it."""
    batch, m, n, k = (c for c in i.attributes if isinstance(c, int))
    if m == n == 0:
        return True
    counts = ((m, n), (m, k), (k, n))
    views = (*i.results, *i.operands)
    return max(m, n, k) <= 1 and all(
        _matrix(v.shape[batch:], v.strides[batch:], c) for v, c in zip(views, counts, strict=True)
    )


def _matrix(shape: tuple[int, ...], strides: tuple[int, ...], counts: tuple[int, int]) -> bool:
    if 0 in counts or 1 in shape:
        return True
    (rows, columns), (outer, inner) = shape, strides
    return (inner == 1 and outer >= columns) or (outer == 1 and inner >= rows)


def check(e: Expr, values: Mapping[str, Any], sizes: Mapping[str, int], **options: Any) -> Program:
    """The Program of an expression, once both backends gave the reference's value."""
    program = lowered(e, sizes=sizes, **options)
    wanted = reference(e, values, sizes)
    order = program.entry.outputs[0].axes
    natural = result_axes(e)
    for backend in BACKENDS:
        found = Runner(program, backend)(**values)["result 0"]
        found = found.transpose([order.index(axis) for axis in natural])
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-11)
    return program
