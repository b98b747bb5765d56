"""Arithmetic of truncated power series, one row per operation.

A series is the list of coefficients c[0], c[1], ... of powers of h = x - x0. A coefficient is an
exact rational number wherever the input is exact, else an expression without x. Each row follows
from the differential equation of its function; a product costs n^2 steps, and no derivative is
ever built.

Source:
    Knuth, The Art of Computer Programming, volume 2 (1997), section 4.7; Griewank and Walther,
    Evaluating Derivatives (2008), chapter 13, table 13.2.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TypeGuard

from flux.calculus.equal import error_bound
from flux.calculus.folding import add, div, mul, neg, number
from flux.calculus.partials import PARTIALS, a
from flux.calculus.simplify import simplify
from flux.errors import DomainError, LimitError
from flux.expr import Expr, apply, constant, inputs, topological, where
from flux.ops import Op
from flux.settings import current

Coefficient = Fraction | Expr
Series = Sequence[Coefficient]

_MOST_SIMPLIFIED = 100  # nodes of a value: each is simplified anew, as it grows step by step
_ZERO = Fraction(0)
_ONE = Fraction(1)


class NotAnalyticError(DomainError):
    """The function has no Taylor series at the point."""


def as_expr(c: Coefficient) -> Expr:
    """A coefficient as an expression."""
    if isinstance(c, Expr):
        return c
    if c < 0:
        return neg(as_expr(-c))
    above = constant(c.numerator)
    return above if c.denominator == 1 else above / constant(c.denominator)


def as_coefficient(e: Expr) -> Coefficient:
    """A literal as its exact number; another expression as it is."""
    value = number(e)
    return e if value is None else Fraction(value)


def _checked(value: Fraction) -> Fraction:
    limit = current().max_literal
    if max(abs(value.numerator), value.denominator).bit_length() > 4 * limit:
        raise LimitError(f"a coefficient has more than {limit} digits (setting max_literal)")
    return value


def plus(x: Coefficient, y: Coefficient) -> Coefficient:
    """The sum of two coefficients."""
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return _checked(x + y)
    return add(as_expr(x), as_expr(y))


def times(x: Coefficient, y: Coefficient) -> Coefficient:
    """The product of two coefficients; one that is exactly 0 takes the other away."""
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return _checked(x * y)
    if x == _ZERO or y == _ZERO:
        return _ZERO
    return mul(as_expr(x), as_expr(y))


def over(x: Coefficient, y: Coefficient) -> Coefficient:
    """The quotient of two coefficients."""
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return _checked(x / y)
    return _ZERO if x == _ZERO else div(as_expr(x), as_expr(y))


def _sum(terms: Sequence[Coefficient]) -> Coefficient:
    total: Coefficient = _ZERO
    for term in terms:
        total = plus(total, term)
    return total


def value_of(op: Op, *operands: Coefficient) -> Coefficient:
    """An operation on coefficients: exact where it is rational, else simplified while small."""
    numbers = [c for c in operands if isinstance(c, Fraction)]
    if op in EXACT and len(numbers) == len(operands):
        value = EXACT[op](*numbers)
        if value is not None:
            return Fraction(value)
    made = apply(op, *(as_expr(c) for c in operands))
    return as_coefficient(simplify(made) if _is_small(made) else made)


def _is_small(e: Expr) -> bool:
    """Whether an expression has at most so many nodes; the walk ends there."""
    seen, stack = set[Expr](), [e]
    while stack and len(seen) <= _MOST_SIMPLIFIED:
        part = stack.pop()
        if part not in seen:
            seen.add(part)
            stack.extend(part.args)
    return len(seen) <= _MOST_SIMPLIFIED


def _factorial(x: Fraction) -> int | None:
    return math.factorial(int(x) - 1) if x.denominator == 1 and 1 <= x <= 100 else None


def _cube_root(x: Fraction) -> Fraction | None:
    root = Fraction(round(abs(x.numerator) ** (1 / 3)), round(x.denominator ** (1 / 3)))
    return (root if x > 0 else -root) if root**3 == abs(x) else None


def _half_away(x: Fraction) -> int:
    whole = math.floor(abs(x) + Fraction(1, 2))
    return whole if x > 0 else -whole


def _only(at: int, value: int) -> Callable[[Fraction], int | None]:
    return lambda x: value if x == at else None


# Values of operations on rational numbers that are rational, beyond what `simplify` folds.
EXACT: Mapping[Op, Callable[..., Fraction | int | None]] = {
    Op.EXPM1: _only(0, 0),
    Op.LOG1P: _only(0, 0),
    Op.LOG2: _only(1, 0),
    Op.LOG10: _only(1, 0),
    Op.ATAN2: lambda x, y: 0 if x == 0 and y > 0 else None,
    Op.CBRT: _cube_root,
    Op.GAMMA: _factorial,
    Op.ABS: abs,
    Op.SIGN: lambda x: (x > 0) - (x < 0),
    Op.FLOOR: math.floor,
    Op.CEIL: math.ceil,
    Op.ROUND: _half_away,
    Op.RINT: round,
    Op.TRUNC: math.trunc,
    Op.MINIMUM: min,
    Op.MAXIMUM: max,
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.AND: lambda x, y: x != 0 and y != 0,
    Op.OR: lambda x, y: x != 0 or y != 0,
    Op.NOT: lambda x: x == 0,
    Op.STOP: lambda x: x,
}


# Series from here on: those of one call have one length, or are cut to the shorter.


def added(u: Series, v: Series) -> Series:
    """The sum u + v."""
    return [plus(x, y) for x, y in zip(u, v, strict=False)]


def negated(u: Series) -> Series:
    """-u."""
    return [times(Fraction(-1), x) for x in u]


def multiplied(u: Series, v: Series) -> Series:
    """The product u * v, by Cauchy's formula."""
    length = min(len(u), len(v))
    return [_sum([times(u[j], v[k - j]) for j in range(k + 1)]) for k in range(length)]


