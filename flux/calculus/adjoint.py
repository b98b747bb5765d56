"""Reverse mode: the derivatives of a scalar by many inputs, as expressions that share their parts.

Cotangents are pulled from the result back to the inputs over the whole graph, each node once.

A cotangent of a node is a value over axes of that node; along an axis that it lacks it is
constant. The broadcast law follows: an operand that was broadcast along an axis receives the sum
over that axis, and where the cotangent is constant along it, the axis's size times the cotangent.

`cotangent` says how cotangents carry the conditions under which they count.

Source:
    Griewank and Walther, Evaluating Derivatives (2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from flux.calculus.cotangent import (
    Cotangent,
    anywhere,
    close,
    conjunction,
    contract,
    guarded,
    is_contraction,
    meet,
    renamed_cotangent,
    sum_out,
    times,
)
from flux.calculus.differentiate import Variables
from flux.calculus.folding import (
    ONE,
    ZERO,
    FreshAxes,
    div,
    renamed,
    select,
    sum_of,
    total,
)
from flux.calculus.partials import GUARDS, PARTIALS, guard, partial
from flux.calculus.reductions import extremum_share, product_steps
from flux.dump import dump
from flux.errors import ArgumentError, AxisError, LimitError
from flux.expr import Expr, apply, position, show_axes, topological
from flux.expr.node import NO_AXES, Axes
from flux.ops import Op
from flux.settings import current


def gradient(e: Expr, wrt: Sequence[str | Expr]) -> list[Expr]:
    """The derivatives of a scalar by each of several inputs.

    Args:
        e: a scalar.
        wrt: names of inputs, or expressions that stand for variables. The derivative by a name
            that e lacks is the constant 0.

    Shapes:
        Each result has axes of its input only; along those that it lacks it is constant.

    Raises:
        ArgumentError: wrt is not a list of names and expressions.
        AxisError: e has axes.
        LimitError: the derivatives need more nodes than the setting `max_nodes`.
    """
    return traced_gradient(e, wrt)[0]


def traced_gradient(e: Expr, wrt: Sequence[str | Expr]) -> tuple[list[Expr], dict[Expr, Expr]]:
    """The derivatives of a scalar, and where in it the parts of them come from.

    Returns:
        What `gradient` does; and for each cotangent the node that it was pulled through.

    Raises:
        FluxError: as `gradient` does.
    """
    if e.axes:
        names = ", ".join(sorted(e.axes))
        raise AxisError(
            f"a gradient is of a scalar; this expression has {show_axes(e.axes)}",
            hint=f"reduce it first, as in sum[{names}](...) or mean[{names}](...)",
        )
    derivatives, sources = _swept(e, ONE, wrt)
    dump("gradient", lambda: "\n".join(map(str, derivatives)))
    return derivatives, sources


def vjp(e: Expr, cotangent: Expr, wrt: Sequence[str | Expr]) -> list[Expr]:
    """The derivatives of `sum(cotangent * e)`, over all axes of e, by each of several inputs.

    Raises:
        AxisError: the cotangent has an axis that e lacks.
    """
    return _swept(e, cotangent, wrt)[0]


def _swept(
    e: Expr, cotangent: Expr, wrt: Sequence[str | Expr]
) -> tuple[list[Expr], dict[Expr, Expr]]:
    if isinstance(wrt, str | Expr) or not isinstance(wrt, Iterable):
        raise ArgumentError(
            "the variables of a gradient are a list", hint="write gradient([x]) for one variable"
        )
    extra = cotangent.axes - e.axes
    if extra:
        raise AxisError(f"the cotangent has {show_axes(extra)}, which the expression lacks")
    order = topological((e,))
    variables = Variables(e, order=order)
    return _pulled(order, cotangent, [variables.of(x) for x in wrt])


def pulled_back(
    order: Sequence[Expr], cotangent: Expr, variables: Sequence[Sequence[Expr]]
) -> list[Expr]:
    """`vjp` of the last node of a topological order, by variables that are some nodes each."""
    return _pulled(order, cotangent, variables)[0]


def _pulled(
    order: Sequence[Expr], cotangent: Expr, variables: Sequence[Sequence[Expr]]
) -> tuple[list[Expr], dict[Expr, Expr]]:
    reverse = _Reverse(order, cotangent, [leaf for leaves in variables for leaf in leaves])
    found = [_added([reverse.cotangents[leaf] for leaf in leaves]) for leaves in variables]
    return found, reverse.sources


def _added(cotangents: list[Expr | None]) -> Expr:
    present = [cotangent for cotangent in cotangents if cotangent is not None]
    return sum_of(present) if present else ZERO


class _Reverse:
    """One sweep from a root, the last of a topological order, back to some leaves."""

    def __init__(self, order: Sequence[Expr], seed: Expr, leaves: Sequence[Expr]) -> None:
        root = order[-1]
        self._fresh = FreshAxes(root, seed)
        self._pending: dict[Expr, list[Cotangent]] = {root: [Cotangent((), seed)]}
        self.cotangents: dict[Expr, Expr | None] = dict.fromkeys(leaves)
        self.sources: dict[Expr, Expr] = {}
        self._routes = _routes(order, self.cotangents)
        budget = current().max_nodes
        for e in reversed(order):
            budget -= self._visit(e)
            if budget < 0:
                raise LimitError("the gradient needs more nodes than the setting max_nodes allows")

    def _visit(self, e: Expr) -> int:
        arrived = self._pending.pop(e, None)
        if arrived is None:
            return 0
        cotangent = meet(arrived)
        self.sources.setdefault(cotangent.value, e)
        if e in self.cotangents:
            self.cotangents[e] = close(cotangent).value
        else:
            self._pull(e, cotangent)
        return len(arrived)

    def _pull(self, e: Expr, cotangent: Cotangent) -> None:
        rule = RULES.get(e.op)
        for i in self._routes.get(e, ()):
            pulled = (
                _pull_pointwise(e, i, cotangent)
                if rule is None
                else rule(e, cotangent, self._fresh)
            )
            if pulled is not None:
                self.sources.setdefault(pulled.value, e)
                self._pending.setdefault(e.args[i], []).append(pulled)


def _routes(order: Sequence[Expr], leaves: Mapping[Expr, object]) -> dict[Expr, list[int]]:
    """The nodes that depend on a leaf, each with the operands through which it does."""
    routes: dict[Expr, list[int]] = {}
    for e in order:
        args = e.args
        if args:
            found = [i for i in differentiable(e) if args[i] in routes or args[i] in leaves]
            if found:
                routes[e] = found
    return routes


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
        cotangent = guarded(cotangent, condition)
    if extra and e.op is Op.MUL and is_contraction(cotangent, factor, extra):
        return contract(cotangent, factor, extra)
    pulled = times(cotangent, factor)
    return sum_out(pulled, extra) if extra else pulled


def _pull_sum(e: Expr, cotangent: Cotangent, _: FreshAxes) -> Cotangent:
    absent = [axis for axis in e.attributes if axis not in e.args[0].axes]
    return cotangent._replace(value=total(cotangent.value, absent))


def _pull_prod(e: Expr, cotangent: Cotangent, fresh: FreshAxes) -> Cotangent:
    for _, factor in reversed(product_steps(e, fresh)):
        cotangent = times(cotangent, factor)
    return cotangent


def _pull_extremum(e: Expr, cotangent: Cotangent, _: FreshAxes) -> Cotangent:
    attained, count = extremum_share(e)
    if count is ONE:
        return cotangent
    value = div(cotangent.value, count)
    return guarded(cotangent, attained)._replace(value=value, clean=False)


def _pull_index(e: Expr, cotangent: Cotangent, fresh: FreshAxes) -> Cotangent:
    """`x[a = i]`: sum over the axes that i brought of where(a == i, cotangent, 0)."""
    x, indices = e.args[0], e.args[1:]
    captured = [axis for axis in e.attributes if axis in e.axes]
    moved = {axis: fresh.of(axis) for axis in captured}
    places = [renamed(i, moved) for i in indices]
    brought = NO_AXES.union(*(i.axes for i in places)) - x.axes
    hits = [_at(axis, i) for axis, i in zip(e.attributes, places, strict=True)]
    return _scatter(hits, renamed_cotangent(close(cotangent), moved), brought)


def _pull_rename(e: Expr, cotangent: Cotangent, fresh: FreshAxes) -> Cotangent:
    """`x[t = s]`: the inverse where axes only swap names, else sum[s](where(t == s, ., 0))."""
    pairs = dict(e.attributes)
    turned = _cycles(pairs)
    cotangent = renamed_cotangent(cotangent, {new: old for old, new in turned.items()})
    rest = {old: new for old, new in pairs.items() if old not in turned}
    return _pull_moves(rest, cotangent, fresh) if rest else cotangent


def _pull_moves(pairs: Mapping[str, str], cotangent: Cotangent, fresh: FreshAxes) -> Cotangent:
    moved = {new: fresh.of(new) for new in pairs.values() if new in pairs}
    targets = {old: moved.get(new, new) for old, new in pairs.items()}
    hits = [_at(old, position(new)) for old, new in targets.items()]
    return _scatter(hits, renamed_cotangent(close(cotangent), moved), frozenset(targets.values()))


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
    landed = select(conjunction(hits), cotangent.value, ZERO)
    reach = hits if cotangent.reach is None else [*hits, cotangent.reach]
    value = total(landed, sorted(brought))
    return Cotangent((), value, anywhere(conjunction(reach), brought))


RULES: Mapping[Op, Callable[[Expr, Cotangent, FreshAxes], Cotangent]] = {
    Op.SUM: _pull_sum,
    Op.PROD: _pull_prod,
    Op.MAX: _pull_extremum,
    Op.MIN: _pull_extremum,
    Op.INDEX: _pull_index,
    Op.RENAME: _pull_rename,
}
