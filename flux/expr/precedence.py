"""Operators as texts write them, with their precedence (docs/language.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flux.expr.node import Expr
from flux.ops import Op

# Precedence, from loosest to tightest; an operand of a looser one stands in parentheses.
ANY, OR, AND, NOT, COMPARISON, SUM, PRODUCT, PREFIX, POWER, POSTFIX = range(10)


@dataclass(frozen=True)
class Operator:
    """How an operation is written between or before its operands.

    Attributes:
        symbol: the operator with its spaces.
        level: its precedence.
        operands: the loosest level that each operand may have without brackets.
    """

    symbol: str
    level: int
    operands: tuple[int, ...]


def _left(symbol: str, level: int) -> Operator:
    return Operator(symbol, level, (level, level + 1))


def _compare(symbol: str) -> Operator:
    return Operator(f" {symbol} ", COMPARISON, (SUM, SUM))


OPERATORS: Mapping[Op, Operator] = {
    Op.OR: _left(" or ", OR),
    Op.AND: _left(" and ", AND),
    Op.NOT: Operator("not ", NOT, (NOT,)),
    Op.LT: _compare("<"),
    Op.LE: _compare("<="),
    Op.GT: _compare(">"),
    Op.GE: _compare(">="),
    Op.EQ: _compare("=="),
    Op.NE: _compare("!="),
    Op.ADD: _left(" + ", SUM),
    Op.SUB: _left(" - ", SUM),
    Op.MUL: _left("*", PRODUCT),
    Op.DIV: _left("/", PRODUCT),
    Op.MOD: _left(" % ", PRODUCT),
    Op.NEG: Operator("-", PREFIX, (PREFIX,)),
    Op.POW: Operator("^", POWER, (POSTFIX, PREFIX)),
}


def level(e: Expr) -> int:
    """The precedence of an expression; calls, names and numbers bind tightest."""
    operator = OPERATORS.get(e.op)
    return operator.level if operator else POSTFIX
