"""Text files as token arrays, read in pieces: a corpus may be larger than memory.

Tokens of a long text are kept in a file of the cache folder (setting `cache`), under a key of the
text's content and the tokenizer's, and mapped into memory. A damaged one is made anew.
"""

from __future__ import annotations

import codecs
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.files import replace
from flux.settings import current
from flux.training.files import check_kind
from flux.training.presets import Preset
from flux.training.text import Encoded, held_out, one_character
from flux.training.tokenizer import AnyTokenizer, Tokens

_PIECE = 1 << 20  # bytes of a file at a time
_KEPT = 1 << 20  # a text of fewer characters is encoded anew each time
_DIGEST_BYTES = 32


class Files:
    """The text of files, one after another.

    Args:
        paths: files, and folders with files below them (in the order of their paths, hidden ones
            left out).
        told: called while they are read, with the bytes read in this pass and all bytes.

    Attributes:
        name: what messages call it.

    Raises:
        DataError: one that is missing, cannot be read, or is not UTF-8; or all of them are empty.
    """

    def __init__(
        self, paths: Sequence[Path], told: Callable[[int, int], None] = lambda _done, _all: None
    ) -> None:
        self._told = told
        self._paths = [file for path in paths for file in _files(path)]
        self.name = paths[0].name if len(paths) == 1 else f"{len(self._paths)} files"
        if not self._paths:
            raise DataError(f"{str(paths[0])!r} holds no file")
        self.digest, self.characters = self._survey()

    def _survey(self) -> tuple[str, int]:
        digest, characters, seen = sha256(), 0, set[str]()
        for text in self.texts():
            digest.update(text.encode("utf-8"))
            characters += len(text)
            if len(seen) < 2:
                seen.update(text)
        if not characters:
            raise DataError(f"{str(self._paths[0])!r} is empty")
        if len(seen) < 2:
            raise one_character(self.name)
        return digest.hexdigest(), characters

    def texts(self) -> Iterator[str]:
        """The whole text in pieces, which end at line ends where there are some."""
        return _by_lines(self._pieces())

    def _pieces(self) -> Iterator[str]:
        sizes = [path.stat().st_size if path.is_file() else 0 for path in self._paths]
        before = 0
        for path, size in zip(self._paths, sizes, strict=True):
            for number, text in enumerate(read_pieces(path), 1):
                self._told(before + min(size, number * _PIECE), sum(sizes))
                yield text
            before += size

    def encoded(self, tokenizer: AnyTokenizer, preset: Preset) -> Encoded:
        """The last part of the tokens for validation, and those before it.

        Raises:
            DataError: something that the tokenizer does not know, or fewer tokens than a context.
        """
        tokens = self._tokens(tokenizer)
        held = held_out(len(tokens), preset.context, preset.validation, self.name, "tokens")
        cut = len(tokens) - held
        return Encoded(tokens[:cut] if cut else tokens, tokens[cut:])

    def _tokens(self, tokenizer: AnyTokenizer) -> Tokens:
        def found() -> Iterator[Tokens]:
            return (tokenizer.encode(text, self.name) for text in self.texts())

        if self.characters < _KEPT:
            return np.concatenate(list(found()))
        kind = np.min_scalar_type(tokenizer.size - 1)
        told = f"{self.digest}|{json.dumps(tokenizer.saved())}|{kind}"
        key = sha256(told.encode()).hexdigest()
        return _Kept(cache_folder() / f"{key}.tokens", kind).tokens(found)


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        found = (p for p in path.rglob("*") if not _hidden(p.relative_to(path)) and p.is_file())
        return sorted(found)
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error}") from None


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _by_lines(texts: Iterable[str]) -> Iterator[str]:
    """Pieces cut after line ends, so that no word is in two of them; longer lines are cut."""
    rest = ""
    for text in texts:
        head, end, tail = text.rpartition("\n")
        if end:
            yield rest + head + end
            rest = tail
        elif len(rest) < _PIECE:
            rest += text
        else:
            yield rest
            rest = text
    if rest:
        yield rest


