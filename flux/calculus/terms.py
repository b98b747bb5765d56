"""Normal forms of products and sums.

A product is a rational coefficient times powers of bases; a sum is a list of products. Collecting
into these forms merges like terms and like factors whatever their order, and writing them out
again puts everything in one order, so that expressions that differ by commuting become the same
node. `simplify` decides what is collected; the rules here hold for real numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from flux.calculus.folding import (
    ONE,
    ZERO,
    Rational,
    add,
    has_decimal,
    literal,
    magnitude,
    number,
    ratio,
)
from flux.calculus.signs import NONNEGATIVE, SignTable
from flux.expr import Expr, apply, constant, node
from flux.ops import Op

Exponent = Rational | Expr
Key = frozenset[tuple[Expr, Exponent]]

_HALF = Fraction(1, 2)
_NOT_FINITE = frozenset((constant("inf"), constant("nan")))
_EXACT_BITS = 53
_DECIMAL_PLACES = 6


class NotExactError(Exception):
    """A literal would not be exact or short, or is not finite, so the node is left as it is."""


@dataclass(slots=True)
class Product:
    """`coefficient * base^exponent * ...`.

    Args:
        coefficient: a rational number.
        decimal: whether its literals are decimals, so that it is written as one.
        factors: exponents by base.
    """

    coefficient: Rational = 1
    decimal: bool = False
    factors: dict[Expr, Exponent] = field(default_factory=dict)

    def scale(self, factor: Rational, decimal: bool = False) -> None:
        """Multiply by a number."""
        self.coefficient *= factor
        self.decimal |= decimal

    def multiply(self, base: Expr, exponent: Exponent) -> None:
        """Multiply by a power; like bases merge: x^a * x^b = x^(a + b)."""
        known = self.factors.get(base)
        if known is not None:
            exponent = _added(known, exponent)
        if not isinstance(exponent, Expr) and exponent == 0:
            self.factors.pop(base, None)
        else:
            self.factors[base] = exponent

    def include(self, other: Product, exponent: Rational = 1) -> None:
        """Multiply by a whole power of another product, or by any power of a single one."""
        self.scale(_number_power(other.coefficient, exponent), other.decimal)
        for base, inner in other.factors.items():
            self.multiply(base, _multiplied(inner, exponent))

    def key(self) -> Key:
        """What like terms have in common."""
        return frozenset(self.factors.items())


def _added(p: Exponent, q: Exponent) -> Exponent:
    if not (isinstance(p, Expr) or isinstance(q, Expr)):
        return p + q
    total = add(_exponent_node(p), _exponent_node(q))
    value = number(total)
    return total if value is None else value


def _multiplied(p: Exponent, n: Rational) -> Exponent:
    if not isinstance(p, Expr):
        return p * n
    return p if n == 1 else apply(Op.MUL, _exponent_node(n), p)


def _number_power(value: Rational, exponent: Rational) -> Rational:
    if value == 1 or exponent == 1:
        return value
    if exponent.denominator != 1 or (value == 0 and exponent < 0):
        raise NotExactError
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if bits * abs(exponent.numerator) > 2 * _EXACT_BITS:
        raise NotExactError
    power = Fraction(value) ** exponent.numerator
    return power.numerator if power.denominator == 1 else power


# Reading.


class Reader(NamedTuple):
    """What reading a node as a product needs.

    Args:
        signs: what is known of signs.
        atoms: products that others use too, which stay whole, as one base.
        spend: takes each step off the budget.
    """

    signs: SignTable
    atoms: Container[Expr]
    spend: Callable[[int], None]


def product_of(e: Expr, reader: Reader) -> Product:
    """A simplified node as a product."""
    found = Product()
    gather(found, e, 1, reader)
    return found


def gather(into: Product, e: Expr, exponent: Rational, reader: Reader) -> None:
    """Multiply a product by e^exponent, looking into products, quotients, signs and powers."""
    stack = [(e, exponent)]
    while stack:
        reader.spend(1)
        part, n = stack.pop()
        if part in reader.atoms:
            into.multiply(part, n)
        elif part.op is Op.MUL and n.denominator == 1:
            stack.extend(((part.args[1], n), (part.args[0], n)))
        elif part.op is Op.DIV and n.denominator == 1 and number(part) is None:
            stack.extend(((part.args[1], -n), (part.args[0], n)))
        elif part.op is Op.NEG and n.denominator == 1 and number(part) is None:
            into.scale(_number_power(-1, n))
            stack.append((part.args[0], n))
        else:
            _gather_power(into, part, n, stack, reader.signs)


def _gather_power(
    into: Product,
    part: Expr,
    n: Rational,
    stack: list[tuple[Expr, Rational]],
    signs: SignTable,
) -> None:
    if part in _NOT_FINITE:
        raise NotExactError  # inf - inf is not 0, nor inf/inf 1
    value = number(part)
    base, inner = _power_parts(part)
    if value is not None:
        _gather_number(into, part, value, n)
    elif inner is None:
        into.multiply(part, n)
    elif n.denominator * inner.denominator == 1 or (inner * n).denominator == 1:
        _gather_whole(into, base, inner * n, stack)
    else:
        _gather_root(into, base, inner * n, signs)


def _gather_whole(
    into: Product, base: Expr, exponent: Rational, stack: list[tuple[Expr, Rational]]
) -> None:
    """A whole power, which goes into a single factor, and with -1 or 1 into every factor."""
    if abs(exponent) == 1 or not _is_product(base):
        stack.append((base, exponent))
    elif (split := _coefficient_and_rest(base)) is not None:
        coefficient, rest = split
        into.scale(_number_power(coefficient, exponent), _spells_decimal(base))
        stack.append((rest, exponent))
    else:
        into.multiply(base, exponent)


def _gather_root(into: Product, base: Expr, exponent: Rational, signs: SignTable) -> None:
    """(b^m)^q is b^(m*q) where b is not negative, and |b|^(m*q) where m is even."""
    inner_base, m = _power_parts(base)
    if m is None:
        into.multiply(base, exponent)
    elif signs.of(inner_base) <= NONNEGATIVE or m.denominator != 1:
        into.multiply(inner_base, m * exponent)
    elif m.numerator % 2 == 0:
        into.multiply(apply(Op.ABS, inner_base), m * exponent)
    else:
        into.multiply(base, exponent)


def _is_product(e: Expr) -> bool:
    return e.op in (Op.MUL, Op.DIV) and number(e) is None


def _coefficient_and_rest(e: Expr) -> tuple[Rational, Expr] | None:
    """The number in front of (or under) a single factor: 2*x/3 is 2/3 and x."""
    coefficient: Rational = 1
    rest = e
    if rest.op is Op.DIV:
        under = number(rest.args[1])
        if under is None or not under:
            return None
        coefficient, rest = ratio(1, under), rest.args[0]
    if rest.op is Op.MUL:
        front = number(rest.args[0])
        if front is None:
            return None
        coefficient, rest = coefficient * front, rest.args[1]
    return None if _is_product(rest) else (coefficient, rest)


def _spells_decimal(e: Expr) -> bool:
    """Whether a number in front of or under a single factor is a decimal."""
    parts = [*e.args, *(e.args[0].args if e.op is Op.DIV else ())]
    return any(number(part) is not None and has_decimal(part) for part in parts)


def _gather_number(into: Product, part: Expr, value: Rational, n: Rational) -> None:
    if not value and n < 0:
        raise NotExactError  # 1/0 - 1/0 is not 0
    if n.denominator == 1:
        into.scale(_number_power(value, n), has_decimal(part))
    else:
        into.multiply(part, n)


def _power_parts(e: Expr) -> tuple[Expr, Rational | None]:
    if e.op is Op.SQRT:
        return e.args[0], _HALF
    if e.op is Op.POW:
        return e.args[0], number(e.args[1])
    return e, None


# Writing.


def build_product(product: Product) -> Expr:
    """The node of a product: sign and coefficient first, then bases in order, over what divides."""
    if product.coefficient == 0:
        return ZERO
    above, below = _sides(_with_merged_exponentials(product.factors))
    front, under = _written(magnitude(product.coefficient), product.decimal)
    if front is not ONE or not above:
        above.insert(0, front)
    if under is not ONE:
        below.insert(0, under)
    if product.coefficient < 0:
        above[0] = node(Op.NEG, (above[0],))
    return node(Op.DIV, (_times(above), _times(below))) if below else _times(above)


def _written(value: Rational, decimal: bool) -> tuple[Expr, Expr]:
    if decimal and value.denominator != 1:
        one = literal(value, decimal=True)
        if one is not None:
            return one, ONE
    above, below = literal(value.numerator), literal(value.denominator)
    if above is None or below is None:
        raise NotExactError
    return above, below


def _times(factors: Sequence[Expr]) -> Expr:
    result = factors[0]
    for factor in factors[1:]:
        result = node(Op.MUL, (result, factor))
    return result


def _sides(factors: dict[Expr, Exponent]) -> tuple[list[Expr], list[Expr]]:
    above, below = [], []
    for base in sorted(factors, key=order_of_base):
        exponent = factors[base]
        if not isinstance(exponent, Expr) and exponent < 0:
            below.append(_power_node(base, -exponent))
        else:
            above.append(_power_node(base, exponent))
    return above, below


def _power_node(base: Expr, exponent: Exponent) -> Expr:
    if exponent == 1:
        return base
    if exponent == _HALF:
        return node(Op.SQRT, (base,))
    return node(Op.POW, (base, _exponent_node(exponent)))


def _exponent_node(exponent: Exponent) -> Expr:
    if isinstance(exponent, Expr):
        return exponent
    terminates = 10**_DECIMAL_PLACES % exponent.denominator == 0
    result = literal(exponent, decimal=terminates)
    if result is None:
        raise NotExactError
    return result


def _with_merged_exponentials(factors: dict[Expr, Exponent]) -> dict[Expr, Exponent]:
    """exp(u) * exp(-u) = 1, the one product of exponentials that always gets smaller."""
    exponentials = [base for base in factors if base.op is Op.EXP]
    if len(exponentials) < 2:
        return factors
    merged = dict(factors)
    for base in exponentials:
        u = base.args[0]
        opposite = node(Op.EXP, (u.args[0] if u.op is Op.NEG else node(Op.NEG, (u,)),))
        n, m = merged.get(base), merged.get(opposite)
        if not isinstance(n, Expr | None) and not isinstance(m, Expr | None) and n * m > 0:
            shared = min(n, m, key=magnitude)
            for part, exponent in ((base, n - shared), (opposite, m - shared)):
                merged[part] = exponent
                if exponent == 0:
                    del merged[part]
    return merged


def order_of_base(e: Expr) -> tuple[int, str, int]:
    """The place of a factor: inputs by name, then functions by name, then sums."""
    if e.op is Op.INPUT:
        return (1, e.attributes.name, e.hash64)
    if e.op is Op.CONSTANT:
        return (0, str(e.attributes.value), e.hash64)
    if e.op in (Op.ADD, Op.SUB):
        return (3, "", e.hash64)
    return (2, e.op.row.name, e.hash64)


def _order_of_term(term: Product) -> tuple[int, Rational, list[tuple[int, str, int]]]:
    degree: Rational = 0
    for base, exponent in term.factors.items():
        if base.op is Op.INPUT and not isinstance(exponent, Expr):
            degree += exponent
    bases = sorted(order_of_base(base) for base in term.factors)
    return (0 if term.factors else 1, -degree, bases)


# Sums.

# f(u)^2 + sign * g(u)^2 = 1.
IDENTITIES: tuple[tuple[Op, Op, int], ...] = ((Op.SIN, Op.COS, 1), (Op.COSH, Op.SINH, -1))


def build_sum(terms: Iterable[Product]) -> Expr:
    """The node of a sum of products: like terms collected, what all share outside."""
    collected = merge(terms)
    for f, g, sign in IDENTITIES:
        collected = _apply_identity(collected, f, g, sign)
    if not collected:
        return ZERO
    if len(collected) == 1:
        return build_product(collected[0])
    return _factored(collected)


def merge(terms: Iterable[Product]) -> list[Product]:
    """Terms with like ones merged, and those that are zero left out."""
    groups: dict[Key, Product] = {}
    for term in terms:
        group = groups.setdefault(term.key(), Product(0, False, term.factors))
        group.coefficient += term.coefficient
        group.decimal |= term.decimal
    return [group for group in groups.values() if group.coefficient]


def _apply_identity(terms: list[Product], f: Op, g: Op, sign: int) -> list[Product]:
    """c*f(u)^2*r + sign*c*g(u)^2*r = c*r."""
    by_key = {term.key(): term for term in terms}
    merged: list[Product] = []
    for term in terms:
        pair = _identity_partner(term, by_key, f, g, sign)
        if pair is not None:
            partner, rest = pair
            del by_key[term.key()], by_key[partner.key()]
            merged.append(Product(term.coefficient, term.decimal or partner.decimal, rest))
    return merge([*by_key.values(), *merged]) if merged else terms


def _identity_partner(
    term: Product, by_key: Mapping[Key, Product], f: Op, g: Op, sign: int
) -> tuple[Product, dict[Expr, Exponent]] | None:
    """The term that stands beside one with f(u)^2, and what is left of both."""
    for base, exponent in term.factors.items():
        if base.op is not f or exponent != 2 or term.key() not in by_key:
            continue
        rest = {b: n for b, n in term.factors.items() if b is not base}
        wanted = frozenset({**rest, node(g, base.args): 2}.items())
        partner = by_key.get(wanted)
        if partner is not None and partner.coefficient == sign * term.coefficient:
            return partner, rest
    return None


def _factored(terms: list[Product]) -> Expr:
    """The sum, with the factors that every term has outside where that saves operations."""
    shared = set(terms[0].factors.items())
    for term in terms[1:]:
        shared &= term.factors.items()
    outer = Product(_shared_coefficient(terms), any(t.decimal for t in terms), dict(shared))
    inner = [_divided(term, outer) for term in terms]
    saved = sum(map(cost, terms)) - sum(map(cost, inner)) - cost(outer) - 1
    if not (shared or outer.coefficient != 1) or saved < _least_saving(outer):
        return written_sum(terms)
    outer.multiply(written_sum(inner), 1)
    return build_product(outer)


def _least_saving(outer: Product) -> int:
    """A function or a size that all terms have goes outside also where that saves nothing."""
    return 0 if any(base.args or base.op is Op.SIZE for base in outer.factors) else 1


def _shared_coefficient(terms: list[Product]) -> Rational:
    sizes = {magnitude(term.coefficient) for term in terms}
    return sizes.pop() if len(sizes) == 1 else 1


def _divided(term: Product, by: Product) -> Product:
    rest = {b: n for b, n in term.factors.items() if b not in by.factors}
    return Product(
        ratio(term.coefficient, by.coefficient), term.decimal and by.coefficient == 1, rest
    )


def cost(product: Product) -> int:
    """The operations that a product takes, its sign apart."""
    size = magnitude(product.coefficient)
    above = int(size.numerator != 1 or (product.decimal and size != 1))
    below = int(size.denominator != 1 and not product.decimal)
    powers = 0
    for exponent in product.factors.values():
        negative = not isinstance(exponent, Expr) and exponent < 0
        below += negative
        above += not negative
        powers += exponent not in (1, -1)
    return powers + max(above - 1, 0) + max(below - 1, 0) + (below > 0)


def written_sum(terms: Sequence[Product]) -> Expr:
    """The node of a sum, its terms in order and none of them merged."""
    if not terms:
        return ZERO
    ordered = sorted(terms, key=_order_of_term)
    if all(term.coefficient < 0 for term in ordered):
        positive = [Product(-t.coefficient, t.decimal, t.factors) for t in ordered]
        return node(Op.NEG, (written_sum(positive),))
    first = next(i for i, term in enumerate(ordered) if term.coefficient > 0)
    ordered.insert(0, ordered.pop(first))
    result = build_product(ordered[0])
    for term in ordered[1:]:
        size = Product(magnitude(term.coefficient), term.decimal, term.factors)
        op = Op.ADD if term.coefficient > 0 else Op.SUB
        result = node(op, (result, build_product(size)))
    return result
