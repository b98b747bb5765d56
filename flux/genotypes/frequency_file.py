"""Allele frequencies from a file: PLINK 2's .afreq, PLINK 1's .frq, or columns of those names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.genotypes.lines import a_number, read_lines, refused
from flux.genotypes.variants import Variants

_COLUMNS = {
    "id": ("ID", "SNP"),
    "allele": ("ALT", "A1"),
    "other": ("REF", "A2"),
    "frequency": ("ALT_FREQS", "ALT1_FREQ", "MAF", "FREQ"),
}


def read_frequencies(path: Path, variants: Variants) -> NDArray[np.float64]:
    """(V,) the frequency of each variant's counted allele; nan where the file has none.

    Raises:
        DataError: it has not the columns, or a frequency is no number from 0 to 1.
    """
    rows = [(i, line) for i, line in enumerate(read_lines(path), 1) if line.strip()]
    rows = [(i, line) for i, line in rows if not line.startswith("##")]
    if not rows:
        raise DataError(f"{str(path)!r} is empty")
    names = rows[0][1].lstrip("#").split()
    places = {what: _place(path, names, spelled) for what, spelled in _COLUMNS.items()}
    known: dict[tuple[str, str, str], float] = {}
    for number, line in rows[1:]:
        cells = line.split()
        if len(cells) != len(names):
            text = f"this row has {len(cells)} cells, and there are {len(names)} columns"
            raise refused(path, number, min(len(cells), len(names)) + 1, text)
        name, allele, other, cell = (cells[at] for at in places.values())
        share = _frequency(path, number, names[places["frequency"]], cell)
        known[name, allele.upper(), other.upper()] = share
        known.setdefault((name, other.upper(), allele.upper()), 1 - share)
    keys = zip(variants.id, variants.counted, variants.other, strict=True)
    return np.array([known.get(key, np.nan) for key in keys])


def _place(path: Path, names: list[str], spelled: tuple[str, ...]) -> int:
    found = next((names.index(name) for name in spelled if name in names), None)
    if found is None:
        text = f"{path} has no column {' or '.join(spelled)}"
        raise DataError(text, hint=f"it has {', '.join(names[:8])}")
    return found


def _frequency(path: Path, row: int, column: str, cell: str) -> float:
    if cell.lower() in ("nan", "na"):
        return np.nan
    value = a_number(cell)
    if value is None or not 0 <= value <= 1:
        raise refused(path, row, column, "this is no frequency from 0 to 1", cell)
    return value
