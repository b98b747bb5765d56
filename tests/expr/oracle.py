"""A second meaning of tensor expressions: the value at one place, by the definitions, lazily.

Slow and independent of the reference evaluator: no arrays are computed, each element asks for the
elements that it needs. It recurses, so it is for small expressions.
"""

import itertools
import math

from flux.errors import DomainError
from flux.expr.constants import constant_value
from flux.kernels import KERNELS, SCALARS
from flux.ops import Op
from flux.philox import uniform


class Oracle:
    def __init__(self, values, sizes):
        self.values = values
        self.sizes = sizes
        self.memo = {}

    def at(self, e, place):
        place = {axis: i for axis, i in place.items() if axis in e.axes}
        key = (e, tuple(sorted(place.items())))
        if key not in self.memo:
            self.memo[key] = self._value(e, place)
        return self.memo[key]

    def _value(self, e, place):
        if e.op is Op.CONSTANT:
            return constant_value(e)
        if e.op is Op.INPUT:
            index = tuple(place[axis] for axis in e.attributes.axes)
            return float(self.values[e.attributes.name][index])
        if e.op is Op.POSITION:
            return float(place[e.attributes])
        if e.op is Op.SIZE:
            return float(self.sizes[e.attributes])
        if e.op is Op.RANDOM:
            return self._random(e, place)
        if e.op is Op.RENAME:
            old = {b: a for a, b in e.attributes}
            return self.at(e.args[0], {old.get(axis, axis): i for axis, i in place.items()})
        if e.op is Op.INDEX:
            return self._index(e, place)
        if e.op in (Op.SUM, Op.PROD, Op.MAX, Op.MIN, Op.ARGMAX):
            return self._reduce(e, place)
        return self._pointwise(e, place)

    def _random(self, e, place):
        seed, step = (int(self.at(arg, {})) for arg in e.args)
        number = 0
        for axis in e.attributes.axes:
            number = number * self.sizes[axis] + place[axis]
        return float(uniform(seed, e.attributes.site, step, 1, number)[0])

    def _index(self, e, place):
        x, *indices = e.args
        inner = dict(place)
        for axis, i in zip(e.attributes, indices, strict=True):
            number = self.at(i, place)
            if not (0 <= number < self.sizes[axis] and number == int(number)):
                raise DomainError("outside the axis")
            inner[axis] = int(number)
        return self.at(x, inner)

    def _reduce(self, e, place):
        ranges = [range(self.sizes[axis]) for axis in e.attributes]
        places = [dict(zip(e.attributes, p, strict=True)) for p in itertools.product(*ranges)]
        terms = [self.at(e.args[0], {**place, **p}) for p in places]
        if e.op is Op.SUM:
            return _checked(_total(terms), terms)
        if e.op is Op.PROD:
            return _checked(math.prod(terms), terms)
        if any(math.isnan(term) for term in terms):
            first = next(i for i, term in enumerate(terms) if math.isnan(term))
            return float(first) if e.op is Op.ARGMAX else math.nan
        if e.op is Op.ARGMAX:
            return float(terms.index(max(terms)))
        return max(terms) if e.op is Op.MAX else min(terms)

    def _pointwise(self, e, place):
        first = self.at(e.args[0], place)
        if e.op is Op.WHERE:
            return self.at(e.args[1] if first != 0 else e.args[2], place)
        if e.op is Op.AND:
            return float(first != 0 and self.at(e.args[1], place) != 0)
        if e.op is Op.OR:
            return float(first != 0 or self.at(e.args[1], place) != 0)
        if e.op in (Op.STOP, Op.CUSTOM):
            return first
        operands = [first, *(self.at(arg, place) for arg in e.args[1:])]
        try:
            result = SCALARS[e.op](*operands)
        except (ValueError, ZeroDivisionError, OverflowError):
            result = float(KERNELS[e.op](*operands))
        return _checked(result, operands)


def _total(terms):
    total = 0.0
    for term in terms:
        total += term
    return total


def _checked(result, operands):
    finite = all(map(math.isfinite, operands))
    if (math.isinf(result) and finite) or (
        math.isnan(result) and not any(map(math.isnan, operands))
    ):
        raise DomainError("no finite value")
    return result
