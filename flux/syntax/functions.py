"""The functions that are operations themselves; all others are definitions in `flux/library`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flux.expr import Expr, constant
from flux.ops import COMPARISONS, POINTWISE, REDUCTIONS, Op

# Operations that have an operator and no name.
_OPERATORS = frozenset(
    (Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.POW, Op.AND, Op.OR, Op.NOT, *COMPARISONS)
)

POINTWISE_FUNCTIONS: Mapping[str, Op] = {
    op.row.name: op for op in POINTWISE if op not in _OPERATORS
}

REDUCTION_FUNCTIONS: Mapping[str, Op] = {op.row.name: op for op in REDUCTIONS}

# Functions of two or more values, folded from the left.
FOLDED_FUNCTIONS: Mapping[str, Op] = {"min": Op.MINIMUM, "max": Op.MAXIMUM}

# Forms that are no operation: they stand for a derivative, a stream, or several layers.
SPECIAL_FORMS = ("diff", "grad", "random", "repeat", "root")

FUNCTION_NAMES = frozenset(
    (*POINTWISE_FUNCTIONS, *REDUCTION_FUNCTIONS, *FOLDED_FUNCTIONS, *SPECIAL_FORMS, "mean")
)

BINARY_OPERATORS: Mapping[str, Op] = {
    "+": Op.ADD,
    "-": Op.SUB,
    "*": Op.MUL,
    "/": Op.DIV,
    "%": Op.MOD,
    "^": Op.POW,
    "and": Op.AND,
    "or": Op.OR,
    "<": Op.LT,
    "<=": Op.LE,
    ">": Op.GT,
    ">=": Op.GE,
    "==": Op.EQ,
    "!=": Op.NE,
}

PREFIX_OPERATORS: Mapping[str, Op] = {"-": Op.NEG, "not": Op.NOT}

_CONSTANTS: Mapping[str, Expr] = {
    **{name: constant(name) for name in ("pi", "e", "inf", "nan")},
    **{name: constant(name.lower()) for name in ("PI", "Pi", "pI", "E")},
    "true": constant(True),
    "false": constant(False),
}


TRAINING = "training"  # in layers and models: 1 in a training step, 0 elsewhere


def named_constant(name: str) -> Expr | None:
    """The constant of that name: pi and e in any case, inf, nan, true, false."""
    return _CONSTANTS.get(name)


_MAX_EXPONENT = 99_999


def number(text: str) -> Expr | None:
    """The constant that a literal spells, exactly; None where its exponent is out of range."""
    if text.isdecimal():
        return constant(int(text))
    _, _, exponent = text.lower().partition("e")
    if exponent and (len(exponent) > 12 or abs(int(exponent)) > _MAX_EXPONENT):
        return None
    return constant(Decimal(text))
