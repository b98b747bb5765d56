"""Columns of a table: numbers with nan where there is none, or texts as numbers of a list.

Whatever a table holds becomes one of the two exactly, or is refused with its row and column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.expr.integers import MAX_EXACT

Array = NDArray[Any]

_MISSING_TYPES = ("NoneType", "NAType", "NaTType", "MaskedConstant")
_NO_TEXT = 'compare texts by `column == "text"`, or convert the column to numbers'
_KINDS = {"M": "dates", "m": "time spans", "c": "complex numbers", "V": "records", "S": "bytes"}


@dataclass(frozen=True)
class Texts:
    """A column of texts.

    Attributes:
        codes: for each row, the place of its text in `texts`; -1 where there is none.
        texts: the different texts.
    """

    codes: Array
    texts: tuple[str, ...]

    def equal(self, text: str) -> Array:
        """Whether each row has this text."""
        if text not in self.texts:
            return np.zeros(self.codes.shape, np.bool_)
        found: Array = self.codes == self.texts.index(text)
        return found

    def missing(self) -> Array:
        """Whether each row has none."""
        found: Array = self.codes < 0
        return found

    def values(self) -> Array:
        """The texts as an array of NumPy's; an empty one where there is none."""
        known = np.array([*self.texts, ""])
        found: Array = known[self.codes]
        return found


def cell_error(column: str, row: int, text: str, hint: str = "") -> DataError:
    """The error for a cell; rows are counted from 1."""
    return DataError(f"row {row + 1:,}, column `{column}`: {text}", hint=hint)


# Numbers.


def numbers_of(column: str, values: Any, first: int = 0) -> Array:
    """A column as truth values, integers or floats; nan where there is none.

    Args:
        column: its name, for errors.
        values: an array, or what NumPy makes one of.
        first: the number of its first row, for errors.

    Raises:
        DataError: a cell is no number, or none that a float64 holds.
    """
    array = np.ma.asarray(values) if isinstance(values, np.ma.MaskedArray) else _array(values)
    if array.ndim > 1:
        raise DataError(f"column `{column}` has {array.ndim} dimensions: a column has one")
    if isinstance(array, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(array)
        return with_missing(numbers_of(column, array.filled(0), first), mask)
    kind = array.dtype.kind
    if kind == "O":
        return _of_objects(column, array, first)
    if kind in "UT":
        raise _text_cell(column, array, first)
    if kind not in "biuf":
        held = _KINDS.get(kind, str(array.dtype))
        raise DataError(f"column `{column}` holds {held}, and numbers are needed")
    if kind in "iu" and array.dtype.itemsize == 8:
        array = _exact(column, array, first)
    if array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _array(values: Any) -> Array:
    if isinstance(values, np.ndarray):
        return values
    try:
        found = np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        return np.array([*values], dtype=object)
    # NumPy makes texts of the numbers, and of the nan, that stand beside texts in a list.
    mixed = found.dtype.kind in "US" and isinstance(values, list | tuple)
    return np.asarray(values, dtype=object) if mixed else found


def _exact(column: str, array: Array, first: int) -> Array:
    """Integers, as floats where some are large; one that a float64 does not hold is refused."""
    if not array.size or (array.max() <= MAX_EXACT and array.min() >= -MAX_EXACT):
        return array
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        far = (
            (flat > MAX_EXACT) | (flat < -MAX_EXACT)
            if array.dtype.kind == "i"
            else (flat > MAX_EXACT)
        )
    for row in np.flatnonzero(far).tolist():
        number = int(flat[row])
        if int(float(number)) != number:
            raise cell_error(column, first + row, f"{number} has no exact float64")
    return array.astype(np.float64)


def _text_cell(column: str, array: Array, first: int) -> DataError:
    """The error for a column of texts: its first one that is no number, or the first one."""
    texts = [str(text) for text in array.reshape(-1)[:1000].tolist()]
    row = next((i for i, text in enumerate(texts) if not _looks_like_number(text)), 0)
    shown = f"the text {texts[row][:40]!r}" if texts else "texts"
    return cell_error(column, first + row, f"{shown} is no number", _NO_TEXT)


def _looks_like_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _of_objects(column: str, array: Array, first: int) -> Array:
    cells = array.reshape(-1).tolist()
    out = np.empty(len(cells))
    for row, cell in enumerate(cells):
        out[row] = cell if type(cell) is float else _number(column, cell, first + row)
    return out.reshape(array.shape)


def _number(column: str, cell: Any, row: int) -> float:
    """A cell of any type as a float, exactly where it is an integer."""
    if is_missing(cell):
        return np.nan
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, float | Decimal):
        return float(cell)
    if isinstance(cell, int):
        if cell.bit_length() <= 1023 and int(float(cell)) == cell:
            return float(cell)
        raise cell_error(column, row, f"{str(cell)[:40]} has no exact float64")
    if isinstance(cell, str):
        raise cell_error(column, row, f"the text {cell[:40]!r} is no number", _NO_TEXT)
    raise cell_error(column, row, f"a value of type {type(cell).__name__} is no number")


