"""Forms that lose digits, and forms of the same value that keep them: one row each.

The rows are what textbooks of floating point say about cancellation; a suggestion is made only
where it was seen to keep more digits at the numbers in question.

Source:
    Higham, Accuracy and Stability of Numerical Algorithms (2nd edition, 2002), chapter 1;
    Kahan, How futile are mindless assessments of roundoff (2006).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flux.expr import Expr, apply, rebuild, topological, variable
from flux.ops import Op

_A, _B = variable("a"), variable("b")


def _f(op: Op, *args: Expr) -> Expr:
    return apply(op, *args)


_LOG1P, _EXPM1, _HYPOT = _f(Op.LOG1P, _A), _f(Op.EXPM1, _A), _f(Op.HYPOT, _A, _B)
_EXP, _SQRT = _f(Op.EXP, _A), _f(Op.SQRT, _A)

REWRITES: tuple[tuple[Expr, Expr], ...] = (
    (_f(Op.LOG, 1 + _A), _LOG1P),
    (_f(Op.LOG, 1 - _A), _f(Op.LOG1P, -_A)),
    (_EXP - 1, _EXPM1),
    (1 - _EXP, -_EXPM1),
    (_EXP - _f(Op.EXP, _B), _f(Op.EXP, _B) * _f(Op.EXPM1, _A - _B)),
    (_f(Op.SQRT, _A**2 + _B**2), _HYPOT),
    (_f(Op.SQRT, _A * _A + _B * _B), _HYPOT),
    (1 - _f(Op.COS, _A), 2 * _f(Op.SIN, _A / 2) ** 2),
    (_f(Op.COS, _A) - 1, -2 * _f(Op.SIN, _A / 2) ** 2),
    (_f(Op.COSH, _A) - 1, 2 * _f(Op.SINH, _A / 2) ** 2),
    (_SQRT - _f(Op.SQRT, _B), (_A - _B) / (_SQRT + _f(Op.SQRT, _B))),
    (_f(Op.SQRT, 1 + _A) - 1, _A / (1 + _f(Op.SQRT, 1 + _A))),
    (1 - _f(Op.SQRT, 1 - _A), _A / (1 + _f(Op.SQRT, 1 - _A))),
    (_A**2 - _B**2, (_A - _B) * (_A + _B)),
    (_A * _A - _B * _B, (_A - _B) * (_A + _B)),
    (_f(Op.LOG, _A) - _f(Op.LOG, _B), _f(Op.LOG1P, (_A - _B) / _B)),
    (1 / _A - 1 / _B, (_B - _A) / (_A * _B)),
    (1 - _f(Op.ERF, _A), _f(Op.ERFC, _A)),
    (1 - _f(Op.ERFC, _A), _f(Op.ERF, _A)),
    (1 - _f(Op.TANH, _A), 2 / (1 + _f(Op.EXP, 2 * _A))),
    (
        _f(Op.SIN, _A) - _f(Op.SIN, _B),
        2 * _f(Op.COS, (_A + _B) / 2) * _f(Op.SIN, (_A - _B) / 2),
    ),
    (_f(Op.LOG, _f(Op.GAMMA, _A)), _f(Op.LGAMMA, _A)),
    (
        _f(Op.GAMMA, _A) / _f(Op.GAMMA, _B),
        _f(Op.EXP, _f(Op.LGAMMA, _A) - _f(Op.LGAMMA, _B)),
    ),
    (_f(Op.LOG, _EXP), _A),
)

_PLACEHOLDERS = (_A, _B)
_COMMUTATIVE = frozenset((Op.ADD, Op.MUL))


def rewritten(e: Expr) -> Iterator[Expr]:
    """Other forms of an expression by the rows that it matches."""
    for pattern, replacement in REWRITES:
        for bound in _matches(pattern, e):
            yield replaced(replacement, bound)


def _matches(pattern: Expr, e: Expr) -> Iterator[dict[Expr, Expr]]:
    """What the placeholders stand for; operands of sums and products in either order.

    Each state is what remains to be matched, and what is bound so far.
    """
    states: list[tuple[list[tuple[Expr, Expr]], dict[Expr, Expr]]] = [([(pattern, e)], {})]
    while states:
        todo, bound = states.pop()
        if not todo:
            yield bound
            continue
        (p, x), rest = todo[-1], todo[:-1]
        if p in _PLACEHOLDERS:
            if bound.setdefault(p, x) is x:
                states.append((rest, bound))
        elif p.op is x.op and _same_number(p, x) and len(p.args) == len(x.args):
            if p.op in _COMMUTATIVE:
                states.append((rest + list(zip(p.args, x.args[::-1], strict=True)), dict(bound)))
            states.append((rest + list(zip(p.args, x.args, strict=True)), bound))


def _same_number(p: Expr, x: Expr) -> bool:
    if p.op is Op.CONSTANT:
        return "named" not in (p.attributes.kind, x.attributes.kind) and bool(
            p.attributes.value == x.attributes.value
        )
    return True


def replaced(root: Expr, new: Mapping[Expr, Expr]) -> Expr:
    """An expression with parts exchanged, all at once."""
    made: dict[Expr, Expr] = {}
    for e in topological((root,)):
        made[e] = new[e] if e in new else rebuild(e, tuple(made[a] for a in e.args))
    return made[root]
