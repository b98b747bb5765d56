"""Characters as tokens: a text becomes an array of numbers, and back.

The vocabulary is the sorted set of the training text's characters. It is saved with the model, and
a character outside it is an error with its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.source import Source, Span

Tokens = NDArray[np.int64]

_SHOWN = 12  # different unknown characters that an error lists


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

    @cached_property
    def _codes(self) -> Tokens:
        # In order of code point, as from_text makes them, so that a binary search finds a token.
        return _code_points(self.characters)

    def encode(self, text: str, name: str = "<text>") -> Tokens:
        """The tokens of a text.

        Raises:
            DataError: a character outside the vocabulary; the error points at it.
        """
        codes = _code_points(text)
        found = np.searchsorted(self._codes, codes)
        known = self._codes[np.minimum(found, self.size - 1)] == codes
        if not known.all():
            raise self._unknown(text, name, int(np.argmin(known)))
        return found

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""
        return "".join(self.characters[token] for token in tokens)

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
