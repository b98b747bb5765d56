"""The exact test of Hardy-Weinberg equilibrium, for many rows at once.

The library's definition sums over every possible number of heterozygotes. Here the sum starts at
the number observed and goes both ways by the ratio of neighbouring probabilities, and stops where
nothing is added, so that counts in the millions take thousands of steps.

Source:
    Wigginton, Cutler and Abecasis, A Note on Exact Tests of Hardy-Weinberg Equilibrium (2005),
    American Journal of Human Genetics 76, 887-893.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError

Floats = NDArray[np.float64]

_TIE = 1 + 1e-7  # probabilities that differ by rounding only are equal
_NOTHING = 2.0**-60  # beside the sum of what is no likelier than the observed number


def hardy_weinberg_exact(n_aa: Any, n_ab: Any, n_bb: Any) -> Floats:
    """The exact two-sided p-value for counts of genotypes.

    sum of P(h) over all h with P(h) <= P(n_ab), where P(h) is the probability of h heterozygotes
    given the alleles

    Shapes:
        arguments of shapes that broadcast; the result has their shape. It is nan where a count is.

    Raises:
        DataError: a count that is negative, infinite or no whole number.
    """
    counts = np.broadcast_arrays(*(np.asarray(n, np.float64) for n in (n_aa, n_ab, n_bb)))
    missing = np.isnan(counts).any(axis=0)
    rows = [np.where(missing, 0.0, n).ravel() for n in counts]
    for name, values in zip(("n_aa", "n_ab", "n_bb"), rows, strict=True):
        _check_counts(name, values)
    below_down, all_down = _walk(_down, -2, *rows)
    below_up, all_up = _walk(_up, 2, *rows)
    # Where the observed number is so unlikely that the sum overflows, the p-value is 0.
    p = (1 + below_down + below_up) / (1 + all_down + all_up)
    return np.where(missing, np.nan, np.minimum(p, 1.0).reshape(missing.shape))


def _check_counts(name: str, values: Floats) -> None:
    wrong = (values < 0) | (values != np.floor(values)) | np.isinf(values)
    if wrong.any():
        place = int(np.argmax(wrong))
        text = f"`{name}` is {values[place]:g} at {place}; it counts people"
        raise DataError(text, hint="a whole number from 0 on")


def _down(aa: Floats, ab: Floats, bb: Floats) -> Floats:
    """The probability of two heterozygotes fewer, over that of ab."""
    return ab * (ab - 1) / (4 * (aa + 1) * (bb + 1))


def _up(aa: Floats, ab: Floats, bb: Floats) -> Floats:
    """The probability of two heterozygotes more, over that of ab."""
    return 4 * aa * bb / ((ab + 2) * (ab + 1))


def _walk(
    step: Callable[[Floats, Floats, Floats], Floats],
    change: int,
    aa: Floats,
    ab: Floats,
    bb: Floats,
) -> tuple[Floats, Floats]:
    """Sums of P(h)/P(observed) one way: over those no likelier than the observed one, and all."""
    rest = np.zeros_like(aa), np.zeros_like(aa)
    rows = np.arange(aa.size)
    weight, below, total = np.ones_like(aa), np.zeros_like(aa), np.zeros_like(aa)
    while rows.size:
        with np.errstate(over="ignore"):
            ratio = step(aa, ab, bb)
            weight = weight * ratio
            total = total + weight
        below = below + np.where(weight <= _TIE, weight, 0.0)
        rest[0][rows], rest[1][rows] = below, total
        ab, aa, bb = ab + change, aa - change / 2, bb - change / 2
        going = (weight > 0) & (total < np.inf) & ((ratio >= 1) | (weight > _NOTHING * (1 + below)))
        rows, aa, ab, bb = rows[going], aa[going], ab[going], bb[going]
        weight, below, total = weight[going], below[going], total[going]
    return rest
