"""The reference evaluator: an expression and values in, a number or an array out.

It walks the expression itself and generates nothing. Plain numbers take the scalar walk, which
looks at a branch only when it is taken; arrays take `flux.expr.evaluate_array`. Backends are
checked against both, and one-shot evaluation is this function.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flux.errors import ArgumentError
from flux.expr.arguments import Values, check_names, exact_float, is_number
from flux.expr.constants import constant_value
from flux.expr.domain import Origins, domain_error
from flux.expr.evaluate_array import evaluate_array
from flux.expr.node import Expr
from flux.expr.signature import Sizes, check_inputs
from flux.expr.traverse import topological
from flux.ops import Kind, Op
from flux.scalars import SCALARS


def evaluate(
    e: Expr,
    values: Values | None = None,
    *,
    sizes: Sizes | None = None,
    raise_domain: bool = True,
    origins: Origins | None = None,
) -> Any:
    """The value of an expression.

    An operation is outside its domain where it gives nan though no operand is nan, or an infinity
    though every operand is finite: 1/0, log(0), exp(1000), inf - inf. Only operations on the path
    taken count: the branch that a `where`, `and` or `or` does not need is not looked at.

    Shapes:
        an input with named axes: an array whose last dimensions are those axes in declared order;
        any leading ones are anonymous and broadcast, as in NumPy. The result has the anonymous
        dimensions first, then its named axes (`flux.expr.signature.result_axes`).

    Dtypes:
        the widest float among the inputs, else float64.

    Args:
        e: the expression.
        values: a value for each input by name; further ones take part in the broadcast only.
        sizes: sizes of axes that no array has.
        raise_domain: raise at the first operation outside its domain; otherwise IEEE values.
        origins: the places in a source text that built a node, for error messages.

    Raises:
        DomainError: see above.
        UnknownNameError: an input has no value.
        ArgumentError: a value that is not an array of real numbers.
        ShapeError: sizes that do not fit, or that are not known.
        LimitError: a value of more than 2^28 elements.
    """
    given = {} if values is None else values
    if not isinstance(given, Mapping):
        raise ArgumentError("values are a mapping from names", hint='such as {"x": 1.0}')
    order = topological((e,))
    inputs = check_inputs(x for x in order if x.op is Op.INPUT)
    check_names(inputs, given)
    places = origins or {}
    numbers = not sizes and all(map(is_number, given.values()))
    if raise_domain and numbers and all(map(_is_scalar_node, order)):
        return _evaluate_scalar(e, given, places)
    return evaluate_array(e, inputs, given, sizes or {}, raise_domain, places)


def _is_scalar_node(e: Expr) -> bool:
    if e.op is Op.INPUT:
        return not e.axes and not e.attributes.integer
    return e.op is Op.CONSTANT or e.op.row.kind is Kind.POINTWISE


_FIRST_ONLY = frozenset((Op.STOP, Op.CUSTOM))  # the value of the first operand


def _evaluate_scalar(root: Expr, given: Values, origins: Origins) -> float:
    values: dict[Expr, float] = {}
    stack = [root]
    while stack:
        e = stack[-1]
        needed = () if e in values else _next_operands(e, values)
        if needed:
            stack.extend(reversed(needed))
            continue
        if e not in values:
            values[e] = _value(e, values, given, origins)
        stack.pop()
    return values[root]


def _next_operands(e: Expr, values: dict[Expr, float]) -> tuple[Expr, ...]:
    # The operands that must be known next; those of a choice become known one at a time.
    return tuple(arg for arg in _path(e, values) if arg not in values)


def _path(e: Expr, values: dict[Expr, float]) -> tuple[Expr, ...]:
    if e.op in _FIRST_ONLY:
        return e.args[:1]
    if e.op is Op.WHERE:
        return e.args[:1] if e.args[0] not in values else (_branch(e, values),)
    if e.op in (Op.AND, Op.OR):
        first = values.get(e.args[0])
        decided = first is None or (first != 0) is (e.op is Op.OR)
        return e.args[:1] if decided else e.args
    return e.args


def _branch(e: Expr, values: dict[Expr, float]) -> Expr:
    return e.args[1] if values[e.args[0]] != 0 else e.args[2]


def _value(e: Expr, values: dict[Expr, float], given: Values, origins: Origins) -> float:
    if e.op is Op.CONSTANT:
        return _constant(e, origins)
    if e.op is Op.INPUT:
        return exact_float(e.attributes.name, given[e.attributes.name])
    if e.op is Op.WHERE:
        return values[_branch(e, values)]
    if e.op in (Op.AND, Op.OR):
        return float(values[_path(e, values)[-1]] != 0)
    return _apply(e, [values[arg] for arg in _path(e, values)], origins)


def _constant(e: Expr, origins: Origins) -> float:
    value = constant_value(e)
    if math.isinf(value) and e.attributes.kind != "named":
        raise domain_error(e, (), origins)
    return value


def _apply(e: Expr, operands: list[float], origins: Origins) -> float:
    try:
        result = SCALARS[e.op](*operands)
    except (ValueError, ZeroDivisionError, OverflowError):
        result = _beyond(e.op, operands)
    if math.isfinite(result) or any(map(math.isnan, operands)):
        return result
    if math.isinf(result) and any(map(math.isinf, operands)):
        return result
    raise domain_error(e, operands, origins)


def _beyond(op: Op, operands: list[float]) -> float:
    # What IEEE gives where Python raises: nan, but for an infinity divided by zero.
    a, b = operands[0], operands[-1]
    if op is Op.DIV and math.isinf(a):
        return math.copysign(math.inf, math.copysign(1.0, a) * math.copysign(1.0, b))
    return math.nan
