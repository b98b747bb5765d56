"""Newton's method that cannot be led astray, over rows at once.

Every value's sign is kept: once the residual has been seen negative at one place and positive at
another, the root is bracketed, and a step that leaves the bracket or does not shrink fast enough
is replaced by a bisection. Before that, a step that does not lower the residual is halved. Steps
that shrink at a constant rate mean a multiple root; they are lengthened by its multiplicity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.accept import EPSILON, TINY, Judge
from flux.numeric.solution import Reason

Array = NDArray[Any]
Function = Callable[[Array, Any], tuple[Array, ...]]
Proposal = Callable[[tuple[Array, ...]], Array]

_STILL = 1e-10  # a halved step below this, beside the unknown: the search stands still
_SETTLED = 0.02  # the ratio of steps changes by less: the convergence is linear
_PATIENCE = 6  # slow steps of Newton's before a bracket is bisected instead
_UNDIMINISHED = 0.1  # of the first |residual|, in a narrow bracket: a pole or a jump
_WIDE = 1e3  # a bracket whose ends differ by more than this factor


@dataclass
class Outcome:
    """One entry a row: where the search ended, and why."""

    x: Array
    residual: Array
    iterations: Array
    status: Array

    @staticmethod
    def blank(count: int) -> Outcome:
        """For so many rows that are all going to be written down."""
        status = np.full(count, Reason.ITERATIONS, np.int8)
        return Outcome(np.empty(count), np.empty(count), np.zeros(count, np.int32), status)

    @staticmethod
    def unfinished(start: Array) -> Outcome:
        """Before the first evaluation: no place has a residual yet."""
        n = start.size
        return Outcome(
            start.copy(),
            np.full(n, np.nan),
            np.zeros(n, np.int32),
            np.full(n, Reason.ITERATIONS, np.int8),
        )

    def put(self, rows: Array, found: Outcome) -> None:
        """Take over what was found for some rows; iterations add up."""
        self.x[rows] = found.x
        self.residual[rows] = found.residual
        self.iterations[rows] += found.iterations
        self.status[rows] = found.status


@dataclass
class _State:
    """The unfinished rows.

    Attributes:
        rows: their numbers in the problem.
        place: their numbers in the search.
        x: where they are to be evaluated.
        low, high: bounds that x stays within.
        minus, plus: where the residual was last seen negative and positive; nan before.
        good, good_size, good_step: the place with the least |residual|, that, and its step.
        move: the step before, nan where it was none of Newton's.
        ratio: of the two steps before.
        gain: what Newton's step is multiplied by: the multiplicity of the root.
        first: the first |residual|, which a root's is compared with.
        pace: how far the last step went; the bracket's width before the first.
        patience: slow steps of Newton's that a bracket still allows.
    """

    rows: Array
    place: Array
    x: Array
    low: Array
    high: Array
    minus: Array
    plus: Array
    good: Array
    good_size: Array
    good_step: Array
    move: Array
    ratio: Array
    gain: Array
    first: Array
    pace: Array
    patience: Array

    def keep(self, mask: Array) -> None:
        """Drop the rows outside the mask."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[mask])


def newton_step(values: tuple[Array, ...]) -> Array:
    """f/f'; not finite where f' is 0."""
    f, slope, *_ = values
    return f / slope


def halley_step(values: tuple[Array, ...]) -> Array:
    """f/f' / (1 - f f''/(2 f'^2)); Newton's where the divisor is too far from 1."""
    f, slope, bend = values
    step = f / slope
    divisor = 1 - step * bend / (2 * slope)
    return np.where((divisor > 0.25) & (divisor < 4), step / divisor, step)


def no_step(values: tuple[Array, ...]) -> Array:
    """None: every step is a bisection."""
    return np.full_like(values[0], np.nan)


def search(
    function: Function,
    propose: Proposal,
    judge: Judge,
    rows: Array,
    start: Array,
    bounds: tuple[Array, Array],
    signs: tuple[Array, Array],
    max_iterations: int,
) -> Outcome:
    """Search each row's root.

    Args:
        function: the residual and the derivatives that `propose` takes, at some rows.
        propose: the step to subtract.
        judge: decides what a root is.
        rows: their numbers in the problem.
        start: where each begins.
        bounds: that the unknown stays within.
        signs: places where the residual is negative and positive; nan where unknown.
        max_iterations: evaluations for a row.
    """
    outcome = Outcome.unfinished(start)
    state = _begin(rows, start, bounds, signs)
    state.keep(np.isfinite(start))
    outcome.status[~np.isfinite(start)] = Reason.NOT_FINITE
    for turn in range(1, max_iterations + 1):
        if not state.rows.size:
            break
        values = function(state.x, state.rows)
        outcome.iterations[state.place] = turn
        _advance(values, propose(values), judge, state, outcome, turn)
    _leave(state, np.ones(state.rows.size, bool), Reason.ITERATIONS, outcome)
    return outcome


