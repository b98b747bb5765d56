"""What each genotype of a block is worth: the effects of calls, and of what is missing.

A call has four codes, so a term of packed genotypes is a table of four values, which the effects'
formulas fill; dosages go through the formulas themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.genotypes.effects import Effects
from flux.genotypes.weights import DOMINANT, RECESSIVE

Floats = NDArray[np.float64]

# Copies of the counted allele of two, by code: 00, 01 (no call), 10, 11.
OF_CODE = np.array([2.0, np.nan, 1.0, 0.0])
MISSING = ("mean", "none")


@dataclass(frozen=True)
class Valuing:
    """How genotypes become numbers.

    Attributes:
        effects: of the kinds of terms.
        missing: `mean`: a missing genotype counts as the mean of the others; `none`: as nothing.
    """

    effects: Effects
    missing: str = "mean"

    @property
    def needs_frequency(self) -> bool:
        """Whether frequencies of alleles take part."""
        return self.missing == "mean" or self.effects.of_frequency

    def of(
        self,
        kind: int,
        copies: Floats,
        counted: NDArray[np.bool_],
        ploidy: int,
        frequency: Floats,
        by_dosage: Floats,
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Effects, copies of the effect allele among calls, and where there is no call.

        Of dominant and recessive effects, as PLINK, the copies are those that have an effect.

        Shapes:
            copies: (F, M), of the counted allele, 0 to 2, nan where there is no call; counted,
            frequency (of the counted allele): (F,); by_dosage: (F, 3); results: (F, M).

        Raises:
            ArgumentError: an effect is not finite.
        """
        absent = np.isnan(copies)
        g = copies * (ploidy / 2)
        g = np.where(counted[:, None], g, ploidy - g)
        g[absent] = 0.0
        share = np.where(counted, frequency, 1 - frequency)
        share = np.where(np.isnan(share), 0.0, share)[:, None]
        places = np.full((1, 1), float(ploidy))
        value = self.effects.of(kind, g, places, share, by_dosage)
        if not np.isfinite(value).all():
            at = g[~np.isfinite(value)].flat[0]
            raise ArgumentError(f"the effect {self.effects.name!r} is not finite at g = {at:g}")
        called = np.where(absent, 0.0, value)
        named = called if kind in (DOMINANT, RECESSIVE) else g
        if self.missing == "none":
            return called, named, absent
        return np.where(absent, self._imputed(kind, share, places, by_dosage), value), named, absent

    def _imputed(self, kind: int, share: Floats, places: Floats, by_dosage: Floats) -> Floats:
        """The effect of the mean dosage; of dominant and recessive, as PLINK, the frequency."""
        if kind in (DOMINANT, RECESSIVE):
            return share
        return self.effects.of(kind, share * places, places, share, by_dosage)
