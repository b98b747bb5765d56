"""The tensors of a Hugging Face folder: one safetensors file, or several that an index lists.

Numbers of 16 bits become float32, which holds each of them exactly. A bfloat16 is the upper half of
a float32.

Source:
    Hugging Face, safetensors format; the index is that of `save_pretrained` with `max_shard_size`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.training.files import parsed_json, read_bytes

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLED = "pytorch_model.bin"
_MOST_BYTES, _MOST_INDEX = 1 << 36, 1 << 24
_MOST_FILES = 1000

# Types of the format that NumPy has, by their names there.
_TYPES: Mapping[str, str] = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",  # integers and booleans are those of masks, which older files hold
    "I32": "<i4",
    "U8": "u1",
    "BOOL": "?",
}


def read_weights(folder: Path) -> tuple[dict[str, NDArray[Any]], Path]:
    """All tensors of a folder by name, and the file that names them.

    Raises:
        DataError: a file is missing or damaged, or a type that has no numbers here.
    """
    single, index = folder / WEIGHTS, folder / INDEX
    if single.exists() or not index.exists():
        _check_kind(folder, single)
        return _tensors(single, _MOST_BYTES), single
    return _sharded(folder, index), index


def _check_kind(folder: Path, single: Path) -> None:
    if not single.exists() and (folder / _PICKLED).exists():
        raise DataError(
            f"{str(folder)!r} holds {_PICKLED}, which may run code when it is read",
            hint="save it as safetensors: save_pretrained(folder, safe_serialization=True)",
        )


def _sharded(folder: Path, index: Path) -> dict[str, NDArray[Any]]:
    """The tensors of several files; the index has to say truly what is where."""
    places = _places(index)
    found: dict[str, NDArray[Any]] = {}
    left = _MOST_BYTES
    for name in sorted(set(places.values())):
        path = folder / name
        tensors = _tensors(path, left)
        left -= path.stat().st_size
        for tensor, array in tensors.items():
            if places.get(tensor) != name:
                raise DataError(f"{str(path)!r} has {tensor!r}, which {INDEX} does not say")
            found[tensor] = array
    missing = sorted(set(places) - set(found))
    if missing:
        raise DataError(f"{str(folder / places[missing[0]])!r} has no tensor {missing[0]!r}")
    return found


def _places(index: Path) -> dict[str, str]:
    """Tensor to file, which is one of the same folder."""
    places = parsed_json(read_bytes(index, _MOST_INDEX), index).get("weight_map")
    if not isinstance(places, dict) or not places or not all(map(_is_file, places.values())):
        raise DataError(f"{str(index)!r} is damaged: its weight_map names no files of its folder")
    if len(set(places.values())) > _MOST_FILES:
        raise DataError(f"{str(index)!r} names more than {_MOST_FILES} files")
    return places


def _is_file(name: object) -> bool:
    plain = isinstance(name, str) and name.endswith(".safetensors") and "\0" not in name
    return plain and not set(str(name)) & set("/\\:")


def _tensors(path: Path, most: int) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError, deserialize

    content = read_bytes(path, most)
    try:
        found = deserialize(content)  # type: ignore[no-untyped-call]  # the library has no types
        return {name: _array(about, name, path) for name, about in found}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{str(path)!r} is damaged: {error}") from None


def _array(about: Mapping[str, Any], name: str, path: Path) -> NDArray[Any]:
    kind, data, shape = about["dtype"], about["data"], about["shape"]
    if kind == "BF16":
        upper = np.frombuffer(data, "<u2").astype(np.uint32)
        return (upper << 16).view(np.float32).reshape(shape)
    if kind not in _TYPES:
        raise DataError(
            f"{str(path)!r}: {name!r} has numbers of type {kind}",
            hint="F64, F32, F16 and BF16 are read",
        )
    array = np.frombuffer(data, _TYPES[kind]).reshape(shape)
    return array.astype(np.float32) if kind == "F16" else array
