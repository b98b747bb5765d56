"""Which inputs a value cannot hide: where one of them is nan, the value is nan.

So a score without a nan shows, in one look at its values, that none of these columns misses any.
Comparisons, choices and logic hide a nan, and powers do at x^0 and 1^x.
"""

from __future__ import annotations

from flux.expr import Expr, topological
from flux.ops import Op

# nan where any operand is.
_PASSING = frozenset(
    (
        *(Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.SQRT, Op.CBRT, Op.ABS),
        *(Op.EXP, Op.EXPM1, Op.LOG, Op.LOG1P, Op.LOG2, Op.LOG10),
        *(Op.SIN, Op.COS, Op.TAN, Op.SINH, Op.COSH, Op.TANH, Op.MINIMUM, Op.MAXIMUM),
    )
)
_NONE: frozenset[str] = frozenset()


def passed_on(e: Expr) -> frozenset[str]:
    """The names of the inputs whose nan makes an expression nan."""
    found: dict[Expr, frozenset[str]] = {}
    for part in topological((e,)):
        found[part] = _of(part, [found[arg] for arg in part.args])
    return found[e]


def _of(e: Expr, below: list[frozenset[str]]) -> frozenset[str]:
    if e.op is Op.INPUT:
        return frozenset((e.attributes.name,))
    if e.op in _PASSING:
        return _NONE.union(*below)
    if e.op is Op.WHERE:
        return below[1] & below[2]
    if e.op is Op.POW:
        base, exponent = e.args
        return (below[0] if _differs(exponent, 0) else _NONE) | (
            below[1] if _differs(base, 1) else _NONE
        )
    return _NONE


def _differs(e: Expr, number: int) -> bool:
    """Whether it is a constant other than a number; a negative one is written as a negation."""
    if e.op is Op.NEG:
        return e.args[0].op is Op.CONSTANT and float(e.args[0].evaluate()) != -number
    return e.op is Op.CONSTANT and float(e.evaluate()) != number
