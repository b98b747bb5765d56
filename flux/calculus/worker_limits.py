"""Limits, sums and products in closed form, in the process that runs SymPy.

Each answer is checked there by numbers to many digits, which the language itself does not have: a
limit by values ever nearer to the point, an infinite sum or product by the value of another
method. What names stand for in a check are fixed numbers that keep to their assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from flux.calculus.sympy_bridge import as_number, sympy_module, to_sympy
from flux.calculus.sympy_reader import from_sympy
from flux.errors import NotFoundError
from flux.expr import Expr

Sympy = Any  # SymPy has no types

_DIGITS = 30
_NEAR = (5, 10, 15, 20, 25)  # powers of ten at which a limit is watched
_FAR = (1, 2, 3, 4, 5)
_SLOW = 1.2
_SHRINKS = 0.95  # a distance to the limit becomes at most so much of the one before
_CLOSE = 1e-8  # relative distance of two values that agree
_LAST = 1e-2  # of the first distance, which the last one must be below
_SIDES = {"left": ("-",), "right": ("+",), "both": ("-", "+")}


def limit_of(e: Expr, x: Sympy, to: Expr, side: str) -> Sequence[Expr]:
    """The limit where x goes to a point from one side, or from both."""
    sympy = sympy_module()
    f, point = as_number(to_sympy(e)), as_number(to_sympy(to))
    sides = ("-",) if point is sympy.oo else ("+",) if point is -sympy.oo else _SIDES[side]
    found = [_real_limit(f, x, point, each) for each in sides]
    if any(sympy.simplify(value - found[0]) != 0 for value in found[1:] if value != found[0]):
        left, right = map(from_sympy, found)
        raise NotFoundError(f"the limit is {left} from the left and {right} from the right")
    for each in sides:
        _check_limit(f, x, point, each, found[0])
    return [from_sympy(sympy.simplify(found[0]))]


def _real_limit(f: Sympy, x: Sympy, point: Sympy, side: str) -> Sympy:
    sympy = sympy_module()
    found = sympy.limit(f, x, point, side)
    accumulating = found.has(sympy.AccumBounds, sympy.Limit, sympy.nan)
    if accumulating or found.has(sympy.zoo, sympy.I):
        raise NotFoundError("there is no real limit, or SymPy finds none")
    return found


def _check_limit(f: Sympy, x: Sympy, point: Sympy, side: str, limit: Sympy) -> None:
    """Values of f must go to the limit, whatever the other names are."""
    sympy = sympy_module()
    for numbers in _number_sets(f.free_symbols | point.free_symbols | limit.free_symbols, x):
        near = _points(point.subs(numbers), side)
        values = [f.evalf(_DIGITS, subs={**numbers, x: at}) for at in near]
        if not all(value.is_real for value in values):
            raise NotFoundError("the limit could not be confirmed by values near the point")
        goal = limit.subs(numbers)
        if goal in (sympy.oo, -sympy.oo):
            distances = [1 / value if value * goal > 0 else sympy.oo for value in values]
        else:
            distances = [value - goal.evalf(_DIGITS) for value in values]
        if not _shrinks([abs(d) for d in distances], goal):
            raise NotFoundError("the limit could not be confirmed by values near the point")


def _points(point: Sympy, side: str) -> list[Sympy]:
    sympy = sympy_module()
    if point in (sympy.oo, -sympy.oo):
        return [sympy.Integer(10) ** k * (1 if point is sympy.oo else -1) for k in _FAR]
    step = -1 if side == "-" else 1
    return [point + step * sympy.Rational(1, 10**k) for k in _NEAR]


def _shrinks(distances: Sequence[Sympy], goal: Sympy) -> bool:
    """Whether distances go down all the way, or to what the digits cannot tell from 0."""
    sympy = sympy_module()
    size = abs(goal) if goal.is_finite else sympy.S.One
    tiny = sympy.Float(10) ** (5 - _DIGITS) * max(size.evalf(_DIGITS), 1)
    if not all(d.is_finite for d in distances):
        return False
    first, last = distances[0], distances[-1]
    down = all(b <= tiny or b <= _SHRINKS * a for a, b in pairwise(distances))
    slowly = last * len(distances) <= _SLOW * first  # as 1/log(x) does, along powers of ten
    return bool(down and (last <= tiny or last <= _LAST * first or slowly))


def _number_sets(names: set[Sympy], *bound: Sympy) -> list[dict[Sympy, Sympy]]:
    """Two choices of numbers for names, which keep to what is assumed of them."""
    free = sorted(names - set(bound), key=lambda name: name.name)
    return [{name: _number(name, i + shift) for i, name in enumerate(free)} for shift in (0, 3)]


def _number(name: Sympy, place: int) -> Sympy:
    sympy = sympy_module()
    value = sympy.Integer(place + 2) if name.is_integer else sympy.Rational(2 * place + 3, 7)
    return -value if name.is_nonpositive else value


# Sums and products.


def sum_of_terms(e: Expr, k: Sympy, a: Expr, b: Expr) -> Sequence[Expr]:
    """The sum of e over whole k from a to b."""
    sympy = sympy_module()
    return _closed(sympy.summation, sympy.Sum, e, k, a, b)


def product_of_terms(e: Expr, k: Sympy, a: Expr, b: Expr) -> Sequence[Expr]:
    """The product of e over whole k from a to b."""
    sympy = sympy_module()
    return _closed(sympy.product, sympy.Product, e, k, a, b)


def _closed(
    find: Callable[..., Sympy], kind: Any, e: Expr, k: Sympy, a: Expr, b: Expr
) -> Sequence[Expr]:
    sympy = sympy_module()
    index = sympy.Symbol(k.name, integer=True)
    term = as_number(to_sympy(e)).subs(k, index)
    bounds = (index, as_number(to_sympy(a)), as_number(to_sympy(b)))
    found = find(term, bounds)
    if found.has(kind, sympy.Integral, sympy.zoo, sympy.nan):
        return ()
    if bounds[2] is sympy.oo:
        _check_infinite(kind, term, bounds, found)
    return [from_sympy(value) for value in (sympy.simplify(found), found)]


def _check_infinite(kind: Any, term: Sympy, bounds: Sequence[Sympy], found: Sympy) -> None:
    """The value of a series must be that of mpmath's extrapolation, for two choices of names."""
    sympy = sympy_module()
    index, first, _ = bounds
    for numbers in _number_sets(term.free_symbols | first.free_symbols, index):
        start, goal = first.subs(numbers), found.subs(numbers)
        if goal.has(sympy.oo) or not start.is_integer:
            raise NotFoundError("the series does not converge, or not for every value of its names")
        value = _extrapolated(kind, term.subs(numbers), index, int(start))
        size = max(abs(value), 1)
        if not abs(goal.evalf(_DIGITS) - value) <= _CLOSE * size:
            raise NotFoundError("a closed form was found, but could not be confirmed by numbers")


def _extrapolated(kind: Any, term: Sympy, index: Sympy, start: int) -> Sympy:
    from mpmath import inf, mp, nprod, nsum

    def value(k: Any) -> Any:
        return sympy_module().re(term.evalf(mp.dps, subs={index: int(k)}))._to_mpmath(mp.prec)

    add_up = nsum if kind is sympy_module().Sum else nprod
    return sympy_module().sympify(add_up(value, [start, inf]))
