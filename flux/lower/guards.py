"""Gathers under a choice: a position that the choice does not take is not looked at.

`where(targets >= 0, logits[v = targets], 0)` reads nothing where a target is -1. A Program computes
both branches, so the positions themselves are chosen: the gather reads position 0 instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from flux.expr import Expr, node, where
from flux.expr.traverse import rebuild
from flux.ops import Kind, Op

# Choices nested hundreds deep would be rebuilt at every level. Past this many nodes a gather keeps
# its positions, and those outside an axis are an error.
_MOST_REBUILT = 10_000


class Guards:
    """Puts the conditions of choices into the gathers below them.

    Args:
        order: all expressions that are lowered, operands before their users.
    """

    def __init__(self, order: Iterable[Expr]) -> None:
        self._left = _MOST_REBUILT
        self._gathering: set[Expr] = set()  # gathers, and what is pointwise over one
        for e in order:
            if _is_gather(e) or (e.op.row.kind is Kind.POINTWISE and self._above(e)):
                self._gathering.add(e)

    def branch(self, e: Expr, condition: Expr, taken: bool) -> Expr:
        """A branch whose gathers read position 0 wherever the condition is not `taken`."""
        if e not in self._gathering or self._left <= 0:
            return e
        made: dict[Expr, Expr] = {}
        stack = [e]
        while stack:
            part = stack[-1]
            waiting = [a for a in self._below(part) if a not in made] if part not in made else []
            if waiting:
                stack.extend(waiting)
                continue
            if part not in made:
                made[part] = self._guarded(part, made, condition, taken)
                self._gathering.add(made[part])
                self._left -= 1
            stack.pop()
        return made[e]

    def _above(self, e: Expr) -> bool:
        return not self._gathering.isdisjoint(e.args)

    def _below(self, e: Expr) -> list[Expr]:
        return [] if _is_gather(e) else [arg for arg in e.args if arg in self._gathering]

    def _guarded(self, e: Expr, made: dict[Expr, Expr], condition: Expr, taken: bool) -> Expr:
        if not _is_gather(e):
            return rebuild(e, tuple(made.get(arg, arg) for arg in e.args))
        x, *positions = e.args
        chosen = [_chosen(i, condition, taken) for i in positions]
        return node(e.op, (x, *chosen), e.attributes)


_KNOWN = (Op.CONSTANT, Op.POSITION, Op.ARGMAX)  # positions that no input can put outside an axis


def _chosen(i: Expr, condition: Expr, taken: bool) -> Expr:
    if i.op in _KNOWN or not condition.axes <= i.axes:  # it would grow: it stays as it is
        return i
    return where(condition, i, 0) if taken else where(condition, 0, i)


def _is_gather(e: Expr) -> bool:
    """Whether it reads at positions that inputs decide, and that may be outside an axis."""
    return e.op is Op.INDEX and any(i.op not in _KNOWN for i in e.args[1:])
