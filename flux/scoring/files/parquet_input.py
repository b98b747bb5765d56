"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flux.errors import DataError
from flux.scoring.files.blocks import FileTable, Position, Wanted
from flux.scoring.packages import parquet, pyarrow
from flux.scoring.tables.from_arrow import ArrowTable

BATCH_ROWS = 1 << 18


class BatchRows(ArrowTable):
    """A batch as a table."""

    def kept(self, name: str) -> Any:
        """A column as it stands in the file."""
        return self._table.column(name)


@dataclass(frozen=True)
class Batch:
    """A batch that has been read."""

    batch: Any
    end: Position
    done: int

    def table(self, first: int) -> FileTable:
        """The rows."""
        return BatchRows(self.batch, first)


class ParquetSource:
    """A Parquet file.

    Raises:
        ArgumentError: pyarrow is not installed.
        DataError: it cannot be read.
    """

    def __init__(self, path: str, batch_rows: int = BATCH_ROWS) -> None:
        self._path = path
        self._batch_rows = batch_rows
        try:
            self._file = parquet().ParquetFile(path)
        except (OSError, pyarrow().ArrowException) as error:
            raise self._unreadable(error) from None
        self.names: list[str] = list(self._file.schema_arrow.names)
        self.size: int = self._file.metadata.num_rows

    def _unreadable(self, error: Exception) -> DataError:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0][:200]
        return DataError(f"cannot read {self._path!r}: {reason}")

    def blocks(self, wanted: Wanted, start: Position | None) -> Iterator[Batch]:
        """The batches from a row group and a batch in it on."""
        group, skipped = start if start is not None else (0, 0)
        metadata = self._file.metadata
        done = sum(metadata.row_group(n).num_rows for n in range(group))
        if not metadata.num_rows and start is None:
            yield Batch(self._empty(wanted), [metadata.num_row_groups, 0], 0)
        for number in range(group, metadata.num_row_groups):
            for n, batch in enumerate(self._batches(number, wanted)):
                done += batch.num_rows
                if number > group or n >= skipped:
                    yield Batch(batch, [number, n + 1], done)

    def _batches(self, group: int, wanted: Wanted) -> Iterator[Any]:
        columns = list(wanted.all())
        try:
            if columns:
                yield from self._file.iter_batches(self._batch_rows, [group], columns)
                return
            # A formula of numbers alone: only the rows count.
            rows = self._file.metadata.row_group(group).num_rows
            for start in range(0, rows, self._batch_rows):
                yield _without_columns(min(self._batch_rows, rows - start))
        except (OSError, pyarrow().ArrowException) as error:
            raise self._unreadable(error) from None

    def _empty(self, wanted: Wanted) -> Any:
        schema = pyarrow().schema([self._file.schema_arrow.field(name) for name in wanted.all()])
        return schema.empty_table().combine_chunks()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _without_columns(rows: int) -> Any:
    """A table of rows that has no column which anybody reads."""
    return pyarrow().table({"": pyarrow().nulls(rows)})
