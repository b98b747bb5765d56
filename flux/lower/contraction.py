"""Sums of products: which factors a sum has, and in what order they are contracted.

A product inside a sum whose axes exceed those of each factor is never materialised: it becomes a
contraction, for each use anew. So the factors are collected from the expression, before values are
shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flux.expr import Expr
from flux.lower.ir import Graph, Value
from flux.ops import Op


@dataclass
class Product:
    """A product under a sum: (-1)^negative * numerators / denominators."""

    negative: bool = False
    numerators: list[Expr] = field(default_factory=list)
    denominators: list[Expr] = field(default_factory=list)


def expands(e: Expr) -> bool:
    """Whether a product has more axes than each of its operands."""
    return e.op in (Op.MUL, Op.DIV) and all(arg.axes != e.axes for arg in e.args)


def factor(body: Expr, uses: Mapping[Expr, int]) -> Product:
    """The factors of a summand.

    A product is opened where it expands, or where nothing else uses it; one that is needed
    elsewhere, and no larger than its operands, is cheaper kept whole.
    """
    product = Product()
    stack = [(body, False)]
    while stack:
        e, below = stack.pop()
        opened = expands(e) or uses.get(e, 0) <= 1
        if e.op is Op.NEG:
            product.negative = not product.negative
            stack.append((e.args[0], below))
        elif e.op is Op.MUL and opened:
            stack.extend((arg, below) for arg in reversed(e.args))
        elif e.op is Op.DIV and opened:
            stack.append((e.args[1], not below))
            stack.append((e.args[0], below))
        else:
            (product.denominators if below else product.numerators).append(e)
    return product


def summands(body: Expr) -> list[tuple[Expr, bool]] | None:
    """The terms (with sign) of a sum or difference of which one is an expanding product.

    None where there is none: such a body is summed whole.
    """
    if body.op not in (Op.ADD, Op.SUB):
        return None
    terms: list[tuple[Expr, bool]] = []
    stack = [(body, False)]
    while stack:
        e, negative = stack.pop()
        if e.op in (Op.ADD, Op.SUB) and e.axes == body.axes:
            stack.append((e.args[1], negative != (e.op is Op.SUB)))
            stack.append((e.args[0], negative))
        elif e.op is Op.NEG:
            stack.append((e.args[0], not negative))
        else:
            terms.append((e, negative))
    return terms if any(expands(e) for e, _ in terms) else None


def contract(graph: Graph, factors: Sequence[Value], axes: frozenset[str]) -> Value:
    """Sum a product of values over axes, two factors at a time.

    Axes that no factor has are left to the caller.
    """
    remaining = list(factors)
    while len(remaining) > 2:
        i, j = _cheapest(graph, remaining, axes)
        right, left = remaining.pop(j), remaining.pop(i)
        others: frozenset[str] = frozenset().union(*(v.axes for v in remaining))
        remaining.insert(0, _pair(graph, left, right, axes - others))
    if len(remaining) == 1:
        return graph.reduce("sum", remaining[0], remaining[0].axes & axes)
    return _pair(graph, remaining[0], remaining[1], axes)


def _cheapest(graph: Graph, values: Sequence[Value], axes: frozenset[str]) -> tuple[int, int]:
    best, found = -1, (0, 1)
    for i in range(len(values)):
        for j in range(i + 1, len(values)):
            others: frozenset[str] = frozenset().union(
                *(v.axes for n, v in enumerate(values) if n not in (i, j))
            )
            union = values[i].axes | values[j].axes
            kept = union - (axes - others)
            cost = graph.size(union) + 4 * graph.size(kept)
            if best < 0 or cost < best:
                best, found = cost, (i, j)
    return found


def _pair(graph: Graph, a: Value, b: Value, axes: frozenset[str]) -> Value:
    a = graph.reduce("sum", a, (a.axes - b.axes) & axes)
    b = graph.reduce("sum", b, (b.axes - a.axes) & axes)
    shared = a.axes & b.axes & axes
    if not shared:
        return graph.pointwise("mul", a, b)
    result = (a.axes | b.axes) - shared
    if _weight(graph, b) > _weight(graph, a):
        a, b = b, a
    return graph.make("contract", (a, b), result, a.dtype, tuple(sorted(shared)))


def _weight(graph: Graph, value: Value) -> tuple[bool, int]:
    """Which operand comes first: the result starts from its axes in memory.

    A computed value stands before an input, so that what a layer computes keeps the order of its
    argument and not that of its weights.
    """
    source = value
    while source.opcode in ("rename", "select"):
        source = source.args[0]
    return source.opcode != "input", graph.size(value.axes)
