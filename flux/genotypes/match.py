"""Which variant of a cohort a row of weights means, and why one has none.

By chromosome, position and alleles, or by identifier and alleles. Of the variants at a place the
best one counts, in the Catalog's order: alleles as they are, swapped, from the other strand, from
the other strand and swapped (Lambert et al., Nature Genetics 56, 1989 (2024), the PGS Catalog
Calculator). A and T, or C and G, look alike on both strands; such rows are left out unless told.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from flux.genotypes.alleles import NONE, Alleles, Codes
from flux.genotypes.loci import Loci, loci
from flux.genotypes.variants import Variants
from flux.genotypes.weights import HAPLOTYPE, INTERACTION, Weights

Index = NDArray[np.int64]

# What became of a row; the first four are matches, in the order of preference.
REASONS = (
    "as is",
    "swapped",
    "flipped",
    "flipped and swapped",
    "not in the cohort",
    "alleles differ",
    "ambiguous strand",
    "duplicate of an earlier row",
    "no position",
    "no identifier",
    "haplotype",
    "outside every range",
)
AS_IS, SWAPPED, FLIPPED, FLIPPED_SWAPPED, ABSENT, ALLELES, AMBIGUOUS, TWICE = range(8)
NO_POSITION, NO_ID, IS_HAPLOTYPE, NO_RANGE = range(8, 12)
_MATCHED = 4

# PLINK's pseudo-autosomal regions have the positions of X, where the Catalog has them too.
_PLACED_ON = {"PAR": "X"}

BY = ("auto", "position", "id")


@dataclass(frozen=True)
class Rules:
    """How to match.

    Attributes:
        by: `position`, `id`, or `auto`: by position where a file has positions.
        ambiguous: use rows whose alleles are A and T or C and G, taken as they are.
        flip: look at the other strand too.
    """

    by: str = "auto"
    ambiguous: bool = False
    flip: bool = True


@dataclass(frozen=True)
class Matches:
    """What became of the rows of a file.

    Attributes:
        weights: the rows.
        reason: (R,) a place in REASONS; below 4 where the row is used.
        places: the loci of all rows.
        variant: of each locus, a row of the cohort's variants; -1 without one.
        counted: of each locus, whether the effect allele is the one that the cohort counts.
        several: (R,) whether more than one variant fitted equally well; the first one is used.
    """

    weights: Weights
    reason: NDArray[np.int8]
    places: Loci
    variant: Index
    counted: NDArray[np.bool_]
    several: NDArray[np.bool_]

    @property
    def used(self) -> NDArray[np.bool_]:
        """The rows that are used."""
        return self.reason < _MATCHED

    def counts(self) -> dict[str, int]:
        """How many rows there are for each reason, most first."""
        number = np.bincount(self.reason, minlength=len(REASONS))
        order = sorted(range(len(REASONS)), key=lambda i: (-number[i], i))
        return {REASONS[i]: int(number[i]) for i in order if number[i]}


def match(weights: Weights, variants: Variants, rules: Rules) -> Matches:
    """The variant of every row."""
    places = loci(weights)
    by = rules.by
    if by == "auto":
        by = "position" if (places.position > 0).any() else "id"
    found = _match(places, variants, by, rules)
    reason = np.full(len(weights), AS_IS, np.int8)
    np.maximum.at(reason, places.owner, found.reason)  # an interaction is as good as its worst part
    reason[weights.kind == HAPLOTYPE] = IS_HAPLOTYPE
    several = np.zeros(len(weights), bool)
    np.logical_or.at(several, places.owner, found.several)
    made = Matches(weights, reason, places, found.variant, found.counted, several)
    return _without_twins(made)


@dataclass(frozen=True)
class _Found:
    reason: NDArray[np.int8]
    variant: Index
    counted: NDArray[np.bool_]
    several: NDArray[np.bool_]


def _match(places: Loci, variants: Variants, by: str, rules: Rules) -> _Found:
    keys = _positions(places, variants) if by == "position" else _names(places, variants)
    numbers = Alleles()
    effect, other = numbers.codes(places.effect), numbers.codes(places.other)
    counted, second = numbers.codes(variants.counted), numbers.codes(variants.other)
    locus, variant = _pairs(*keys)
    ranks = _ranks(numbers, effect[locus], other[locus], counted[variant], second[variant], rules)
    best, several = _best(len(places), locus, variant, ranks)
    fits = best >= 0
    chosen = np.where(fits, best, 0)
    rank = np.full(len(places), ABSENT, np.int8)
    rank[locus] = ALLELES
    rank[fits] = ranks[chosen[fits]]
    at = np.where(fits, variant[chosen], -1) if len(variant) else np.full(len(places), -1)
    target = (counted[at], second[at]) if len(variants) else (effect, other)
    if not rules.ambiguous:
        alike = fits & (numbers.ambiguous(effect, other) | numbers.ambiguous(*target))
        rank[alike] = AMBIGUOUS
    missing = (places.position <= 0) if by == "position" else (places.id == "")
    rank[missing] = NO_POSITION if by == "position" else NO_ID
    return _Found(rank, at, (rank == AS_IS) | (rank == FLIPPED), several)


def _positions(places: Loci, variants: Variants) -> tuple[Index, Index]:
    """One number for chromosome and position; -1 where there is no position."""
    known: defaultdict[str, int] = defaultdict(count().__next__)
    made = []
    for chrom, position in (
        (places.chrom, places.position),
        (variants.chrom, variants.position),
    ):
        names = (_PLACED_ON.get(name, name) for name in chrom)
        codes = np.fromiter(map(known.__getitem__, names), np.int64, len(chrom))
        made.append(np.where(position > 0, (codes << 40) | position, -1))
    return made[0], made[1]


def _names(places: Loci, variants: Variants) -> tuple[Index, Index]:
    """One number for an identifier; -1 where there is none."""
    known: defaultdict[str, int] = defaultdict(count().__next__, {"": -1, ".": -1})
    made = [
        np.fromiter(map(known.__getitem__, names), np.int64, len(names))
        for names in (places.id, variants.id)
    ]
    return made[0], made[1]


def _pairs(wanted: Index, there: Index) -> tuple[Index, Index]:
    """Every locus with every variant of the same key."""
    order = np.argsort(there, kind="stable")
    keys = there[order]
    first, last = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
    count = np.where(wanted >= 0, last - first, 0)
    locus = np.repeat(np.arange(len(wanted)), count)
    within = np.arange(len(locus)) - np.repeat(np.cumsum(count) - count, count)
    return locus, order[np.repeat(first, count) + within]


def _ranks(
    numbers: Alleles, effect: Codes, other: Codes, counted: Codes, second: Codes, rules: Rules
) -> NDArray[np.int8]:
    """The preference of each pair; ALLELES where the alleles do not fit."""
    rank = np.full(len(effect), ALLELES, np.int8)
    there = [(FLIPPED_SWAPPED, second, counted), (FLIPPED, counted, second)]
    if rules.flip:
        e, o = numbers.other_strand(effect), numbers.other_strand(other)
        for value, one, two in there:
            fits_other = np.where(other == NONE, True, (o == two) & (o != NONE))
            rank[(e == one) & (e != NONE) & fits_other] = value
    for value, one, two in there:
        rank[(effect == one) & ((other == NONE) | (other == two))] = value - FLIPPED
    return rank


def _best(
    count: int, locus: Index, variant: Index, rank: NDArray[np.int8]
) -> tuple[Index, NDArray[np.bool_]]:
    """The first pair of the best rank for each locus, -1 without; and whether there are more."""
    best, several = np.full(count, -1), np.zeros(count, bool)
    fits = np.flatnonzero(rank < _MATCHED)
    order = fits[np.lexsort((variant[fits], rank[fits], locus[fits]))]
    owner = locus[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = owner[1:] != owner[:-1]
    best[owner[is_first]] = order[is_first]
    same = ~is_first
    same[1:] &= rank[order][1:] == rank[order][:-1]
    second = same & np.concatenate([[False], is_first[:-1]])
    several[owner[second]] = True
    return best, several


def _without_twins(found: Matches) -> Matches:
    """Of rows that mean the same variant in the same way, the first is used."""
    together = found.weights.kind[found.places.owner] == INTERACTION
    alone = found.used[found.places.owner] & ~together
    at, rows = np.flatnonzero(alone), found.places.owner[alone]
    key = found.variant[at] * 16 + found.weights.kind[rows]
    order = np.lexsort((rows, key))
    again = np.zeros(len(order), bool)
    again[1:] = key[order][1:] == key[order][:-1]
    found.reason[rows[order[again]]] = TWICE
    _without_equal_products(found, np.flatnonzero(together))
    return found


def _without_equal_products(found: Matches, at: Index) -> None:
    """Of interactions of the same alleles, in any order, the first is used."""
    parts: defaultdict[int, list[tuple[int, bool]]] = defaultdict(list)
    for row, variant, counted in zip(
        found.places.owner[at].tolist(),
        found.variant[at].tolist(),
        found.counted[at].tolist(),
        strict=True,
    ):
        parts[row].append((variant, counted))
    first: dict[tuple[tuple[int, bool], ...], int] = {}
    used = found.used
    for row in sorted(parts):
        if used[row] and first.setdefault(tuple(sorted(parts[row])), row) != row:
            found.reason[row] = TWICE
