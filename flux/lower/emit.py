"""Graph to instructions: each value becomes one or two, over strided views of buffers.

The layout has been chosen, so every instruction's views follow from the strides of its values.
Neighbouring dimensions that lie in one run in every operand are merged into one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flux.lower.ir import ROW_AXIS, Graph, Value
from flux.lower.layout import Layout, row_major
from flux.lower.matmul import Arrangement, Dim, arrange
from flux.lower.storage import Storage
from flux.program.opcodes import OPCODES, Family
from flux.program.types import ROWS, Instruction, Port, View

Strides = Mapping[str, int]


class Located(NamedTuple):
    """Where a tensor lies: its buffer, its first element, and the step along each axis."""

    buffer: int
    offset: int
    strides: Strides


class Emitter:
    """Collects the instructions of one function.

    Args:
        graph: it knows the sizes.
        layout: strides of every value.
        storage: the function's buffers.
        inputs: ports by input name.
        targets: where values are stored that are written straight to an output.
    """

    def __init__(
        self,
        graph: Graph,
        layout: Layout,
        storage: Storage,
        inputs: Mapping[str, Port],
        targets: Mapping[Value, Port],
    ) -> None:
        self._graph = graph
        self._layout = layout
        self._storage = storage
        self._inputs = inputs
        self._targets = targets
        self._homes: dict[Value, tuple[int, int]] = {}
        self._saved: dict[Value, Located] = {}
        self.instructions: list[Instruction] = []

    def emit(self, value: Value) -> None:
        """Append the instructions of one value; its operands have been emitted."""
        rule = _RULES.get(value.opcode)
        if rule is not None:
            rule(self, value)
        elif OPCODES[value.opcode].family is Family.POINTWISE:
            self._pointwise(value)
        else:
            self._reduction(value)

    def copy_to(self, port: Port, value: Value, axes: Sequence[str]) -> None:
        """Append a copy of a value to a port, broadcast along the axes that it lacks."""
        given = dict(zip(axes, port.view.strides, strict=True))
        target = Located(port.view.buffer, port.view.offset, given)
        source = self._saved.get(value) or self._place(value)
        self._append("copy", target, [source], axes, value)

    def buffer(self, value: Value) -> int:
        """The buffer that a value lies in."""
        return self._home(value)[0]

    def save(self, value: Value) -> None:
        """Append a copy of a value to a temporary, for `copy_to` to read once its own is gone."""
        self._saved[value] = self._copy_operand(
            self._place(value), self._layout.order(value), value
        )

    # Homes and views.

    def _home(self, value: Value) -> tuple[int, int]:
        """Buffer and offset of a value's first element."""
        home = self._homes.get(value)
        if home is None:
            home = self._homes[value] = self._find_home(value)
        return home

    def _find_home(self, value: Value) -> tuple[int, int]:
        if value.opcode == "rename":
            return self._home(value.args[0])
        if value.opcode == "select":
            axis, at = value.attributes
            buffer, offset = self._home(value.args[0])
            return buffer, offset + at * self._layout.strides(value.args[0])[axis]
        if value.opcode == "constant":
            return self._storage.constant(value), 0
        port = self._targets.get(value)
        if value.opcode == "input":
            port = self._inputs[value.attributes[0]]
        if port is not None:
            return port.view.buffer, port.view.offset
        return self._storage.temporary(value.dtype, self._layout.order(value)), 0

    def _place(self, value: Value) -> Located:
        return Located(*self._home(value), self._layout.strides(value))

    def _append(
        self,
        opcode: str,
        result: Located,
        operands: Sequence[Located],
        axes: Sequence[str],
        value: Value,
    ) -> None:
        """Append a pointwise instruction over axes, outermost first."""
        parts = [result, *operands]
        wide = [axis for axis in axes if self._extent(axis) != 1]
        dims = [(self._extent(x), *(strides.get(x, 0) for *_, strides in parts)) for x in wide]
        merged = merge(dims)
        shape = tuple(d[0] for d in merged)
        views = [
            View(buffer, offset, shape, tuple(d[n + 1] for d in merged))
            for n, (buffer, offset, _) in enumerate(parts)
        ]
        self._add(opcode, views[0], views[1:], (), value)

    def _add(
        self,
        opcode: str,
        result: View,
        operands: Sequence[View],
        attributes: tuple[object, ...],
        value: Value,
    ) -> None:
        self.instructions.append(
            Instruction(opcode, (result,), tuple(operands), attributes, value.layer, value.places)
        )

    def _extent(self, axis: str) -> int:
        return ROWS if axis == ROW_AXIS else self._graph.sizes[axis]

    # One rule for each kind of value.

    def _pointwise(self, value: Value) -> None:
        operands = [self._place(arg) for arg in value.args]
        self._append(value.opcode, self._place(value), operands, self._layout.order(value), value)

    def _reduction(self, value: Value) -> None:
        x = value.args[0]
        source, result = self._layout.strides(x), self._layout.strides(value)
        removed = set(value.attributes)
        groups: list[tuple[bool, tuple[int, int, int]]] = []
        for axis in self._layout.order(x):
            dim = (self._extent(axis), source[axis], result.get(axis, 0))
            last = groups[-1] if groups else None
            if last and last[0] == (axis in removed) and _runs_on(last[1], dim):
                groups[-1] = (last[0], (last[1][0] * dim[0], dim[1], dim[2]))
            else:
                groups.append((axis in removed, dim))
        shape = tuple(d[0] for _, d in groups)
        operand = View(*self._home(x), shape, tuple(d[1] for _, d in groups))
        kept = [d for gone, d in groups if not gone]
        view = View(*self._home(value), tuple(d[0] for d in kept), tuple(d[2] for d in kept))
        dimensions = tuple(n for n, (gone, _) in enumerate(groups) if gone)
        self._add(value.opcode, view, [operand], (dimensions,), value)

    def _iota(self, value: Value) -> None:
        size = self._graph.sizes[value.attributes[0]]
        self._add("iota", View(*self._home(value), (size,), (1,)), [], (0,), value)

    def _random(self, value: Value) -> None:
        site, axes = value.attributes
        strides = self._layout.strides(value)
        kept = [axis for axis in axes if axis in strides]
        shape = tuple(self._graph.sizes[axis] for axis in kept)
        view = View(*self._home(value), shape, tuple(strides[axis] for axis in kept))
        operands = [View(*self._home(arg), (), ()) for arg in value.args]
        self._add("random", view, operands, (site,), value)

    def _pad(self, value: Value) -> None:
        old, new = value.attributes
        x = value.args[0]
        buffer, offset, strides = self._place(value)
        order = self._layout.order(value)
        shape = tuple(self._extent(axis) for axis in order)
        zero = self._storage.constant(self._graph.constant(0.0, value.dtype))
        whole = View(buffer, offset, shape, tuple(strides[axis] for axis in order))
        self._add("fill", whole, [View(zero, 0, (), ())], (), value)
        head = {(old if axis == new else axis): stride for axis, stride in strides.items()}
        axes = [old if axis == new else axis for axis in order]
        self._append("copy", Located(buffer, offset, head), [self._place(x)], axes, value)

    def _gather(self, value: Value) -> None:
        x, indices = value.args[0], value.args[1:]
        order = self._layout.order(value)
        shape = tuple(self._extent(axis) for axis in order)
        result = self._layout.strides(value)
        strides = self._layout.strides(x)
        # An indexed axis of size 1 has no strides; it stands last, for its index to be checked.
        x_order = (*self._layout.order(x), *(a for a in value.attributes if a not in strides))
        source = View(
            *self._home(x),
            tuple(self._extent(axis) for axis in x_order),
            tuple(strides.get(axis, 1) for axis in x_order),
        )
        taken = tuple(
            (1, value.attributes.index(axis))
            if axis in value.attributes
            else (0, order.index(axis))
            for axis in x_order
        )
        views = [self._spread(i, order, shape) for i in indices]
        view = View(*self._home(value), shape, tuple(result[axis] for axis in order))
        self._add("gather", view, [source, *views], (taken,), value)

    def _spread(self, value: Value, order: Sequence[str], shape: tuple[int, ...]) -> View:
        strides = self._layout.strides(value)
        return View(*self._home(value), shape, tuple(strides.get(axis, 0) for axis in order))

    def _scatter(self, value: Value) -> None:
        g, index = value.args
        axis = value.attributes[0]
        order = tuple(dict.fromkeys([*self._layout.order(index), *self._layout.order(g)]))
        shape = tuple(self._extent(x) for x in order)
        mine = self._layout.order(value)
        strides = self._layout.strides(value)
        target = tuple((1, 0) if x == axis else (0, order.index(x)) for x in mine)
        view = View(
            *self._home(value),
            tuple(self._extent(x) for x in mine),
            tuple(strides[x] for x in mine),
        )
        operands = [self._spread(g, order, shape), self._spread(index, order, shape)]
        self._add("scatter", view, operands, (target,), value)

    # Contractions.

    def _contract(self, value: Value) -> None:
        a, b = (self._place(arg) for arg in value.args)
        out = self._place(value)
        found = self._arrange(a, b, out, value)
        if not found.fits:
            a, b, out = self._copied(a, b, out, value)
            found = self._arrange(a, b, out, value)
        assert found.fits
        self._matrix_product(found, a, b, out, value)
        if out.buffer != self.buffer(value):
            self._append("copy", self._place(value), [out], self._layout.order(value), value)

    def _arrange(self, a: Located, b: Located, out: Located, value: Value) -> Arrangement:
        return arrange(a.strides, b.strides, out.strides, value.attributes, self._graph.sizes)

    def _copied(
        self, a: Located, b: Located, out: Located, value: Value
    ) -> tuple[Located, Located, Located]:
        """The fewest copies after which the contraction fits: of b, of a, of the result, of all."""
        orders = self._canonical(value)
        for copies in ((1,), (0,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)):
            fresh = [row_major(tuple(order), self._graph) for order in orders]
            tried = [
                part._replace(strides=fresh[n]) if n in copies else part
                for n, part in enumerate((a, b, out))
            ]
            if self._arrange(tried[0], tried[1], tried[2], value).fits:
                return (
                    self._copy_operand(a, orders[0], value.args[0]) if 0 in copies else a,
                    self._copy_operand(b, orders[1], value.args[1]) if 1 in copies else b,
                    self._fresh(orders[2], value) if 2 in copies else out,
                )
        raise AssertionError("a contraction over contiguous operands fits")

    def _canonical(self, value: Value) -> tuple[list[str], list[str], list[str]]:
        a, b = value.args
        summed = set(value.attributes)
        batch = [x for x in self._layout.order(value) if x in a.axes and x in b.axes]
        m = [x for x in self._layout.order(value) if x in a.axes and x not in b.axes]
        n = [x for x in self._layout.order(value) if x in b.axes and x not in a.axes]
        k = [x for x in self._layout.order(a) if x in summed]
        return _rows_first(batch + m + k), _rows_first(batch + k + n), _rows_first(batch + m + n)

    def _fresh(self, order: Sequence[str], value: Value) -> Located:
        buffer = self._storage.temporary(value.dtype, order)
        return Located(buffer, 0, row_major(tuple(order), self._graph))

    def _copy_operand(self, part: Located, order: Sequence[str], value: Value) -> Located:
        made = self._fresh(order, value)
        self._append("copy", made, [part], order, value)
        return made

    def _matrix_product(
        self,
        found: Arrangement,
        a: Located,
        b: Located,
        out: Located,
        value: Value,
    ) -> None:
        batch, m, n, k = found.batch, found.m, found.n, found.k
        if m and n and n[0].out > m[0].out:
            # The result lies transposed: compute its transpose, b' a', whose rows are contiguous.
            turned = Arrangement(*(tuple(map(_turned, dims)) for dims in (batch, n, m, k)))
            self._matrix_product(turned, b, a, out, value)
            return
        views = (
            _view(out, (*batch, *m, *n), "out"),
            _view(a, (*batch, *m, *k), "a"),
            _view(b, (*batch, *k, *n), "b"),
        )
        counts = (len(batch), len(m), len(n), len(k))
        self._add("contract", views[0], views[1:], counts, value)


