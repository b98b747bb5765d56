"""Cotangents: values that flow back, with the conditions under which they count.

A cotangent is guarded: it counts where every condition of its guard holds and is zero elsewhere,
whatever its value is there. Choices (`where`, min, max) add to the guard and partial derivatives
multiply the value; the guard is built into the value where cotangents meet, where they are summed
along an axis of it, and at a leaf. So a branch that was not taken never enters as 0 * inf.

Where it was built in, the value is zero outside; the reach remembers that, for what multiplies the
value later may be infinite there. `adjoint` sends cotangents through the operations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flux.calculus.folding import (
    ONE,
    ZERO,
    both,
    mul,
    negation,
    renamed,
    select,
    sum_of,
    total,
)
from flux.expr import Expr, apply, reduce
from flux.expr.node import Axes
from flux.ops import Op, Result

_MOST_CONDITIONS = 32  # of a guard, so that choices within choices take linear time


class Cotangent(NamedTuple):
    """What flows back to a node.

    Args:
        guard: conditions, outermost first; where one fails, the cotangent is zero whatever its
            value is.
        value: the cotangent where all of them hold.
        reach: a condition outside which the value was zero when it was last selected or summed;
            None where it may be nonzero everywhere.
        clean: whether nothing has multiplied the value since, so that it still is.
    """

    guard: tuple[Expr, ...]
    value: Expr
    reach: Expr | None = None
    clean: bool = True


def guarded(cotangent: Cotangent, condition: Expr) -> Cotangent:
    """The cotangent where one more condition holds; those of a long guard become one."""
    guard = (*cotangent.guard, condition)
    if len(guard) > _MOST_CONDITIONS:
        guard = (conjunction(guard),)
    return cotangent._replace(guard=guard)


# Where cotangents of several users meet.


def meet(arrived: list[Cotangent]) -> Cotangent:
    """The sum of cotangents, in the order in which their users stand in the expression.

    Conditions that all share stay a guard; the others are selected on. Outside their union the sum
    is zero, and what multiplies it later may be infinite there, so the union is remembered.
    """
    if len(arrived) == 1:
        return arrived[0]
    if not any(each.guard or each.reach is not None for each in arrived):
        return Cotangent((), sum_of([cotangent.value for cotangent in reversed(arrived)]))
    groups: dict[tuple[Expr, ...], list[Cotangent]] = {}
    for cotangent in reversed(arrived):
        groups.setdefault(cotangent.guard, []).append(_cleaned(cotangent))
    met = _join_branches([_same_guard(guard, group) for guard, group in groups.items()])
    return met[0] if len(met) == 1 else _union(met)


def _same_guard(guard: tuple[Expr, ...], group: list[Cotangent]) -> Cotangent:
    value = sum_of([cotangent.value for cotangent in group])
    return Cotangent(guard, value, _any_of([cotangent.reach for cotangent in group]))


def _join_branches(met: list[Cotangent]) -> list[Cotangent]:
    """Join the two branches of one choice: where(c, v, 0) + where(not c, w, 0) = where(c, v, w)."""
    joined: dict[tuple[Expr, ...], Cotangent] = {}
    for cotangent in met:
        while cotangent.guard:
            outer, last = cotangent.guard[:-1], cotangent.guard[-1]
            other = joined.pop((*outer, negation(last)), None)
            if other is None:
                break
            value = select(last, cotangent.value, other.value)
            cotangent = Cotangent(outer, value, _reach_of_branches(last, cotangent, other))
        known = joined.get(cotangent.guard)
        if known is not None:
            cotangent = _same_guard(cotangent.guard, [known, cotangent])
        joined[cotangent.guard] = cotangent
    return list(joined.values())


def _reach_of_branches(condition: Expr, then: Cotangent, otherwise: Cotangent) -> Expr | None:
    if then.reach is None and otherwise.reach is None:
        return None
    sides = ((then.reach, condition), (otherwise.reach, negation(condition)))
    return _any_of([side if reach is None else both(side, reach) for reach, side in sides])


def _union(met: list[Cotangent]) -> Cotangent:
    common = _common_prefix([cotangent.guard for cotangent in met])
    closed = [_closed(each, each.guard[len(common) :]) for each in met]
    value = sum_of([each.value for each in closed])
    return Cotangent(common, value, _any_of([each.reach for each in closed]))


def _common_prefix(guards: list[tuple[Expr, ...]]) -> tuple[Expr, ...]:
    shortest = min(guards, key=len)
    for i, condition in enumerate(shortest):
        if any(guard[i] is not condition for guard in guards):
            return shortest[:i]
    return shortest


# Conditions.


def conjunction(conditions: Sequence[Expr]) -> Expr:
    """Whether all of several conditions hold; each is looked at only where the ones before do."""
    result = conditions[0]
    for condition in conditions[1:]:
        result = both(result, condition)
    return result


def _any_of(reaches: Sequence[Expr | None]) -> Expr | None:
    """The union of reaches; None, everywhere, where one of them is."""
    result: Expr | None = None
    for reach in dict.fromkeys(reaches):
        if reach is None:
            return None
        result = reach if result is None else apply(Op.OR, result, reach)
    return result


def anywhere(condition: Expr, axes: Axes) -> Expr:
    """Whether a condition holds at any position along the axes."""
    present = condition.axes & axes
    if not present:
        return condition
    truth = condition if condition.op.row.result is Result.TRUTH else apply(Op.NE, condition, ZERO)
    return reduce(Op.MAX, truth, present)


def _cleaned(cotangent: Cotangent) -> Cotangent:
    """The cotangent with a value that is zero outside its reach."""
    if cotangent.clean or cotangent.reach is None:
        return cotangent
    value = select(cotangent.reach, cotangent.value, ZERO)
    return cotangent._replace(value=value, clean=True)


def _closed(cotangent: Cotangent, conditions: tuple[Expr, ...]) -> Cotangent:
    """The cotangent with some conditions of its guard built into the value.

    The reach stands in front: it came first, so the conditions may be bad outside it.
    """
    if not conditions:
        return _cleaned(cotangent)
    kept = tuple(each for each in cotangent.guard if each not in conditions)
    outer = () if cotangent.reach is None else (cotangent.reach,)
    reach = conjunction((*outer, *conditions))
    return Cotangent(kept, select(reach, cotangent.value, ZERO), reach)


def close(cotangent: Cotangent) -> Cotangent:
    """The cotangent with its whole guard built in."""
    return _closed(cotangent, cotangent.guard)


# Arithmetic.


def times(cotangent: Cotangent, factor: Expr) -> Cotangent:
    """The cotangent times a partial derivative, which may be infinite outside the guard."""
    if factor is ONE:
        return cotangent
    guard, value, reach, clean = cotangent
    signed = factor.op is Op.NEG and factor.args[0] is ONE
    return Cotangent(guard, mul(value, factor), reach, clean and signed)


def is_contraction(cotangent: Cotangent, factor: Expr, extra: Axes) -> bool:
    """Whether the sum over `extra` of the product has a product larger than both factors."""
    axes = cotangent.value.axes.union(*(condition.axes for condition in cotangent.guard))
    shared = axes & factor.axes & extra
    return bool(shared) and not axes >= factor.axes and not factor.axes >= axes


def contract(cotangent: Cotangent, factor: Expr, extra: Axes) -> Cotangent:
    """sum[extra](cotangent * factor), with conditions along `extra` on the cotangent.

    Lowering never builds such a product if it stands directly in the sum, so the guard is closed
    before, not after; the factor is taken to be finite outside it.
    """
    closed = _closed(cotangent, _touched(cotangent, extra))
    return Cotangent(closed.guard, total(mul(closed.value, factor), sorted(extra)))


def sum_out(cotangent: Cotangent, extra: Axes) -> Cotangent:
    """The broadcast law: the sum over axes along which the operand was broadcast."""
    if not extra:
        return cotangent
    touched = _touched(cotangent, extra)
    if touched or (cotangent.reach is not None and not cotangent.reach.axes.isdisjoint(extra)):
        cotangent = _closed(cotangent, touched)
    value = total(cotangent.value, sorted(extra))
    reach = None if cotangent.reach is None else anywhere(cotangent.reach, extra)
    return cotangent._replace(value=value, reach=reach)


def _touched(cotangent: Cotangent, axes: Axes) -> tuple[Expr, ...]:
    """The conditions that vary along some axes."""
    return tuple(each for each in cotangent.guard if not each.axes.isdisjoint(axes))


def renamed_cotangent(cotangent: Cotangent, pairs: Mapping[str, str]) -> Cotangent:
    """The cotangent, its conditions included, with axes under other names."""
    if not pairs:
        return cotangent
    return Cotangent(
        tuple(renamed(condition, pairs) for condition in cotangent.guard),
        renamed(cotangent.value, pairs),
        None if cotangent.reach is None else renamed(cotangent.reach, pairs),
        cotangent.clean,
    )
