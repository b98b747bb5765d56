"""The exact test of Hardy-Weinberg proportions, for the counts of many variants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flux.formulas.exact_hardy_weinberg import hardy_weinberg_exact

Floats = NDArray[np.float64]


def hardy_exact(two: Floats, one: Floats, none: Floats) -> Floats:
    """The p-value of each variant; 1 where there is one allele, nan where nobody has a call.

    Variants of a cohort share few counts, so each set of counts is tested once.

    Shapes:
        two, one, none: (V,) people with so many copies; result: (V,).
    """
    counts = np.stack([two, one, none])
    keys, back = np.unique(counts, axis=1, return_inverse=True)
    found = hardy_weinberg_exact(*keys)
    return np.where(counts.sum(axis=0) > 0, found[back.reshape(-1)], np.nan)
