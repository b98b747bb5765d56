"""Files of models: read with a limit, whoever made them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds something already.

    Raises:
        DataError: it does, or it is no folder.
    """
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {str(folder)!r}: {error}") from None
    if taken:
        raise DataError(f"{str(folder)!r} is not empty", hint="export into a new folder")


def check_kind(path: Path) -> None:
    """Refuse what is neither file nor folder: a pipe is waited for, and a device has no end.

    Raises:
        DataError: it is there, and something else.
        OSError: that cannot be told.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DataError(f"{str(path)!r} is not a file", hint="write the content into one")


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a file.

    Raises:
        DataError: no such file, it cannot be read, or it is longer than the limit.
    """
    try:
        check_kind(path)
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(size) if size <= limit else b""
    except FileNotFoundError:
        raise DataError(f"no file {str(path)!r}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {str(path)!r}: {reason}") from None
    if size > limit:
        raise DataError(f"{str(path)!r} has more than {limit} bytes")
    return content


def parsed_json(content: bytes, path: Path) -> dict[str, Any]:
    """The object that the JSON of a file is.

    Raises:
        DataError: it is not one.
    """
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DataError(f"{str(path)!r} is damaged: it is not the JSON of an object")
    return value


def tensor_bytes(
    arrays: Mapping[str, NDArray[Any]], metadata: dict[str, str] | None = None
) -> bytes:
    """Arrays as the bytes of a safetensors file; one set of arrays gives one set of bytes."""
    from safetensors.numpy import save

    content: bytes = save({name: np.ascontiguousarray(a) for name, a in arrays.items()}, metadata)
    return content


def read_tensors(content: bytes, name: str) -> dict[str, NDArray[Any]]:
    """The arrays in the bytes of a safetensors file.

    Raises:
        DataError: they are damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        found: dict[str, NDArray[Any]] = load(content)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{name!r} is damaged: {error}") from None
    return found
