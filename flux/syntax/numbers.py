"""The value of an expression that is a number before anything runs, such as `2*layers - 1`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from flux.expr import Expr, fold
from flux.ops import Op


def _divide(a: Fraction, b: Fraction) -> Fraction | None:
    return a / b if b else None


_EXACT: Mapping[Op, Callable[..., Fraction | None]] = {
    Op.NEG: lambda a: -a,
    Op.ADD: lambda a, b: a + b,
    Op.SUB: lambda a, b: a - b,
    Op.MUL: lambda a, b: a * b,
    Op.DIV: _divide,
}
_LARGEST = Fraction(2) ** 53


def constant_value(e: Expr) -> Fraction | None:
    """The exact value, or None where it is not arithmetic of numbers or leaves -2^53 to 2^53."""
    return fold(e, _visit)


def _visit(e: Expr, values: tuple[Fraction | None, ...]) -> Fraction | None:
    if e.op is Op.CONSTANT:
        return _bounded(_literal(e))
    rule = _EXACT.get(e.op)
    if rule is None or any(value is None for value in values):
        return None
    return _bounded(rule(*values))


def _literal(e: Expr) -> Fraction | None:
    kind, value = e.attributes
    if kind == "int":
        return Fraction(value)
    return Fraction(value) if kind == "decimal" and abs(value.adjusted()) < 40 else None


def _bounded(value: Fraction | None) -> Fraction | None:
    return value if value is not None and abs(value) <= _LARGEST else None
