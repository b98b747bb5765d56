"""Expand: products and whole powers of sums multiplied out; collect: ordered by powers of one name.

Each node becomes a list of products (`terms`), operands first; what is no sum, product or whole
power stays a factor of its own, over operands that are expanded too. Every product of terms is
counted before it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from flux.calculus.differentiate import Variables
from flux.calculus.folding import Rational, has_decimal, magnitude, mul, neg, number, sum_of
from flux.calculus.substitute import reapply
from flux.calculus.terms import (
    Exponent,
    NotExactError,
    Product,
    build_product,
    merge,
    written_sum,
)
from flux.errors import LimitError
from flux.expr import Expr, topological, users
from flux.expr.traverse import check_size
from flux.ops import Op
from flux.settings import current

Terms = list[Product]

_SUMS = frozenset((Op.ADD, Op.SUB, Op.NEG))
# What a root of may not be taken factor by factor: sqrt(x^2) is not x.
_POWERS = frozenset((Op.NEG, Op.MUL, Op.DIV, Op.POW, Op.SQRT))


def expand(e: Expr) -> Expr:
    """The expression with products and whole powers of sums multiplied out.

    a*(b + c) = a*b + a*c, (a + b)^2 = a^2 + 2*a*b + b^2, (a + b)/c = a/c + b/c

    The value is kept wherever every operation of e is finite. Arguments of functions and
    denominators are expanded too; functions themselves are not.

    Raises:
        LimitError: it has more terms than the settings `max_steps` and `max_nodes` allow.
    """
    result = _Expansion(e).result
    check_size(result)
    return result


def collect(e: Expr, x: str | Expr) -> Expr:
    """The expression expanded, and ordered by powers of x.

    c_n*x^n + ... + c_1*x + c_0, where no c is a sum with x in a term of its own

    Args:
        e: an expression.
        x: the name of an input, or an expression that is a factor of terms, such as exp(t).

    Raises:
        ArgumentError: x is neither.
        LimitError: as for `expand`.
    """
    expansion = _Expansion(e)
    bases = Variables(e).of(x)
    groups: dict[Exponent, Terms] = {}
    for term in expansion.terms:
        exponent = next((term.factors[b] for b in bases if b in term.factors), 0)
        rest = {b: n for b, n in term.factors.items() if b not in bases}
        groups.setdefault(exponent, []).append(Product(term.coefficient, term.decimal, rest))
    if not bases or set(groups) <= {0}:
        return expansion.result
    try:
        result = sum_of([_power_term(groups[n], bases[0], n) for n in _falling(groups)])
    except NotExactError:
        return e
    check_size(result)
    return result


def _falling(exponents: Iterable[Exponent]) -> list[Exponent]:
    """Exponents that are expressions first, then numbers from the largest."""
    return sorted(
        exponents,
        key=lambda n: (0, n.hash64, 0) if isinstance(n, Expr) else (1, 0, -n),
    )


def _power_term(coefficients: Terms, x: Expr, exponent: Exponent) -> Expr:
    if len(coefficients) == 1:
        whole = coefficients[0]
        whole.multiply(x, exponent)
        minus, whole.coefficient = whole.coefficient < 0, magnitude(whole.coefficient)
        return neg(build_product(whole)) if minus else build_product(whole)
    coefficient = written_sum(coefficients)
    power = Product()
    power.multiply(x, exponent)
    return mul(coefficient, build_product(power)) if power.factors else coefficient


class _Expansion:
    """One sweep over a graph, operands first."""

    def __init__(self, root: Expr) -> None:
        self._left = current().max_steps
        order = topological((root,))
        self._inner = _inside_sums(order)
        self._terms: dict[Expr, Terms] = {}
        self._written: dict[Expr, Expr] = {}
        for e in order:
            if e not in self._inner:
                self._terms[e] = self._expanded(e)
        self.terms = self._terms[root]
        self.result = self._node(root)

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            limit = current().max_steps
            raise LimitError(f"expanding needs more than {limit} steps (setting max_steps)")

    def _node(self, e: Expr) -> Expr:
        """The expanded node; written once."""
        if e not in self._written:
            terms = self._terms[e]
            self._spend(sum(1 + len(term.factors) for term in terms))
            self._written[e] = _built(e, terms)
        return self._written[e]

    def _expanded(self, e: Expr) -> Terms:
        self._spend(1)
        value = number(e)
        if value is not None:
            return [Product(value, has_decimal(e))] if value else []
        if e.op in _SUMS:
            return self._sum(e)
        if e.op is Op.MUL:
            return self._product(*(self._terms[arg] for arg in e.args))
        if e.op is Op.DIV:
            return self._product(self._terms[e.args[0]], self._power(e.args[1], -1))
        exponent = _exponent(e)
        if exponent is not None and exponent.denominator == 1:
            return self._power(e.args[0], exponent.numerator)
        operands = tuple(map(self._node, e.args))
        if exponent is not None and operands[0].op not in _POWERS:
            return [_factor(operands[0], exponent)]
        return [_factor(reapply(e, operands))]

    def _sum(self, root: Expr) -> Terms:
        """The terms of a whole sum, whose inner sums nothing else uses."""
        terms: Terms = []
        stack = [(root, 1)]
        while stack:
            e, sign = stack.pop()
            if e is root or e in self._inner:
                last = -sign if e.op in (Op.SUB, Op.NEG) else sign
                stack.append((e.args[-1], last))
                stack.extend((arg, sign) for arg in e.args[:-1])
            else:
                self._spend(len(self._terms[e]))
                terms += [
                    Product(sign * t.coefficient, t.decimal, t.factors) for t in self._terms[e]
                ]
        return merge(terms)

    def _product(self, left: Terms, right: Terms) -> Terms:
        self._spend(len(left) * sum(1 + len(term.factors) for term in right))
        self._spend(len(right) * sum(len(term.factors) for term in left))
        return merge([_times(a, b) for a in left for b in right])

    def _power(self, base: Expr, exponent: int) -> Terms:
        terms = self._terms[base]
        if len(terms) == 1 and (exponent >= 0 or terms[0].coefficient):
            return self._power_of_one(base, terms[0], exponent)
        if exponent < 0:
            return [_factor(self._node(base), exponent)]
        if exponent and not terms:  # 0^n: nothing to count, however large n is
            return []
        result = [Product()]
        for _ in range(exponent):
            result = self._product(result, terms)
        return result

    def _power_of_one(self, base: Expr, term: Product, exponent: int) -> Terms:
        power = Product()
        try:
            power.include(term, exponent)
        except NotExactError:
            return [_factor(self._node(base), exponent)]
        return [power]


def _inside_sums(order: Sequence[Expr]) -> set[Expr]:
    """Sums that stand in one larger sum, once, and nowhere else."""
    used = users(order)
    return {
        e
        for e in order
        if e.op in _SUMS
        and number(e) is None
        and len(used[e]) == 1
        and used[e][0].op in _SUMS
        and used[e][0].args.count(e) == 1
    }


def _exponent(e: Expr) -> Rational | None:
    """The exponent of a power by a number."""
    if e.op is Op.SQRT:
        return Fraction(1, 2)
    return number(e.args[1]) if e.op is Op.POW else None


def _factor(e: Expr, exponent: Rational = 1) -> Product:
    return Product(1, False, {e: exponent})


def _times(a: Product, b: Product) -> Product:
    result = Product(a.coefficient, a.decimal, dict(a.factors))
    result.include(b)
    return result


def _built(e: Expr, terms: Terms) -> Expr:
    """The sum of terms; the node itself where a coefficient would not be exact."""
    try:
        return written_sum(terms)
    except NotExactError:
        return e
