"""The table of partial derivatives: one row per pointwise operation.

A row has one expression per operand, over the placeholders a, b, c (the operands) and y (the
operation's own result, reused to avoid computing it twice). It is written without its chain-rule
factor; the differentiators multiply by that in one place. `None` says that the derivative is zero
wherever it exists, so nothing is built for it.

`GUARDS` says where an operand counts at all. An operand that was not chosen must not spoil the
derivative by 0 * inf, so its cotangent is selected, not multiplied by zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flux.calculus.folding import ONE, ZERO, Template
from flux.expr import Expr, apply, constant, variable, where
from flux.ops import Op

a = variable("a")
b = variable("b")
c = variable("c")
y = variable("y")
_PI = constant("pi")
_HALF = constant(1) / 2

Row = tuple[Expr | None, ...]

PARTIALS: Mapping[Op, Row] = {
    Op.NEG: (-ONE,),
    Op.ADD: (ONE, ONE),
    Op.SUB: (ONE, -ONE),
    Op.MUL: (b, a),
    Op.DIV: (1 / b, -(y / b)),
    Op.POW: (b * a ** (b - 1), y * apply(Op.LOG, a)),  # not y*b/a, which is 0/0 at a = 0
    Op.MOD: (ONE, -apply(Op.FLOOR, a / b)),  # a mod b = a - b*floor(a/b)
    Op.FMOD: (ONE, -apply(Op.TRUNC, a / b)),  # fmod(a, b) = a - b*trunc(a/b)
    Op.EXP: (y,),
    Op.EXPM1: (apply(Op.EXP, a),),  # not y + 1, which loses all digits for a << 0
    Op.LOG: (1 / a,),
    Op.LOG1P: (1 / (1 + a),),
    Op.LOG2: (1 / (a * apply(Op.LOG, constant(2))),),
    Op.LOG10: (1 / (a * apply(Op.LOG, constant(10))),),
    Op.SQRT: (1 / (2 * y),),
    Op.CBRT: (1 / (3 * y**2),),
    Op.SIN: (apply(Op.COS, a),),
    Op.COS: (-apply(Op.SIN, a),),
    Op.TAN: (1 + y**2,),
    Op.ASIN: (1 / apply(Op.SQRT, 1 - a**2),),
    Op.ACOS: (-(1 / apply(Op.SQRT, 1 - a**2)),),
    Op.ATAN: (1 / (1 + a**2),),
    Op.ATAN2: (b / (a**2 + b**2), -(a / (a**2 + b**2))),
    Op.SINH: (apply(Op.COSH, a),),
    Op.COSH: (apply(Op.SINH, a),),
    Op.TANH: (1 - y**2,),
    Op.ASINH: (1 / apply(Op.SQRT, 1 + a**2),),
    Op.ACOSH: (1 / (apply(Op.SQRT, a - 1) * apply(Op.SQRT, a + 1)),),  # a^2 may overflow
    Op.ATANH: (1 / (1 - a**2),),
    Op.HYPOT: (where(apply(Op.EQ, y, 0), 0, a / y), where(apply(Op.EQ, y, 0), 0, b / y)),
    Op.ERF: (2 / apply(Op.SQRT, _PI) * apply(Op.EXP, -(a**2)),),
    Op.ERFC: (-(2 / apply(Op.SQRT, _PI) * apply(Op.EXP, -(a**2))),),
    Op.GAMMA: (y * apply(Op.POLYGAMMA, 0, a),),
    Op.LGAMMA: (apply(Op.POLYGAMMA, 0, a),),
    Op.POLYGAMMA: (None, apply(Op.POLYGAMMA, a + 1, b)),
    Op.ABS: (apply(Op.SIGN, a),),
    Op.SIGN: (None,),
    Op.FLOOR: (None,),
    Op.CEIL: (None,),
    Op.ROUND: (None,),
    Op.RINT: (None,),
    Op.TRUNC: (None,),
    Op.MINIMUM: (where(apply(Op.EQ, a, b), _HALF, 1), where(apply(Op.EQ, a, b), _HALF, 1)),
    Op.MAXIMUM: (where(apply(Op.EQ, a, b), _HALF, 1), where(apply(Op.EQ, a, b), _HALF, 1)),
    Op.LT: (None, None),
    Op.LE: (None, None),
    Op.GT: (None, None),
    Op.GE: (None, None),
    Op.EQ: (None, None),
    Op.NE: (None, None),
    Op.AND: (None, None),
    Op.OR: (None, None),
    Op.NOT: (None,),
    Op.WHERE: (None, ONE, ONE),
    Op.STOP: (None,),
}

# d(a^n)/da where the exponent is this literal: what the row of POW folds to, built at once, and at
# n = 0, where the row would be 0/0 at a = 0, nothing.
POWERS: Mapping[Expr, Expr | None] = {
    ZERO: None,
    ONE: ONE,
    constant(2): 2 * a,
    constant(3): 3 * a**2,
}

# Where an operand counts; for where, a is the condition.
GUARDS: Mapping[Op, Row] = {
    Op.WHERE: (None, a, apply(Op.NOT, a)),
    Op.MINIMUM: (apply(Op.LE, a, b), apply(Op.LE, b, a)),
    Op.MAXIMUM: (apply(Op.GE, a, b), apply(Op.GE, b, a)),
}


class Convention(NamedTuple):
    """The value that a derivative takes at a point where mathematics leaves a choice.

    Args:
        at: operands of that point.
        partials: the value of each partial derivative there.
        source: why that one.
    """

    op: Op
    at: tuple[float, ...]
    partials: tuple[float, ...]
    source: str


_LEAST_NORM = "the subgradient of least norm (Rockafellar, Convex Analysis, 1970, section 23)"
_EQUAL_SHARE = "ties share equally: the subgradient that is symmetric in the operands"
_FLAT = "zero wherever it exists; steps are not differentiated"
_LIMIT = "the one-sided limit"
_INF = float("inf")

CONVENTIONS: tuple[Convention, ...] = (
    Convention(Op.ABS, (0.0,), (0.0,), _LEAST_NORM),
    Convention(Op.HYPOT, (0.0, 0.0), (0.0, 0.0), _LEAST_NORM),
    Convention(Op.MINIMUM, (1.0, 1.0), (0.5, 0.5), _EQUAL_SHARE),
    Convention(Op.MAXIMUM, (1.0, 1.0), (0.5, 0.5), _EQUAL_SHARE),
    Convention(Op.SIGN, (0.0,), (0.0,), _FLAT),
    Convention(Op.FLOOR, (1.0,), (0.0,), _FLAT),
    Convention(Op.CEIL, (1.0,), (0.0,), _FLAT),
    Convention(Op.ROUND, (0.5,), (0.0,), _FLAT),
    Convention(Op.RINT, (0.5,), (0.0,), _FLAT),
    Convention(Op.TRUNC, (1.0,), (0.0,), _FLAT),
    Convention(Op.SQRT, (0.0,), (_INF,), _LIMIT),
    Convention(Op.CBRT, (0.0,), (_INF,), _LIMIT),
    Convention(Op.LOG, (0.0,), (_INF,), _LIMIT),
    Convention(Op.ASIN, (1.0,), (_INF,), _LIMIT),
    Convention(Op.ACOS, (1.0,), (-_INF,), _LIMIT),
    Convention(Op.ACOSH, (1.0,), (_INF,), _LIMIT),
)


def _templates(
    table: Mapping[Op, Row], over: Mapping[int, tuple[Expr, ...]]
) -> Mapping[Op, tuple[Template | None, ...]]:
    return {
        op: tuple(None if e is None else Template(e, over[len(row)]) for e in row)
        for op, row in table.items()
    }


_OVER = {1: (a, y), 2: (a, b, y), 3: (a, b, c, y)}
PARTIAL_TEMPLATES = _templates(PARTIALS, _OVER)
GUARD_TEMPLATES = _templates(GUARDS, _OVER)
POWER_TEMPLATES: Mapping[Expr, Template | None] = {
    exponent: None if row is None else Template(row, (a, b, y)) for exponent, row in POWERS.items()
}


def partial(e: Expr, operand: int) -> Expr | None:
    """The partial derivative of a pointwise node by one of its operands; None where it is zero."""
    if e.op is Op.CUSTOM:
        return e.args[operand + 1] if operand % 2 else None
    template = PARTIAL_TEMPLATES[e.op][operand]
    if template is None or template.is_one:
        return None if template is None else ONE
    if e.op is Op.POW and operand == 0 and e.args[1] in POWER_TEMPLATES:
        template = POWER_TEMPLATES[e.args[1]]
        if template is None:
            return None
    return template.build((*e.args, e))


def guard(e: Expr, operand: int) -> Expr | None:
    """The condition under which an operand of a pointwise node counts; None: always."""
    row = GUARD_TEMPLATES.get(e.op)
    template = None if row is None else row[operand]
    return None if template is None else template.build((*e.args, e))
