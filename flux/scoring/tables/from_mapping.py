"""Mappings of names to arrays, lists and single numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flux.errors import ShapeError
from flux.formulas import split_unit
from flux.scoring.columns import Array, Texts, numbers_of, texts_of
from flux.scoring.tables import Results


class MappingTable:
    """A mapping as a table; a single number stands for every row."""

    def __init__(self, columns: Mapping[Any, Any], first: int) -> None:
        self._columns = {str(name): column for name, column in columns.items()}
        self.first = first
        self._read: dict[str, Array | Texts] = {}
        self._lengths = {name: _shape(column) for name, column in self._columns.items()}

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return list(self._columns)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the columns which have been read so far."""
        shapes = {name: self._lengths[name] for name in self._read if self._lengths[name]}
        lengths = sorted(set(shapes.values()))
        if len(lengths) > 1:
            shown = ", ".join(f"`{name}` has {shape[0]:,}" for name, shape in shapes.items())
            raise ShapeError(f"columns have different numbers of rows: {shown}")
        if lengths:
            return lengths[0]
        # Only single numbers were read, or nothing: the other columns say how many rows there are.
        others = {shape for shape in self._lengths.values() if shape}
        return others.pop() if len(others) == 1 and not self._read else ()

    def numbers(self, name: str) -> Array:
        """A column as numbers."""
        found = numbers_of(name, split_unit(self._columns[name])[0], self.first)
        self._read[name] = found
        self._lengths[name] = found.shape
        return found

    def unit(self, name: str) -> str:
        """That of pint's quantities."""
        return split_unit(self._columns[name])[1]

    def texts(self, name: str) -> Texts:
        """A column as texts."""
        found = texts_of(name, self._columns[name], self.first)
        self._read[name] = found
        self._lengths[name] = found.codes.shape
        return found

    def give_back(self, results: Results, keep: Sequence[str]) -> dict[str, Any]:
        """A dictionary of arrays; of numbers where all values are single numbers."""
        scores = {
            name: values.values() if isinstance(values, Texts) else values
            for name, values in results.items()
        }
        plain = {name: a.item() if a.ndim == 0 else a for name, a in scores.items()}
        return {**{name: self._columns[name] for name in keep}, **plain}


def _shape(column: Any) -> tuple[int, ...]:
    if isinstance(column, str):
        return ()
    column = split_unit(column)[0]
    try:
        shape = np.shape(column)
    except ValueError:  # a ragged list
        return (len(column),)
    return tuple(shape[:1])
