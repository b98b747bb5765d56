"""Write an expression as a C99 function of doubles over `math.h` alone.

Its value is that of a compiled formula, by the rules of IEEE 754, up to the last bits of the
functions of the C library. Compile it without -ffast-math, which gives up nan.
"""

from __future__ import annotations

from collections.abc import Mapping

from flux.expr.code import (
    AND,
    ATOM,
    CHOICE,
    COMPARISON,
    NOT,
    OR,
    PREFIX,
    PRODUCT,
    SUM,
    Dialect,
    Row,
    comparison,
    function,
    infix,
    write,
)
from flux.expr.node import Expr
from flux.ops import Op

# Functions that C lacks, by name.
_HELPERS: Mapping[str, str] = {
    "flux_sign": """\
static double flux_sign(double x)
{
    return x != x ? x : (double)((x > 0.0) - (x < 0.0));
}
""",
    "flux_minimum": """\
static double flux_minimum(double a, double b)
{
    return a < b || a != a ? a : b;
}
""",
    "flux_maximum": """\
static double flux_maximum(double a, double b)
{
    return a > b || a != a ? a : b;
}
""",
    "flux_mod": """\
static double flux_mod(double a, double b)
{
    const double r = fmod(a, b);
    if (r == 0.0)
        return copysign(0.0, b);
    return (r < 0.0) != (b < 0.0) ? r + b : r;
}
""",
}

ROWS: Mapping[Op, Row] = {
    Op.NEG: Row("-@1", PREFIX, (ATOM,)),  # not --x
    Op.ADD: infix("+", SUM),
    Op.SUB: infix("-", SUM),
    Op.MUL: Row("@1*@2", PRODUCT, (PRODUCT, PREFIX)),
    Op.DIV: Row("@1/@2", PRODUCT, (PRODUCT, PREFIX)),
    Op.MOD: function("flux_mod", 2, helper=True),
    Op.FMOD: function("fmod", 2),
    Op.POW: function("pow", 2),
    **{
        op: function(op.row.name)
        for op in (
            *(Op.EXP, Op.EXPM1, Op.LOG, Op.LOG1P, Op.LOG2, Op.LOG10, Op.SQRT, Op.CBRT),
            *(Op.SIN, Op.COS, Op.TAN, Op.ASIN, Op.ACOS, Op.ATAN),
            *(Op.SINH, Op.COSH, Op.TANH, Op.ASINH, Op.ACOSH, Op.ATANH),
            *(Op.ERF, Op.ERFC, Op.LGAMMA, Op.FLOOR, Op.CEIL, Op.ROUND, Op.RINT, Op.TRUNC),
        )
    },
    Op.GAMMA: function("tgamma"),
    Op.ABS: function("fabs"),
    Op.ATAN2: function("atan2", 2),
    Op.HYPOT: function("hypot", 2),
    Op.SIGN: function("flux_sign", helper=True),
    Op.MINIMUM: function("flux_minimum", 2, helper=True),
    Op.MAXIMUM: function("flux_maximum", 2, helper=True),
    Op.LT: comparison("<"),
    Op.LE: comparison("<="),
    Op.GT: comparison(">"),
    Op.GE: comparison(">="),
    Op.EQ: comparison("=="),
    Op.NE: comparison("!="),
    # Brackets stand where compilers would warn.
    Op.AND: Row("@1 && @2", AND, (AND, COMPARISON), truth=True, conditions=(0, 1)),
    Op.OR: Row("@1 || @2", OR, (NOT, NOT), truth=True, conditions=(0, 1)),
    Op.NOT: Row("!@1", PREFIX, (ATOM,), truth=True, conditions=(0,)),
    Op.WHERE: Row("@1 ? @2 : @3", CHOICE, (OR, OR, OR), conditions=(0,)),
}

_KEYWORDS = (
    "auto break case char const continue default do double else enum extern float for goto if"
    " inline int long register restrict return short signed sizeof static struct switch typedef"
    " union unsigned void volatile while"
    # Those of C++ and of later standards, so that the text goes into either.
    " alignas alignof and and_eq asm bitand bitor bool catch class compl concept const_cast"
    " consteval constexpr constinit co_await co_return co_yield decltype delete dynamic_cast"
    " explicit export false friend mutable namespace new noexcept not not_eq nullptr operator or"
    " or_eq private protected public reinterpret_cast requires static_assert static_cast template"
    " this thread_local throw true try typeid typename typeof typeof_unqual using virtual wchar_t"
    " xor xor_eq main linux unix errno"
)
_MATH_H = (
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh drem erf erfc exp exp10"
    " exp2 expm1 fabs fdim finite floor fma fmax fmin fmod fpclassify frexp gamma gammaf hypot"
    " ilogb isfinite isgreater isgreaterequal isinf isless islessequal islessgreater isnan isnormal"
    " isunordered j0 j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround"
    " math_errhandling matherr modf nan nearbyint nextafter nexttoward pow remainder remquo rint"
    " round scalb scalbln scalbn signbit signgam significand sin sincos sinh sqrt tan tanh tgamma"
    " trunc y0 y1 yn double_t float_t DOMAIN HUGE HUGE_VAL INFINITY MAXFLOAT NAN OVERFLOW PLOSS"
    " SING TLOSS UNDERFLOW X_TLOSS I"
)

C = Dialect(
    name="C",
    rows=ROWS,
    power=None,
    as_number=Row("(double)@1", PREFIX, (ATOM,)),
    as_condition=Row("@1 != 0.0", COMPARISON, (SUM,), truth=True),
    numbers={"nan": "NAN", "inf": "INFINITY"},
    reserved=frozenset(
        (*_KEYWORDS.split(), *_MATH_H.split(), *_HELPERS, *map(str.upper, _HELPERS))
    ),
)


def to_c(e: Expr, name: str = "f") -> str:
    """The source of a function whose arguments are the inputs in order of first appearance.

    Raises:
        AxisError: the expression has named axes.
        ArgumentError: an operation that C lacks, or a name that is none there.
    """
    code = write(e, name, C)
    helpers = dict.fromkeys(ROWS[op].helper for op in code.called if op in ROWS)
    arguments = ", ".join(f"double {x}" for x in code.arguments) or "void"
    lines = [
        f"double {name}({arguments})",
        "{",
        *(f"    const double {temporary} = {text};" for temporary, text, _ in code.statements),
        f"    return {code.value};",
        "}",
    ]
    parts = ["#include <math.h>\n", *(_guarded(h) for h in helpers if h), "\n".join(lines) + "\n"]
    return "\n".join(parts)


def _guarded(helper: str) -> str:
    """A helper that a file may have from several formulas."""
    return f"#ifndef {helper.upper()}\n#define {helper.upper()}\n{_HELPERS[helper]}#endif\n"
