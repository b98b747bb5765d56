"""Several starts: the given one, and others drawn around it, or between bounds.

The draws are the same in every run: a counter-based generator with a fixed seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.numeric.fitting.parameters import Parameters

Array = NDArray[Any]
_DECADES = 1.5  # up and down from a start without bounds
_WIDE = 100.0  # bounds of one sign, further apart than this, are drawn between in decades


def draws(parameters: Parameters, count: int, seed: int) -> Iterator[Array]:
    """So many starts, the given one first."""
    yield parameters.start
    if count == 1:  # a generator takes as long as some steps of a search
        return
    random = np.random.Generator(np.random.Philox(seed))
    for _ in range(count - 1):
        share = random.uniform(size=parameters.start.size)
        triples = zip(parameters.start, parameters.low, parameters.high, share, strict=True)
        yield np.array([_draw(*triple) for triple in triples])


def _draw(start: float, low: float, high: float, share: float) -> float:
    if np.isfinite(low) and np.isfinite(high):
        if low > 0 and high > _WIDE * low:
            return float(low * (high / low) ** share)
        return float(low + share * (high - low))
    factor = 10 ** (_DECADES * (2 * share - 1))
    drawn = start * factor if start != 0 else 2 * share - 1
    return float(np.clip(drawn, low, high))
