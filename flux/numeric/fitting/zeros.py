"""Powers of zero: (dose/ec50)^n at dose 0, whose derivatives are 0 and not 0*log(0).

Where a factor of the base has no parameter and is zero, the power is the same for all parameters: a
constant, whose derivatives are zero.
"""

from __future__ import annotations

from collections.abc import Collection

from flux.expr import Expr, apply, constant, fold, inputs, rebuild, stop, where
from flux.ops import Op


def constant_powers_of_zero(e: Expr, parameters: Collection[str]) -> Expr:
    """The same value, with such powers marked as constants for differentiation."""

    def visit(node: Expr, args: tuple[Expr, ...]) -> Expr:
        power = rebuild(node, args)
        if node.op is not Op.POW or not _moves(node.args[1], parameters):
            return power
        known = [f for f in _factors(node.args[0]) if inputs(f) and not _moves(f, parameters)]
        for factor in known:
            power = where(apply(Op.EQ, factor, constant(0)), stop(power), power)
        return power

    return fold(e, visit)


def unmarked(e: Expr) -> Expr:
    """The same value without the marks, whose work is done once an expression is differentiated."""
    return fold(e, _unmarked)


def _unmarked(node: Expr, args: tuple[Expr, ...]) -> Expr:
    marked = node.op is Op.WHERE and args[1].op is Op.STOP and args[1].args[0] is args[2]
    return args[2] if marked else rebuild(node, args)


def _moves(e: Expr, parameters: Collection[str]) -> bool:
    return any(x.attributes.name in parameters for x in inputs(e))


def _factors(e: Expr) -> list[Expr]:
    """What an expression is a product of; of a quotient, its numerator's."""
    found: list[Expr] = []
    waiting = [e]
    while waiting:
        part = waiting.pop()
        if part.op is Op.MUL:
            waiting.extend(part.args)
        elif part.op in (Op.DIV, Op.NEG):
            waiting.append(part.args[0])
        else:
            found.append(part)
    return found
