"""The exact test of Hardy-Weinberg proportions, for many variants at once.

`hardy_exact` of the library is the definition. Here the likelihood ratio of neighbouring numbers of
heterozygotes, 4*n2*n0 / ((h + 2)*(h + 1)), is followed from the number seen down and up, all
variants in step, until what is left adds nothing.

Source:
    Wigginton, Cutler and Abecasis, Am. J. Hum. Genet. 76:887 (2005).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LIKELY = 1 + 1e-7  # ratios to that of the number seen that count as equal, as PLINK does
_NOTHING = 1e-18  # of the sum so far
_EVERY = 16  # steps between two looks at who is finished


def hardy_exact(two: Floats, one: Floats, none: Floats) -> Floats:
    """The p-value of each variant; 1 where there is one allele, nan where nobody has a call.

    Shapes:
        two, one, none: (V,) people with so many copies; result: (V,).
    """
    keys, back = np.unique(np.stack([two, one, none]), axis=1, return_inverse=True)
    found = _exact(keys[0], keys[1], keys[2])
    return np.where(np.add(np.add(two, one), none) > 0, found[back.reshape(-1)], np.nan)


def _exact(two: Floats, one: Floats, none: Floats) -> Floats:
    down = _walk(two, one, none, _fewer)
    up = _walk(two, one, none, _more)
    unlikely, all_of_them = 1 + down[0] + up[0], 1 + down[1] + up[1]
    # Beyond infinity a ratio times 0 is nan; the sum is infinite all the same.
    all_of_them = np.where(np.isnan(all_of_them), np.inf, all_of_them)
    return np.minimum(unlikely / all_of_them, 1.0)


_State = tuple[Floats, Floats, Floats, Floats]


def _fewer(two: Floats, h: Floats, none: Floats, ratio: Floats) -> _State:
    """Two heterozygotes fewer, and the ratio of their likelihood to that at the start."""
    factor = h * (h - 1) / (4 * (two + 1) * (none + 1))
    return two + 1, h - 2, none + 1, ratio * factor


def _more(two: Floats, h: Floats, none: Floats, ratio: Floats) -> _State:
    """Two heterozygotes more."""
    factor = 4 * two * none / ((h + 2) * (h + 1))
    return two - 1, h + 2, none - 1, ratio * factor


def _walk(
    two: Floats, one: Floats, none: Floats, step: Callable[[Floats, Floats, Floats, Floats], _State]
) -> tuple[Floats, Floats]:
    """Sums of ratios in one direction: of those that are no likelier, and of all.

    Ratios rise to the mode before they fall, so a variant is finished once its ratio falls and is
    nothing beside the sum. A ratio that overflows is infinite: the number seen then has a p of 0.
    """
    unlikely, total = np.zeros(len(one)), np.zeros(len(one))
    left = np.arange(len(one))
    state: _State = (two, one, none, np.ones(len(one)))
    some_unlikely, some_total = np.zeros(len(one)), np.zeros(len(one))
    with np.errstate(over="ignore", invalid="ignore"):
        while len(left):
            before = state[3]
            for _ in range(_EVERY):
                before = state[3]
                state = step(*state)
                some_total += state[3]
                some_unlikely += np.where(state[3] <= _LIKELY, state[3], 0.0)
            unlikely[left], total[left] = some_unlikely, some_total
            falls = state[3] < before
            going = (state[3] > 0) & ~(falls & (state[3] < _NOTHING * some_unlikely))
            going &= np.isfinite(state[3])
            state = (state[0][going], state[1][going], state[2][going], state[3][going])
            some_unlikely, some_total = some_unlikely[going], some_total[going]
            left = left[going]
    return unlikely, total