def scaled(u: Series, c: Coefficient) -> Series:
    """The multiple c * u."""
    return [times(c, x) for x in u]


def divided(u: Series, v: Series) -> Series:
    """The quotient u / v.

    A common power of h is taken out first, as in sin(h)/h, and costs that many terms.
    """
    low = _order(v)
    if low == len(v):
        raise NotAnalyticError("the divisor is zero to every order that was computed")
    if low and _order(u[:low]) < low:
        raise NotAnalyticError("there is a pole at this point, so no Taylor series")
    u, v = u[low:], v[low:]
    w: list[Coefficient] = []
    for k in range(min(len(u), len(v))):
        known = _sum([times(v[j], w[k - j]) for j in range(1, k + 1)])
        w.append(over(plus(u[k], times(Fraction(-1), known)), v[0]))
    return w


def _order(u: Series) -> int:
    """The number of leading coefficients that are exactly 0."""
    return next((k for k, c in enumerate(u) if not _vanishes(c)), len(u))


def _vanishes(c: Coefficient) -> bool:
    """Whether a coefficient that divides is 0.

    Raises:
        NotAnalyticError: it is a number that may be 0, such as cos(3*pi/2).
    """
    if isinstance(c, Expr) and not inputs(c):
        value, bound = error_bound(c, {})
        if abs(value) <= bound:
            raise NotAnalyticError("what divides, or is under a root or a logarithm, may be 0")
    return c == _ZERO


def settled(u: Series) -> Series:
    """The series with exact zeros for leading terms that are 0 by form, such as a - a."""
    for k, c in enumerate(u):
        if isinstance(c, Expr) and c.op in _CANCEL and _is_small(c):
            c = as_coefficient(simplify(c))
        if c != _ZERO:
            return [*[_ZERO] * k, *u[k:]]
    return [_ZERO] * len(u)


_CANCEL = frozenset((Op.ADD, Op.SUB, Op.MUL))


def derived(u: Series) -> Series:
    """du/dh."""
    return [times(Fraction(k), c) for k, c in enumerate(u)][1:]


def integrated(u: Series, first: Coefficient) -> Series:
    """The series with this derivative and first coefficient."""
    return [first, *(times(c, Fraction(1, k + 1)) for k, c in enumerate(u))]


def is_constant(u: Series) -> bool:
    """Whether every further coefficient is exactly 0."""
    return all(c == _ZERO for c in u[1:])


def constant_series(c: Coefficient, length: int) -> Series:
    """The series c + 0*h + 0*h^2 + ..."""
    return [c, *[_ZERO] * (length - 1)]


def _exponential(u: Series) -> Series:
    """The exponential: w' = w*u'."""
    w: list[Coefficient] = [value_of(Op.EXP, u[0])]
    for k in range(1, len(u)):
        terms = [times(times(Fraction(j, k), u[j]), w[k - j]) for j in range(1, k + 1)]
        w.append(_sum(terms))
    return w


