"""The table of simplifications: what may be rewritten, into what, and on what condition.

A rule keeps the value wherever the expression is finite. `exact` says that it holds bit for bit in
floating point, every zero's sign and every nan included; the others hold for real numbers, so they
may round differently, and may be finite where the original overflowed or divided by zero.
The engine that applies them stands in `simplify`; sums and products, which are collected rather
than matched, stand in `terms`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from flux.calculus.folding import Template, number
from flux.calculus.signs import NEGATIVE, NONNEGATIVE, NONPOSITIVE, POSITIVE, Signs, SignTable
from flux.expr import Expr, apply, constant, variable, where
from flux.ops import COMPARISONS, Op

a = variable("a")
b = variable("b")
c = variable("c")
d = variable("d")
PLACEHOLDERS = (a, b, c, d)

Bindings = Mapping[Expr, Expr]
Condition = Callable[[Bindings, SignTable], bool]


class Rule(NamedTuple):
    """One rewriting.

    Args:
        name: its name.
        pattern: an expression over a, b, c, d that each stand for any expression.
        replacement: what takes its place, over the same placeholders.
        exact: whether both sides give the same bits.
        when: a condition on what the placeholders stand for.
    """

    name: str
    pattern: Expr
    replacement: Expr
    exact: bool
    when: Condition | None = None


def positive(x: Expr) -> Condition:
    """What x stands for is above zero."""
    return lambda bound, signs: signs.of(bound[x]) <= POSITIVE


def nonnegative(x: Expr) -> Condition:
    """What x stands for is not below zero."""
    return lambda bound, signs: signs.of(bound[x]) <= NONNEGATIVE


def nonpositive(x: Expr) -> Condition:
    """What x stands for is not above zero."""
    return lambda bound, signs: signs.of(bound[x]) <= NONPOSITIVE


def leaf(x: Expr, allowed: Signs) -> Condition:
    """What x stands for is an input or a number of a sign; what is computed might underflow."""
    return lambda bound, signs: not bound[x].args and signs.of(bound[x]) <= allowed


def truth(x: Expr) -> Condition:
    """What x stands for is 1 or 0 by its form."""
    return lambda bound, _: bound[x].op in _TRUTHS


def no_literal(x: Expr) -> Condition:
    """What x stands for is not a number that is written out."""
    return lambda bound, _: number(bound[x]) is None


_TRUTHS = frozenset((*COMPARISONS, Op.AND, Op.OR, Op.NOT))


def _f(op: Op, *args: Expr | int) -> Expr:
    return apply(op, *args)


_TRUE, _FALSE = constant(True), constant(False)
_E, _PI = constant("e"), constant("pi")

ALGEBRA = (
    Rule("neg-neg", -apply(Op.NEG, a), a, exact=True),
    Rule("add-neg", a + -b, a - b, exact=True),
    Rule("sub-neg", a - -b, a + b, exact=True),
    Rule("sub-zero", a - 0, a, exact=True),
    Rule("add-zero", a + 0, a, exact=False),  # -0.0 + 0 is 0.0
    Rule("zero-add", 0 + a, a, exact=False),
    Rule("zero-sub", 0 - a, -a, exact=False),
    Rule("mul-one", a * 1, a, exact=True),
    Rule("one-mul", 1 * a, a, exact=True),
    Rule("div-one", a / 1, a, exact=True),
    Rule("pow-one", a**1, a, exact=True),
    Rule("pow-zero", a**0, constant(1), exact=True),  # IEEE: nan^0 is 1 too
    Rule("one-pow", 1**a, constant(1), exact=True),
    Rule("pow-of-pow", (a**b) ** c, a ** (b * c), exact=False, when=positive(a)),
)

EXPONENTIALS = (
    Rule("exp-zero", _f(Op.EXP, 0), constant(1), exact=True),
    Rule("exp-one", _f(Op.EXP, 1), _E, exact=False),
    Rule("log-one", _f(Op.LOG, 1), constant(0), exact=True),
    Rule("log-e", _f(Op.LOG, _E), constant(1), exact=False),
    Rule("log2-two", _f(Op.LOG2, 2), constant(1), exact=True),
    Rule("log10-ten", _f(Op.LOG10, 10), constant(1), exact=True),
    Rule("log-exp", _f(Op.LOG, _f(Op.EXP, a)), a, exact=False),  # exp may overflow first
    Rule("exp-log", _f(Op.EXP, _f(Op.LOG, a)), a, exact=False),
    Rule("log1p-expm1", _f(Op.LOG1P, _f(Op.EXPM1, a)), a, exact=False),
    Rule("expm1-log1p", _f(Op.EXPM1, _f(Op.LOG1P, a)), a, exact=False),
    Rule("pow-e", _E**a, _f(Op.EXP, a), exact=False),
    Rule("pow-of-exp", _f(Op.EXP, a) ** b, _f(Op.EXP, a * b), exact=False, when=no_literal(b)),
    Rule("sqrt-exp", _f(Op.SQRT, _f(Op.EXP, a)), _f(Op.EXP, a / 2), exact=False),
    Rule("log-of-pow", _f(Op.LOG, a**b), b * _f(Op.LOG, a), exact=False, when=positive(a)),
    Rule("log-of-sqrt", _f(Op.LOG, _f(Op.SQRT, a)), _f(Op.LOG, a) / 2, exact=False),
    Rule("log-reciprocal", _f(Op.LOG, 1 / a), -_f(Op.LOG, a), exact=False),
    Rule("sqrt-zero", _f(Op.SQRT, 0), constant(0), exact=True),
    Rule("sqrt-one", _f(Op.SQRT, 1), constant(1), exact=True),
    Rule("sqrt-four", _f(Op.SQRT, 4), constant(2), exact=True),
    Rule("sqrt-nine", _f(Op.SQRT, 9), constant(3), exact=True),
    Rule("sqrt-square", _f(Op.SQRT, a**2), _f(Op.ABS, a), exact=False),
    Rule("cbrt-cube", _f(Op.CBRT, a**3), a, exact=False),
    Rule("cube-cbrt", _f(Op.CBRT, a) ** 3, a, exact=False),
)

TRIGONOMETRY = (
    Rule("sin-zero", _f(Op.SIN, 0), constant(0), exact=True),
    Rule("cos-zero", _f(Op.COS, 0), constant(1), exact=True),
    Rule("tan-zero", _f(Op.TAN, 0), constant(0), exact=True),
    Rule("atan-zero", _f(Op.ATAN, 0), constant(0), exact=True),
    Rule("asin-zero", _f(Op.ASIN, 0), constant(0), exact=True),
    Rule("acos-one", _f(Op.ACOS, 1), constant(0), exact=True),
    Rule("sin-pi", _f(Op.SIN, _PI), constant(0), exact=False),
    Rule("cos-pi", _f(Op.COS, _PI), -constant(1), exact=False),
    Rule("tan-pi", _f(Op.TAN, _PI), constant(0), exact=False),
    Rule("sin-half-pi", _f(Op.SIN, _PI / 2), constant(1), exact=False),
    Rule("cos-half-pi", _f(Op.COS, _PI / 2), constant(0), exact=False),
    Rule("sinh-zero", _f(Op.SINH, 0), constant(0), exact=True),
    Rule("cosh-zero", _f(Op.COSH, 0), constant(1), exact=True),
    Rule("tanh-zero", _f(Op.TANH, 0), constant(0), exact=True),
    Rule("erf-zero", _f(Op.ERF, 0), constant(0), exact=True),
    Rule("cos-neg", _f(Op.COS, -a), _f(Op.COS, a), exact=False),
    Rule("cosh-neg", _f(Op.COSH, -a), _f(Op.COSH, a), exact=False),
    *(
        Rule(f"{op.row.name}-neg", _f(op, -a), -_f(op, a), exact=False)
        for op in (
            Op.SIN,
            Op.TAN,
            Op.ASIN,
            Op.ATAN,
            Op.SINH,
            Op.TANH,
            Op.ASINH,
            Op.ATANH,
            Op.ERF,
            Op.CBRT,
        )
    ),
    Rule("sin-asin", _f(Op.SIN, _f(Op.ASIN, a)), a, exact=False),
    Rule("cos-acos", _f(Op.COS, _f(Op.ACOS, a)), a, exact=False),
    Rule("sinh-asinh", _f(Op.SINH, _f(Op.ASINH, a)), a, exact=False),
    Rule("asinh-sinh", _f(Op.ASINH, _f(Op.SINH, a)), a, exact=False),
    Rule("cosh-acosh", _f(Op.COSH, _f(Op.ACOSH, a)), a, exact=False),
    Rule("tanh-atanh", _f(Op.TANH, _f(Op.ATANH, a)), a, exact=False),
    Rule("atanh-tanh", _f(Op.ATANH, _f(Op.TANH, a)), a, exact=False),
    Rule("sin-over-cos", _f(Op.SIN, a) / _f(Op.COS, a), _f(Op.TAN, a), exact=False),
    Rule("sinh-over-cosh", _f(Op.SINH, a) / _f(Op.COSH, a), _f(Op.TANH, a), exact=False),
)

SIGNS = (
    Rule("abs-abs", _f(Op.ABS, _f(Op.ABS, a)), _f(Op.ABS, a), exact=True),
    Rule("abs-neg", _f(Op.ABS, -a), _f(Op.ABS, a), exact=True),
    Rule("abs-nonnegative", _f(Op.ABS, a), a, exact=False, when=nonnegative(a)),
    Rule("abs-nonpositive", _f(Op.ABS, a), -a, exact=False, when=nonpositive(a)),
    Rule("abs-square", _f(Op.ABS, a) ** 2, a**2, exact=True),
    Rule("sign-positive", _f(Op.SIGN, a), constant(1), exact=True, when=leaf(a, POSITIVE)),
    Rule("sign-negative", _f(Op.SIGN, a), -constant(1), exact=True, when=leaf(a, NEGATIVE)),
    Rule("min-same", _f(Op.MINIMUM, a, a), a, exact=True),
    Rule("max-same", _f(Op.MAXIMUM, a, a), a, exact=True),
    Rule("max-nonnegative", _f(Op.MAXIMUM, a, 0), a, exact=False, when=nonnegative(a)),
    Rule("max-nonpositive", _f(Op.MAXIMUM, a, 0), constant(0), exact=False, when=nonpositive(a)),
    *(
        Rule(f"{op.row.name}-{inner.row.name}", _f(op, _f(inner, a)), _f(inner, a), exact=True)
        for op in (Op.FLOOR, Op.CEIL, Op.ROUND, Op.RINT, Op.TRUNC)
        for inner in (Op.FLOOR, Op.CEIL, Op.ROUND, Op.RINT, Op.TRUNC)
    ),
)

CHOICES = (
    Rule("where-true", where(_TRUE, a, b), a, exact=True),
    Rule("where-false", where(_FALSE, a, b), b, exact=True),
    Rule("where-one", where(1, a, b), a, exact=True),
    Rule("where-zero", where(0, a, b), b, exact=True),
    Rule("where-same", where(a, b, b), b, exact=True),
    Rule("where-not", where(_f(Op.NOT, a), b, c), where(a, c, b), exact=True),
    Rule("where-then", where(a, where(a, b, c), d), where(a, b, d), exact=True),
    Rule("where-otherwise", where(a, b, where(a, c, d)), where(a, b, d), exact=True),
    Rule("not-not", _f(Op.NOT, _f(Op.NOT, a)), a, exact=True, when=truth(a)),
    Rule("and-same", _f(Op.AND, a, a), a, exact=True, when=truth(a)),
    Rule("or-same", _f(Op.OR, a, a), a, exact=True, when=truth(a)),
    Rule("and-true", _f(Op.AND, a, _TRUE), a, exact=True, when=truth(a)),
    Rule("true-and", _f(Op.AND, _TRUE, a), a, exact=True, when=truth(a)),
    Rule("or-false", _f(Op.OR, a, _FALSE), a, exact=True, when=truth(a)),
    Rule("false-or", _f(Op.OR, _FALSE, a), a, exact=True, when=truth(a)),
    Rule("stop-stop", _f(Op.STOP, _f(Op.STOP, a)), _f(Op.STOP, a), exact=True),
)

RULES: tuple[Rule, ...] = (*ALGEBRA, *EXPONENTIALS, *TRIGONOMETRY, *SIGNS, *CHOICES)


class Matcher:
    """The rules, found by the operation at the root of their patterns."""

    def __init__(self, rules: tuple[Rule, ...], exact: bool) -> None:
        self._rows: dict[Op, list[tuple[Rule, Template]]] = {}
        for rule in rules:
            if rule.exact or not exact:
                template = Template(rule.replacement, PLACEHOLDERS, {})
                self._rows.setdefault(rule.pattern.op, []).append((rule, template))

    def rewrite(self, e: Expr, signs: SignTable) -> Expr | None:
        """What the first rule that fits makes of e; None where none does."""
        for rule, template in self._rows.get(e.op, ()):
            bound = match(rule.pattern, e)
            if bound is None or (rule.when is not None and not rule.when(bound, signs)):
                continue
            return template.build([bound.get(placeholder, e) for placeholder in PLACEHOLDERS])
        return None


def match(pattern: Expr, e: Expr) -> dict[Expr, Expr] | None:
    """What each placeholder of a pattern stands for in e; None where e has another form.

    A placeholder that occurs twice stands for the same expression both times.
    """
    bound: dict[Expr, Expr] = {}
    stack = [(pattern, e)]
    while stack:
        wanted, found = stack.pop()
        if wanted in PLACEHOLDERS:
            if bound.setdefault(wanted, found) is not found:
                return None
        elif wanted.op is not found.op or wanted.attributes != found.attributes:
            return None
        else:
            stack.extend(zip(wanted.args, found.args, strict=True))
    return bound


EXACT_MATCHER = Matcher(RULES, exact=True)
MATCHER = Matcher(RULES, exact=False)
