"""Iterative walks over expressions: every other module uses these, and nothing recurses."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import TypeVar

from flux.errors import LimitError
from flux.expr.node import Expr, node
from flux.ops import Op
from flux.settings import current

T = TypeVar("T")


def topological(roots: Iterable[Expr]) -> list[Expr]:
    """Every node that the roots reach, once, operands before their users.

    The order follows from the expressions alone: roots in the given order, operands from the left.
    """
    return _walked([*roots], ())


def _walked(roots: Sequence[Expr], known: Container[Expr]) -> list[Expr]:
    """Operands before their users; `None` stands above a node whose operands come first."""
    stack: list[Expr | None] = [*roots[::-1]]
    order: list[Expr] = []
    seen: set[Expr] = set()
    while stack:
        e = stack.pop()
        if e is None:
            order.append(stack.pop())  # type: ignore[arg-type]  # a node stands below each None
        elif e not in seen and e not in known:
            seen.add(e)
            if e.args:
                stack += (e, None, *e.args[::-1])
            else:
                order.append(e)
    return order


def unvisited(root: Expr, known: Container[Expr]) -> list[Expr]:
    """What the root reaches without passing through known nodes, operands before their users."""
    return _walked([root], known)


def count_nodes(*roots: Expr) -> int:
    """The number of different nodes that the roots reach."""
    return len(topological(roots))


def check_size(*roots: Expr) -> None:
    """Raise LimitError where the roots reach more nodes than the setting `max_nodes`."""
    limit = current().max_nodes
    if count_nodes(*roots) > limit:
        raise LimitError(f"the expression has more than {limit} nodes (setting max_nodes)")


def inputs(*roots: Expr) -> list[Expr]:
    """The inputs that the roots reach, in order of first appearance."""
    return [e for e in topological(roots) if e.op is Op.INPUT]


def users(order: Sequence[Expr]) -> dict[Expr, list[Expr]]:
    """For each node of a topological order, the nodes of it that use it, once each."""
    found: dict[Expr, list[Expr]] = {e: [] for e in order}
    for e in order:
        for arg in dict.fromkeys(e.args):
            found[arg].append(e)
    return found


def fold(root: Expr, visit: Callable[[Expr, tuple[T, ...]], T]) -> T:
    """Compute a value bottom-up: `visit(node, values of its operands)`, once a node."""
    values: dict[Expr, T] = {}
    for e in topological((root,)):
        values[e] = visit(e, tuple(values[a] for a in e.args))
    return values[root]


def rebuild(e: Expr, args: tuple[Expr, ...]) -> Expr:
    """The node with other operands; the node itself where they are the same ones."""
    if args == e.args:
        return e
    return node(e.op, args, e.attributes)


def depends(order: Sequence[Expr], on: Iterable[Expr]) -> set[Expr]:
    """The nodes of a topological order that depend on any of `on` (those included)."""
    found = set(on)
    for e in order:
        if any(arg in found for arg in e.args):
            found.add(e)
    return found
