"""What a run's checkpoint says, checked field by field: the file may come from anybody.

Sizes are compared with the arrays that the file really holds before anything of these sizes is
made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError
from flux.nn import GROUPS
from flux.training import checkpoint
from flux.training.presets import Preset
from flux.training.tokenizer import Tokenizer

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Origin:
    """What a run was made from.

    Attributes:
        preset: the model and how it is trained.
        data: the path of the text; empty for the embedded corpus.
        seed: of parameters and batches.
    """

    preset: Preset
    data: str
    seed: int


@dataclass(frozen=True)
class SavedRun:
    """A run as its checkpoint has it.

    Attributes:
        origin: what it was made from.
        tokenizer: its vocabulary.
        step: steps done.
        text: the digest of its text.
        kernels: of the BLAS that it ran with.
        arrays: parameters and moments, by name.
    """

    origin: Origin
    tokenizer: Tokenizer
    step: int
    text: str
    kernels: str
    arrays: Mapping[str, NDArray[Any]]


def read_run(folder: Path) -> SavedRun:
    """The run in a folder.

    Raises:
        DataError: there is none, or its checkpoint is damaged or makes no sense.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        raise DataError(
            f"no run in {str(folder)!r}: it has no {CHECKPOINT}",
            hint="flux train makes one; its last lines name the folder",
        )
    found = checkpoint.load(path)
    try:
        return _checked(found)
    except ArgumentError as error:
        raise DataError(f"{str(path)!r} makes no sense: {error.text}") from None


def _checked(found: checkpoint.Checkpoint) -> SavedRun:
    about = found.about
    seed, step = _field(about, "seed", int), _field(about, "step", int)
    data, text, kernels = (_field(about, name, str) for name in ("data", "text", "kernels"))
    preset = _preset(_field(about, "preset", dict))
    tokenizer = Tokenizer(_characters(_field(about, "characters", str)))
    saved = sum(found.arrays[group].size for group in GROUPS if group in found.arrays)
    if saved != preset.count(tokenizer.size):
        raise ArgumentError("its arrays are not those of its preset")
    if step < 0:
        raise ArgumentError(f"its step is {step}")
    return SavedRun(Origin(preset, data, seed), tokenizer, step, text, kernels, found.arrays)


def _field(about: Mapping[str, Any], name: str, kind: type) -> Any:
    value = about.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ArgumentError(f"its {name} is missing, or no {kind.__name__}")
    return value


def _preset(values: Mapping[str, Any]) -> Preset:
    if set(values) != {field.name for field in fields(Preset)}:
        raise ArgumentError("its preset has other fields than this version's")
    return Preset(**values)


def _characters(text: str) -> str:
    if not text or "".join(sorted(set(text))) != text:
        raise ArgumentError("its characters are not different ones in order")
    return text
