"""How a contraction becomes matrix products: which axes run as m, n, k, and which in batches.

A contraction is a strided view that BLAS accepts when k is one run of elements in both operands,
one axis group of a and the result serves as m, one of b and the result as n, and each matrix has
unit stride along one of its two dimensions. Everything else runs as a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flux.lower.ir import ROW_AXIS
from flux.program.types import ROWS

Strides = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Dim:
    """One dimension of a contraction: its size and its stride in a, b and the result."""

    size: int
    a: int
    b: int
    out: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The dimensions of a contraction by the part that they play."""

    batch: tuple[Dim, ...]
    m: tuple[Dim, ...]
    n: tuple[Dim, ...]
    k: tuple[Dim, ...]

    @property
    def elementwise(self) -> bool:
        """Whether no dimension is m or n: a dot product for each batch element."""
        return not self.m and not self.n

    @property
    def products(self) -> int:
        """The number of matrix products, the row space counted once."""
        count = 1
        for dim in self.batch:
            count *= max(dim.size, 1)
        return count

    @property
    def fits(self) -> bool:
        """Whether BLAS takes every matrix as it lies."""
        if self.elementwise:
            return True
        if len(self.k) != 1 or len(self.m) > 1 or len(self.n) > 1:
            return False
        m, n, k = _first(self.m), _first(self.n), self.k[0]
        return (
            _matrix((m.size, m.a), (k.size, k.a))
            and _matrix((k.size, k.b), (n.size, n.b))
            and _matrix((m.size, m.out), (n.size, n.out))
        )


_UNIT = Dim(1, 0, 0, 0)


def _first(dims: Sequence[Dim]) -> Dim:
    return dims[0] if dims else _UNIT


def _matrix(rows: tuple[int, int], columns: tuple[int, int]) -> bool:
    if rows[0] == 1 or columns[0] == 1:
        return True
    for (_, outer), (inner_size, inner) in ((rows, columns), (columns, rows)):
        if inner == 1 and outer >= max(inner_size, 1):
            return True
    return False


def arrange(
    a: Strides, b: Strides, out: Strides, summed: Sequence[str], sizes: Mapping[str, int]
) -> Arrangement:
    """Assign the axes of a contraction, given the strides of its operands and result."""

    def dim(axis: str) -> Dim:
        size = ROWS if axis == ROW_AXIS else sizes[axis]
        return Dim(size, a.get(axis, 0), b.get(axis, 0), out.get(axis, 0))

    batch = _merge([dim(x) for x in out if x in a and x in b], "out")
    m = _merge([dim(x) for x in out if x in a and x not in b], "out")
    n = _merge([dim(x) for x in out if x in b and x not in a], "out")
    k = _merge([dim(x) for x in summed], "a")
    m, rest_m = _choose(m, "a")
    n, rest_n = _choose(n, "b")
    return Arrangement((*batch, *rest_m, *rest_n), m, n, k)


def _merge(dims: list[Dim], by: str) -> tuple[Dim, ...]:
    """Outermost first; neighbours that lie in one run in every tensor become one dimension."""
    dims.sort(key=lambda d: (d.size != ROWS, -getattr(d, by)))
    merged: list[Dim] = []
    for d in dims:
        last = merged[-1] if merged else None
        if last is not None and last.size != ROWS and _adjacent(last, d):
            merged[-1] = Dim(last.size * d.size, d.a, d.b, d.out)
        else:
            merged.append(d)
    return tuple(merged)


def _adjacent(outer: Dim, inner: Dim) -> bool:
    return all(getattr(outer, t) == getattr(inner, t) * inner.size for t in ("a", "b", "out"))


def _choose(dims: tuple[Dim, ...], operand: str) -> tuple[tuple[Dim, ...], tuple[Dim, ...]]:
    """The dimension that serves in the matrix product, and those left to the batch."""
    if not dims:
        return (), ()

    def merit(d: Dim) -> tuple[bool, int]:
        unit = d.out == 1 or getattr(d, operand) == 1
        return unit, 1 << 40 if d.size == ROWS else d.size

    best = max(dims, key=merit)
    return (best,), tuple(d for d in dims if d is not best)
