"""What a run may begin from: the parameters of a model that was trained before.

The model is in the folder of a run, in one that `flux export` has written, or in one of GPT-2 as
Hugging Face keeps it. Its sizes and its vocabulary are taken along; how the run trains is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError, ShapeError, did_you_mean
from flux.nn import Entry, Model
from flux.training.blueprint import count, language_sizes, model_graph
from flux.training.exported import MANIFEST, ExportedParameters, read_exported
from flux.training.gpt2 import CONFIG, import_gpt2
from flux.training.presets import Preset
from flux.training.saved import read_run
from flux.training.tokenizer import AnyTokenizer
from flux.training.trained import model_of

# What a preset says of the model, and not of its training.
MODEL_FIELDS = (
    "model",
    "definition",
    "width",
    "heads",
    "layers",
    "feed_forward",
    "context",
    "tokenizer",
    "vocabulary",
    "sizes",
    "options",
)
_PLACES = "n"  # the axis of learnt positions, of which a shorter context needs the first ones


@dataclass(frozen=True)
class Start:
    """A model to begin from.

    Attributes:
        preset: its sizes, and how it was trained.
        name: of that preset.
        source: the text of the model, where it is one of the user's own and the folder has it.
        tokenizer: its vocabulary; None where it reads a table.
        parameters: by path.
        path: of the folder.
    """

    preset: Preset
    name: str
    source: str
    tokenizer: AnyTokenizer | None
    parameters: Mapping[str, NDArray[Any]]
    path: Path

    def over(self, preset: Preset) -> Preset:
        """A preset for training, with this model's sizes."""
        return replace(preset, **{name: getattr(self.preset, name) for name in MODEL_FIELDS})

    def check(self, preset: Preset) -> None:
        """See that a preset leaves the vocabulary as it is: it cannot be another one.

        Raises:
            ArgumentError: it does not.
        """
        wanted = (preset.tokenizer, preset.vocabulary)
        if wanted != (self.preset.tokenizer, self.preset.vocabulary):
            raise ArgumentError(
                f"the vocabulary is that of {str(self.path)!r}: {self.preset.tokenizer}",
                hint="leave tokenizer and vocabulary out",
            )


def read_start(path: Path) -> Start:
    """The model in a folder.

    Raises:
        DataError: there is none, or it is damaged.
    """
    if (path / MANIFEST).exists():
        found = read_exported(path)
        _check_count(found, path)
        return Start(found.preset, "tiny", found.source, found.tokenizer, found.parameters, path)
    if (path / CONFIG).exists():
        gpt2 = import_gpt2(path)
        return Start(gpt2.preset, "tiny", "", gpt2.tokenizer, gpt2.model.parameters, path)
    saved = read_run(path)
    origin, model = saved.origin, model_of(saved)
    return Start(
        origin.preset, origin.name, origin.source, saved.vocabulary, model.parameters, path
    )


def _check_count(exported: ExportedParameters, path: Path) -> None:
    """See that nothing is made of sizes that a folder only says it has."""
    if exported.preset.own and not exported.source:
        return  # its text is not in the folder
    sizes = language_sizes(exported.preset, exported.tokenizer.size)
    held = sum(array.size for array in exported.parameters.values())
    if count(model_graph(exported.preset, exported.source), sizes) != held:
        raise DataError(f"the parameters in {str(path)!r} are not those of its preset")


def begin_from(model: Model, parameters: Mapping[str, NDArray[Any]], path: str) -> None:
    """Give a model the parameters of another one.

    Raises:
        DataError: it has parameters that the other has not, or lacks some.
        ShapeError: parameters of other sizes; only the context may be shorter.
    """
    entries = {entry.path: entry for entry in model.parameters.entries}
    for name in parameters:
        if name not in entries:
            raise DataError(
                f"{path!r} has a parameter {name!r}, which {model.graph.name} has not",
                hint=did_you_mean(name, list(entries)),
            )
    for name, entry in entries.items():
        if name not in parameters:
            raise DataError(f"{path!r} has no parameter {name!r} of {model.graph.name}")
        model.parameters[name][...] = _fitting(parameters[name], entry, path)


def _fitting(array: NDArray[Any], entry: Entry, path: str) -> NDArray[Any]:
    if array.ndim == len(entry.axes):
        pairs = zip(entry.axes, entry.shape, strict=True)
        array = array[tuple(slice(n) if axis == _PLACES else slice(None) for axis, n in pairs)]
    if array.shape != entry.shape:
        sizes = ", ".join(f"{a}={n}" for a, n in zip(entry.axes, entry.shape, strict=True))
        raise ShapeError(
            f"the parameter {entry.path!r} is [{sizes}]; in {path!r} it has shape {array.shape}",
            hint="leave out what changes the model's sizes; the context alone may be shorter",
        )
    return array
