"""The instruction set: one row per opcode, with the types it accepts and what it costs.

Pointwise opcodes carry the names of `flux.ops`; the rest move data, reduce, contract and call.
In every pointwise instruction all operands have the shape of the result; a broadcast dimension has
stride 0.

| opcode | result | attributes |
|---|---|---|
| copy | the operand, converted to the result's type | |
| fill | one value everywhere: the operand, a constant of no dimensions | |
| iota | the position along one dimension | (dimension,) |
| sum prod max min argmax | the operand without the reduced dimensions | (dimensions,) |
| contract | sum over k of a[batch, m, k] * b[batch, k, n] | (batch, m, n, k) counts of dimensions |
| gather | x at the given positions | (source,): for each dimension of x, (0, dimension of the \
result) or (1, number of the index operand) |
| scatter | zeros, then g added at the given positions, those outside left out | (target,): for \
each dimension of the result, (0, dimension of g) or (1, number of the index operand) |
| random | uniform on [0, 1) from the operands seed and step | (site,) |
| call | runs a function on the operands and results, in the order of its ports | (function,) |
| map | runs a function with rows on all rows of its operands and results, which are flat | \
(function, rows) |
| iterate | runs a function many times, in order | (function, count, strides of the ports) |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from flux.ops import COMPARISONS, POINTWISE, Op
from flux.program.types import DType


class Family(Enum):
    """What shapes an opcode relates."""

    POINTWISE = "pointwise"
    MOVE = "move"
    REDUCE = "reduce"
    CONTRACT = "contract"
    ACCESS = "access"
    CALL = "call"


class Types(Enum):
    """How operand types give the result's type."""

    SAME_FLOAT = "all operands and the result of one floating type"
    SAME_NUMBER = "all operands and the result of one number type"
    COMPARE = "operands of one number type, the result bool"
    LOGIC = "all bool"
    CHOOSE = "a bool, then two operands of the result's type"
    ANY = "any one operand and any result"
    INTEGER_RESULT = "a floating operand, the result int64"
    OWN = "by a rule of its own"


@dataclass(frozen=True, slots=True)
class Row:
    """One opcode: its family, arity, type rule, and floating-point operations an element."""

    family: Family
    arity: int
    types: Types
    flops: int = 0


_NUMBER = {Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.MOD, Op.FMOD, Op.ABS, Op.SIGN, Op.MINIMUM, Op.MAXIMUM}
_LOGIC = {Op.AND, Op.OR, Op.NOT}
# Not instructions: as values they are their first operand.
_NOT_EXECUTED = {"stop", "custom"}
_CHEAP = {Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.ABS, Op.MINIMUM, Op.MAXIMUM, Op.WHERE}
_CHEAP |= _LOGIC | set(COMPARISONS)


def _types(op: Op) -> Types:
    if op in COMPARISONS:
        return Types.COMPARE
    if op in _LOGIC:
        return Types.LOGIC
    if op is Op.WHERE:
        return Types.CHOOSE
    return Types.SAME_NUMBER if op in _NUMBER else Types.SAME_FLOAT


def _pointwise_rows() -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for op in POINTWISE:
        name = op.row.name
        if name not in _NOT_EXECUTED:
            flops = 1 if op in _CHEAP else 10
            rows[name] = Row(Family.POINTWISE, op.row.arity, _types(op), flops)
    return rows


OPCODES: Mapping[str, Row] = {
    **_pointwise_rows(),
    "square": Row(Family.POINTWISE, 1, Types.SAME_FLOAT, 1),
    "reciprocal": Row(Family.POINTWISE, 1, Types.SAME_FLOAT, 4),
    "copy": Row(Family.POINTWISE, 1, Types.ANY),
    "fill": Row(Family.MOVE, 1, Types.SAME_NUMBER),
    "iota": Row(Family.MOVE, 0, Types.OWN),
    "random": Row(Family.MOVE, 2, Types.OWN, 20),
    "sum": Row(Family.REDUCE, 1, Types.SAME_FLOAT, 1),
    "prod": Row(Family.REDUCE, 1, Types.SAME_FLOAT, 1),
    "max": Row(Family.REDUCE, 1, Types.SAME_FLOAT, 1),
    "min": Row(Family.REDUCE, 1, Types.SAME_FLOAT, 1),
    "argmax": Row(Family.REDUCE, 1, Types.INTEGER_RESULT, 1),
    "contract": Row(Family.CONTRACT, 2, Types.SAME_FLOAT, 2),
    "gather": Row(Family.ACCESS, -1, Types.OWN),
    "scatter": Row(Family.ACCESS, -1, Types.OWN, 1),
    "call": Row(Family.CALL, -1, Types.OWN),
    "map": Row(Family.CALL, -1, Types.OWN),
    "iterate": Row(Family.CALL, -1, Types.OWN),
}


def accepts(types: Types, operands: tuple[DType, ...], result: DType) -> bool:
    """Whether a type rule allows these types."""
    same = all(t is result for t in operands)
    if types is Types.SAME_FLOAT:
        return same and result.floating
    if types is Types.SAME_NUMBER:
        return same and result is not DType.BOOL
    if types is Types.COMPARE:
        return result is DType.BOOL and operands[0] is operands[1] is not DType.BOOL
    if types is Types.LOGIC:
        return same and result is DType.BOOL
    if types is Types.CHOOSE:
        return operands[0] is DType.BOOL and operands[1] is operands[2] is result
    if types is Types.INTEGER_RESULT:
        return operands[0].floating and result is DType.INT64
    return True
