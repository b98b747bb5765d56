"""Checkpoints: one safetensors file with the arrays, and its metadata with everything else.

A file is written beside its final name, synced, read back, and renamed over the old one, and then
its folder is synced: at every moment there is either the old checkpoint or the new one. A SHA-256
over every byte of the file is checked on loading: safetensors itself has none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.files import beside, sync_folder, write_new
from flux.training.files import check_kind

VERSION = 2
_KIND = "flux checkpoint"
_MOST_BYTES = 1 << 36  # refuse to read more than 64 GiB
_MOST_HEADER = 1 << 23  # of which 8 MiB are names, shapes and metadata
_LENGTH = 8  # bytes in front of a safetensors header, which say how long it is

# The digest stands where the header's first entry begins, before the JSON text, and counts as
# zeros itself. One entry: safetensors writes several in an order that differs from run to run.
_ENTRY = "flux"
_START = f'{{"__metadata__":{{"{_ENTRY}":"'.encode()
_DIGITS = 64
_PLACE = _LENGTH + len(_START)
_BLANK = b"0" * _DIGITS

_CHUNK = 1 << 20
_TRIES = 20  # to read a file that another process keeps replacing

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """What was saved.

    Attributes:
        arrays: the arrays by name.
        about: everything else, as JSON values.
    """

    arrays: dict[str, NDArray[Any]]
    about: dict[str, Any]


# --- saving ------------------------------------------------------------------------------------


def save(
    path: Path,
    arrays: Arrays,
    about: Mapping[str, Any],
    before: Callable[[], None] = lambda: None,
) -> None:
    """Write a checkpoint; the old file stays whole until the new one is complete.

    Args:
        path: of the checkpoint.
        arrays: by name.
        about: everything else, as JSON values.
        before: called when the new file is whole, before it takes the old one's name.

    Raises:
        DataError: it cannot be written; the old file, where there is one, is as it was.
    """
    pieces, digest = _content(arrays, about)
    hint = "the checkpoint before it is untouched; free some space, or look at the folder's disk"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside(path) as new:
            write_new(new, pieces)
            if _file_digest(new) != digest:
                raise OSError(0, "what was read back is not what was written")
            before()
            new.replace(path)
        hint = "the new checkpoint is in its place, but a power cut may undo that"
        sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"cannot save {str(path)!r}: {reason}", hint=hint) from None


def _content(arrays: Arrays, about: Mapping[str, Any]) -> tuple[list[Any], str]:
    """The file in pieces, and its digest."""
    from safetensors.numpy import save as serialise

    text = json.dumps({"kind": _KIND, "version": VERSION, **about}, sort_keys=True)
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = serialise(plain, {_ENTRY: _BLANK.decode() + text})
    assert content[_LENGTH:_PLACE] == _START
    digest = sha256(content).hexdigest()
    return [content[:_PLACE], digest.encode(), memoryview(content)[_PLACE + _DIGITS :]], digest


# --- loading -----------------------------------------------------------------------------------


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and check its digest.

    Raises:
        DataError: no such file, damaged, or written by another version.
    """
    try:
        arrays, metadata = _whole(path)
    except FileNotFoundError:
        raise DataError(f"no checkpoint {str(path)!r}") from None
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    about = _parsed(metadata.get(_ENTRY, "")[_DIGITS:])
    if about.get("kind") != _KIND:
        raise DataError(f"{str(path)!r} is not a checkpoint of Flux")
    return Checkpoint(arrays, about)


def _whole(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The arrays and metadata of a file that was one and the same while it was checked and read.

    A trainer may put a new checkpoint in its place at any moment; then the new one is read.
    """
    for _ in range(_TRIES):
        before = _identity(path)
        try:
            _check_file(path)
            found = _read(path)
        except DataError:
            if _identity(path) == before:
                raise
        else:
            if _identity(path) == before:
                return found
    raise DataError(f"{str(path)!r} changes while it is read")


def _identity(path: Path) -> tuple[int, int, int]:
    about = path.stat()
    return about.st_ino, about.st_mtime_ns, about.st_size


def _check_file(path: Path) -> None:
    """Compare every byte with the digest, before anything in the file is believed."""
    check_kind(path)
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise DataError(f"{str(path)!r} has more than {_MOST_BYTES} bytes")
    with path.open("rb") as file:
        start = file.read(_PLACE + _DIGITS)
        rest = int.from_bytes(start[:_LENGTH], "little") - len(_START) - _DIGITS
        fits = 0 < rest <= min(size - len(start), _MOST_HEADER)
        if start[_LENGTH:_PLACE] != _START or not fits:
            raise DataError(f"{str(path)!r} is damaged, or not a checkpoint of Flux")
        _check_version(path, file.read(rest))
    if _file_digest(path).encode() != start[_PLACE:]:
        raise DataError(f"{str(path)!r} is damaged: its digest does not fit its content")


_VERSION_TEXT = re.compile(rb'\\"version\\": (\d{1,9})[,}]')


def _check_version(path: Path, header: bytes) -> None:
    """Refuse another format by its number: its digest may be another one too."""
    found = _VERSION_TEXT.findall(header)
    if found and int(found[-1]) != VERSION:
        raise DataError(
            f"{str(path)!r} has format {int(found[-1])}; this version reads {VERSION}",
            hint="use the version of Flux that wrote it",
        )


def _file_digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb", buffering=0) as file:
        digest.update(file.read(_PLACE))
        file.seek(_PLACE + _DIGITS)
        digest.update(_BLANK)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _parsed(text: str) -> dict[str, Any]:
    try:
        about = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            arrays = {name: np.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
            return arrays, file.metadata() or {}
    except (SafetensorError, TypeError, ValueError) as error:
        raise DataError(f"{str(path)!r} is damaged: {error}") from None
