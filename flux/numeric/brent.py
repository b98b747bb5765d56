"""Brent's method over rows at once: inverse quadratic interpolation, secants and bisections.

Source:
    Brent, Algorithms for Minimization without Derivatives (1973), chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.accept import EPSILON, TINY, Judge
from flux.numeric.safeguarded import Outcome
from flux.numeric.solution import Reason

Array = NDArray[Any]


@dataclass
class _State:
    """The unfinished rows: b is the best place, c is on the other side, a was b before.

    d is the last step and e the one before it.
    """

    rows: Array
    place: Array
    a: Array
    b: Array
    c: Array
    fa: Array
    fb: Array
    fc: Array
    d: Array
    e: Array
    first: Array
    tight: Array

    def keep(self, mask: Array) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[mask])


def search(judge: Judge, rows: Array, minus: Array, plus: Array, max_iterations: int) -> Outcome:
    """The root between a place with a negative residual and one with a positive one, each row."""
    fa, fb = judge.value(minus, rows)[0], judge.value(plus, rows)[0]
    outcome = Outcome.unfinished(plus)
    state = _State(
        rows, np.arange(rows.size), minus, plus, minus, fa, fb, fa, plus - minus, plus - minus,
        np.minimum(np.abs(fa), np.abs(fb)), np.zeros(rows.size, bool),
    )  # fmt: skip
    for turn in range(2, max_iterations + 1):
        _order(state)
        state.keep(~_settle(state, judge, outcome, turn))
        if not state.rows.size:
            return outcome
        _advance(state, judge)
    outcome.x[state.place], outcome.residual[state.place] = state.b, state.fb
    outcome.iterations[state.place] = max_iterations
    return outcome


def _order(state: _State) -> None:
    """Make b and c lie on two sides of the root, and b the better one."""
    same = np.sign(state.fb) == np.sign(state.fc)
    state.c, state.fc = np.where(same, state.a, state.c), np.where(same, state.fa, state.fc)
    state.d = np.where(same, state.b - state.a, state.d)
    state.e = np.where(same, state.d, state.e)
    worse = np.abs(state.fc) < np.abs(state.fb)
    a, b, c = state.a, state.b, state.c
    fa, fb, fc = state.fa, state.fb, state.fc
    state.a, state.b, state.c = np.where(worse, b, a), np.where(worse, c, b), np.where(worse, b, c)
    state.fa = np.where(worse, fb, fa)
    state.fb = np.where(worse, fc, fb)
    state.fc = np.where(worse, fb, fc)


def _settle(state: _State, judge: Judge, outcome: Outcome, turn: int) -> Array:
    width, last = np.abs(state.c - state.b), _last(state)
    done: Array = (width <= np.maximum(_limit(state, judge), last)) | (state.fb == 0)
    (at,) = np.nonzero(done)
    if at.size:
        x, f = state.b[at], state.fb[at]
        small = judge.residual_is_small(x, f, state.rows[at], np.zeros(at.size))
        # Beside the way that was gone, a bracket may be narrow that beside x is not: near 0 there
        # may be a root, and it is closed to the last bit.
        closed = small | (np.abs(f) >= state.first[at]) | (width[at] <= last[at])
        state.tight[at] |= ~closed
        done[at] = closed
        place = state.place[at[closed]]
        outcome.x[place], outcome.residual[place] = x[closed], f[closed]
        outcome.iterations[place] = turn
        outcome.status[place] = np.where(small, Reason.CONVERGED, Reason.POLE)[closed]
    return done


def _limit(state: _State, judge: Judge) -> Array:
    """The width that says that the root is there; the last bit's where that was not enough."""
    return np.where(state.tight, _last(state), judge.step_limit(state.b, state.rows))


def _last(state: _State) -> Array:
    last: Array = 2 * EPSILON * np.abs(state.b) + TINY
    return last


def _advance(state: _State, judge: Judge) -> None:
    """Interpolate where that is within three quarters of the bracket and shrinks; else bisect."""
    half = (state.c - state.b) / 2
    limit = _limit(state, judge) / 2 + EPSILON * np.abs(state.b)
    p, q = _interpolation(state, half)
    good = (2 * p < 3 * half * q - np.abs(limit * q)) & (2 * p < np.abs(state.e * q))
    good &= (np.abs(state.e) >= limit) & (np.abs(state.fa) > np.abs(state.fb))
    state.e = np.where(good, state.d, half)
    state.d = np.where(good, p / q, half)
    state.a, state.fa = state.b, state.fb
    least = np.copysign(limit, half)
    state.b = state.b + np.where(np.abs(state.d) > limit, state.d, least)
    state.fb = judge.value(state.b, state.rows)[0]


def _interpolation(state: _State, half: Array) -> tuple[Array, Array]:
    """The step p/q, with p made positive: a secant, or an inverse parabola through a, b and c."""
    s = state.fb / state.fa
    q, r = state.fa / state.fc, state.fb / state.fc
    secant = state.a == state.c
    p = np.where(
        secant,
        2 * half * s,
        s * (2 * half * q * (q - r) - (state.b - state.a) * (r - 1)),
    )
    q = np.where(secant, 1 - s, (q - 1) * (r - 1) * (s - 1))
    return np.abs(p), np.where(p > 0, -q, q)
