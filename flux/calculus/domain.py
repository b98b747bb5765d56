"""Where an expression is defined: the conditions that its operations put on their operands.

An expression goes in, a list of conditions comes out, operands first, each with the part that asks
for it. What holds anyway (by signs, by assumptions, by numbers, by the branch of a choice that the
part stands in) is left out. Overflow and underflow are left aside: exp(1000) is defined.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from flux.calculus.equal import error_bound
from flux.calculus.folding import ONE, TRUE, ZERO, both, negation, number
from flux.calculus.signs import NONNEGATIVE, NONZERO, POSITIVE, SignTable
from flux.expr import Expr, apply, size, topological
from flux.ops import COMPARISONS, Kind, Op

_TEXT_WIDTH = 80
_MOST_ORDER = 100  # of a polygamma function
_MOST_CONJUNCTS = 64  # of a branch, that are compared with a condition


class Condition(NamedTuple):
    """One condition; `str` of it reads `x > 0 (from log(x))`.

    Args:
        condition: what must not be zero, that is, hold.
        source: the part of the expression that asks for it.
        branch: what holds where the part is looked at; None where it always is.
    """

    condition: Expr
    source: Expr
    branch: Expr | None

    def __str__(self) -> str:
        where = "" if self.branch is None else f" where {_shown(self.branch)}"
        return f"{_shown(self.condition)}{where} (from {_shown(self.source)})"


def domain(e: Expr) -> list[Condition]:
    """The conditions under which e is defined: all of them must hold.

    Those of 1/sqrt(x): x > 0. Those of where(x > 0, log(x), y): none.
    """
    order = topological((e,))
    branches = _branches(order)
    facts = _Facts(order)
    found: list[Condition] = []
    for part in order:
        branch = branches.get(part)
        if branch is not None:  # something looks at it
            found += _of_part(part, branch, facts)
    return _merged(found)


def _of_part(part: Expr, branch: Expr, facts: _Facts) -> Iterator[Condition]:
    asked = [condition for each in _requirements(part) for condition in _reduced(each)]
    conjuncts = list(_conjuncts(branch)) if asked else []
    for condition in asked:
        if not facts.hold(condition) and not any(_implies(c, condition) for c in conjuncts):
            yield Condition(condition, part, None if branch is TRUE else branch)


def _shown(e: Expr) -> str:
    """The expression on one line, or the name of its operation."""
    *before, line = str(e).splitlines()
    plain = all(text.startswith(("input ", "axis ", "assume ")) for text in before)
    return line if plain and len(line) <= _TEXT_WIDTH else f"{e.op.row.name}(...)"


# What operations ask for.


def _requirements(e: Expr) -> Sequence[Expr]:
    if e.op is Op.POW:
        return _power(*e.args)
    if e.op is Op.INDEX:
        return [
            condition
            for axis, i in zip(e.attributes, e.args[1:], strict=True)
            for condition in (apply(Op.GE, i, ZERO), apply(Op.LT, i, size(axis)))
        ]
    row = REQUIREMENTS.get(e.op)
    return row(*e.args) if row is not None else ()


def _not_zero(a: Expr) -> Expr:
    return apply(Op.NE, a, ZERO)


def _whole(a: Expr) -> Expr:
    return apply(Op.EQ, a, apply(Op.FLOOR, a))


def _no_pole(a: Expr) -> Expr:
    """The gamma function has poles at 0, -1, -2, ..."""
    return apply(Op.OR, apply(Op.GT, a, ZERO), apply(Op.NE, a, apply(Op.FLOOR, a)))


def _power(a: Expr, b: Expr) -> Sequence[Expr]:
    exponent = number(b)
    if exponent is None:
        positive = apply(Op.GT, a, ZERO)
        at_zero = apply(Op.AND, apply(Op.EQ, a, ZERO), apply(Op.GE, b, ZERO))
        below = apply(Op.AND, apply(Op.LT, a, ZERO), _whole(b))
        return (apply(Op.OR, apply(Op.OR, positive, at_zero), below),)
    if exponent.denominator == 1:
        return () if exponent >= 0 else (_not_zero(a),)
    return (apply(Op.GE if exponent > 0 else Op.GT, a, ZERO),)


def _order_and_pole(n: Expr, b: Expr) -> Sequence[Expr]:
    order = number(n)
    if order is not None and order.denominator == 1 and 0 <= order <= _MOST_ORDER:
        return (_no_pole(b),)
    return _whole(n), apply(Op.GE, n, ZERO), apply(Op.LE, n, _MOST_ORDER), _no_pole(b)


def _above(bound: Expr, op: Op = Op.GT) -> Callable[..., Sequence[Expr]]:
    return lambda a: (apply(op, a, bound),)


def _within_one(op: Op) -> Callable[..., Sequence[Expr]]:
    return lambda a: (apply(op, apply(Op.ABS, a), ONE),)


# Conditions on the operands by operation; powers and indices have rules of their own.
REQUIREMENTS: Mapping[Op, Callable[..., Sequence[Expr]]] = {
    Op.DIV: lambda _, b: (_not_zero(b),),
    Op.MOD: lambda _, b: (_not_zero(b),),
    Op.FMOD: lambda _, b: (_not_zero(b),),
    Op.LOG: _above(ZERO),
    Op.LOG2: _above(ZERO),
    Op.LOG10: _above(ZERO),
    Op.LOG1P: _above(-ONE),
    Op.SQRT: _above(ZERO, Op.GE),
    Op.TAN: lambda a: (_not_zero(apply(Op.COS, a)),),
    Op.ASIN: _within_one(Op.LE),
    Op.ACOS: _within_one(Op.LE),
    Op.ACOSH: _above(ONE, Op.GE),
    Op.ATANH: _within_one(Op.LT),
    Op.GAMMA: lambda a: (_no_pole(a),),
    Op.LGAMMA: lambda a: (_no_pole(a),),
    Op.POLYGAMMA: _order_and_pole,
}


# Which branch a part stands in.


def _branches(order: Sequence[Expr]) -> dict[Expr, Expr]:
    """What holds where each node is looked at; nodes that nothing looks at are absent."""
    found: dict[Expr, Expr] = {order[-1]: TRUE}
    for e in reversed(order):
        branch = found.get(e)
        if branch is None:
            continue
        for operand, condition in _looks_at(e):
            inner = both(branch, condition)
            known = found.get(operand)
            found[operand] = inner if known is None else _either(known, inner)
    return found


def _looks_at(e: Expr) -> Sequence[tuple[Expr, Expr]]:
    if e.op is Op.WHERE:
        condition, then, otherwise = e.args
        return (condition, TRUE), (then, condition), (otherwise, _opposite(condition))
    if e.op in (Op.AND, Op.OR):
        first, second = e.args
        return (first, TRUE), (second, first if e.op is Op.AND else _opposite(first))
    operands = e.args[:1] if e.op in (Op.STOP, Op.CUSTOM) else e.args
    return [(operand, TRUE) for operand in operands]


def _either(a: Expr, b: Expr) -> Expr:
    if a is TRUE or b is TRUE:
        return TRUE
    return a if a is b else apply(Op.OR, a, b)


_OPPOSITES = {
    Op.LT: Op.GE,
    Op.GE: Op.LT,
    Op.GT: Op.LE,
    Op.LE: Op.GT,
    Op.EQ: Op.NE,
    Op.NE: Op.EQ,
}


def _opposite(condition: Expr) -> Expr:
    if condition.op in _OPPOSITES:
        return apply(_OPPOSITES[condition.op], *condition.args)
    return negation(condition)


def _conjuncts(branch: Expr) -> Iterator[Expr]:
    stack, left = [branch], _MOST_CONJUNCTS
    while stack and left:
        left -= 1
        e = stack.pop()
        if e.op is Op.AND:
            stack.extend(e.args)
        else:
            yield _oriented(e)


_TURNED = {Op.LT: Op.GT, Op.GT: Op.LT, Op.LE: Op.GE, Op.GE: Op.LE, Op.EQ: Op.EQ, Op.NE: Op.NE}


def _oriented(e: Expr) -> Expr:
    """A comparison with its number on the right."""
    if e.op in COMPARISONS and number(e.args[0]) is not None:
        return apply(_TURNED[e.op], e.args[1], e.args[0])
    return e


# What holds anyway.


def _reduced(condition: Expr) -> Iterator[Expr]:
    """Conditions on smaller operands that say the same, given those that the operands ask for."""
    stack = [condition]
    while stack:
        e = stack.pop()
        u = e.args[0]
        if e.op is Op.NE and e.args[1] is ZERO and u.op in _ZERO_WITH:
            stack.extend(_not_zero(u.args[i]) for i in reversed(_ZERO_WITH[u.op]))
        elif e.op is Op.GT and e.args[1] is ZERO and u.op is Op.SQRT:
            stack.append(_not_zero(u.args[0]))
        else:
            yield e


# An operation is zero only where one of these operands is.
_ZERO_WITH: Mapping[Op, tuple[int, ...]] = {
    Op.NEG: (0,),
    Op.MUL: (0, 1),
    Op.DIV: (0,),
    Op.POW: (0,),
    Op.SQRT: (0,),
    Op.CBRT: (0,),
    Op.ABS: (0,),
    Op.SINH: (0,),
    Op.TANH: (0,),
    Op.ATAN: (0,),
    Op.ASINH: (0,),
    Op.ERF: (0,),
    Op.EXPM1: (0,),
    Op.LOG1P: (0,),
}

_BY_SIGN = {Op.NE: NONZERO, Op.GT: POSITIVE, Op.GE: NONNEGATIVE}
_AT_MOST_ONE = frozenset((Op.SIN, Op.COS, Op.TANH, Op.ERF))


class _Facts:
    """What is known of the parts of one expression: their signs, and those that are numbers."""

    def __init__(self, order: Sequence[Expr]) -> None:
        self._signs = SignTable()
        self._numbers: dict[Expr, int] = {}  # small parts without inputs, with their size as trees
        for e in order:
            self._see(e)

    def _see(self, e: Expr) -> None:
        if e.op in _PLAIN and all(arg in self._numbers for arg in e.args):
            size_as_tree = 1 + sum(self._numbers[arg] for arg in e.args)
            if size_as_tree <= _LARGEST_NUMBER:
                self._numbers[e] = size_as_tree

    def hold(self, condition: Expr) -> bool:
        """Whether a condition holds for every input."""
        first = condition
        while first.op is Op.OR:  # it is enough that its first part holds
            first = first.args[0]
        u, wanted = first.args[0], _BY_SIGN.get(first.op)
        if wanted is not None and first.args[1] is ZERO and self._signs.of(u) <= wanted:
            return True
        if first.op is Op.LE and u.op is Op.ABS and u.args[0].op in _AT_MOST_ONE:
            return True
        return self._holds_for_numbers(first)

    def _holds_for_numbers(self, condition: Expr) -> bool:
        """Whether a comparison of numbers alone holds, by more than their rounding errors."""
        compare = _COMPARE.get(condition.op)
        if compare is None or not all(map(self._is_number, condition.args)):
            return False
        (x, x_error), (y, y_error) = (error_bound(arg, {}) for arg in condition.args)
        return abs(x - y) > 2 * (x_error + y_error) and math.isfinite(x - y) and compare(x, y)

    def _is_number(self, e: Expr) -> bool:
        """Whether e is a number, or what a condition puts around one."""
        return e in self._numbers or (
            e.op in _PLAIN and all(a in self._numbers or a.op is Op.CONSTANT for a in e.args)
        )


_LARGEST_NUMBER = 64  # nodes of a part without inputs that is evaluated
_PLAIN = frozenset((Op.CONSTANT, *(op for op in Op if op.row.kind is Kind.POINTWISE)))
_COMPARE: Mapping[Op, Callable[[float, float], bool]] = {
    Op.NE: operator.ne,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.LT: operator.lt,
    Op.LE: operator.le,
}


def _implies(known: Expr, wanted: Expr) -> bool:
    """Whether one comparison with a number implies another."""
    if known is wanted:
        return True
    if known.op not in COMPARISONS or known.args[0] is not wanted.args[0]:
        return False
    row = _IMPLIED_BY.get(wanted.op, {}).get(known.op)
    k, w = number(known.args[1]), number(wanted.args[1])
    return row is not None and k is not None and w is not None and bool(row(k, w))


# Wanted comparison with w: known comparisons with k that imply it, and when.
_IMPLIED_BY: Mapping[Op, Mapping[Op, Callable[..., bool]]] = {
    Op.GT: {Op.GT: operator.ge, Op.GE: operator.gt, Op.EQ: operator.gt},
    Op.GE: {Op.GT: operator.ge, Op.GE: operator.ge, Op.EQ: operator.ge},
    Op.LT: {Op.LT: operator.le, Op.LE: operator.lt, Op.EQ: operator.lt},
    Op.LE: {Op.LT: operator.le, Op.LE: operator.le, Op.EQ: operator.le},
    Op.NE: {
        Op.GT: operator.ge,
        Op.GE: operator.gt,
        Op.LT: operator.le,
        Op.LE: operator.lt,
        Op.NE: operator.eq,
        Op.EQ: operator.ne,
    },
}


# Conditions that say more together.


def _merged(found: Sequence[Condition]) -> list[Condition]:
    """Each condition once, without those that another of the same branch implies."""
    groups: dict[tuple[Expr | None, Expr], list[Condition]] = {}
    for each in found:
        same = groups.setdefault((each.branch, each.condition.args[0]), [])
        if not any(_implies(other.condition, each.condition) for other in same):
            same[:] = [o for o in same if not _implies(each.condition, o.condition)]
            same.append(each)
    return [each for same in groups.values() for each in _strict(same)]


def _strict(same: list[Condition]) -> list[Condition]:
    """Not negative and not zero: positive."""
    by_op = {each.condition.op: each for each in same if each.condition.args[1:] == (ZERO,)}
    if Op.GE not in by_op or Op.NE not in by_op:
        return same
    last = by_op[Op.NE]
    strict = last._replace(condition=apply(Op.GT, last.condition.args[0], ZERO))
    return [strict, *(each for each in same if each.condition.args[1:] != (ZERO,))]
