"""The search of a system: steps of Newton's that have to lower the residuals, over rows at once.

The ways to hold a step back share one loop: `newton` shortens it until the residuals are smaller
(a line search), `natural` until the next step would be; within a trust region, `dogleg` bends it
towards the steepest descent, and `levenberg` takes the best step of the linear model. `plain` holds
nothing back. A place that is not finite is stepped back from
like one that is no better. Unknowns at a bound that descent would leave stay there for the step.

Source:
    Dennis and Schnabel, Numerical Methods for Unconstrained Optimization and Nonlinear Equations
    (1983), chapter 6; Deuflhard, Newton Methods for Nonlinear Problems (2004), section 3.3, for the
    natural level function; the scaling of the unknowns is that of Moré, Garbow and Hillstrom, User
    Guide for MINPACK-1 (1980).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.accept_system import SystemJudge, reaches
from flux.numeric.directions import (
    EPSILON,
    are_finite,
    column_norms,
    dogleg,
    levenberg,
    newton,
    norm,
    product,
)
from flux.numeric.solution import Reason

Array = NDArray[Any]

_ENOUGH = 1e-4  # of the predicted decrease: the step is taken
_GOOD, _POOR = 0.75, 0.25  # of it: the next step may go further, has to be shorter
_STATIONARY = 1e-7  # of the norm, for a change of an unknown by its own size
_LEAST_REACH = 1e-14
_SLOW_TURNS, _SLOW = 40, 0.99  # the residual falls by less than this in so many turns


@dataclass
class SystemOutcome:
    """One entry a row: where the search ended, and why."""

    x: Array
    residual: Array
    iterations: Array
    status: Array

    @staticmethod
    def unfinished(start: Array) -> SystemOutcome:
        """Before the first evaluation."""
        count = len(start)
        return SystemOutcome(
            start.copy(),
            np.full(start.shape, np.nan),
            np.zeros(count, np.int32),
            np.full(count, Reason.NOT_FINITE, np.int8),
        )


@dataclass
class _State:
    """The unfinished rows.

    Attributes:
        rows: their numbers in the system.
        place: their numbers in the search.
        x, f, jacobian: the best place, and what was found there.
        scale: D, the largest norm that each column of the Jacobian has had.
        reach: the part of Newton's step, or the radius of the trust region.
        most: the largest size of each residual on the way.
        before: the sizes of the residuals before the last step.
        travelled: the furthest from the start, in each unknown.
        step, singular: Newton's, and whether the Jacobian is.
        mark: the norm of the residuals some turns ago.
    """

    rows: Array
    place: Array
    start: Array
    x: Array
    f: Array
    jacobian: Array
    scale: Array
    reach: Array
    most: Array
    before: Array
    travelled: Array
    step: Array
    singular: Array
    mark: Array

    def keep(self, mask: Array) -> None:
        """Drop the rows outside the mask."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[mask])


@dataclass(frozen=True)
class Way:
    """A way to hold steps back by a reach.

    Attributes:
        first: the reach of the first step, from x and D.
        trial: the step of a state, from the unknowns that are free.
        used: the reach that a step has made use of.
        unit: what a reach is compared with to see that the search has stalled.
        size: of the residuals: what has to fall.
        falls: whether it has to.
        most: the reach that is never exceeded.
    """

    first: Callable[[Array, Array], Array]
    trial: Callable[[_State, Array], Array]
    used: Callable[[_State, Array], Array]
    unit: Callable[[_State], Array]
    size: Callable[[_State, Array], Array]
    most: float
    falls: bool = True


def search(
    judge: SystemJudge, way: Way, rows: Array, start: Array, max_iterations: int
) -> SystemOutcome:
    """Search some rows from their starts.

    Args:
        judge: of the system.
        way: how steps are held back.
        rows: their numbers in the system.
        start: (A, n).
        max_iterations: evaluations for each row.
    """
    outcome = SystemOutcome.unfinished(start)
    state = _begin(judge, way, rows, start, outcome)
    turn = 1
    while state.rows.size:
        free = _free(state, judge)
        state.step, state.singular = newton(state.jacobian, state.f, state.x, state.scale, free)
        done = _settle(state, judge, outcome, turn)
        done |= _give_up(state, way, judge, outcome, turn, max_iterations, ~done)
        free = free[~done]
        state.keep(~done)
        turn += 1
        if state.rows.size:
            _advance(state, way, judge, free)
    return outcome


