"""The columns of a table: a mapping, a structured array, or anything with `columns`.

So a table of pandas or polars will do. Only the columns that a fit needs are looked at, and no
table library is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.compiled.arguments import is_table
from flux.errors import ArgumentError, DataError, ShapeError, did_you_mean
from flux.expr.arguments import as_array, as_float

Array = NDArray[Any]


@dataclass(frozen=True)
class Columns:
    """A table, its columns by name.

    Attributes:
        names: of all columns.
        column: a column as the table has it.
    """

    names: tuple[str, ...]
    column: Callable[[str], Any]

    def real(self, name: str) -> Array:
        """A column as float64.

        Raises:
            ArgumentError: it does not hold real numbers.
        """
        return real(name, self.column(name))


def columns_of(data: Any) -> Columns:
    """The columns of a table.

    Raises:
        ArgumentError: it is no table.
    """
    if isinstance(data, np.ndarray) and data.dtype.names:
        return Columns(tuple(data.dtype.names), lambda name: data[name])
    if isinstance(data, np.ndarray) or not is_table(data):
        text = f"data is a mapping or a table of columns, not {type(data).__name__}"
        raise ArgumentError(text, hint='such as {"x": [1, 2, 3], "y": [2.1, 3.9, 6.2]}')
    keys = list(data) if isinstance(data, Mapping) else list(data.columns)
    known = {str(key): key for key in keys}
    return Columns(tuple(known), lambda name: data[known[name]])


def real(name: str, value: Any) -> Array:
    """A column or a number as float64.

    Raises:
        ArgumentError: it does not hold real numbers, or has several dimensions.
    """
    if isinstance(value, tuple | list) and not len(value):
        value = np.zeros(0)
    array = as_float(name, as_array(name, value), np.dtype(np.float64))
    if array.ndim > 1:
        raise ArgumentError(f"`{name}` has {array.ndim} dimensions", hint="a column has one")
    return array


def rows_of(columns: Mapping[str, Array]) -> int:
    """The number of rows that columns have; those that are one number fit any.

    Raises:
        ShapeError: two columns differ.
    """
    lengths = {name: column.size for name, column in columns.items() if column.ndim}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in list(lengths.items())[:8])
        raise ShapeError(f"columns differ in their number of rows: {shown}")
    return next(iter(lengths.values()), 1)


def finite_rows(columns: Mapping[str, Array], count: int, missing: str) -> Array:
    """Which rows have a finite number in every column.

    Raises:
        DataError: a row has not, and is not to be left out.
    """
    good = np.ones(count, bool)
    for name, column in columns.items():
        finite = np.broadcast_to(np.isfinite(column), (count,))
        if missing == "raise" and not finite.all():
            row = int((~finite).argmax())
            value = float(np.broadcast_to(column, (count,))[row])
            hint = 'leave such rows out with missing="drop" (--drop-missing)'
            raise DataError(f"column `{name}` is {value} in row {row}", hint=hint)
        good &= finite
    return good


def group_codes(name: str, value: Any, count: int) -> tuple[Array, tuple[str, ...]]:
    """The number of each row's group, and what the groups are called, in order of first rows.

    Raises:
        ShapeError: there is not one for each row.
    """
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        raise ArgumentError(f"`{name}` is not a column of groups") from None
    if array.shape != (count,):
        raise ShapeError(f"`{name}` has shape {list(array.shape)}; there are {count} rows")
    texts = [str(item) for item in array.tolist()]
    order = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    return np.array([order[text] for text in texts], dtype=np.int64), tuple(order)


def known_groups(name: str, value: Any, groups: Sequence[str], count: int) -> Array:
    """The numbers of groups that a fit has already seen.

    Raises:
        ArgumentError: one that it has not.
        ShapeError: there is not one for each row.
    """
    try:
        wide = np.broadcast_to(np.asarray(value), (count,))
    except ValueError:
        raise ShapeError(f"`{name}` does not have one value for each of {count} rows") from None
    texts = [str(item) for item in wide.tolist()]
    for text in texts:
        if text not in groups:
            hint = did_you_mean(text, groups) or f"it was fitted to {', '.join(groups[:8])}"
            raise ArgumentError(f"`{name}` has no group {text!r}", hint=hint)
    return np.array([groups.index(text) for text in texts], dtype=np.int64)
