"""Tables of text: commas, tabs or semicolons, names in the first row, gzip; a block at a time.

A file is cut into blocks of bytes at ends of rows, a quoted line end being none. That needs one
look at the quotes; the rest of the reading is the block's own (see `flux.scoring.files.text_rows`).
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flux.errors import DataError
from flux.scoring.files.blocks import FileTable, Position, Wanted
from flux.scoring.files.text_rows import Layout, read_rows

BLOCK_BYTES = 1 << 22
MOST_BYTES = 1 << 26  # of one row
_LOOKED_AT = 4096  # bytes, for what no text has
_GZIP = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BETWEEN = {".tsv": "\t", ".tab": "\t", ".csv": ",;\t"}
_BETWEEN_ELSE = "\t,;"  # the first of these that the first row has


@dataclass(frozen=True)
class TextBlock:
    """Whole rows as bytes."""

    content: bytes
    layout: Layout
    wanted: Wanted
    end: Position
    done: int

    def table(self, first: int) -> FileTable:
        """The rows."""
        return read_rows(self.content, self.layout, self.wanted, first)


class TextSource:
    """A file of text; `-` is standard input.

    Raises:
        DataError: it cannot be read, or has no first row.
    """

    def __init__(self, path: str, block_bytes: int = BLOCK_BYTES) -> None:
        self._path = path
        self._block_bytes = block_bytes
        self._raw = _opened(path)
        self.size = 0 if path == "-" else Path(path).stat().st_size
        head = self._raw.peek(2)[:2]
        self._zipped = head == _GZIP
        self._file: Any = gzip.GzipFile(fileobj=self._raw) if self._zipped else self._raw
        try:
            self._rest = self._read(max(block_bytes, _LOOKED_AT))
            self._check_start()
            self.names, self._between, self._begin = self._header()
        except BaseException:
            self.close()
            raise

    def _check_start(self) -> None:
        if self._rest[:2] in _WIDE_MARKS:
            hint = "save it as UTF-8"
            raise DataError(f"{self._path!r} is written in UTF-16", hint=hint)
        if b"\0" in self._rest[:_LOOKED_AT]:
            raise DataError(f"{self._path!r} is no text")

    def _read(self, count: int) -> bytes:
        """The next bytes of the text; fewer at its end."""
        try:
            found: bytes = self._file.read(count)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"cannot read {self._path!r}: {reason}") from None
        return found

    def _header(self) -> tuple[list[str], str, int]:
        """The names, what stands between columns, and where the rows begin."""
        start = len(_MARK) if self._rest.startswith(_MARK) else 0
        while True:
            end = self._end_of_row(start)
            line = self._rest[start:end]
            if line.strip() or end >= len(self._rest):
                break
            start = end
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = f"the first row of {self._path!r} is not written in UTF-8"
            raise DataError(text, hint="save it as UTF-8") from None
        if not text.strip():
            raise DataError(f"{self._path!r} is empty", hint="its first row names the columns")
        suffix = Path(self._path.removesuffix(".gz")).suffix.lower()
        marks = _BETWEEN.get(suffix, _BETWEEN_ELSE)
        between = next((mark for mark in marks if mark in text), marks[0])
        try:
            row = next(csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True))
        except csv.Error as error:
            raise DataError(f"the first row of {self._path!r} is no row: {error}") from None
        return [cell.strip() for cell in row], between, end

    def _end_of_row(self, start: int) -> int:
        """Past the end of the row that begins there; more is read where it does not end."""
        while True:
            end = _first_end(self._rest, start)
            more = b"" if end or len(self._rest) > MOST_BYTES else self._read(self._block_bytes)
            if not more:
                return end or len(self._rest)
            self._rest += more

    def blocks(self, wanted: Wanted, start: Position | None) -> Iterator[TextBlock]:
        """The blocks from a place in the text on, in bytes after it is unpacked.

        Where a block ends follows from where it begins, so a run may go on from any end.
        """
        layout = Layout(tuple(self.names), self._between)
        position, rest = self._begin, self._rest[self._begin :]
        if start is not None:
            position, rest = start[0], self._skipped(start[0])
        self._rest = b""
        first = start is None
        while True:
            content, rest = self._next(rest, position)
            if not content and not first:
                return
            first = False
            position += len(content)
            yield TextBlock(content, layout, wanted, [position], self._done(position))

    def _next(self, rest: bytes, position: int) -> tuple[bytes, bytes]:
        """The next block, of what has been read and more, and what is read beyond it."""
        window = self._block_bytes
        while True:
            if len(rest) < window:
                rest += self._read(window - len(rest))
            if len(rest) < window:
                return rest, b""
            cut = _last_end(rest[:window])
            if cut:
                return rest[:cut], rest[cut:]
            if window > MOST_BYTES:
                hint = "a quote is perhaps not closed"
                text = f"no row ends within {window:,} bytes after byte {position:,}"
                raise DataError(f"{self._path!r}: {text}", hint=hint)
            window *= 2

    def _skipped(self, position: int) -> bytes:
        """Go to a place in the text; what has been read past it."""
        known = len(self._rest)
        if position <= known:
            return self._rest[position:]
        try:
            self._file.seek(position)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"cannot read {self._path!r} again: {error}") from None
        return b""

    def _done(self, position: int) -> int:
        """Bytes of the file that are read, as far as is known."""
        return min(self._raw.tell(), self.size) if self._zipped else position

    def close(self) -> None:
        """Close the file."""
        if self._path != "-":
            self._raw.close()


def _opened(path: str) -> Any:
    if path == "-":
        if sys.stdin is None:
            raise DataError("cannot read: standard input is closed")
        return sys.stdin.buffer
    try:
        raw: IO[bytes] = Path(path).open("rb")  # noqa: SIM115  (closed by `close`)
        raw.read(0)
        Path(path).stat()
    except (OSError, ValueError) as error:
        hint = "check the path" if isinstance(error, FileNotFoundError) else ""
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {path!r}: {reason}", hint=hint) from None
    return raw


_ENDS = re.compile(rb"\r\n?|\n")


def _first_end(content: bytes, start: int) -> int:
    """Past the first line end that no quotes enclose; 0 where there is none."""
    quotes, at = 0, start
    for found in _ENDS.finditer(content, start):
        quotes += content.count(b'"', at, found.start())
        at = found.end()
        if quotes % 2 == 0:
            return at
    return 0


def _last_end(content: bytes) -> int:
    """Past the last line end that no quotes enclose; 0 where there is none.

    It may be the half of one: the other half is an empty line, which counts for nothing.
    """
    quotes = content.count(b'"')
    cut = len(content)
    while True:
        line = content.rfind(b"\n", 0, cut)
        cut = max(line, content.rfind(b"\r", line + 1, cut))
        if cut < 0:
            return 0
        if (quotes - content.count(b'"', cut)) % 2 == 0:
            return cut + 1