def is_missing(cell: Any) -> bool:
    """Whether a cell of any type says that there is nothing."""
    if isinstance(cell, float):
        return cell != cell
    if isinstance(cell, Decimal):
        return cell.is_nan()
    return type(cell).__name__ in _MISSING_TYPES


def with_missing(values: Array, missing: Array) -> Array:
    """Numbers with nan where there is none."""
    if not missing.any():
        return values
    found = values.astype(np.float64)
    found[missing] = np.nan
    return found


# Texts.


def texts_of(column: str, values: Any, first: int = 0) -> Texts:
    """A column as texts.

    Raises:
        DataError: it holds something else.
    """
    array = values if isinstance(values, np.ndarray) else _array(values)
    if array.ndim > 1:
        raise DataError(f"column `{column}` has {array.ndim} dimensions: a column has one")
    if array.dtype.kind == "U" and not isinstance(array, np.ma.MaskedArray):
        known, codes = np.unique(array.reshape(-1), return_inverse=True)
        return Texts(codes.astype(np.int32).reshape(array.shape), tuple(map(str, known)))
    if array.dtype.kind not in "OTU":
        lacks = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, np.bool_)
        return without_texts(column, str(array.dtype), lacks)
    codes, found = _coded(column, array.reshape(-1).tolist(), first)
    return Texts(codes.reshape(array.shape), found)


def without_texts(column: str, held: str, missing: Array) -> Texts:
    """A column that is compared with texts and is of another kind: nothing may stand in it.

    Raises:
        DataError: a row has a value.
    """
    if not missing.all():
        hint = "compare numbers without quotes"
        raise DataError(f"column `{column}` is compared with texts, and holds {held}", hint=hint)
    return Texts(np.full(missing.shape, -1, np.int32), ())


def _coded(column: str, cells: Iterable[Any], first: int) -> tuple[Array, tuple[str, ...]]:
    known: dict[str, int] = {}
    codes = []
    for row, cell in enumerate(cells):
        if isinstance(cell, str):
            codes.append(known.setdefault(str(cell), len(known)))
        elif is_missing(cell):
            codes.append(-1)
        else:
            held = f"{cell!r:.40} is no text, and the column is compared with texts"
            raise cell_error(column, first + row, held)
    return np.array(codes, np.int32), tuple(known)


def coded_texts(column: str, codes: Any, texts: Sequence[Any]) -> Texts:
    """Texts from codes that a table has already; the codes of missing cells are negative."""
    for text in texts:
        if not isinstance(text, str):
            without_texts(column, f"categories such as {text!r:.40}", np.zeros(1, np.bool_))
    return Texts(np.asarray(codes), tuple(texts))
