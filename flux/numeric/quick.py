"""Plain Newton, for the many roots that need nothing else.

It accepts a root only where step and residual both say so, and gives up at the first sign of
trouble; what it gives up goes to the safeguarded search from its own start. Rows go in blocks that
stay in the cache, and only the unfinished ones of a block are iterated.

Once a step is small, the next place is judged by the residual alone: its Newton step is the new
residual over the old slope, which saves the last evaluation of the derivative.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flux.numeric.accept import SMALL_RESIDUAL, Judge
from flux.numeric.equation import Function, Problem
from flux.numeric.safeguarded import Outcome
from flux.numeric.solution import Reason

Array = NDArray[Any]

_BLOCK = 65_536
_FEW = 0.25  # of a block: fewer rows wait, to go on together with those of other blocks
_MOST_TURNS = 12
_NEAR = 1 / 16  # of the root of the tolerance: the step after one as small is of rounding size
_CROWDED = 0.8  # of a block is unfinished: it goes on whole, which is quicker than choosing
_TROUBLE = 4.0  # times the first |residual|: the search has gone astray


def one(problem: Problem, tolerance: float, max_iterations: int) -> tuple[float, float, int] | None:
    """The root of one equation, its residual and the evaluations; None where there is trouble."""
    both, value = problem.compiled(1), problem.compiled(0)
    x, place = float(problem.start[0]), both.inputs.index(problem.unknown)
    args = [problem.parameters.get(name, x) for name in both.inputs]
    near, first = _NEAR * math.sqrt(tolerance), math.inf
    for turn in range(2, min(max_iterations, _MOST_TURNS) + 1):
        args[place] = x
        f, slope = both(*args).values()
        if not abs(f) <= _TROUBLE * first or not slope or not math.isfinite(slope):
            return None
        first = min(first, abs(f)) if turn == 2 else first
        step = f / slope
        if turn == 2 and not step:  # a start that is a root already may be none but in floats
            return None
        x -= step
        if abs(step) <= near * abs(x):
            args[place] = x
            f = value(*args)["0"]
            if abs(f) <= tolerance * abs(slope * x) and abs(f) <= SMALL_RESIDUAL * first:
                return x, f, turn
    return None


def rows(
    problem: Problem, judge: Judge, tolerance: float, max_iterations: int, outcome: Outcome
) -> None:
    """Write down the rows that plain Newton solves."""
    both = problem.function(1)
    turns = min(max_iterations, _MOST_TURNS)
    cuts = [slice(n, min(n + _BLOCK, problem.count)) for n in range(0, problem.count, _BLOCK)]
    # One after the other: memory that is used again costs less than fresh memory.
    waiting: Iterable[_Part] = (
        _Part(np.arange(c.start, c.stop), judge.start[c], judge.start[c], 0) for c in cuts
    )
    with np.errstate(all="ignore"):
        while True:
            left = [_block(both, judge, part, tolerance, turns, outcome) for part in waiting]
            waiting = _joined([part for part in left if part.at.size], turns)
            if not waiting:
                return


class _Part(NamedTuple):
    """Some rows on their way: their numbers, places, first residuals, and the evaluations used."""

    at: Array
    x: Array
    first: Array
    used: int


def _joined(left: list[_Part], turns: int) -> list[_Part]:
    """What the blocks left over, in blocks again, if there are turns left."""
    if not left or max(part.used for part in left) >= turns - 1:
        return []
    at, x, first = (np.concatenate(c) for c in zip(*(p[:3] for p in left), strict=True))
    used = max(part.used for part in left)
    cuts = [slice(n, n + _BLOCK) for n in range(0, at.size, _BLOCK)]
    return [_Part(at[c], x[c], first[c], used) for c in cuts]


def _block(
    both: Function, judge: Judge, part: _Part, tolerance: float, turns: int, outcome: Outcome
) -> _Part:
    """Iterate a block until few of its rows are left; these."""
    at, x, first, used = part
    turn = used
    near, enough = _NEAR * math.sqrt(tolerance), _FEW * _BLOCK
    rows: Any = slice(at[0], at[-1] + 1) if at[-1] - at[0] + 1 == at.size else at
    busy = np.ones(at.size, bool)
    for turn in range(used + 1, turns):
        f, slope = both(x, rows)
        size = np.abs(f)
        if turn == 1:
            first = size
        step = f / slope
        x = x - step
        busy &= size <= _TROUBLE * first
        close = np.abs(step) <= near * np.abs(x)
        if turn == 1:  # a start that is a root already may be none but in floats
            close &= step != 0
        count = np.count_nonzero(close)
        if 2 * count > close.size:
            f, there = _judge(judge, rows, at, x, slope, first, tolerance)
            busy &= ~_write(outcome, rows, at, x, f, there & close, turn + 1)
        elif count:
            some = np.flatnonzero(close)
            at_some, x_some = at[some], x[some]
            f, there = _judge(judge, at_some, at_some, x_some, slope[some], first[some], tolerance)
            busy[some] &= ~_write(outcome, at_some, at_some, x_some, f, there, turn + 1)
        left = np.count_nonzero(busy)
        if left <= (enough if part.at.size == _BLOCK else 0):
            break
        if left < _CROWDED * busy.size:
            at, x, first = at[busy], x[busy], first[busy]
            rows, busy = at, np.ones(left, bool)
    return _Part(at[busy], x[busy], first[busy], turn)


def _judge(
    judge: Judge, rows: Any, at: Array, x: Array, slope: Array, first: Array, tolerance: float
) -> tuple[Array, Array]:
    """The residuals, and where both they and their steps are small."""
    (f,) = judge.value(x, rows)
    size = np.abs(f)
    room = tolerance * np.abs(slope * x)
    there: Array = (size <= room) & (room < np.inf)  # infinity is no root
    doubtful = np.flatnonzero(there & ~(size <= SMALL_RESIDUAL * first))
    if doubtful.size:
        d = doubtful
        there[d] = judge.residual_is_small(x[d], f[d], at[d], first[d])
    return f, there


def _write(
    outcome: Outcome, rows: Any, at: Array, x: Array, f: Array, there: Array, turn: int
) -> Array:
    """Write down the rows that are there; which of these they are."""
    if not there.all():
        done = np.flatnonzero(there)
        rows, x, f = at[done], x[done], f[done]
    outcome.x[rows], outcome.residual[rows] = x, f
    outcome.iterations[rows] = turn
    outcome.status[rows] = Reason.CONVERGED
    return there
