"""Which expressions are integers.

Real arithmetic is float; an integer stays one in index positions and in comparisons with other
integers only, where it is computed in 64 bits. The reference evaluator and lowering both ask here,
so that they agree on which ones.
"""

from __future__ import annotations

from flux.expr.node import Expr
from flux.ops import Op

MAX_EXACT = 2**53  # beyond it a float64 no longer holds every integer

_LEAVES = frozenset((Op.POSITION, Op.SIZE, Op.ARGMAX))
_CLOSED = frozenset(  # an integer where all operands are
    (Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.MOD, Op.MINIMUM, Op.MAXIMUM, Op.ABS, Op.SIGN, Op.STOP)
)


def integral(e: Expr) -> bool:
    """Whether the value of an expression is an integer by its form.

    Integers are integer inputs and constants, positions, sizes, argmax, and sums, differences,
    products, remainders, extrema, magnitudes, signs, choices, renames and gathers of those.
    """
    seen = {e}
    stack = [e]
    while stack:
        part = stack.pop()
        needed = _needed(part)
        if needed is None:
            return False
        fresh = [arg for arg in needed if arg not in seen]
        seen.update(fresh)
        stack.extend(fresh)
    return True


def _needed(e: Expr) -> tuple[Expr, ...] | None:
    # The operands that must be integers for e to be one; None where e cannot be.
    if e.op in _LEAVES or (e.op is Op.INPUT and e.attributes.integer):
        return ()
    if e.op is Op.CONSTANT:
        return () if e.attributes.kind == "int" and e.attributes.value <= MAX_EXACT else None
    if e.op in _CLOSED:
        return e.args
    if e.op is Op.WHERE:
        return e.args[1:]
    return e.args[:1] if e.op in (Op.INDEX, Op.RENAME) else None
