"""Confidence intervals from the sum of squares itself, without the linear approximation.

A parameter is held at one place after another, and the others are fitted anew at each. How far the
sum of squares S has risen then says how far the data allow that place:

    tau = sign(place - value) * sqrt((S(place) - S(value)) / noise^2)

The interval is where |tau| is at most Student's quantile. It follows bends of the curve, depends on
no choice of units or logarithms, and an end of it may lie at infinity. Each side is followed
outwards in small steps of tau; where it passes the quantile, Newton's method on tau finds the
place, with dS/dplace = 2 r . dr/dplace, since S is least over the others.

Source:
    Bates and Watts, Nonlinear Regression Analysis and Its Applications (1988), section 6.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import NotFoundError
from flux.numeric.fitting.factors import EPSILON
from flux.numeric.fitting.objective import Objective
from flux.numeric.fitting.problem import FitProblem
from flux.numeric.fitting.reasons import FitReason
from flux.numeric.fitting.search import search

Array = NDArray[Any]

_PARTS = 5  # of the quantile: how far tau goes in a step
_GROWTH = 3.0  # of a step, beside the one before
_MOST_POINTS, _MOST_RETRIES = 200, 6
_FAR = 1e8  # beside the value and its error: further out nothing is followed
_MOST_SEARCHED = 200  # steps of the fit of the others
_REFINEMENTS = 40
_CLOSE = 1e-10  # of tau, beside the quantile
_LOWER = 1e-6  # a fall of S, in units of noise^2, that is no rounding
_RESOLVED = 1e3 * EPSILON  # noise beside the data: under it, S says nothing of the noise


class ProfileEnd(IntEnum):
    """Why an interval ends where it does."""

    CROSSED = 0
    BOUND = 1
    OPEN = 2
    LOST = 3


PROFILE_ENDS: Mapping[ProfileEnd, str] = {
    ProfileEnd.CROSSED: "the sum of squares reaches the level here",
    ProfileEnd.BOUND: "the parameter's bound comes first",
    ProfileEnd.OPEN: "the sum of squares stays under the level as far as it was followed",
    ProfileEnd.LOST: "further out the others could not be fitted, or the model is not finite",
}


@dataclass(frozen=True, eq=False)
class Profile:
    """The confidence interval of one parameter, and what the sum of squares does around it.

    Attributes:
        name: of the parameter.
        value: where the sum of squares is least.
        low, high: the ends; infinite where it stays under the level, nan where it was not found.
        level: how often such an interval holds the truth.
        ends: a ProfileEnd for the low end and one for the high end.
        at: places at which the others were fitted anew, rising, (K,).
        tau: signed root of the rise of the sum of squares over noise^2 there, (K,).
        quantile: of |tau|, which the level stands for.
    """

    name: str
    value: float
    low: float
    high: float
    level: float
    ends: tuple[ProfileEnd, ProfileEnd]
    at: Array
    tau: Array
    quantile: float

    @property
    def reasons(self) -> tuple[str, str]:
        """Why the interval ends at its low and at its high end, in words."""
        low, high = self.ends
        return PROFILE_ENDS[low], PROFILE_ENDS[high]


@dataclass(frozen=True)
class _Point:
    """A place of the parameter with the others fitted to it.

    Attributes:
        x: all parameters, (P,).
        place: of the one.
        tau: without its sign: from 0 up.
        slope: how tau grows along the direction that is followed.
    """

    x: Array
    place: float
    tau: float
    slope: float


@dataclass(frozen=True)
class _Line:
    """One side of a parameter, from the fit outwards.

    Attributes:
        problem: the fit.
        objective: its least squares.
        k: which parameter.
        sign: -1 downwards, 1 upwards.
        least: the sum of squares of the fit.
        noise: what tau is measured in.
    """

    problem: FitProblem
    objective: Objective
    k: int
    sign: int
    least: float
    noise: float

    def point(self, place: float, guess: Array) -> _Point | None:
        """The others fitted with the parameter held; None where that fails."""
        x = self._fitted(place, guess)
        if x is None:
            return None
        both = self.objective.jacobian(x)
        r = both[-1]
        squares = float(r @ r)
        self._check_least(squares, x)
        tau = float(np.sqrt(max(squares - self.least, 0.0))) / self.noise
        rise = self.sign * float(r @ both[self.k]) / self.noise**2
        return _Point(x, place, tau, rise / tau if tau > 0 else 0.0)

    def _fitted(self, place: float, guess: Array) -> Array | None:
        whole = np.array(guess)
        whole[self.k] = place
        others = np.arange(guess.size) != self.k
        if not others.any():
            return whole if np.isfinite(self.objective.residuals(whole)).all() else None

        def joined(v: Array) -> Array:
            x = np.array(whole)
            x[others] = v
            return x

        parameters, own = self.problem.curve.parameters, self.objective
        objective = Objective(
            lambda v: own.residuals(joined(v)),
            lambda v: own.jacobian(joined(v))[np.append(others, True)],
            own.magnitude,
        )
        low, high = parameters.low[others], parameters.high[others]
        found = search(objective, np.clip(whole[others], low, high), low, high, _MOST_SEARCHED)
        # A parameter without effect, at a place where another one is zero, leaves S as it is.
        known = found.reason in (FitReason.CONVERGED, FitReason.UNDETERMINED)
        standing = found.standing
        if found.place is None or standing is None or not known or not standing.gradient_is_small:
            return None
        return joined(found.place.x)

    def _check_least(self, squares: float, x: Array) -> None:
        if squares < self.least * (1 - 1e-12) - _LOWER * self.noise**2:
            names = self.problem.curve.parameters.labels
            at = ", ".join(f"{n}={v:.6g}" for n, v in zip(names, x[:8], strict=False))
            raise NotFoundError(
                f"the fit is not at the lowest minimum: the sum of squares is {squares:.8g} there,"
                f" and {self.least:.8g} at the fit",
                hint=f"fit again from {at}",
            )


def follow(
    problem: FitProblem, vector: Array, k: int, error: float, noise: float, quantile: float
) -> tuple[list[tuple[float, ProfileEnd]], Array, Array]:
    """Both ends of a parameter's interval, and the places between them with their tau.

    Args:
        problem: the fit.
        vector: where its sum of squares is least, (P,).
        k: which parameter.
        error: about how far the parameter moves for tau to be 1.
        noise: what tau is measured in: the standard deviation of a residual.
        quantile: of |tau|.

    Raises:
        NotFoundError: a lower sum of squares was met, or the residuals are only rounding.
    """
    objective = problem.objective()
    if not noise > _RESOLVED * objective.magnitude / np.sqrt(max(problem.rows, 1)):
        text = "the residuals are no more than rounding: there is no noise to measure by"
        raise NotFoundError(text, hint="give the noise as sigma, with absolute=True")
    r = objective.residuals(vector)
    ends, places, taus = [], [float(vector[k])], [0.0]
    for sign in (-1, 1):
        line = _Line(problem, objective, k, sign, float(r @ r), noise)
        points, end = _outwards(line, _Point(vector, float(vector[k]), 0.0, 1 / error), quantile)
        ends.append(end)
        places += [point.place for point in points]
        taus += [sign * point.tau for point in points]
    order = np.argsort(places)
    return ends, np.array(places)[order], np.array(taus)[order]


def _outwards(
    line: _Line, start: _Point, quantile: float
) -> tuple[list[_Point], tuple[float, ProfileEnd]]:
    """Points from the fit outwards, and the end that was met."""
    parameters = line.problem.curve.parameters
    bound = float((parameters.low if line.sign < 0 else parameters.high)[line.k])
    points, step, failed = [start], quantile / _PARTS / start.slope, 0
    far = _FAR * (abs(start.place) + 1 / start.slope)
    while len(points) < _MOST_POINTS and failed < _MOST_RETRIES and step < far:
        here = points[-1]
        if here.place == bound:
            return points[1:], (bound, ProfileEnd.BOUND)
        place = line.sign * min(line.sign * here.place + step, line.sign * bound)
        point = line.point(place, _guess(points, place))
        if point is None:
            step, failed = step / _GROWTH, failed + 1
            continue
        if point.tau >= quantile:
            found = _crossing(line, here, point, quantile)
            return [*points[1:], *found[0]], found[1]
        points.append(point)
        wanted = quantile / _PARTS / point.slope if point.slope > 0 else np.inf
        step = min(_GROWTH * step, wanted)
    if failed == _MOST_RETRIES:
        return points[1:], (float("nan"), ProfileEnd.LOST)
    return points[1:], (line.sign * float("inf"), ProfileEnd.OPEN)


def _guess(points: list[_Point], place: float) -> Array:
    """All parameters at a place, along the line through the last two points."""
    last = points[-1]
    if len(points) == 1:
        return last.x
    before = points[-2]
    share = (place - last.place) / (last.place - before.place)
    guess: Array = last.x + share * (last.x - before.x)
    return guess


def _crossing(
    line: _Line, inside: _Point, outside: _Point, quantile: float
) -> tuple[list[_Point], tuple[float, ProfileEnd]]:
    """Where tau is the quantile, between two points: Newton's steps, bisection where they leave."""
    here = outside
    for _ in range(_REFINEMENTS):
        close = abs(here.tau - quantile) <= _CLOSE * quantile
        narrow = abs(outside.place - inside.place) <= 4 * EPSILON * abs(outside.place)
        if close or narrow:
            return [here], (here.place, ProfileEnd.CROSSED)
        place = _between(line.sign, inside, outside, here, quantile)
        share = (place - inside.place) / (outside.place - inside.place)
        point = line.point(place, inside.x + share * (outside.x - inside.x))
        if point is None:
            break
        here = point
        inside, outside = (inside, here) if here.tau >= quantile else (here, outside)
    return [], (float("nan"), ProfileEnd.LOST)


def _between(sign: int, inside: _Point, outside: _Point, here: _Point, quantile: float) -> float:
    low, high = sorted((inside.place, outside.place))
    if here.slope > 0:
        newton = here.place + sign * (quantile - here.tau) / here.slope
        if low < newton < high:
            return newton
    return low / 2 + high / 2
