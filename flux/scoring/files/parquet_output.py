"""Parquet, written block by block by any number of threads, and continued after a kill.

pyarrow writes each block as a whole file of one row group. What is kept of it is the row group's
bytes and its footer; the file is the row groups one after another and one footer for all, in which
every offset is moved by where its row group came to lie. So a block's bytes depend on the block
alone, and a run that is continued ends with the bytes of one that was never stopped.

The footer is read and written here because pyarrow cannot move it: it counts a file's offsets from
0, whatever stands before, and its `FileMetaData.append_row_groups` keeps them. Nor can it append to
a file, so a run that goes on would write all its row groups again.

Source:
    Apache Parquet, parquet.thrift: FileMetaData and what it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flux.scoring.files.thrift import I16, I64, Field, Reader, write_struct
from flux.scoring.packages import parquet, pyarrow

MAGIC = b"PAR1"
_ROWS, _GROUPS = 3, 4  # fields of FileMetaData
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7  # of RowGroup
_CHUNK_OFFSETS, _META = (2, 4, 6), 3  # of ColumnChunk
_META_OFFSETS = (9, 10, 11, 14)  # of ColumnMetaData: pages, index, dictionary, Bloom filter


def encode(table: Any) -> tuple[memoryview, bytes]:
    """The bytes of a table's row group, and its footer.

    Floats have no dictionary: to look for one costs more than all the rest, and scores seldom
    repeat.
    """
    types = pyarrow().types
    repeated = [field.name for field in table.schema if not types.is_floating(field.type)]
    sink = pyarrow().BufferOutputStream()
    with parquet().ParquetWriter(sink, table.schema, use_dictionary=repeated) as writer:
        writer.write_table(table, row_group_size=max(1, table.num_rows))
    content = memoryview(sink.getvalue())
    length = int.from_bytes(content[-8:-4], "little")
    start = len(content) - 8 - length
    return content[len(MAGIC) : start], bytes(content[start:-8])


def joined_footer(footers: Sequence[bytes], offsets: Sequence[int]) -> bytes:
    """The end of a file: one footer for all row groups.

    Args:
        footers: of each block.
        offsets: where the bytes of each block begin in the file.
    """
    whole = Reader(footers[0]).struct()
    groups: list[list[Field]] = []
    rows = 0
    for footer, offset in zip(footers, offsets, strict=True):
        fields = _by_number(Reader(footer).struct())
        rows += fields[_ROWS][2]
        for group in fields[_GROUPS][2][1]:
            _move_group(group, offset - len(MAGIC), len(groups))
            groups.append(group)
    for field in whole:
        if field[0] == _ROWS:
            field[2] = rows
        elif field[0] == _GROUPS:
            field[2] = (field[2][0], groups)
    footer = write_struct(whole)
    return footer + len(footer).to_bytes(4, "little") + MAGIC


def _by_number(fields: list[Field]) -> dict[int, Field]:
    return {field[0]: field for field in fields}


def _move_group(group: list[Field], by: int, ordinal: int) -> None:
    fields = _by_number(group)
    _move(fields, (_GROUP_OFFSET,), by)
    if _ORDINAL in fields:
        assert fields[_ORDINAL][1] == I16
        fields[_ORDINAL][2] = min(ordinal, 0x7FFF)
    for chunk in fields[_COLUMNS][2][1]:
        parts = _by_number(chunk)
        _move(parts, _CHUNK_OFFSETS, by)
        if _META in parts:
            _move(_by_number(parts[_META][2]), _META_OFFSETS, by)


def _move(fields: dict[int, Field], numbers: Sequence[int], by: int) -> None:
    for number in numbers:
        field = fields.get(number)
        if field is not None and field[2]:  # 0 where a writer does not say
            assert field[1] == I64
            field[2] += by
