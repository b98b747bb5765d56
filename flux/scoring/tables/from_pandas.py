"""pandas: DataFrames in, DataFrames with the same index out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from flux.errors import ArgumentError
from flux.scoring.columns import (
    Array,
    Texts,
    coded_texts,
    numbers_of,
    texts_of,
    with_missing,
    without_texts,
)
from flux.scoring.tables import Results

_WIDE = {"i": np.int64, "u": np.uint64, "f": np.float64, "b": np.bool_}


class PandasTable:
    """A DataFrame as a table."""

    def __init__(self, frame: Any, first: int) -> None:
        if not hasattr(frame, "columns"):
            hint = "give a DataFrame, as in series.to_frame()"
            raise ArgumentError("a table cannot be a Series", hint=hint)
        self._frame = frame
        self._labels = {str(label): label for label in reversed(list(frame.columns))}
        self.first = first

    @property
    def names(self) -> list[str]:
        """The names of its columns, as texts."""
        return [str(label) for label in self._frame.columns]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows."""
        return (len(self._frame),)

    def numbers(self, name: str) -> Array:
        """A column as numbers; one of pint-pandas without its unit."""
        series = self._frame[self._labels[name]]
        if _carries_unit(series):
            series = sys.modules["pandas"].Series(series.array.data)
        if isinstance(series.dtype, np.dtype):
            return numbers_of(name, series.to_numpy(), self.first)
        wide = _WIDE.get(series.dtype.kind)
        if wide is None:
            return numbers_of(name, series.astype(object).to_numpy(), self.first)
        missing = series.isna().to_numpy()
        filled = series.fillna(False if wide is np.bool_ else 0) if missing.any() else series
        found = numbers_of(name, filled.to_numpy(dtype=wide), self.first)
        return with_missing(found, missing)

    def unit(self, name: str) -> str:
        """That of a column of pint-pandas."""
        series = self._frame[self._labels[name]]
        return str(series.dtype.units) if _carries_unit(series) else ""

    def texts(self, name: str) -> Texts:
        """A column as texts."""
        series = self._frame[self._labels[name]]
        if series.dtype.kind in "biufcmM":
            return without_texts(name, str(series.dtype), series.isna().to_numpy())
        try:
            codes, texts = sys.modules["pandas"].factorize(series)
        except TypeError:  # a cell such as a list, which the error shows
            return texts_of(name, series.to_numpy(), self.first)
        return coded_texts(name, codes, texts.tolist())

    def give_back(self, results: Results, keep: Sequence[str]) -> Any:
        """A DataFrame with this one's index."""
        pandas = sys.modules["pandas"]
        columns = {
            name: values.values() if isinstance(values, Texts) else values
            for name, values in results.items()
        }
        scores = pandas.DataFrame(columns, index=self._frame.index, copy=False)
        if not keep:
            return scores
        return pandas.concat([self._frame[[self._labels[name] for name in keep]], scores], axis=1)


def _carries_unit(series: Any) -> bool:
    return str(series.dtype).startswith("pint[")
