"""Arrow: tables and batches in, the same out; anything with Arrow's C stream becomes a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flux.scoring.columns import Array, Texts, coded_texts, numbers_of, with_missing, without_texts
from flux.scoring.packages import pyarrow
from flux.scoring.tables import Results


class ArrowTable:
    """A table or a record batch."""

    def __init__(self, table: Any, first: int) -> None:
        arrow = pyarrow()
        known = isinstance(table, arrow.Table | arrow.RecordBatch)
        self._table = table if known else arrow.table(table)
        self.first = first

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return list(self._table.schema.names)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows."""
        return (self._table.num_rows,)

    def _array(self, name: str) -> Any:
        """A column as one array."""
        arrow = pyarrow()
        column = self._table.column(name)
        if isinstance(column, arrow.ChunkedArray):
            column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        if isinstance(column, arrow.ChunkedArray):  # there are no chunks to combine
            column = arrow.concat_arrays([*column.chunks, arrow.array([], column.type)])
        return column

    def numbers(self, name: str) -> Array:
        """A column as numbers."""
        arrow = pyarrow()
        types = arrow.types
        column = self._array(name)
        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if types.is_null(column.type) or types.is_decimal(column.type):
            column = column.cast(arrow.float64())
        if not _is_number(types, column.type):
            return numbers_of(name, column.to_pylist(), self.first)
        if not column.null_count:
            return numbers_of(name, column.to_numpy(zero_copy_only=False), self.first)
        nothing = arrow.scalar(False if types.is_boolean(column.type) else 0, column.type)
        filled = column.fill_null(nothing).to_numpy(zero_copy_only=False)
        missing = column.is_null().to_numpy(zero_copy_only=False)
        return with_missing(numbers_of(name, filled, self.first), missing)

    def unit(self, name: str) -> str:
        """None is carried."""
        return ""

    def texts(self, name: str) -> Texts:
        """A column as texts."""
        arrow = pyarrow()
        column = self._array(name)
        types = arrow.types
        if types.is_null(column.type):
            column = column.cast(arrow.string())
        if not types.is_dictionary(column.type):
            if not _is_text(types, column.type):
                missing = column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
                return without_texts(name, str(column.type), missing)
            column = column.cast(arrow.large_string()).dictionary_encode()
        codes = column.indices.cast(arrow.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
        return coded_texts(name, codes, column.dictionary.to_pylist())

    def give_back(self, results: Results, keep: Sequence[str]) -> Any:
        """A table or a record batch."""
        arrow = pyarrow()
        columns = [self._table.column(name) for name in keep]
        fields = [self._table.schema.field(name) for name in keep]
        for name, values in results.items():
            columns.append(arrow_array(values))
            fields.append(arrow.field(name, columns[-1].type))
        return type(self._table).from_arrays(columns, schema=arrow.schema(fields))


def _is_number(types: Any, kind: Any) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _is_text(types: Any, kind: Any) -> bool:
    plain = types.is_string(kind) or types.is_large_string(kind)
    return bool(plain or types.is_string_view(kind))


def arrow_array(values: Array | Texts) -> Any:
    """Results as an array of Arrow's."""
    arrow = pyarrow()
    if isinstance(values, Texts):
        codes = arrow.array(values.codes, mask=values.codes < 0)
        return arrow.DictionaryArray.from_arrays(codes, list(values.texts)).cast(arrow.string())
    return arrow.array(values)
