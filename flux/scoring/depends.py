"""Which columns a value depends on: those that it reads, those it needs, those it cannot hide.

Where a column that it needs is missing, a score is given no value; an input that a formula asks
about with `isnan` is not needed. Where a column that it cannot hide is nan, the value is nan by
itself: so a score without a nan shows, in one look at its values, that none of these is missing.
Comparisons, choices and logic hide a nan, and powers do at x^0 and 1^x.

A set of names is the bits of an integer: thousands of scores may each need thousands of columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import or_

from flux.expr import Expr, inputs, topological
from flux.ops import Op
from flux.scoring.formulas import Formulas, Search, asks_missing
from flux.scoring.spelling import meant

# nan where any operand is.
_PASSING = frozenset(
    (
        *(Op.NEG, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.SQRT, Op.CBRT, Op.ABS),
        *(Op.EXP, Op.EXPM1, Op.LOG, Op.LOG1P, Op.LOG2, Op.LOG10),
        *(Op.SIN, Op.COS, Op.TAN, Op.SINH, Op.COSH, Op.TANH, Op.MINIMUM, Op.MAXIMUM),
    )
)


class Dependence:
    """What the searches and scores of formulas depend on.

    Attributes:
        bits: of each column and root.
        reads: by search or score, the columns and roots that it reads.
        needed: those without which it has no value.
        passed: by score, the columns of numbers that it cannot hide.
    """

    def __init__(self, formulas: Formulas) -> None:
        self._truths = {truth.name: truth for truth in formulas.truths}
        self._searched = dict.fromkeys(search.name for search in formulas.searches)
        self._names = list(dict.fromkeys((*formulas.columns(), *self._searched)))
        self.bits = {name: 1 << n for n, name in enumerate(self._names)}
        unknowns = {s.name: self._bit(s.unknown) for s in formulas.searches}
        # A score may have the name of a search: it is that root.
        parts: dict[str, tuple[Expr, ...]] = {n: (e,) for n, e in formulas.scores.items()}
        parts |= {s.name: (s.equation, *s.ends) for s in formulas.searches}
        reads, asked = self._of_parts(parts, self._read), self._of_parts(parts, self._asked)
        self.reads = {name: mask & ~unknowns.get(name, 0) for name, mask in reads.items()}
        self.needed = {name: mask & ~asked[name] for name, mask in self.reads.items()}
        passed = _spread([*formulas.scores.values()], self._passed)
        self.passed = dict(zip(formulas.scores, passed, strict=True))

    def column(self, name: str) -> str:
        """The column that an input of the expressions is made from."""
        truth = self._truths.get(name)
        return meant(name) if truth is None else truth.column

    def needed_inputs(self, search: Search) -> frozenset[str]:
        """The inputs without which a search has no root."""
        names = (x.attributes.name for x in inputs(search.equation, *search.ends))
        return frozenset(name for name in names if self._bit(name) & self.needed[search.name])

    def names(self, mask: int) -> Iterator[str]:
        """The columns and roots of some bits."""
        while mask:
            lowest = mask & -mask
            yield self._names[lowest.bit_length() - 1]
            mask ^= lowest

    def _bit(self, name: str) -> int:
        return self.bits.get(self.column(name), 0)

    def _of_parts(
        self, parts: dict[str, tuple[Expr, ...]], rule: Callable[[Expr, list[int]], int]
    ) -> dict[str, int]:
        masks = iter(_spread([e for each in parts.values() for e in each], rule))
        return {name: _union(next(masks) for _ in each) for name, each in parts.items()}

    # Rules: the mask of an expression, from those of its operands.

    def _read(self, e: Expr, below: list[int]) -> int:
        return self._bit(e.attributes.name) if e.op is Op.INPUT else _union(below)

    def _asked(self, e: Expr, below: list[int]) -> int:
        """What is asked about with `isnan`, which is an input of its own for a column of texts."""
        if e.op is Op.INPUT:
            truth = self._truths.get(e.attributes.name)
            return self.bits[truth.column] if truth is not None and truth.text is None else 0
        own = self._bit(e.args[0].attributes.name) if asks_missing(e) else 0
        return own | _union(below)

    def _passed(self, e: Expr, below: list[int]) -> int:
        if e.op is Op.INPUT:
            name = e.attributes.name
            return 0 if name in self._truths or name in self._searched else self._bit(name)
        if e.op in _PASSING:
            return _union(below)
        if e.op is Op.WHERE:
            return below[1] & below[2]
        if e.op is Op.POW:
            base, exponent = e.args
            hidden = (_differs(exponent, 0), _differs(base, 1))
            return _union(mask for mask, differs in zip(below, hidden, strict=True) if differs)
        return 0


def _union(masks: Sequence[int] | Iterator[int]) -> int:
    return reduce(or_, masks, 0)


def _spread(roots: Sequence[Expr], rule: Callable[[Expr, list[int]], int]) -> list[int]:
    """The masks of expressions; those of their operands are dropped after their last use."""
    order = topological(roots)
    uses = Counter(arg for e in order for arg in e.args) + Counter(roots)
    found: dict[Expr, int] = {}
    for e in order:
        found[e] = rule(e, [found[arg] for arg in e.args])
        for arg in e.args:
            uses[arg] -= 1
            if not uses[arg]:
                del found[arg]
    return [found[e] for e in roots]


def _differs(e: Expr, number: int) -> bool:
    """Whether it is a constant other than a number; a negative one is written as a negation."""
    if e.op is Op.NEG:
        return e.args[0].op is Op.CONSTANT and float(e.args[0].evaluate()) != -number
    return e.op is Op.CONSTANT and float(e.evaluate()) != number
