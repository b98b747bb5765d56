"""Why a fit ended."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class FitReason(IntEnum):
    """Why a fit ended; the first two are convergence."""

    CONVERGED = 0
    ONE_STEP = 1
    UNDETERMINED = 2
    ITERATIONS = 3
    STUCK = 4
    SADDLE = 5
    NOT_FINITE = 6
    RUNAWAY = 7


FIT_REASONS: Mapping[FitReason, str] = {
    FitReason.CONVERGED: "the gradient and the step are within the tolerance, at a minimum",
    FitReason.ONE_STEP: "the model is linear in its parameters: solved in one step",
    FitReason.UNDETERMINED: "the data do not determine every parameter",
    FitReason.ITERATIONS: "the most iterations were used",
    FitReason.STUCK: "no step lowers the sum of squares, and the gradient is not small",
    FitReason.SADDLE: "the gradient is zero, but not at a minimum",
    FitReason.NOT_FINITE: "the model or a derivative of it is not finite at the start",
    FitReason.RUNAWAY: "the sum of squares falls ever more slowly while parameters run off",
}