def _pair(even: Op, odd: Op, sign: int) -> Callable[[Series], tuple[Series, Series]]:
    """Sine and cosine together: s' = c*u', c' = sign*s*u'."""

    def both(u: Series) -> tuple[Series, Series]:
        c: list[Coefficient] = [value_of(even, u[0])]
        s: list[Coefficient] = [value_of(odd, u[0])]
        for k in range(1, len(u)):
            steps = [times(Fraction(j, k), u[j]) for j in range(1, k + 1)]
            next_s = _sum([times(x, c[k - j]) for j, x in enumerate(steps, 1)])
            next_c = _sum([times(x, s[k - j]) for j, x in enumerate(steps, 1)])
            s.append(next_s)
            c.append(times(Fraction(sign), next_c))
        return s, c

    return both


_circular = _pair(Op.COS, Op.SIN, -1)
_hyperbolic = _pair(Op.COSH, Op.SINH, 1)


def _with_first(op: Op, function: Callable[[Series], Series]) -> Callable[[Series], Series]:
    """A series whose first coefficient is the operation's own value."""
    return lambda u: [value_of(op, u[0]), *function(u)[1:]]


def _logarithm(u: Series, shift: int = 0) -> Series:
    """The logarithm of u + shift: w' = u'/(u + shift). Its first coefficient is left to others."""
    whole = added(u, constant_series(Fraction(shift), len(u)))
    if _vanishes(whole[0]):
        raise NotAnalyticError("the logarithm is not finite at this point")
    return integrated(divided(derived(whole), whole), _ZERO)


def _log_to(base: int) -> Callable[[Series], Series]:
    scale = over(_ONE, value_of(Op.LOG, Fraction(base)))
    return lambda u: scaled(_logarithm(u), scale)


def to_power(u: Series, p: Coefficient, first: Coefficient | None = None) -> Series:
    """u^p for a p without h: k*u0*w_k = sum over j of (p*j - (k - j))*u_j*w_(k-j).

    A whole p from 0 is a product, also where u begins with 0.
    """
    if _is_whole(p) and (u[0] == _ZERO or _ZERO <= p <= _FEW):
        return _whole_power(u, int(p))
    if _vanishes(u[0]):
        raise NotAnalyticError("a power of 0 that is not whole has no Taylor series")
    w: list[Coefficient] = [value_of(Op.POW, u[0], p) if first is None else first]
    for k in range(1, len(u)):
        terms = []
        for j in range(1, k + 1):
            factor = plus(times(p, Fraction(j)), Fraction(j - k))
            terms.append(times(times(factor, u[j]), w[k - j]))
        w.append(over(_sum(terms), times(Fraction(k), u[0])))
    return w


def _is_whole(c: Coefficient) -> TypeGuard[Fraction]:
    return isinstance(c, Fraction) and c.denominator == 1


_FEW = 4  # powers up to here are products, which keep symbolic coefficients free of quotients
_MOST = 10_000  # whole exponents, where a product is needed


def _whole_power(u: Series, p: int) -> Series:
    if abs(p) > _MOST:
        raise LimitError(f"a whole power of a series is at most {_MOST}")
    if p < 0:
        return divided(constant_series(_ONE, len(u)), _whole_power(u, -p))
    result = constant_series(_ONE, len(u))
    while p:
        if p & 1:
            result = multiplied(result, u)
        p >>= 1
        u = multiplied(u, u) if p else u
    return result


def _power(u: Series, v: Series) -> Series:
    if is_constant(v):
        return to_power(u, v[0])
    return scaled(_grown(multiplied(v, _log(u))), value_of(Op.POW, u[0], v[0]))


def _grown(u: Series) -> Series:
    """exp(u - u0)."""
    return _exponential([_ZERO, *u[1:]])


def _root(op: Op, p: Fraction) -> Callable[[Series], Series]:
    return lambda u: (
        constant_series(value_of(op, u[0]), len(u))
        if is_constant(u)
        else to_power(u, p, value_of(op, u[0]))
    )


