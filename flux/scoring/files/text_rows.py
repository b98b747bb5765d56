"""A block of text as a table: by pyarrow where it is installed, else by the csv module.

Where pyarrow refuses a block, the csv module reads it: it has the same meaning, takes what is
unusual but right (spaces around numbers, `+1`, TRUE and FALSE), and knows row and column of what is
wrong.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from flux.errors import DataError
from flux.expr.integers import MAX_EXACT
from flux.scoring.columns import Array, Texts, cell_error, numbers_of
from flux.scoring.files.blocks import FileTable, Wanted
from flux.scoring.packages import has_pyarrow, pyarrow
from flux.scoring.tables import Results
from flux.scoring.tables.from_arrow import ArrowTable

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "none", "na", "n/a", ".")
_MISSING = frozenset(MISSING)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONG = r"^\s*[+-]?[0-9]{16,}\s*$"
_INTEGER = re.compile(r"[+-]?[0-9]+")
_WORDS = {"true": 1.0, "false": 0.0}
_INFINITE = {"inf": np.inf, "infinity": np.inf}


@dataclass(frozen=True)
class Layout:
    """What the first row of a file says.

    Attributes:
        names: of columns.
        between: what stands between them.
    """

    names: tuple[str, ...]
    between: str


def read_rows(content: bytes, layout: Layout, wanted: Wanted, first: int) -> FileTable:
    """The rows of a block.

    Raises:
        DataError: a row has too few or too many cells, or a cell is no number or not UTF-8.
    """
    # A quote that is not closed would swallow rows: pyarrow does not mind, the csv module does.
    if has_pyarrow() and content.count(b'"') % 2 == 0:
        try:
            return ArrowRows(content, layout, wanted, first)
        except (pyarrow().ArrowInvalid, pyarrow().ArrowKeyError):
            pass
    return PlainRows(content, layout, wanted, first)


class ArrowRows(ArrowTable):
    """The rows as pyarrow reads them; columns are named by their places meanwhile."""

    def __init__(self, content: bytes, layout: Layout, wanted: Wanted, first: int) -> None:
        arrow = pyarrow()
        numbers = set(wanted.numbers)
        texts = [name for name in wanted.all() if name not in numbers]
        types = dict.fromkeys(texts, arrow.string()) | dict.fromkeys(numbers, arrow.float64())
        super().__init__(_parsed(content, layout, types), first)
        large = dict.fromkeys(filter(self._is_large, numbers), arrow.string())
        if large and _has_long_integers(_parsed(content, layout, large)):
            raise arrow.ArrowInvalid("an integer has perhaps no exact float64")
        verbatim = [n for n in wanted.kept if n in numbers and not wanted.typed]
        plain = dict.fromkeys(verbatim, arrow.string())
        self._verbatim = _parsed(content, layout, plain) if plain else None
        self._kept_texts = set(verbatim)

    def _is_large(self, name: str) -> bool:
        """Whether a column has a number that may be an integer which was rounded."""
        import pyarrow.compute as compute

        ends = compute.min_max(self._array(name)).as_py().values()
        return any(end is not None and abs(end) >= MAX_EXACT for end in ends)

    def texts(self, name: str) -> Texts:
        """A column as texts, without spaces around them; some words say that there is none."""
        import pyarrow.compute as compute

        column = compute.utf8_trim_whitespace(self._array(name))
        coded = column.dictionary_encode()
        return without_missing(
            coded.indices.to_numpy(zero_copy_only=False), coded.dictionary.to_pylist()
        )

    def kept(self, name: str) -> Any:
        """A column as it stands in the file."""
        if self._verbatim is not None and name in self._kept_texts:
            return self._verbatim.column(name)
        return self._table.column(name)


def _parsed(content: bytes, layout: Layout, types: dict[str, Any]) -> Any:
    """The columns of some names, with these types."""
    from pyarrow import csv as arrow_csv

    places = {name: str(layout.names.index(name)) for name in types}
    count = len(layout.names)
    table = arrow_csv.read_csv(
        pyarrow().BufferReader(content),
        arrow_csv.ReadOptions(
            block_size=max(len(content), 1) + 1, column_names=[str(n) for n in range(count)]
        ),
        arrow_csv.ParseOptions(delimiter=layout.between, newlines_in_values=True),
        arrow_csv.ConvertOptions(
            column_types={places[name]: kind for name, kind in types.items()},
            include_columns=[places[name] for name in types] or ["0"],
            null_values=list(MISSING),
            strings_can_be_null=False,
            quoted_strings_can_be_null=True,
        ),
    )
    if not types:
        return table
    return table.rename_columns(list(types))


def _has_long_integers(table: Any) -> bool:
    """Whether columns of texts hold integers of so many digits that a float64 may round them."""
    import pyarrow.compute as compute

    long = (compute.match_substring_regex(column, _LONG) for column in table.columns)
    return any(compute.any(found).as_py() for found in long)


def without_missing(codes: Array, texts: list[str]) -> Texts:
    """Texts of which some say that there is none."""
    kept = [text for text in texts if text not in _MISSING]
    place = {text: n for n, text in enumerate(kept)}
    moved = np.array([*(place.get(text, -1) for text in texts), -1], np.int32)
    return Texts(moved[codes], tuple(kept))


class PlainRows:
    """The rows as the csv module reads them."""

    def __init__(self, content: bytes, layout: Layout, wanted: Wanted, first: int) -> None:
        self.first = first
        self.names = layout.names
        self._wanted = wanted
        text = content.decode("utf-8", "surrogateescape")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.between, strict=True)
        self._rows = self._checked(reader, len(layout.names))
        for name in wanted.all():
            self._check_text(name)
        self._numbers = {name: self._read_numbers(name) for name in wanted.numbers}

    def _checked(self, reader: Any, count: int) -> list[list[str]]:
        rows: list[list[str]] = []
        try:
            for row in reader:
                if not row:
                    continue
                if len(row) != count:
                    cells = f"{_counted(len(row), 'cell')} for {_counted(count, 'column')}"
                    raise DataError(f"row {self.first + len(rows) + 1:,} has {cells}")
                rows.append(row)
        except csv.Error as error:
            raise DataError(f"row {self.first + len(rows) + 1:,} is no row: {error}") from None
        return rows

    def _cells(self, name: str) -> list[str]:
        place = self.names.index(name)
        return [row[place] for row in self._rows]

    def _check_text(self, name: str) -> None:
        for row, cell in enumerate(self._cells(name)):
            if not cell.isascii() and any("\ud800" <= c <= "\udfff" for c in cell):
                raise cell_error(name, self.first + row, "the cell is not written in UTF-8")

    def _read_numbers(self, name: str) -> Array:
        cells = self._cells(name)
        return np.array([self._number(name, row, cell) for row, cell in enumerate(cells)], float)

    def _number(self, name: str, row: int, cell: str) -> float:
        text = cell.strip()
        if text in _MISSING:
            return np.nan
        if _NUMBER.fullmatch(text):
            found = float(text)
            if abs(found) >= MAX_EXACT and _INTEGER.fullmatch(text) and Decimal(text) != found:
                raise cell_error(name, self.first + row, f"{text[:40]} has no exact float64")
            return found
        lowered = text.lower()
        if lowered in _WORDS:
            return _WORDS[lowered]
        if lowered.lstrip("+-") in _INFINITE and len(lowered) - len(lowered.lstrip("+-")) < 2:
            return -np.inf if lowered.startswith("-") else np.inf
        raise cell_error(name, self.first + row, f"the text {text[:40]!r} is no number")

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows."""
        return (len(self._rows),)

    def numbers(self, name: str) -> Array:
        """A column as numbers."""
        return numbers_of(name, self._numbers[name], self.first)

    def unit(self, name: str) -> str:
        """None is carried."""
        return ""

    def texts(self, name: str) -> Texts:
        """A column as texts, without spaces around them."""
        known: dict[str, int] = {}
        cells = self._cells(name)
        codes = [known.setdefault(cell.strip(), len(known)) for cell in cells]
        return without_missing(np.array(codes, np.int64), list(known))

    def kept(self, name: str) -> Any:
        """A column as it stands in the file."""
        if name in self._numbers and self._wanted.typed:
            return self._numbers[name]
        return self._cells(name)

    def give_back(self, results: Results, keep: Any) -> dict[str, Any]:
        """The columns by name."""
        return {**{name: self.kept(name) for name in keep}, **results}


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
