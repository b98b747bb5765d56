"""Named arrays for a graph's inputs: checked, in the right types, and the sizes that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError, ShapeError, did_you_mean
from flux.expr import Expr, show_axes

Batch = Mapping[str, NDArray[Any]]

# Inputs of a graph that draws random numbers, and what they are where nobody gives them.
DRAWN: Batch = {"seed": np.array(0), "step": np.array(0)}


def conform(batch: Batch, inputs: Sequence[Expr], dtype: str) -> dict[str, NDArray[Any]]:
    """The batch's arrays for a graph's inputs, in the types that it computes with.

    The seed and step of random numbers are 0 where the batch has none.

    Raises:
        DataError: an array is missing, is not numeric, or holds fractions where integers are due.
        ShapeError: an array of another rank.
    """
    given: Batch = {**DRAWN, **batch}
    return {e.attributes.name: _conform(given, e, dtype) for e in inputs}


def _conform(batch: Batch, e: Expr, dtype: str) -> NDArray[Any]:
    name, axes = e.attributes.name, e.attributes.axes
    if name not in batch:
        raise DataError(
            f"the batch has no {name!r}", hint=did_you_mean(name, list(batch.keys() - DRAWN.keys()))
        )
    array = np.asarray(batch[name])
    if array.ndim != len(axes):
        raise ShapeError(f"{name} has {show_axes(axes)}; the array has shape {array.shape}")
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} has the type {array.dtype}; it must be numeric")
    if not e.attributes.integer:
        return array.astype(dtype, copy=False)
    if array.dtype.kind == "f":
        raise DataError(f"{name} holds integers; the array has the type {array.dtype}")
    return array.astype(np.int64, copy=False)


def sizes_of(arrays: Batch, inputs: Sequence[Expr], known: Mapping[str, int]) -> dict[str, int]:
    """The sizes of axes: those known, and those of the arrays.

    Raises:
        ShapeError: two arrays, or an array and a known size, do not fit.
    """
    sizes = dict(known)
    origin = dict.fromkeys(known, "the model")
    for e in inputs:
        name = e.attributes.name
        for axis, size in zip(e.attributes.axes, arrays[name].shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise ShapeError(
                    f"axis {axis} has size {size} in {name} and {sizes[axis]} in {origin[axis]}"
                )
            origin.setdefault(axis, name)
    return sizes
