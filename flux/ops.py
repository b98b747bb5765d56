"""The operations of the language: one row each.

Every stage keeps one table over these rows (derivative, evaluation, bytecode, NumPy, LaTeX), and a
test checks that every table covers every operation, so a new operation is one row here and one row
in each table. The stage before is nothing; every other stage reads this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How an operation acts on the axes of its operands."""

    LEAF = "leaf"  # no operands
    POINTWISE = "pointwise"  # axes of the result: the union of the operands' axes
    REDUCTION = "reduction"  # removes the axes that its attributes name
    ACCESS = "access"  # selects or renames positions along axes


class Result(Enum):
    """What kind of number an operation gives."""

    REAL = "real"
    TRUTH = "truth"  # 1 or 0
    INTEGER = "integer"
    OPERAND = "operand"  # the kind of its (last) operands


@dataclass(frozen=True, slots=True)
class Row:
    """One operation.

    Args:
        name: the spelling in the language; a unique key of every table.
        kind: how it acts on axes.
        arity: the number of operands, or -1 where it varies.
        result: what kind of number it gives.
        domain: where it is finite on finite operands, in words; empty means everywhere.
    """

    name: str
    kind: Kind
    arity: int
    result: Result = Result.REAL
    domain: str = ""


def _pointwise(name: str, arity: int, domain: str = "", result: Result = Result.REAL) -> Row:
    return Row(name, Kind.POINTWISE, arity, result, domain)


class Op(Enum):
    """The primitive operations."""

    # Leaves.
    CONSTANT = Row("constant", Kind.LEAF, 0)
    INPUT = Row("input", Kind.LEAF, 0, Result.OPERAND)
    POSITION = Row("position", Kind.LEAF, 0, Result.INTEGER)
    SIZE = Row("size", Kind.LEAF, 0, Result.INTEGER)
    RANDOM = Row("random", Kind.LEAF, 2)  # operands: seed, step

    # Arithmetic.
    NEG = _pointwise("neg", 1, result=Result.OPERAND)
    ADD = _pointwise("add", 2, result=Result.OPERAND)
    SUB = _pointwise("sub", 2, result=Result.OPERAND)
    MUL = _pointwise("mul", 2, result=Result.OPERAND)
    DIV = _pointwise("div", 2, "b != 0")
    POW = _pointwise("pow", 2, "a > 0, or b an integer (positive where a = 0)")
    MOD = _pointwise("mod", 2, "b != 0", result=Result.OPERAND)
    FMOD = _pointwise("fmod", 2, "b != 0", result=Result.OPERAND)

    # Exponentials and logarithms.
    EXP = _pointwise("exp", 1)
    EXPM1 = _pointwise("expm1", 1)
    LOG = _pointwise("log", 1, "a > 0")
    LOG1P = _pointwise("log1p", 1, "a > -1")
    LOG2 = _pointwise("log2", 1, "a > 0")
    LOG10 = _pointwise("log10", 1, "a > 0")
    SQRT = _pointwise("sqrt", 1, "a >= 0")
    CBRT = _pointwise("cbrt", 1)

    # Trigonometric and hyperbolic functions, angles in radians.
    SIN = _pointwise("sin", 1)
    COS = _pointwise("cos", 1)
    TAN = _pointwise("tan", 1)
    ASIN = _pointwise("asin", 1, "-1 <= a <= 1")
    ACOS = _pointwise("acos", 1, "-1 <= a <= 1")
    ATAN = _pointwise("atan", 1)
    ATAN2 = _pointwise("atan2", 2)
    SINH = _pointwise("sinh", 1)
    COSH = _pointwise("cosh", 1)
    TANH = _pointwise("tanh", 1)
    ASINH = _pointwise("asinh", 1)
    ACOSH = _pointwise("acosh", 1, "a >= 1")
    ATANH = _pointwise("atanh", 1, "-1 < a < 1")
    HYPOT = _pointwise("hypot", 2)

    # Special functions.
    ERF = _pointwise("erf", 1)
    ERFC = _pointwise("erfc", 1)
    GAMMA = _pointwise("gamma", 1, "a not in 0, -1, -2, ...")
    LGAMMA = _pointwise("lgamma", 1, "a not in 0, -1, -2, ...")
    POLYGAMMA = _pointwise("polygamma", 2, "a an integer, 0 to 100, b not in 0, -1, -2, ...")

    # Rounding, signs, extrema of two.
    ABS = _pointwise("abs", 1, result=Result.OPERAND)
    SIGN = _pointwise("sign", 1, result=Result.OPERAND)
    FLOOR = _pointwise("floor", 1)
    CEIL = _pointwise("ceil", 1)
    ROUND = _pointwise("round", 1)  # half away from zero
    RINT = _pointwise("rint", 1)  # half to even
    TRUNC = _pointwise("trunc", 1)
    MINIMUM = _pointwise("minimum", 2, result=Result.OPERAND)
    MAXIMUM = _pointwise("maximum", 2, result=Result.OPERAND)

    # Comparison, logic, choice.
    LT = _pointwise("lt", 2, result=Result.TRUTH)
    LE = _pointwise("le", 2, result=Result.TRUTH)
    GT = _pointwise("gt", 2, result=Result.TRUTH)
    GE = _pointwise("ge", 2, result=Result.TRUTH)
    EQ = _pointwise("eq", 2, result=Result.TRUTH)
    NE = _pointwise("ne", 2, result=Result.TRUTH)
    AND = _pointwise("and", 2, result=Result.TRUTH)
    OR = _pointwise("or", 2, result=Result.TRUTH)
    NOT = _pointwise("not", 1, result=Result.TRUTH)
    WHERE = _pointwise("where", 3, result=Result.OPERAND)  # condition, then, otherwise

    # The identity whose derivative is zero.
    STOP = _pointwise("stop", 1, result=Result.OPERAND)

    # The value of its first operand, whose derivative its author states: the operands are
    # value, x1, p1, x2, p2, ..., and d custom = p1*dx1 + p2*dx2 + ... Only `calculus` looks past
    # the first operand; for every other stage this is the identity. The value has all the axes
    # that the other operands have.
    CUSTOM = _pointwise("custom", -1)

    # Reductions over named axes.
    SUM = Row("sum", Kind.REDUCTION, 1)
    PROD = Row("prod", Kind.REDUCTION, 1)
    MAX = Row("max", Kind.REDUCTION, 1)
    MIN = Row("min", Kind.REDUCTION, 1)
    ARGMAX = Row("argmax", Kind.REDUCTION, 1, Result.INTEGER)

    # Access along named axes.
    INDEX = Row("index", Kind.ACCESS, -1, Result.OPERAND)  # x, then one index per axis
    RENAME = Row("rename", Kind.ACCESS, 1, Result.OPERAND)

    # Operations are dictionary keys everywhere; Enum's own hash is a Python call.
    __hash__ = object.__hash__

    @property
    def row(self) -> Row:
        """The operation's row."""
        row: Row = self._value_  # `value` is a Python call
        return row

    def __repr__(self) -> str:
        return f"Op.{self.name}"


POINTWISE: tuple[Op, ...] = tuple(op for op in Op if op.row.kind is Kind.POINTWISE)
REDUCTIONS: tuple[Op, ...] = tuple(op for op in Op if op.row.kind is Kind.REDUCTION)
COMPARISONS: tuple[Op, ...] = (Op.LT, Op.LE, Op.GT, Op.GE, Op.EQ, Op.NE)
