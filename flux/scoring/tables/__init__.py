"""Tables that are handed in: one interface over mappings, pandas, polars and Arrow.

A kind is recognised by the package that its type comes from, so that no package is imported which
the caller does not use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError, UnknownNameError, did_you_mean
from flux.scoring.columns import Texts
from flux.scoring.spelling import spelled

Array = NDArray[Any]
Results = Mapping[str, "Array | Texts"]


class Table(Protocol):
    """A table as scoring sees it.

    Attributes:
        first: the number of its first row in a larger table, from 0, for errors.
    """

    first: int

    @property
    def names(self) -> Sequence[str]:
        """The names of its columns, as texts."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a column: one dimension, or none where every value is a single number."""

    def numbers(self, name: str) -> Array:
        """A column as numbers; nan where there is none."""

    def unit(self, name: str) -> str:
        """The unit that a column carries; "" for none."""

    def texts(self, name: str) -> Texts:
        """A column as texts."""

    def give_back(self, results: Results, keep: Sequence[str]) -> Any:
        """A table of the same kind with the kept columns and the results."""


def table_of(value: Any, first: int = 0) -> Table:
    """The table that a value is.

    Raises:
        ArgumentError: it is none.
    """
    for package in _packages(value):
        if package in _MAKERS:
            return _MAKERS[package](value, first)
    if isinstance(value, Mapping):
        return _of_mapping(value, first)
    if isinstance(value, np.ndarray) and value.dtype.names:
        return _of_mapping({name: value[name] for name in value.dtype.names}, first)
    if hasattr(value, "__arrow_c_stream__"):
        return _of_arrow(value, first)
    kind = type(value).__name__
    hint = "give a DataFrame, an Arrow table or a mapping of arrays"
    if isinstance(value, str | PathLike):
        hint = "a file is scored by flux.scoring.files.score_file, or by the command flux score"
    raise ArgumentError(f"a table cannot be a {kind}", hint=hint)


def _packages(value: Any) -> Iterator[str]:
    """The packages that a value's type and its bases come from."""
    return (base.__module__.partition(".")[0] for base in type(value).__mro__)


def _of_mapping(value: Any, first: int) -> Table:
    from flux.scoring.tables.from_mapping import MappingTable

    return MappingTable(value, first)


def _of_pandas(value: Any, first: int) -> Table:
    from flux.scoring.tables.from_pandas import PandasTable

    return PandasTable(value, first)


def _of_polars(value: Any, first: int) -> Table:
    from flux.scoring.tables.from_polars import PolarsTable

    return PolarsTable(value, first)


def _of_arrow(value: Any, first: int) -> Table:
    from flux.scoring.tables.from_arrow import ArrowTable

    return ArrowTable(value, first)


_MAKERS: Mapping[str, Callable[[Any, int], Table]] = {
    "pandas": _of_pandas,
    "polars": _of_polars,
    "pyarrow": _of_arrow,
}


def check_columns(names: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise where a table lacks a column, or has it twice."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    for name in wanted:
        if name not in counts:
            known = list(counts)
            hint = did_you_mean(name, known) or f"the table has {_list(known)}"
            raise UnknownNameError(f"no column `{name}`", hint=_in_backticks(hint, name, known))
        if counts[name] > 1:
            places = [str(i + 1) for i, other in enumerate(names) if other == name]
            raise DataError(f"columns {' and '.join(places)} are both named `{name}`")


def _list(known: Sequence[str]) -> str:
    shown = ", ".join(known[:8]) + (", and more" if len(known) > 8 else "")
    return shown or "no columns"


def _in_backticks(hint: str, name: str, known: Sequence[str]) -> str:
    """A hint whose column can be copied into a formula."""
    for column in known:
        if f"`{column}`" in hint and spelled(column) != column:
            return hint.replace(f"`{column}`", f"`{spelled(column)}`")
    return hint


__all__ = ["Results", "Table", "check_columns", "table_of"]
