"""What a model writes as it learns: a text at each validation, in one file of the run's folder.

Each text stands below a line `--- step N`. It is appended by one call, so a killed run leaves at
most a broken last text. A run that goes on first leaves out the texts of steps that it takes once
more, so that the file ends as that of a run which was never stopped.
"""

from __future__ import annotations

import re
from pathlib import Path

from flux.files import replace

SAMPLES = "samples.txt"

_HEADER = re.compile(rb"^--- step (\d{1,18})$", re.MULTILINE)


class Samples:
    """The file of a run that goes on from a step.

    Args:
        folder: the run's; the file is made with the first text.
        step: steps done.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / SAMPLES
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        later = (found.start() for found in _HEADER.finditer(content) if int(found[1]) > step)
        end = next(later, None)
        if end is not None:
            replace(self._path, [content[:end]])

    def add(self, step: int, text: str) -> None:
        """Append what was written after a step.

        Raises:
            OSError: it cannot be written.
        """
        # A line of the text that looks like a header is moved in by a blank.
        inside = _HEADER.sub(rb" \g<0>", text.encode("utf-8", errors="replace"))
        with self._path.open("ab", buffering=0) as file:
            file.write(b"--- step %d\n%s\n" % (step, inside))