def _nothing(emitter: Emitter, value: Value) -> None:
    """Inputs, constants and views need no instruction."""


_RULES: Mapping[str, Callable[[Emitter, Value], None]] = {
    "input": _nothing,
    "constant": _nothing,
    "rename": _nothing,
    "select": _nothing,
    "iota": Emitter._iota,
    "random": Emitter._random,
    "pad": Emitter._pad,
    "gather": Emitter._gather,
    "scatter": Emitter._scatter,
    "contract": Emitter._contract,
}


def _turned(dim: Dim) -> Dim:
    return Dim(dim.size, dim.b, dim.a, dim.out)


def _rows_first(axes: list[str]) -> list[str]:
    return sorted(axes, key=lambda axis: axis != ROW_AXIS)


def _view(part: Located, dims: Sequence[Dim], operand: str) -> View:
    shape = tuple(d.size for d in dims)
    return View(part.buffer, part.offset, shape, tuple(getattr(d, operand) for d in dims))


def merge(dims: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Dimensions (size, stride, stride, ...) with neighbours that lie in one run made one."""
    merged: list[tuple[int, ...]] = []
    for dim in dims:
        if merged and _runs_on(merged[-1], dim):
            merged[-1] = (merged[-1][0] * dim[0], *dim[1:])
        else:
            merged.append(dim)
    return merged


def _runs_on(outer: tuple[int, ...], inner: tuple[int, ...]) -> bool:
    return outer[0] != ROWS and all(
        o == i * inner[0] for o, i in zip(outer[1:], inner[1:], strict=True)
    )
