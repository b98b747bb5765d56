"""The sizes of the terms that an expression is the sum of: its rounding is a few ulps of them."""

from __future__ import annotations

from flux.expr import Expr, apply
from flux.ops import Op

_MOST_TERMS = 10_000


def magnitude(e: Expr) -> Expr:
    """|t1| + |t2| + ..., where e = t1 + t2 + ... up to signs."""
    first, *rest = (apply(Op.ABS, term) for term in _terms(e))
    for size in rest:
        first = first + size
    return first


def _terms(e: Expr) -> list[Expr]:
    found: list[Expr] = []
    waiting = [e]
    while waiting:
        e = waiting.pop()
        if e.op in (Op.ADD, Op.SUB, Op.NEG) and len(found) + len(waiting) < _MOST_TERMS:
            waiting.extend(e.args)
        else:
            found.append(e)
    return found
