"""Genome builds: that weights and cohort have the same one.

Lengths of chromosomes: Genome Reference Consortium, GRCh37 and GRCh38, primary assemblies.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from flux.errors import DataError
from flux.genotypes.variants import Variants
from flux.genotypes.weights import Weights, build_name

_NAMES = (*map(str, range(1, 23)), "X", "Y")
_37 = (
    249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022,
    141213431, 135534747, 135006516, 133851895, 115169878, 107349540, 102531392, 90354753,
    81195210, 78077248, 59128983, 63025520, 48129895, 51304566, 155270560, 59373566,
)  # fmt: skip
_38 = (
    248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636,
    138394717, 133797422, 135086622, 133275309, 114364328, 107043718, 101991189, 90338345,
    83257441, 80373285, 58617616, 64444167, 46709983, 50818468, 156040895, 57227415,
)  # fmt: skip
LENGTHS: Mapping[str, Mapping[str, int]] = {
    "GRCh37": dict(zip(_NAMES, _37, strict=True)),
    "GRCh38": dict(zip(_NAMES, _38, strict=True)),
}


def of_lengths(lengths: Mapping[str, int]) -> str:
    """The build whose chromosomes have these lengths, or an empty text."""
    known = {name: length for name, length in lengths.items() if name in _NAMES and length > 0}
    fits = [b for b, own in LENGTHS.items() if all(own[n] == size for n, size in known.items())]
    return fits[0] if known and len(fits) == 1 else ""


def check_build(weights: Weights, variants: Variants, of_cohort: str, stated: str | None) -> str:
    """The build that weights and cohort share; an empty text where neither says one.

    Raises:
        DataError: they differ, or the cohort has positions beyond the end of a chromosome.
    """
    cohort = build_name(stated) if stated else of_cohort
    if cohort and weights.build and cohort != weights.build:
        text = f"{weights.path} has positions in {weights.build}, and the cohort in {cohort}"
        hint = "take the Catalog's file that is harmonised to that build"
        raise DataError(text, hint=f"{hint}, or match by identifier")
    build = cohort or weights.build
    for chrom, length in LENGTHS.get(build, {}).items():
        beyond = np.flatnonzero((variants.chrom == chrom) & (variants.position > length))
        if len(beyond):
            at = int(beyond[0])
            text = f"{variants.id[at]} at {chrom}:{variants.position[at]:,} is beyond the end"
            text += f" of chromosome {chrom} in {build} ({length:,})"
            raise DataError(text, hint=f"so the cohort is not in {build}")
    return build
