"""What a run's checkpoint says, checked field by field: the file may come from anybody.

Sizes are compared with the arrays that the file really holds before anything of these sizes is
made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError, FluxError
from flux.nn import GROUPS
from flux.training import checkpoint
from flux.training.blueprint import count, language_sizes, model_graph, reads_tokens
from flux.training.generations import CHECKPOINT, load_newest
from flux.training.presets import Preset, preset_of
from flux.training.sharing import Sharing, restored
from flux.training.tokenizer import AnyTokenizer, tokenizer_of

__all__ = ["CHECKPOINT", "Origin", "SavedRun", "read_run"]


@dataclass(frozen=True)
class Origin:
    """What a run was made from.

    Attributes:
        preset: the model and how it is trained.
        data: the paths of the data; none for the embedded corpus.
        seed: of parameters and batches.
        source: the text of the model, where it is one of the user's own.
        name: of the preset.
        start: the path of the model that it began from; empty where parameters began at random.
    """

    preset: Preset
    data: tuple[str, ...] = ()
    seed: int = 0
    source: str = ""
    name: str = "tiny"
    start: str = ""


@dataclass(frozen=True)
class SavedRun:
    """A run as its checkpoint has it.

    Attributes:
        origin: what it was made from.
        vocabulary: how it reads text; None where it reads no text.
        step: steps done.
        text: the digest of its data.
        kernels: of the BLAS that it ran with.
        best: its least validation loss so far; None before the first.
        arrays: parameters and moments, by name.
        path: of the checkpoint.
        sharing: how its steps were shared among threads.
        ranks: how many processes trained it together.
        remarks: on newer checkpoints that are damaged.
    """

    origin: Origin
    vocabulary: AnyTokenizer | None
    step: int
    text: str
    kernels: str
    best: float | None
    arrays: Mapping[str, NDArray[Any]]
    path: Path
    sharing: Sharing
    ranks: int
    remarks: tuple[str, ...]

    @property
    def tokenizer(self) -> AnyTokenizer:
        """How it reads text.

        Raises:
            DataError: it reads none.
        """
        if self.vocabulary is None:
            raise DataError("this run's model reads a table, not text")
        return self.vocabulary


def read_run(folder: Path) -> SavedRun:
    """The run in a folder, from its newest checkpoint that is whole; or that of one checkpoint.

    Raises:
        DataError: there is none, or it makes no sense.
    """
    named = folder.is_file()
    found, path, remarks = (checkpoint.load(folder), folder, []) if named else load_newest(folder)
    try:
        return _checked(found, path, tuple(remarks))
    except FluxError as error:
        raise DataError(f"{str(path)!r} makes no sense: {error.text}") from None


def _checked(found: checkpoint.Checkpoint, path: Path, remarks: tuple[str, ...]) -> SavedRun:
    about = found.about
    seed, step = _field(about, "seed", int), _field(about, "step", int)
    text, kernels, source, name = (
        _field(about, key, str) for key in ("text", "kernels", "source", "name")
    )
    preset = preset_of(_field(about, "preset", dict))
    vocabulary = _vocabulary(about.get("tokenizer"))
    saved = sum(found.arrays[group].size for group in GROUPS if group in found.arrays)
    if saved != _count(preset, source, vocabulary):
        raise ArgumentError("its arrays are not those of its preset")
    if step < 0:
        raise ArgumentError(f"its step is {step}")
    origin = Origin(preset, _data(about), seed, source, name, _start(about))
    best, sharing = _best(about), restored(_field(about, "threads", dict))
    ranks = _ranks(about)
    return SavedRun(
        origin, vocabulary, step, text, kernels, best, found.arrays, path, sharing, ranks, remarks
    )


def _count(preset: Preset, source: str, vocabulary: AnyTokenizer | None) -> int:
    graph = model_graph(preset, source)
    if reads_tokens(graph) != (vocabulary is not None):
        raise ArgumentError("its model and its tokenizer do not go together")
    sizes = dict(preset.sizes)
    return count(graph, language_sizes(preset, vocabulary.size) if vocabulary else sizes)


def _field(about: Mapping[str, Any], name: str, kind: type) -> Any:
    value = about.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ArgumentError(f"its {name} is missing, or no {kind.__name__}")
    return value


def _data(about: Mapping[str, Any]) -> tuple[str, ...]:
    paths = _field(about, "data", list)
    if not all(isinstance(path, str) for path in paths):
        raise ArgumentError("its data are no paths")
    return tuple(paths)


def _start(about: Mapping[str, Any]) -> str:
    start = about.get("from", "")
    if not isinstance(start, str):
        raise ArgumentError("what it began from is no path")
    return start


def _best(about: Mapping[str, Any]) -> float | None:
    best = about.get("best")
    if best is not None and (isinstance(best, bool) or not isinstance(best, int | float)):
        raise ArgumentError("its best loss is no number")
    return best


def _ranks(about: Mapping[str, Any]) -> int:
    ranks = about.get("ranks", 1)
    if type(ranks) is not int or ranks < 1:
        raise ArgumentError(f"its ranks are {ranks!r}")
    return ranks


def _vocabulary(values: Any) -> AnyTokenizer | None:
    if values is None:
        return None
    if not isinstance(values, dict):
        raise ArgumentError("its tokenizer is no table")
    return tokenizer_of(values)
