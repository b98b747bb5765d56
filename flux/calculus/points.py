"""Points at which two expressions are compared: near ones, far ones, and where functions turn.

Values are drawn by name, and keep to what is assumed of each name. They follow from a generator, so
they are the same in every run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from flux.calculus.folding import number
from flux.calculus.signs import NEGATIVE, NONNEGATIVE, NONPOSITIVE, Signs, SignTable
from flux.expr import Expr, inputs, topological
from flux.ops import Op

Floats = NDArray[np.float64]
Leaves = Mapping[str, Sequence[Expr]]

_FAR = (0.4, 4.0)  # powers of ten
_TURNS = (0, 1e-3, 0.5, 1, 1.5, 2, 3, 10, 100, 1e3, 1e6, 1e10)  # of steps, roundings, choices
_MOST_LITERALS = 24
_MOST_NAMES = 4  # that turn one by one


def variables(*roots: Expr) -> dict[str, list[Expr]]:
    """The inputs of expressions by name, in the order of the names."""
    found: dict[str, list[Expr]] = {}
    for x in inputs(*roots):
        found.setdefault(x.attributes.name, []).append(x)
    return dict(sorted(found.items()))


def near(
    generator: np.random.Generator, leaves: Sequence[Expr], count: int, scale: float = 1.0
) -> Floats:
    """Values in and around the interval where most functions are defined."""
    values = generator.uniform(-2.5, 2.5, count) * scale
    third = count // 3
    values[:third] = generator.uniform(0.05, 0.95, third)
    values[third : 2 * third] = generator.uniform(0.1, 4.0, third)
    return _as_assumed(values, leaves)


def far(generator: np.random.Generator, leaves: Sequence[Expr], count: int) -> Floats:
    """Values of every size up to 10^4, of both signs."""
    sizes = 10.0 ** generator.uniform(*_FAR, count)
    return _as_assumed(np.where(generator.random(count) < 0.5, -sizes, sizes), leaves)


def turning(generator: np.random.Generator, names: Leaves, *roots: Expr) -> dict[str, Floats]:
    """Points where comparisons, steps and kinks turn: 0, halves, the literals of the expressions.

    The doubles of literals stand for what lies beyond. First all names have one such value, then
    each one its own, then one of them among near ones.
    """
    turns = _turns(roots)
    blocks = [dict.fromkeys(names, turns), {n: generator.permutation(turns) for n in names}]
    for name in list(names)[:_MOST_NAMES]:
        beside = {n: near(generator, leaves, len(turns)) for n, leaves in names.items()}
        blocks.append({**beside, name: turns})
    points = {n: np.concatenate([block[n] for block in blocks]) for n in names}
    signs = SignTable()
    kept = np.ones(len(turns) * len(blocks), dtype=bool)
    for n, leaves in names.items():
        kept &= np.logical_and.reduce([_allowed(points[n], leaf, signs) for leaf in leaves])
    return {n: values[kept] for n, values in points.items()}


def _turns(roots: Sequence[Expr]) -> Floats:
    literals = (number(part) for part in topological(roots) if part.op is Op.CONSTANT)
    sizes = sorted({float(x) for x in literals if x is not None and x <= _LARGEST})
    found = {*_TURNS, *(k * size for size in sizes[:_MOST_LITERALS] for k in (1, 2))}
    return np.array(sorted({-x for x in found} | found)) + 0.0


_LARGEST = 10**300


def _allowed(values: Floats, leaf: Expr, signs: SignTable) -> NDArray[np.bool_]:
    allowed = np.isin(np.sign(values), sorted(signs.of(leaf)))
    if leaf.attributes.integer:
        allowed &= (values == np.floor(values)) & (values >= 0)
    return allowed


def _as_assumed(values: Floats, leaves: Sequence[Expr]) -> Floats:
    if any(leaf.attributes.integer for leaf in leaves):
        values = np.floor(np.abs(values))
    signs = SignTable()
    for leaf in leaves:
        values = _signed(values, signs.of(leaf))
    return values


def _signed(values: Floats, allowed: Signs) -> Floats:
    if allowed <= NONNEGATIVE:
        return np.abs(values)
    return -np.abs(values) if allowed <= NONPOSITIVE or allowed <= NEGATIVE else values
