"""Exported models: a folder that writes and is assessed without the text of its model.

    export.json            what the folder holds, and the SHA-256 of each file
    window.program         the logits of a whole window
    step.program           the logits of one place, with what is kept of earlier ones
    fill.program           what is kept of a whole window
    weights.safetensors    one tensor for each parameter, by path
    tokenizer.json         the vocabulary
    preset.json            its sizes and how it was trained, for who trains it further
    model.flux             its text, where it is one of the user's own, for who reads or trains it

A text that cannot be decoded place by place has the first Program only. Whoever made a folder is
not trusted: sizes are limited before anything is read, Programs are verified, and weights have to
be those that the Programs ask for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.backends.runner import Runner
from flux.errors import ArgumentError, AxisError, DataError, ProgramError
from flux.files import replace_file
from flux.nn import (
    CachedDecoder,
    Decoder,
    DecodingPrograms,
    FullDecoder,
    Model,
    decoding_programs,
    window_program,
)
from flux.nn.one_step import KEPT, PLACE
from flux.nn.programs import VALUE
from flux.program import Port, Program, Role
from flux.program.store import dumps, loads
from flux.training.blueprint import TOKENS
from flux.training.files import (
    check_empty,
    parsed_json,
    read_bytes,
    read_tensors,
    tensor_bytes,
)
from flux.training.language import TIME, LanguageModel, logits_of
from flux.training.memory import check_memory
from flux.training.presets import Preset, preset_of
from flux.training.sample import Choice
from flux.training.tokenizer import AnyTokenizer, Tokens, tokenizer_of
from flux.training.trained import load_language_model
from flux.training.writing import write_text

VERSION = 1
MANIFEST = "export.json"
_KIND = "flux export"
_WINDOW, _STEP, _FILL = "window.program", "step.program", "fill.program"
_WEIGHTS, _VOCABULARY, _PRESET = "weights.safetensors", "tokenizer.json", "preset.json"
_SOURCE = "model.flux"
# The most bytes of each file; what is longer is not read.
_LIMITS = {
    _WINDOW: 16 << 20,
    _STEP: 16 << 20,
    _FILL: 16 << 20,
    _WEIGHTS: 1 << 36,
    _VOCABULARY: 16 << 20,
    _PRESET: 1 << 20,
    _SOURCE: 1 << 20,
    MANIFEST: 1 << 16,
}
_NEEDED = {_WINDOW, _WEIGHTS, _VOCABULARY}
_MORE = {_STEP, _FILL, _PRESET, _SOURCE}


class Exportable(Protocol):
    """What can be exported: a model with its tokenizer."""

    @property
    def model(self) -> Model:
        """The model; its text has a value `logits`."""

    @property
    def tokenizer(self) -> AnyTokenizer:
        """Its vocabulary."""

    @property
    def context(self) -> int:
        """The longest window."""

    @property
    def preset(self) -> Preset:
        """Its sizes, and how it is trained."""

    @property
    def source(self) -> str:
        """The text of its file, where it is one of the user's own."""


def export(language: Exportable, folder: Path) -> None:
    """Write a model into a folder that needs nothing else.

    Raises:
        DataError: the folder holds something already, or cannot be written.
    """
    check_empty(folder)
    contents = {name: dumps(program) for name, program in _programs(language).items()}
    contents[_WEIGHTS] = tensor_bytes(language.model.state_dict())
    contents[_VOCABULARY] = _json(language.tokenizer.saved())
    contents[_PRESET] = _json(asdict(language.preset))
    if language.source:
        contents[_SOURCE] = language.source.encode("utf-8")
    digests = {name: sha256(content).hexdigest() for name, content in contents.items()}
    about = {"kind": _KIND, "version": VERSION, "context": language.context, "files": digests}
    # The manifest comes last: a folder without one is no export.
    for name, content in {**contents, MANIFEST: _json(about)}.items():
        replace_file(folder / name, content)


def _programs(language: Exportable) -> dict[str, Program]:
    model, context = language.model, language.context
    logits = logits_of(model)
    found = {_WINDOW: window_program(model, logits, TOKENS, TIME, context)}
    try:
        cached = decoding_programs(model, logits, TOKENS, TIME, context)
    except AxisError:
        return found
    found[_STEP] = cached.step
    return found if cached.fill is None else {**found, _FILL: cached.fill}


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode("ascii")


