"""Where operations left their domain, and whether the result depends on it.

The values of all parts come in, computed by IEEE rules. A walk from the result to the inputs finds
the positions that each value is needed at, so what a `where` does not take cannot raise; the first
operation that is outside its domain at a needed position is the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flux.errors import DomainError
from flux.expr.domain import Origins, domain_error
from flux.expr.frame import (
    Array,
    Arrays,
    Frame,
    aligned,
    aligned_operands,
    dimensions,
    indices,
    prefixes,
    sorted_axes,
)
from flux.expr.integers import MAX_EXACT
from flux.expr.parts import Part, operands
from flux.kernels import KERNELS
from flux.ops import Kind, Op

_NOWHERE: Array = np.zeros((), bool)


def must_raise(part: Part) -> bool:
    """Whether there is no IEEE value to give: a position outside an axis, or an integer."""
    return part.e.op is Op.INDEX or part.whole


def outside(part: Part, values: Arrays, frame: Frame) -> Array:
    """Where a value is bad though its operands are good; of the value's shape, or one `False`."""
    op, value = part.e.op, values[part]
    if op is Op.INDEX:
        return _out_of_range(part, values, frame)
    if not part.whole and np.isfinite(value).all():
        return _NOWHERE
    if op is Op.CONSTANT:
        return np.asarray(np.isinf(value) & (part.e.attributes.kind != "named"))
    if op.row.kind is Kind.POINTWISE and op is not Op.WHERE:
        return _outside_pointwise(part, values, frame)
    if op.row.kind is Kind.REDUCTION and op is not Op.ARGMAX:
        return _outside_reduction(part, values, frame)
    return _NOWHERE


def _outside_reduction(part: Part, values: Arrays, frame: Frame) -> Array:
    x, value = operands(part)[0], values[part]
    along = dimensions(x, part.e.attributes, frame)
    wrong = np.isinf(value) & np.isfinite(values[x]).all(axis=along)
    invalid = np.isnan(value) & ~np.isnan(values[x]).any(axis=along)
    return np.asarray(wrong | invalid)


def _outside_pointwise(part: Part, values: Arrays, frame: Frame) -> Array:
    value, given = values[part], aligned_operands(part, values, frame)
    if part.whole:
        return _outside_integers(part, given, value)
    wrong, invalid = np.isinf(value), np.isnan(value)
    for x in given:
        wrong = wrong & np.isfinite(x)
        invalid = invalid & ~np.isnan(x)
    return np.asarray(wrong | invalid)


def _outside_integers(part: Part, given: Sequence[Array], value: Array) -> Array:
    # Integers are exact up to 2^53; the same operation on floats shows where int64 wrapped.
    floats = np.asarray(KERNELS[part.e.op](*(x.astype(np.float64) for x in given)))
    return np.broadcast_to(~(np.abs(floats) <= MAX_EXACT), value.shape)


def _out_of_range(part: Part, values: Arrays, frame: Frame) -> Array:
    wrong = np.zeros(values[part].shape, bool)
    shape = values[operands(part)[0]].shape
    for i, n in zip(indices(part, values, frame), shape, strict=True):
        wrong |= (i < 0) | (i >= n)
    return wrong


def raise_first(
    order: Sequence[Part],
    values: Arrays,
    bad: dict[Part, Array],
    frame: Frame,
    origins: Origins,
) -> None:
    """Raise the first of the bad operations that the result needs; nothing where there is none.

    Args:
        order: all parts, operands before their users, the result last.
        values: the value of each part.
        bad: for operations outside their domain, the positions where they are.
        frame: dtype, shapes and sizes.
        origins: the places in a source text that built a node.
    """
    needed = _needed(order, values, frame)
    for part, wrong in bad.items():
        met = wrong & needed[part]
        if met.any():
            place = np.unravel_index(int(np.argmax(met)), met.shape)
            raise _error(part, place, values, frame, origins)


def _error(
    part: Part, place: tuple[Any, ...], values: Arrays, frame: Frame, origins: Origins
) -> DomainError:
    if part.e.op is Op.INDEX:
        return _index_error(part, place, values, frame, origins)
    if part.e.op.row.kind is not Kind.POINTWISE:
        return domain_error(part.e, (), origins)
    shape = values[part].shape
    given = aligned_operands(part, values, frame)
    return domain_error(part.e, [np.broadcast_to(x, shape)[place].item() for x in given], origins)


