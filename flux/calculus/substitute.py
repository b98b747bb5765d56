"""Substitution: inputs replaced by expressions, all at once.

Replacements are not looked into again, so `subs(x="y", y="x")` swaps. An axis that a replacement
brings must not be one that the expression already binds between the input and the root, since
`sum[d](x)` with x = y[d] would silently mean something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Integral, Real

from flux.calculus.folding import indexed, renamed
from flux.errors import ArgumentError, AxisError, UnknownNameError, did_you_mean
from flux.expr import Expr, Operand, constant, inputs, lift, rebuild, show_axes, topological
from flux.expr.node import NO_AXES, Axes, service
from flux.expr.traverse import check_size
from flux.ops import Kind, Op


def subs(e: Expr, mapping: Mapping[str | Expr, Operand | str]) -> Expr:
    """Replace inputs, all at once.

    Args:
        e: an expression.
        mapping: what takes the place of each name: an expression, a number, or a formula as text.
            A key may also be an expression that occurs in e.

    Raises:
        UnknownNameError: e has no input of that name.
        AxisError: a replacement has an axis that e binds above the input.
        LimitError: the result has more nodes than the setting `max_nodes`.
    """
    replacements: dict[Expr, Expr] = {}
    for key, value in mapping.items():
        for target in _targets(e, key):
            replacements[target] = as_expression(value)
    order = topological((e,))
    _check_capture(order, replacements)
    result = replace(order, replacements)
    check_size(result)
    return result


def as_expression(value: Operand | str) -> Expr:
    """The expression that an expression, a number or a formula as text means.

    Raises:
        ArgumentError: it is none of these.
    """
    if isinstance(value, str):
        parsed: Expr = service("parse")(value)
        return parsed
    if isinstance(value, Expr | bool | Decimal):
        return lift(value)
    if isinstance(value, Real):  # NumPy's numbers too
        return constant(int(value) if isinstance(value, Integral) else float(value))
    kind = type(value).__name__
    raise ArgumentError(f"expected an expression, a number or a formula as text, not a {kind}")


def _targets(e: Expr, key: str | Expr) -> list[Expr]:
    if isinstance(key, Expr):
        return [key]
    if not isinstance(key, str):
        raise ArgumentError(f"a replacement is for a name or an expression, not {key!r}")
    names = inputs(e)
    found = [x for x in names if x.attributes.name == key]
    if not found:
        known = sorted({x.attributes.name for x in names})
        raise UnknownNameError(
            f"the expression has no input `{key}`", hint=did_you_mean(key, known)
        )
    return found


def replace(order: Sequence[Expr], replacements: Mapping[Expr, Expr]) -> Expr:
    """The last node of a topological order with nodes replaced; no capture is looked for."""
    done: dict[Expr, Expr] = {}
    for e in order:
        known = replacements.get(e)
        done[e] = reapply(e, tuple([done[a] for a in e.args])) if known is None else known
    return done[order[-1]]


def reapply(e: Expr, args: tuple[Expr, ...]) -> Expr:
    """The node over other operands, which may lack axes of the ones they replace."""
    if e.op is Op.INDEX and args[0].axes != e.args[0].axes:
        return indexed(args[0], dict(zip(e.attributes, args[1:], strict=True)))
    if e.op is Op.RENAME and args[0].axes != e.args[0].axes:
        return renamed(args[0], dict(e.attributes))
    return rebuild(e, args)


def _check_capture(order: Sequence[Expr], replacements: Mapping[Expr, Expr]) -> None:
    brought: dict[Expr, Axes] = {}
    for e in order:
        if e in replacements:
            extra = replacements[e].axes - e.axes
        else:
            extra = NO_AXES.union(*(brought[arg] for arg in e.args))
            _check_bound(e, extra)
        brought[e] = extra


def _check_bound(e: Expr, extra: Axes) -> None:
    captured = extra & bound_axes(e) if extra else NO_AXES
    if captured:
        raise AxisError(
            f"the replacement has {show_axes(captured)}, which `{e.op.row.name}` binds here",
            hint="rename the axis of the replacement",
        )


def bound_axes(e: Expr) -> Axes:
    """The axes that a node removes, indexes or renames."""
    if e.op.row.kind is Kind.REDUCTION or e.op is Op.INDEX:
        return frozenset(e.attributes)
    if e.op is Op.RENAME:
        return frozenset(axis for pair in e.attributes for axis in pair)
    return NO_AXES
