"""Tables of numbers for a model's inputs: from .csv, .tsv and .npz files.

An input x[b] is the column x. An input x[b, i] is the columns x_0, x_1, ..., or an array of two
dimensions. The first axis of the first input is that of the rows.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError, ShapeError, did_you_mean
from flux.expr import Expr
from flux.training.files import check_kind

Arrays = Mapping[str, NDArray[Any]]

SUFFIXES = (".csv", ".tsv", ".npz")
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Table:
    """Arrays for the inputs of a model.

    Attributes:
        name: what messages call it.
        arrays: by input.
        by_row: the inputs whose first axis is that of the rows.
    """

    name: str
    arrays: Arrays
    by_row: tuple[str, ...]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.arrays[self.by_row[0]])

    @property
    def digest(self) -> str:
        """What tells these numbers from any others."""
        digest = sha256()
        for name in sorted(self.arrays):
            array = self.arrays[name]
            digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def take(self, rows: NDArray[np.int64]) -> Arrays:
        """Some of the rows; what has none is given whole."""
        return {n: a[rows] if n in self.by_row else a for n, a in self.arrays.items()}


def read_table(path: Path, inputs: Sequence[Expr]) -> Table:
    """The arrays of a file for a model's inputs; other columns are ignored.

    Raises:
        DataError: a file that is missing, damaged or of another kind; an input that it does not
            have; a cell that is no number, with its line.
        ShapeError: arrays with different numbers of rows.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"{str(path)!r} is no table that Flux reads",
            hint=f"the name of one ends in {', '.join(SUFFIXES)}",
        )
    inputs = [e for e in inputs if e.attributes.name not in ("seed", "step")]
    if not inputs or not inputs[0].attributes.axes:
        raise DataError("the model's first input has no axis for the rows of a table")
    try:
        check_kind(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    arrays = _read_npz(path, inputs) if suffix == ".npz" else _read_text(path, inputs, suffix)
    return _table(path.name, arrays, inputs)


def table_of(arrays: Mapping[str, Any], inputs: Sequence[Expr], name: str = "<arrays>") -> Table:
    """A table of arrays in memory."""
    return _table(name, {n: np.asarray(a) for n, a in arrays.items()}, inputs)


def _table(name: str, arrays: Arrays, inputs: Sequence[Expr]) -> Table:
    axis = inputs[0].attributes.axes[0]
    by_row = tuple(e.attributes.name for e in inputs if axis in e.attributes.axes[:1])
    rows = {len(arrays[n]) for n in by_row if arrays[n].ndim}
    if len(rows) > 1:
        raise ShapeError(f"{name} has arrays of {' and '.join(map(str, sorted(rows)))} rows")
    if not rows or rows == {0}:
        raise DataError(f"{name} has no rows")
    integer = {e.attributes.name for e in inputs if e.attributes.integer}
    whole = {n: _whole(name, n, a) if n in integer else a for n, a in arrays.items()}
    return Table(name, whole, by_row)


def _whole(table: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind != "f":
        return array
    with np.errstate(invalid="ignore"):
        found = array.astype(np.int64)
    if not np.array_equal(found, array):
        raise DataError(f"{table}: {name} holds integers; it has {array[found != array][0]}")
    return found


def _read_npz(path: Path, inputs: Sequence[Expr]) -> Arrays:
    try:
        with np.load(path) as file:  # objects are refused, as NumPy's default has it
            return {n: file[n] for n in _named(path, inputs, list(file.files))}
    except OSError as error:
        raise _unreadable(path, error) from None
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError, AttributeError) as error:
        raise DataError(f"{str(path)!r} is no .npz file of numbers: {error}") from None


def _unreadable(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"no file {str(path)!r}", hint="check the path given to --data")
    return DataError(f"cannot read {str(path)!r}: {error.strerror or error}")


def _named(path: Path, inputs: Sequence[Expr], known: Sequence[str]) -> list[str]:
    names = [e.attributes.name for e in inputs]
    for name in names:
        if name not in known:
            raise _missing(path, name, known)
    return names


def _missing(path: Path, name: str, known: Sequence[str]) -> DataError:
    return DataError(
        f"{path.name} has no {name!r}",
        hint=did_you_mean(name, known) or f"it has {', '.join(map(repr, known[:12]))}",
    )


# --- text --------------------------------------------------------------------------------------


def _read_text(path: Path, inputs: Sequence[Expr], suffix: str) -> Arrays:
    separator = _SEPARATORS[suffix]
    header = _header(path, separator)
    columns = {e.attributes.name: _columns(path, e, header) for e in inputs}
    used = sorted({n for numbers in columns.values() for n in numbers})
    cells = _cells(path, separator, used, header)
    place = {number: i for i, number in enumerate(used)}
    found = {name: cells[:, [place[n] for n in ns]] for name, ns in columns.items()}
    flat = [e.attributes.name for e in inputs if len(e.attributes.axes) == 1]
    return {name: a[:, 0] if name in flat else a for name, a in found.items()}


def _header(path: Path, separator: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            row = next(csv.reader(file, delimiter=separator), [])
    except OSError as error:
        raise _unreadable(path, error) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{str(path)!r} is no table of text: {error}") from None
    if not row:
        raise DataError(f"{str(path)!r} is empty")
    return [name.strip() for name in row]


def _columns(path: Path, e: Expr, header: Sequence[str]) -> list[int]:
    name, axes = e.attributes.name, e.attributes.axes
    if len(axes) == 1:
        if name not in header:
            raise _missing(path, name, header)
        return [header.index(name)]
    if len(axes) != 2:
        raise DataError(f"a table of text has no {name} with axes [{', '.join(axes)}]: use .npz")
    found = takewhile(lambda column: column in header, (f"{name}_{n}" for n in count()))
    numbers = [header.index(column) for column in found]
    if not numbers:
        raise DataError(
            f"{path.name} has no columns {name}_0, {name}_1, ... for {name}[{', '.join(axes)}]"
        )
    return numbers


def _cells(
    path: Path, separator: str, used: Sequence[int], header: Sequence[str]
) -> NDArray[np.float64]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            file.readline()
            lines = (line for line in file if line.strip())
            rows = np.fromiter(_numbers(lines, separator, used), dtype=(float, len(used)))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}") from None
    except (ValueError, IndexError, csv.Error):
        raise _bad_cell(path, separator, used, header) from None
    return rows


def _numbers(lines: Any, separator: str, used: Sequence[int]) -> Any:
    for row in csv.reader(lines, delimiter=separator):
        yield tuple(float(row[n]) for n in used)


def _bad_cell(path: Path, separator: str, used: Sequence[int], header: Sequence[str]) -> DataError:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter=separator), 1):
            for n in used if number > 1 and any(map(str.strip, row)) else ():
                text = row[n].strip() if n < len(row) else ""
                if not _is_number(text):
                    where = f"{path.name}:{number}: the column {header[n]!r}"
                    return DataError(f"{where} has {text!r}, which is no number")
    return DataError(f"{str(path)!r} has rows that cannot be read")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
