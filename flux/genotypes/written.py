"""Tables that are written whole: numbers as text, and a file that replaces another in one step."""

from __future__ import annotations

import gzip
from math import isfinite
from pathlib import Path

from flux.files import replace_file


def number_text(value: float) -> str:
    """The shortest digits that give the number back; whole ones without a point."""
    if isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def replace(path: Path, content: str) -> None:
    """Write a text beside the file's name and rename it; gzip where the name ends so.

    Raises:
        DataError: it cannot be written.
    """
    data = content.encode("utf-8")
    replace_file(path, gzip.compress(data, 6, mtime=0) if path.suffix == ".gz" else data)