def _begin(
    judge: SystemJudge, way: Way, rows: Array, start: Array, outcome: SystemOutcome
) -> _State:
    f, jacobian = judge.evaluate(start, rows)
    usable = are_finite(f, jacobian)
    outcome.residual[:], outcome.iterations[:] = f, 1
    (at,) = np.nonzero(usable)
    x, f, jacobian = start[at], f[at], jacobian[at]
    scale = column_norms(jacobian)
    scale = np.where(scale > 0, scale, 1.0)
    zero, zeros = np.zeros(at.size), np.zeros(x.shape)
    return _State(
        rows[at], at, x, x, f, jacobian, scale, way.first(x, scale), np.abs(f),
        np.abs(f), zeros, zeros, zero > 0, np.full(at.size, np.inf),
    )  # fmt: skip


def _free(state: _State, judge: SystemJudge) -> Array:
    """The unknowns that are not at a bound that the steepest descent would leave."""
    low, high = judge.low[state.rows], judge.high[state.rows]
    if not (np.isfinite(low).any() or np.isfinite(high).any()):
        return np.ones(state.x.shape, bool)
    slope = _gradient(state)
    held = ((state.x <= low) & (slope > 0)) | ((state.x >= high) & (slope < 0))
    return ~held


def _gradient(state: _State) -> Array:
    """That of half the square of |F|."""
    return product(np.swapaxes(state.jacobian, 1, 2), state.f)


def _settle(state: _State, judge: SystemJudge, outcome: SystemOutcome, turn: int) -> Array:
    """Write down the rows that are at a root."""
    small = judge.step_is_small(state.step, state.x, state.travelled) & ~state.singular
    done = np.zeros(small.shape, bool)
    (at,) = np.nonzero(small)
    if at.size:
        done[at] = judge.residual_is_small(state.x[at], state.f[at], state.rows[at], state.most[at])
    rounding = judge.is_rounding(state.x, state.f, state.step, state.rows)
    vanished = judge.is_underflow(state.f, state.jacobian, state.before)
    _leave(state, done & ~vanished, Reason.CONVERGED, outcome, turn)
    _leave(state, rounding & ~done & ~vanished, Reason.ROUNDING, outcome, turn)
    _leave(state, vanished, Reason.LEAST, outcome, turn)
    return done | rounding | vanished


def _give_up(
    state: _State,
    way: Way,
    judge: SystemJudge,
    outcome: SystemOutcome,
    turn: int,
    max_iterations: int,
    open_: Array,
) -> Array:
    """Write down the rows that cannot go on, or have had all their turns."""
    stuck = ~(state.reach > _LEAST_REACH * way.unit(state))
    if way.falls and turn % _SLOW_TURNS == 0:
        size = norm(state.f)
        stuck |= size > _SLOW * state.mark
        state.mark = size
    stationary = _is_stationary(state, judge)
    ended = np.full(stuck.shape, turn >= max_iterations)
    done: Array = open_ & (stuck | stationary | ended)
    (at,) = np.nonzero(done)
    if at.size:
        reason = np.where(ended[at] & ~stuck[at], Reason.ITERATIONS, Reason.STALLED)
        least = stationary[at]
        (some,) = np.nonzero(least)
        least[some] = judge.is_least(
            state.x[at[some]], state.rows[at[some]], state.travelled[at[some]]
        )
        held = ~_free(state, judge)[at].all(axis=1)
        reason = np.where(least, np.where(held, Reason.BOUND, Reason.LEAST), reason)
        _leave(state, done, reason, outcome, turn)
    return done


def _is_stationary(state: _State, judge: SystemJudge) -> Array:
    """Whether changing any free unknown by its own size changes the norm by next to nothing.

    |g_j| size_j <= 1e-7 |F|^2, g the gradient of |F|^2/2; near a root the right side is smaller
    """
    slope = np.where(_free(state, judge), _gradient(state), 0.0)
    change = np.abs(slope) * reaches(state.x, state.travelled)
    size = norm(state.f)[:, None]
    still: Array = np.all(change / np.where(size > 0, size, 1.0) <= _STATIONARY * size, axis=1)
    return still


