"""Many digits, intervals, and how many digits of a float64 value are right."""

from flux.precision.bounds import Interval
from flux.precision.check import Loss, PrecisionReport, check_precision
from flux.precision.digits import Digits, evaluate_digits
from flux.precision.enclosure import interval

__all__ = [
    "Digits",
    "Interval",
    "Loss",
    "PrecisionReport",
    "check_precision",
    "evaluate_digits",
    "interval",
]
