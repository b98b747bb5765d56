"""What a run measures, as JSON lines in its folder: one object a line, appended as it happens.

A line is written by one call, so a killed run leaves at most a broken last line. A run that goes on
first leaves out that line, and those of steps that it takes once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any

from flux.files import replace

METRICS = "metrics.jsonl"

Row = Mapping[str, Any]


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, without those that are broken; none where there is no file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return list(_rows(lines))


def _rows(lines: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        with suppress(ValueError, RecursionError):
            row = json.loads(line)
            if isinstance(row, dict) and isinstance(row.get("step"), int):
                yield row


class Metrics:
    """The file of a run that goes on from a step.

    Args:
        folder: the run's; the file is made where it does not exist.
        step: steps done.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / METRICS
        kept = [row for row in read_metrics(self._path) if row["step"] <= step]
        if self._path.exists():
            replace(self._path, (_line(row).encode() for row in kept))

    def add(self, row: Row) -> None:
        """Append a row; numbers that are not finite become null.

        Raises:
            OSError: it cannot be written.
        """
        with self._path.open("ab", buffering=0) as file:
            file.write(_line(row).encode())


def _line(row: Row) -> str:
    return json.dumps({name: _plain(value) for name, value in row.items()}) + "\n"


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
