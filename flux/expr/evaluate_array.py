"""The reference evaluator on arrays: clear NumPy, one array a node.

Every value has the dimensions (anonymous ..., named axes by name). Integers stay int64 where
`flux.expr.integers` says so, and become floats where they meet one. Values are IEEE;
`flux.expr.evaluate_domain` finds the operations outside their domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from flux.errors import ArgumentError, LimitError, ShapeError
from flux.expr.arguments import Values, as_array, as_float, as_integer, float_dtype
from flux.expr.constants import constant_value
from flux.expr.domain import Origins
from flux.expr.evaluate_domain import must_raise, outside, raise_first
from flux.expr.frame import (
    Array,
    Arrays,
    Frame,
    aligned_operands,
    dimensions,
    indices,
    prefixes,
    sorted_axes,
)
from flux.expr.integers import MAX_EXACT
from flux.expr.node import Expr, show_axes
from flux.expr.parts import Part, operands, parts
from flux.expr.signature import Sizes, bind_sizes, result_axes
from flux.expr.traverse import topological
from flux.kernels import KERNELS
from flux.ops import Kind, Op
from flux.philox import uniform

_MAX_ELEMENTS = 2**28  # of one value: 2 GiB in float64
_MAX_DIMENSIONS = 64  # of a NumPy array


def evaluate_array(
    e: Expr,
    inputs: Sequence[Expr],
    given: Values,
    sizes: Sizes,
    raise_domain: bool,
    origins: Origins,
) -> Any:
    """The value of an expression for arrays; see `flux.expr.evaluate.evaluate`."""
    frame = _frame(e, inputs, given, sizes)
    root = Part(e, whole=False)
    try:
        with np.errstate(all="ignore"):
            return _result(e, _run(root, frame, raise_domain, origins), frame)
    except MemoryError:
        raise LimitError("not enough memory for the values of the expression") from None


def _run(root: Part, frame: Frame, raise_domain: bool, origins: Origins) -> Array:
    order = parts(root)
    values, bad = _walk(order, frame, raise_domain, keep=False)
    if bad:  # rare: compute again and keep everything, to see what the result depends on
        values, bad = _walk(order, frame, raise_domain, keep=True)
        raise_first(order, values, bad, frame, origins)
    return values[root]


def _walk(
    order: Sequence[Part], frame: Frame, raise_domain: bool, keep: bool
) -> tuple[dict[Part, Array], dict[Part, Array]]:
    """The values of all parts, and where those that may raise are outside their domain."""
    last_use = {x: part for part in order for x in operands(part)}
    values: dict[Part, Array] = {}
    bad: dict[Part, Array] = {}
    for part in order:
        _check_extent(part, values, frame)
        values[part] = _value(part, values, frame)
        if raise_domain or must_raise(part):
            wrong = outside(part, values, frame)
            if wrong.any():
                bad[part] = wrong
        for x in [] if keep else operands(part):
            if last_use[x] is part:
                values.pop(x, None)
    return values, bad


def _check_extent(part: Part, values: Arrays, frame: Frame) -> None:
    count = prod(frame.size(axis) for axis in part.e.axes)
    given = operands(part)
    for i in range(frame.rank):
        count *= max((values[x].shape[i] for x in given), default=1)
    _check_count(part.e, count)
    if frame.rank + len(part.e.axes) > _MAX_DIMENSIONS:
        raise LimitError(f"a value would have more than {_MAX_DIMENSIONS} dimensions")


def _check_count(e: Expr, count: int) -> None:
    if count > _MAX_ELEMENTS:
        raise LimitError(
            f"a value over {show_axes(e.axes)} would have {count} elements,"
            f" more than {_MAX_ELEMENTS}",
            hint="flux.compile needs no more memory for more rows",
        )


# Inputs.


def _frame(e: Expr, inputs: Sequence[Expr], given: Values, sizes: Sizes) -> Frame:
    arrays = {str(name): as_array(str(name), value) for name, value in given.items()}
    known = _check_sizes(sizes)
    used = {x.attributes.name: x for x in inputs}
    rows = [
        _bind(used[name], array, known) if name in used else array.shape
        for name, array in arrays.items()
    ]
    try:
        anonymous = np.broadcast_shapes(*rows)
    except ValueError:
        shown = ", ".join(map(str, dict.fromkeys(rows)))
        raise ShapeError(f"arrays of shapes {shown} do not broadcast together") from None
    reals = [given[name] for name, x in used.items() if not x.attributes.integer]
    bound = bind_sizes(topological((e,)), known)
    return Frame(float_dtype(reals), anonymous, bound, arrays)


def _check_sizes(sizes: Sizes) -> dict[str, int]:
    for axis, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ShapeError(f"axis {axis} has size {size!r}; sizes are integers from 1")
    return {axis: int(size) for axis, size in sizes.items()}


def _bind(x: Expr, array: Array, sizes: dict[str, int]) -> tuple[int, ...]:
    # Bind the sizes of the input's axes; its anonymous dimensions.
    name, axes = x.attributes.name, x.attributes.axes
    if array.ndim < len(axes):
        raise ShapeError(f"`{name}` needs the axes [{', '.join(axes)}] and has shape {array.shape}")
    split = array.ndim - len(axes)
    for axis, size in zip(axes, array.shape[split:], strict=True):
        if size < 1:
            raise ShapeError(f"axis {axis} of `{name}` has size 0; sizes are at least 1")
        if sizes.setdefault(axis, size) != size:
            raise ShapeError(f"axis {axis} has size {size} in `{name}` and {sizes[axis]} elsewhere")
    return array.shape[:split]


# Values.


def _value(part: Part, values: Arrays, frame: Frame) -> Array:
    op = part.e.op
    if op.row.kind is Kind.LEAF:
        dtype = np.int64 if part.whole else frame.dtype
        return _LEAVES[op](part, values, frame).astype(dtype, copy=False)
    if op.row.kind is Kind.POINTWISE:
        return _number(KERNELS[op](*aligned_operands(part, values, frame)), part, frame)
    if op.row.kind is Kind.REDUCTION:
        return _number(_reduce(part, values, frame), part, frame)
    return _index(part, values, frame) if op is Op.INDEX else _rename(part, values, frame)


def _number(array: Array, part: Part, frame: Frame) -> Array:
    return np.asarray(array).astype(np.int64 if part.whole else frame.dtype, copy=False)


def _constant(part: Part, values: Arrays, frame: Frame) -> Array:
    value = int(part.e.attributes.value) if part.whole else constant_value(part.e)
    return np.full((1,) * frame.rank, value)


def _input(part: Part, values: Arrays, frame: Frame) -> Array:
    name, axes, integer, _ = part.e.attributes
    array = as_integer(name, frame.arrays[name]) if integer else frame.arrays[name]
    if not part.whole:
        array = as_float(name, array, frame.dtype)
    missing = frame.rank + len(axes) - array.ndim
    return sorted_axes(array.reshape((1,) * missing + array.shape), axes)


def _position(part: Part, values: Arrays, frame: Frame) -> Array:
    return np.arange(frame.size(part.e.attributes)).reshape((1,) * frame.rank + (-1,))


def _size(part: Part, values: Arrays, frame: Frame) -> Array:
    return np.full((1,) * frame.rank, frame.size(part.e.attributes))


def _random(part: Part, values: Arrays, frame: Frame) -> Array:
    seed, step = (_whole_number(values[x], "a seed or step") for x in operands(part))
    site, axes = part.e.attributes
    shape = [frame.size(axis) for axis in axes]
    numbers = uniform(seed, site, step, prod(shape), dtype=frame.dtype)
    return sorted_axes(numbers.reshape([1] * frame.rank + shape), axes)


def _whole_number(value: Array, what: str) -> int:
    if value.size != 1:
        raise ShapeError(f"{what} is one number, not an array of shape {value.shape}")
    number = value.item()
    if number != number or abs(number) > MAX_EXACT or number != int(number):
        raise ArgumentError(f"{what} is a whole number up to 2^53, not {number:g}")
    return int(number)


_LEAVES: Mapping[Op, Callable[[Part, Arrays, Frame], Array]] = {
    Op.CONSTANT: _constant,
    Op.INPUT: _input,
    Op.POSITION: _position,
    Op.SIZE: _size,
    Op.RANDOM: _random,
}


def _reduce(part: Part, values: Arrays, frame: Frame) -> Array:
    e, (x,) = part.e, operands(part)
    along = dimensions(x, e.attributes, frame)
    if e.op is Op.ARGMAX:
        absent = np.zeros(values[x].shape, np.int64)
        return np.asarray(np.argmax(values[x], axis=along[0])) if along else absent
    # An axis that x lacks: x is constant along it.
    copies = float(prod(frame.size(axis) for axis in e.attributes if axis not in x.e.axes))
    if e.op is Op.SUM:
        return np.asarray(values[x].sum(axis=along, dtype=np.float64) * copies)
    if e.op is Op.PROD:
        return np.asarray(values[x].prod(axis=along, dtype=np.float64) ** copies)
    return np.asarray((np.max if e.op is Op.MAX else np.min)(values[x], axis=along))


def _index(part: Part, values: Arrays, frame: Frame) -> Array:
    x = values[operands(part)[0]]
    found = zip(indices(part, values, frame), x.shape, strict=True)
    return np.asarray(x[tuple(np.clip(i, 0, n - 1) for i, n in found)])


def _rename(part: Part, values: Arrays, frame: Frame) -> Array:
    x = operands(part)[0]
    new = [dict(part.e.attributes).get(axis, axis) for axis in x.axes]
    return sorted_axes(values[x][prefixes(part, frame)], new)


def _result(e: Expr, value: Array, frame: Frame) -> Any:
    shape = frame.rows + value.shape[frame.rank :]
    _check_count(e, prod(shape))
    full = np.broadcast_to(value, shape)
    names = sorted(e.axes)
    order = [frame.rank + names.index(axis) for axis in result_axes(e)]
    result = np.array(full.transpose(*range(frame.rank), *order), order="C")
    return float(result) if result.ndim == 0 else result
