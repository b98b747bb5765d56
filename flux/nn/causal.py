"""A proof that a value at one place needs no later place.

A buffer of `flux.nn.one_step` holds rows of earlier places; those beyond the place are left over
from another text. So each reduction over such rows has to leave them out, and each index has to
stay at or before the place. Of every node it is found out what it is beyond the place: a known
number (0 or -inf behind a mask), something that no such row changes, or something that one may
change. The last is refused where it is reduced over, renamed or given out.

Rows are taken as finite: 0 times a row is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import isinf

from flux.errors import AxisError
from flux.expr import Expr, unvisited
from flux.expr.constants import constant_value
from flux.nn.one_step import OneStep, written_at
from flux.ops import COMPARISONS, REDUCTIONS, Kind, Op
from flux.scalars import SCALARS


class Beyond(Enum):
    """What a value is beyond the place, where it is no known number."""

    UNTOUCHED = "no later row changes it"
    TOUCHED = "a later row may change it"


Fact = float | Beyond


@dataclass(frozen=True)
class Linear:
    """An integer of the form `rows*s + places*place + rest`."""

    rows: int = 0
    places: int = 0
    rest: int = 0

    def plus(self, other: Linear) -> Linear:
        """The sum."""
        return Linear(self.rows + other.rows, self.places + other.places, self.rest + other.rest)

    def times(self, factor: int) -> Linear:
        """A multiple."""
        return Linear(self.rows * factor, self.places * factor, self.rest * factor)


def check_causal(step: OneStep, sizes: Mapping[str, int]) -> None:
    """Refuse a step whose value, or what it keeps, depends on a later place.

    Args:
        step: of a text.
        sizes: of axes, those that are known.

    Raises:
        AxisError: a part of the text looks ahead, or it cannot be seen that it does not.
    """
    roots = [step.value, *(kept.grown.args[1] for kept in step.kept)]
    for axis in dict.fromkeys(kept.axis for kept in step.kept):
        proof = _Proof(step, axis, sizes)
        for root in roots:
            proof.run(root)


class _Proof:
    """What every node is beyond the place along one axis of rows."""

    def __init__(self, step: OneStep, axis: str, sizes: Mapping[str, int]) -> None:
        self._step = step
        self._axis = axis
        self._sizes = sizes
        self._buffers = {kept.buffer for kept in step.kept if kept.axis == axis}
        self._facts: dict[Expr, Fact] = {}
        self._linear: dict[Expr, Linear | None] = {}
        self._early: set[Expr] = set()  # integers that are at most the place

    def run(self, root: Expr) -> None:
        for e in unvisited(root, self._facts):
            self._linear[e] = self._linear_of(e)
            if self._is_early(e):
                self._early.add(e)
            self._facts[e] = self._fact(e, root)
        if self._facts[root] is Beyond.TOUCHED:
            raise self._ahead(root, root)

    def _ahead(self, e: Expr, root: Expr) -> AxisError:
        return AxisError(
            f"this may look ahead: it needs places along {self._axis} that come later",
            written_at(e, root, self._step.origins),
            hint=f"leave them out with -inf, as in where({self._axis} <= t, score, -inf)",
        )

    # Integers, compared with the place.

    def _linear_of(self, e: Expr) -> Linear | None:
        if e is self._step.place:
            return Linear(places=1)
        if e.op is Op.POSITION and e.attributes == self._axis:
            return Linear(rows=1)
        if e.op is Op.CONSTANT and e.attributes.kind == "int":
            return Linear(rest=e.attributes.value)
        if e.op is Op.SIZE and e.attributes in self._sizes:
            return Linear(rest=self._sizes[e.attributes])
        args = [self._linear[arg] for arg in e.args]
        known = [arg for arg in args if arg is not None]
        return _LINEAR[e.op](known) if e.op in _LINEAR and len(known) == len(args) else None

    def _is_early(self, e: Expr) -> bool:
        linear = self._linear[e]
        if linear is not None:
            return linear.rows == 0 and linear.places in (0, 1) and linear.rest <= 0
        early = [arg in self._early for arg in e.args]
        return e.op in _EARLY and _EARLY[e.op](early)

    def _compared(self, e: Expr) -> Fact | None:
        """A comparison's truth at every row beyond the place, where it is one and the same.

        The difference of the two sides is rows*(s - place) + rest, and s - place is 1 or more.
        """
        left, right = (self._linear[arg] for arg in e.args)
        if left is None or right is None:
            return None
        op, apart = e.op, left.plus(right.times(-1))
        if apart.rows < 0:
            op, apart = _MIRRORED.get(op, op), apart.times(-1)
        bound, truth = _BEYOND[op]
        known = apart.rows > 0 and apart.places == -apart.rows and apart.rows + apart.rest >= bound
        return truth if known else None

    # Facts.

    def _fact(self, e: Expr, root: Expr) -> Fact:
        if e.op is Op.CONSTANT:
            return constant_value(e)
        if e.op is Op.SIZE and e.attributes in self._sizes:
            return float(self._sizes[e.attributes])
        if e in self._buffers:
            return Beyond.TOUCHED
        if e.op.row.kind is Kind.LEAF:
            return Beyond.UNTOUCHED
        facts = [self._facts[arg] for arg in e.args]
        if e.op is Op.INDEX:
            return self._indexed(e, facts, root)
        if e.op is Op.RENAME:
            return self._renamed(e, facts[0], root)
        if e.op in REDUCTIONS:
            return self._reduced(e, facts[0], root)
        compared = self._compared(e) if e.op in COMPARISONS else None
        return _pointwise(e.op, facts) if compared is None else compared

    def _indexed(self, e: Expr, facts: Sequence[Fact], root: Expr) -> Fact:
        chosen = dict(zip(e.attributes, e.args[1:], strict=True)).get(self._axis)
        if Beyond.TOUCHED in facts[1:]:
            return Beyond.TOUCHED
        if facts[0] is not Beyond.TOUCHED or chosen is None:
            return facts[0]
        if chosen not in self._early:
            raise self._ahead(e, root)
        return Beyond.UNTOUCHED

    def _renamed(self, e: Expr, fact: Fact, root: Expr) -> Fact:
        moved = any(self._axis in pair for pair in e.attributes)
        if moved and fact is Beyond.TOUCHED:
            raise self._ahead(e, root)
        return Beyond.UNTOUCHED if moved else fact

    def _reduced(self, e: Expr, fact: Fact, root: Expr) -> Fact:
        if self._axis in e.attributes:
            if fact is Beyond.TOUCHED:
                raise self._ahead(e, root)
            return Beyond.UNTOUCHED
        if isinstance(fact, Beyond):
            return fact
        return fact if e.op in _SAME_FOR_ALL and (fact == 0 or isinf(fact)) else Beyond.UNTOUCHED


# Pointwise operations on facts.


def _pointwise(op: Op, facts: Sequence[Fact]) -> Fact:
    special = _SPECIAL[op](facts) if op in _SPECIAL else None
    if special is not None:
        return special
    if Beyond.TOUCHED in facts:
        return Beyond.TOUCHED
    known = [fact for fact in facts if not isinstance(fact, Beyond)]
    return _computed(op, known) if len(known) == len(facts) else Beyond.UNTOUCHED


def _computed(op: Op, values: Sequence[float]) -> Fact:
    try:
        return float(SCALARS[op](*values))
    except (ArithmeticError, ValueError):
        return Beyond.UNTOUCHED


def _product(facts: Sequence[Fact]) -> Fact | None:
    return 0.0 if 0.0 in facts else None


def _sum(facts: Sequence[Fact]) -> Fact | None:
    """An infinity stays, whatever finite number is added to it."""
    infinite = [f for f in facts if not isinstance(f, Beyond) and isinf(f)]
    return infinite[0] if len(infinite) == 1 else None


def _difference(facts: Sequence[Fact]) -> Fact | None:
    left, right = facts
    return _sum((left, right if isinstance(right, Beyond) else -right))


def _quotient(facts: Sequence[Fact]) -> Fact | None:
    return 0.0 if facts[0] == 0.0 and isinstance(facts[1], Beyond) else None


def _conjunction(facts: Sequence[Fact]) -> Fact | None:
    return 0.0 if 0.0 in facts else None


def _disjunction(facts: Sequence[Fact]) -> Fact | None:
    return 1.0 if any(not isinstance(f, Beyond) and f != 0 for f in facts) else None


def _choice(facts: Sequence[Fact]) -> Fact | None:
    condition, then, otherwise = facts
    if not isinstance(condition, Beyond):
        return then if condition != 0 else otherwise
    same = condition is Beyond.UNTOUCHED and then == otherwise
    return then if same else None


_SPECIAL: Mapping[Op, Callable[[Sequence[Fact]], Fact | None]] = {
    Op.MUL: _product,
    Op.ADD: _sum,
    Op.SUB: _difference,
    Op.DIV: _quotient,
    Op.AND: _conjunction,
    Op.OR: _disjunction,
    Op.WHERE: _choice,
}
_SAME_FOR_ALL = (Op.SUM, Op.MAX, Op.MIN)  # of many zeros, or of many equal infinities

_LINEAR: Mapping[Op, Callable[[Sequence[Linear]], Linear | None]] = {
    Op.ADD: lambda args: args[0].plus(args[1]),
    Op.SUB: lambda args: args[0].plus(args[1].times(-1)),
    Op.NEG: lambda args: args[0].times(-1),
}

# Whether an integer is at most the place, from whether its operands are.
_EARLY: Mapping[Op, Callable[[Sequence[bool]], bool]] = {
    Op.MAXIMUM: all,
    Op.MINIMUM: any,
    Op.WHERE: lambda early: all(early[1:]),
}

_MIRRORED = {Op.LT: Op.GT, Op.GT: Op.LT, Op.LE: Op.GE, Op.GE: Op.LE}
# left - right is at least this: then the comparison has this truth.
_BEYOND = {
    Op.GT: (1, 1.0),
    Op.GE: (0, 1.0),
    Op.NE: (1, 1.0),
    Op.EQ: (1, 0.0),
    Op.LE: (1, 0.0),
    Op.LT: (0, 0.0),
}
