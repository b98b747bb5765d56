"""Simplify: an expression of the same value wherever the original is finite, usually smaller.

Each pass goes over the graph once, operands first: sums and products are collected into normal
forms (`terms`), everything else is rewritten by the table (`rules`). Passes repeat until nothing
changes. What several nodes share is kept whole, so sharing is never traded for shorter spelling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flux.calculus.folding import ONE, ZERO, number, ratio, sizes
from flux.calculus.rules import EXACT_MATCHER, MATCHER
from flux.calculus.signs import SignTable
from flux.calculus.substitute import reapply
from flux.calculus.terms import (
    Exponent,
    NotExactError,
    Product,
    Reader,
    build_product,
    build_sum,
    product_of,
)
from flux.expr import Expr, node, reduce, topological, unvisited
from flux.expr.integers import integral
from flux.expr.node import Axes
from flux.ops import Op
from flux.settings import current

_MAX_PASSES = 50
_NODE_STEPS = 3  # that the normal form of a node takes, beside those of its factors and rules


def simplify(e: Expr, exact: bool = False) -> Expr:
    """An expression of the same value, usually smaller, never larger.

    The value is kept wherever every operation of e that counts is finite; elsewhere the result may
    be finite where e is not: x/x becomes 1, also at 0.

    Simplifying the result again gives the result. Inputs declared with an assumption, as in
    `assume x > 0`, are taken at its word.

    Shapes:
        The result may lack axes along which it is constant: X - X is the scalar 0.

    Args:
        e: any expression.
        exact: apply only rules that hold bit for bit in floating point.

    Returns:
        The simplified expression; e itself where the budget runs out (settings `max_steps`,
        `max_nodes`).
    """
    try:
        result = _fixed_point(e, _Budget(current().max_steps), exact)
    except _ExhaustedError:
        return e
    order = topological((result,))
    if len(order) > current().max_nodes or _operations(result) > _operations(e):
        return e
    return result


def _fixed_point(e: Expr, budget: _Budget, exact: bool) -> Expr:
    """Passes until one changes nothing; where they go round in a circle, its smallest member."""
    seen: dict[Expr, int] = {}
    while e not in seen:
        if len(seen) > _MAX_PASSES:
            raise _ExhaustedError
        seen[e] = len(seen)
        e = _Pass(e, budget, exact).result
    circle = [member for member, place in seen.items() if place >= seen[e]]
    return min(circle, key=lambda member: (_operations(member), member.hash64))


def _operations(e: Expr) -> int:
    """The nodes that compute something; a quotient of two literals is a literal.

    A reduction over an axis that its operand lacks counts twice, since it multiplies by a size.
    """
    return sum(
        2 if inner.op is Op.SUM and not inner.args[0].axes.issuperset(inner.attributes) else 1
        for inner in topological((e,))
        if inner.args and not _is_quotient(inner)
    )


def _is_quotient(e: Expr) -> bool:
    return e.op is Op.DIV and number(e) is not None


class _ExhaustedError(Exception):
    """The budget ran out."""


class _Budget:
    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise _ExhaustedError


_SUMS = frozenset((Op.ADD, Op.SUB))
_PRODUCTS = frozenset((Op.MUL, Op.DIV))
_STEADY = frozenset((Op.SIZE, Op.CONSTANT))


class _Pass:
    """One sweep over a graph, operands first."""

    def __init__(self, root: Expr, budget: _Budget, exact: bool) -> None:
        order = topological((root,))
        self._budget = budget
        self._matcher = EXACT_MATCHER if exact else MATCHER
        self._forms = {} if exact else _FORMS
        self.signs = SignTable()
        self._atoms: set[Expr] = set()
        self._reader = Reader(self.signs, self._atoms, budget.spend)
        self.uses = _count_uses(order)
        self._inner = frozenset() if exact else _inner_nodes(order, self.uses)
        self.done: dict[Expr, Expr] = {}
        for e in order:
            if e not in self._inner:
                budget.spend(_NODE_STEPS)
                self.done[e] = self._simplified(e)
                self._keep_whole(e)
        self.result = self.done[root]

    def _keep_whole(self, e: Expr) -> None:
        """Make a product of several factors that several nodes use a base of its own.

        One of sizes and numbers alone is known before anything runs, so nothing is gained by it.
        """
        result = self.done[e]
        if self.uses[e] > 1 and result.op in _PRODUCTS and not self._is_steady_or_single(result):
            self._atoms.add(result)

    def _is_steady_or_single(self, product: Expr) -> bool:
        try:
            bases = self.factors(product).factors
        except NotExactError:
            return False
        return len(bases) <= 1 or all(base.op in _STEADY for base in bases)

    def _simplified(self, e: Expr) -> Expr:
        result = self._formed(e)
        for _ in range(_MAX_PASSES):
            rewritten = self._matcher.rewrite(result, self.signs)
            if rewritten is None:
                break
            self._budget.spend(1)
            result = rewritten
        return result

    def _formed(self, e: Expr) -> Expr:
        form = self._forms.get(e.op)
        if form is None or number(e) is not None:
            return self.rebuilt(e)
        try:
            return form(self, e)
        except NotExactError:
            return self._rebuilt_chain(e)

    def rebuilt(self, e: Expr) -> Expr:
        """The node over its simplified operands; an index stays an integer by its form."""
        args = tuple([self.done[arg] for arg in e.args])
        if e.op is Op.INDEX:
            args = (args[0], *map(_still_integral, e.args[1:], args[1:]))
        return reapply(e, args)

    def _rebuilt_chain(self, e: Expr) -> Expr:
        """A chain that is not collected, rebuilt node by node."""
        chain = [part for part in unvisited(e, self.done) if part is not e]
        self._budget.spend(len(chain))
        for part in chain:
            self.done[part] = self.rebuilt(part)
        return self.rebuilt(e)

    def leaves(self, e: Expr, ops: frozenset[Op]) -> list[tuple[Expr, int]]:
        """The operands of a chain of sums or products, from the left, with -1 for inverse ones."""
        found: list[tuple[Expr, int]] = []
        stack = [(e, 1)]
        while stack:
            part, sign = stack.pop()
            if part is e or part in self._inner:
                second = -sign if part.op in _INVERTING else sign
                if len(part.args) == 2:
                    stack.append((part.args[1], second))
                    stack.append((part.args[0], sign))
                else:
                    stack.append((part.args[0], second))
            else:
                found.append((part, sign))
        self._budget.spend(len(found))
        return found

    def product(self, e: Expr) -> Product:
        """An operand, simplified, as a product; one that others use too stays whole."""
        simplified = self.done[e]
        found = self.factors(simplified)
        power = found.factors.get(simplified) if len(found.factors) == 1 else None
        if power == 1 and simplified.op is Op.POW and self.uses[e] == 1:
            base, exponent = simplified.args
            return Product(factors={base: exponent})
        return found

    def factors(self, simplified: Expr) -> Product:
        """A simplified node as a product."""
        return product_of(simplified, self._reader)


_INVERTING = frozenset((Op.SUB, Op.DIV, Op.NEG))


def _count_uses(order: list[Expr]) -> dict[Expr, int]:
    uses = dict.fromkeys(order, 0)
    for e in order:
        for arg in e.args:
            uses[arg] += 1
    return uses


def _inner_nodes(order: list[Expr], uses: Mapping[Expr, int]) -> frozenset[Expr]:
    """Nodes that only one chain of sums, or of products, uses: collected with its root."""
    inner: set[Expr] = set()
    for e in order:
        if e.op in _PRODUCTS:
            inner.update(a for a in e.args if a.op in _PRODUCTS and _is_inner(a, uses))
        elif e.op in _SUMS:
            inner.update(a for a in e.args if _is_sum(a) and _is_inner(a, uses))
        elif _is_sum(e):
            inner.update(a for a in e.args if _is_inner(a, uses))
    return frozenset(inner)


def _is_inner(e: Expr, uses: Mapping[Expr, int]) -> bool:
    return uses[e] == 1 and number(e) is None


def _is_sum(e: Expr) -> bool:
    return e.op in _SUMS or (e.op is Op.NEG and e.args[0].op in _SUMS)


def _still_integral(before: Expr, after: Expr) -> Expr:
    return before if integral(before) and not integral(after) else after


# Normal forms, by operation.


def _sum_form(sweep: _Pass, e: Expr) -> Expr:
    terms = []
    for leaf, sign in sweep.leaves(e, _SUMS):
        term = sweep.product(leaf)
        term.scale(sign)
        terms.append(term)
    return build_sum(terms)


def _product_form(sweep: _Pass, e: Expr) -> Expr:
    product = Product()
    for leaf, sign in sweep.leaves(e, _PRODUCTS):
        product.include(sweep.product(leaf), sign)
    return build_product(product)


def _negation_form(sweep: _Pass, e: Expr) -> Expr:
    if _is_sum(e):
        return _sum_form(sweep, e)
    product = sweep.product(e.args[0])
    product.scale(-1)
    return build_product(product)


def _power_form(sweep: _Pass, e: Expr) -> Expr:
    powered = sweep.rebuilt(e)
    return build_product(sweep.factors(powered))


def _choice_form(sweep: _Pass, e: Expr) -> Expr:
    """where(c, k*a, 0) = k*where(c, a, 0) for a sign, and for numbers and sizes beside factors.

    What moves out is finite and not zero, so the other branch stays exactly zero.
    """
    condition, then, otherwise = [sweep.done[arg] for arg in e.args]
    result = node(Op.WHERE, (condition, then, otherwise))
    if (then is ZERO) == (otherwise is ZERO):
        return result
    product = sweep.factors(otherwise if then is ZERO else then)
    outer = _steady_part(product)
    if outer is None:
        return result
    inner = build_product(product)
    pair = (ZERO, inner) if then is ZERO else (inner, ZERO)
    outer.multiply(node(Op.WHERE, (condition, *pair)), 1)
    return build_product(outer)


def _steady_part(product: Product) -> Product | None:
    """Take the sign, the number and the sizes out of a product; None where nothing is gained."""
    if product.coefficient == 0:
        return None
    outer = Product()
    for base in [base for base in product.factors if base.op is Op.SIZE]:
        outer.factors[base] = product.factors.pop(base)
    if product.factors or outer.factors:
        outer.scale(product.coefficient, product.decimal)
    elif product.coefficient < 0:
        outer.scale(-1)
    if outer.coefficient == 1 and not outer.factors:
        return None
    product.coefficient = ratio(product.coefficient, outer.coefficient)
    return outer


def _reduction_form(sweep: _Pass, e: Expr) -> Expr:
    """sum[d](k*a) = k*sum[d](a), where k lacks d; along an absent axis a sum is size*a."""
    operand = sweep.done[e.args[0]]
    product = sweep.factors(operand)
    axes = frozenset[str](e.attributes)
    outer = Product(product.coefficient, product.decimal)
    for base, exponent in list(product.factors.items()):
        if axes.isdisjoint(_power_axes(base, exponent)):
            outer.factors[base] = product.factors.pop(base)
    inner = build_product(Product(factors=product.factors)) if product.factors else ONE
    absent = sorted(axes - inner.axes)
    outer.include(sweep.factors(sizes(absent)))
    outer.multiply(_nested_sum(sweep, e, inner, axes), 1)
    return build_product(outer)


def _power_axes(base: Expr, exponent: Exponent) -> Axes:
    return base.axes | exponent.axes if isinstance(exponent, Expr) else base.axes


def _nested_sum(sweep: _Pass, e: Expr, inner: Expr, axes: Axes) -> Expr:
    """sum[a](sum[b](x)) = sum[a, b](x), unless others use the inner sum too."""
    present = axes & inner.axes
    if not present:
        return inner
    alone = sweep.uses[e.args[0]] == 1
    if alone and inner.op is Op.SUM and axes.isdisjoint(inner.attributes):
        return reduce(Op.SUM, inner.args[0], present.union(inner.attributes))
    return reduce(Op.SUM, inner, present)


def _extremum_form(sweep: _Pass, e: Expr) -> Expr:
    operand = sweep.done[e.args[0]]
    present = operand.axes.intersection(e.attributes)
    return reduce(e.op, operand, present) if present else operand


_FORMS: Mapping[Op, Callable[[_Pass, Expr], Expr]] = {
    Op.ADD: _sum_form,
    Op.SUB: _sum_form,
    Op.NEG: _negation_form,
    Op.MUL: _product_form,
    Op.DIV: _product_form,
    Op.POW: _power_form,
    Op.SQRT: _power_form,
    Op.WHERE: _choice_form,
    Op.SUM: _reduction_form,
    Op.MAX: _extremum_form,
    Op.MIN: _extremum_form,
}
