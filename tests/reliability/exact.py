"""An expression's value to fifty digits, and random expressions to try it on.

Digits beyond a float's make tests sharp: an identity holds to 1e-30 or it is false, and a central
difference with a step of 1e-15 has twenty-five right digits (Abramowitz and Stegun, 25.3.5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import mpmath
from mpmath import mpf

from flux.expr import Expr, apply, constant, fold, variable, where
from flux.ops import Op

NAMES = ("x", "y", "z")
DIGITS = 50
NOWHERE = mpmath.nan  # no real, finite value of moderate size

_LARGEST = mpf(10) ** 18  # beyond it a difference has too few digits left
_STEEP = mpf(10) ** 6


def _truth(value: bool) -> mpf:
    return mpf(1) if value else mpf(0)


def _gentle(function: Callable[[mpf], mpf]) -> Callable[[mpf], mpf]:
    """Nowhere at large values, where a small step passes many integers or periods."""

    def apply_gently(x: mpf) -> mpf:
        return function(x) if abs(x) < _STEEP else NOWHERE

    return apply_gently


_floor = _gentle(mpmath.floor)


def _round(x: mpf) -> mpf:
    return mpmath.sign(x) * _floor(abs(x) + mpf("0.5"))


_VALUES: Mapping[Op, Callable[..., mpf]] = {
    Op.NEG: lambda a: -a,
    Op.ADD: lambda a, b: a + b,
    Op.SUB: lambda a, b: a - b,
    Op.MUL: lambda a, b: a * b,
    Op.DIV: lambda a, b: a / b,
    Op.POW: lambda a, b: mpmath.power(a, b),
    Op.MOD: lambda a, b: a - b * _floor(a / b),
    Op.EXP: mpmath.exp,
    Op.EXPM1: mpmath.expm1,
    Op.LOG: mpmath.log,
    Op.LOG1P: mpmath.log1p,
    Op.LOG2: lambda a: mpmath.log(a, 2),
    Op.LOG10: mpmath.log10,
    Op.SQRT: mpmath.sqrt,
    Op.CBRT: lambda a: mpmath.sign(a) * mpmath.cbrt(abs(a)),
    Op.SIN: _gentle(mpmath.sin),
    Op.COS: _gentle(mpmath.cos),
    Op.TAN: _gentle(mpmath.tan),
    Op.ASIN: mpmath.asin,
    Op.ACOS: mpmath.acos,
    Op.ATAN: mpmath.atan,
    Op.ATAN2: mpmath.atan2,
    Op.SINH: mpmath.sinh,
    Op.COSH: mpmath.cosh,
    Op.TANH: mpmath.tanh,
    Op.ASINH: mpmath.asinh,
    Op.ACOSH: mpmath.acosh,
    Op.ATANH: mpmath.atanh,
    Op.HYPOT: mpmath.hypot,
    Op.ERF: mpmath.erf,
    Op.ERFC: mpmath.erfc,
    Op.ABS: abs,
    Op.SIGN: mpmath.sign,
    Op.FLOOR: _floor,
    Op.CEIL: lambda a: -_floor(-a),
    Op.ROUND: _round,
    Op.MINIMUM: min,
    Op.MAXIMUM: max,
    Op.LT: lambda a, b: _truth(a < b),
    Op.LE: lambda a, b: _truth(a <= b),
    Op.GT: lambda a, b: _truth(a > b),
    Op.GE: lambda a, b: _truth(a >= b),
    Op.EQ: lambda a, b: _truth(a == b),
    Op.NE: lambda a, b: _truth(a != b),
    Op.NOT: lambda a: _truth(a == 0),
}
OPERATIONS = tuple(_VALUES)


def value(e: Expr, at: Mapping[str, mpf]) -> mpf:
    """The value of a plain formula, or NOWHERE."""
    with mpmath.workdps(DIGITS):
        result: mpf = fold(e, lambda part, values: _moderate(_value(part, values, at)))
        return result


def _value(e: Expr, values: tuple[mpf, ...], at: Mapping[str, mpf]) -> mpf:
    if e.op is Op.CONSTANT:
        return _constant(e)
    if e.op is Op.INPUT:
        return at[e.attributes.name]
    if e.op is Op.WHERE:
        return _choice(*values)
    if e.op in (Op.AND, Op.OR):
        return _logic(e.op, *values)
    if any(map(mpmath.isnan, values)):
        return NOWHERE
    try:
        return _VALUES[e.op](*values)
    except (ValueError, ZeroDivisionError, OverflowError):
        return NOWHERE


def _choice(condition: mpf, then: mpf, otherwise: mpf) -> mpf:
    if mpmath.isnan(condition):
        return NOWHERE
    return then if condition != 0 else otherwise


def _logic(op: Op, a: mpf, b: mpf) -> mpf:
    if mpmath.isnan(a):
        return NOWHERE
    if (a != 0) is (op is Op.OR):
        return _truth(op is Op.OR)
    return NOWHERE if mpmath.isnan(b) else _truth(b != 0)


def _constant(e: Expr) -> mpf:
    kind, number = e.attributes
    if kind == "named":
        return {"pi": +mpmath.pi, "e": +mpmath.e}.get(number, NOWHERE)
    return mpf(str(number)) if kind != "bool" else _truth(number)


def _moderate(x: mpf) -> mpf:
    if isinstance(x, mpmath.mpc) or not mpmath.isfinite(x):
        return NOWHERE
    return x if x == 0 or 1 / _LARGEST < abs(x) < _LARGEST else NOWHERE


# ---- Random expressions --------------------------------------------------------------------------

_CONSTANTS = ("0", "1", "2", "3", "-1", "0.5", "1.5", "0.1", "-2", "10", "pi", "e")
_COMMON = (Op.ADD, Op.SUB, Op.MUL, Op.MUL, Op.DIV, Op.POW)


def random_expression(rng: Random, depth: int = 4) -> Expr:
    """A plain formula over the names, moderate numbers, and the operations that are known here."""
    if depth == 0 or rng.random() < 0.1:
        return _leaf(rng)
    choice = rng.random()
    if choice < 0.08:
        parts = [random_expression(rng, depth - 1) for _ in range(2)]
        return where(apply(rng.choice((Op.LT, Op.GE)), parts[0], _leaf(rng)), parts[1], parts[0])
    if choice < 0.16:
        part = random_expression(rng, depth - 1)
        return part * part + rng.choice((1, 2)) * part
    if choice < 0.24:
        return random_expression(rng, depth - 1) ** rng.choice((2, 3, -1, constant(0.5)))
    op = rng.choice(_COMMON if choice < 0.6 else OPERATIONS)
    return apply(op, *(random_expression(rng, depth - 1) for _ in range(op.row.arity)))


def _leaf(rng: Random) -> Expr:
    if rng.random() < 0.7:
        return variable(rng.choice(NAMES))
    text = rng.choice(_CONSTANTS)
    if text in ("pi", "e"):
        return constant(text)
    return constant(int(text) if text.lstrip("-").isdigit() else float(text))


def random_point(rng: Random) -> dict[str, mpf]:
    """A value for every name, of thirty random digits."""
    return {name: mpf(rng.randrange(-4 * 10**30, 4 * 10**30)) / 10**30 for name in NAMES}
