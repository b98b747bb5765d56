"""The order of axes in memory, chosen so that contractions are views that BLAS accepts.

Every stored value belongs to a class of values that share one order: pointwise values and operands
with the same axes. Each class starts from the order that its first value suggests and then moves,
one class at a time, to the order with the least estimated cost, until none moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

from flux.lower.ir import ROW_AXIS, Graph, Value
from flux.lower.matmul import arrange
from flux.program.opcodes import OPCODES, Family

Order = tuple[str, ...]

_VIEWS = {"rename", "select"}
_FREE = {"constant", "input"}
_SWEEPS = 3
_MOST_AXES = 5  # beyond this many named axes an order is kept as it was first guessed
# Costs in elements moved: an operand or result that has to be copied, one more matrix product.
_COPY, _PRODUCT, _CROSSED = 4, 150, 1


class Layout:
    """Orders and strides of the values of a graph.

    Args:
        graph: it knows the sizes.
        values: in topological order.
        fixed: the orders that are given: inputs, and values written to outputs.
    """

    def __init__(self, graph: Graph, values: Sequence[Value], fixed: Mapping[Value, Order]) -> None:
        self._graph = graph
        self._order: dict[Value, Order] = dict(fixed)
        self._strides: dict[Value, dict[str, int]] = {}
        self._classes = _classes(values, fixed)
        self._guess(values)
        self._descend(values, fixed)

    def order(self, value: Value) -> Order:
        """The axes of a value as they lie in memory, outermost first."""
        if value.opcode in _VIEWS:
            return _sorted(self.strides(value))
        return self._order[value]

    def strides(self, value: Value) -> dict[str, int]:
        """Elements between neighbours along each axis; the row axis comes first."""
        known = self._strides.get(value)
        if known is None:
            known = self._strides[value] = self._make_strides(value)
        return known

    def offset(self, value: Value) -> int:
        """Elements from the start of the value's storage to its first element."""
        total = 0
        while value.opcode in _VIEWS:
            if value.opcode == "select":
                axis, at = value.attributes
                total += at * self.strides(value.args[0])[axis]
            value = value.args[0]
        return total

    def _make_strides(self, value: Value) -> dict[str, int]:
        if value.opcode == "rename":
            names = dict(value.attributes)
            return {
                names.get(axis, axis): stride
                for axis, stride in self.strides(value.args[0]).items()
                if names.get(axis, axis) in value.axes
            }
        if value.opcode == "select":
            source = self.strides(value.args[0])
            return {axis: stride for axis, stride in source.items() if axis in value.axes}
        return row_major(self._order.get(value, ()), self._graph)

    # The first guess.

    def _guess(self, values: Iterable[Value]) -> None:
        chosen: dict[int, Order] = {}
        for value in values:
            if value in self._order or value.opcode in _VIEWS:
                continue
            name = self._classes.get(value)
            order = chosen.get(name) if name is not None else None
            if order is None:
                order = _rows_first(self._suggest(value))
                if name is not None:
                    chosen[name] = order
            self._order[value] = order

    def _suggest(self, value: Value) -> Order:
        if value.opcode == "contract":
            a, b = (self.order(arg) for arg in value.args)
            kept = [axis for axis in a if axis in value.axes]
            return tuple(dict.fromkeys([*kept, *(x for x in b if x in value.axes)]))
        sources = sorted(value.args, key=lambda arg: -len(arg.axes))
        if value.opcode == "gather":
            sources = [*value.args[1:], value.args[0]]
        found: list[str] = [value.attributes[0]] if value.opcode == "scatter" else []
        for source in sources:
            found.extend(self.order(source))
        if value.opcode == "pad":
            old, new = value.attributes
            found = [new if axis == old else axis for axis in found]
        found.extend(sorted(value.axes))
        return tuple(dict.fromkeys(axis for axis in found if axis in value.axes))

    # Descent.

    def _descend(self, values: Sequence[Value], fixed: Mapping[Value, Order]) -> None:
        members: dict[int, list[Value]] = {}
        for value, name in self._classes.items():
            members.setdefault(name, []).append(value)
        touching = self._touching(values)
        for _ in range(_SWEEPS):
            moved = False
            for name, group in members.items():
                if name in touching:
                    moved |= self._improve(group, touching[name])
            if not moved:
                return

    def _touching(self, values: Sequence[Value]) -> dict[int, list[Value]]:
        """For each class that a contraction reads or writes: the values whose cost it decides."""
        near: dict[int, dict[Value, None]] = {}
        contracted: set[int] = set()
        for value in values:
            for part in (value, *value.args):
                name = self._classes.get(_storage(part))
                if name is None:
                    continue
                near.setdefault(name, {})[value] = None
                if value.opcode == "contract":
                    contracted.add(name)
        return {name: list(near[name]) for name in contracted}

    def _improve(self, group: Sequence[Value], near: Sequence[Value]) -> bool:
        current = self._order[group[0]]
        named = [axis for axis in current if axis != ROW_AXIS]
        if not 2 <= len(named) <= _MOST_AXES:
            return False
        head = current[: len(current) - len(named)]
        best, least = current, self._cost(near)
        for candidate in permutations(named):
            if least == 0:
                break
            self._place(group, (*head, *candidate))
            cost = self._cost(near)
            if cost < least:
                best, least = (*head, *candidate), cost
        self._place(group, best)
        return best != current

    def _place(self, group: Sequence[Value], order: Order) -> None:
        for value in group:
            self._order[value] = order
        self._strides.clear()

    def _cost(self, near: Sequence[Value]) -> int:
        return sum(self._value_cost(value) for value in near)

    def _value_cost(self, value: Value) -> int:
        if value.opcode == "contract":
            return self._contract_cost(value)
        if value.opcode not in OPCODES or OPCODES[value.opcode].family is not Family.POINTWISE:
            return 0
        mine = self.order(value)
        crossed = [a for a in value.args if _crosses(self.order(a), mine)]
        return _CROSSED * self._graph.size(value.axes) * len(crossed)

    def _contract_cost(self, value: Value) -> int:
        a, b = value.args
        found = arrange(
            self.strides(a),
            self.strides(b),
            self.strides(value),
            value.attributes,
            self._graph.sizes,
        )
        if found.elementwise:
            return 0
        cost = 0 if found.fits else _COPY * sum(self._graph.size(v.axes) for v in (a, b, value))
        return cost + _PRODUCT * (found.products - 1)


