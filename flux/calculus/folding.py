"""Builders that fold while a derivative is put together, and templates that use them.

They stand between the tables of partial derivatives and the differentiators, and are private to
this package: everybody else builds exactly what they say. Every rule here holds for all real
numbers and all infinities, so a derivative is as faithful as its table: a factor 1, an addend 0, a
double negation, a product by a reciprocal, and arithmetic on literals that is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from operator import itemgetter

from flux.expr import Expr, constant, index, node, position, reduce, rename, size
from flux.expr.node import Axes
from flux.expr.traverse import topological
from flux.ops import Op

ZERO = constant(0)
ONE = constant(1)
TWO = constant(2)
TRUE = constant(True)
E = constant("e")

_EXACT_INTEGER = 2**53  # larger integers are not exact in float64
_MAX_DIGITS = 30  # of a folded decimal


Rational = int | Fraction  # an int wherever it is whole: much quicker


def ratio(above: Rational, below: Rational) -> Rational:
    """The exact quotient."""
    value = Fraction(above, below)
    return value.numerator if value.denominator == 1 else value


def magnitude(value: Rational) -> Rational:
    """The number without its sign."""
    return -value if value < 0 else value


def number(e: Expr) -> Rational | None:
    """The rational number that a literal spells: `3`, `0.5`, `-2`, `1/3`; None for the rest."""
    if e.op is Op.CONSTANT:
        kind, value = e.attributes
        if kind == "int":
            return int(value)
        return ratio(*value.as_integer_ratio()) if kind == "decimal" else None
    if e.op is Op.NEG:
        inner = number(e.args[0]) if e.args[0].op is not Op.NEG else None
        return None if inner is None else -inner
    if e.op is Op.DIV and e.args[0].op is Op.CONSTANT and e.args[1].op is Op.CONSTANT:
        above, below = number(e.args[0]), number(e.args[1])
        return ratio(above, below) if above is not None and below else None
    return None


def literal(value: Rational, decimal: bool = False) -> Expr | None:
    """The literal of a rational number; None where it would not be exact or short.

    Args:
        value: the number.
        decimal: write it as a decimal where it has one, instead of as a quotient.
    """
    if value < 0:
        magnitude = literal(-value, decimal)
        return None if magnitude is None else node(Op.NEG, (magnitude,))
    if decimal and value.denominator != 1:
        return _decimal(value)
    if value.numerator > _EXACT_INTEGER or value.denominator > _EXACT_INTEGER:
        return None
    above = constant(value.numerator)
    if value.denominator == 1:
        return above
    return node(Op.DIV, (above, constant(value.denominator)))


def _decimal(value: Rational) -> Expr | None:
    for places in range(_MAX_DIGITS):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = Decimal(scaled.numerator)
            if len(str(scaled.numerator)) > _MAX_DIGITS:
                return None
            return constant(digits.scaleb(-places))
    return None


_NUMERIC = frozenset((Op.CONSTANT, Op.NEG, Op.DIV))


def arithmetic(op: Op, a: Expr, b: Expr) -> Expr | None:
    """The literal of `a op b` for two literals, where it is exact."""
    if a.op not in _NUMERIC or b.op not in _NUMERIC:
        return None
    x, y = number(a), number(b)
    if x is None or y is None:
        return None
    return literal(_ARITHMETIC[op](x, y), has_decimal(a) or has_decimal(b))


_ARITHMETIC: Mapping[Op, Callable[[Rational, Rational], Rational]] = {
    Op.ADD: lambda x, y: x + y,
    Op.SUB: lambda x, y: x - y,
    Op.MUL: lambda x, y: x * y,
}


def has_decimal(e: Expr) -> bool:
    """Whether a literal is spelt with a decimal."""
    if e.op is Op.CONSTANT:
        return bool(e.attributes.kind == "decimal")
    return any(has_decimal(arg) for arg in e.args)


def neg(a: Expr) -> Expr:
    """The negative."""
    if a.op is Op.NEG:
        return a.args[0]
    if a is ZERO:
        return a
    if a.op is Op.SUB and a.args[0] is ZERO:
        return a.args[1]
    return node(Op.NEG, (a,))


def add(a: Expr, b: Expr) -> Expr:
    """The sum."""
    if a.op not in _NUMERIC and b.op not in _NUMERIC:  # most sums and products: nothing folds
        return node(Op.ADD, (a, b))
    if a is ZERO:
        return b
    if b is ZERO:
        return a
    folded = arithmetic(Op.ADD, a, b)
    if folded is not None:
        return folded
    if b.op is Op.NEG:
        return node(Op.SUB, (a, b.args[0]))
    if a.op is Op.NEG:
        return node(Op.SUB, (b, a.args[0]))
    return node(Op.ADD, (a, b))


def sub(a: Expr, b: Expr) -> Expr:
    """The difference."""
    if b is ZERO:
        return a
    if a is ZERO:
        return neg(b)
    folded = arithmetic(Op.SUB, a, b)
    if folded is not None:
        return folded
    if b.op is Op.NEG:
        return add(a, b.args[0])
    return node(Op.SUB, (a, b))


def mul(a: Expr, b: Expr) -> Expr:
    """The product; a reciprocal factor divides, and a sign moves outwards."""
    if a.op not in _NUMERIC and b.op not in _NUMERIC:
        return node(Op.MUL, (a, b))
    if a is ONE:
        return b
    if b is ONE:
        return a
    folded = arithmetic(Op.MUL, a, b)
    if folded is not None:
        return folded
    if a.op is Op.NEG or b.op is Op.NEG:
        return _signed(mul, a, b)
    if b.op is Op.DIV and b.args[0] is ONE:
        return node(Op.DIV, (a, b.args[1]))
    if a.op is Op.DIV and a.args[0] is ONE:
        return node(Op.DIV, (b, a.args[1]))
    return node(Op.MUL, (a, b))


def div(a: Expr, b: Expr) -> Expr:
    """The quotient."""
    if b is ONE:
        return a
    if a.op is Op.NEG or b.op is Op.NEG:
        return _signed(div, a, b)
    return node(Op.DIV, (a, b))


def _signed(build: Callable[[Expr, Expr], Expr], a: Expr, b: Expr) -> Expr:
    """A product or quotient of operands without their signs, and then their sign."""
    a, a_minus = unsigned(a)
    b, b_minus = unsigned(b)
    result = build(a, b)
    return neg(result) if a_minus != b_minus else result


def unsigned(a: Expr) -> tuple[Expr, bool]:
    """What stands behind all signs, and whether they amount to a minus."""
    minus = False
    while a.op is Op.NEG:
        a, minus = a.args[0], not minus
    return a, minus


def power(a: Expr, b: Expr) -> Expr:
    """The power; a^0 is 1 for every a, in IEEE arithmetic too."""
    if b is ONE or a is ONE:
        return a
    if b is ZERO:
        return ONE
    return node(Op.POW, (a, b))


def logarithm(a: Expr) -> Expr:
    """The natural logarithm."""
    return ONE if a is E else node(Op.LOG, (a,))


def both(a: Expr, b: Expr) -> Expr:
    """`a and b`, where it is used as a condition only."""
    if a is TRUE or a is b:
        return b
    if b is TRUE:
        return a
    return node(Op.AND, (a, b))


def negation(a: Expr) -> Expr:
    """`not a`, where it is used as a condition only."""
    return a.args[0] if a.op is Op.NOT else node(Op.NOT, (a,))


def select(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    """where(condition, then, otherwise)."""
    if then is otherwise or condition is TRUE:
        return then
    while condition.op is Op.NOT:
        condition, then, otherwise = condition.args[0], otherwise, then
    if then.op is Op.WHERE and then.args[0] is condition:
        then = then.args[1]
    if otherwise.op is Op.WHERE and otherwise.args[0] is condition:
        otherwise = otherwise.args[2]
    return node(Op.WHERE, (condition, then, otherwise))


def sum_of(terms: Sequence[Expr]) -> Expr:
    """The sum of terms, from the left."""
    total = terms[0]
    for term in terms[1:]:
        total = add(total, term)
    return total


def total(a: Expr, axes: Iterable[str]) -> Expr:
    """`sum[axes](a)`; along an axis that a lacks it is constant, which multiplies by the size."""
    absent = sorted(axis for axis in axes if axis not in a.axes)
    present = [axis for axis in axes if axis in a.axes]
    body, minus = unsigned(a)
    result = reduce(Op.SUM, body, present) if present else body
    if absent:
        result = mul(result, sizes(absent))
    return neg(result) if minus else result


def sizes(axes: Sequence[str]) -> Expr:
    """The product of the sizes of axes."""
    product = ONE
    for axis in axes:
        product = mul(product, size(axis))
    return product


def renamed(a: Expr, pairs: Mapping[str, str]) -> Expr:
    """A with axes under other names; a position is renamed by its name."""
    if a.op is Op.POSITION:
        return position(pairs.get(a.attributes, a.attributes))
    return rename(a, pairs)


def indexed(a: Expr, indices: Mapping[str, Expr]) -> Expr:
    """`a[axis = index, ...]`; axes that a lacks are dropped."""
    return index(a, indices) if a.axes else a


FOLDERS: Mapping[Op, Callable[..., Expr]] = {
    Op.NEG: neg,
    Op.ADD: add,
    Op.SUB: sub,
    Op.MUL: mul,
    Op.DIV: div,
    Op.POW: power,
    Op.LOG: logarithm,
    Op.AND: both,
    Op.NOT: negation,
    Op.WHERE: select,
}


class Template:
    """An expression over placeholders, ready to be built over any operands.

    The row is flattened once into steps, each a builder with the slots that it reads, so that an
    instance costs one call a node.
    """

    __slots__ = ("_constants", "_result", "_steps", "is_one", "row")

    def __init__(
        self,
        row: Expr,
        placeholders: Sequence[Expr],
        folders: Mapping[Op, Callable[..., Expr]] = FOLDERS,
    ) -> None:
        order = [e for e in topological((row,)) if e not in placeholders]
        leaves = [e for e in order if not e.args]
        slot = {e: i for i, e in enumerate([*placeholders, *leaves])}
        steps: list[tuple[Callable[..., Expr], Callable[[list[Expr]], Sequence[Expr]]]] = []
        for e in order:
            if e.args:
                slot[e] = len(slot)
                steps.append(
                    (folders.get(e.op) or _plain(e.op), _picked([slot[a] for a in e.args]))
                )
        self.row = row
        self.is_one = row is ONE
        self._constants = leaves
        self._steps = steps
        self._result = slot[row]

    def build(self, operands: Sequence[Expr]) -> Expr:
        """The row over operands that stand in the order of the placeholders."""
        if not self._steps and not self._constants:
            return operands[self._result]
        slots = [*operands, *self._constants]
        for build, picked in self._steps:
            slots.append(build(*picked(slots)))
        return slots[self._result]


def _plain(op: Op) -> Callable[..., Expr]:
    return lambda *args: node(op, args)


def _picked(places: Sequence[int]) -> Callable[[list[Expr]], Sequence[Expr]]:
    """What gives the operands that stand at some places."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1))


