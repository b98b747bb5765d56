"""What an expression consists of: its names and the number of its operations."""

from __future__ import annotations

from flux.expr.node import Expr
from flux.expr.traverse import inputs, topological


def free_names(e: Expr) -> tuple[str, ...]:
    """The names of the inputs, in order of first appearance."""
    return tuple(dict.fromkeys(x.attributes.name for x in inputs(e)))


def count_ops(e: Expr) -> int:
    """The number of different operations: each shared part once, constants and inputs not."""
    return sum(bool(part.args) for part in topological((e,)))