def _index_error(
    part: Part, place: tuple[Any, ...], values: Arrays, frame: Frame, origins: Origins
) -> DomainError:
    x, *positions = operands(part)
    for axis, i in zip(part.e.attributes, positions, strict=True):
        given = np.broadcast_to(aligned(values[i], i, part, frame), values[part].shape)
        index = given[place].item()
        last: int = values[x].shape[dimensions(x, (axis,), frame)[0]] - 1
        if not 0 <= index <= last:
            break
    return DomainError(
        f"index {index} is outside axis {axis}, whose positions are 0 to {last}",
        spans=tuple(origins.get(part.e, ())),
    )


def _needed(order: Sequence[Part], values: Arrays, frame: Frame) -> dict[Part, Array]:
    """The positions at which each value is needed, on the path taken."""
    needed = {part: np.zeros(values[part].shape, bool) for part in order}
    needed[order[-1]][...] = True
    for part in reversed(order):
        for operand, mask in _demands(part, needed[part], values, frame):
            needed[operand] |= mask
    return needed


def _demands(part: Part, mask: Array, values: Arrays, frame: Frame) -> list[tuple[Part, Array]]:
    if part.e.op is Op.INDEX:
        return _index_demands(part, mask, values, frame)
    if part.e.op is Op.RENAME:
        return [(operands(part)[0], _rename_demand(part, mask, values, frame))]
    if part.e.op.row.kind is Kind.REDUCTION:
        x = operands(part)[0]
        return [(x, np.broadcast_to(aligned(mask, part, x, frame), values[x].shape))]
    masks = _choice(part, mask, values, frame)
    return [(x, _projected(m, x, part, values, frame)) for x, m in masks]


def _choice(part: Part, mask: Array, values: Arrays, frame: Frame) -> list[tuple[Part, Array]]:
    # Which operands a pointwise operation or a leaf looks at, and where.
    given = operands(part)
    if part.e.op in (Op.STOP, Op.CUSTOM):
        return [(given[0], mask)]
    if part.e.op not in (Op.WHERE, Op.AND, Op.OR):
        return [(x, mask) for x in given]
    true = aligned(values[given[0]], given[0], part, frame) != 0
    if part.e.op is Op.WHERE:
        return [(given[0], mask), (given[1], mask & true), (given[2], mask & ~true)]
    return [(given[0], mask), (given[1], mask & (true if part.e.op is Op.AND else ~true))]


def _projected(mask: Array, x: Part, part: Part, values: Arrays, frame: Frame) -> Array:
    # A mask over the result as one over an operand: needed where any of its copies is.
    shape = values[x].shape
    lost = tuple(frame.rank + i for i, axis in enumerate(part.axes) if axis not in x.e.axes)
    kept = np.asarray(mask.any(axis=lost))
    rows = tuple(i for i in range(frame.rank) if shape[i] == 1)
    return np.broadcast_to(kept.any(axis=rows, keepdims=True), shape)


def _index_demands(
    part: Part, mask: Array, values: Arrays, frame: Frame
) -> list[tuple[Part, Array]]:
    x, *positions = operands(part)
    found = np.zeros(values[x].shape, bool)
    read = np.broadcast_arrays(mask, *indices(part, values, frame))[1:]
    sizes: tuple[int, ...] = found.shape
    clipped = [np.clip(i, 0, n - 1) for i, n in zip(read, sizes, strict=True)]
    found[tuple(i[mask] for i in clipped)] = True
    others = [(i, _projected(mask, i, part, values, frame)) for i in positions]
    return [(x, found), *others]


def _rename_demand(part: Part, mask: Array, values: Arrays, frame: Frame) -> Array:
    old = {new: old for old, new in part.e.attributes}
    found = np.zeros(values[operands(part)[0]].shape, bool)
    names = [old.get(axis, axis) for axis in part.axes]
    found[prefixes(part, frame)] = sorted_axes(mask, names)
    return found
