"""A formula seen from a point: its variable becomes a distance from there, without cancellation.

Every largest part that is a polynomial with rational coefficients is expanded exactly in powers of
the distance u: seen from 1 downwards, 1 - x^2 is u*(2 - u), not 1 - (1 - u)^2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from flux.calculus.folding import add, mul, number
from flux.calculus.power_series import as_expr
from flux.expr import Expr, rebuild, topological
from flux.ops import Op

Polynomial = Sequence[Fraction]  # coefficients from the constant one up

_HIGHEST = 32  # degree of a part that is expanded


def recentred(e: Expr, x: Expr, point: Fraction, sign: int) -> Expr:
    """The scalar expression with x = point + sign*u, where u takes x's place.

    Args:
        e: a scalar expression.
        x: an input of it.
        point: where u is 0.
        sign: 1 to look upwards, -1 to look downwards.
    """
    known: dict[Expr, Polynomial] = {}
    done: dict[Expr, Expr] = {}
    for part in topological((e,)):
        polynomial = _polynomial(part, x, (point, Fraction(sign)), known)
        if polynomial is not None:
            known[part] = polynomial
        if polynomial is None or part.op is Op.CONSTANT:
            done[part] = rebuild(part, tuple(done[arg] for arg in part.args))
        else:
            done[part] = _horner(polynomial, x)
    return done[e]


def _polynomial(
    e: Expr, x: Expr, place: Polynomial, known: Mapping[Expr, Polynomial]
) -> Polynomial | None:
    if e is x:
        return place
    value = number(e)
    if value is not None:
        return (Fraction(value),)
    if e.op not in _ROWS or any(arg not in known for arg in e.args):
        return None
    found = _ROWS[e.op](*(known[arg] for arg in e.args))
    return found if found is not None and len(found) <= _HIGHEST + 1 else None


def _added(p: Polynomial, q: Polynomial) -> Polynomial:
    longer, shorter = (p, q) if len(p) >= len(q) else (q, p)
    return [c + shorter[k] if k < len(shorter) else c for k, c in enumerate(longer)]


def _negated(p: Polynomial) -> Polynomial:
    return [-c for c in p]


def _multiplied(p: Polynomial, q: Polynomial) -> Polynomial | None:
    if len(p) + len(q) > _HIGHEST + 2:
        return None
    product = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            product[i + j] += a * b
    return product


def _divided(p: Polynomial, q: Polynomial) -> Polynomial | None:
    return [c / q[0] for c in p] if len(q) == 1 and q[0] != 0 else None


def _power(p: Polynomial, q: Polynomial) -> Polynomial | None:
    if len(q) > 1 or q[0].denominator != 1 or not 0 <= q[0] <= _HIGHEST:
        return None
    result: Polynomial | None = (Fraction(1),)
    for _ in range(int(q[0])):
        result = None if result is None else _multiplied(result, p)
    return result


_ROWS: Mapping[Op, Callable[..., Polynomial | None]] = {
    Op.NEG: _negated,
    Op.ADD: _added,
    Op.SUB: lambda p, q: _added(p, _negated(q)),
    Op.MUL: _multiplied,
    Op.DIV: _divided,
    Op.POW: _power,
}


def _horner(p: Polynomial, u: Expr) -> Expr:
    result = as_expr(p[-1])
    for c in reversed(p[:-1]):
        result = add(mul(result, u), as_expr(c))
    return result
