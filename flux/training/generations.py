"""The checkpoints of a run's folder: the newest, those before it, and the best one.

`checkpoint.safetensors` is the newest. A save first gives the one that it replaces a second name,
`previous-1.safetensors`, and those before it the next numbers, so that a newest one that a disk has
damaged later costs one save interval and not the run.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flux.errors import DataError
from flux.files import beside
from flux.training.checkpoint import Arrays, Checkpoint, load, save

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"
DAMAGED = "damaged.safetensors"

# What a file system answers that has no second names.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def previous(folder: Path, number: int) -> Path:
    """The checkpoint that many saves before the newest."""
    return folder / f"previous-{number}.safetensors"


def save_newest(folder: Path, arrays: Arrays, about: Mapping[str, Any], keep: int) -> None:
    """Save a checkpoint, and keep some of those before it.

    Raises:
        DataError: it cannot be written; the newest one is as it was.
    """
    save(folder / CHECKPOINT, arrays, about, before=lambda: _rotate(folder, keep))


def save_best(folder: Path, arrays: Arrays, about: Mapping[str, Any]) -> None:
    """Save the best one.

    Raises:
        DataError: it cannot be written; the best one before is as it was.
    """
    save(folder / BEST, arrays, about)


def _rotate(folder: Path, keep: int) -> None:
    newest = folder / CHECKPOINT
    if not keep or not newest.exists():
        return
    for number in range(keep, 1, -1):
        with suppress(FileNotFoundError):
            previous(folder, number - 1).replace(previous(folder, number))
    latest = previous(folder, 1)
    with beside(latest) as second:  # and not at once: a name that is taken cannot be linked
        _second_name(newest, second)
        second.replace(latest)


def _second_name(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copyfile(old, new)


def load_newest(folder: Path) -> tuple[Checkpoint, Path, list[str]]:
    """The newest checkpoint that is whole, its path, and remarks on those that are not.

    Raises:
        DataError: there is none.
    """
    remarks: list[str] = []
    for path in _candidates(folder):
        try:
            return load(path), path, remarks
        except DataError as error:
            remarks.append(error.text)
    if not remarks:
        raise DataError(
            f"no run in {str(folder)!r}: it has no {CHECKPOINT}",
            hint="flux train makes one; its last lines name the folder",
        )
    raise DataError(remarks[0], notes=remarks[1:], hint="no earlier checkpoint is whole either")


def _candidates(folder: Path) -> Iterator[Path]:
    numbered = sorted(folder.glob("previous-*.safetensors"), key=_number)
    return (path for path in (folder / CHECKPOINT, *numbered) if path.exists())


def _number(path: Path) -> int:
    digits = path.stem.removeprefix("previous-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else 1 << 30


def set_aside(folder: Path, whole: Path) -> None:
    """Rename a damaged newest checkpoint, so that no save counts it among those to keep.

    Raises:
        DataError: it cannot be renamed.
    """
    newest = folder / CHECKPOINT
    if whole == newest or not newest.exists():
        return
    try:
        newest.replace(folder / DAMAGED)
    except OSError as error:
        raise DataError(f"cannot rename {str(newest)!r}: {error.strerror}") from None