# --- reading -----------------------------------------------------------------------------------


def read_pieces(path: Path) -> Iterator[str]:
    """The text of a UTF-8 file in pieces, with line feeds as line ends.

    Raises:
        DataError: it is missing, not a file, or not UTF-8 (with the byte's position).
    """
    try:
        check_kind(path)  # it is read more than once, too
        with path.open("rb") as file:
            yield from _unified(_decoded(file, path))
    except FileNotFoundError:
        raise DataError(f"no file {str(path)!r}", hint="check the path given to --data") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {str(path)!r}: {reason}") from None


def _decoded(file: Any, path: Path) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    position, line, begun = 0, 1, False
    while True:
        content = file.read(_PIECE)
        waiting = decoder.getstate()[0]
        try:
            text = decoder.decode(content, final=not content)
        except UnicodeDecodeError as error:
            read = (waiting + content)[: error.start]
            where = (position - len(waiting) + error.start, line + read.count(b"\n"))
            raise _not_utf8(path, (waiting + content)[error.start], *where) from None
        yield text if begun else text.removeprefix("\ufeff")
        begun = begun or bool(text)
        if not content:
            return
        position += len(content)
        line += text.count("\n")


def _not_utf8(path: Path, byte: int, position: int, line: int) -> DataError:
    return DataError(
        f"{str(path)!r} is not UTF-8: byte 0x{byte:02X} at position {position} (line {line})",
        hint=f"convert it first, for instance: iconv -f latin1 -t utf-8 {path.name}",
    )


def _unified(texts: Iterable[str]) -> Iterator[str]:
    """Line ends as line feeds, those included that lie across two pieces."""
    waiting = ""
    for text in texts:
        joined = waiting + text
        waiting = "\r" if joined.endswith("\r") else ""
        yield joined.removesuffix("\r").replace("\r\n", "\n")
    yield waiting


# --- the cache ---------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where tokens of long texts are kept."""
    chosen = current().cache
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flux"


class _Kept:
    """Tokens in a file: the numbers one after another, and behind them their SHA-256."""

    def __init__(self, path: Path, kind: np.dtype[Any]) -> None:
        self._path = path
        self._kind = kind

    def tokens(self, found: Callable[[], Iterable[Tokens]]) -> NDArray[Any]:
        """The tokens, from the file where it is whole, else made and written."""
        if not self._whole():
            try:
                self._write(found())
            except OSError:
                return self._mapped_elsewhere(found())
        return self._mapped(self._path)

    def _whole(self) -> bool:
        digest = sha256()
        try:
            with self._path.open("rb") as file:
                rest = self._path.stat().st_size - _DIGEST_BYTES
                while rest > 0 and (chunk := file.read(min(rest, _PIECE))):
                    digest.update(chunk)
                    rest -= len(chunk)
                return file.read() == digest.digest() and not rest
        except OSError:
            return False

    def _write(self, found: Iterable[Tokens]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace(self._path, self._content(found))

    def _content(self, found: Iterable[Tokens]) -> Iterator[bytes]:
        digest = sha256()
        for tokens in found:
            content = tokens.astype(self._kind).tobytes()
            digest.update(content)
            yield content
        yield digest.digest()

    def _mapped(self, file: Any) -> NDArray[Any]:
        mapped: NDArray[Any] = np.memmap(file, self._kind, mode="r", shape=self._count(file))
        return mapped

    def _count(self, file: Any) -> int:
        size = os.fstat(file.fileno()).st_size if hasattr(file, "fileno") else file.stat().st_size
        return int((size - _DIGEST_BYTES) // self._kind.itemsize)

    def _mapped_elsewhere(self, found: Iterable[Tokens]) -> NDArray[Any]:
        """In a file without a name, where the cache folder cannot be written."""
        with tempfile.TemporaryFile() as file:
            file.writelines(self._content(found))
            file.flush()
            return self._mapped(file)
