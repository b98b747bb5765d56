"""How many people have which genotype, and the frequency of the counted allele."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flux.genotypes.cohort import Block, Packed
from flux.genotypes.people import Mask
from flux.genotypes.ploidy import Ploidy

Floats = NDArray[np.float64]

PER_WORD = 32  # people
_LOW = np.uint64(0x5555_5555_5555_5555)
_ONE = np.uint64(1)
_AT_A_TIME = 32_768  # words, so that they stay in the cache


@dataclass(frozen=True)
class Counts:
    """Genotypes of each variant among some people.

    Attributes:
        two, one, none: how many people have so many copies of the counted allele.
        missing: how many have no call.
    """

    two: Floats
    one: Floats
    none: Floats
    missing: Floats


def words(mask: Mask) -> NDArray[np.uint64]:
    """A mask of people as the low bits of their places in packed words."""
    filled = np.zeros(-(-len(mask) // PER_WORD) * PER_WORD, np.uint8)
    filled[: len(mask)] = mask
    four = filled.reshape(-1, 4)
    packed = four[:, 0] | four[:, 1] << 2 | four[:, 2] << 4 | four[:, 3] << 6
    return packed.astype(np.uint8).view(np.uint64)


def count(codes: NDArray[np.uint64], people: NDArray[np.uint64]) -> Counts:
    """The genotypes of packed variants; `people` is a mask of `words`.

    Of a code's bits, high and low: 00 two copies, 10 one, 11 none, 01 no call.
    """
    rows = max(1, _AT_A_TIME // max(1, codes.shape[1]))
    parts = [_bits(codes[at : at + rows], people) for at in range(0, len(codes), rows)]
    low, high, both = np.concatenate(parts, axis=1)
    total = int(np.bitwise_count(people).sum())
    return Counts(total - low - high + both, high - both, both, low - both)


def _bits(codes: NDArray[np.uint64], people: NDArray[np.uint64]) -> Floats:
    """(3, V) how many codes have the low bit, the high bit, and both."""
    low = codes & people
    high = codes >> _ONE
    high &= people
    both = low & high
    return np.stack([_ones(low), _ones(high), _ones(both)])


def _ones(bits: NDArray[np.uint64]) -> Floats:
    ones: NDArray[np.uint32] = np.bitwise_count(bits).sum(axis=1, dtype=np.uint32)
    return ones.astype(np.float64)


def frequencies(block: Block, people: Mask, copies: Ploidy) -> tuple[Floats, Floats]:
    """The frequency of the counted allele among some people, and how many alleles it is from.

    sum(copies*g/2) / sum(copies), over people with a call; g is from 0 to 2. nan without any.
    """
    alleles = np.zeros(len(block.rows))
    counted = np.zeros(len(block.rows))
    for number in np.unique(copies[people]):
        some = people & (copies == number)
        if number and isinstance(block, Packed):
            found = count(block.codes, words(some))
            alleles += number * (found.two + found.one + found.none)
            counted += number * (found.two + found.one / 2)
        elif number and not isinstance(block, Packed):
            dosages = block.counted[:, some]
            alleles += number * np.count_nonzero(~np.isnan(dosages), axis=1)
            counted += number * np.nansum(dosages, axis=1) / 2
    with np.errstate(invalid="ignore"):
        return counted / alleles, alleles
