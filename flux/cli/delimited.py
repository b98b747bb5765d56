"""Tables from files: commas, tabs or semicolons between columns, names in the first line, gzip.

A column is read as numbers when it is asked for; what is no number is an error with its place.
Nothing in a file is anything but a number or a text.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError, LimitError, UnknownNameError, did_you_mean
from flux.source import Source, Span

Array = NDArray[Any]

STANDARD_INPUT = "-"
_MOST_BYTES = 1 << 30
_GZIP = b"\x1f\x8b"
_BETWEEN = "\t,;"  # the first of these that the first line has
_MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "."))


@dataclass(frozen=True)
class Delimited(Mapping[str, Any]):
    """A table of a file; as a mapping, its columns as numbers.

    Attributes:
        source: the file's text, for places.
        names: of columns, as the first line has them.
        rows: of texts, each as long as the names.
        lines: the number of each row's line, from 1.
        between: what stands between columns.
    """

    source: Source
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    between: str

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, name: str) -> Array:
        """A column as numbers; nan where there is none.

        Raises:
            DataError: a cell is no number, with its place.
        """
        place = self._place(name)
        return np.array([self._number(row, place) for row in range(len(self.rows))], np.float64)

    def texts(self, name: str) -> list[str]:
        """A column as it stands."""
        place = self._place(name)
        return [row[place].strip() for row in self.rows]

    def _place(self, name: str) -> int:
        if name not in self.names:
            hint = did_you_mean(name, self.names) or f"it has {', '.join(self.names[:8])}"
            raise UnknownNameError(f"{self.source.name} has no column `{name}`", hint=hint)
        return self.names.index(name)

    def _number(self, row: int, place: int) -> float:
        text = self.rows[row][place].strip()
        if text.lower() in _MISSING:
            return float("nan")
        try:
            if "_" not in text:  # which float takes for part of a number
                return float(text)
        except ValueError:
            pass
        name = self.names[place]
        raise DataError(f"column `{name}` has no number here", (self._span(row, place),))

    def _span(self, row: int, place: int) -> Span:
        start = _offset(self.source.text, self.lines[row])
        line = self.source.line(self.lines[row])
        cells = self.rows[row]
        at = sum(len(cell) + len(self.between) for cell in cells[:place])
        if line[at : at + len(cells[place])] != cells[place]:  # there are quotes before it
            at = max(0, line.find(cells[place]))
        return Span(self.source, start + at, start + at + max(1, len(cells[place])))


def _offset(text: str, number: int) -> int:
    """Where a line begins."""
    start = 0
    for _ in range(number - 1):
        start = text.find("\n", start) + 1
    return start


def read_table(path: str) -> Delimited:
    """The table of a file; `-` is standard input.

    Raises:
        DataError: it cannot be read, or is no table.
        LimitError: it is too long.
    """
    text = _text(path)
    source = Source(text, path if path != STANDARD_INPUT else "<stdin>")
    head = source.line(1)
    between = next((mark for mark in _BETWEEN if mark in head), ",")
    records = csv.reader(text.split("\n"), delimiter=between, strict=True)
    rows, lines = [], []
    try:
        for record in records:
            if any(cell.strip() for cell in record):
                rows.append([cell.rstrip("\r") for cell in record])
                lines.append(records.line_num)
    except csv.Error as error:
        start = _offset(text, records.line_num)
        raise DataError(f"this is no row: {error}", (Span(source, start, start + 1),)) from None
    if not rows:
        raise DataError(f"{source.name} is empty", hint="its first line names the columns")
    names = tuple(cell.strip() for cell in rows[0])
    return _checked(Delimited(source, names, rows[1:], lines[1:], between))


def _checked(table: Delimited) -> Delimited:
    """A table whose rows all have as many cells as there are names."""
    for name in table.names:
        if not name or table.names.count(name) > 1:
            what = f"two columns are named `{name}`" if name else "a column has no name"
            raise DataError(f"{table.source.name}: {what}", hint="the first line names the columns")
    for row, line in zip(table.rows, table.lines, strict=True):
        if len(row) != len(table.names):
            start = _offset(table.source.text, line)
            text = f"this row has {len(row)} cells, and there are {len(table.names)} columns"
            raise DataError(text, (Span(table.source, start, start + 1),))
    return table


def _text(path: str) -> str:
    try:
        content = _read(path)
        if content[:2] == _GZIP:
            content = _expanded(content)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {path!r}: {reason}") from None
    if len(content) > _MOST_BYTES:
        raise LimitError(f"{path!r} is longer than {_MOST_BYTES:,} bytes")
    return content.decode("utf-8-sig", "replace")


def _read(path: str) -> bytes:
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read(_MOST_BYTES + 1)
    with Path(path).open("rb") as file:
        return file.read(_MOST_BYTES + 1)


def _expanded(content: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        return file.read(_MOST_BYTES + 1)
