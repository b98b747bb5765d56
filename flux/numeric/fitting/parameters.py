"""The parameters of a fit: where each one stands in the vector that is searched.

A parameter is shared by all rows, or has one value for each group of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.expr.arguments import as_array, as_float

Array = NDArray[Any]


@dataclass(frozen=True)
class Parameters:
    """The free parameters, in order of first appearance in the model.

    Attributes:
        names: in the model.
        grouped: those that have a value for each group.
        groups: what the groups are called; empty where there are none.
        start, low, high: of the vector, (P,).
    """

    names: tuple[str, ...]
    grouped: frozenset[str]
    groups: tuple[str, ...]
    start: Array
    low: Array
    high: Array

    @property
    def labels(self) -> tuple[str, ...]:
        """What the entries of the vector are called: `a`, or `a[group]`."""
        return tuple(label for name in self.names for label in _labels(name, self))

    @property
    def bounded(self) -> bool:
        """Whether any parameter has a bound."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where each parameter's entries stand."""
        found, begin = {}, 0
        for name in self.names:
            width = len(self.groups) if name in self.grouped else 1
            found[name] = slice(begin, begin + width)
            begin += width
        return found

    def values(self, vector: Array, codes: Array | None) -> dict[str, Any]:
        """Each parameter's value: a number, or one for each row."""
        found: dict[str, Any] = {}
        for name, place in self.places.items():
            part = vector[place]
            found[name] = part[codes] if name in self.grouped else float(part[0])
        return found

    def spread(self, rows: Array, codes: Array | None) -> Array:
        """Derivatives by parameters, and what stands below them, as derivatives by the vector.

        Shapes:
            rows: (parameters + 1, N); result: (P + 1, N).
        """
        if not self.grouped:
            return rows
        count = rows.shape[1]
        wide = np.zeros((self.start.size + 1, count))
        for name, place, row in zip(self.names, self.places.values(), rows, strict=False):
            if name in self.grouped:
                wide[place.start + codes, np.arange(count)] = row
            else:
                wide[place.start] = row
        wide[-1] = rows[-1]
        return wide


def _labels(name: str, parameters: Parameters) -> list[str]:
    if name not in parameters.grouped:
        return [name]
    return [f"{name}[{group}]" for group in parameters.groups]


def arrange(
    names: Sequence[str],
    starts: Mapping[str, Any],
    bounds: Mapping[str, Any],
    grouped: frozenset[str],
    groups: tuple[str, ...],
) -> Parameters:
    """The parameters with their starts and bounds.

    Args:
        names: in order.
        starts: a number, one for each group, or a pair of bounds; 1 where there is none.
        bounds: a pair for a name, either of which may be None.
        grouped: those that have a value for each group.
        groups: what the groups are called.

    Raises:
        ArgumentError: a start or a bound that cannot be used.
    """
    parts = [
        _one(name, starts.get(name, 1.0), bounds.get(name), len(groups) if name in grouped else 1)
        for name in names
    ]
    start, low, high = (
        np.concatenate([part[i] for part in parts]) if parts else np.zeros(0) for i in range(3)
    )
    return Parameters(tuple(names), grouped, groups, start, low, high)


def _one(name: str, start: Any, bounds: Any, width: int) -> tuple[Array, Array, Array]:
    if isinstance(start, tuple):
        if bounds is not None:
            raise ArgumentError(f"`{name}` has bounds twice")
        low, high = _pair(name, start)
        if not np.isfinite(low) or not np.isfinite(high):
            raise ArgumentError(
                f"`{name}` has no start", hint=f"give it, and bounds={{{name!r}: ...}}"
            )
        start = low / 2 + high / 2
    else:
        low, high = _pair(name, bounds if bounds is not None else (None, None))
    values = as_float(name, as_array(name, start), np.dtype(np.float64))
    if values.shape not in ((), (width,)) or not np.isfinite(values).all():
        what = "a finite number" if width == 1 else f"a finite number, or {width}, one a group"
        raise ArgumentError(f"the start of `{name}` must be {what}")
    outside = (values < low) | (values > high)
    if outside.any():
        raise ArgumentError(f"the start of `{name}` is outside its bounds, {low:g} to {high:g}")
    return np.broadcast_to(values, (width,)), np.full(width, low), np.full(width, high)


def _pair(name: str, pair: Any) -> tuple[float, float]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ArgumentError(
            f"the bounds of `{name}` are a pair (low, high)", hint="None is no bound"
        )
    ends = [
        float(
            as_float(name, as_array(name, infinite if end is None else end), np.dtype(np.float64))
        )
        if np.ndim(end) == 0
        else np.nan
        for end, infinite in zip(pair, (-np.inf, np.inf), strict=True)
    ]
    if not ends[0] < ends[1]:
        raise ArgumentError(f"the bounds of `{name}` are empty", hint="the lower one comes first")
    return ends[0], ends[1]
