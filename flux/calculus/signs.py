"""The signs that the values of an expression can have.

A sign is -1, 0 or 1, and an analysis gives the set of those that are possible where the value is a
real number. It feeds the conditions of rewriting rules: `abs(a)` is a where a cannot be negative.
The analysis is conservative: it never leaves out a sign that occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flux.calculus.folding import number
from flux.expr import Expr, unvisited
from flux.ops import COMPARISONS, Op

Signs = frozenset[int]

ANY: Signs = frozenset((-1, 0, 1))
POSITIVE: Signs = frozenset((1,))
NEGATIVE: Signs = frozenset((-1,))
ZERO: Signs = frozenset((0,))
NONNEGATIVE: Signs = frozenset((0, 1))
NONPOSITIVE: Signs = frozenset((-1, 0))
NONZERO: Signs = frozenset((-1, 1))


class SignTable:
    """Signs of nodes, computed once a node."""

    def __init__(self) -> None:
        self._known: dict[Expr, Signs] = {}

    def of(self, e: Expr) -> Signs:
        """The signs that the value of e can have."""
        for inner in unvisited(e, self._known):
            self._known[inner] = _signs(inner, [self._known[arg] for arg in inner.args])
        return self._known[e]


def _signs(e: Expr, args: list[Signs]) -> Signs:
    row = SIGNS.get(e.op)
    if row is not None:
        return row(*args)
    leaf = _LEAVES.get(e.op)
    return leaf(e) if leaf is not None else _other(e, args)


def _other(e: Expr, args: list[Signs]) -> Signs:
    if e.op is Op.POW:
        return _power(e, args[0])
    if e.op in _KEEPS_FIRST:
        return args[0]
    return ANY


_KEEPS_FIRST = frozenset((Op.STOP, Op.CUSTOM, Op.MAX, Op.MIN, Op.RENAME, Op.INDEX))


def _power(e: Expr, base: Signs) -> Signs:
    if base <= NONNEGATIVE:
        return base if base == POSITIVE else NONNEGATIVE
    exponent = number(e.args[1])
    if exponent is not None and exponent.denominator == 1 and exponent.numerator % 2 == 0:
        return POSITIVE if 0 not in base else NONNEGATIVE
    return ANY


def _negated(a: Signs) -> Signs:
    return frozenset(-s for s in a)


def _sum(a: Signs, b: Signs) -> Signs:
    possible: set[int] = set()
    for s in a:
        for t in b:
            possible |= ANY if s * t < 0 else {s or t}
    return frozenset(possible)


def _product(a: Signs, b: Signs) -> Signs:
    return frozenset(s * t for s in a for t in b)


def _quotient(a: Signs, b: Signs) -> Signs:
    return _product(a, (b & NONZERO) or NONZERO)  # 1/inf is 0 in floating point, not for reals


def _union(*choices: Signs) -> Signs:
    return frozenset[int]().union(*choices)


def _minimum(a: Signs, b: Signs) -> Signs:
    return frozenset(min(s, t) for s in a for t in b)


def _maximum(a: Signs, b: Signs) -> Signs:
    return frozenset(max(s, t) for s in a for t in b)


def _same(a: Signs) -> Signs:
    return a


def _not_negative(*_: Signs) -> Signs:
    return NONNEGATIVE


def _positive(*_: Signs) -> Signs:
    return POSITIVE


SIGNS: Mapping[Op, Callable[..., Signs]] = {
    Op.NEG: _negated,
    Op.ADD: _sum,
    Op.SUB: lambda a, b: _sum(a, _negated(b)),
    Op.MUL: _product,
    Op.DIV: _quotient,
    Op.EXP: _positive,
    Op.COSH: _positive,
    Op.ERFC: _positive,
    Op.SQRT: lambda a: a & NONNEGATIVE or NONNEGATIVE,
    Op.ABS: lambda a: frozenset(abs(s) for s in a),
    Op.HYPOT: lambda a, b: POSITIVE if 0 not in a or 0 not in b else NONNEGATIVE,
    Op.ACOSH: _not_negative,
    Op.ACOS: _not_negative,
    **dict.fromkeys(
        (Op.SINH, Op.TANH, Op.ASINH, Op.ATAN, Op.ERF, Op.CBRT, Op.SIGN, Op.EXPM1, Op.LOG1P), _same
    ),
    Op.MINIMUM: _minimum,
    Op.MAXIMUM: _maximum,
    **dict.fromkeys((*COMPARISONS, Op.AND, Op.OR, Op.NOT, Op.ARGMAX, Op.RANDOM), _not_negative),
    Op.WHERE: lambda _, then, otherwise: _union(then, otherwise),
    Op.SUM: _same,
}


def _constant(e: Expr) -> Signs:
    value = e.attributes.value
    if isinstance(value, str):
        return ANY if value == "nan" else POSITIVE
    return POSITIVE if value else ZERO


def _assumed(e: Expr) -> Signs:
    text = e.attributes.assumption
    for operator in sorted(_ASSUMED, key=len, reverse=True):
        if text.startswith(operator):
            return _ASSUMED[operator](_compared(text[len(operator) :]))
    return ANY


def _compared(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


# What `assume x > 0` says, by its operator; the bound is what stands after it.
_ASSUMED: Mapping[str, Callable[[float], Signs]] = {
    ">": lambda bound: POSITIVE if bound >= 0 else ANY,
    ">=": lambda bound: POSITIVE if bound > 0 else NONNEGATIVE if bound == 0 else ANY,
    "<": lambda bound: NEGATIVE if bound <= 0 else ANY,
    "<=": lambda bound: NEGATIVE if bound < 0 else NONPOSITIVE if bound == 0 else ANY,
    "!=": lambda bound: NONZERO if bound == 0 else ANY,
}

_LEAVES: Mapping[Op, Callable[[Expr], Signs]] = {
    Op.CONSTANT: _constant,
    Op.INPUT: _assumed,
    Op.POSITION: lambda _: NONNEGATIVE,
    Op.SIZE: lambda _: POSITIVE,
}