class Exported:
    """A model that was exported.

    Args:
        folder: that `export` has written.

    Attributes:
        tokenizer: its vocabulary.
        context: the longest window.

    Raises:
        DataError: no export, damaged, or of another version.
        ProgramError: a Program that does not verify.
        LimitError: a Program that the machine cannot hold.
    """

    def __init__(self, folder: Path) -> None:
        about = _manifest(folder)
        contents = {name: _content(folder, name, about["files"]) for name in about["files"]}
        self.context: int = about["context"]
        self.tokenizer = _tokenizer(contents[_VOCABULARY], folder / _VOCABULARY)
        self._programs = {name: loads(contents[name]) for name in contents if "program" in name}
        for name, program in self._programs.items():
            check_memory(program)
            _check_ports(program, name, self.context, self.tokenizer.size, folder)
        self._buffers = _buffers(self._programs, contents[_WEIGHTS], folder)

    @cached_property
    def decoder(self) -> Decoder:
        """What gives the logits that follow a text, token after token."""
        if _STEP not in self._programs:
            return FullDecoder(self._programs[_WINDOW], self._buffers, TOKENS, self.context)
        cached = DecodingPrograms(self._programs[_STEP], self._programs.get(_FILL))
        return CachedDecoder(cached, self._buffers, TOKENS, self.context)

    @property
    def start(self) -> str:
        """A prompt for a text from its beginning: a line end, where the model knows it."""
        return self.tokenizer.start

    def write(self, prompt: str, choice: Choice) -> Iterator[str]:
        """The text that follows a prompt, token by token, without end.

        Raises:
            DataError: a character of the prompt that the model does not know.
            ArgumentError: an empty prompt.
        """
        return write_text(self.decoder, self.tokenizer, prompt, choice)

    @cached_property
    def _window(self) -> Runner:
        return Runner(self._programs[_WINDOW])

    def logits(self, tokens: Tokens) -> NDArray[Any]:
        """The logits of the token after each place.

        Shapes:
            tokens: (1, T) with T the context; result: (1, T, V).
        """
        given = {name: self._buffers[name] for name in _packs(self._programs[_WINDOW])}
        found: NDArray[Any] = self._window(**{TOKENS: tokens}, **given)[VALUE]
        return found


@dataclass(frozen=True)
class ExportedParameters:
    """What an exported folder holds of a model for one that is trained further.

    Attributes:
        preset: its sizes, and how it was trained.
        tokenizer: its vocabulary.
        parameters: by path.
        source: the text of its file; empty where it is of the library, or not in the folder.
    """

    preset: Preset
    tokenizer: AnyTokenizer
    parameters: Mapping[str, NDArray[Any]]
    source: str


def read_exported(folder: Path) -> ExportedParameters:
    """The parameters of an exported folder.

    Raises:
        DataError: no export, damaged, of another version, or without its preset.
    """
    about = _manifest(folder)
    if _PRESET not in about["files"]:
        raise DataError(
            f"{str(folder)!r} does not say what its model is",
            hint="export the model once more, or begin from its run",
        )
    wanted = (_WEIGHTS, _VOCABULARY, _PRESET)
    weights, vocabulary, preset = (_content(folder, name, about["files"]) for name in wanted)
    source = _content(folder, _SOURCE, about["files"]) if _SOURCE in about["files"] else b""
    return ExportedParameters(
        _preset(preset, folder / _PRESET),
        _tokenizer(vocabulary, folder / _VOCABULARY),
        read_tensors(weights, str(folder / _WEIGHTS)),
        _text(source, folder / _SOURCE),
    )


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{str(path)!r} is not UTF-8 at byte {error.start}") from None


def _preset(content: bytes, path: Path) -> Preset:
    try:
        return preset_of(parsed_json(content, path))
    except ArgumentError as error:
        raise DataError(f"{str(path)!r} makes no sense: {error.text}") from None


# Reading what somebody else may have written.


def _content(folder: Path, name: str, digests: Mapping[str, str]) -> bytes:
    content = read_bytes(folder / name, _LIMITS[name])
    if sha256(content).hexdigest() != digests[name]:
        raise DataError(f"{str(folder / name)!r} is damaged: its digest does not fit its content")
    return content


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    about = parsed_json(read_bytes(path, _LIMITS[MANIFEST]), path)
    if about.get("kind") != _KIND:
        raise DataError(f"{str(path)!r} is not that of an exported model")
    if about.get("version") != VERSION:
        raise DataError(
            f"{str(path)!r} has format {about.get('version')!r}; this version reads {VERSION}",
            hint="use the version of Flux that wrote it",
        )
    context, files = about.get("context"), about.get("files")
    if type(context) is not int or not 1 <= context < 1 << 31:
        raise DataError(f"{str(path)!r} is damaged: its context is {context!r}")
    names = set(files) if isinstance(files, dict) else set()
    if not _NEEDED <= names <= _NEEDED | _MORE or (_FILL in names and _STEP not in names):
        raise DataError(f"{str(path)!r} is damaged: it lists other files than an export has")
    return about


