"""Walks over columns in blocks: what is missing, what is out of range, which scores have no value.

A block stays in the cache, so that a walk needs no memory that grows with the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from flux.scoring.columns import Array, Texts
from flux.scoring.report import NOTHING, Found

BLOCK = 1 << 15  # rows


def blocks(count: int) -> Iterator[slice]:
    """The rows, a block at a time."""
    return (slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK))


def missing(column: Array | Texts) -> Found:
    """The rows of a column that have no value."""
    if isinstance(column, Texts):
        return _found(column.codes < 0, 0)
    if column.dtype.kind != "f":
        return NOTHING
    flat = column.reshape(-1)
    return _total(_found(np.isnan(flat[rows]), rows.start) for rows in blocks(flat.size))


def outside(column: Array, low: float, high: float) -> Found:
    """The rows of a column that are outside a range; those without a value are not."""
    flat = column.reshape(-1)
    return _total(_found(_out(flat[rows], low, high), rows.start) for rows in blocks(flat.size))


def flags(columns: Iterable[tuple[Array, float, float]], shape: tuple[int, ...]) -> Array:
    """Whether any column of a row is outside its range."""
    found = np.zeros(shape, np.bool_)
    flat = found.reshape(-1)
    for column, low, high in columns:
        wide = np.broadcast_to(column, shape).reshape(-1)
        for rows in blocks(flat.size):
            flat[rows] |= _out(wide[rows], low, high)
    return found


def _out(values: Array, low: float, high: float) -> Array:
    out: Array = (values < low) | (values > high)
    return out


def lacking(columns: Sequence[Array | Texts], rows: slice) -> Array | None:
    """Whether any column has no value, for some of the rows; None where all have one."""
    found: Array | None = None
    for column in columns:
        cells = column.codes if isinstance(column, Texts) else column
        part = cells[rows] if cells.ndim else cells
        mask = part < 0 if isinstance(column, Texts) else np.isnan(part)
        found = mask if found is None else found | mask
    return found


def blank(score: Array, columns: Sequence[Array | Texts]) -> None:
    """Give a score no value where a column that it needs has none."""
    flat = score.reshape(-1)
    for rows in blocks(flat.size) if columns else ():
        mask = lacking(columns, rows)
        if mask is not None and mask.any():
            flat[rows][np.broadcast_to(mask, flat[rows].shape)] = np.nan


def valued(score: Array) -> int:
    """How many rows have a value."""
    flat = score.reshape(-1)
    return flat.size - sum(int(np.isnan(flat[rows]).sum()) for rows in blocks(flat.size))


def _found(mask: Array, start: int) -> Found:
    count = int(np.count_nonzero(mask))
    return Found(count, start + int(mask.reshape(-1).argmax())) if count else NOTHING


def _total(parts: Iterable[Found]) -> Found:
    total = NOTHING
    for part in parts:
        total = total.joined(part, 0)
    return total
