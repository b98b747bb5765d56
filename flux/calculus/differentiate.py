"""Forward mode: the derivative of an expression along one direction, as an expression.

Tangents are pushed from the inputs to the result over the whole graph, each node once. An absent
tangent is structural: `None`, never a literal 0. The result shares all that the expression shares,
and goes back into any stage: printed, simplified, compiled, differentiated again.

Source:
    Griewank and Walther, Evaluating Derivatives (2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flux.calculus.folding import (
    ONE,
    ZERO,
    FreshAxes,
    add,
    div,
    indexed,
    mul,
    renamed,
    select,
    total,
)
from flux.calculus.partials import GUARDS, guard, partial
from flux.calculus.reductions import extremum_share, product_steps
from flux.errors import ArgumentError, AxisError, LimitError
from flux.expr import Expr, show_axes, topological, unvisited
from flux.ops import Op
from flux.settings import current

Tangent = Expr | None
Tangents = dict[Expr, Tangent]


def diff(e: Expr, x: str | Expr, n: int = 1) -> Expr:
    """The n-th derivative d^n e / dx^n.

    Args:
        e: what is differentiated.
        x: the name of an input, or an expression that stands for a variable: it is then taken as
            independent of everything inside it. The derivative by a name that e lacks is 0.
        n: the order, 0 or more.

    Shapes:
        x is a scalar, or e treats each position of x on its own (no reduction, index or rename of
        an axis of x lies between); then the result holds the derivative at each position.

    Raises:
        AxisError: x has axes and e mixes its positions.
        LimitError: the derivatives need more nodes than the setting `max_nodes`.
    """
    _check_order(n)
    seeds: Tangents = dict.fromkeys(Variables(e).of(x), ONE)
    _check_pointwise(e, seeds)
    forward = _Forward(seeds)
    for order in range(n):
        tangent = forward.tangent(e, _HIGHER_ORDER_WEIGHT if order else 1)
        if tangent is None:
            return ZERO
        e = tangent
    return e


def _check_order(n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise ArgumentError(f"the order of a derivative is a whole number from 0, not {n!r}")
    limit = current().max_steps
    if n > limit:
        raise LimitError(f"the order of a derivative is at most {limit} (setting max_steps)")


def jvp(e: Expr, tangents: Mapping[str | Expr, Expr]) -> Expr:
    """The derivative of e along a direction: the sum of de/dx * tangent over the inputs x.

    Args:
        e: what is differentiated.
        tangents: the direction; an input that is absent stands still.

    Shapes:
        A tangent has axes of its input only; along those that it lacks it is constant.

    Raises:
        AxisError: a tangent has an axis that its input lacks.
    """
    return jvps([e], tangents)[0]


def jvps(expressions: Sequence[Expr], tangents: Mapping[str | Expr, Expr]) -> list[Expr]:
    """`jvp` of several expressions along one direction; what they share is done once."""
    seeds: Tangents = {}
    variables = Variables(*expressions)
    for x, tangent in tangents.items():
        for variable in variables.of(x):
            _check_axes(variable, tangent)
            seeds[variable] = None if tangent is ZERO else tangent
    forward = _Forward(seeds)
    return [_present(forward.tangent(e)) for e in expressions]


class Variables:
    """The nodes that the variables of a derivative stand for."""

    def __init__(self, *roots: Expr, order: Sequence[Expr] | None = None) -> None:
        self._inputs: dict[str, list[Expr]] | None = None
        self._roots, self._order = roots, order

    def of(self, x: str | Expr) -> list[Expr]:
        """An expression itself, or the inputs of a name.

        Raises:
            ArgumentError: x is neither.
        """
        if isinstance(x, Expr):
            return [x]
        if not isinstance(x, str):
            raise ArgumentError(f"a variable is a name or an expression, not {x!r}")
        if self._inputs is None:
            self._inputs = {}
            order = topological(self._roots) if self._order is None else self._order
            for e in order:
                if e.op is Op.INPUT:
                    self._inputs.setdefault(e.attributes.name, []).append(e)
        return self._inputs.get(x, [])


def _check_axes(x: Expr, tangent: Expr) -> None:
    extra = tangent.axes - x.axes
    if extra:
        raise AxisError(f"the tangent has {show_axes(extra)}, which its input lacks")


def _check_pointwise(e: Expr, seeds: Tangents) -> None:
    axes = frozenset[str]().union(*(x.axes for x in seeds))
    if not axes:
        return
    for inner in unvisited(e, seeds):
        if inner.args and inner.op in _MOVES and not axes.isdisjoint(_MOVES[inner.op](inner)):
            raise AxisError(
                f"`{inner.op.row.name}` mixes positions of the variable, which has "
                f"{show_axes(axes)}",
                hint="use gradient for a scalar, or jvp along a direction",
            )


# The axes of the operand along which an operation moves or mixes positions.
_MOVES: Mapping[Op, Callable[[Expr], set[str]]] = {
    Op.SUM: lambda e: set(e.attributes),
    Op.PROD: lambda e: set(e.attributes),
    Op.MAX: lambda e: set(e.attributes),
    Op.MIN: lambda e: set(e.attributes),
    Op.INDEX: lambda e: set(e.attributes),
    Op.RENAME: lambda e: {axis for pair in e.attributes for axis in pair},
}


# Orders multiply an expression: the last one that fits makes two or three nodes for each it visits.
_HIGHER_ORDER_WEIGHT = 2


class _Forward:
    """Tangents of every node met so far; later orders reuse those of earlier ones."""

    def __init__(self, seeds: Tangents) -> None:
        self._tangents = dict(seeds)
        self._limit = current().max_nodes

    def tangent(self, e: Expr, weight: int = 1) -> Tangent:
        """The tangent of e, for which so many nodes count each."""
        tangents = self._tangents
        fresh = FreshAxes(e)
        order = unvisited(e, tangents)
        if weight * (len(tangents) + len(order)) > self._limit:
            raise LimitError(
                f"the derivative needs more than {self._limit} nodes (setting max_nodes)"
            )
        for inner in order:
            moved = [tangents[arg] for arg in inner.args]
            if moved.count(None) == len(moved):
                tangents[inner] = None
            else:
                rule = RULES.get(inner.op, _pointwise)
                tangents[inner] = rule(inner, moved, fresh)
        return tangents[e]


def _present(tangent: Tangent) -> Expr:
    return ZERO if tangent is None else tangent


def _pointwise(e: Expr, tangents: list[Tangent], _: FreshAxes) -> Tangent:
    """The sum of partial derivative times tangent over the operands."""
    result: Tangent = None
    for i, tangent in enumerate(tangents):
        factor = None if tangent is None else partial(e, i)
        if tangent is None or factor is None:
            continue
        term = mul(factor, tangent)
        if e.op in GUARDS:
            condition = guard(e, i)
            assert condition is not None
            term = select(condition, term, ZERO)
        result = term if result is None else add(result, term)
    return result


def _where(e: Expr, tangents: list[Tangent], _: FreshAxes) -> Tangent:
    then, otherwise = tangents[1], tangents[2]
    if then is None and otherwise is None:
        return None
    return select(e.args[0], _present(then), _present(otherwise))


def _sum(e: Expr, tangents: list[Tangent], _: FreshAxes) -> Tangent:
    assert tangents[0] is not None
    return total(tangents[0], e.attributes)


def _prod(e: Expr, tangents: list[Tangent], fresh: FreshAxes) -> Tangent:
    tangent, inner = tangents[0], e.args[0].axes
    assert tangent is not None
    for axis, factor in product_steps(e, fresh):
        tangent = mul(factor, tangent)
        if axis in inner:
            tangent = total(tangent, (axis,))
    return tangent


def _extremum(e: Expr, tangents: list[Tangent], _: FreshAxes) -> Tangent:
    tangent = tangents[0]
    assert tangent is not None
    axes = [axis for axis in e.attributes if axis in e.args[0].axes]
    if not axes:
        return tangent
    attained, count = extremum_share(e)
    return div(total(select(attained, tangent, ZERO), axes), count)


def _index(e: Expr, tangents: list[Tangent], _: FreshAxes) -> Tangent:
    tangent = tangents[0]
    return (
        None
        if tangent is None
        else indexed(tangent, dict(zip(e.attributes, e.args[1:], strict=True)))
    )


def _rename(e: Expr, tangents: list[Tangent], _: FreshAxes) -> Tangent:
    assert tangents[0] is not None
    return renamed(tangents[0], dict(e.attributes))


def _absent(e: Expr, tangents: list[Tangent], _: FreshAxes) -> Tangent:
    return None


# The operations that are not a plain sum of partial derivative times tangent.
RULES: Mapping[Op, Callable[[Expr, list[Tangent], FreshAxes], Tangent]] = {
    Op.WHERE: _where,
    Op.SUM: _sum,
    Op.PROD: _prod,
    Op.MAX: _extremum,
    Op.MIN: _extremum,
    Op.ARGMAX: _absent,
    Op.INDEX: _index,
    Op.RENAME: _rename,
    Op.CONSTANT: _absent,
    Op.INPUT: _absent,
    Op.POSITION: _absent,
    Op.SIZE: _absent,
    Op.RANDOM: _absent,
}
