"""Which nodes of a printed block get a name of their own.

Nodes that are used more than once do, unless they are small, so that a text is linear in the nodes
of its expression; so do nodes at which brackets nest too deeply for a reader, or a parser's stack,
and a named node divided by something computed from it: that is a thing of its own, such as a
probability.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from flux.expr.node import Expr
from flux.expr.precedence import ANY, OPERATORS, level
from flux.ops import Op

_SMALL = 4  # a shared node of at most this many nodes is written out each time
_DEEPEST = 100  # nesting of brackets, prefixes and right operands
_WRITTEN_OUT = 300  # nodes of a tree that mathematical notation writes without names


def named_nodes(order: Sequence[Expr]) -> list[Expr]:
    """The nodes of one or several expressions, in topological order, that get a name."""
    uses: dict[Expr, int] = dict.fromkeys(order, 0)
    for e in order:
        for arg in e.args:
            uses[arg] += 1
    weight: dict[Expr, int] = {}
    height: dict[Expr, int] = {}
    named: list[Expr] = []
    known: set[Expr] = set()
    for e in order:
        if not uses[e]:  # a whole expression
            continue
        weight[e] = 1 + sum(weight[arg] for arg in e.args)
        height[e] = _height(e, height)
        shared = uses[e] > 1 and weight[e] > _SMALL
        if shared or height[e] > _DEEPEST or _normalised(e, known):
            named.append(e)
            known.add(e)
            weight[e] = 1
            height[e] = 0
    return named


def _normalised(e: Expr, named: Container[Expr]) -> bool:
    """Whether a node is a named one divided by something that is written with it."""
    if e.op is not Op.DIV or e.args[0] not in named:
        return False
    stack = [e.args[1]]
    while stack:
        part = stack.pop()
        if part is e.args[0]:
            return True
        if part not in named:
            stack.extend(part.args)
    return False


def _height(e: Expr, height: Mapping[Expr, int]) -> int:
    operator = OPERATORS.get(e.op)
    loosest = operator.operands if operator else (ANY,) * len(e.args)
    highest = 0
    for i, (arg, bound) in enumerate(zip(e.args, loosest, strict=True)):
        # The left operand of + or * does not nest, so a long sum is flat.
        flat = operator is not None and i == 0 and len(e.args) == 2 and level(arg) >= bound
        highest = max(highest, height[arg] + (0 if flat else 1))
    return highest


def is_small(order: Sequence[Expr]) -> bool:
    """Whether the tree is small enough for mathematical notation to write it without names."""
    weight: dict[Expr, int] = {}
    height: dict[Expr, int] = {}
    for e in order:
        weight[e] = 1 + sum(weight[arg] for arg in e.args)
        height[e] = 1 + max((height[arg] for arg in e.args), default=0)
        if weight[e] > _WRITTEN_OUT or height[e] > _WRITTEN_OUT:
            return False
    return True
