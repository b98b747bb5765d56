"""Which rules of differentiation an expression in one variable calls for.

A derivative is worked out from the outside in; each operation on the way that depends on the
variable asks for the rules below whose condition it meets. Numbers ask for none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flux.expr import Expr, inputs, topological
from flux.ops import Op

_SUMS = (Op.ADD, Op.SUB)
_FUNCTIONS = (Op.SIN, Op.COS, Op.EXP, Op.LOG)


def _is_constant(e: Expr) -> bool:
    return not inputs(e)


def _has_constant_factor(e: Expr) -> bool:
    if e.op is Op.MUL:
        return any(map(_is_constant, e.args))
    return e.op is Op.DIV and _is_constant(e.args[1])


def _is_product(e: Expr) -> bool:
    return e.op is Op.MUL and not any(map(_is_constant, e.args))


def _is_quotient(e: Expr) -> bool:
    return e.op is Op.DIV and not _is_constant(e.args[1])


def _is_chain(e: Expr) -> bool:
    return e.op in (*_FUNCTIONS, Op.POW) and bool(e.args[0].args)


# Rule: whether a node that depends on the variable asks for it.
RULES: Mapping[str, Callable[[Expr], bool]] = {
    "sum": lambda e: e.op in _SUMS,
    "constant factor": _has_constant_factor,
    "product": _is_product,
    "quotient": _is_quotient,
    "power": lambda e: e.op is Op.POW,
    "chain": _is_chain,
    "sine": lambda e: e.op is Op.SIN,
    "cosine": lambda e: e.op is Op.COS,
    "exponential": lambda e: e.op is Op.EXP,
    "logarithm": lambda e: e.op is Op.LOG,
}


def rules_of(e: Expr) -> tuple[str, ...]:
    """The rules that its derivative calls for, in the order of the table."""
    nodes = [node for node in topological((e,)) if node.args and not _is_constant(node)]
    return tuple(rule for rule, asks in RULES.items() if any(map(asks, nodes)))
