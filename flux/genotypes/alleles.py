"""Alleles as numbers: their complements, and pairs that look alike on both strands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

NONE = -1
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def complement(allele: str) -> str:
    """The allele read from the other strand; what is no sequence has none, an empty text."""
    return allele.translate(_COMPLEMENT)[::-1] if set(allele) <= set("ACGT") else ""


class Alleles:
    """Numbers for alleles, the same in every table; `other_strand` maps numbers to numbers."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict(count().__next__)
        self._numbers[""] = NONE

    def codes(self, alleles: Sequence[str] | NDArray[np.object_]) -> Codes:
        """The number of each allele; NONE for an empty text."""
        return np.fromiter(map(self._numbers.__getitem__, alleles), np.int64, len(alleles))

    def other_strand(self, codes: Codes) -> Codes:
        """The number of each allele's complement; NONE where it has none, or nobody has it."""
        known = list(self._numbers.items())
        flipped = np.full(len(known), NONE, np.int64)  # the last place is that of NONE
        for allele, code in known:
            flipped[code] = self._numbers.get(complement(allele), NONE)
        return flipped[codes]

    def ambiguous(self, one: Codes, two: Codes) -> NDArray[np.bool_]:
        """Whether two alleles are each other's complements, A and T or C and G."""
        flipped = self.other_strand(one)
        found: NDArray[np.bool_] = np.logical_and.reduce([flipped == two, one != NONE, two != NONE])
        return found
