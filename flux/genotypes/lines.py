"""Text files as lines: UTF-8 with or without its mark, any line ends; plain, gzip or zstd.

Every reader of this package takes its lines from here, and refuses one with its file, row and
column.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from math import isnan
from pathlib import Path
from typing import TypeVar

from flux.errors import DataError
from flux.scoring.packages import pyarrow

Progress = Callable[[str, int, int], None]
"""Called with what is counted, how many are done, and of how many; 0 where that is not known."""

_AT_A_TIME = 1 << 16  # lines
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PIECE = 1 << 24  # bytes
_MOST_BYTES = 1 << 33
_SHOWN = 40  # characters of a cell that a message shows


Line = TypeVar("Line")


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, without their ends.

    Raises:
        DataError: it cannot be read, is too long, or is no UTF-8.
    """
    content = read_whole(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise DataError(f"{path}: row {row}, byte {column}: this is no UTF-8 text") from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def read_whole(path: Path) -> bytes:
    """The bytes of a file, expanded where it is gzip or zstd.

    Raises:
        DataError: it cannot be read, or is too long.
        ArgumentError: it is zstd, and pyarrow is not installed.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if content[:2] == _GZIP:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                content = packed.read(_MOST_BYTES + 1)
        elif content[:4] == _ZSTD:
            content = _expanded(content)
    except FileNotFoundError:
        raise DataError(f"no file {str(path)!r}") from None
    except (OSError, ValueError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {str(path)!r}: {reason}") from None
    if len(content) > _MOST_BYTES:
        raise DataError(f"{str(path)!r} is longer than {_MOST_BYTES:,} bytes")
    return content


def _expanded(content: bytes) -> bytes:
    """What zstd packed; a little more than the longest file of what is longer."""
    arrow = pyarrow("files packed by zstd")
    packed = arrow.CompressedInputStream(arrow.BufferReader(content), "zstd")
    pieces, size = [], 0
    while size <= _MOST_BYTES and (piece := packed.read(_PIECE)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def refused(
    path: Path, row: int, column: int | str, problem: str, cell: str | None = None, hint: str = ""
) -> DataError:
    """The error of one cell: file, row (a line, from 1), column (a number from 1, or a name)."""
    shown = "" if cell is None else f": {_short(cell)!r}"
    return DataError(f"{path}: row {row}, column {column}: {problem}{shown}", hint=hint)


def _short(cell: str) -> str:
    return cell if len(cell) <= _SHOWN else cell[: _SHOWN - 3] + "..."


def cells_of(path: Path, most: int, names: Sequence[str]) -> list[list[str]]:
    """The cells of a file without a header: columns of known number, between blanks.

    Args:
        path: the file.
        most: columns that it may have; further ones are refused.
        names: of the columns that it must have.

    Raises:
        DataError: it is empty, or a row has too few or too many cells.
    """
    rows = [line.split() for line in read_lines(path)]
    while rows and not rows[-1]:
        rows.pop()
    if not rows:
        raise DataError(f"{str(path)!r} is empty")
    check_lengths(path, rows, 1, len(names), most, names)
    return rows


def check_lengths(
    path: Path, rows: list[list[str]], first: int, least: int, most: int, names: Sequence[str]
) -> None:
    """Refuse a row of too few or too many cells; the first row has the number `first`.

    Raises:
        DataError: there is one.
    """
    for number, row in enumerate(rows, first):
        if not least <= len(row) <= most:
            text = f"this row has {len(row)} cells; its columns are {', '.join(names)}"
            raise refused(path, number, min(len(row), most) + 1, text)


def in_parts(lines: list[Line], what: str, progress: Progress | None) -> Iterator[list[Line]]:
    """Lines, some at a time, so that what is made of them need not all be there at once."""
    for start in range(0, len(lines), _AT_A_TIME):
        yield lines[start : start + _AT_A_TIME]
        if progress is not None:
            progress(what, min(start + _AT_A_TIME, len(lines)), len(lines))


def a_number(cell: str) -> float | None:
    """The number that a cell holds, perhaps infinite; None where it is none, or nan."""
    if not cell.isascii() or "_" in cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if isnan(value) else value


def whole_number(
    path: Path, row: int, column: int | str, cell: str, accept: Callable[[int], bool]
) -> int:
    """A cell that is a whole number which `accept` takes.

    Raises:
        DataError: it is none.
    """
    digits = cell.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18 and accept(int(cell))):
        raise refused(path, row, column, "this is no whole number that fits here", cell)
    return int(cell)