def _tokenizer(content: bytes, path: Path) -> AnyTokenizer:
    try:
        return tokenizer_of(parsed_json(content, path))
    except ArgumentError as error:
        raise DataError(f"{str(path)!r} makes no sense: {error.text}") from None


def _check_ports(program: Program, name: str, context: int, size: int, folder: Path) -> None:
    """A Program that verifies may still be another one than an export needs."""
    taken = {port.name: port.view.shape for port in program.entry.inputs}
    given = {port.name: port.view.shape for port in program.entry.outputs}
    logits = given.get(VALUE, ())
    # A vocabulary may be padded: there are logits for more tokens than it has.
    enough = bool(logits) and logits[-1] >= size
    wanted = {
        _WINDOW: (taken.get(TOKENS) == (1, context), logits[:-1] == (1, context), enough),
        _STEP: (taken.get(TOKENS) == (1,), taken.get(PLACE) == (), logits[:-1] == (1,), enough),
        _FILL: (taken.get(TOKENS) == (1, context),),
    }
    if not all(wanted[name]) or program.entry.has_rows:
        raise DataError(f"{str(folder / name)!r} takes or gives something else than it should")


def _packs(program: Program) -> dict[str, int]:
    """The sizes of the flat buffers of parameters, by name."""
    buffers = [b for b in program.entry.buffers if b.role is Role.INPUT]
    return {b.name: b.size for b in buffers if b.name not in (TOKENS, PLACE, *_DRAWN)}


_DRAWN = ("seed", "step")


def _parameters(program: Program) -> dict[str, Port]:
    named = program.entry.buffers
    packs = _packs(program)
    return {p.name: p for p in program.entry.inputs if named[p.view.buffer].name in packs}


def _buffers(
    programs: Mapping[str, Program], weights: bytes, folder: Path
) -> dict[str, NDArray[Any]]:
    """The flat buffers of parameters that the Programs take, filled with the tensors."""
    tensors = read_tensors(weights, str(folder / _WEIGHTS))
    window = programs[_WINDOW]
    _check_same(programs, folder)
    buffers = {}
    for number, buffer in enumerate(window.entry.buffers):
        if buffer.role is Role.INPUT and buffer.name in _packs(window):
            buffers[buffer.name] = np.zeros(buffer.size, buffer.dtype.value)
            _fill_buffer(buffers[buffer.name], number, window, tensors, folder)
    if set(tensors) != set(_parameters(window)):
        raise DataError(f"{str(folder / _WEIGHTS)!r} has other tensors than the Programs take")
    return buffers


def _fill_buffer(
    buffer: NDArray[Any],
    number: int,
    program: Program,
    tensors: Mapping[str, NDArray[Any]],
    folder: Path,
) -> None:
    for name, port in _parameters(program).items():
        if port.view.buffer != number:
            continue
        found = tensors.get(name)
        if found is None or found.shape != port.view.shape or found.dtype != buffer.dtype:
            raise DataError(f"{str(folder / _WEIGHTS)!r}: {name!r} is not what the Programs take")
        buffer[port.view.offset : port.view.offset + found.size] = found.reshape(-1)


def _check_same(programs: Mapping[str, Program], folder: Path) -> None:
    """The Programs share their parameters, and two of them what is kept."""
    layouts = [
        {name: (port.view.offset, port.view.shape) for name, port in _parameters(p).items()}
        for p in programs.values()
    ]
    sizes = [_packs(program) for program in programs.values()]
    kept = [_kept(programs[name]) for name in (_STEP, _FILL) if name in programs]
    shared = all(x == layouts[0] for x in layouts) and all(x == sizes[0] for x in sizes)
    if not shared or (len(kept) == 2 and kept[0] != kept[1]) or (len(kept) == 1 and kept[0]):
        raise ProgramError(f"the Programs in {str(folder)!r} do not belong together")


def _kept(program: Program) -> dict[str, tuple[int, str]]:
    buffers = [b for b in program.entry.buffers if b.name.startswith(KEPT)]
    return {b.name: (b.size, b.dtype.value) for b in buffers}


def open_model(path: Path) -> LanguageModel | Exported:
    """The model of a run's folder, of one of its checkpoints, or of an exported folder.

    Raises:
        DataError: there is none, or it is damaged.
    """
    if (path / MANIFEST).exists():
        return Exported(path)
    return load_language_model(path)
