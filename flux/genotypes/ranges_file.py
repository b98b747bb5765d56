"""Ranges of a column, such as p-values: rows `name low high`, as PLINK's --q-score-range."""

from __future__ import annotations

from pathlib import Path

from flux.errors import DataError
from flux.genotypes.lines import a_number, cells_of, refused


def read_ranges(path: str | Path) -> dict[str, tuple[float, float]]:
    """The ranges of a file, by name; both ends belong to a range. A header starts with `#`.

    Raises:
        DataError: a row has no two numbers, the first at most the second, or a name stands twice.
    """
    found: dict[str, tuple[float, float]] = {}
    rows = list(enumerate(cells_of(Path(path), 3, ("name", "low", "high")), 1))
    for number, (name, *ends) in rows[rows[0][1][0].startswith("#") :]:
        if name in found:
            raise refused(Path(path), number, 1, "a range of that name stands above", name)
        low, high = (_end(Path(path), number, column, end) for column, end in enumerate(ends, 2))
        if low > high:
            raise DataError(f"{path}: row {number}: the range {name} ends before it begins")
        found[name] = (low, high)
    return found


def _end(path: Path, row: int, column: int, cell: str) -> float:
    value = a_number(cell)
    if value is None:
        raise refused(path, row, column, "this is no number", cell)
    return value
