"""A file that is written beside its name, with a journal of its blocks, and renamed at the end.

Beside OUT stand `OUT.part`, the bytes so far, and `OUT.journal`, a line of JSON for each block with
the length and the checksum of what came before. A run that was killed leaves both; what they
agree on is kept, and the rest is done again.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from flux.errors import DataError
from flux.files import sync_folder
from flux.scoring.files.blocks import Position
from flux.scoring.report import Report

_SYNC_S = 2.0
_CHUNK = 1 << 20


@dataclass
class State:
    """How far a run has come.

    Attributes:
        position: where the next block begins in the table; None at its start.
        report: of the blocks that are done.
        notes, offsets: of their pieces.
        length, checksum: of the bytes that are written.
    """

    position: Position | None = None
    report: Report = field(default_factory=Report)
    notes: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    length: int = 0
    checksum: int = 0


class Journal:
    """An output that is under way.

    Args:
        path: the name that it gets at the end.
        identity: what makes two runs the same: a run continues only its own.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        path = Path(os.path.realpath(path)) if path.is_symlink() else path  # a link stays one
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._log = path.with_name(f"{path.name}.journal")
        self._identity = json.loads(json.dumps(identity))
        self.state = State()
        self._part_file: Any = None
        self._log_file: Any = None
        self._synced = monotonic()

    def begin(self, head: bytes) -> None:
        """Start a new file.

        Raises:
            DataError: it cannot be written.
        """
        self._open("wb")
        self._append(head)
        self._write_line(self._identity)
        self._write_line({"length": len(head), "checksum": self.state.checksum})

    def resume(self) -> bool:
        """Continue the run that was stopped; False where there is none.

        Raises:
            DataError: it was a run with other formulas, another table or other options.
        """
        if not self._part.exists() or not self._log.exists():
            return False
        lines = list(_lines(self._log))
        if not lines:  # it was killed before it wrote anything
            return False
        if lines[0] != self._identity:
            hint = "run it without --resume to begin again"
            text = f"the stopped run beside {str(self._path)!r} was another one"
            raise DataError(text, hint=hint)
        kept = self._agreed(lines[1:])
        if not kept:
            return False
        self._open("r+b")
        self._part_file.truncate(self.state.length)
        self._part_file.seek(self.state.length)
        known = self._log.read_bytes().split(b"\n")[: 1 + len(kept)]
        end = len(b"\n".join(known))
        self._log_file.truncate(end)
        self._log_file.seek(end)
        self._log_file.write("\n")  # which the kill may have cut off
        return True

    def _agreed(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The lines whose bytes are in the file; the state after the last of them."""
        kept: list[dict[str, Any]] = []
        checksum = length = 0
        with self._part.open("rb") as file:
            for line in lines:
                count = line.get("length", 0) - length
                content = file.read(max(count, 0))
                checksum = zlib.crc32(content, checksum)
                if count < 0 or len(content) != count or checksum != line.get("checksum"):
                    break
                if "position" in line:
                    self._add(line, length)
                length = line["length"]
                kept.append(line)
        self.state.length = length
        self.state.checksum = kept[-1]["checksum"] if kept else 0
        return kept

    def _add(self, line: Mapping[str, Any], offset: int) -> None:
        self.state.position = line["position"]
        self.state.report = self.state.report.joined(Report.from_json(line["report"]))
        self.state.notes.append(line["note"])
        self.state.offsets.append(offset)

    def add(
        self, content: bytes | memoryview, note: str, position: Position, report: Report
    ) -> None:
        """Append a block."""
        offset = self.state.length
        self._append(content)
        line = {
            "length": self.state.length,
            "checksum": self.state.checksum,
            "position": position,
            "note": note,
            "report": report.as_json(),
        }
        self._add(line, offset)
        self._write_line(line)

    def _append(self, content: bytes | memoryview) -> None:
        try:
            self._write(content)
        except OSError as error:
            raise self._failed(error) from None
        self.state.checksum = zlib.crc32(content, self.state.checksum)
        self.state.length += len(content)

    def _write(self, content: bytes | memoryview) -> None:
        self._part_file.write(content)

    def _write_line(self, line: Mapping[str, Any]) -> None:
        try:
            self._part_file.flush()
            if monotonic() - self._synced > _SYNC_S:  # the bytes before the line that vouches
                os.fsync(self._part_file.fileno())
                self._synced = monotonic()
            self._log_file.write(json.dumps(line) + "\n")
            self._log_file.flush()
        except OSError as error:
            raise self._failed(error) from None

    def finish(self, end: bytes) -> None:
        """Write the end, sync, and give the file its name.

        Raises:
            DataError: it cannot be written.
        """
        self._append(end)
        try:
            self._part_file.flush()
            os.fsync(self._part_file.fileno())
            self.close()
            self._part.replace(self._path)
            sync_folder(self._path.parent)
            self._log.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed(error) from None

    def drop(self) -> None:
        """Leave nothing: the run cannot succeed."""
        self.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)
            self._log.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files."""
        for file in (self._part_file, self._log_file):
            if file is not None:
                file.close()

    def _open(self, mode: str) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._part_file = self._part.open(mode)
            self._log_file = self._log.open(mode.replace("b", ""), encoding="ascii")
        except (OSError, ValueError) as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> DataError:
        reason = getattr(error, "strerror", None) or error
        return DataError(f"cannot write {str(self._path)!r}: {reason}")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a journal; a kill may have cut the last one."""
    for line in path.read_bytes().split(b"\n"):
        try:
            found = json.loads(line)
        except ValueError:
            return
        if not isinstance(found, dict):
            return
        yield found
