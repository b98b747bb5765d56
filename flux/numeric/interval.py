"""`flux.all_roots`: every root in an interval that its samples show.

The interval is cut evenly. A piece over which the residual changes its sign has a root, or a pole,
which is told apart. A piece over which the slope changes its sign has a turning point: where the
residual is zero there the sides touch, and where it has the other sign there are two roots.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.expr import Expr
from flux.numeric.accept import EPSILON, Judge
from flux.numeric.equation import Problem, prepare, read
from flux.numeric.root import MAX_ITERATIONS, checked_tolerance, solved

Array = NDArray[Any]

_PIECES, _MOST_PIECES = 2048, 1_000_000
_DEFAULTS = {"unknown": None, "pieces": _PIECES, "tolerance": None}
_MOST_HALVINGS = 2200  # from the largest float to the least
_TOUCH = 1e-12  # beside the neighbours: the sides touch
_NEIGHBOUR = 1e-4  # of a piece


def all_roots(
    equation: str | Expr,
    values: Any = None,
    /,
    *,
    unknown: Any = None,
    pieces: Any = _PIECES,
    tolerance: Any = None,
    **interval_and_parameters: Any,
) -> Array:
    """The roots of an equation in an interval, in order.

    `flux.all_roots("sin(x) = x/10", x=(-20, 20))`. Two roots within one piece are found where the
    slope turns between them once; more than that, or a root and a pole within one piece, are not:
    then more pieces help. An equation that holds throughout a piece has no root there.

    Args:
        equation: a text, whose right side is 0 where it has no `=`, or an expression that is 0.
        values: interval and parameters as a mapping.
        unknown: the name to solve for; by default the one with an interval.
        pieces: that the interval is cut into.
        tolerance: of a root, beside its size; 1e-12 by default.
        interval_and_parameters: by name; the unknown has a tuple, the parameters are numbers.

    Raises:
        ArgumentError: there is no interval, or a parameter is an array.
        FluxError: the text is no equation, or a name has no value.
    """
    options = {"unknown": unknown, "pieces": pieces, "tolerance": tolerance}
    residual, known, rest = read(equation, values, options, _DEFAULTS, interval_and_parameters)
    problem = prepare(residual, known, rest["unknown"])
    if not problem.bracketed:
        name = problem.unknown
        raise ArgumentError(f"`{name}` has no interval", hint=f"give it, as in {name}=(0, 10)")
    if problem.shape:
        raise ArgumentError("all_roots takes one equation at a time", hint="call it for each row")
    with np.errstate(all="ignore"):
        return _roots(
            problem, _checked_pieces(rest["pieces"]), checked_tolerance(rest["tolerance"])
        )


def _roots(problem: Problem, pieces: int, tolerance: float) -> Array:
    share = np.linspace(0, 1, pieces + 1)
    x = problem.low * (1 - share) + problem.high * share
    f, slope = problem.function(1)(x, slice(None))
    zero = f == 0
    beside = np.concatenate([[False], zero, [False]])
    found = [x[zero & ~beside[:-2] & ~beside[2:]]]
    change = f[:-1] * np.sign(f[1:]) < 0
    found.append(_between(problem, x[:-1][change], x[1:][change], tolerance))
    turn = (slope[:-1] * np.sign(slope[1:]) <= 0) & (f[:-1] * np.sign(f[1:]) > 0)
    found.extend(_at_turns(problem, x[:-1][turn], x[1:][turn], tolerance))
    return _distinct(np.concatenate(found), Judge.of(problem, tolerance))


def _between(problem: Problem, low: Array, high: Array, tolerance: float) -> Array:
    """The roots of the pieces whose ends have different signs; a pole is none."""
    if not low.size:
        return low
    rows = replace(
        problem, start=low / 2 + high / 2, low=low, high=high, shape=low.shape, bracketed=True
    )
    found = solved(rows, "newton", tolerance, MAX_ITERATIONS)
    roots: Array = found.root[found.converged]
    return roots


def _at_turns(problem: Problem, low: Array, high: Array, tolerance: float) -> list[Array]:
    """The roots of the pieces within which the residual turns."""
    if not low.size:
        return []
    derivative = replace(problem, residual=problem.residual.diff(problem.unknown))
    rows = replace(derivative, start=low / 2 + high / 2, low=low, high=high, shape=low.shape)
    found = solved(rows, "bisection", 4 * EPSILON, _MOST_HALVINGS)
    turns = np.where(np.isfinite(found.nearest), found.nearest, low)
    value = problem.function(0)
    f, at_low = value(turns, slice(None))[0], value(low, slice(None))[0]
    crossed = f * np.sign(at_low) < 0
    touching = _touches(problem, turns, f, high - low) & ~crossed
    return [
        turns[touching],
        _between(problem, low[crossed], turns[crossed], tolerance),
        _between(problem, turns[crossed], high[crossed], tolerance),
    ]


def _touches(problem: Problem, x: Array, f: Array, width: Array) -> Array:
    value, judge = problem.function(0), Judge.of(problem, EPSILON)
    sides = [np.abs(value(x + s * width, slice(None))[0]) for s in (_NEIGHBOUR, -_NEIGHBOUR)]
    beside = np.abs(f) <= _TOUCH * np.fmin(*sides)
    rounding = judge.is_rounding(x, f, np.zeros(x.size, np.int64))
    return np.isfinite(f) & (beside | rounding) & (np.fmax(*sides) > 0)


def _distinct(roots: Array, judge: Judge) -> Array:
    """The roots in order, those that are the same to rounding once."""
    ordered: Array = np.sort(roots)
    apart = judge.step_limit(ordered, np.zeros(ordered.size, np.int64))
    different = np.diff(ordered) > 4 * (apart[1:] + EPSILON * np.abs(ordered[1:]))
    first = np.ones(min(1, ordered.size), bool)
    kept: Array = ordered[np.concatenate([first, different])]
    return kept


def _checked_pieces(pieces: Any) -> int:
    if not isinstance(pieces, int) or isinstance(pieces, bool) or not 1 <= pieces <= _MOST_PIECES:
        raise ArgumentError(
            f"pieces must be a whole number from 1 to {_MOST_PIECES:,}, not {pieces!r}"
        )
    return pieces
