"""Where the residual changes its sign: around a start, or across a bracket.

The last resort of a search that has lost its way, and the first step of one that needs a bracket.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_GROWTH, _RINGS = 1.3, 96  # from a hundredth of the unknown's size to a billion times it
_FIRST_RING = 0.01
_HALVINGS = 40  # of the start, towards 0 from both sides: many domains end there
_INTERVALS = 256  # across a bracket
_MOST_VALUES = 1 << 20  # at once


@dataclass(frozen=True)
class Changes:
    """One change of sign for each of some rows.

    Attributes:
        rows: which of the rows given.
        minus, plus: where the residual is negative and positive.
    """

    rows: Array
    minus: Array
    plus: Array


def changes(
    value: Callable[[Array, Any], tuple[Array, ...]],
    rows: Array,
    start: Array,
    low: Array,
    high: Array,
    most: int,
) -> list[Changes]:
    """The changes of sign nearest to each row's start: the first of each row, the second, ...

    Where the bounds are infinite, rings around the start are looked at; otherwise even steps from
    bound to bound.
    """
    found: list[list[Changes]] = [[] for _ in range(most)]
    size = max(1, _MOST_VALUES // (2 * _RINGS + _INTERVALS))
    for begin in range(0, rows.size, size):
        part = slice(begin, begin + size)
        points = _points(start[part], low[part], high[part])
        values = _values(value, points, rows[part])
        for nth, one in enumerate(_nearest(points, values, start[part], most)):
            found[nth].append(Changes(one.rows + begin, one.minus, one.plus))
    return [_joined(parts) for parts in found]


def _points(start: Array, low: Array, high: Array) -> Array:
    if np.isfinite(low).all() and np.isfinite(high).all():
        share = np.linspace(0, 1, _INTERVALS + 1)
        return low[:, None] * (1 - share) + high[:, None] * share
    rings = _FIRST_RING * _GROWTH ** np.arange(_RINGS)
    offsets = np.concatenate([-rings[::-1], [0.0], rings])
    around = start[:, None] + np.maximum(np.abs(start), 1)[:, None] * offsets
    halves = 0.5 ** np.arange(1, _HALVINGS + 1)
    towards = start[:, None] * np.concatenate([halves, -halves])
    return np.sort(np.concatenate([around, towards], axis=1), axis=1)


def _values(value: Callable[[Array, Any], tuple[Array, ...]], points: Array, rows: Array) -> Array:
    wide = np.repeat(rows, points.shape[1])
    return value(points.reshape(-1), wide)[0].reshape(points.shape)


def _nearest(points: Array, values: Array, start: Array, most: int) -> list[Changes]:
    sign = np.sign(values)
    # A zero between two others belongs to its left neighbour, so that the change stands after it.
    sign[:, 1:] = np.where(sign[:, 1:] == 0, sign[:, :-1], sign[:, 1:])
    changed = sign[:, :-1] * sign[:, 1:] < 0
    middle = points[:, :-1] / 2 + points[:, 1:] / 2
    distance = np.where(changed, np.abs(middle - start[:, None]), np.inf)
    found = []
    for _ in range(most):
        best = distance.argmin(axis=1)
        every = np.arange(len(best))
        (rows,) = np.nonzero(np.isfinite(distance[every, best]))
        column = best[rows]
        left, right = points[rows, column], points[rows, column + 1]
        falls = sign[rows, column] > 0
        found.append(Changes(rows, np.where(falls, right, left), np.where(falls, left, right)))
        distance[rows, column] = np.inf
    return found


def _joined(parts: list[Changes]) -> Changes:
    empty = [np.empty(0, np.int64), np.empty(0), np.empty(0)]
    columns = [[p.rows for p in parts], [p.minus for p in parts], [p.plus for p in parts]]
    joined = [np.concatenate(c) if c else e for c, e in zip(columns, empty, strict=True)]
    return Changes(*joined)
