"""The root of an expression, as an expression of the other names.

Its value is a fixed number of Newton's steps, written out: held within a bracket, or halved where
they do not lower |f|. It is nan where the last step or f itself is not small, so that what is no
root is never taken for one. Its derivatives do not look at the steps; they are those of the
implicit function theorem, dx/dp = -f_p/f_x at the root.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flux.calculus.differentiate import diff
from flux.calculus.magnitude import magnitude
from flux.calculus.substitute import replace
from flux.errors import ArgumentError, LimitError, UnknownNameError, did_you_mean
from flux.expr import (
    Expr,
    apply,
    constant,
    count_nodes,
    custom,
    inputs,
    stop,
    topological,
    where,
)
from flux.expr.traverse import check_size
from flux.ops import Op
from flux.settings import current

STEPS, BRACKET_STEPS = 24, 64
MOST_STEPS = 1000
# Derivatives up to this order use the root itself; higher ones are those of the steps, which agree.
_ORDER = 2
_NEAR = 1e-9  # beside the root: Newton's last step, which leaves about its square
_TRAVELLED = 1e-6  # of the way from the start counts as the root's size, for roots at 0
_SMALL, _SMALL_TERM = 1e-6, 1e-10  # |f| beside the start's, and beside its terms
_TINY = 1e-300


def root(
    f: Expr,
    x: str,
    start: Expr | None = None,
    bracket: tuple[Expr, Expr] | None = None,
    steps: int | None = None,
) -> Expr:
    """The x at which f is 0.

    Args:
        f: an expression without named axes.
        x: the unknown.
        start: where the search starts, an expression of the other names.
        bracket: its lower and its upper end, instead of a start; f must have different signs there.
        steps: of Newton's; by default 24, or 64 within a bracket.

    Raises:
        UnknownNameError: f has no input of that name.
        ArgumentError: there is not one of start and bracket, or they contain the unknown.
        LimitError: the result has more nodes than the setting `max_nodes`.
    """
    unknown = _unknown(f, x)
    _check_plain(f, x, [e for e in (start, *(bracket or ())) if e is not None])
    slope = diff(f, x)
    wanted = _counted(steps, STEPS if bracket is None else BRACKET_STEPS)
    _check_written_out(f, slope, wanted)
    equation = _Equation(_function(f, unknown), _function(slope, unknown), f, unknown)
    if bracket is not None:
        place, size, first = equation.within(*bracket, wanted)
    elif start is not None:
        place, size, first = equation.from_start(start, wanted)
    else:
        raise ArgumentError("a root has a start, or a bracket")
    value = equation.checked(place, size, first)
    found = _with_derivatives(value, f, slope, unknown)
    check_size(found)
    return found


def _unknown(f: Expr, x: str) -> Expr:
    names = {leaf.attributes.name: leaf for leaf in inputs(f)}
    if x not in names:
        hint = did_you_mean(x, sorted(names))
        raise UnknownNameError(f"the equation has no `{x}`", hint=hint)
    if names[x].attributes.integer:
        raise ArgumentError(f"`{x}` is declared as an integer", hint="solve for a real number")
    return names[x]


def _check_plain(f: Expr, x: str, places: Sequence[Expr]) -> None:
    for e in (f, *places):
        if any(leaf.axes for leaf in topological((e,))):
            raise ArgumentError(
                "the equation of a root has no named axes", hint="arrays give one root a row"
            )
    for e in places:
        if any(leaf.attributes.name == x for leaf in inputs(e)):
            raise ArgumentError(f"the start of `{x}` depends on `{x}` itself")


def _counted(steps: int | None, default: int) -> int:
    if steps is None:
        return default
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise ArgumentError(f"steps are a whole number from 1, not {steps!r}")
    if steps > MOST_STEPS:
        raise LimitError(f"{steps} steps are more than {MOST_STEPS}")
    return steps


def _check_written_out(f: Expr, slope: Expr, steps: int) -> None:
    """Refuse what would have too many nodes before it is built."""
    count, limit = steps * count_nodes(f, slope), current().max_nodes
    if count > limit:
        raise LimitError(
            f"{steps} steps of this root have about {count} nodes, more than {limit} "
            "(setting max_nodes)",
        )


def _function(e: Expr, unknown: Expr) -> Callable[[Expr], Expr]:
    order = topological((e,))
    return lambda at: replace(order, {unknown: at})


def _size(e: Expr) -> Expr:
    return apply(Op.ABS, e)


@dataclass(frozen=True)
class _Equation:
    """f and f' as functions of the place."""

    value: Callable[[Expr], Expr]
    slope: Callable[[Expr], Expr]
    f: Expr
    unknown: Expr

    def from_start(self, start: Expr, steps: int) -> tuple[Expr, Expr, Expr]:
        """The place after some steps, the way there, and |f| at the start.

        A step is taken where it does not raise |f|, and halved elsewhere.
        """
        x, f = start, self.value(start)
        step = f / self.slope(x)
        for _ in range(steps):
            there = x - step
            after = self.value(there)
            better = apply(Op.LE, _size(after), _size(f))
            x, f = where(better, there, x), where(better, after, f)
            step = where(better, after / self.slope(there), step / 2)
        return x, _size(x - start), _size(self.value(start))

    def within(self, low: Expr, high: Expr, steps: int) -> tuple[Expr, Expr, Expr]:
        """The place after some steps, the bracket's width, and the smaller |f| of its ends.

        A step that leaves what is left of the bracket becomes a bisection. Whether it leaves is
        asked without the quotient: f' (x - high) < f < f' (x - low), or the other way round.
        """
        at_low, at_high = self.value(low), self.value(high)
        least, most = low, high
        x = (low + high) / 2
        for _ in range(steps):
            f, slope = self.value(x), self.slope(x)
            same = apply(Op.LE, apply(Op.SIGN, f) * apply(Op.SIGN, at_high), 0)
            least, most = where(same, x, least), where(same, most, x)
            left = apply(Op.LT, f, slope * (x - least))
            right = apply(Op.LT, f, slope * (x - most))
            x = where(apply(Op.NE, left, right), x - f / slope, (least + most) / 2)
        opposite = apply(Op.LE, apply(Op.SIGN, at_low) * apply(Op.SIGN, at_high), 0)
        ends = apply(Op.MINIMUM, _size(at_low), _size(at_high))
        nothing = constant("nan")
        return x, where(opposite, high - low, nothing), ends

    def checked(self, x: Expr, way: Expr, first: Expr) -> Expr:
        """One more step, where it and f are small."""
        f = self.value(x)
        step = f / self.slope(x)
        near = _NEAR * (_size(x) + _TRAVELLED * way) + _TINY
        terms = _function(magnitude(self.f), self.unknown)(x)
        small = apply(
            Op.OR,
            apply(Op.LE, _size(f), _SMALL * first),
            apply(Op.LE, _size(f), _SMALL_TERM * terms),
        )
        there = apply(Op.AND, apply(Op.LE, _size(step), near), small)
        return where(there, x - step, constant("nan"))


def _with_derivatives(value: Expr, f: Expr, slope: Expr, unknown: Expr) -> Expr:
    """The value, with dx/dp = -f_p/f_x for every other name p."""
    others = [leaf for leaf in inputs(f) if leaf is not unknown and not leaf.attributes.integer]
    partials = {p: _function(-(diff(f, p.attributes.name) / slope), unknown) for p in others}
    if not partials:
        return stop(value)  # a constant, however the search for it depends on its start
    found = value
    for _ in range(_ORDER):
        found = custom(value, {p: partial(found) for p, partial in partials.items()})
    return found
