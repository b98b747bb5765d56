"""PLINK 2 files: .pgen, .pvar and .psam, by the library `Pgenlib` (the extra `genotypes`).

Calls and dosages, several alternative alleles as a row each. Format:
https://www.cog-genomics.org/plink/2.0/formats#pgen.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.genotypes.build import of_lengths
from flux.genotypes.cohort import Dosages, Rows
from flux.genotypes.lines import Progress, in_parts, read_lines, refused, whole_number
from flux.genotypes.people import People, read_psam
from flux.genotypes.variants import MOST_POSITION, Chromosomes, Variants, texts

_NO_CALL = -9
_PVAR = ("CHROM", "POS", "ID", "REF", "ALT")


class PgenCohort:
    """A cohort in three files of one stem.

    Args:
        stem: their names without the suffix.
        progress: told of the variants that are read.

    Raises:
        DataError: one is missing or damaged, their lengths do not fit, or the library is not
            installed.
    """

    def __init__(self, stem: Path, progress: Progress | None = None) -> None:
        self._path = Path(f"{stem}.pgen")
        self.name = str(self._path)
        self.people: People = read_psam(Path(f"{stem}.psam"))
        self.variants: Variants
        found = read_pvar(Path(f"{stem}.pvar"), progress)
        self.variants, self._record, self._allele, self.build = found
        self._open().close()

    def with_people(self, people: People) -> PgenCohort:
        """The same genotypes of people of whom more is known."""
        made = copy(self)
        made.people = people
        return made

    def _open(self) -> Any:
        count = np.bincount(self._record) + 1
        starts = np.concatenate([[0], np.cumsum(count)]).astype(np.uintp)
        options: dict[str, Any] = {} if (count == 2).all() else {"allele_idx_offsets": starts}
        try:
            return _library().PgenReader(
                str(self._path).encode(),
                raw_sample_ct=len(self.people),
                variant_ct=len(count),
                **options,
            )
        except Exception as error:  # the library raises RuntimeError and others
            text = f"{self.name} is no .pgen of {len(self.people):,} people and {len(count):,} "
            raise DataError(f"{text}records: {_reason(error)}") from None

    def blocks(self, rows: Rows, most_bytes: int) -> Iterator[Dosages]:
        """The genotypes of some variants, ascending, in blocks of about so many bytes."""
        count = max(1, most_bytes // (8 * len(self.people)))
        reader = self._open()
        buffer = np.empty(len(self.people), np.float64)
        try:
            for start in range(0, len(rows), count):
                some = rows[start : start + count]
                yield Dosages(some, np.stack([self._read(reader, row, buffer) for row in some]))
        finally:
            reader.close()

    def _read(self, reader: Any, row: int, buffer: NDArray[np.float64]) -> NDArray[np.float64]:
        try:
            reader.read_dosages(int(self._record[row]), buffer, int(self._allele[row]))
        except Exception as error:  # as above
            place = f"record {int(self._record[row]) + 1}"
            raise DataError(f"{self.name}: {place} cannot be read: {_reason(error)}") from None
        return np.where(buffer == _NO_CALL, np.nan, buffer)


def read_pvar(path: Path, progress: Progress | None = None) -> tuple[Variants, Rows, Rows, str]:
    """The variants of a .pvar or .pvar.zst file, the record and the allele of each, and the build.

    Raises:
        DataError: it has not the columns, a row is too short, or a position is no number.
    """
    if not path.exists() and Path(f"{path}.zst").exists():
        path = Path(f"{path}.zst")
    lines = [(i, line) for i, line in enumerate(read_lines(path), 1) if line.strip()]
    body = [(i, line) for i, line in lines if not line.startswith("#")]
    heads = [line for _, line in lines if line.startswith("#CHROM")]
    names = heads[0].lstrip("#").split() if heads else ["CHROM", "ID", "CM", "POS", "ALT", "REF"]
    missing = [name for name in _PVAR if name not in names]
    if missing or not body:
        what = f"no column {missing[0]}" if missing else "no variants"
        raise DataError(f"{path} has {what}")
    return *_rows(path, names, body, progress), _build(lines)


def _rows(
    path: Path, names: list[str], body: list[tuple[int, str]], progress: Progress | None
) -> tuple[Variants, Rows, Rows]:
    at = [names.index(name) for name in _PVAR]
    known, rows = Chromosomes(), []
    numbered = (line for some in in_parts(body, "variants read", progress) for line in some)
    for record, (number, line) in enumerate(numbered):
        cells = line.split()
        if len(cells) <= max(at):
            text = f"this row has {len(cells)} cells, and there are {len(names)} columns"
            raise refused(path, number, len(cells) + 1, text)
        chrom, place, name, ref, alternatives = (cells[i] for i in at)
        position = whole_number(path, number, "POS", place, lambda n: 0 <= n <= MOST_POSITION)
        for allele, alternative in enumerate(alternatives.upper().split(","), 1):
            rows.append((known[chrom], position, name, alternative, ref.upper(), record, allele))
    chroms, positions, ids, counted, other, records, alleles = zip(*rows, strict=True)
    made = Variants(
        texts(chroms), np.array(positions, np.int64), texts(ids), texts(counted), texts(other)
    )
    return made, np.array(records, np.int64), np.array(alleles, np.int64)


def _reason(error: Exception) -> str:
    """What the library says, which may be bytes with a line's end."""
    said = error.args[0] if error.args else error
    return (said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)).strip()


def _build(lines: list[tuple[int, str]]) -> str:
    """The build, by the lengths in `##contig=<ID=1,length=248956422>` lines."""
    names, lengths = Chromosomes(), {}
    for _, line in lines:
        if line.startswith("##contig=<"):
            pairs = line[len("##contig=<") :].rstrip(">").split(",")
            cells = dict(pair.partition("=")[::2] for pair in pairs)
            if cells.get("length", "").isdigit() and "ID" in cells:
                lengths[names[cells["ID"]]] = int(cells["length"])
    return of_lengths(lengths)


def _library() -> Any:
    try:
        import pgenlib
    except ImportError:
        raise DataError(
            "PLINK 2 files need the library `Pgenlib`",
            hint="pip install 'fluxparser[genotypes]'",
        ) from None
    return pgenlib