def _leave(
    state: _State, mask: Array, reason: Array | Reason, outcome: SystemOutcome, turn: int
) -> None:
    (at,) = np.nonzero(mask)
    place = state.place[at]
    outcome.x[place], outcome.residual[place] = state.x[at], state.f[at]
    outcome.status[place], outcome.iterations[place] = reason, turn


def _advance(state: _State, way: Way, judge: SystemJudge, free: Array) -> None:
    """Try a step; take it where the norm falls as it should; set the next reach."""
    low, high = judge.low[state.rows], judge.high[state.rows]
    step = way.trial(state, free)
    x = np.clip(state.x + step, low, high)
    step = x - state.x
    f, jacobian = judge.evaluate(x, state.rows)
    usable = are_finite(f, jacobian)
    here = way.size(state, state.f)
    unit = np.where(here > 0, here, 1.0)
    linear = way.size(state, state.f + product(state.jacobian, step)) / unit
    after = way.size(state, f) / unit
    ratio = (1 - after**2) / np.maximum(1 - linear**2, EPSILON**2)
    ratio = np.where(usable & (linear < 1), ratio, -1.0)
    if way.falls:
        _resize(state, way, step, ratio)
        _take(state, ratio > _ENOUGH, x, f, jacobian)
        state.most = np.maximum(state.most, np.abs(state.f))
    else:
        state.reach = np.where(usable, state.reach, state.reach / 4)
        _take(state, usable, x, f, jacobian)


def _resize(state: _State, way: Way, step: Array, ratio: Array) -> None:
    used = np.minimum(way.used(state, step), state.reach)
    grown = np.maximum(state.reach, 2 * used)
    state.reach = np.where(ratio < _POOR, used / 4, np.where(ratio > _GOOD, grown, state.reach))
    state.reach = np.minimum(state.reach, way.most)


def _take(state: _State, taken: Array, x: Array, f: Array, jacobian: Array) -> None:
    state.before = np.where(taken[:, None], np.abs(state.f), state.before)
    state.x = np.where(taken[:, None], x, state.x)
    state.f = np.where(taken[:, None], f, state.f)
    state.jacobian = np.where(taken[:, None, None], jacobian, state.jacobian)
    state.travelled = np.maximum(state.travelled, np.abs(state.x - state.start))
    columns = column_norms(state.jacobian)
    state.scale = np.maximum(state.scale, columns)


# The ways.


def _scaled_size(x: Array, scale: Array) -> Array:
    size = norm(x * scale)
    return np.where(size > 0, size, 1.0)


def _dogleg(state: _State, free: Array) -> Array:
    return dogleg(_of_free(state, free), state.f, state.step, state.scale, state.reach)


def _levenberg(state: _State, free: Array) -> Array:
    return levenberg(_of_free(state, free), state.f, state.scale, state.reach)


def _of_free(state: _State, free: Array) -> Array:
    jacobian: Array = np.where(free[:, None, :], state.jacobian, 0.0)
    return jacobian


def _length(_state: _State, f: Array) -> Array:
    return norm(f)


def _natural(state: _State, f: Array) -> Array:
    """|D J^-1 F|, with the Jacobian of before the step: the same whatever the equations' units."""
    free = np.ones(f.shape, bool)
    usable = are_finite(f, state.jacobian)
    step, _ = newton(state.jacobian, np.where(usable[:, None], f, 0.0), state.x, state.scale, free)
    return np.where(usable, norm(step * state.scale), np.inf)


_LINE = Way(
    first=lambda x, _scale: np.ones(len(x)),
    trial=lambda state, _free: state.step * state.reach[:, None],
    used=lambda state, _step: state.reach,
    unit=lambda state: np.ones(len(state.x)),
    size=_length,
    most=1.0,
)

_REGION = Way(
    first=_scaled_size,
    trial=_dogleg,
    used=lambda state, step: norm(step * state.scale),
    unit=lambda state: norm(state.x * state.scale),
    size=_length,
    most=np.inf,
)

WAYS = {
    "newton": _LINE,
    "natural": replace(_LINE, size=_natural),
    "plain": replace(_LINE, falls=False),
    "dogleg": _REGION,
    "levenberg": replace(_REGION, trial=_levenberg),
}
