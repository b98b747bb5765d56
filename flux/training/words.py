"""Words as tokens: each with the blank before it, so that the tokens of a text join to that text.

A word is a run of letters, digits and underscores; any other character is a token of its own. The
commonest words are the vocabulary. Where that leaves some out, they share one token, unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from flux.errors import ArgumentError, DataError
from flux.source import Source, Span
from flux.training.tokenizer import Decoder, Tokens

UNKNOWN = "\ufffd"
_WORD = re.compile(r" ?\w+| ?[^\w\s]|\s")


@dataclass(frozen=True)
class Words:
    """A vocabulary of words; a word's token is its place in it.

    Attributes:
        words: in order; with `UNKNOWN` in front where others share its token.
    """

    words: tuple[str, ...]

    @classmethod
    def from_texts(cls, texts: Iterable[str], most: int) -> Words:
        """The vocabulary of texts: at most that many words, the commonest ones."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_WORD.findall(text))
        if len(counts) <= most:
            return cls(tuple(sorted(counts)))
        common = sorted(counts, key=lambda word: (-counts[word], word))[: max(1, most - 1)]
        return cls((UNKNOWN, *sorted(common)))

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> Words:
        """The vocabulary that was saved.

        Raises:
            ArgumentError: the values make none.
        """
        words = values.get("words")
        good = isinstance(words, list) and words and all(isinstance(w, str) for w in words)
        if not good or len(set(words)) != len(words):  # type: ignore[arg-type]  # a list if good
            raise ArgumentError("its words are not different texts")
        return cls(tuple(words))  # type: ignore[arg-type]  # a list, as has just been seen

    @property
    def size(self) -> int:
        """The number of tokens."""
        return len(self.words)

    @property
    def start(self) -> str:
        """A line end, where it knows that one, else its first word."""
        return "\n" if "\n" in self._places else self.words[-1]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words)}

    def encode(self, text: str, name: str = "<text>") -> Tokens:
        """The tokens of a text.

        Raises:
            DataError: a word outside the vocabulary, where it has no token for those.
        """
        unknown = 0 if self.words[0] == UNKNOWN else -1
        found = [self._places.get(word, unknown) for word in _WORD.findall(text)]
        tokens = np.array(found, np.int64)
        if unknown < 0 and (tokens < 0).any():
            raise self._stranger(text, name, int(np.argmin(tokens)))
        return tokens

    def _stranger(self, text: str, name: str, number: int) -> DataError:
        spans: Sequence[Any] = list(_WORD.finditer(text))
        match = spans[number]
        place = Span(Source(text, name), match.start(), match.end())
        shown = match[0] if len(match[0]) < 40 else f"{match[0][:37]}..."
        return DataError(
            f"the model does not know the word {shown!r}", (place,), f"it has met {self.size} words"
        )

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""
        return "".join(self.words[token] for token in tokens)

    def decoder(self) -> Decoder:
        """Decodes a stream, in which every token is whole."""
        return self.decode

    def saved(self) -> dict[str, Any]:
        """Its kind and words."""
        return {"kind": "words", "words": list(self.words)}
