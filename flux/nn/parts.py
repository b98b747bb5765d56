"""A proof that the loss of a batch is a multiple of the sum of the losses of its parts.

Then parts can be computed side by side, each by a Program for the smaller batch, and gradients add
up as losses do. Of every node it is found out how its value on the whole batch follows from its
values on equal parts of the batch: it is the same on each, an entry belongs to one example and is
computed from that one alone, or parts add up. Each of the three times a factor, so that a mean is a
sum divided by a size: the whole batch has as many times the examples of a part as there are parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from flux.expr import Expr, unvisited
from flux.ops import Kind, Op
from flux.syntax import Graph


class Follows(Enum):
    """How a value on the whole batch follows from its values on parts."""

    SAME = "it is that of any part"
    EACH = "its entries are those of the parts, one after another"
    ADDED = "it is the sum over the parts"


@dataclass(frozen=True)
class Fact:
    """How a value on the whole batch follows from those on parts, up to a factor.

    Attributes:
        follows: how.
        factor: what the result is then multiplied by.
    """

    follows: Follows
    factor: Fraction = Fraction(1)


@dataclass(frozen=True)
class Split:
    """A batch in equal parts.

    Attributes:
        axis: of the examples.
        parts: how many.
        factor: the loss of the batch is the sum of the losses of the parts, times this.
    """

    axis: str
    parts: int
    factor: Fraction


def split_batch(graph: Graph, sizes: Mapping[str, int], parts: int) -> Split | None:
    """How a batch of a graph's inputs is cut into equal parts, where that is proved to be right.

    Args:
        graph: its result is the loss.
        sizes: of all axes.
        parts: how many, 2 or more.
    """
    for axis in _axes_of_inputs(graph):
        if sizes[axis] % parts == 0:
            fact = _Proof(axis, parts).run(graph.result)
            if fact is not None and fact.follows is not Follows.EACH:
                return Split(axis, parts, _as_sum(fact, parts).factor)
    return None


def most_parts(graph: Graph, sizes: Mapping[str, int], limit: int) -> int:
    """The most equal parts, up to a limit, into which a batch can be cut; 1 where it cannot."""
    counts = range(limit, 1, -1)
    return next((count for count in counts if split_batch(graph, sizes, count)), 1)


def _axes_of_inputs(graph: Graph) -> list[str]:
    """The axes that inputs have and no parameter has, in declared order."""
    taken = {axis for parameter in graph.parameters for axis in parameter.input.attributes.axes}
    axes = [axis for e in graph.inputs for axis in e.attributes.axes]
    return [axis for axis in dict.fromkeys(axes) if axis not in taken]


class _Proof:
    """How every node follows, for a batch along one axis; None where that is not known."""

    def __init__(self, axis: str, parts: int) -> None:
        self._axis = axis
        self._parts = parts
        self._facts: dict[Expr, Fact | None] = {}

    def run(self, root: Expr) -> Fact | None:
        for e in unvisited(root, self._facts):
            self._facts[e] = self._fact(e)
        return self._facts[root]

    def _fact(self, e: Expr) -> Fact | None:
        facts = [fact for arg in e.args if (fact := self._facts[arg]) is not None]
        if len(facts) < len(e.args):
            return None
        if e.op.row.kind is Kind.LEAF:
            return self._leaf(e, facts)
        if e.op is Op.RENAME:
            return None if any(self._axis in pair for pair in e.attributes) else facts[0]
        if e.op is Op.INDEX:
            return self._indexed(e, facts)
        if e.op.row.kind is Kind.REDUCTION:
            return self._reduced(e, facts[0])
        return self._pointwise(e.op, facts)

    def _leaf(self, e: Expr, facts: Sequence[Fact]) -> Fact | None:
        """An example's position and random numbers depend on where in the batch it stands."""
        if e.op is Op.SIZE and e.attributes == self._axis:
            return Fact(Follows.SAME, Fraction(self._parts))
        if self._axis not in e.axes:
            return _together(facts)
        return Fact(Follows.EACH) if e.op is Op.INPUT else None

    def _indexed(self, e: Expr, facts: Sequence[Fact]) -> Fact | None:
        """An index chooses among the entries of its own example."""
        if self._axis in e.attributes:
            return None
        chosen = _together(facts[1:])
        kinds = {facts[0].follows} | ({chosen.follows} if chosen else set())
        if chosen is None or kinds == {Follows.ADDED, Follows.EACH}:
            return None
        return replace(facts[0], follows=_later(kinds))

    def _reduced(self, e: Expr, fact: Fact) -> Fact | None:
        if e.op is Op.SUM:
            summed = self._axis in e.attributes
            if not summed:
                return fact
            return replace(fact, follows=Follows.ADDED) if fact.follows is Follows.EACH else None
        return None if self._axis in e.attributes else _together([fact])

    def _pointwise(self, op: Op, facts: Sequence[Fact]) -> Fact | None:
        if op in (Op.NEG, Op.STOP):
            return facts[0]
        if op in (Op.ADD, Op.SUB):
            return self._sum(facts)
        return _FACTORS[op](*facts) if op in _FACTORS else _together(facts)

    def _sum(self, facts: Sequence[Fact]) -> Fact | None:
        kinds = {fact.follows for fact in facts}
        if Follows.ADDED in kinds:
            if Follows.EACH in kinds:
                return None
            facts = [_as_sum(fact, self._parts) for fact in facts]
        same = facts[0].factor == facts[1].factor
        return Fact(_later({f.follows for f in facts}), facts[0].factor) if same else None


_ORDER = (Follows.SAME, Follows.EACH, Follows.ADDED)


def _later(kinds: set[Follows]) -> Follows:
    return max(kinds, key=_ORDER.index)


def _together(facts: Sequence[Fact]) -> Fact | None:
    """Of any function of values, example by example: none may be a sum, or have a factor."""
    if any(fact.follows is Follows.ADDED or fact.factor != 1 for fact in facts):
        return None
    return Fact(_later({Follows.SAME, *(fact.follows for fact in facts)}))


def _as_sum(fact: Fact, parts: int) -> Fact:
    """What is the same on each part is the sum over them, divided by their number."""
    if fact.follows is Follows.ADDED:
        return fact
    return Fact(Follows.ADDED, fact.factor / parts)


def _product(left: Fact, right: Fact) -> Fact | None:
    kinds = {left.follows, right.follows}
    sums = [fact for fact in (left, right) if fact.follows is Follows.ADDED]
    if sums and (len(sums) == 2 or Follows.EACH in kinds):
        return None
    return Fact(_later(kinds), left.factor * right.factor)


def _quotient(left: Fact, right: Fact) -> Fact | None:
    if right.follows is Follows.ADDED:
        return None
    return _product(left, replace(right, factor=1 / right.factor))


_FACTORS: Mapping[Op, Callable[[Fact, Fact], Fact | None]] = {
    Op.MUL: _product,
    Op.DIV: _quotient,
}
