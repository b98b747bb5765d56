"""Roots in closed form, in the process that runs SymPy: candidates, which the caller checks.

An answer is how sure it is that these are all the roots (NO, SAID by SymPy, or COUNTED), then the
real and the imaginary part of each unknown, root after root.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flux.calculus.sympy_bridge import as_number, sympy_module, to_sympy
from flux.calculus.sympy_reader import from_sympy
from flux.errors import FluxError
from flux.expr import Expr, constant

Sympy = Any  # SymPy has no types

NO, SAID, COUNTED = range(3)
_DIGITS = 40  # to which an imaginary part that vanishes is computed
_TINY = 1e-30


def roots_of_one(residual: Expr, x: Sympy) -> Sequence[Expr]:
    """The roots of residual = 0 in one unknown; complex ones of polynomials too."""
    sympy = sympy_module()
    f = as_number(to_sympy(residual))
    if f.is_rational_function(x):
        roots, sure = _of_polynomial(sympy.fraction(sympy.cancel(f))[0], x)
    else:
        roots, sure = _of_function(f, x)
    return _answer([[root] for root in roots], sure)


def _of_polynomial(numerator: Sympy, x: Sympy) -> tuple[list[Sympy], int]:
    """All roots, whatever is assumed of x; each counted as often as it is one."""
    sympy = sympy_module()
    free = sympy.Dummy("x")
    poly = sympy.Poly(numerator.subs(x, free), free)
    if poly.degree() < 1:
        return [], NO if poly.is_zero else COUNTED
    numeric = poly.domain.is_ZZ or poly.domain.is_QQ
    found = sympy.roots(poly, trig=bool(numeric))
    complete = sum(found.values()) == poly.degree()
    if numeric and complete:
        complete = sum(map(_is_real, found)) == poly.count_roots()
    return list(found), COUNTED if complete else NO


def _of_function(f: Sympy, x: Sympy) -> tuple[list[Sympy], int]:
    """Real roots of what is no polynomial: all where SymPy's set of them is finite."""
    sympy = sympy_module()
    if f.free_symbols == {x}:
        try:
            found = sympy.solveset(f, x, sympy.S.Reals)
        except (NotImplementedError, ValueError, TypeError):
            found = None
        if isinstance(found, sympy.FiniteSet) or found is sympy.S.EmptySet:
            return list(found), SAID
    return list(sympy.solve(f, x)), NO


def roots_of_system(residuals: Sequence[Expr], unknowns: Sequence[Sympy]) -> Sequence[Expr]:
    """The common roots of several residuals."""
    sympy = sympy_module()
    equations = [as_number(to_sympy(e)) for e in residuals]
    found = sympy.solve(equations, list(unknowns), dict=True)
    roots = [[root.get(x, x) for x in unknowns] for root in found]
    free = any(part.has(*unknowns) for root in roots for part in root)
    sure = not free and _is_all(equations, unknowns, len(roots))
    return _answer(roots, COUNTED if sure else NO)


def _is_all(equations: Sequence[Sympy], unknowns: Sequence[Sympy], count: int) -> bool:
    """Whether a polynomial system has at most so many roots: the dimension of its quotient ring."""
    sympy = sympy_module()
    if not all(e.is_polynomial(*unknowns) for e in equations):
        return False
    if any(e.free_symbols - set(unknowns) for e in equations):
        return False
    basis = sympy.groebner(equations, *unknowns, order="grevlex")
    if list(basis.exprs) == [1]:
        return count == 0
    if not basis.is_zero_dimensional:
        return False
    leading = [poly.monoms(order="grevlex")[0] for poly in basis.polys]
    return _standard_monomials(leading, len(unknowns), count) <= count


def _standard_monomials(leading: Sequence[tuple[int, ...]], size: int, most: int) -> int:
    """How many monomials no leading one divides; counted to one more than the most."""
    pending, seen = [(0,) * size], set[tuple[int, ...]]()
    while pending and len(seen) <= most:
        monomial = pending.pop()
        if monomial in seen or any(_divides(lead, monomial) for lead in leading):
            continue
        seen.add(monomial)
        pending += [_raised(monomial, i) for i in range(size)]
    return len(seen)


def _divides(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return all(m <= n for m, n in zip(a, b, strict=True))


def _raised(monomial: tuple[int, ...], place: int) -> tuple[int, ...]:
    return tuple(n + (i == place) for i, n in enumerate(monomial))


# Real and imaginary parts.


def _answer(roots: Iterable[Sequence[Sympy]], sure: int) -> Sequence[Expr]:
    answer: list[Expr] = []
    for root in roots:
        try:
            answer += [from_sympy(part) for value in root for part in _parts(value)]
        except FluxError:  # without a counterpart in the language
            sure = NO
    return [constant(sure), *answer]


def _parts(value: Sympy) -> tuple[Sympy, Sympy]:
    """The real and the imaginary part; a root of names that may be real counts as real."""
    sympy = sympy_module()
    named = value.free_symbols and value.is_real is not False and not value.has(sympy.I)
    if value.is_real or named:
        return value, sympy.S.Zero
    real, imaginary = value.as_real_imag() if value.free_symbols else _of_number(value)
    return real, sympy.S.Zero if _is_real(value) else imaginary


def _is_real(value: Sympy) -> bool:
    """Whether a number is real, or its imaginary part vanishes to many digits."""
    sympy = sympy_module()
    if value.is_real is not None or value.free_symbols:
        return bool(value.is_real)
    return _vanishes(sympy.im(value.evalf(_DIGITS)))


def _vanishes(value: Sympy) -> bool:
    return bool(value.is_number and abs(value.evalf(_DIGITS)) < _TINY)


def _of_number(root: Sympy) -> tuple[Sympy, Sympy]:
    """The parts of a number of nested radicals, innermost first."""
    sympy = sympy_module()
    known: dict[Sympy, tuple[Sympy, Sympy]] = {}
    for part in sympy.postorder_traversal(root):
        if part.is_real:
            known[part] = (part, sympy.S.Zero)
        elif part.is_Add or part.is_Mul:
            known[part] = _combined(part, [known[arg] for arg in part.args])
        elif part.is_Pow and part.exp.is_Rational:
            known[part] = _power(known[part.base], part.exp)
        else:
            known[part] = part.as_real_imag()
    return known[root]


def _combined(part: Sympy, args: Sequence[tuple[Sympy, Sympy]]) -> tuple[Sympy, Sympy]:
    sympy = sympy_module()
    if part.is_Add:
        return sympy.Add(*(a for a, _ in args)), sympy.Add(*(b for _, b in args))
    real, imaginary = args[0]
    for a, b in args[1:]:
        real, imaginary = real * a - imaginary * b, real * b + imaginary * a
    return real, imaginary


def _power(base: tuple[Sympy, Sympy], exponent: Sympy) -> tuple[Sympy, Sympy]:
    """The principal power r^q*(cos(q*angle) + i*sin(q*angle))."""
    sympy = sympy_module()
    a, b = base
    if _vanishes(b):
        size, angle = sympy.Abs(a), sympy.S.Zero if a.evalf(_DIGITS) > 0 else sympy.pi
    else:
        size, angle = sympy.sqrt(a**2 + b**2), sympy.atan2(b, a)
    length, turned = size**exponent, exponent * angle
    return length * sympy.cos(turned), length * sympy.sin(turned)
