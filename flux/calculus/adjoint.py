"""Reverse mode: the derivatives of a scalar by many inputs, as expressions that share their parts.

Cotangents are pulled from the result back to the inputs over the whole graph, each node once.

A cotangent of a node is a value over axes of that node; along an axis that it lacks it is
constant. The broadcast law follows: an operand that was broadcast along an axis receives the sum
over that axis, and where the cotangent is constant along it, the axis's size times the cotangent.

A cotangent is guarded: it counts where every condition of its guard holds and is zero elsewhere,
whatever its value is there. Choices (`where`, min, max) add to the guard and partial derivatives
multiply the value, so a branch that was not taken never enters as 0 * inf.

Source:
    Griewank and Walther, Evaluating Derivatives (2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flux.calculus.differentiate import Variables
from flux.calculus.folding import (
    ONE,
    ZERO,
    FreshAxes,
    both,
    div,
    mul,
    negation,
    renamed,
    select,
    sum_of,
    total,
)
from flux.calculus.partials import GUARDS, PARTIALS, guard, partial
from flux.calculus.reductions import extremum_share, product_steps
from flux.dump import dump
from flux.errors import AxisError, LimitError
from flux.expr import Expr, apply, position, reduce, show_axes, topological
from flux.expr.node import NO_AXES, Axes
from flux.ops import Op, Result
from flux.settings import current


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


def gradient(e: Expr, wrt: Sequence[str | Expr]) -> list[Expr]:
    """The derivatives of a scalar by each of several inputs.

    Args:
        e: a scalar.
        wrt: names of inputs, or expressions that stand for variables. The derivative by a name
            that e lacks is the constant 0.

    Shapes:
        Each result has axes of its input only; along those that it lacks it is constant.

    Raises:
        AxisError: e has axes.
        LimitError: the derivatives need more nodes than the setting `max_nodes`.
    """
    if e.axes:
        names = ", ".join(sorted(e.axes))
        raise AxisError(
            f"a gradient is of a scalar; this expression has {show_axes(e.axes)}",
            hint=f"reduce it first, as in sum[{names}](...) or mean[{names}](...)",
        )
    derivatives = vjp(e, ONE, wrt)
    dump("gradient", lambda: "\n".join(map(str, derivatives)))
    return derivatives


def vjp(e: Expr, cotangent: Expr, wrt: Sequence[str | Expr]) -> list[Expr]:
    """The derivatives of `sum(cotangent * e)`, over all axes of e, by each of several inputs.

    Raises:
        AxisError: the cotangent has an axis that e lacks.
    """
    extra = cotangent.axes - e.axes
    if extra:
        raise AxisError(f"the cotangent has {show_axes(extra)}, which the expression lacks")
    variables = Variables(e)
    leaves = [variables.of(x) for x in wrt]
    reverse = _Reverse(e, cotangent, [leaf for group in leaves for leaf in group])
    return [_added([reverse.cotangents[leaf] for leaf in group]) for group in leaves]


def _added(cotangents: list[Expr | None]) -> Expr:
    present = [cotangent for cotangent in cotangents if cotangent is not None]
    return sum_of(present) if present else ZERO


class _Reverse:
    """One sweep from a root back to some leaves."""

    def __init__(self, root: Expr, seed: Expr, leaves: Sequence[Expr]) -> None:
        self._fresh = FreshAxes(root, seed)
        self._pending: dict[Expr, list[Cotangent]] = {root: [Cotangent((), seed)]}
        self.cotangents: dict[Expr, Expr | None] = dict.fromkeys(leaves)
        order = topological((root,))
        self._active = _active(order, self.cotangents)
        budget = current().max_nodes
        for e in reversed(order):
            budget -= self._visit(e)
            if budget < 0:
                raise LimitError("the gradient needs more nodes than the setting max_nodes allows")

    def _visit(self, e: Expr) -> int:
        arrived = self._pending.pop(e, None)
        if arrived is None:
            return 0
        cotangent = _meet(arrived)
        if e in self.cotangents:
            self.cotangents[e] = _close(cotangent).value
        elif e.args:
            self._pull(e, cotangent)
        return len(arrived)

    def _pull(self, e: Expr, cotangent: Cotangent) -> None:
        for i in differentiable(e):
            operand = e.args[i]
            if operand in self._active:
                rule = RULES.get(e.op)
                pulled = (
                    _pull_pointwise(e, i, cotangent)
                    if rule is None
                    else rule(e, cotangent, self._fresh)
                )
                if pulled is not None:
                    self._pending.setdefault(operand, []).append(pulled)


def _active(order: Sequence[Expr], leaves: Mapping[Expr, object]) -> set[Expr]:
    active = set(leaves)
    for e in order:
        if e.args and any(e.args[i] in active for i in differentiable(e)):
            active.add(e)
    return active


def differentiable(e: Expr) -> Sequence[int]:
    """The operands by which a node has a derivative that is not zero everywhere."""
    if e.op is Op.CUSTOM:
        return range(1, len(e.args), 2)
    return _DIFFERENTIABLE[e.op]


_FIRST = (0,)
_DIFFERENTIABLE: Mapping[Op, tuple[int, ...]] = {
    **{op: tuple(i for i, p in enumerate(row) if p is not None) for op, row in PARTIALS.items()},
    Op.SUM: _FIRST,
    Op.PROD: _FIRST,
    Op.MAX: _FIRST,
    Op.MIN: _FIRST,
    Op.INDEX: _FIRST,
    Op.RENAME: _FIRST,
    Op.ARGMAX: (),
    Op.CONSTANT: (),
    Op.INPUT: (),
    Op.POSITION: (),
    Op.SIZE: (),
    Op.RANDOM: (),
}


# Where cotangents of several users meet.


def _meet(arrived: list[Cotangent]) -> Cotangent:
    """The sum of cotangents, in the order in which their users stand in the expression.

    Conditions that all share stay a guard; the others are selected on. Outside their union the sum
    is zero, and what multiplies it later may be infinite there, so the union is remembered.
    """
    if len(arrived) == 1:
        return arrived[0]
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


def _conjunction(conditions: Sequence[Expr]) -> Expr:
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


def _anywhere(condition: Expr, axes: Axes) -> Expr:
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
    reach = _conjunction((*outer, *conditions))
    return Cotangent(kept, select(reach, cotangent.value, ZERO), reach)


def _close(cotangent: Cotangent) -> Cotangent:
    """The cotangent with its whole guard built in."""
    return _closed(cotangent, cotangent.guard)


# One operation back.


def _pull_pointwise(e: Expr, operand: int, cotangent: Cotangent) -> Cotangent | None:
    factor = partial(e, operand)
    if factor is None:
        return None
    axes = e.args[operand].axes
    extra = NO_AXES if e.axes is axes else e.axes - axes
    if e.op in GUARDS:
        condition = guard(e, operand)
        assert condition is not None
        cotangent = cotangent._replace(guard=(*cotangent.guard, condition))
    if extra and e.op is Op.MUL and _is_contraction(cotangent, factor, extra):
        return _contract(cotangent, factor, extra)
    return _sum_out(_times(cotangent, factor), extra)


def _times(cotangent: Cotangent, factor: Expr) -> Cotangent:
    if factor is ONE:
        return cotangent
    value = mul(cotangent.value, factor)
    signed = factor.op is Op.NEG and factor.args[0] is ONE
    return cotangent._replace(value=value, clean=cotangent.clean and signed)


def _is_contraction(cotangent: Cotangent, factor: Expr, extra: Axes) -> bool:
    """Whether the sum over `extra` of the product has a product larger than both factors."""
    axes = cotangent.value.axes.union(*(condition.axes for condition in cotangent.guard))
    shared = axes & factor.axes & extra
    return bool(shared) and not axes >= factor.axes and not factor.axes >= axes


def _contract(cotangent: Cotangent, factor: Expr, extra: Axes) -> Cotangent:
    """sum[extra](cotangent * factor), with conditions along `extra` on the cotangent.

    Lowering never builds such a product if it stands directly in the sum, so the guard is closed
    before, not after; the factor is taken to be finite outside it.
    """
    closed = _closed(cotangent, _touched(cotangent, extra))
    return Cotangent(closed.guard, total(mul(closed.value, factor), sorted(extra)))


def _sum_out(cotangent: Cotangent, extra: Axes) -> Cotangent:
    """The broadcast law: the sum over axes along which the operand was broadcast."""
    if not extra:
        return cotangent
    touched = _touched(cotangent, extra)
    if touched or (cotangent.reach is not None and not cotangent.reach.axes.isdisjoint(extra)):
        cotangent = _closed(cotangent, touched)
    value = total(cotangent.value, sorted(extra))
    reach = None if cotangent.reach is None else _anywhere(cotangent.reach, extra)
    return cotangent._replace(value=value, reach=reach)


def _touched(cotangent: Cotangent, axes: Axes) -> tuple[Expr, ...]:
    """The conditions that vary along some axes."""
    return tuple(each for each in cotangent.guard if not each.axes.isdisjoint(axes))


def _pull_sum(e: Expr, cotangent: Cotangent, _: FreshAxes) -> Cotangent:
    absent = [axis for axis in e.attributes if axis not in e.args[0].axes]
    return cotangent._replace(value=total(cotangent.value, absent))


def _pull_prod(e: Expr, cotangent: Cotangent, fresh: FreshAxes) -> Cotangent:
    for _, factor in reversed(product_steps(e, fresh)):
        cotangent = _times(cotangent, factor)
    return cotangent


def _pull_extremum(e: Expr, cotangent: Cotangent, _: FreshAxes) -> Cotangent:
    attained, count = extremum_share(e)
    if count is ONE:
        return cotangent
    guard = (*cotangent.guard, attained)
    return cotangent._replace(guard=guard, value=div(cotangent.value, count), clean=False)


def _pull_index(e: Expr, cotangent: Cotangent, fresh: FreshAxes) -> Cotangent:
    """`x[a = i]`: sum over the axes that i brought of where(a == i, cotangent, 0)."""
    x, indices = e.args[0], e.args[1:]
    captured = [axis for axis in e.attributes if axis in e.axes]
    moved = {axis: fresh.of(axis) for axis in captured}
    places = [renamed(i, moved) for i in indices]
    brought = NO_AXES.union(*(i.axes for i in places)) - x.axes
    hits = [_at(axis, i) for axis, i in zip(e.attributes, places, strict=True)]
    return _scatter(hits, _renamed(_close(cotangent), moved), brought)


def _pull_rename(e: Expr, cotangent: Cotangent, fresh: FreshAxes) -> Cotangent:
    """`x[t = s]`: the inverse where axes only swap names, else sum[s](where(t == s, ., 0))."""
    pairs = dict(e.attributes)
    turned = _cycles(pairs)
    cotangent = _renamed(cotangent, {new: old for old, new in turned.items()})
    rest = {old: new for old, new in pairs.items() if old not in turned}
    return _pull_moves(rest, cotangent, fresh) if rest else cotangent


def _pull_moves(pairs: Mapping[str, str], cotangent: Cotangent, fresh: FreshAxes) -> Cotangent:
    moved = {new: fresh.of(new) for new in pairs.values() if new in pairs}
    targets = {old: moved.get(new, new) for old, new in pairs.items()}
    hits = [_at(old, position(new)) for old, new in targets.items()]
    return _scatter(hits, _renamed(_close(cotangent), moved), frozenset(targets.values()))


def _renamed(cotangent: Cotangent, pairs: Mapping[str, str]) -> Cotangent:
    if not pairs:
        return cotangent
    return Cotangent(
        tuple(renamed(condition, pairs) for condition in cotangent.guard),
        renamed(cotangent.value, pairs),
        None if cotangent.reach is None else renamed(cotangent.reach, pairs),
        cotangent.clean,
    )


def _cycles(pairs: Mapping[str, str]) -> dict[str, str]:
    """The pairs whose names change among themselves."""
    kept = dict(pairs)
    while True:
        stays = {old: new for old, new in kept.items() if new in kept}
        if len(stays) == len(kept):
            return kept
        kept = stays


def _at(axis: str, i: Expr) -> Expr:
    return apply(Op.EQ, position(axis), i)


def _scatter(hits: list[Expr], cotangent: Cotangent, brought: Axes) -> Cotangent:
    landed = select(_conjunction(hits), cotangent.value, ZERO)
    reach = hits if cotangent.reach is None else [*hits, cotangent.reach]
    value = total(landed, sorted(brought))
    return Cotangent((), value, _anywhere(_conjunction(reach), brought))


RULES: Mapping[Op, Callable[[Expr, Cotangent, FreshAxes], Cotangent]] = {
    Op.SUM: _pull_sum,
    Op.PROD: _pull_prod,
    Op.MAX: _pull_extremum,
    Op.MIN: _pull_extremum,
    Op.INDEX: _pull_index,
    Op.RENAME: _pull_rename,
}
