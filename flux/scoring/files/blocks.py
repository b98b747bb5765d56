"""What a file of any format gives: its columns' names, and its rows in blocks.

A block is read where it is scored, which may be another thread; what comes before that is quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flux.scoring.tables import Table

Position = list[int]


class FileTable(Table, Protocol):
    """The rows of a block, as a table."""

    def kept(self, name: str) -> Any:
        """A column as it stands in the file: an Arrow array, or a list of texts."""


class Block(Protocol):
    """Some rows of a file."""

    @property
    def end(self) -> Position:
        """Where the next block begins."""

    @property
    def done(self) -> int:
        """Bytes or rows of the file that are read then; see `Source.size`."""

    def table(self, first: int) -> FileTable:
        """The rows; `first` is the number of the first one in the file, for errors."""


class Source(Protocol):
    """A file of rows."""

    @property
    def names(self) -> Sequence[str]:
        """The names of its columns."""

    @property
    def size(self) -> int:
        """What `Block.done` comes to; 0 where nobody knows."""

    def blocks(self, wanted: Wanted, start: Position | None) -> Iterator[Block]:
        """The blocks from a position on; one without rows where the file has none."""

    def close(self) -> None:
        """Close the file."""


@dataclass(frozen=True)
class Wanted:
    """The columns that are needed.

    Attributes:
        numbers: as numbers.
        texts: as texts.
        kept: as they stand.
        typed: whether a kept column that is read as numbers is kept as numbers.
    """

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    kept: tuple[str, ...]
    typed: bool = False

    def all(self) -> tuple[str, ...]:
        """Each of them once."""
        return tuple(dict.fromkeys((*self.numbers, *self.texts, *self.kept)))
