"""Texts as token arrays: in memory, and cut into a part for training and one for validation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np

from flux.errors import DataError
from flux.training.batches import line_starts
from flux.training.bpe import BytePairs
from flux.training.presets import Preset
from flux.training.tokenizer import AnyTokenizer, Bytes, Tokenizer, Tokens
from flux.training.words import PATTERNS, Words

VALIDATION_SHARE = 0.1  # the last part of a text


@dataclass(frozen=True)
class Encoded:
    """A text as tokens.

    Attributes:
        training, validation: the two parts.
        starts: where windows of each part may start; None for everywhere.
    """

    training: Tokens
    validation: Tokens
    starts: tuple[Tokens | None, Tokens | None] = (None, None)


class Text(Protocol):
    """What a language model learns from."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def digest(self) -> str:
        """What tells this text from any other."""

    def texts(self) -> Iterator[str]:
        """The whole of it, piece by piece."""

    def encoded(self, tokenizer: AnyTokenizer, preset: Preset) -> Encoded:
        """Its two parts as tokens.

        Raises:
            DataError: something that the tokenizer does not know, or too few tokens.
        """


def make_tokenizer(kind: str, most: int, texts: Iterable[str]) -> AnyTokenizer:
    """A tokenizer for texts.

    Args:
        kind: characters, bytes, words, symbols or bpe.
        most: tokens of words, symbols and bpe.
        texts: the texts.

    Raises:
        FluxError: bpe without its library, or with too small a vocabulary.
    """
    if kind == "bytes":
        return Bytes()
    if kind in PATTERNS:
        return Words.from_texts(texts, most, kind)
    if kind == "bpe":
        return BytePairs.from_texts(texts, most)
    seen: set[str] = set()
    for text in texts:
        seen.update(text)
    return Tokenizer("".join(sorted(seen)))


@dataclass(frozen=True)
class Corpus:
    """A text in memory.

    Attributes:
        name: what messages call it.
        training, validation: the two parts as text.
        by_line: a window starts at the start of a line, where it otherwise starts anywhere.
    """

    name: str
    training: str
    validation: str
    by_line: bool = False

    @property
    def digest(self) -> str:
        """What tells this text from any other."""
        digest = sha256()
        for part in (self.training, self.validation):
            digest.update(f"{len(part)}|{part}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def texts(self) -> Iterator[str]:
        """Both parts."""
        return iter((self.training, self.validation))

    def tokenizer(self) -> Tokenizer:
        """The characters of both parts."""
        return Tokenizer.from_text(self.training + self.validation)

    def encoded(self, tokenizer: AnyTokenizer, preset: Preset) -> Encoded:
        """Both parts as tokens.

        Raises:
            DataError: something that the tokenizer does not know.
        """
        if not self.by_line:
            training, validation = (tokenizer.encode(part, self.name) for part in self.texts())
            return Encoded(training, validation)
        (tokens, first), (held, second) = (
            _by_line(part, tokenizer, self.name) for part in self.texts()
        )
        return Encoded(tokens, held, (first, second))


def _by_line(text: str, tokenizer: AnyTokenizer, name: str) -> tuple[Tokens, Tokens]:
    """The tokens of a text, and where its lines start among them."""
    if isinstance(tokenizer, Tokenizer):
        return tokenizer.encode(text, name), line_starts(text)
    lines = [tokenizer.encode(line, name) for line in text.splitlines(keepends=True)]
    lengths = np.array([0, *map(len, lines[:-1])], np.int64)
    return np.concatenate(lines), np.cumsum(lengths)


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with line feeds as line ends.

    Raises:
        DataError: it is missing, not a file, empty, or not UTF-8 (with the byte's position).
    """
    from flux.training.text_files import read_pieces

    text = "".join(read_pieces(path))
    if not text:
        raise DataError(f"{str(path)!r} is empty")
    return text


def split(text: str, name: str, context: int) -> Corpus:
    """A text's first part for training and its last part for validation.

    A text too short for a validation window of its own is used whole for both.

    Raises:
        DataError: one different character only, or not one window of `context` characters and
            the one that follows.
    """
    if len(set(text)) < 2:
        raise one_character(name)
    held = held_out(len(text), context, VALIDATION_SHARE, name, "characters")
    return Corpus(name, text[: len(text) - held] or text, text[-held:])


def one_character(name: str) -> DataError:
    """The error for a text of one character, however often."""
    return DataError(f"{name} has one character only: there is nothing to learn")


def held_out(count: int, context: int, share: float, name: str, unit: str) -> int:
    """How much of the end of a text is for validation; all of it where it is too short for two.

    Raises:
        DataError: not one window of `context` and what follows fits.
    """
    if count <= context:
        raise DataError(
            f"{name} has {count} {unit}; a context of {context} needs {context + 1}",
            hint=f"use a longer text, or --context {max(1, count - 1)} or less",
        )
    held = max(int(count * share), context + 1)
    return count if count - held <= context else held
