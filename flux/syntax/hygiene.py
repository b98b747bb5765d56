"""Which axis outside each axis name of a body stands for, so that no two axes merge unseen.

A header axis is the caller's axis of the same name unless the call rebinds it. An axis that only
the body names is local: where an argument has it already, it becomes the smallest free `s_1`, so
that equal calls give the identical node. What would merge two axes is an error with both places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flux.errors import AxisError, did_you_mean
from flux.expr import Expr, show_axes
from flux.expr.node import Axes
from flux.syntax.declared import Declared
from flux.syntax.machine import Pending, Scope
from flux.syntax.tree import Tree


def bind_axes(
    caller: Scope, pending: Pending, given: Mapping[str, Expr], places: Mapping[str, Tree]
) -> dict[str, str]:
    """The axis outside that each axis name of the body stands for."""
    definition = pending.definition
    bound = {axis: pending.axes.get(axis) or caller.axis(axis) for axis in definition.axes}
    _check_distinct(caller, pending, bound)
    for formal in definition.formals:
        if formal.name in given:
            _check_formal(caller, pending, formal, given[formal.name], bound, places[formal.name])
    _check_own(caller, pending, bound, given)
    taken: Axes = frozenset(bound.values()).union(*(e.axes for e in given.values()))
    return _with_locals(bound, sorted(definition.mentions.axes), taken)


def _with_locals(bound: dict[str, str], names: Sequence[str], taken: Axes) -> dict[str, str]:
    used = set(taken)
    for name in names:
        if name not in bound:
            bound[name] = free_axis(name, used)
            used.add(bound[name])
    return bound


def free_axis(name: str, taken: set[str]) -> str:
    """The name itself where it is free, else the smallest `name_1`, `name_2`, ... that is."""
    if name not in taken:
        return name
    number = 1
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _check_distinct(caller: Scope, pending: Pending, bound: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for axis, outer in bound.items():
        if outer in seen:
            raise AxisError(
                f"axes {seen[outer]} and {axis} of `{pending.definition.name}` "
                f"are both bound to {outer}",
                (caller.span(pending.tree), pending.definition.span),
                hint=f"rename one of them: `[{outer} = {outer}_1]`",
            )
        seen[outer] = axis


def _check_own(
    caller: Scope, pending: Pending, bound: Mapping[str, str], given: Mapping[str, Expr]
) -> None:
    """A function's own axis is one of an argument, or one that the caller declares."""
    definition = pending.definition
    if definition.kind != "function":
        return
    present = caller.declared.union(*(e.axes for e in given.values()))
    for axis in definition.brackets:
        if axis in definition.own_axes and bound[axis] not in present:
            raise AxisError(
                f"no argument of `{definition.name}` has an axis {bound[axis]}",
                (caller.span(pending.tree), definition.span),
                did_you_mean(bound[axis], sorted(present))
                or f"say along which axis: `{definition.name}[t](...)`",
            )


def _check_formal(
    caller: Scope,
    pending: Pending,
    formal: Declared,
    value: Expr,
    bound: Mapping[str, str],
    place: Tree,
) -> None:
    """An argument has the formal's axes, and none of the header's that are no formal's."""
    if formal.axes is None:
        return
    definition = pending.definition
    spans = (caller.span(place), definition.text.span(formal.tree))
    for axis in formal.axes:
        if bound[axis] not in value.axes:
            raise AxisError(
                f"argument `{formal.name}` of `{definition.name}` needs an axis {bound[axis]}: "
                f"the value has {show_axes(value.axes)}",
                spans,
                hint=f"bind it: `{definition.name}[{axis} = ...]`",
            )
    for axis in sorted(definition.own_axes):
        if bound[axis] in value.axes:
            raise AxisError(
                f"axis {bound[axis]} of the argument and axis {axis} of `{definition.name}` "
                f"would become one",
                spans,
                hint=f"bind it to another: `{definition.name}[{axis} = {axis}_1](...)`",
            )
