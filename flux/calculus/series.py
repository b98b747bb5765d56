"""Taylor polynomials: an expression, a name, a point and a degree in; a polynomial out.

The coefficients come from the arithmetic of truncated power series (`power_series`), operands
first; where an operation has no row there, from repeated differentiation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from flux.calculus.differentiate import diff
from flux.calculus.folding import ONE, ZERO, add, mul, neg, sub, unsigned
from flux.calculus.power_series import (
    ROWS,
    Coefficient,
    NotAnalyticError,
    Series,
    as_coefficient,
    as_expr,
    constant_series,
    decided,
    is_constant,
    settled,
    value_of,
)
from flux.calculus.simplify import simplify
from flux.calculus.substitute import as_expression, subs
from flux.calculus.sympy_bridge import check_scalar
from flux.errors import ArgumentError, LimitError
from flux.expr import Expr, Operand, count_nodes, inputs, lift, variable
from flux.expr.traverse import check_size
from flux.ops import Op
from flux.settings import current

_STEPS_A_SETTING = 5  # steps of series arithmetic that count as one rewriting step
_SYMBOLIC_STEPS = 100  # that a step on coefficients with names or roots counts for
_SYMBOLIC = frozenset((Op.GAMMA, Op.LGAMMA, Op.POLYGAMMA))  # whose coefficients have no numbers
_POWER_NODES = 3  # that a power counts for: it takes a logarithm and an exponential
_NODE_STEPS = 40  # rewriting steps that simplifying a node of a coefficient takes, at most
_EXTRA_TERMS = (0, 2, 8, 32)  # that quotients such as sin(x)/x may use up


def series(e: Expr, x: str, x0: Operand | str = 0, n: int = 6) -> Expr:
    """The Taylor polynomial of e by x about x0, up to the power n.

    sum over k = 0 ... n of c_k*(x - x0)^k, c_k the k-th derivative at x0 over k!

    Args:
        e: a scalar expression.
        x: the name of an input.
        x0: the point: a number, or a formula without x.
        n: the highest power.

    Raises:
        DomainError: e has no Taylor series there: a pole, a kink, a jump.
        LimitError: the coefficients need more steps than the setting `max_steps`, or digits than
            `max_literal`.
        AxisError: e has named axes.
    """
    point = as_expression(x0)
    found = _tidied(coefficients(e, x, point, n))
    place = variable_of(e, x)
    step = place if point is ZERO else _difference(place, point)
    result = ZERO
    for k, c in enumerate(found):
        result = _plus(result, c, step, k)
    return result


def _tidied(found: list[Expr]) -> list[Expr]:
    """The coefficients simplified, up to where together they are too large for that."""
    room = current().max_steps // _NODE_STEPS
    tidy: list[Expr] = []
    for c in found:
        room -= count_nodes(c) if room > 0 else 0
        tidy.append(simplify(c) if room > 0 else c)
    check_size(*tidy)
    return tidy


def variable_of(e: Expr, x: str) -> Expr:
    """The input of that name, as the expression has it."""
    return next((leaf for leaf in inputs(e) if leaf.attributes.name == x), variable(x))


def _difference(place: Expr, point: Expr) -> Expr:
    return place + point.args[0] if point.op is Op.NEG else place - point


def _plus(total: Expr, c: Expr, step: Expr, k: int) -> Expr:
    magnitude, minus = unsigned(c)
    if magnitude.op is Op.DIV:
        above, below_zero = unsigned(magnitude.args[0])
        magnitude, minus = above / magnitude.args[1], minus is not below_zero
    if magnitude is ZERO:
        return total
    power = step if k == 1 else step**k
    if k == 0:
        term = magnitude
    elif magnitude.op is Op.DIV:
        term = mul(magnitude.args[0], power) / magnitude.args[1]
    else:
        term = mul(magnitude, power)
    if total is ZERO:
        return neg(term) if minus else term
    return sub(total, term) if minus else add(total, term)


def coefficients(e: Expr, x: str, x0: Operand = 0, n: int = 6) -> list[Expr]:
    """The coefficients of `series`: n + 1 expressions without x, literals where they are exact."""
    order = check_scalar(e)
    point = lift(x0)
    _check(e, x, point, n, sum(_POWER_NODES if part.op is Op.POW else 1 for part in order))
    if any(part.op not in ROWS and part.args for part in order):
        return [as_expr(c) for c in _by_derivatives(e, x, point, n)]
    for extra in _EXTRA_TERMS:
        known = _expanded(order, x, point, n + 1 + extra)
        if len(known) > n:
            return [as_expr(c) for c in _finite(known[: n + 1])]
    raise NotAnalyticError("too many terms cancel at this point")


def _check(e: Expr, x: str, point: Expr, n: int, nodes: int) -> None:
    if not isinstance(x, str):
        raise ArgumentError(f"the variable is a name, such as 'x', not {x!r}")
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise ArgumentError(f"the highest power is a whole number from 0, not {n!r}")
    if any(leaf.attributes.name == x for leaf in inputs(point)):
        raise ArgumentError(f"the point is written in terms of `{x}` itself")
    check_scalar(point)
    decided(as_coefficient(point))
    _check_steps(nodes * (n + 1) ** 2)


def _expanded(order: Sequence[Expr], x: str, point: Expr, length: int) -> Series:
    made: dict[Expr, Series] = {}
    steps = 0
    for e in order:
        if e.op in _SYMBOLIC or any(not _is_exact(made[arg]) for arg in e.args):
            steps += _SYMBOLIC_STEPS * length**2
            _check_steps(steps)
        if e.op is Op.INPUT and e.attributes.name == x:
            rest: list[Coefficient] = [Fraction(1), *[Fraction(0)] * (length - 2)]
            made[e] = settled([as_coefficient(point), *rest[: length - 1]])
        elif not e.args:
            made[e] = constant_series(as_coefficient(e), length)
        else:
            made[e] = settled(_row(e, [made[arg] for arg in e.args]))
    return made[order[-1]]


def _is_exact(u: Series) -> bool:
    """Whether a series costs no more than arithmetic: rational numbers, or a constant."""
    return is_constant(u) or all(isinstance(c, Fraction) for c in u)


def _check_steps(steps: int) -> None:
    limit = current().max_steps
    if steps > _STEPS_A_SETTING * limit:
        raise LimitError(
            f"the series needs more steps than the setting max_steps ({limit}) allows",
            hint="a lower degree, or a point at which the coefficients are rational numbers",
        )


def _row(e: Expr, operands: Sequence[Series]) -> Series:
    if all(is_constant(u) for u in operands):
        value = value_of(e.op, *(u[0] for u in operands))
        return constant_series(value, min(len(u) for u in operands))
    return ROWS[e.op](*operands)


def _finite(found: Series) -> Series:
    """The coefficients, after checking that those without names have a finite value."""
    for c in found:
        decided(c)
    return found


def _by_derivatives(e: Expr, x: str, point: Expr, n: int) -> Series:
    found: list[Coefficient] = []
    for k in range(n + 1):
        there = subs(e, {x: point}) if any(p.attributes.name == x for p in inputs(e)) else e
        scale = as_expr(Fraction(1, math.factorial(k)))
        found.append(as_coefficient(simplify(there if scale is ONE else scale * there)))
        e = diff(e, x)
    return _finite(found)
