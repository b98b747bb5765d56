"""Limits, sums and products in closed form: found by SymPy in its own process, and checked.

A limit and an infinite series are checked there, to many digits; a finite sum or product is
checked here, term by term, for several of its lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import count

from flux.calculus.equal import equal
from flux.calculus.folding import number
from flux.calculus.simplify import simplify
from flux.calculus.substitute import as_expression, subs
from flux.calculus.sympy_bridge import check_scalar
from flux.calculus.worker import call
from flux.errors import ArgumentError, NotFoundError
from flux.expr import Expr, Operand, constant, variable
from flux.expr.facts import free_names

SIDES = ("both", "left", "right")
_LENGTHS = (0, 1, 2, 5)  # further terms of the sums that a closed form is compared with
_FIRST = 2  # the number that a name in a bound stands for
_INFINITE = (constant("inf"),)


def limit(e: Expr | str, x: str, to: Operand | str, side: str = "both") -> Expr:
    """The limit of e where x goes to a point.

    Args:
        e: an expression, or a formula as text.
        x: the name of the variable.
        to: the point: a number or a formula, "inf" and "-inf" too.
        side: "left", "right", or "both", which must then agree.

    Returns:
        The limit, an expression; inf or -inf where e grows beyond all bounds.

    Raises:
        NotFoundError: there is none, SymPy finds none, or values near the point do not confirm it.
        LimitError: SymPy ran out of time or memory (settings `max_seconds`, `max_memory`).
    """
    e, point = as_expression(e), as_expression(to)
    _check_name(x)
    if side not in SIDES:
        raise ArgumentError(f"no side {side!r}", hint=f"one of {', '.join(SIDES)}")
    for part in (e, point):
        check_scalar(part)
    if x in free_names(point):
        raise ArgumentError(f"the point to which `{x}` goes has `{x}` itself")
    return simplify(call("limit", e, x, point, side)[0])


def summation(e: Expr | str, k: str, a: Operand | str, b: Operand | str) -> Expr:
    """The sum of e over the whole numbers k from a to b, in closed form.

    e(a) + e(a + 1) + ... + e(b), for b >= a

    Args:
        e: the term, an expression or a formula as text.
        k: the name of the index.
        a: the first index.
        b: the last index; "inf" too.

    Raises:
        NotFoundError: SymPy finds none, it could not be confirmed, or the series diverges.
        LimitError: SymPy ran out of time or memory (settings `max_seconds`, `max_memory`).
    """
    return _closed("sum", e, k, a, b, lambda x, y: x + y)


def product(e: Expr | str, k: str, a: Operand | str, b: Operand | str) -> Expr:
    """The product of e over the whole numbers k from a to b, in closed form.

    e(a) * e(a + 1) * ... * e(b), for b >= a; arguments and errors are those of `summation`
    """
    return _closed("product", e, k, a, b, lambda x, y: x * y)


def _closed(
    name: str,
    e: Expr | str,
    k: str,
    a: Operand | str,
    b: Operand | str,
    join: Callable[[Expr, Expr], Expr],
) -> Expr:
    term, first, last = as_expression(e), as_expression(a), as_expression(b)
    _check_name(k)
    for part in (term, first, last):
        check_scalar(part)
    if k in (*free_names(first), *free_names(last)):
        raise ArgumentError(f"the bounds of the {name} have its index `{k}`")
    _check_bounds(first, last)
    if _is_long(first, last):  # as one with a name for its end, which can be checked
        end = f"{k}_{_end_of((term, first), k)}"
        return simplify(subs(_closed(name, term, k, first, variable(end), join), {end: last}))
    for candidate in call(name, term, k, first, last):
        for found in (simplify(candidate), candidate):
            if last in _INFINITE or _agrees(found, term, k, first, last, join):
                return found
    raise NotFoundError(f"a closed form of the {name} was found, but could not be confirmed")


def _agrees(
    found: Expr, term: Expr, k: str, first: Expr, last: Expr, join: Callable[[Expr, Expr], Expr]
) -> bool:
    """Whether the closed form has the value of the terms themselves, for several lengths."""
    names = tuple(dict.fromkeys((*free_names(first), *free_names(last))))
    for length in _LENGTHS if names else (0,):
        numbers = dict.fromkeys(names, _FIRST + length)
        if len(names) > 1 or names == free_names(first):
            numbers.update(dict.fromkeys(free_names(first), _FIRST))
        span = _span(_at(first, numbers), _at(last, numbers))
        values = [_at(term, {**numbers, k: i}) for i in span]
        if not values or not equal(_at(found, numbers), reduce(join, values)):
            return False
    return True


def _check_bounds(first: Expr, last: Expr) -> None:
    for bound in (first, last):
        value = number(simplify(bound))
        if value is not None and value.denominator != 1:
            raise ArgumentError("the bounds are whole numbers", hint="the index goes up by 1")
    if first in _INFINITE or _difference(first, last) < 0:
        raise ArgumentError("the last index comes before the first one")


def _difference(first: Expr, last: Expr) -> float:
    """How many steps lie between numbers; 0 where a bound is no number."""
    low, high = number(simplify(first)), number(simplify(last))
    return 0 if low is None or high is None else float(high - low)


def _is_long(first: Expr, last: Expr) -> bool:
    return _difference(first, last) >= _MOST_TERMS


def _end_of(parts: Sequence[Expr], k: str) -> int:
    """A number that makes a name of the index's that the parts do not have."""
    taken = {name for part in parts for name in free_names(part)}
    return next(i for i in count(1) if f"{k}_{i}" not in taken)


_MOST_TERMS = 1_000


def _span(first: Expr, last: Expr) -> Sequence[int]:
    low, high = number(simplify(first)), number(simplify(last))
    if low is None or high is None or low.denominator != 1 or high.denominator != 1:
        return ()
    return range(int(low), int(high) + 1) if high - low < _MOST_TERMS else ()


def _at(e: Expr, numbers: dict[str, int]) -> Expr:
    known = free_names(e)
    return subs(e, {name: value for name, value in numbers.items() if name in known})


def _check_name(x: object) -> None:
    if not isinstance(x, str):
        raise ArgumentError(f"the variable is a name, such as 'x', not {x!r}")