def _begin(
    rows: Array, start: Array, bounds: tuple[Array, Array], signs: tuple[Array, Array]
) -> _State:
    n = start.size
    empty = {name: np.full(n, np.nan) for name in ("good", "good_step", "move", "ratio")}
    return _State(
        rows=rows,
        place=np.arange(n),
        x=start.copy(),
        low=bounds[0],
        high=bounds[1],
        minus=signs[0].copy(),
        plus=signs[1].copy(),
        good_size=np.full(n, np.inf),
        gain=np.ones(n),
        first=np.full(n, np.nan),
        pace=np.full(n, np.inf),
        patience=np.full(n, _PATIENCE),
        **empty,
    )


def _advance(
    values: tuple[Array, ...],
    step: Array,
    judge: Judge,
    state: _State,
    outcome: Outcome,
    turn: int,
) -> None:
    """One evaluation later: rows that are done leave, the others have their next place."""
    f, slope = values[0], values[1] if len(values) > 1 else None
    size, before = np.abs(f), state.good_size.copy()
    state.minus = np.where(f < 0, state.x, state.minus)
    state.plus = np.where(f > 0, state.x, state.plus)
    state.first = np.where(np.isnan(state.first) & np.isfinite(size), size, state.first)
    _estimate_multiplicity(state, step)
    done = _settle(f, slope, step * state.gain, before, judge, state, outcome)
    better = size < state.good_size
    _improve(state, better, size, step)
    stuck = _move(state, f, step, better, before, judge, turn)
    done |= _stop(state, stuck & ~done, judge, outcome)
    state.keep(~done)


def _estimate_multiplicity(state: _State, step: Array) -> None:
    """Near an m-fold root each step is (m - 1)/m of the one before."""
    ratio = step / state.move
    linear = (np.abs(ratio - state.ratio) < _SETTLED) & (ratio > 0.4) & (ratio < 0.97)
    found = np.rint(1 / (1 - np.where(linear, ratio, 0)))
    state.gain = np.where(linear, found, 1.0)
    state.ratio = ratio


def _settle(
    f: Array,
    slope: Array | None,
    step: Array,
    before: Array,
    judge: Judge,
    state: _State,
    outcome: Outcome,
) -> Array:
    """Write down the rows whose step says that they are there: roots, or poles."""
    limit = judge.step_limit(state.x, state.rows)
    width = np.abs(state.plus - state.minus)
    narrow = width <= np.maximum(limit, 2 * EPSILON * np.abs(state.x) + TINY)
    done: Array = (np.abs(step) <= limit) | narrow | (f == 0)
    if not done.any():
        return done
    (at,) = np.nonzero(done)
    x, residual = _better_end(f, at, narrow, state)
    # Within a bracket there may be a pole, and then the first residual is no yardstick.
    yardstick = np.where(np.isnan(width[at]), state.first[at], 0)
    small = judge.residual_is_small(x, residual, state.rows[at], yardstick)
    status = np.where(small & np.isfinite(residual), Reason.CONVERGED, Reason.POLE)
    if slope is not None:
        status[judge.is_underflow(f[at], slope[at], before[at])] = Reason.LEAST
    left = np.abs(residual) / state.first[at]
    closed = _is_closed(step[at], width[at], narrow[at], x, left, judge.tolerance)
    keep = (status == Reason.CONVERGED) | closed | (status == Reason.LEAST)
    done[at[~keep]] = False
    place = state.place[at[keep]]
    outcome.x[place], outcome.residual[place] = x[keep], residual[keep]
    outcome.status[place] = status[keep]
    return done


def _is_closed(
    step: Array, width: Array, narrow: Array, x: Array, left: Array, tolerance: float
) -> Array:
    """Where a residual that is not small shows that there is no root.

    Beside the way from the start, a step or a bracket may be small that beside x is not: a root
    near 0 is still to come, unless the residual of a narrow bracket has not become less at all. A
    bracket is closed to the last bit while its residual is less than at first, but not small.

    Args:
        step: which is small where there is no bracket.
        width: of the bracket, nan where there is none.
        narrow: whether that is small.
        x: the place.
        left: the share of the first residual that is left.
        tolerance: of the step, beside the unknown.
    """
    near, last = tolerance * np.abs(x) + TINY, 2 * EPSILON * np.abs(x) + TINY
    undiminished = (left >= 1) | ((left >= _UNDIMINISHED) & (width <= near))
    closed: Array = np.where(np.isnan(width), np.abs(step) <= near, width <= last)
    return closed | (narrow & undiminished)


