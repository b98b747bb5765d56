"""Variants: where each is, what it is called and its two alleles; names of chromosomes.

A row is one pair of alleles, so a record of several alternative alleles is several rows. `counted`
is the allele whose copies a cohort's dosages count: A1 of a .bim, ALT of a VCF.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Texts = NDArray[np.object_]

MOST_POSITION = (1 << 31) - 1  # the largest that a VCF can hold

# Numbers of PLINK for chromosomes that have names, and other spellings of those.
_SPELLINGS = {
    "23": "X",
    "24": "Y",
    "25": "PAR",
    "26": "MT",
    "M": "MT",
    "XY": "PAR",
    "PAR1": "PAR",
    "PAR2": "PAR",
}


def chromosome(text: str) -> str:
    """A chromosome under one name: `chr01` and `1` are `1`; `chrM`, `26` and `MT` are `MT`."""
    bare = text[3:] if text[:3].lower() == "chr" else text
    bare = bare.upper()
    if bare.isascii() and bare.isdigit():
        bare = str(int(bare)) if len(bare) <= 9 else bare
    return _SPELLINGS.get(bare, bare)


class Chromosomes(dict[str, str]):
    """Names of chromosomes by the spelling in a file; each spelling is looked at once."""

    def __missing__(self, text: str) -> str:
        self[text] = chromosome(text)
        return self[text]


class Capitals(dict[str, str]):
    """Alleles in capitals by the spelling in a file; equal ones are one text."""

    def __missing__(self, text: str) -> str:
        self[text] = text.upper()
        return self[text]


@dataclass(frozen=True)
class Variants:
    """Columns of equal length.

    Attributes:
        chrom: names, as `chromosome` makes them.
        position: bases from 1.
        id: as in the file.
        counted, other: alleles, in capitals.
    """

    chrom: Texts
    position: NDArray[np.int64]
    id: Texts
    counted: Texts
    other: Texts

    def __len__(self) -> int:
        return len(self.position)


def texts(values: Any) -> Texts:
    """A column of texts."""
    made = np.empty(len(values), object)
    made[:] = values
    return made