def row_major(order: Order, graph: Graph) -> dict[str, int]:
    """Strides of a contiguous tensor, outermost axis first."""
    strides: dict[str, int] = {}
    step = 1
    for axis in reversed(order):
        strides[axis] = step
        step *= graph.sizes[axis] if axis != ROW_AXIS else 1
    return dict(reversed(strides.items()))


def _sorted(strides: Mapping[str, int]) -> Order:
    return tuple(sorted(strides, key=lambda axis: (axis != ROW_AXIS, -strides[axis])))


def _rows_first(order: Order) -> Order:
    return tuple(sorted(order, key=lambda axis: axis != ROW_AXIS))


def _crosses(a: Order, b: Order) -> bool:
    """Whether the axes that two orders share stand in different orders."""
    shared = [axis for axis in a if axis in b]
    return shared != [axis for axis in b if axis in a]


def _storage(value: Value) -> Value:
    while value.opcode in _VIEWS:
        value = value.args[0]
    return value


def _classes(values: Iterable[Value], fixed: Mapping[Value, Order]) -> dict[Value, int]:
    """The class of every stored value whose order is free, by number."""
    parent: dict[Value, Value] = {}

    def find(v: Value) -> Value:
        while parent[v] is not v:
            parent[v] = parent[parent[v]]
            v = parent[v]
        return v

    for value in values:
        if value.opcode in _VIEWS or value.opcode in _FREE or value in fixed:
            continue
        parent[value] = value
        if value.opcode in OPCODES and OPCODES[value.opcode].family is Family.POINTWISE:
            for arg in value.args:
                if arg in parent and arg.axes == value.axes:
                    parent[find(arg)] = find(value)
    numbers: dict[Value, int] = {}
    return {v: numbers.setdefault(find(v), len(numbers)) for v in parent}
