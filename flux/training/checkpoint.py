"""Checkpoints: one safetensors file with the arrays, and its metadata with everything else.

A file is written beside its final name, synced, and renamed over the old one, so that at every
moment there is either the old checkpoint or the new one. A digest over arrays and metadata is
checked on loading: safetensors itself has none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError

VERSION = 1
_KIND = "flux checkpoint"
_DIGEST_LENGTH = 64  # hexadecimal digits, which stand before the JSON text
_MAX_BYTES = 1 << 36  # refuse to read more than 64 GiB

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


def save(path: Path, arrays: Arrays, about: Mapping[str, Any]) -> None:
    """Write a checkpoint; the old file stays whole until the new one is complete.

    Raises:
        DataError: it cannot be written; the old file, where there is one, is as it was.
    """
    from safetensors.numpy import save as serialise

    text = json.dumps({"kind": _KIND, "version": VERSION, **about}, sort_keys=True)
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # One entry: safetensors writes several in an order that differs from run to run.
    content = serialise(plain, {"flux": _digest(plain, text) + text})
    try:
        _replace(path, content)
    except OSError as error:
        raise DataError(
            f"cannot save {str(path)!r}: {error.strerror}",
            hint="the previous checkpoint is untouched; free some space or check the folder",
        ) from None


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the platform can open a folder."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and check its digest.

    Raises:
        DataError: no such file, damaged, or written by a newer version.
    """
    arrays, metadata = _read(path)
    entry = metadata.get("flux", "")
    text = entry[_DIGEST_LENGTH:]
    if entry[:_DIGEST_LENGTH] != _digest(arrays, text):
        raise DataError(f"{str(path)!r} is damaged: its digest does not fit its content")
    about = _parsed(text)
    if about.get("kind") != _KIND:
        raise DataError(f"{str(path)!r} is not a checkpoint of Flux")
    if about.get("version") != VERSION:
        raise DataError(
            f"{str(path)!r} has format {about.get('version')}; this version reads {VERSION}",
            hint="use the version of Flux that wrote it",
        )
    return Checkpoint(arrays, about)


def _parsed(text: str) -> dict[str, Any]:
    try:
        about = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{str(path)!r} has more than {_MAX_BYTES} bytes")
        with safe_open(str(path), framework="numpy") as file:
            arrays = {name: np.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
            return arrays, file.metadata() or {}
    except FileNotFoundError:
        raise DataError(f"no checkpoint {str(path)!r}") from None
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror}") from None
    except (SafetensorError, TypeError, ValueError) as error:
        raise DataError(f"{str(path)!r} is damaged: {error}") from None


def _digest(arrays: Arrays, about: str) -> str:
    digest = sha256(about.encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"|{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
