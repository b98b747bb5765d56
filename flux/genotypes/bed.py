"""PLINK 1 files: .bed with two bits a genotype, .bim with the variants, .fam with the people.

Format: https://www.cog-genomics.org/plink/1.9/formats#bed. A byte holds four people, the first in
its lowest bits: 00 two copies of A1, 01 no call, 10 one copy, 11 none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import copy
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.genotypes.cohort import Packed, Rows
from flux.genotypes.lines import Progress, check_lengths, in_parts, read_lines, whole_number
from flux.genotypes.people import People, read_fam
from flux.genotypes.variants import MOST_POSITION, Capitals, Chromosomes, Variants, texts

_MAGIC = b"\x6c\x1b"
_BY_VARIANT = b"\x01"
_HEAD = 3
_WORD = 8  # bytes; rows are filled up to whole words
_BIM = ("chromosome", "ID", "centimorgans", "position", "A1", "A2")


class BedCohort:
    """A cohort in three files of one stem.

    Args:
        stem: their names without the suffix.
        progress: told of the variants that are read.

    Raises:
        DataError: one is missing or damaged, or their lengths do not fit.
    """

    build = ""

    def __init__(self, stem: Path, progress: Progress | None = None) -> None:
        self._path = Path(f"{stem}.bed")
        self.name = str(self._path)
        self.people: People = read_fam(Path(f"{stem}.fam"))
        self.variants: Variants = read_bim(Path(f"{stem}.bim"), progress)
        self._row_bytes = -(-len(self.people) // 4)
        self._check()

    def _check(self) -> None:
        try:
            with self._path.open("rb") as file:
                head = file.read(_HEAD)
                size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise DataError(f"cannot read {self.name!r}: {error.strerror}") from None
        if head[:2] != _MAGIC or len(head) < _HEAD:
            raise DataError(f"{self.name}: byte 1: this is no .bed file; it starts {head.hex()!r}")
        if head[2:] != _BY_VARIANT:
            text = f"{self.name}: byte 3: its genotypes are in the order of people, not variants"
            raise DataError(text, hint="write it anew with `plink --make-bed`")
        expected = _HEAD + self._row_bytes * len(self.variants)
        if size != expected:
            people, variants = len(self.people), len(self.variants)
            text = f"{self.name} has {size:,} bytes, not the {expected:,} of {people:,} people "
            row = (size - _HEAD) // max(1, self._row_bytes) + 1
            raise DataError(
                f"{text}(.fam) and {variants:,} variants (.bim)",
                hint=f"it ends in row {row:,}: cut short, or of another .bim or .fam"
                if size < expected
                else "the .bim or .fam belongs to another .bed",
            )

    def with_people(self, people: People) -> BedCohort:
        """The same genotypes of people of whom more is known."""
        made = copy(self)
        made.people = people
        return made

    def blocks(self, rows: Rows, most_bytes: int) -> Iterator[Packed]:
        """The genotypes of some variants, ascending, in blocks of about so many bytes."""
        count = max(1, most_bytes // max(1, self._row_bytes))
        with self._path.open("rb", buffering=0) as file:
            for start in range(0, len(rows), count):
                some = rows[start : start + count]
                yield Packed(some, self._read(file, some))

    def _read(self, file: BinaryIO, rows: Rows) -> NDArray[np.uint64]:
        words = -(-self._row_bytes // _WORD)
        codes = np.zeros((len(rows), words), np.uint64)
        whole = words * _WORD == self._row_bytes
        filled = codes.view(np.uint8)[:, : self._row_bytes]
        for first, last in _runs(rows):
            piece = filled[first:last]
            into = piece if whole else np.empty(piece.shape, np.uint8)
            file.seek(_HEAD + int(rows[first]) * self._row_bytes)
            self._fill(file, memoryview(into.reshape(-1)))  # type: ignore[arg-type]  # NumPy's stubs
            if not whole:
                piece[...] = into
        return codes

    def _fill(self, file: BinaryIO, buffer: memoryview) -> None:
        at = 0
        while at < len(buffer):
            got = file.readinto(buffer[at:])  # type: ignore[attr-defined]  # an unbuffered file
            if not got:
                raise DataError(f"{self.name} became shorter while it was read")
            at += got


def _runs(rows: Rows) -> Iterator[tuple[int, int]]:
    """Stretches of neighbouring rows, as places in `rows`."""
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    return pairwise(edges)


def read_bim(path: Path, progress: Progress | None = None) -> Variants:
    """The variants of a .bim file.

    Raises:
        DataError: it is empty, a row is too short or too long, or a position is no number.
    """
    lines = read_lines(path)
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise DataError(f"{str(path)!r} is empty")
    chroms, capitals = Chromosomes(), Capitals()
    chrom: list[str] = []
    ids: list[str] = []
    counted: list[str] = []
    other: list[str] = []
    places: list[NDArray[np.int64]] = []
    for some in in_parts(lines, "variants read", progress):
        rows = [line.split() for line in some]
        check_lengths(path, rows, len(ids) + 1, len(_BIM), len(_BIM), _BIM)
        columns = list(zip(*rows, strict=True))
        places.append(_positions(path, len(ids) + 1, columns[3]))
        chrom += map(chroms.__getitem__, columns[0])
        ids += columns[1]
        counted += map(capitals.__getitem__, columns[4])
        other += map(capitals.__getitem__, columns[5])
    return Variants(texts(chrom), np.concatenate(places), texts(ids), texts(counted), texts(other))


def _positions(path: Path, first: int, cells: tuple[str, ...]) -> NDArray[np.int64]:
    """Positions in column 4; negative ones, which PLINK skips, are refused as well."""
    try:
        found = np.array(cells, np.int64)
    except (ValueError, OverflowError):
        found = np.array([-1])
    if (found < 0).any() or (found > MOST_POSITION).any() or not _digits("".join(cells)):
        numbered = enumerate(cells, first)
        found = np.array([whole_number(path, i, 4, cell, _is_position) for i, cell in numbered])
    return found


def _is_position(number: int) -> bool:
    return 0 <= number <= MOST_POSITION


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
