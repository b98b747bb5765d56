"""Roots in closed form: found by SymPy in its own process, checked here by substitution.

Residuals and the names of the unknowns go in, roots come out at which every residual is equal to
0; what cannot be confirmed is left out, and then the answer does not claim to be all there is.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np

from flux.calculus.domain import Condition, domain
from flux.calculus.equal import (
    Verdict,
    equal_almost_everywhere,
    error_bound,
    values_and_bounds,
)
from flux.calculus.folding import ZERO, add, div, magnitude, mul, neg, number, power, sub
from flux.calculus.signs import SignTable
from flux.calculus.simplify import simplify
from flux.calculus.substitute import subs
from flux.calculus.sympy_bridge import check_scalar
from flux.calculus.worker import call
from flux.calculus.worker_roots import NO, SAID
from flux.errors import DomainError, FluxError, NotFoundError
from flux.expr import Expr, Operand, constant, inputs, rebuild, topological
from flux.expr.evaluate import evaluate
from flux.ops import Op


class Value(NamedTuple):
    """A number: its real and its imaginary part."""

    real: Expr
    imaginary: Expr = ZERO


Root = Mapping[str, Value]


@dataclass(frozen=True)
class Found:
    """Roots, each with a value for each unknown.

    Attributes:
        roots: in order of their values where they are numbers.
        complete: whether there are no others: of a polynomial no complex ones either, of another
            function no real ones. With other names: for values of these at which the polynomial
            keeps its degree and every root is finite.
    """

    roots: tuple[Root, ...]
    complete: bool


def exact_roots(residuals: Sequence[Expr], unknowns: Sequence[str]) -> Found:
    """The values of the unknowns at which every residual is 0.

    Raises:
        NotFoundError: none was found or could be confirmed, and there may be some; or everything
            is a root.
        LimitError: SymPy ran out of time or memory (settings `max_seconds`, `max_memory`).
        AxisError: a residual has named axes.
    """
    for e in residuals:
        check_scalar(e)
    if all(simplify(e) is ZERO for e in residuals):
        raise NotFoundError(
            "the equation holds for every value of the unknown at which both sides have one"
        )
    sure, candidates = _candidates(residuals, unknowns)
    leaves = [x for x in inputs(*residuals) if x.attributes.name in unknowns]
    checks = [_checked(residuals, candidate) for candidate in candidates]
    roots = [found for found, _ in checks if found is not None]
    complete = sure != NO and all(known for _, known in checks)
    if complete and sure == SAID:
        complete = _covers_sign_changes(residuals[0], unknowns[0], roots)
    roots = [root for root in roots if _respects(root, leaves)]
    if not roots and not complete:
        raise NotFoundError("no root was found in closed form")
    return Found(tuple(sorted(roots, key=_order)), complete)


def _candidates(residuals: Sequence[Expr], unknowns: Sequence[str]) -> tuple[int, list[Root]]:
    try:
        if len(unknowns) == len(residuals) == 1:
            flag, *parts = call("roots", residuals[0], unknowns[0])
        else:
            flag, *parts = call("common roots", residuals[0], *residuals[1:], *unknowns)
    except NotFoundError:
        raise NotFoundError("no root was found in closed form") from None
    values = [Value(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    count = len(unknowns)
    return int(number(flag) or NO), [
        dict(zip(unknowns, values[i : i + count], strict=True))
        for i in range(0, len(values), count)
    ]


def _checked(residuals: Sequence[Expr], candidate: Root) -> tuple[Root | None, bool]:
    """The root as it is shown, or None where it is none; and whether that is sure."""
    places = {_place(e, candidate) for e in residuals}
    if places != {_Place.INSIDE}:
        return None, _Place.OUTSIDE in places
    short = {name: Value(*map(simplify, value)) for name, value in candidate.items()}
    verdicts = [Verdict.UNKNOWN]
    shorter = [simplify(e) for e in residuals]
    for found in (short, candidate):
        verdicts = [_verdict(e, found) for e in shorter]
        if all(v in (Verdict.PROVED, Verdict.AGREED) for v in verdicts):
            return found, True
    return None, Verdict.REFUTED in verdicts


def _verdict(residual: Expr, root: Root) -> Verdict:
    try:
        if all(value.imaginary is ZERO for value in root.values()):
            known = {x.attributes.name for x in inputs(residual)}
            moved: dict[str | Expr, Operand | str] = {
                name: v.real for name, v in root.items() if name in known
            }
            return equal_almost_everywhere(subs(residual, moved), ZERO).verdict
        value = _at(residual, root)
    except FluxError:  # too large, or no function of complex numbers here
        return Verdict.UNKNOWN
    verdicts = {_against_zero(value.real), _against_zero(value.imaginary)}
    worst = (Verdict.REFUTED, Verdict.UNKNOWN, Verdict.AGREED, Verdict.PROVED)
    return next(v for v in worst if v in verdicts)


def _against_zero(e: Expr) -> Verdict:
    """Whether e is 0; a number by its rounding error alone, as long ones simplify slowly."""
    if inputs(e):
        return equal_almost_everywhere(e, ZERO).verdict
    value, bound = error_bound(e, {})
    if not abs(value) < math.inf or not bound <= _KNOWN:
        return Verdict.UNKNOWN
    return Verdict.AGREED if abs(value) <= bound else Verdict.REFUTED


_KNOWN = 1e-7  # an error bound beyond which a value says nothing


class _Place(Enum):
    INSIDE = "the residual has a value there, or there are names"
    OUTSIDE = "a condition of its domain fails"
    BEYOND = "its value is beyond the floats"


def _place(residual: Expr, root: Root) -> _Place:
    """Where a root stands that is a real number."""
    known = {x.attributes.name for x in inputs(residual)}
    if known - root.keys() or any(inputs(v.real) or v.imaginary is not ZERO for v in root.values()):
        return _Place.INSIDE
    try:
        values = {name: evaluate(v.real) for name, v in root.items()}
        if any(_fails(condition, values) for condition in domain(residual)):
            return _Place.OUTSIDE
        evaluate(residual, values)
    except DomainError:
        return _Place.BEYOND
    return _Place.INSIDE


def _fails(condition: Condition, values: Mapping[str, float]) -> bool:
    if condition.branch is not None and not evaluate(condition.branch, values):
        return False
    return not evaluate(condition.condition, values)


# Arithmetic of real and imaginary parts.


def _at(residual: Expr, root: Root) -> Value:
    """The residual, a rational function, at complex values.

    Raises:
        NotFoundError: it has another operation.
    """
    values: dict[Expr, Value] = {}
    for e in topological((residual,)):
        if e.op is Op.INPUT:
            values[e] = root.get(e.attributes.name, Value(e))
        elif e.op is Op.POW:
            values[e] = _power(values[e.args[0]], e)
        elif all(values[arg].imaginary is ZERO for arg in e.args):
            values[e] = Value(rebuild(e, tuple(values[arg].real for arg in e.args)))
        elif e.op in _ARITHMETIC:
            values[e] = _ARITHMETIC[e.op](*(values[arg] for arg in e.args))
        else:
            raise NotFoundError(f"`{e.op.row.name}` of a complex number")
    return values[residual]


def _times(a: Value, b: Value) -> Value:
    return Value(
        sub(mul(a.real, b.real), mul(a.imaginary, b.imaginary)),
        add(mul(a.real, b.imaginary), mul(a.imaginary, b.real)),
    )


def _over(a: Value, b: Value) -> Value:
    size = add(mul(b.real, b.real), mul(b.imaginary, b.imaginary))
    above = _times(a, Value(b.real, neg(b.imaginary)))
    return Value(div(above.real, size), div(above.imaginary, size))


def _power(base: Value, e: Expr) -> Value:
    exponent = number(e.args[1])
    if base.imaginary is ZERO:
        return Value(power(base.real, e.args[1]))
    if exponent is None or exponent.denominator != 1 or magnitude(exponent) > _MOST_EXPONENT:
        raise NotFoundError("this power of a complex number")
    result, square, left = Value(constant(1)), base, abs(int(exponent))
    while left:
        result = _times(result, square) if left % 2 else result
        square, left = _times(square, square), left // 2
    return result if exponent >= 0 else _over(Value(constant(1)), result)


_MOST_EXPONENT = 64
_ARITHMETIC: Mapping[Op, Callable[..., Value]] = {
    Op.NEG: lambda a: Value(neg(a.real), neg(a.imaginary)),
    Op.ADD: lambda a, b: Value(add(a.real, b.real), add(a.imaginary, b.imaginary)),
    Op.SUB: lambda a, b: Value(sub(a.real, b.real), sub(a.imaginary, b.imaginary)),
    Op.MUL: _times,
    Op.DIV: _over,
}


# What is known of the unknowns, and whether something was missed.


def _respects(root: Root, leaves: Sequence[Expr]) -> bool:
    """Whether a root keeps to what is assumed of the unknowns, as far as its sign is known."""
    signs = SignTable()
    for x in leaves:
        real, imaginary = root[x.attributes.name]
        if not (x.attributes.assumption or x.attributes.integer):
            continue
        if signs.of(x).isdisjoint(signs.of(real)):
            return False
        if inputs(real, imaginary):
            continue
        value = evaluate(real)
        if imaginary is not ZERO or not _holds(value, x.attributes.assumption):
            return False
        if x.attributes.integer and value != round(value):
            return False
    return True


def _holds(value: float, assumption: str) -> bool:
    for spelt, compare in _COMPARE.items():
        if assumption.startswith(spelt):
            return bool(compare(value, float(assumption.removeprefix(spelt))))
    return True


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_SCAN = np.sinh(np.linspace(-5.0, 5.0, 2_000))  # to 74 on both sides, densest at 0


def _covers_sign_changes(residual: Expr, unknown: str, roots: Sequence[Root]) -> bool:
    """Whether a function of one name is 0, or changes sign, at the roots alone in a wide range."""
    names = {x.attributes.name for x in inputs(residual)}
    if names != {unknown}:
        return True
    value, bound = values_and_bounds(residual, {unknown: _SCAN})
    known = np.isfinite(value) & (np.abs(value) > bound)
    x, sign = _SCAN[known], np.sign(value[known])
    turns = np.flatnonzero(sign[1:] != sign[:-1])
    real = [evaluate(r[unknown].real) for r in roots if r[unknown].imaginary is ZERO]
    if np.any((value == 0) & (bound == 0) & ~np.isin(_SCAN, real)):
        return False
    return all(any(x[i] <= at <= x[i + 1] for at in real) for i in turns)


def _order(root: Root) -> tuple[bool, list[float]]:
    """Real ones first, numbers from the smallest."""
    parts = [part for value in root.values() for part in value]
    real = all(value.imaginary is ZERO for value in root.values())
    if inputs(*parts):
        return (not real, [])
    return (not real, [evaluate(part) for part in parts])
