"""How many copies of a chromosome a person has.

PLINK 2's rules: two, but on Y one for males and none for others, on the mitochondrial genome one.
On X everybody counts two by default, a male's only copy as both (`--xchr-model 2`), or a male one
(`--xchr-model 1`). Frequencies count a male's X once in either case.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flux.genotypes.people import MALE, People
from flux.genotypes.variants import Texts

Ploidy = NDArray[np.int8]

DIPLOID, SEX_X, SEX_Y, MITOCHONDRIAL = range(4)
CHROMOSOMES = {"X": SEX_X, "Y": SEX_Y, "MT": MITOCHONDRIAL}
KINDS = 4


def kinds(chrom: Texts) -> NDArray[np.int8]:
    """The kind of each variant's chromosome."""
    return np.array([CHROMOSOMES.get(name, DIPLOID) for name in chrom], np.int8)


def ploidy(kind: int, people: People, male_x: int) -> Ploidy:
    """(N,) copies of a chromosome of that kind; `male_x` is what a male has of X."""
    male = people.sex == MALE
    table = {
        DIPLOID: (2, 2),
        SEX_X: (male_x, 2),
        SEX_Y: (1, 0),
        MITOCHONDRIAL: (1, 1),
    }
    of_male, of_others = table[kind]
    return np.where(male, of_male, of_others).astype(np.int8)