def _by_partial(op: Op) -> Callable[[Series], Series]:
    """From w' = f'(u)*u', with f' the row of partial derivatives, which is in the operand alone."""
    row = PARTIALS[op][0]
    assert row is not None
    order = topological((row,))

    def series(u: Series) -> Series:
        slope: dict[Expr, Series] = {}
        for e in order:
            if e is a:
                slope[e] = u
            elif e.op is Op.CONSTANT:
                slope[e] = constant_series(as_coefficient(e), len(u))
            else:
                slope[e] = ROWS[e.op](*(slope[arg] for arg in e.args))
        return integrated(multiplied(slope[row], derived(u)), value_of(op, u[0]))

    return series


def _polygamma(n: Series, u: Series) -> Series:
    """psi_n(u) as the sum of psi_(n+k)(u0)/k! * (u - u0)^k."""
    if not is_constant(n):
        raise NotAnalyticError("the order of polygamma has no Taylor series")
    moved = [_ZERO, *u[1:]]
    result = constant_series(_ZERO, len(u))
    power = constant_series(_ONE, len(u))
    factorial = 1
    for k in range(len(u)):
        factorial *= max(k, 1)
        value = value_of(Op.POLYGAMMA, plus(n[0], Fraction(k)), u[0])
        result = added(result, scaled(power, times(value, Fraction(1, factorial))))
        power = multiplied(power, moved)
    return result


def _lgamma(u: Series) -> Series:
    slope = _polygamma(constant_series(_ZERO, len(u)), u)
    return integrated(multiplied(slope, derived(u)), value_of(Op.LGAMMA, u[0]))


def _gamma(u: Series) -> Series:
    return scaled(_grown(_lgamma(u)), value_of(Op.GAMMA, u[0]))


def _angle(u: Series, v: Series) -> Series:
    """atan2(u, v): w' = (v*u' - u*v')/(u^2 + v^2)."""
    above = added(multiplied(v, derived(u)), negated(multiplied(u, derived(v))))
    below = added(multiplied(u, u), multiplied(v, v))
    return integrated(divided(above, below), value_of(Op.ATAN2, u[0], v[0]))


def _hypot(u: Series, v: Series) -> Series:
    squares = added(multiplied(u, u), multiplied(v, v))
    return _root(Op.SQRT, Fraction(1, 2))(squares)


def is_number(c: Coefficient) -> bool:
    """Whether a coefficient has no names left."""
    return isinstance(c, Fraction) or not inputs(c)


def decided(c: Coefficient) -> float | None:
    """The value of a coefficient where it has no names, else None.

    Raises:
        NotAnalyticError: it has no finite value.
    """
    if not is_number(c):
        return None
    try:
        value = float(as_expr(c).evaluate())
    except DomainError as error:
        raise NotAnalyticError(f"no Taylor series at this point: {error.text}") from None
    if value - value != 0:
        raise NotAnalyticError("no Taylor series at this point: a coefficient is not finite")
    return value


_CLOSE = 1e-9  # numbers this near may be equal: no side is then taken


def _absolute(u: Series) -> Series:
    if all(c == _ZERO for c in u):
        return u
    value = decided(u[0])
    if value is None:
        return [value_of(Op.ABS, u[0]), *scaled(u, value_of(Op.SIGN, u[0]))[1:]]
    if abs(value) < _CLOSE:
        raise NotAnalyticError("abs has a kink at this point")
    return u if value > 0 else negated(u)


def _step(op: Op) -> Callable[[Series], Series]:
    """A function that is constant around the point, unless it jumps just there."""

    def series(u: Series) -> Series:
        value = decided(u[0])
        if not is_constant(u) and value is not None and _jumps(op, value):
            raise NotAnalyticError(f"{op.row.name} jumps at this point")
        return constant_series(value_of(op, u[0]), len(u))

    return series


def _jumps(op: Op, value: float) -> bool:
    if op in (Op.SIGN, Op.NOT):
        return abs(value) < _CLOSE
    if op in (Op.ROUND, Op.RINT):
        value += 0.5
    near = abs(value - round(value)) < _CLOSE
    return near and (op is not Op.TRUNC or round(value) != 0)


def _remainder(whole: Op) -> Callable[[Series, Series], Series]:
    """From a - b*floor(a/b), or with trunc."""
    step = _step(whole)
    return lambda u, v: added(u, negated(multiplied(v, step(divided(u, v)))))


def _comparison(op: Op) -> Callable[[Series, Series], Series]:
    def series(u: Series, v: Series) -> Series:
        apart = added(u, negated(v))
        value = decided(apart[0])
        if not is_constant(apart) and value is not None and abs(value) < _CLOSE:
            raise NotAnalyticError(f"a comparison (`{op.row.name}`) changes at this point")
        return constant_series(value_of(op, u[0], v[0]), len(u))

    return series


