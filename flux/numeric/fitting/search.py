"""Levenberg and Marquardt's search, within a trust region and between bounds.

Each step minimises |r + J d| over |D d| <= radius, with D the lengths of the Jacobian's columns, so
that the search does not depend on the parameters' units. The step is bent along the curve on which
it would move by the second derivative of the residuals in its own direction (geodesic
acceleration), which is what follows a narrow bent valley. A parameter at a bound that the gradient
pushes against is held; steps are cut at bounds.

Sources:
    Moré, The Levenberg-Marquardt Algorithm: Implementation and Theory (1978), in: Numerical
    Analysis, Lecture Notes in Mathematics 630.
    Transtrum and Sethna, Improvements to the Levenberg-Marquardt Algorithm for Nonlinear
    Least-Squares Minimization (2012), arXiv:1201.5885, for the acceleration.
    Kanzow, Yamashita and Fukushima (2004), Journal of Computational and Applied Mathematics 172,
    375-397, for the projection onto bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.curvature import curvature
from flux.numeric.fitting.factors import EPSILON, Spectrum, length_of
from flux.numeric.fitting.objective import Objective, Place
from flux.numeric.fitting.reasons import FitReason
from flux.numeric.fitting.settled import LITTLE, Standing, stand

Array = NDArray[Any]

RADII = (10.0, 100.0, 1.0)  # of the first step, beside the length of D x: tried in this order
_POOR, _GOOD, _ACCEPTED = 0.25, 0.75, 1e-4  # of the reduction that was foreseen
_SHRINK, _GROW = 0.25, 2.0
_FINE = 1e-12  # a foreseen reduction, beside the cost, that the cost's own rounding hides
_STILL = 0.9  # of the gradient: less than this is no progress
_SLOW, _NEAR = 0.2, 0.01  # of the offset before, of the offset: where the curvature is asked
_NEWTON_TURNS = 12
_PROBE = 0.1  # of the step, to see how the residuals bend
_BEND = 0.75  # the most that the second-order part may be beside the first
_EXACT = 1e-10  # an offset at which nothing is gained any more
_LONG, _LOOK = 200, 50  # after so many steps, each so many: whether it runs off
_SECULAR_TURNS, _SECULAR_CLOSE = 30, 0.1


@dataclass
class Found:
    """Where a search ended.

    Attributes:
        place: the best one; None where the start was not finite.
        standing: of that place.
        iterations: steps that were tried.
        reason: why it ended: CONVERGED where the place is settled.
        lost: parameters that are not determined, or run off, (P,).
    """

    place: Place | None
    standing: Standing | None
    iterations: int
    reason: FitReason
    lost: Array


def search(
    objective: Objective,
    start: Array,
    low: Array,
    high: Array,
    most: int,
    radius: float = RADII[0],
) -> Found:
    """Search from a start between bounds.

    Args:
        objective: what is minimised.
        start: (P,), within the bounds.
        low: bounds, (P,), infinite where there is none.
        high: the same.
        most: steps.
        radius: of the first step, beside the length of D x.
    """
    place = objective.place(start)
    if place is None:
        return lost_at(start)
    region = _Region(objective, low, high, place, radius)
    turn = 0
    while turn < most and not region.finished:
        turn += 1
        region.advance()
        if turn >= _LONG and turn % _LOOK == 0 and region.runs_off:
            break
    return found_at(region.place, region.standing, turn, turn >= most)


def lost_at(start: Array) -> Found:
    """A search that could not begin."""
    return Found(None, None, 0, FitReason.NOT_FINITE, np.zeros(start.size, bool))


def found_at(place: Place, standing: Standing, turns: int, used_up: bool = False) -> Found:
    """What a search that ended here found."""
    lost = standing.undetermined()
    if standing.settled:
        return Found(place, standing, turns, FitReason.CONVERGED, lost)
    if not standing.factors.full:
        return Found(place, standing, turns, FitReason.UNDETERMINED, lost)
    away = standing.running_off(place.x)
    if away.any() and (turns >= _LONG or not used_up):
        return Found(place, standing, turns, FitReason.RUNAWAY, away)
    reason = FitReason.ITERATIONS if used_up else FitReason.STUCK
    return Found(place, standing, turns, reason, lost)


@dataclass(frozen=True)
class _Trial:
    """A step to be tried.

    Attributes:
        target: where it leads.
        foreseen: the fall of the cost that the linearised residuals promise.
        length: of D d.
        damping: 0 for Gauss and Newton's step.
    """

    target: Array
    foreseen: float
    length: float
    damping: float


class _Region:
    """The search's state: the place, the scale of the parameters, the radius of trust."""

    def __init__(
        self, objective: Objective, low: Array, high: Array, place: Place, radius: float
    ) -> None:
        self._objective, self._low, self._high = objective, low, high
        self._scale = np.zeros(place.x.size)
        self._stand(place)
        size = length_of(self._scale * place.x)
        self._radius = radius * (size if size > 0 else 1.0)
        self._curved = False  # whether the curvature has been followed
        self._smooth = False  # whether the last step did what was foreseen, undamped
        self.finished = self._is_over()

    def _stand(self, place: Place, standing: Standing | None = None) -> None:
        self.place = place
        self.standing = standing or stand(place, self._objective, self._low, self._high)
        free = self.standing.free
        self._scale[free] = np.maximum(self._scale[free], self.standing.factors.lengths)

    def _is_over(self) -> bool:
        if not self.standing.free.any() or self.place.cost == 0:
            return True
        return self.standing.settled and self.standing.offset <= _EXACT

    @property
    def runs_off(self) -> bool:
        """Whether the search follows parameters to where they have no end."""
        little = self.standing.offset <= LITTLE
        return little and bool(self.standing.running_off(self.place.x).any())

    def advance(self) -> None:
        """Try one step; move there, or trust less."""
        if not self.standing.factors.rank:
            self.finished = True  # nothing has any effect here
            return
        trial = self._trial()
        if not (trial.target != self.place.x).any():
            self.finished = True
            return
        # Most steps are taken, and the curve is the better part of its derivatives' work.
        place = self._objective.place(trial.target)
        if trial.foreseen <= _FINE * self.place.cost:
            self._polish(trial, place)
        else:
            self._judge(trial, place)

    def _trial(self) -> _Trial:
        free, scale = self.standing.free, self._scale[self.standing.free]
        scaled, damping, solve = self._direction(scale)
        bent = None if self._smooth else self._bent(scale, scaled, solve)
        straight = self._cut(free, scaled / scale)
        step = straight if bent is None else self._cut(free, (scaled + bent) / scale)
        change = self.standing.factors.change(straight[free])
        foreseen = -(float(self.place.gradient @ straight) + 0.5 * change)
        length = length_of(self._scale * straight)
        return _Trial(self.place.x + step, foreseen, length, damping)

    def _direction(self, scale: Array) -> tuple[Array, float, Callable[[Array], Array]]:
        """The step, its damping, and what inverse(JᵀJ + damping D²) makes of a vector; times D."""
        factors = self.standing.factors
        if factors.full:
            scaled = scale * factors.newton
            if length_of(scaled) <= self._radius:
                return scaled, 0.0, lambda g: scale * factors.solve(g)
        spectrum = factors.spectrum(scale)
        damping = _damping(spectrum, self._radius)
        return spectrum.step(damping), damping, lambda g: spectrum.solve(g, damping)

    def _judge(self, trial: _Trial, place: Place | None) -> None:
        gain = self.place.cost - (place.cost if place is not None else np.inf)
        ratio = gain / trial.foreseen if trial.foreseen > 0 else float(np.sign(gain))
        self._smooth = trial.damping == 0 and _GOOD < ratio < 2 - _GOOD
        if ratio < _POOR:
            self._radius = _SHRINK * min(self._radius, trial.length)
        elif ratio > _GOOD or trial.damping == 0:
            self._radius = max(self._radius, _GROW * trial.length)
        if ratio > _ACCEPTED:
            self._move(place)
        elif self._radius <= EPSILON * length_of(self._scale * self.place.x):
            self.finished = True

    def _move(self, place: Place | None, standing: Standing | None = None) -> None:
        if place is None:
            self._radius *= _SHRINK
            return
        before = self.standing.offset
        self._stand(place, standing)
        self.finished = self._is_over()
        slow = _SLOW * before < self.standing.offset <= _NEAR
        if slow and not self.finished and not self._curved:
            self._follow_curvature()

    def _follow_curvature(self) -> None:
        """Newton's steps, where large residuals make those of Gauss and Newton converge slowly.

        The second derivative is taken once; it hardly changes over so short a way.
        """
        self._curved = True
        bent = curvature(self._objective, self.place, self.standing)
        for _ in range(_NEWTON_TURNS if bent is not None else 0):
            step = bent.newton(self.place.gradient) if bent is not None else None
            if step is None or not self._improves(self.place.x + step):
                return
            self.finished = self._is_over()
            if self.finished:
                return

    def _improves(self, x: Array) -> bool:
        """Move to a place where the gradient is at most half as large, if it is one."""
        inside = ((x >= self._low) & (x <= self._high)).all()
        place = self._objective.place(x) if inside else None
        if place is None or not place.cost <= self.place.cost * (1 + _FINE):
            return False
        standing = stand(place, self._objective, self._low, self._high)
        better = 2 * standing.offset <= self.standing.offset
        if better:
            self._stand(place, standing)
        return better

    def _polish(self, trial: _Trial, place: Place | None) -> None:
        """Where the cost is flat to rounding, the gradient decides, until that stands still."""
        if place is not None and place.cost <= self.place.cost * (1 + _FINE):
            standing = stand(place, self._objective, self._low, self._high)
            if standing.offset < _STILL * self.standing.offset:
                self._move(place, standing)
                return
        if not self._curved:
            self._follow_curvature()
        self.finished = True

    def _bent(self, scale: Array, scaled: Array, solve: Callable[[Array], Array]) -> Array | None:
        """The second-order part of the step, times D; None where it is too large to be trusted."""
        free = self.standing.free
        step = np.zeros(free.size)
        step[free] = scaled / scale
        probe = self._objective.probe(self.place, _PROBE * step)
        if probe is None:
            return None
        bending = 2 / _PROBE * ((probe - self.place.r) / _PROBE - self.place.j @ step)
        if not np.isfinite(bending).all():
            return None
        bent: Array = -0.5 * solve((self.place.j.T @ bending)[free])
        small = 2 * length_of(bent) <= _BEND * length_of(scaled)
        return bent if small else None

    def _cut(self, free: Array, step: Array) -> Array:
        whole = np.zeros(free.size)
        whole[free] = step
        x = self.place.x
        cut: Array = np.minimum(np.maximum(x + whole, self._low), self._high) - x
        return cut


def _damping(spectrum: Spectrum, radius: float) -> float:
    """The damping at which the step is as long as the radius; 0 where Gauss-Newton's is shorter.

    Newton's method on 1/length - 1/radius, which is nearly straight in the damping: Hebden (1973).
    """
    values, projected = spectrum.values, spectrum.projected
    if values[-1] > 0 and length_of(spectrum.step(0.0)) <= radius:
        return 0.0
    low, high = 0.0, length_of(values * projected) / radius
    damping = min(high, 1e-3 * float(values[0]) ** 2)
    for _ in range(_SECULAR_TURNS):
        bottom = values**2 + damping
        length = length_of(values * projected / bottom)
        if abs(length - radius) <= _SECULAR_CLOSE * radius:
            break
        low, high = (damping, high) if length > radius else (low, damping)
        slope = float(((values * projected) ** 2 / bottom**3).sum()) / length if length > 0 else 0.0
        damping = damping + (length / radius - 1) * length / slope if slope > 0 else high
        if not low < damping < high:
            damping = max(1e-3 * high, float(np.sqrt(low * high)))
    return damping
