"""Tokenizers: a text becomes an array of numbers, and back.

Four kinds, each saved with its model: characters and bytes here, words and byte pairs in modules of
their own. A vocabulary of characters is the sorted set of the text's; a character outside it is an
error with its place.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DataError
from flux.source import Source, Span

Tokens = NDArray[np.int64]

_SHOWN = 12  # different unknown characters that an error lists


# Tokens, a few at a time, to the text that they add.
Decoder = Callable[[Iterable[int]], str]


class AnyTokenizer(Protocol):
    """What every kind of tokenizer does."""

    @property
    def size(self) -> int:
        """The number of tokens."""

    @property
    def start(self) -> str:
        """A text to begin writing with."""

    def encode(self, text: str, name: str = "<text>") -> Tokens:
        """The tokens of a text.

        Raises:
            DataError: there is something in it that the vocabulary lacks.
        """

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""

    def decoder(self) -> Decoder:
        """Decodes a stream: what is no whole character yet waits for the next tokens."""

    def saved(self) -> dict[str, Any]:
        """Everything that makes it, as JSON values."""


def tokenizer_of(values: Mapping[str, Any]) -> AnyTokenizer:
    """The tokenizer that was saved.

    Raises:
        ArgumentError: the values make none.
    """
    from flux.training import bpe, words

    kind = values.get("kind")
    if kind == "characters":
        return Tokenizer(_characters(values.get("characters")))
    if kind == "bytes":
        return Bytes()
    if kind in ("words", "symbols"):
        return words.Words.restored(values)
    if kind == "bpe":
        return bpe.BytePairs.restored(values)
    raise ArgumentError(f"its tokenizer is {kind!r}, which this version does not know")


def _characters(text: object) -> str:
    if not isinstance(text, str) or not text or "".join(sorted(set(text))) != text:
        raise ArgumentError("its characters are not different ones in order")
    return text


@dataclass(frozen=True)
class Bytes:
    """The bytes of a text's UTF-8: 256 tokens, and no text that it cannot read."""

    @property
    def size(self) -> int:
        """256."""
        return 256

    @property
    def start(self) -> str:
        """A line end."""
        return "\n"

    def encode(self, text: str, name: str = "<text>") -> Tokens:
        """The bytes of a text."""
        return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of bytes; what is no UTF-8 becomes U+FFFD."""
        return bytes(map(int, tokens)).decode("utf-8", "replace")

    def decoder(self) -> Decoder:
        """Decodes a stream of bytes."""
        stream = codecs.getincrementaldecoder("utf-8")("replace")
        return lambda tokens: stream.decode(bytes(map(int, tokens)))

    def saved(self) -> dict[str, Any]:
        """Its kind, which is all."""
        return {"kind": "bytes"}


@dataclass(frozen=True)
class Tokenizer:
    """A vocabulary of single characters; a character's token is its place in it."""

    characters: str

    @classmethod
    def from_text(cls, text: str) -> Tokenizer:
        """The vocabulary of a text."""
        return cls("".join(sorted(set(text))))

    @property
    def size(self) -> int:
        """The number of tokens."""
        return len(self.characters)

    @property
    def start(self) -> str:
        """A line end, where it knows that one."""
        return "\n" if "\n" in self.characters else self.characters[0]

    @cached_property
    def _places(self) -> Tokens:
        """The token of each code point, -1 where there is none; the last is that of all beyond."""
        codes = _code_points(self.characters)
        places = np.full(int(codes.max()) + 2, -1, np.int64)
        places[codes] = np.arange(self.size)
        return places

    def encode(self, text: str, name: str = "<text>") -> Tokens:
        """The tokens of a text.

        Raises:
            DataError: a character outside the vocabulary; the error points at it.
        """
        places = self._places
        found: Tokens = places[np.minimum(_code_points(text), len(places) - 1)]
        unknown = found < 0
        if unknown.any():
            raise self._unknown(text, name, int(np.argmax(unknown)))
        return found

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""
        return "".join(self.characters[token] for token in tokens)

    def decoder(self) -> Decoder:
        """Decodes a stream, in which every token is whole."""
        return self.decode

    def saved(self) -> dict[str, Any]:
        """Its kind and characters."""
        return {"kind": "characters", "characters": self.characters}

    def _unknown(self, text: str, name: str, offset: int) -> DataError:
        source = Source(text, name)
        strangers = sorted(set(text) - set(self.characters))
        shown = ", ".join(_show(character) for character in strangers[:_SHOWN])
        return DataError(
            f"the model does not know the character {_show(text[offset])}",
            (Span(source, offset, offset + 1),),
            hint=f"it has met {self.size} characters; unknown here: {shown}",
        )


def _code_points(text: str) -> Tokens:
    encoded = text.encode("utf-32-le", "surrogatepass")
    return np.frombuffer(encoded, dtype="<u4").astype(np.int64)


def _show(character: str) -> str:
    name = f"U+{ord(character):04X}"
    return f"{character!r} ({name})" if character.isascii() and character.isprintable() else name
