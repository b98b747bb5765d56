"""The graph between an expression and a Program: values with named axes, types and known sizes.

A Graph shares equal values, drops what no output needs, and folds constants. Axes are still sets;
`flux.lower.layout` orders them, `flux.lower.emit` turns values into instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from flux.kernels import KERNELS
from flux.ops import Op
from flux.program.opcodes import OPCODES, Family
from flux.program.types import DType

ROW_AXIS = ""  # the anonymous row space stands among the named axes under the empty name

_OPERATIONS = {op.row.name: op for op in Op}


class Value:
    """One value of the graph; compared by identity, since the graph shares equal ones.

    Attributes:
        opcode: a pointwise, reducing or contracting opcode, or one of the graph's own:
            input (name,), constant (value,), iota (axis,), rename ((old, new) pairs), select (axis,
            position), pad (old, new), gather (indexed axes), scatter (axis, summed axes), random
            (site, axes).
        args: operands.
        attributes: see above; of a reduction or contraction, the axes that it removes.
        axes: named axes of size other than 1 are kept; axes of size 1 are dropped throughout.
        dtype: the type of its elements.
        layer, places: where it comes from.
        written: whether these places are its own, and not those of what it is made of.
    """

    __slots__ = ("args", "attributes", "axes", "dtype", "layer", "opcode", "places", "written")

    def __init__(
        self,
        opcode: str,
        args: tuple[Value, ...],
        attributes: tuple[Any, ...],
        axes: frozenset[str],
        dtype: DType,
    ) -> None:
        self.opcode = opcode
        self.args = args
        self.attributes = attributes
        self.axes = axes
        self.dtype = dtype
        self.layer = ""
        self.places: tuple[Any, ...] = ()
        self.written = False

    @property
    def constant(self) -> float | int | bool | None:
        """The value of a constant, else None."""
        return self.attributes[0] if self.opcode == "constant" else None

    def __repr__(self) -> str:
        return f"{self.opcode}{list(self.attributes)}[{','.join(sorted(self.axes))}]"


class Graph:
    """Builds values, each once.

    Args:
        sizes: the size of every named axis.
        dtype: the floating type of the computation.
    """

    def __init__(self, sizes: Mapping[str, int], dtype: DType) -> None:
        self.sizes = dict(sizes)
        self.dtype = dtype
        self._known: dict[tuple[Any, ...], Value] = {}

    def size(self, axes: Iterable[str]) -> int:
        """The number of elements over axes (of one row)."""
        product = 1
        for axis in axes:
            product *= self.sizes[axis] if axis != ROW_AXIS else 1
        return product

    def make(
        self,
        opcode: str,
        args: tuple[Value, ...],
        axes: frozenset[str],
        dtype: DType,
        attributes: tuple[Any, ...] = (),
    ) -> Value:
        """The value of an opcode on operands."""
        key = (opcode, args, attributes, dtype, axes)
        value = self._known.get(key)
        if value is None:
            value = self._known[key] = Value(opcode, args, attributes, axes, dtype)
        return value

    def constant(self, value: float | int | bool, dtype: DType) -> Value:
        """A constant; floats of different bits, such as 0.0 and -0.0, stay different."""
        if dtype.floating:
            value = _rounded(value, dtype)
            key: Any = value.hex()
        else:
            key = value
        found = self._known.get(("constant", key, dtype))
        if found is None:
            found = Value("constant", (), (value,), frozenset(), dtype)
            self._known["constant", key, dtype] = found
        return found

    def real(self, value: float) -> Value:
        """A constant of the floating type."""
        return self.constant(value, self.dtype)

    def pointwise(self, opcode: str, *args: Value) -> Value:
        """A pointwise value; constants are folded, in float64."""
        folded = self._fold(opcode, args)
        if folded is not None:
            return folded
        axes = frozenset().union(*(arg.axes for arg in args))
        return self.make(opcode, args, axes, self._result(opcode, args))

    def _result(self, opcode: str, args: tuple[Value, ...]) -> DType:
        rule = OPCODES[opcode]
        assert rule.family is Family.POINTWISE
        if opcode in _BOOLEAN:
            return DType.BOOL
        return args[-1].dtype

    def _fold(self, opcode: str, args: tuple[Value, ...]) -> Value | None:
        constants = [arg.constant for arg in args]
        if opcode == "where" and constants[0] is not None:
            chosen = args[1] if constants[0] else args[2]
            return chosen if args[1].axes == args[2].axes else None
        if any(c is None for c in constants):
            return None
        with np.errstate(all="ignore"):
            kernel = pointwise_kernel(opcode)
            assert kernel is not None
            result = kernel(*(_widest(arg) for arg in args))
        dtype = self._result(opcode, args)
        kind = bool if dtype is DType.BOOL else int if dtype is DType.INT64 else float
        return self.constant(kind(result), dtype)

    def cast(self, value: Value, dtype: DType) -> Value:
        """The value converted to a type."""
        if value.dtype is dtype:
            return value
        known = value.constant
        if known is not None:
            kind = bool if dtype is DType.BOOL else int if dtype is DType.INT64 else float
            return self.constant(kind(known), dtype)
        if value.opcode == "iota" and dtype.floating:
            return self.make("iota", (), value.axes, dtype, value.attributes)
        return self.make("copy", (value,), value.axes, dtype)

    def reduce(self, opcode: str, x: Value, axes: Iterable[str]) -> Value:
        """A reduction over axes that x has."""
        removed = tuple(sorted(axes))
        if not removed:
            return x if opcode != "argmax" else self.constant(0, DType.INT64)
        dtype = DType.INT64 if opcode == "argmax" else x.dtype
        return self.make(opcode, (x,), x.axes.difference(removed), dtype, removed)

    def rename(self, x: Value, pairs: Mapping[str, str]) -> Value:
        """X under other axis names; a smaller new axis takes the first positions of the old one."""
        kept = {old: new for old, new in pairs.items() if old in x.axes and old != new}
        if not kept:
            return x
        if x.opcode == "rename":
            return self._rename_again(x, kept)
        axes = frozenset(kept.get(axis, axis) for axis in x.axes)
        axes = frozenset(a for a in axes if a == ROW_AXIS or self.sizes[a] != 1)
        return self.make("rename", (x,), axes, x.dtype, tuple(sorted(kept.items())))

    def _rename_again(self, x: Value, pairs: Mapping[str, str]) -> Value:
        first: dict[str, str] = dict(x.attributes)
        source = x.args[0]
        through = {old: pairs.get(first.get(old, old), first.get(old, old)) for old in source.axes}
        shrunk = any(
            self.sizes[first[old]] < self.sizes[old] for old in first if old in source.axes
        )
        if shrunk:
            axes = frozenset(pairs.get(axis, axis) for axis in x.axes)
            return self.make("rename", (x,), axes, x.dtype, tuple(sorted(pairs.items())))
        return self.rename(source, through)


def inherit(value: Value) -> None:
    """Give a value that has none the layer, and the places, of what it is computed from.

    A parameter names its layer: what uses `block.0.mlp.W1` belongs to `block.0.mlp`.
    """
    for arg in value.args:
        if arg.opcode == "input" and "." in arg.attributes[0]:
            value.layer = value.layer or arg.attributes[0].rpartition(".")[0]
    for arg in sorted(value.args, key=lambda arg: not arg.written):
        value.layer = value.layer or arg.layer
        value.places = value.places or arg.places


_BOOLEAN = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"}


def _rounded(value: float, dtype: DType) -> float:
    """The nearest number of a type: where it has one, a constant is that from the start."""
    if dtype is not DType.FLOAT32:
        return float(value)
    with np.errstate(all="ignore"):
        return float(np.float32(value))


def _widest(arg: Value) -> Any:
    known = arg.constant
    assert known is not None
    return np.float64(known) if arg.dtype.floating else known


_OWN_KERNELS: Mapping[str, Callable[..., Any]] = {
    "square": np.square,
    "reciprocal": np.reciprocal,
    "copy": np.asarray,
}


def pointwise_kernel(opcode: str) -> Callable[..., Any] | None:
    """The function of a pointwise opcode on numbers or arrays; None for any other opcode."""
    op = _OPERATIONS.get(opcode)
    return _OWN_KERNELS.get(opcode) or (KERNELS.get(op) if op is not None else None)


def order(roots: Iterable[Value]) -> list[Value]:
    """Every value that the roots reach, operands before users."""
    found: list[Value] = []
    seen: set[Value] = set()
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        value, entered = stack.pop()
        if entered:
            found.append(value)
        elif value not in seen:
            seen.add(value)
            stack.append((value, True))
            stack.extend((arg, False) for arg in reversed(value.args) if arg not in seen)
    return found