def _logical(op: Op) -> Callable[..., Series]:
    def series(*operands: Series) -> Series:
        for u in operands:
            value = decided(u[0])
            if not is_constant(u) and value is not None and abs(value) < _CLOSE:
                raise NotAnalyticError(f"`{op.row.name}` changes at this point")
        return constant_series(value_of(op, *(u[0] for u in operands)), len(operands[0]))

    return series


def _choice(condition: Series, then: Series, otherwise: Series) -> Series:
    value = decided(condition[0])
    if not is_constant(condition) and value is not None and abs(value) < _CLOSE:
        raise NotAnalyticError("the condition of a `where` changes at this point")
    if value is not None:
        return then if value != 0 else otherwise
    test = as_expr(condition[0])
    pairs = zip(then, otherwise, strict=False)
    return [x if x == y else where(test, as_expr(x), as_expr(y)) for x, y in pairs]


def _extremum(test: Op) -> Callable[[Series, Series], Series]:
    def series(u: Series, v: Series) -> Series:
        if list(u) == list(v):
            return u
        return _choice(_comparison(test)(u, v), u, v)

    return series


_log = _with_first(Op.LOG, _logarithm)

# One row per pointwise operation: the operands' series to the result's. CUSTOM has a stated
# derivative instead, and is left to repeated differentiation.
ROWS: Mapping[Op, Callable[..., Series]] = {
    Op.NEG: negated,
    Op.ADD: added,
    Op.SUB: lambda u, v: added(u, negated(v)),
    Op.MUL: multiplied,
    Op.DIV: divided,
    Op.POW: _power,
    Op.MOD: _remainder(Op.FLOOR),
    Op.FMOD: _remainder(Op.TRUNC),
    Op.EXP: _exponential,
    Op.EXPM1: _with_first(Op.EXPM1, _exponential),
    Op.LOG: _log,
    Op.LOG1P: _with_first(Op.LOG1P, lambda u: _logarithm(u, 1)),
    Op.LOG2: _with_first(Op.LOG2, _log_to(2)),
    Op.LOG10: _with_first(Op.LOG10, _log_to(10)),
    Op.SQRT: _root(Op.SQRT, Fraction(1, 2)),
    Op.CBRT: _root(Op.CBRT, Fraction(1, 3)),
    Op.SIN: lambda u: _circular(u)[0],
    Op.COS: lambda u: _circular(u)[1],
    Op.TAN: lambda u: divided(*_circular(u)),
    Op.ASIN: _by_partial(Op.ASIN),
    Op.ACOS: _by_partial(Op.ACOS),
    Op.ATAN: _by_partial(Op.ATAN),
    Op.ATAN2: _angle,
    Op.SINH: lambda u: _hyperbolic(u)[0],
    Op.COSH: lambda u: _hyperbolic(u)[1],
    Op.TANH: lambda u: divided(*_hyperbolic(u)),
    Op.ASINH: _by_partial(Op.ASINH),
    Op.ACOSH: _by_partial(Op.ACOSH),
    Op.ATANH: _by_partial(Op.ATANH),
    Op.HYPOT: _hypot,
    Op.ERF: _by_partial(Op.ERF),
    Op.ERFC: _by_partial(Op.ERFC),
    Op.GAMMA: _gamma,
    Op.LGAMMA: _lgamma,
    Op.POLYGAMMA: _polygamma,
    Op.ABS: _absolute,
    Op.SIGN: _step(Op.SIGN),
    Op.FLOOR: _step(Op.FLOOR),
    Op.CEIL: _step(Op.CEIL),
    Op.ROUND: _step(Op.ROUND),
    Op.RINT: _step(Op.RINT),
    Op.TRUNC: _step(Op.TRUNC),
    Op.MINIMUM: _extremum(Op.LT),
    Op.MAXIMUM: _extremum(Op.GT),
    **{op: _comparison(op) for op in (Op.LT, Op.LE, Op.GT, Op.GE, Op.EQ, Op.NE)},
    Op.AND: _logical(Op.AND),
    Op.OR: _logical(Op.OR),
    Op.NOT: _logical(Op.NOT),
    Op.WHERE: _choice,
    Op.STOP: lambda u: constant_series(value_of(Op.STOP, u[0]), len(u)),
}
