"""A cohort: people, variants, and their genotypes block by block.

One reader a file format; what reads genotypes asks for rows of the table of variants, in order, and
gets blocks of bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError
from flux.genotypes.checked import a_path, one_of
from flux.genotypes.lines import Progress
from flux.genotypes.people import People
from flux.genotypes.variants import Variants

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Packed:
    """Genotypes as PLINK 1 stores them, two bits each.

    Attributes:
        rows: of the table of variants.
        codes: (V, W) uint64; W words of 32 people, the last one filled up with zero bits.
    """

    rows: Rows
    codes: NDArray[np.uint64]


@dataclass(frozen=True)
class Dosages:
    """Genotypes as numbers.

    Attributes:
        rows: of the table of variants.
        counted: (V, N) float64 copies of the counted allele, 0 to 2 on every chromosome; nan where
            there is no call.
    """

    rows: Rows
    counted: NDArray[np.float64]


Block = Packed | Dosages


class Cohort(Protocol):
    """Genotypes of people."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def people(self) -> People:
        """Its people."""
        ...

    @property
    def variants(self) -> Variants:
        """Its variants."""
        ...

    @property
    def build(self) -> str:
        """The genome build that the file states, or an empty text."""
        ...

    def with_people(self, people: People) -> Cohort:
        """The same genotypes of people of whom more is known."""
        ...

    def blocks(self, rows: Rows, most_bytes: int) -> Iterator[Block]:
        """The genotypes of some variants, ascending, in blocks of about so many bytes."""
        ...


FIELDS = ("auto", "GT", "DS")
_VCF = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
_PLINK_1 = (".bed", ".bim", ".fam")
_PLINK_2 = (".pgen", ".pvar", ".pvar.zst", ".psam")


def open_cohort(path: str | Path, field: str = "auto", progress: Progress | None = None) -> Cohort:
    """The cohort of a file: PLINK 1 or 2 (with or without a suffix), VCF or BCF.

    Args:
        path: one of the files.
        field: of a VCF: `GT` calls, `DS` dosages, or `auto`, dosages where the header has them.
        progress: told of the variants that are read.

    Raises:
        DataError: there is no such file, or it is damaged.
        ArgumentError: its name tells no format.
    """
    text = str(a_path("genotypes", path))
    one_of("field", field, FIELDS)
    if text.endswith(_VCF):
        from flux.genotypes.vcf import VcfCohort

        return VcfCohort(Path(path), field, progress)
    stem = _stem(text, _PLINK_1 + _PLINK_2)
    wants_2 = text.endswith(_PLINK_2) or not Path(f"{stem}.bed").exists()
    if wants_2 and Path(f"{stem}.pgen").exists():
        from flux.genotypes.pgen import PgenCohort

        return PgenCohort(Path(stem), progress)
    if stem != text or Path(f"{stem}.bed").exists():
        from flux.genotypes.bed import BedCohort

        return BedCohort(Path(stem), progress)
    if Path(text).exists():
        hint = ".bed, .pgen, .vcf, .vcf.gz or .bcf"
        raise ArgumentError(f"the name {text!r} tells no format of genotypes", hint=hint)
    raise DataError(f"no genotypes {text!r}", hint="there is no .bed or .pgen of that name")


def files_of(path: str | Path) -> list[Path]:
    """The files that a cohort of that name may be in."""
    stem = _stem(str(path), _PLINK_1 + _PLINK_2)
    return [Path(path), *(Path(stem + suffix) for suffix in _PLINK_1 + _PLINK_2)]


def _stem(text: str, suffixes: tuple[str, ...]) -> str:
    found: Any = next((suffix for suffix in suffixes if text.endswith(suffix)), "")
    return text[: len(text) - len(found)]
