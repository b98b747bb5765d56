"""Files that are written whole: beside their name, synced, and renamed over what was there.

At every moment a name holds the old file or the new one, and a write that fails leaves nothing
beside it. A kill may leave a hidden file `.NAME.…` there.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE

from flux.errors import DataError

Piece = bytes | memoryview

_LONGEST = 40  # characters of a name that its neighbour's repeats: a name has 255 bytes at the most
_STRAY = re.compile(r"\..+\.[0-9a-f]{16}")
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends
# What a file system answers that syncs no folders, and one that lets a folder be written, not read.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EACCES}


def replace_file(path: Path, content: bytes) -> None:
    """Write a whole file, and the folders above it.

    Raises:
        DataError: it cannot be written.
    """
    try:
        with suppress(FileExistsError):  # opening the file says more of a folder that is none
            path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, [content])
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot write {str(path)!r}: {reason}") from None


def replace(path: Path, pieces: Iterable[Piece]) -> None:
    """Write a whole file; through a link, where the name is one.

    Raises:
        OSError: it cannot be written; what was there is as it was, or the new file is in its place
            and its folder could not be synced.
        ValueError: the name holds a NUL.
    """
    if path.exists() and not path.is_file():  # a pipe or a device stays what it is
        with path.open("wb") as file:
            file.writelines(pieces)
        return
    target = Path(os.path.realpath(path))
    with beside(target) as new:
        write_new(new, pieces, _mode(target))
        new.replace(target)
    sync_folder(target.parent)


def _mode(path: Path) -> int:
    """Who may read the new file: no others than the old one's readers."""
    try:
        return S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0o666


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A name beside a file's that nobody else has, of which nothing is left at the end."""
    new = path.with_name(f".{path.name[:_LONGEST]}.{os.urandom(8).hex()}")
    try:
        yield new
    finally:
        with suppress(OSError):
            new.unlink()


def sweep(folder: Path) -> None:
    """Remove what killed writes have left in a folder that nobody else uses."""
    for path in folder.glob(".*.*"):
        if _STRAY.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()


def write_new(path: Path, pieces: Iterable[Piece], mode: int = 0o666) -> None:
    """Write and sync a new file.

    A sync that failed is not tried again: the kernel may have dropped what it could not write, and
    the next one would succeed with nothing done.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a rename itself durable, where the platform can open a folder."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
