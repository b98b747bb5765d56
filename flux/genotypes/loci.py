"""The places that the rows of a scoring file are about: one a row, more where it is an interaction.

In the Catalog's files the parts of an interaction stand in one cell with `_x_` between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flux.genotypes.lines import refused
from flux.genotypes.variants import MOST_POSITION, Chromosomes, Texts, texts
from flux.genotypes.weights import HAPLOTYPE, INTERACTION, TOGETHER, Weights

_MOST_TOGETHER = 8
_Part = tuple[int, str, str, int, str, str]


@dataclass(frozen=True)
class Loci:
    """Columns of equal length.

    Attributes:
        owner: the row of the weights, from 0.
        id, chrom, position, effect, other: as in `Weights`.
    """

    owner: NDArray[np.int64]
    id: Texts
    chrom: Texts
    position: NDArray[np.int64]
    effect: Texts
    other: Texts

    def __len__(self) -> int:
        return len(self.owner)


def loci(weights: Weights) -> Loci:
    """The places of all rows; haplotypes and diplotypes, which are no variants, have none.

    Raises:
        DataError: an interaction whose cells have different numbers of parts.
    """
    alone = np.flatnonzero((weights.kind != INTERACTION) & (weights.kind != HAPLOTYPE))
    together = np.flatnonzero(weights.kind == INTERACTION)
    single = _of_rows(weights, alone)
    if not len(together):
        return single
    names = Chromosomes()
    parts = [part for row in together for part in _parts(weights, int(row), names)]
    owner, ids, chroms, places, effects, others = zip(*parts, strict=True)
    return Loci(
        np.concatenate([alone, np.array(owner, np.int64)]),
        np.concatenate([single.id, texts(ids)]),
        np.concatenate([single.chrom, texts(chroms)]),
        np.concatenate([single.position, np.array(places, np.int64)]),
        np.concatenate([single.effect, texts(effects)]),
        np.concatenate([single.other, texts(others)]),
    )


def _of_rows(weights: Weights, rows: NDArray[np.int64]) -> Loci:
    """The places of rows that are about one each."""
    return Loci(
        rows,
        weights.id[rows],
        weights.chrom[rows],
        weights.position[rows],
        weights.effect[rows],
        weights.other[rows],
    )


def _parts(weights: Weights, row: int, names: Chromosomes) -> Iterator[_Part]:
    effects = weights.effect[row].upper().split(TOGETHER.upper())
    count = len(effects)
    if not 2 <= count <= _MOST_TOGETHER:
        text = f"an interaction has 2 to {_MOST_TOGETHER} parts with {TOGETHER} between them"
        raise refused(weights.path, int(weights.row[row]), "effect_allele", text)
    places = "" if weights.position_text is None else weights.position_text[row]
    split = {
        "rsID": _split(weights.id[row], count),
        "chr_name": _split(weights.chrom[row], count),
        "chr_position": _split(places, count),
        "other_allele": _split(weights.other[row].replace("_X_", TOGETHER), count),
    }
    for name, cells in split.items():
        if len(cells) != count:
            text = f"this cell has {len(cells)} parts and the effect alleles {count}"
            raise refused(weights.path, int(weights.row[row]), name, text)
    for i, effect in enumerate(effects):
        place = split["chr_position"][i]
        if place and not _is_position(place):
            text = "this is no position"
            raise refused(weights.path, int(weights.row[row]), "chr_position", text, place)
        chrom = names[split["chr_name"][i]]
        yield row, split["rsID"][i], chrom, int(place or 0), effect, split["other_allele"][i]


def _is_position(text: str) -> bool:
    whole = text.isascii() and text.isdigit() and len(text) <= 18
    return whole and int(text) <= MOST_POSITION


def _split(cell: str, count: int) -> list[str]:
    """The parts of a cell; one chromosome may stand for all, and an empty cell for none."""
    parts = cell.split(TOGETHER)
    return parts * count if len(parts) == 1 and TOGETHER not in cell else parts