def _better_end(f: Array, at: Array, narrow: Array, state: _State) -> tuple[Array, Array]:
    """Of a bracket that has closed, the end with the smaller residual."""
    x, residual = state.x[at], f[at]
    swap = narrow[at] & (state.good_size[at] < np.abs(residual))
    inside = (state.good[at] == state.minus[at]) | (state.good[at] == state.plus[at])
    swap &= inside
    sign = np.where(state.good[at] == state.minus[at], -1.0, 1.0)
    return (
        np.where(swap, state.good[at], x),
        np.where(swap, sign * state.good_size[at], residual),
    )


def _improve(state: _State, better: Array, size: Array, step: Array) -> None:
    state.good = np.where(better, state.x, state.good)
    state.good_size = np.where(better, size, state.good_size)
    state.good_step = np.where(better, step, state.good_step)


def _move(
    state: _State,
    f: Array,
    step: Array,
    better: Array,
    before: Array,
    judge: Judge,
    turn: int,
) -> Array:
    """Set the next places; which rows have none."""
    bracketed = np.isfinite(state.minus) & np.isfinite(state.plus)
    free = state.x - step * state.gain
    halved = state.good + (state.x - state.good) / 2
    target = np.where(better & np.isfinite(free), free, halved)
    target = np.minimum(np.maximum(target, state.low), state.high)
    still = np.abs(target - state.good) <= _STILL * judge.size(state.good, state.rows) + TINY
    stuck: Array = ~bracketed & (~np.isfinite(target) | (~better & still) | (target == state.x))
    newton = better & (target == free)
    if bracketed.any():
        inner, taken = _within(state, f, free, before, turn)
        target = np.where(bracketed, inner, target)
        newton = np.where(bracketed, taken, newton)
    state.move = np.where(newton & (state.gain == 1), step, np.nan)
    state.pace = np.abs(target - state.x)
    state.x = target
    return stuck


def _within(state: _State, f: Array, free: Array, before: Array, turn: int) -> tuple[Array, Array]:
    """The next place within a bracket, and whether it is Newton's.

    Newton's step is taken where it is at most half of the step before; a few times also where it
    halves the residual only, which is how it comes near a multiple root.
    """
    low, high = np.minimum(state.minus, state.plus), np.maximum(state.minus, state.plus)
    inside = np.isfinite(f) & (free > low) & (free < high)
    quick = inside & (np.abs(free - state.x) <= state.pace / 2)
    slow = inside & ~quick & (2 * np.abs(f) <= before) & (state.patience > 0)
    state.patience = state.patience - slow
    taken = quick | slow
    inner = np.where(taken, free, _middle(low, high, turn))
    hole = np.isnan(f) & np.isfinite(state.good)
    return np.where(hole, state.good + (state.x - state.good) / 2, inner), taken & ~hole


def _middle(low: Array, high: Array, turn: int) -> Array:
    """The middle; of a wide bracket, every other time the middle in the order of floats."""
    middle = low + (high - low) / 2
    if turn % 2:
        return middle
    near = np.minimum(np.abs(low), np.abs(high))
    wide = (high - low) > _WIDE * near
    return np.where(wide, _ordered_middle(low, high), middle)


def _ordered_middle(low: Array, high: Array) -> Array:
    """The float that has as many floats between it and each end: 64 of these close any bracket."""
    a, b = _order(low), _order(high)
    middle = (a >> 1) + (b >> 1) + (a & b & 1)
    bits: Array = np.where(middle < 0, np.int64(-(2**63)) - middle, middle)
    return bits.view(np.float64)


def _order(x: Array) -> Array:
    bits = np.ascontiguousarray(x).view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def _stop(state: _State, stuck: Array, judge: Judge, outcome: Outcome) -> Array:
    """Write down the rows that cannot move: at rounding level, or at a least |residual|."""
    _leave(state, stuck, Reason.LEAST, outcome)
    (at,) = np.nonzero(stuck & np.isfinite(state.good))
    if at.size:
        rounding = judge.is_rounding(state.good[at], state.good_size[at], state.rows[at])
        outcome.status[state.place[at[rounding]]] = Reason.ROUNDING
    (at,) = np.nonzero(stuck & ~np.isfinite(state.good))
    outcome.status[state.place[at]] = Reason.NOT_FINITE
    return stuck


def _leave(state: _State, mask: Array, reason: Reason, outcome: Outcome) -> None:
    (at,) = np.nonzero(mask)
    place = state.place[at]
    known = np.isfinite(state.good[at])
    outcome.x[place] = np.where(known, state.good[at], state.x[at])
    sign = np.where(state.good[at] == state.minus[at], -1.0, 1.0)
    outcome.residual[place] = np.where(known, sign * state.good_size[at], np.nan)
    outcome.status[place] = reason
