"""Expression to graph: every node is asked for as a real number, an integer or a truth value.

The walk is driven by demand, so a product that only sums need is never built. What a node needs
and how it is then built stand side by side in one rule; `Translation.value` runs the rules with a
stack of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from flux.errors import AxisError, ShapeError
from flux.expr import Expr, reduce, show_axes, topological
from flux.expr.constants import constant_value
from flux.expr.integers import integral
from flux.lower.contraction import contract, factor, summands
from flux.lower.guards import Guards
from flux.lower.ir import ROW_AXIS, Graph, Value, inherit
from flux.lower.masks import finite_where_masked
from flux.lower.onehot import OneHot, one_hot
from flux.lower.powers import power
from flux.ops import COMPARISONS, Kind, Op
from flux.program.types import DType, Place
from flux.source import Span


class Mode(Enum):
    """As what a node is wanted."""

    REAL = "real"
    INTEGER = "integer"
    TRUTH = "truth"


Need = tuple[Expr, Mode]
Build = Callable[[Sequence[Value]], Value]
Rule = tuple[list[Need], Build]

_SHARED_RULES = frozenset({Op.STOP, Op.CUSTOM, Op.RENAME, Op.INDEX, Op.WHERE})


class Translation:
    """Translates expressions into values of one graph.

    Args:
        graph: where the values are built.
        roots: the expressions to be translated, needed to know what is shared.
        rows: names of the inputs that have a row for each element of the row space.
        origins: where expressions come from.
        relaxed: also allow rewrites that change the last bits, as the sums of a model do anyway.
    """

    def __init__(
        self,
        graph: Graph,
        roots: Sequence[Expr],
        rows: frozenset[str] = frozenset(),
        origins: Mapping[Expr, Sequence[Span]] | None = None,
        relaxed: bool = False,
    ) -> None:
        self._graph = graph
        self._rows = rows
        self._origins = origins or {}
        self._relaxed = relaxed
        self._uses = _count_uses(roots)
        self._guards = Guards(topological(roots))
        self._values: dict[Need, Value] = {}

    def value(self, e: Expr, mode: Mode = Mode.REAL) -> Value:
        """The value of an expression."""
        pending: dict[Need, Rule] = {}
        stack: list[Need] = [(e, mode)]
        while stack:
            need = stack[-1]
            if need in self._values:
                stack.pop()
                continue
            rule = pending.get(need)
            if rule is None:
                rule = pending[need] = self._rule(*need)
                stack.extend(n for n in reversed(rule[0]) if n not in self._values)
            else:
                self._values[need] = self._build(need[0], rule)
                del pending[need]
                stack.pop()
        return self._values[e, mode]

    def _build(self, e: Expr, rule: Rule) -> Value:
        value = rule[1]([self._values[n] for n in rule[0]])
        if not value.places:
            spans = self._origins.get(e, ())[:2]
            value.places = tuple(Place(s.source.name, s.line, s.column) for s in spans)
            value.written = bool(spans)
            if spans and (e.args or e.op is Op.INPUT):  # numbers and positions serve all layers
                value.layer = value.layer or spans[0].layer
        inherit(value)
        return value

    # The rule of a node, by mode and then by operation.

    def _rule(self, e: Expr, mode: Mode) -> Rule:
        if e.op in _SHARED_RULES:
            return _ACCESS_RULES[e.op](self, e, mode)
        if mode is Mode.TRUTH:
            return self._truth(e)
        if mode is Mode.INTEGER:
            return self._integer(e)
        if e.op is Op.ARGMAX or (e.op is Op.INPUT and e.attributes.integer):
            return [(e, Mode.INTEGER)], lambda v: self._graph.cast(v[0], self._graph.dtype)
        if e.op in COMPARISONS or e.op in (Op.AND, Op.OR, Op.NOT):
            return [(e, Mode.TRUTH)], lambda v: self._graph.cast(v[0], self._graph.dtype)
        if e.op.row.kind is Kind.LEAF:
            return self._leaf(e, self._graph.dtype)
        if e.op.row.kind is Kind.REDUCTION:
            return self._sum(e) if e.op is Op.SUM else self._reduction(e)
        return self._arithmetic(e, Mode.REAL)

    def _truth(self, e: Expr) -> Rule:
        graph = self._graph
        if e.op in COMPARISONS:
            whole = all(integral(arg) for arg in e.args)
            return self._arithmetic(e, Mode.INTEGER if whole else Mode.REAL)
        if e.op in (Op.AND, Op.OR, Op.NOT):
            return self._arithmetic(e, Mode.TRUTH)
        return [(e, Mode.REAL)], lambda v: graph.pointwise("ne", v[0], graph.real(0.0))

    def _integer(self, e: Expr) -> Rule:
        if not integral(e):
            raise AxisError(
                "an index must be an integer: an axis name, an integer input or a whole number",
                self._origins.get(e, ())[:1],
                hint="declare the input as an integer, or use floor and where instead of an index",
            )
        if e.op.row.kind is Kind.LEAF:
            return self._leaf(e, DType.INT64)
        if e.op is Op.ARGMAX:
            return [(e.args[0], Mode.REAL)], lambda v: self._graph.reduce(
                "argmax", v[0], v[0].axes.intersection(e.attributes)
            )
        return self._arithmetic(e, Mode.INTEGER)

    def _arithmetic(self, e: Expr, mode: Mode) -> Rule:
        needs = [(arg, mode) for arg in e.args]
        if e.op is Op.POW:
            return needs, self._power
        if e.op is Op.DIV and self._relaxed:
            return needs, self._quotient
        return needs, lambda v: self._graph.pointwise(e.op.row.name, *v)

    def _power(self, args: Sequence[Value]) -> Value:
        base, exponent = args
        known = exponent.constant
        cheap = None if known is None else power(self._graph, base, float(known))
        return cheap or self._graph.pointwise("pow", base, exponent)

    def _quotient(self, args: Sequence[Value]) -> Value:
        a, b = args
        if b.axes < a.axes:
            return self._graph.pointwise("mul", a, self._graph.pointwise("reciprocal", b))
        return self._graph.pointwise("div", a, b)

    def _leaf(self, e: Expr, dtype: DType) -> Rule:
        return self._leaf_needs(e), lambda v: self._leaf_value(e, dtype, v)

    def _leaf_needs(self, e: Expr) -> list[Need]:
        return [(arg, Mode.INTEGER if integral(arg) else Mode.REAL) for arg in e.args]

    def _leaf_value(self, e: Expr, dtype: DType, args: Sequence[Value]) -> Value:
        graph = self._graph
        if e.op is Op.CONSTANT:
            return graph.constant(
                constant_value(e) if dtype.floating else e.attributes.value, dtype
            )
        if e.op is Op.SIZE:
            return graph.constant(graph.sizes[e.attributes], dtype)
        if e.op is Op.POSITION:
            if graph.sizes[e.attributes] == 1:
                return graph.constant(0, dtype)
            return graph.make("iota", (), e.axes, dtype, (e.attributes,))
        if e.op is Op.INPUT:
            row = {ROW_AXIS} if e.attributes.name in self._rows else set()
            axes = self._kept(e.axes) | row
            return graph.make("input", (), axes, dtype, (e.attributes.name,))
        seed, step = (graph.cast(arg, DType.INT64) for arg in args)
        if seed.axes or step.axes:
            raise ShapeError("a seed or step is one number, not one for each row")
        axes, kept = e.attributes.axes, self._kept(e.axes)
        return graph.make("random", (seed, step), kept, dtype, (e.attributes.site, axes))

    def _kept(self, axes: Iterable[str]) -> frozenset[str]:
        return frozenset(a for a in axes if self._graph.sizes[a] != 1)

    # Reductions.

    def _reduction(self, e: Expr) -> Rule:
        def build(v: Sequence[Value]) -> Value:
            present = v[0].axes.intersection(e.attributes)
            result = self._graph.reduce(e.op.row.name, v[0], present)
            absent = self._graph.size(frozenset(e.attributes) - present)
            if e.op is not Op.PROD or absent == 1:
                return result
            return self._power([result, self._graph.real(absent)])

        return [(e.args[0], Mode.REAL)], build

    def _sum(self, e: Expr) -> Rule:
        body = e.args[0]
        summed = frozenset(e.attributes)
        hot = one_hot(body, summed)
        if hot is not None and self._graph.sizes[hot.axis] != 1:
            return self._one_hot(hot, summed)
        nested = body.op is Op.SUM and summed.isdisjoint(body.attributes)
        if nested and self._uses.get(body, 0) <= 1:
            merged = reduce(Op.SUM, body.args[0], summed.union(body.attributes))
            return [(merged, Mode.REAL)], lambda v: v[0]
        terms = summands(body)
        if terms is not None:
            needs = [(reduce(Op.SUM, term, summed), Mode.REAL) for term, _ in terms]
            return needs, lambda v: self._add(v, [negative for _, negative in terms])
        return self._sum_of_product(body, summed)

    def _add(self, values: Sequence[Value], negative: Sequence[bool]) -> Value:
        graph = self._graph
        total = graph.pointwise("neg", values[0]) if negative[0] else values[0]
        for value, minus in zip(values[1:], negative[1:], strict=True):
            total = graph.pointwise("sub" if minus else "add", total, value)
        return total

    def _sum_of_product(self, body: Expr, summed: frozenset[str]) -> Rule:
        product = factor(body, self._uses)
        count = len(product.numerators)
        needs = [(f, Mode.REAL) for f in (*product.numerators, *product.denominators)]

        def build(v: Sequence[Value]) -> Value:
            return self._contract(v[:count], v[count:], summed, product.negative)

        return needs, build

    def _contract(
        self,
        numerators: Sequence[Value],
        denominators: Sequence[Value],
        summed: frozenset[str],
        negative: bool,
    ) -> Value:
        graph = self._graph
        # A summed axis that no factor has counts by its size.
        absent = graph.size(summed.difference(*(v.axes for v in (*numerators, *denominators))))
        inside = [f for v in numerators for f in _unsquared(v) if v.axes & summed]
        outside = [v for v in numerators if not v.axes & summed]
        inside += [graph.pointwise("reciprocal", v) for v in denominators if v.axes & summed]
        below = [v for v in denominators if not v.axes & summed]
        result = contract(graph, inside, summed) if inside else None
        factors = ([result] if result else []) + self._scalars_first(outside, absent, negative)
        factors = factors or [graph.real(1.0)]
        total = factors[0]
        for other in factors[1:]:
            total = graph.pointwise("mul", total, other)
        for divisor in below:
            total = self._quotient((total, divisor))
        return total

    def _scalars_first(self, outside: Sequence[Value], count: int, negative: bool) -> list[Value]:
        graph = self._graph
        known = [v for v in outside if v.constant is not None]
        rest = sorted((v for v in outside if v.constant is None), key=lambda v: len(v.axes))
        coefficient = graph.real(-count if negative else count)
        for v in known:
            coefficient = graph.pointwise("mul", coefficient, v)
        return rest if coefficient.constant == 1.0 else [coefficient, *rest]

    def _one_hot(self, hot: OneHot, summed: frozenset[str]) -> Rule:
        if hot.index.op is Op.POSITION and hot.index.attributes in summed:
            return self._unrename(hot, summed)
        index_axes = self._kept(hot.index.axes)
        needs = [(hot.value, Mode.REAL), (hot.index, Mode.INTEGER)]

        def build(v: Sequence[Value]) -> Value:
            removed = summed & (v[0].axes | v[1].axes)
            absent = self._graph.size(summed - removed)
            g = self._graph.reduce("sum", v[0], (v[0].axes & removed) - index_axes)
            axes = ((g.axes | v[1].axes) - removed) | {hot.axis}
            key = (hot.axis, tuple(sorted(removed & (g.axes | v[1].axes))))
            made = self._graph.make("scatter", (g, v[1]), axes, g.dtype, key)
            return self._scaled(made, absent)

        return needs, build

    def _scaled(self, value: Value, count: int) -> Value:
        if count == 1:
            return value
        return self._graph.pointwise("mul", value, self._graph.real(count))

    def _unrename(self, hot: OneHot, summed: frozenset[str]) -> Rule:
        axis, other = hot.axis, hot.index.attributes
        rest = summed - {other}
        inner = reduce(Op.SUM, hot.value, rest) if rest else hot.value
        return [(inner, Mode.REAL)], lambda v: self._move(v[0], other, axis)

    def _move(self, value: Value, old: str, new: str) -> Value:
        graph = self._graph
        if graph.sizes[old] >= graph.sizes[new]:
            return graph.rename(value, {old: new})
        if old in value.axes:
            axes = (value.axes - {old}) | {new}
            return graph.make("pad", (value,), axes, value.dtype, (old, new))
        iota = graph.make("iota", (), frozenset((new,)), DType.INT64, (new,))
        limit = graph.constant(graph.sizes[old], DType.INT64)
        inside = graph.pointwise("lt", iota, limit)
        return graph.pointwise("where", inside, value, graph.real(0.0))

    # Operations that pass the wanted mode on.

    def _transparent(self, e: Expr, mode: Mode) -> Rule:
        return [(e.args[0], mode)], lambda v: v[0]

    def _where(self, e: Expr, mode: Mode) -> Rule:
        if mode is Mode.TRUTH:
            return self._truth_of_real(e)
        condition, then, otherwise = e.args
        then = self._guards.branch(then, condition, taken=True)
        otherwise = self._guards.branch(otherwise, condition, taken=False)
        needs = [(condition, Mode.TRUTH), (then, mode), (otherwise, mode)]
        return needs, self._choose

    def _truth_of_real(self, e: Expr) -> Rule:
        graph = self._graph
        return [(e, Mode.REAL)], lambda v: graph.pointwise("ne", v[0], graph.real(0.0))

    def _choose(self, v: Sequence[Value]) -> Value:
        condition, then, otherwise = v
        masked = self._mask(condition, then, otherwise) if self._relaxed else None
        if masked is not None:
            return masked
        if then.constant is None and otherwise.constant is not None:
            # A backend writes the chosen operand over the other one: let the constant be chosen.
            flipped = self._graph.pointwise("not", condition)
            return self._graph.pointwise("where", flipped, otherwise, then)
        return self._graph.pointwise("where", condition, then, otherwise)

    def _mask(self, condition: Value, then: Value, otherwise: Value) -> Value | None:
        """A choice between a finite value and a constant, by a mask that no input changes.

        -inf is added, and 0 multiplied: one pass, where a choice takes two and a branch.
        """
        graph = self._graph
        known = otherwise.constant
        if then.constant is not None or known not in (0.0, -math.inf):
            return None
        if not finite_where_masked(then, condition, graph.sizes):
            return None
        if known == 0.0:
            chosen = graph.pointwise("where", condition, graph.real(1.0), graph.real(0.0))
            return graph.pointwise("mul", then, chosen)
        chosen = graph.pointwise("where", condition, graph.real(0.0), graph.real(-math.inf))
        return graph.pointwise("add", then, chosen)

    def _rename(self, e: Expr, mode: Mode) -> Rule:
        return [(e.args[0], mode)], lambda v: self._graph.rename(v[0], dict(e.attributes))

    def _index(self, e: Expr, mode: Mode) -> Rule:
        if mode is Mode.TRUTH:
            return self._truth_of_real(e)
        needs: list[Need] = [(e.args[0], mode), *((i, Mode.INTEGER) for i in e.args[1:])]
        return needs, lambda v: self._gather(e, v)

    def _gather(self, e: Expr, v: Sequence[Value]) -> Value:
        x = v[0]
        indices: dict[str, Value] = {}
        for axis, i in zip(e.attributes, v[1:], strict=True):
            if i.constant is not None:
                x = self._select(e, x, axis, int(i.constant))
            elif axis in x.axes or self._graph.sizes[axis] == 1:  # there, it is only checked
                indices[axis] = i
        if not indices:
            return x
        axes = x.axes.difference(indices).union(*(i.axes for i in indices.values()))
        return self._graph.make("gather", (x, *indices.values()), axes, x.dtype, tuple(indices))

    def _select(self, e: Expr, x: Value, axis: str, at: int) -> Value:
        if not 0 <= at < self._graph.sizes[axis]:
            raise AxisError(
                f"index {at} is outside axis {axis}, whose size is {self._graph.sizes[axis]}",
                self._origins.get(e, ())[:1],
            )
        if axis not in x.axes:
            return x
        return self._graph.make("select", (x,), x.axes - {axis}, x.dtype, (axis, at))


_ACCESS_RULES: Mapping[Op, Callable[[Translation, Expr, Mode], Rule]] = {
    Op.STOP: Translation._transparent,
    Op.CUSTOM: Translation._transparent,
    Op.WHERE: Translation._where,
    Op.RENAME: Translation._rename,
    Op.INDEX: Translation._index,
}


def _unsquared(value: Value) -> list[Value]:
    return [value.args[0], value.args[0]] if value.opcode == "square" else [value]


def _count_uses(roots: Sequence[Expr]) -> dict[Expr, int]:
    uses: dict[Expr, int] = {}
    for e in topological(roots):
        for arg in e.args:
            uses[arg] = uses.get(arg, 0) + 1
    for root in roots:
        uses[root] = uses.get(root, 0) + 1
    return uses


def unexpected_axes(e: Expr) -> AxisError:
    """The error for an output that should have no named axes."""
    return AxisError(f"expected a scalar, found a value with {show_axes(e.axes)}")
