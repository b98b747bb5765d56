"""Files of scores: CSV, TSV (gzip too) and Parquet, made of pieces that are appended in order.

A piece is made from one block alone, in any thread. So a file is its head, the pieces, its end,
and a run that is continued writes the bytes of one that was never stopped.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from flux.errors import ArgumentError
from flux.scoring.columns import Array, Texts
from flux.scoring.files import parquet_output
from flux.scoring.files.blocks import FileTable
from flux.scoring.packages import has_pyarrow, pyarrow
from flux.scoring.tables import Results
from flux.scoring.tables.from_arrow import arrow_array

_LEVEL = 6  # of gzip
_BETWEEN = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}


@dataclass(frozen=True)
class Piece:
    """What a block adds to a file.

    Attributes:
        content: the bytes.
        note: what the end of the file needs to know of it, as a text.
    """

    content: bytes | memoryview
    note: str = ""


class Output(Protocol):
    """A format."""

    def head(self, names: Sequence[str]) -> bytes:
        """The first bytes."""

    def piece(self, table: FileTable, keep: Sequence[str], results: Results) -> Piece:
        """The bytes of a block."""

    def end(self, notes: Sequence[str], offsets: Sequence[int]) -> bytes:
        """The last bytes, from the pieces' notes and where they begin."""


def output_of(path: str) -> Output:
    """The format that a file's name asks for; standard output, `-`, is CSV.

    Raises:
        ArgumentError: its ending is none that is known, or needs pyarrow.
    """
    name = Path(path).name.lower()
    if path == "-":
        return TextOutput(",", False)
    if name.endswith((".parquet", ".pq")):
        pyarrow()
        return ParquetOutput()
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix in _BETWEEN:
        return TextOutput(_BETWEEN[suffix], name.endswith(".gz"))
    hint = "end it with .csv, .tsv, .csv.gz, .tsv.gz or .parquet"
    raise ArgumentError(f"{path!r} does not say in which format to write", hint=hint)


class ParquetOutput:
    """Parquet: a row group for each block."""

    def head(self, names: Sequence[str]) -> bytes:
        """The format's mark."""
        return parquet_output.MAGIC

    def piece(self, table: FileTable, keep: Sequence[str], results: Results) -> Piece:
        """A row group; its footer is the note."""
        content, footer = parquet_output.encode(_arrow_table(table, keep, results))
        return Piece(content, base64.b64encode(footer).decode("ascii"))

    def end(self, notes: Sequence[str], offsets: Sequence[int]) -> bytes:
        """One footer for all."""
        return parquet_output.joined_footer([base64.b64decode(note) for note in notes], offsets)


@dataclass(frozen=True)
class TextOutput:
    """Text with names in the first row.

    Attributes:
        between: what stands between columns.
        zipped: whether each piece is packed by gzip, which takes them one after another.
    """

    between: str
    zipped: bool

    def head(self, names: Sequence[str]) -> bytes:
        """The row of names."""
        return self._packed(_written([list(names)], self.between))

    def piece(self, table: FileTable, keep: Sequence[str], results: Results) -> Piece:
        """The rows of a block."""
        if has_pyarrow():
            found = _arrow_table(table, keep, results)
            try:
                return Piece(self._packed(_by_arrow(found, self.between)))
            except pyarrow().ArrowInvalid:  # a text needs quotes
                columns = [_plain_column(column) for column in found.columns]
        else:
            columns = [table.kept(name) for name in keep]
            columns += [_listed(values) for values in results.values()]
        rows = list(zip(*columns, strict=True))
        return Piece(self._packed(_written(rows, self.between)))

    def end(self, notes: Sequence[str], offsets: Sequence[int]) -> bytes:
        """Nothing."""
        return b""

    def _packed(self, content: bytes) -> bytes:
        return gzip.compress(content, _LEVEL, mtime=0) if self.zipped and content else content


def _written(rows: Sequence[Sequence[Any]], between: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=between, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _by_arrow(table: Any, between: str) -> bytes:
    from pyarrow import csv as arrow_csv

    sink = pyarrow().BufferOutputStream()
    options = arrow_csv.WriteOptions(
        include_header=False, delimiter=between, quoting_style="none", batch_size=1 << 14
    )
    arrow_csv.write_csv(table, sink, options)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _arrow_table(table: FileTable, keep: Sequence[str], results: Results) -> Any:
    arrow = pyarrow()
    columns: dict[str, Any] = {}
    for name in keep:
        column = table.kept(name)
        kind = arrow.string() if isinstance(column, list) else None
        known = isinstance(column, arrow.Array | arrow.ChunkedArray)
        columns[name] = column if known else arrow.array(column, kind)
    for name, values in results.items():
        columns[name] = arrow_array(values)
    return arrow.table(columns)


def _plain_column(column: Any) -> list[Any]:
    """A column as texts and numbers, spelled as pyarrow spells them."""
    arrow = pyarrow()
    if arrow.types.is_string(column.type) or arrow.types.is_large_string(column.type):
        return ["" if cell is None else cell for cell in column.to_pylist()]
    return ["" if cell is None else cell for cell in column.cast(arrow.string()).to_pylist()]


def _listed(values: Array | Texts) -> list[str]:
    """Results as texts: the shortest that reads back as the same number."""
    if isinstance(values, Texts):
        return list(map(str, values.values().tolist()))
    if values.dtype == np.bool_:
        return ["true" if value else "false" for value in values.tolist()]
    return [repr(value).removesuffix(".0") for value in values.tolist()]
