"""What bounds and constraints hold of a gradient, and the directions that they leave open."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux.numeric.objective import Point
from flux.numeric.problem import Constraint, Problem

Array = NDArray[Any]

_ACTIVE = 1e-7  # a slack, beside the constraint's terms, that counts as none
_PUSHING = 1e-8  # a multiplier, beside the gradient, that holds


class Held(NamedTuple):
    """How bounds and constraints hold a point.

    Args:
        rest: what is left of the gradient.
        open: an orthonormal basis of the directions that are left, (n, k).
        multipliers: of the constraints; those of inequalities are not negative.
        curved: whether a constraint that is not linear holds.
    """

    rest: Array
    open: Array
    multipliers: Array
    curved: bool


def held(problem: Problem, point: Point) -> Held:
    """What holds a point of a problem.

    A constraint without a multiplier leaves its direction open: the curvature has to decide there.
    """
    if problem.constraints:
        return _by_constraints(problem, point)
    free = problem.free(point)
    rest = np.where(free, point.gradient, 0.0)
    return Held(rest, np.eye(point.x.size)[:, free], np.zeros(0), False)


def holds(c: Constraint, x: Array) -> bool:
    """Whether a constraint is at its edge."""
    return c.equality or c.function.value(x) <= _ACTIVE * max(c.sizes.value(x), 1e-300)


def _by_constraints(problem: Problem, point: Point) -> Held:
    """The gradient as a sum of normals, those of inequalities and bounds with prices from 0 up."""
    from scipy.optimize import nnls

    count = point.x.size
    holding = [n for n, c in enumerate(problem.constraints) if holds(c, point.x)]
    rows = [(n, problem.constraints[n].function(point.x).gradient) for n in holding]
    # An equation pushes both ways: its normal and the negative.
    twins = [(n, -row) for n, row in rows if problem.constraints[n].equality]
    edges = [(-1, row) for row in _bounds(problem, point.x)]
    owners = [n for n, _ in (*rows, *twins, *edges)]
    normals = np.array([row for _, row in (*rows, *twins, *edges)]).reshape(-1, count)
    lengths = np.linalg.norm(normals, axis=1)
    multipliers = np.zeros(len(problem.constraints))
    unknown = Held(point.gradient, np.eye(count), multipliers, bool(holding))
    if not len(normals) or not np.isfinite([lengths.sum(), point.gradient.sum()]).all():
        return unknown
    units = normals / np.where(lengths > 0, lengths, 1)[:, None]
    try:
        prices, _ = nnls(units.T, point.gradient)
    except RuntimeError:  # it went on for too long
        return unknown
    for at, (owner, price, length) in enumerate(zip(owners, prices, lengths, strict=True)):
        if owner >= 0 and length > 0:
            backwards = len(rows) <= at < len(rows) + len(twins)
            multipliers[owner] += -price / length if backwards else price / length
    firm = prices > _PUSHING * np.linalg.norm(point.gradient)
    firm |= [owner >= 0 and problem.constraints[owner].equality for owner in owners]
    curved = any(
        not problem.constraints[owner].linear
        for owner, is_firm in zip(owners, firm, strict=True)
        if owner >= 0 and is_firm
    )
    rest = point.gradient - units.T @ prices
    return Held(rest, _orthogonal(units[firm], count), multipliers, curved)


def _bounds(problem: Problem, x: Array) -> Array:
    """The inward normals of the bounds that a point is on."""
    unit = np.eye(x.size)
    return np.concatenate([unit[x <= problem.low], -unit[x >= problem.high]])


def _orthogonal(normals: Array, count: int) -> Array:
    """An orthonormal basis of what is orthogonal to every normal."""
    if not len(normals):
        return np.eye(count)
    _, sizes, rows = np.linalg.svd(normals, full_matrices=True)
    rank = int((sizes > 1e-10 * sizes[0]).sum())
    basis: Array = rows[rank:].T
    return basis
