"""Whether a call left its domain, for `domain="raise"`.

A Program computes every branch by IEEE rules, so it cannot tell. The reference evaluator can: it
walks the path that is taken. It is asked where a result is not finite, and always where a formula
may hide what happened inside, as 1/(1/x) does at 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from flux.compiled.arguments import Shape
from flux.compiled.rows import Array, Column
from flux.expr import Expr, topological
from flux.expr.evaluate import evaluate
from flux.ops import Op

_CHECKED_ROWS = 1 << 14  # rows that the reference evaluator looks at in one go

# Not finite wherever an operand is not.
_PROPAGATING = frozenset(
    (
        *(Op.CONSTANT, Op.INPUT, Op.RENAME, Op.SUM),
        *(Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.ABS, Op.SQRT, Op.CBRT),
        *(Op.LOG, Op.LOG1P, Op.LOG2, Op.LOG10, Op.LGAMMA),
        *(Op.SIN, Op.COS, Op.TAN, Op.SINH, Op.COSH, Op.ASINH, Op.ACOSH),
        *(Op.FLOOR, Op.CEIL, Op.ROUND, Op.RINT, Op.TRUNC),
    )
)


def hides(outputs: Iterable[Expr]) -> bool:
    """Whether a value can be finite though a part of it is not."""
    return not all(map(_propagates, topological(outputs)))


def _propagates(e: Expr) -> bool:
    # A caller's own infinity may be divided by: 1/inf is no error.
    plain = e.op is Op.DIV and e.args[1].op in (Op.CONSTANT, Op.INPUT)
    return plain or e.op in _PROPAGATING


def raise_outside(
    outputs: Iterable[Expr],
    columns: Mapping[str, Column],
    leading: Mapping[str, Shape],
    shape: Shape,
    sizes: Mapping[str, int],
) -> None:
    """Raise the DomainError of the first operation outside its domain on the path taken, if any.

    Args:
        outputs: the expressions.
        columns: the arguments.
        leading: the anonymous dimensions of each argument.
        shape: those of the call.
        sizes: of named axes.
    """
    step = max(1, _CHECKED_ROWS // max(1, math.prod(shape[1:])))
    for start in range(0, shape[0] if shape else 1, step):
        arrays = {
            name: column.convert(_part(column.array, leading[name], shape, start, start + step))
            for name, column in columns.items()
        }
        for e in outputs:
            evaluate(e, arrays, sizes=sizes)


def _part(array: Array, own: Shape, shape: Shape, start: int, stop: int) -> Array:
    """What rows from start to stop of the first dimension need of an argument."""
    cut = len(own) == len(shape) > 0 and own[0] > 1
    return array[start:stop] if cut else array