def axis_names(*roots: Expr) -> set[str]:
    """Every axis name that the roots mention, bound ones included."""
    found: set[str] = set()
    last: Axes | None = None
    for e in topological(roots):
        if e.axes is not last:
            found |= e.axes
            last = e.axes
        if e.op is Op.SIZE:
            found.add(e.attributes)
        elif e.op in _NAMING:
            found.update(e.attributes)
    return found


_NAMING = frozenset((Op.SUM, Op.PROD, Op.MAX, Op.MIN, Op.ARGMAX))


class FreshAxes:
    """New axis names: for each axis the smallest `axis_1`, `axis_2`, ... that nothing uses."""

    def __init__(self, *roots: Expr) -> None:
        self._roots = roots
        self._taken: set[str] | None = None
        self._chosen: dict[str, str] = {}

    def of(self, axis: str) -> str:
        """The new name that stands beside this axis; the same one each time."""
        if self._taken is None:
            self._taken = axis_names(*self._roots)
        if axis not in self._chosen:
            stem, _, digits = axis.rpartition("_")
            base = stem if stem and digits.isdigit() else axis
            count = 1
            while f"{base}_{count}" in self._taken:
                count += 1
            self._chosen[axis] = f"{base}_{count}"
            self._taken.add(self._chosen[axis])
        return self._chosen[axis]
