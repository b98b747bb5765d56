"""polars: DataFrames in, DataFrames out; a LazyFrame is collected, and given back lazy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from flux.errors import ArgumentError
from flux.scoring.columns import Array, Texts, coded_texts, numbers_of, with_missing, without_texts
from flux.scoring.tables import Results


class PolarsTable:
    """A DataFrame as a table."""

    def __init__(self, frame: Any, first: int) -> None:
        polars = sys.modules["polars"]
        self._lazy = isinstance(frame, polars.LazyFrame)
        if not self._lazy and not isinstance(frame, polars.DataFrame):
            hint = "give a DataFrame, as in series.to_frame()"
            raise ArgumentError("a table cannot be a Series", hint=hint)
        self._frame = frame.collect() if self._lazy else frame
        self.first = first

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return list(self._frame.columns)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows."""
        return (self._frame.height,)

    def numbers(self, name: str) -> Array:
        """A column as numbers."""
        polars = sys.modules["polars"]
        series = self._frame.get_column(name)
        if series.dtype == polars.Null or series.dtype.is_decimal():
            series = series.cast(polars.Float64)
        plain = series.dtype.is_numeric() or series.dtype == polars.Boolean
        if not plain or "128" in str(series.dtype):  # integers that NumPy has not
            return numbers_of(name, series.to_list(), self.first)
        if not series.null_count():
            return numbers_of(name, series.to_numpy(), self.first)
        filled = series.fill_null(False if series.dtype == polars.Boolean else 0)
        found = numbers_of(name, filled.to_numpy(), self.first)
        return with_missing(found, series.is_null().to_numpy())

    def unit(self, name: str) -> str:
        """None is carried."""
        return ""

    def texts(self, name: str) -> Texts:
        """A column as texts."""
        polars = sys.modules["polars"]
        series = self._frame.get_column(name)
        if series.dtype not in (polars.String, polars.Categorical, polars.Enum, polars.Null):
            lacks = series.is_nan().fill_null(True) if series.dtype.is_float() else series.is_null()
            return without_texts(name, str(series.dtype), lacks.to_numpy())
        series = series.cast(polars.String)
        known = series.drop_nulls().unique(maintain_order=True)
        codes = series.cast(polars.Enum(known)).to_physical().cast(polars.Int32).fill_null(-1)
        return coded_texts(name, codes.to_numpy(), known.to_list())

    def give_back(self, results: Results, keep: Sequence[str]) -> Any:
        """A DataFrame, lazy where this one was."""
        polars = sys.modules["polars"]
        scores = [_series(polars, name, values) for name, values in results.items()]
        kept = [self._frame.get_column(name) for name in keep]
        found = polars.DataFrame([*kept, *scores])
        return found.lazy() if self._lazy else found


def _series(polars: Any, name: str, values: Array | Texts) -> Any:
    if isinstance(values, Texts):
        return polars.Series(name, values.values().tolist(), dtype=polars.String)
    return polars.Series(name, values)
