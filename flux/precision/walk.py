"""An expression over intervals: a walk from the value down that looks at what is needed.

Rational numbers stay exact as long as they can (`flux.precision.exact`); then the rules of
`flux.precision.rules` take over, in any arithmetic. Of a choice that is decided, only the branch
that is taken is looked at; of one that is not, both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from flux.errors import ArgumentError, DomainError
from flux.expr import Expr
from flux.expr.domain import Origins, domain_error
from flux.ops import Kind, Op
from flux.precision.bounds import EMPTY, Arithmetic, Interval, contains_zero, is_single
from flux.precision.budget import Budget
from flux.precision.exact import exactly
from flux.precision.rules import applied, square, where

Value = Fraction | Interval
Values = Mapping[str, Value]

_FIRST_ONLY = frozenset((Op.STOP, Op.CUSTOM))


def enclose(
    root: Expr, numbers: Arithmetic, given: Values, budget: Budget, origins: Origins | None = None
) -> dict[Expr, Value]:
    """A number or an interval for the root and all parts that it needs.

    Raises:
        ArgumentError: the expression has named axes, or random numbers.
        DomainError: it holds inf or nan.
        LimitError: past the setting `max_seconds`.
    """
    walk = _Walk(numbers, given, origins or {})
    stack = [root]
    while stack:
        e = stack[-1]
        missing = [] if e in walk.values else [a for a in walk.path(e) if a not in walk.values]
        if missing:
            stack.extend(reversed(missing))
            continue
        stack.pop()
        if e not in walk.values:
            budget.check()
            walk.values[e] = walk.value(e)
    return walk.values


class _Walk:
    def __init__(self, numbers: Arithmetic, given: Values, origins: Origins) -> None:
        self.numbers = numbers
        self.given = given
        self.origins = origins
        self.values: dict[Expr, Value] = {}

    def path(self, e: Expr) -> tuple[Expr, ...]:
        """The operands that are needed, as far as those that are known tell."""
        if e.op in _FIRST_ONLY:
            return e.args[:1]
        if e.op not in (Op.WHERE, Op.AND, Op.OR) or e.args[0] not in self.values:
            return e.args if e.op not in (Op.WHERE, Op.AND, Op.OR) else e.args[:1]
        first = truth_of(self.values[e.args[0]])
        if e.op is Op.WHERE:
            return _branches(e, first)
        return e.args[:1] if first is (e.op is Op.OR) else e.args

    def value(self, e: Expr) -> Value:
        if e.op is Op.INPUT and not e.axes:
            return self.given[e.attributes.name]
        if e.op is Op.CONSTANT:
            return self._constant(e)
        if e.op.row.kind is not Kind.POINTWISE or e.axes:
            raise _refused(e, self.origins)
        if e.op is Op.WHERE:
            return self._choice(e)
        operands = [self.values[arg] for arg in self.path(e)]
        if e.op in (Op.AND, Op.OR) and len(operands) == 1:
            return _decided(int(e.op is Op.OR), operands[0])
        return self._applied(e, operands)

    def _constant(self, e: Expr) -> Value:
        kind, value = e.attributes
        if kind != "named":
            return Fraction(value)
        if value in ("pi", "e"):
            return Interval(*self.numbers.named(value))
        raise DomainError(f"{value} is no real number", spans=tuple(self.origins.get(e, ()))[:1])

    def _choice(self, e: Expr) -> Value:
        condition = self.values[e.args[0]]
        decided = truth_of(condition)
        if decided is not None and _is_defined(condition):
            return self.values[e.args[1] if decided else e.args[2]]
        branches = [self.values.get(a, EMPTY) for a in e.args[1:]]
        operands = [as_interval(x, self.numbers) for x in (condition, *branches)]
        if operands[0].empty:
            return EMPTY
        return where(self.numbers, *operands)

    def _applied(self, e: Expr, operands: list[Value]) -> Value:
        rationals = [x for x in operands if isinstance(x, Fraction)]
        if len(rationals) == len(operands):
            found = exactly(e.op, rationals)
            if found is not None:
                return found
        intervals = [as_interval(x, self.numbers) for x in operands]
        if e.op is Op.MUL and e.args[0] is e.args[1] and not intervals[0].empty:
            found = square(self.numbers, intervals[0])
            return Interval(found.low, found.high, intervals[0].defined)
        return applied(self.numbers, e.op, intervals)


def _is_defined(x: Value) -> bool:
    return isinstance(x, Fraction) or x.defined


def _decided(truth: int, operand: Value) -> Value:
    """What one operand of `and` or `or` decides."""
    return Fraction(truth) if _is_defined(operand) else Interval(truth, truth, False)


def _branches(e: Expr, condition: bool | None) -> tuple[Expr, ...]:
    if condition is None:
        return e.args
    return (e.args[0], e.args[1] if condition else e.args[2])


def truth_of(x: Value) -> bool | None:
    """Whether a value is not 0; None where that is not decided, or there is no value."""
    if isinstance(x, Fraction):
        return x != 0
    if x.empty:
        return None
    if not contains_zero(x):
        return True
    return False if is_single(x) else None


def as_interval(x: Value, numbers: Arithmetic) -> Interval:
    """A value as an interval of an arithmetic."""
    return Interval(*numbers.rational(x)) if isinstance(x, Fraction) else x


def _refused(e: Expr, origins: Origins) -> ArgumentError:
    what = "random numbers" if e.op is Op.RANDOM else "named axes"
    return ArgumentError(
        f"digits and intervals are for formulas without {what}",
        spans=tuple(origins.get(e, ()))[:1],
    )


def check_axes(found: Sequence[Expr]) -> None:
    """Raise ArgumentError where an input has named axes."""
    for x in found:
        if x.axes:
            raise _refused(x, {})


def outside(root: Expr, values: Mapping[Expr, Value], origins: Origins) -> DomainError:
    """The error of the first part without a value: its operands have one."""
    e = root
    while True:
        inner = [arg for arg in e.args if is_empty(values.get(arg))]
        if not inner:
            return domain_error(e, [_shown(values.get(arg)) for arg in e.args], origins)
        e = inner[0]


def is_empty(x: Value | None) -> bool:
    """Whether a value is an interval that holds nothing."""
    return isinstance(x, Interval) and x.empty


def _shown(x: Value | None) -> float:
    """A float for a message."""
    try:
        return float(x if isinstance(x, Fraction) else x.low) if x is not None else float("nan")
    except OverflowError:
        return float("inf")
