"""Alleles as numbers: their complements, and pairs that look alike on both strands."""

from __future__ import annotations

from collections.abc import Iterable

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
        self._numbers: dict[str, int] = {"": NONE}
        self._next = 0

    def codes(self, alleles: Iterable[str]) -> Codes:
        """The number of each allele; NONE for an empty text."""
        return np.array([self._code(allele) for allele in alleles], np.int64)

    def _code(self, allele: str) -> int:
        found = self._numbers.get(allele)
        if found is None:
            found = self._numbers[allele] = self._next
            self._next += 1
        return found

    def other_strand(self, codes: Codes) -> Codes:
        """The number of each allele's complement; NONE where it has none, or nobody has it."""
        known = list(self._numbers.items())
        flipped = np.full(self._next + 1, NONE, np.int64)  # the last place is that of NONE
        for allele, code in known:
            flipped[code] = self._numbers.get(complement(allele), NONE)
        return flipped[codes]

    def ambiguous(self, one: Codes, two: Codes) -> NDArray[np.bool_]:
        """Whether two alleles are each other's complements, A and T or C and G."""
        return (one != NONE) & (two != NONE) & (self.other_strand(one) == two)
