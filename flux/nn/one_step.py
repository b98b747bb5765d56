"""A value at one position of an axis: the expression that a cached decoder computes.

A text that goes along an axis (the time of a transformer) is turned into one for a single place on
it. What depends on that place alone loses the axis. What the text renames to a second axis
(`[t = s]`) is needed for earlier places too: it becomes a buffer along s that gains one row at each
place, `where(s == place, row, kept)`. No model is written twice.

What comes out is right only where nothing looks ahead, which `flux.nn.causal` proves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flux.errors import AxisError
from flux.expr import (
    Expr,
    apply,
    index,
    inputs,
    node,
    position,
    rebuild,
    rename,
    topological,
    variable,
    where,
)
from flux.ops import REDUCTIONS, Op
from flux.source import Span

# A blank keeps these apart from every name of a text.
PLACE = "the place"
KEPT = "kept "

Origins = Mapping[Expr, tuple[Span, ...]]


@dataclass(frozen=True)
class Kept:
    """What is kept of earlier places.

    Attributes:
        whole: the value at all places, as the text has it, its axis renamed.
        axis: along which it gains rows.
        buffer: the input that holds the rows of earlier places.
        grown: the buffer with the row of this place.
    """

    whole: Expr
    axis: str
    buffer: Expr
    grown: Expr

    @property
    def name(self) -> str:
        """The name of the buffer."""
        name: str = self.buffer.attributes.name
        return name


@dataclass(frozen=True)
class OneStep:
    """A value at one place.

    Attributes:
        value: without the axis.
        place: the input that says where.
        inputs: what else the value is a function of, along the axis: one place of each.
        kept: the buffers that gain a row.
        origins: for each expression made here, the places in the text of what it was made from.
    """

    value: Expr
    place: Expr
    inputs: tuple[Expr, ...]
    kept: tuple[Kept, ...]
    origins: Origins


def one_step(
    value: Expr, axis: str, along: Sequence[Expr], origins: Origins | None = None
) -> OneStep:
    """The value at one place of an axis.

    Args:
        value: of a model's text.
        axis: which is gone along.
        along: the inputs that are given place by place; another input that has the axis, such as
            a parameter, is there as a whole.
        origins: where expressions come from, for messages.

    Raises:
        AxisError: a part of the text needs all places at once: it reduces over the axis, draws
            random numbers along it, or swaps it with another.
    """
    return _Rewriting(axis, along, origins or {}, value).run()


def written_at(e: Expr, root: Expr, origins: Origins) -> tuple[Span, ...]:
    """Where a part of an expression was written, and where the model's own text uses it.

    A definition of the library has a place in the library, and one in the text that calls it.
    """
    found: list[Span] = []
    users = {e}
    for part in topological((root,)):
        if part in users or not users.isdisjoint(part.args):
            users.add(part)
            found.extend(origins.get(part, ()))
    own = [span for span in found if not span.source.name.startswith("<library>")]
    return tuple(dict.fromkeys([*found[:1], *own[:1]]))


class _Rewriting:
    """Rewrites node after node, operands first."""

    def __init__(self, axis: str, along: Sequence[Expr], origins: Origins, value: Expr) -> None:
        self._value = value
        self._axis = axis
        self._along = along
        self._origins = origins
        self._names = {name for e in topological((value,)) for name in e.axes}
        self._order = [a for e in (*along, *inputs(value)) for a in e.attributes.axes if a != axis]
        self._place = variable(PLACE, integer=True)
        self._made: dict[Expr, Expr] = {}
        self._kept: dict[Expr, Kept] = {}
        self._places: dict[Expr, tuple[Span, ...]] = {}

    def run(self) -> OneStep:
        for e in topological((self._value,)):
            made = self._made[e] = _RULES.get(e.op, _Rewriting._rebuilt)(self, e)
            self._places.setdefault(made, self._origins.get(e, ()))
        taken = tuple(self._made[e] for e in self._along if e in self._made)
        kept = tuple(self._kept.values())
        return OneStep(self._made[self._value], self._place, taken, kept, self._places)

    def _refuse(self, e: Expr, what: str) -> AxisError:
        return AxisError(
            f"this cannot be computed one place of {self._axis} at a time: it {what}",
            written_at(e, self._value, self._origins),
        )

    def _rebuilt(self, e: Expr) -> Expr:
        return rebuild(e, tuple(self._made[arg] for arg in e.args))

    def _first(self, e: Expr) -> Expr:
        return self._made[e.args[0]]

    def _input(self, e: Expr) -> Expr:
        axes = e.attributes.axes
        if self._axis not in axes:
            return e
        if e not in self._along:
            return index(e, {self._axis: self._place})
        rest = tuple(axis for axis in axes if axis != self._axis)
        return node(Op.INPUT, (), e.attributes._replace(axes=rest))

    def _position(self, e: Expr) -> Expr:
        return self._place if e.attributes == self._axis else e

    def _random(self, e: Expr) -> Expr:
        if self._axis in e.axes:
            raise self._refuse(e, "draws random numbers along it")
        return self._rebuilt(e)

    def _reduction(self, e: Expr) -> Expr:
        if self._axis in e.attributes and self._axis in e.args[0].axes:
            raise self._refuse(e, f"takes a {e.op.row.name} over it")
        return self._rebuilt(e)

    def _rename(self, e: Expr) -> Expr:
        pairs = dict(e.attributes)
        source = next((old for old, new in pairs.items() if new == self._axis), None)
        if self._axis in pairs:
            if source is not None:
                raise self._refuse(e, f"swaps it with {source}")
            return self._keep(e, pairs[self._axis])
        if source is None:
            return self._rebuilt(e)
        rest = {old: new for old, new in pairs.items() if old != source}
        return index(rename(self._first(e), rest), {source: self._place})

    def _index(self, e: Expr) -> Expr:
        if self._axis not in e.attributes:
            return self._rebuilt(e)
        x = e.args[0]
        other = self._fresh()
        kept = self._keep(rename(x, {self._axis: other}), other)
        chosen = dict(zip(e.attributes, (self._made[i] for i in e.args[1:]), strict=True))
        return index(kept, {(other if a == self._axis else a): i for a, i in chosen.items()})

    def _fresh(self) -> str:
        number = 1
        while f"{self._axis}_{number}" in self._names:
            number += 1
        self._names.add(f"{self._axis}_{number}")
        return f"{self._axis}_{number}"

    def _keep(self, whole: Expr, axis: str) -> Expr:
        """The rows so far of a renamed value, that of this place included."""
        known = self._kept.get(whole)
        if known is None:
            rest = {old: new for old, new in whole.attributes if old != self._axis}
            row = rename(self._made[whole.args[0]], rest)
            buffer = variable(f"{KEPT}{len(self._kept)}", self._buffer_axes(whole, axis))
            grown = where(apply(Op.EQ, position(axis), self._place), row, buffer)
            known = self._kept[whole] = Kept(whole, axis, buffer, grown)
        return known.grown

    def _buffer_axes(self, whole: Expr, axis: str) -> tuple[str, ...]:
        """A batch, then the rows, then the rest, so that a row lies together."""
        outer = {a for e in self._along for a in e.attributes.axes} - {self._axis, axis}
        known = [a for a in dict.fromkeys(self._order) if a in whole.axes and a != axis]
        rest = [*known, *sorted(whole.axes.difference(known, (axis,)))]
        return (*(a for a in rest if a in outer), axis, *(a for a in rest if a not in outer))


_RULES: Mapping[Op, Callable[[_Rewriting, Expr], Expr]] = {
    Op.INPUT: _Rewriting._input,
    Op.POSITION: _Rewriting._position,
    Op.RANDOM: _Rewriting._random,
    Op.RENAME: _Rewriting._rename,
    Op.INDEX: _Rewriting._index,
    Op.STOP: _Rewriting._first,
    Op.CUSTOM: _Rewriting._first,
    **dict.fromkeys(REDUCTIONS, _Rewriting._reduction),
}
