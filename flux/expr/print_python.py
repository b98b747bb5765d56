"""Write an expression as a Python function over the module `math` alone.

Its value is that of `flux.evaluate`, up to the last bits of `gamma`; outside its domain it raises
what `math` raises (ValueError, ZeroDivisionError, OverflowError), or is nan.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence

from flux.expr.code import (
    AND,
    ATOM,
    CHOICE,
    COMPARISON,
    NOT,
    OR,
    POWER,
    PREFIX,
    PRODUCT,
    SUM,
    Code,
    Dialect,
    Row,
    comparison,
    function,
    infix,
    write,
)
from flux.expr.node import Expr
from flux.ops import Op

# Functions that Python lacks, by name, as `flux.scalars` has them.
_HELPERS: Mapping[str, str] = {
    "_sign": """
def _sign(x):
    return float((x > 0.0) - (x < 0.0)) if x == x else x
""",
    "_minimum": """
def _minimum(a, b):
    return a if a < b or a != a else b
""",
    "_maximum": """
def _maximum(a, b):
    return a if a > b or a != a else b
""",
    "_rounded": """
def _rounded(function, x):
    return copysign(float(function(x)), x) if abs(x) < 2.0**52 else x
""",
    "_half_away": """
def _half_away(x):
    whole = int(x)
    return whole + (0 if abs(x - whole) < 0.5 else 1 if x > 0.0 else -1)
""",
}


def _rounded(name: str) -> Row:
    return Row(f"_rounded({name}, @1)", ATOM, (CHOICE,), helper="_rounded")


ROWS: Mapping[Op, Row] = {
    Op.NEG: Row("-@1", PREFIX, (PREFIX,)),
    Op.ADD: infix("+", SUM),
    Op.SUB: infix("-", SUM),
    Op.MUL: Row("@1*@2", PRODUCT, (PRODUCT, PREFIX)),
    Op.DIV: Row("@1/@2", PRODUCT, (PRODUCT, PREFIX)),
    Op.MOD: infix("%", PRODUCT),
    Op.FMOD: function("fmod", 2),
    Op.POW: function("pow", 2),
    **{
        op: function(op.row.name)
        for op in (
            *(Op.EXP, Op.EXPM1, Op.LOG, Op.LOG1P, Op.LOG2, Op.LOG10, Op.SQRT, Op.CBRT),
            *(Op.SIN, Op.COS, Op.TAN, Op.ASIN, Op.ACOS, Op.ATAN),
            *(Op.SINH, Op.COSH, Op.TANH, Op.ASINH, Op.ACOSH, Op.ATANH),
            *(Op.ERF, Op.ERFC, Op.GAMMA, Op.LGAMMA, Op.ABS),
        )
    },
    Op.ATAN2: function("atan2", 2),
    Op.HYPOT: function("hypot", 2),
    Op.SIGN: function("_sign", helper=True),
    Op.FLOOR: _rounded("floor"),
    Op.CEIL: _rounded("ceil"),
    Op.ROUND: _rounded("_half_away"),
    Op.RINT: _rounded("round"),
    Op.TRUNC: _rounded("int"),
    Op.MINIMUM: function("_minimum", 2, helper=True),
    Op.MAXIMUM: function("_maximum", 2, helper=True),
    Op.LT: comparison("<"),
    Op.LE: comparison("<="),
    Op.GT: comparison(">"),
    Op.GE: comparison(">="),
    Op.EQ: comparison("=="),
    Op.NE: comparison("!="),
    Op.AND: Row("@1 and @2", AND, (AND, NOT), truth=True, conditions=(0, 1)),
    Op.OR: Row("@1 or @2", OR, (OR, AND), truth=True, conditions=(0, 1)),
    Op.NOT: Row("not @1", NOT, (NOT,), truth=True, conditions=(0,)),
    Op.WHERE: Row("@2 if @1 else @3", CHOICE, (OR, OR, OR), conditions=(0,)),
}

_MATH = (
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign"),
    *("cos", "cosh", "erf", "erfc", "exp", "expm1", "floor", "fmod", "gamma", "hypot", "inf"),
    *("lgamma", "log", "log10", "log1p", "log2", "nan", "pow", "sin", "sinh", "sqrt", "tan"),
    "tanh",
)
_BUILTINS = ("abs", "float", "int", "round", "ArithmeticError", "ValueError")

PYTHON = Dialect(
    name="Python",
    rows=ROWS,
    power=Row("@1**@2", POWER, (ATOM, ATOM)),
    as_number=Row("float(@1)", ATOM, (CHOICE,)),
    as_condition=Row("@1 != 0.0", COMPARISON, (SUM,), truth=True),
    numbers={"nan": "nan", "inf": "inf"},
    reserved=frozenset((*keyword.kwlist, *_MATH, *_BUILTINS, *_HELPERS)),
)


def to_python(e: Expr, name: str = "f") -> str:
    """The source of a function whose arguments are the inputs in order of first appearance.

    Raises:
        AxisError: the expression has named axes.
        ArgumentError: an operation that Python lacks, or a name that is none there.
    """
    code = write(e, name, PYTHON)
    body = [
        f"def {name}({', '.join(code.arguments)}):",
        *(line for statement in code.statements for line in _statement(*statement)),
        f"    return {code.value}",
    ]
    source = "".join([*_helpers(code), "\n".join(body), "\n"])
    return _imports(source) + source.lstrip("\n")


def _statement(name: str, text: str, needed: bool) -> Sequence[str]:
    """A temporary; one that only a branch needs may be outside its domain elsewhere."""
    if needed:
        return (f"    {name} = {text}",)
    return (
        "    try:",
        f"        {name} = {text}",
        "    except (ArithmeticError, ValueError):",
        f"        {name} = nan",
    )


def _helpers(code: Code) -> list[str]:
    wanted = dict.fromkeys(ROWS[op].helper for op in code.called if op in ROWS)
    if Op.ROUND in code.called:
        wanted["_half_away"] = None
    return [f"{_HELPERS[name]}\n" for name in wanted if name] + (["\n"] if any(wanted) else [])


def _imports(source: str) -> str:
    words = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", source))
    names = [name for name in _MATH if name in words]
    return f"from math import {', '.join(names)}\n\n\n" if names else ""
