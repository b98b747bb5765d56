"""What a fit says about its parameters: covariance, errors, and how well the curve fits.

covariance = noise^2 * inverse(JᵀJ), over the parameters that the data determine and that are not
held at a bound; noise^2 = sum(w r^2)/(N - P), or 1 where the standard deviations of the data are
known as they are.

Source:
    Seber and Wild, Nonlinear Regression (1989), chapters 2 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.attempt import Attempt, Plan
from flux.numeric.fitting.losses import LOSSES, SQUARES, spread
from flux.numeric.fitting.losses import noise as noise_without_outliers
from flux.numeric.fitting.problem import FitProblem

Array = NDArray[Any]
NAN = float("nan")


@dataclass(frozen=True)
class Statistics:
    """The figures of a fit.

    Attributes:
        covariance: (P, P); nan for parameters that are not determined or at a bound.
        chi_square: sum(w r^2).
        degrees_of_freedom: N - P.
        noise: the residuals' standard error; of unit weight where there are weights; with a robust
            loss, from the median of |r|.
        r_squared: 1 - chi_square / sum(w (y - mean)^2).
        log_likelihood: of normal noise; nan with a robust loss.
        aic, bic: Akaike's and Schwarz's, from it; an unknown noise counts as a parameter.
    """

    covariance: Array
    chi_square: float
    degrees_of_freedom: int
    noise: float
    r_squared: float
    log_likelihood: float
    aic: float
    bic: float


def describe(problem: FitProblem, plan: Plan, attempt: Attempt, absolute: bool) -> Statistics:
    """The figures of a fit."""
    size = problem.curve.parameters.start.size
    place = attempt.found.place
    if place is None:
        return Statistics(np.full((size, size), NAN), *(NAN, problem.rows - size, *(NAN,) * 5))
    r = problem.objective().residuals(place.x) if attempt.threshold > 0 else place.r
    chi_square, spare = float(r @ r), problem.rows - size
    noise = float(np.sqrt(chi_square / spare)) if spare > 0 else NAN
    robust = plan.loss != SQUARES and attempt.threshold > 0
    if robust:
        factor = spread(LOSSES[plan.loss], attempt.threshold, r, size)
        noise = noise_without_outliers(r, size)
    else:
        factor = 1.0 if absolute else noise**2
    likelihood = NAN if robust else _log_likelihood(problem, chi_square, absolute)
    counted = size + (not absolute)
    return Statistics(
        factor * _inverse(problem, attempt),
        chi_square,
        spare,
        noise,
        _r_squared(problem, chi_square),
        likelihood,
        2 * counted - 2 * likelihood,
        counted * float(np.log(problem.rows)) - 2 * likelihood,
    )


def _inverse(problem: FitProblem, attempt: Attempt) -> Array:
    """inverse(JᵀJ) with nan where there is no such thing.

    With a robust loss the covariance is in terms of the plain Jacobian.
    """
    place, standing = attempt.found.place, attempt.found.standing
    assert place is not None
    assert standing is not None
    inverse = np.full((place.x.size, place.x.size), NAN)
    known = np.flatnonzero(standing.free)[~standing.factors.undetermined()]
    half = standing.factors.half[:, ~standing.factors.undetermined()]
    if attempt.threshold > 0:
        j = problem.objective().jacobian(place.x)[:-1].T
        q_r = np.linalg.qr(j[:, known], mode="r")
        half = np.linalg.pinv(q_r).T
    inverse[np.ix_(known, known)] = half.T @ half
    return inverse


def _r_squared(problem: FitProblem, chi_square: float) -> float:
    observed, roots = problem.observed, problem.root_weights
    weights = None if roots is None else (roots / roots.max()) ** 2  # which do not all underflow
    mean = float(np.average(observed, weights=weights))
    around = problem.weighted(observed - mean)
    total = float(around @ around)
    return 1 - chi_square / total if total > 0 else NAN


def _log_likelihood(problem: FitProblem, chi_square: float, absolute: bool) -> float:
    """Of normal noise with standard deviation 1/root_weights, times a common factor if unknown."""
    n = problem.rows
    roots = problem.root_weights
    shift = 0.0 if roots is None else float(np.log(roots).sum())
    shift -= n / 2 * float(np.log(2 * np.pi))
    if absolute:
        return shift - chi_square / 2
    if chi_square == 0:
        return float("inf")
    return shift - n / 2 * (float(np.log(chi_square / n)) + 1)
