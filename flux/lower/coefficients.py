"""Constant coefficients: moved out of products and sums until they meet, and applied where small.

A gradient is full of factors such as 0.5, 2 and 1/size, each a pass over a tensor. Here a value is
carried as coefficient * base through products, quotients, squares, sums and contractions; where the
coefficient has to be applied, it goes to the smallest factor. It changes the last bits only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flux.lower.ir import Graph, Value, inherit, order

_DEPTH = 4  # products inside products that are searched for a small factor
_LEAST, _MOST = 1e-15, 1e15  # a coefficient beyond these stays where it is written


@dataclass(frozen=True, slots=True)
class Scaled:
    """coefficient * base."""

    coefficient: float
    base: Value


def collect_coefficients(graph: Graph, roots: Sequence[Value]) -> list[Value]:
    """The roots with their constant coefficients collected."""
    values = order(roots)
    collection = _Collection(graph, _uses(values, roots))
    for value in values:
        collection.add(value)
    return [collection.whole(root) for root in roots]


def _uses(values: Sequence[Value], roots: Sequence[Value]) -> dict[Value, int]:
    uses = dict.fromkeys(roots, 2)  # an output has to be there itself
    for value in values:
        for arg in value.args:
            uses[arg] = uses.get(arg, 0) + 1
    return uses


class _Collection:
    def __init__(self, graph: Graph, uses: Mapping[Value, int]) -> None:
        self._graph = graph
        self._uses = uses
        self._scaled: dict[Value, Scaled] = {}
        self._wholes: dict[Scaled, Value] = {}

    def add(self, value: Value) -> None:
        """Work out one value; its operands have been."""
        rule = _RULES.get(value.opcode) if value.dtype is self._graph.dtype else None
        found = rule(self, value) if rule is not None and self._tame(value) else None
        if found is None or not _LEAST < abs(found.coefficient) < _MOST:
            found = Scaled(1.0, self._rebuilt(value))
        elif self._uses.get(value, 0) > 1:
            # Used more than once: applied here, once, and not by every user for itself.
            found = Scaled(1.0, self._apply(found))
        if not found.base.places:
            found.base.places = value.places
        found.base.layer = found.base.layer or value.layer
        self._scaled[value] = found

    def _tame(self, value: Value) -> bool:
        """Whether no product, square or quotient of the operands' coefficients leaves the range."""
        return all(_LEAST < abs(self._part(arg).coefficient) < _MOST for arg in value.args)

    def whole(self, value: Value) -> Value:
        """The value with its coefficient applied."""
        return self._apply(self._scaled[value])

    def _rebuilt(self, value: Value) -> Value:
        args = tuple(self.whole(arg) for arg in value.args)
        if args == value.args:
            return value
        return self._graph.make(value.opcode, args, value.axes, value.dtype, value.attributes)

    def _apply(self, scaled: Scaled) -> Value:
        if scaled.coefficient == 1.0:
            return scaled.base
        found = self._wholes.get(scaled)
        if found is None:
            found = self._wholes[scaled] = self._applied(scaled.coefficient, scaled.base)
            inherit(found)
        return found

    def _applied(self, coefficient: float, base: Value) -> Value:
        absorbed = self._absorbed(coefficient, base, _DEPTH)
        if absorbed is not None:
            return absorbed
        if coefficient == -1.0:
            return self._graph.pointwise("neg", base)
        return self._graph.pointwise("mul", base, self._graph.real(coefficient))

    def _absorbed(self, coefficient: float, base: Value, depth: int) -> Value | None:
        """The product with the coefficient in a factor smaller than the base, if it has one."""
        if base.opcode not in ("mul", "div") or self._uses.get(base, 0) > 1 or depth == 0:
            return None
        for n, factor in enumerate(base.args):
            own = 1.0 / coefficient if base.opcode == "div" and n == 1 else coefficient
            if self._graph.size(factor.axes) < self._graph.size(base.axes):
                inner: Value | None = self._apply(Scaled(own, factor))
            else:
                inner = self._absorbed(own, factor, depth - 1)
            if inner is not None:
                args = (inner, base.args[1]) if n == 0 else (base.args[0], inner)
                return self._graph.pointwise(base.opcode, *args)
        return None

    # How coefficients pass through operations.

    def _parts(self, value: Value) -> list[Scaled]:
        return [self._part(arg) for arg in value.args]

    def _part(self, arg: Value) -> Scaled:
        known = arg.constant
        if known is not None and 0 < abs(known) < float("inf"):
            return Scaled(float(known), self._graph.real(1.0))
        return self._scaled[arg]

    def _mul(self, value: Value) -> Scaled:
        a, b = self._parts(value)
        return Scaled(a.coefficient * b.coefficient, self._product(a.base, b.base))

    def _product(self, a: Value, b: Value) -> Value:
        if a.constant == 1.0:
            return b
        if b.constant == 1.0:
            return a
        return self._graph.pointwise("mul", a, b)

    def _div(self, value: Value) -> Scaled:
        a, b = self._parts(value)
        coefficient = a.coefficient / b.coefficient
        if b.base.constant == 1.0:
            return Scaled(coefficient, a.base)
        if a.base.constant == 1.0:
            return Scaled(coefficient, self._graph.pointwise("reciprocal", b.base))
        return Scaled(coefficient, self._quotient(a.base, b.base))

    def _quotient(self, a: Value, b: Value) -> Value:
        if b.opcode == "sqrt" and a.opcode == "div" and a.args[1] is b:
            return self._graph.pointwise("div", a.args[0], b.args[0])  # twice by a root
        return self._graph.pointwise("div", a, b)

    def _neg(self, value: Value) -> Scaled:
        (a,) = self._parts(value)
        return Scaled(-a.coefficient, a.base)

    def _square(self, value: Value) -> Scaled | None:
        (a,) = self._parts(value)
        return Scaled(a.coefficient**2, self._graph.pointwise("square", a.base))

    def _reciprocal(self, value: Value) -> Scaled:
        (a,) = self._parts(value)
        return Scaled(1.0 / a.coefficient, self._graph.pointwise("reciprocal", a.base))

    def _sum(self, value: Value) -> Scaled:
        (a,) = self._parts(value)
        return Scaled(a.coefficient, self._graph.reduce("sum", a.base, value.attributes))

    def _contract(self, value: Value) -> Scaled | None:
        a, b = self._parts(value)
        coefficient = a.coefficient * b.coefficient
        sizes = [self._graph.size(v.axes) for v in (value, a.base, b.base)]
        base = self._graph.make(
            "contract", (a.base, b.base), value.axes, value.dtype, value.attributes
        )
        if coefficient == 1.0 or sizes[0] <= min(sizes[1:]):
            return Scaled(coefficient, base)
        # The result is the largest: an operand takes the coefficient.
        small = 1 if sizes[1] <= sizes[2] else 2
        args = [a.base, b.base]
        args[small - 1] = self._apply(Scaled(coefficient, args[small - 1]))
        return Scaled(
            1.0,
            self._graph.make("contract", tuple(args), value.axes, value.dtype, value.attributes),
        )

    def _add(self, value: Value) -> Scaled | None:
        a, b = (self._scaled[arg] for arg in value.args)
        minus = value.opcode == "sub"
        if a.coefficient == b.coefficient != 1.0:
            return Scaled(a.coefficient, self._graph.pointwise(value.opcode, a.base, b.base))
        if a.coefficient == -b.coefficient and abs(a.coefficient) != 1.0:
            turned = "add" if minus else "sub"
            return Scaled(a.coefficient, self._graph.pointwise(turned, a.base, b.base))
        if b.coefficient == -1.0 and a.coefficient == 1.0:
            return Scaled(1.0, self._graph.pointwise("add" if minus else "sub", a.base, b.base))
        if a.coefficient == -1.0 and b.coefficient == 1.0 and not minus:
            return Scaled(1.0, self._graph.pointwise("sub", b.base, a.base))
        return None


_RULES: Mapping[str, Callable[[_Collection, Value], Scaled | None]] = {
    "mul": _Collection._mul,
    "div": _Collection._div,
    "neg": _Collection._neg,
    "square": _Collection._square,
    "reciprocal": _Collection._reciprocal,
    "sum": _Collection._sum,
    "contract": _Collection._contract,
    "add": _Collection._add,
    "sub": _Collection._add,
}
