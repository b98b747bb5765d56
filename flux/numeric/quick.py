"""Plain Newton, for the many roots that need nothing else.

It accepts a root only where step and residual both say so, and gives up at the first sign of
trouble; what it gives up goes to the safeguarded search from its own start. Rows go in blocks that
stay in the cache, and only the unfinished ones of a block are iterated.

Once a step is small, the next place is judged by the residual alone: its Newton step is the new
residual over the old slope, which saves the last evaluation of the derivative.
"""

from __future__ import annotations

import math
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
_TROUBLE = 4.0  # times the first |residual|: the search has gone astray


def one(problem: Problem, tolerance: float, max_iterations: int) -> tuple[float, float, int] | None:
    """The root of one equation, its residual and the evaluations; None where there is trouble."""
    both, value = problem.compiled(1), problem.compiled(0)
    x, place = float(problem.start[0]), both.inputs.index(problem.unknown)
    args = [problem.parameters.get(name, x) for name in both.inputs]
    near, first = math.sqrt(tolerance), math.inf
    for turn in range(2, min(max_iterations, _MOST_TURNS) + 1):
        args[place] = x
        f, slope = both(*args).values()
        if not abs(f) <= _TROUBLE * first or not slope or not math.isfinite(slope):
            return None
        first = min(first, abs(f)) if turn == 2 else first
        step = f / slope
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
    every = np.arange(problem.count)
    waiting = _Part(every, judge.start, np.full(problem.count, np.inf), 0)
    with np.errstate(all="ignore"):
        while waiting.at.size and waiting.used < turns - 1:
            parts = [
                _block(both, judge, waiting.cut(begin), tolerance, turns, outcome)
                for begin in range(0, waiting.at.size, _BLOCK)
            ]
            waiting = _joined(parts, turns)


class _Part(NamedTuple):
    """Some rows on their way: their numbers, places, first residuals, and the evaluations used."""

    at: Array
    x: Array
    first: Array
    used: int

    def cut(self, begin: int) -> _Part:
        block = slice(begin, begin + _BLOCK)
        return _Part(self.at[block], self.x[block], self.first[block], self.used)


def _joined(parts: list[_Part], turns: int) -> _Part:
    """What the blocks left over, as one; what has had its turns is left to the careful search."""
    left = [part for part in parts if part.at.size]
    if not left:
        return _Part(np.empty(0, np.int64), np.empty(0), np.empty(0), turns)
    at, x, first = (np.concatenate(c) for c in zip(*(p[:3] for p in left), strict=True))
    return _Part(at, x, first, max(part.used for part in left))


def _block(
    both: Function, judge: Judge, part: _Part, tolerance: float, turns: int, outcome: Outcome
) -> _Part:
    """Iterate a block until few of its rows are left; these."""
    at, x, first, used = part
    near, enough = math.sqrt(tolerance), _FEW * _BLOCK
    rows: Any = slice(at[0], at[-1] + 1) if at[-1] - at[0] + 1 == at.size else at
    for turn in range(used + 1, turns):
        f, slope = both(x, rows)
        size = np.abs(f)
        if turn == 1:
            first = size
        step = f / slope
        x = x - step
        busy = size <= _TROUBLE * first
        close = np.flatnonzero(np.abs(step) <= near * np.abs(x))
        if close.size:
            there = _judge(judge, at[close], x[close], slope[close], first[close], tolerance)
            busy[close[_write(outcome, at[close], x[close], there, turn + 1)]] = False
        left = np.flatnonzero(busy)
        if left.size < busy.size:
            at, x, first = at[left], x[left], first[left]
            rows = at
        if at.size <= (enough if part.at.size == _BLOCK else 0):
            break
    return _Part(at, x, first, turn)


def _judge(
    judge: Judge, at: Array, x: Array, slope: Array, first: Array, tolerance: float
) -> tuple[Array, Array]:
    """The residuals, and where both they and their steps are small."""
    (f,) = judge.value(x, at)
    size = np.abs(f)
    there = size <= tolerance * np.abs(slope * x)
    doubtful = np.flatnonzero(there & ~(size <= SMALL_RESIDUAL * first))
    if doubtful.size:
        d = doubtful
        there[d] = judge.residual_is_small(x[d], f[d], at[d], first[d])
    return f, there


def _write(outcome: Outcome, at: Array, x: Array, judged: tuple[Array, Array], turn: int) -> Array:
    """Write down the rows that are there; which of these they are."""
    f, there = judged
    done = np.flatnonzero(there)
    found = at[done]
    outcome.x[found], outcome.residual[found] = x[done], f[done]
    outcome.iterations[found] = turn
    outcome.status[found] = Reason.CONVERGED
    return done
