"""Matrix products cut into parts that threads share, where that changes no bit.

A BLAS may take another kernel for a part than for the whole, and then round otherwise. It chooses
by dimensions, strides and type, never by values, so one trial on random numbers decides: where any
bit differs, the product stays whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from flux.program.types import ROWS, View

Operands = tuple[View, View, View]
_Cut = tuple[int, tuple[bool, bool]]  # the result's dimension; whether a and b are cut along it

_WORTH_FLOPS = 1 << 28  # a millisecond or two; waking a thread may take a third of one
# BLAS packs its operands for each part anew, so that narrow parts cost more than they share out.
_LEAST_ROWS, _LEAST_COLUMNS = 8, 64


def shared_parts(
    a: View, b: View, out: View, count: int, kind: np.dtype[Any], function: Callable[..., Any]
) -> list[Operands]:
    """The product as at most `count` parts that give the bits of the whole, or as it is.

    Args:
        a: the left operand, its leading dimensions a batch.
        b: the right operand.
        out: the result.
        count: threads to share it.
        kind: the elements' type.
        function: what runs the whole, np.dot or np.matmul; parts are for np.matmul.
    """
    whole = [(a, b, out)]
    matrices = len(a.shape) == len(b.shape) == len(out.shape) >= 2
    if count == 1 or not matrices or ROWS in out.shape or _flops(a, out) < _WORTH_FLOPS:
        return whole
    dimension, least = _cut_dimension(a, out)
    pieces = _pieces(out.shape[dimension], count, least)
    parts = [_part(a, b, out, dimension, piece) for piece in pieces]
    offsets = tuple(_moved(part, whole[0]) for part in parts)
    same = len(parts) > 1 and _same_bits(_layout(whole[0]), offsets, kind, function)
    return parts if same else whole


def _flops(a: View, out: View) -> int:
    flops = 2 * a.shape[-1]
    for size in out.shape:
        flops *= size
    return flops


def _cut_dimension(a: View, out: View) -> tuple[int, int]:
    """Where to cut the result, and the least size of a part.

    A few rows of a transposed matrix are a narrow strip of it, at half the speed of all: there
    the result's columns are cut.
    """
    if len(out.shape) > 2:
        return 0, 1
    return (1, _LEAST_COLUMNS) if a.strides[0] < a.strides[1] else (0, _LEAST_ROWS)


def _pieces(size: int, count: int, least: int) -> list[tuple[int, int]]:
    step = max(-(-size // count), least)
    return [(start, min(start + step, size)) for start in range(0, size, step)]


def _part(a: View, b: View, out: View, dimension: int, piece: tuple[int, int]) -> Operands:
    batch = len(out.shape) > 2
    return (
        _range(a, piece, 0) if batch or dimension == 0 else a,
        _range(b, piece, dimension) if batch or dimension == 1 else b,
        _range(out, piece, dimension),
    )


def _range(view: View, piece: tuple[int, int], dimension: int) -> View:
    """A range of one dimension."""
    start, stop = piece
    shape = (*view.shape[:dimension], stop - start, *view.shape[dimension + 1 :])
    return View(view.buffer, view.offset + start * view.strides[dimension], shape, view.strides)


_Layout = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
_Moved = tuple[tuple[int, tuple[int, ...]], ...]


def _layout(operands: Operands) -> _Layout:
    return tuple((view.shape, view.strides) for view in operands)


def _moved(part: Operands, whole: Operands) -> _Moved:
    """Where each operand of a part lies within the whole, and its shape."""
    pairs = zip(part, whole, strict=True)
    return tuple((one.offset - all_.offset, one.shape) for one, all_ in pairs)


@cache
def _same_bits(
    layout: _Layout, parts: tuple[_Moved, ...], kind: np.dtype[Any], function: Callable[..., Any]
) -> bool:
    """Whether the parts give the bits of the whole, tried on random numbers."""
    random = np.random.default_rng(0)
    buffers = [random.standard_normal(_extent(*one)).astype(kind) for one in layout]
    function(*(_array(b, 0, *one) for b, one in zip(buffers, layout, strict=True)))
    expected = buffers[2].copy()
    buffers[2].fill(np.nan)
    for part in parts:
        rows = zip(buffers, part, layout, strict=True)
        np.matmul(*(_array(b, at, shape, strides) for b, (at, shape), (_, strides) in rows))
    got = _array(buffers[2], 0, *layout[2])
    return np.array_equal(got, _array(expected, 0, *layout[2]))


def _extent(shape: Sequence[int], strides: Sequence[int]) -> int:
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))


def _array(buffer: Any, at: int, shape: Sequence[int], strides: Sequence[int]) -> Any:
    steps = [stride * buffer.itemsize for stride in strides]
    return np.ndarray(tuple(shape), buffer.dtype, buffer, at * buffer.itemsize, tuple(steps))
