"""Words and symbols as tokens, which join to the text that they are cut from.

Of `words`, a token is a run of letters, digits and underscores, or any other character, each with
the blank before it. Of `symbols`, for formulas, it is a run of letters, or any other character. The
commonest tokens are the vocabulary. Where that leaves some out, they share one token, unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from flux.errors import ArgumentError, DataError
from flux.source import Source, Span
from flux.training.tokenizer import Decoder, Tokens

UNKNOWN = "\ufffd"
WORDS = "words"
# Kind: what one token is.
PATTERNS: Mapping[str, re.Pattern[str]] = {
    WORDS: re.compile(r" ?\w+| ?[^\w\s]|\s"),
    "symbols": re.compile(r"[^\W\d_]+|[\W\d_]"),
}


def counter(kind: str) -> Callable[[str], int]:
    """How many tokens of a kind a text has; of other kinds its characters, which are no fewer."""
    pattern = PATTERNS.get(kind)
    return len if pattern is None else lambda text: len(pattern.findall(text))


def unknown(tokenizer: object, tokens: Tokens) -> int:
    """How many tokens stand for something that is not in the vocabulary: it is not foretold."""
    lossy = isinstance(tokenizer, Words) and tokenizer.words[0] == UNKNOWN
    return int(np.count_nonzero(tokens == 0)) if lossy else 0


@dataclass(frozen=True)
class Words:
    """A vocabulary of words; a word's token is its place in it.

    Attributes:
        words: in order; with `UNKNOWN` in front where others share its token.
        kind: a name of PATTERNS.
    """

    words: tuple[str, ...]
    kind: str = WORDS

    @classmethod
    def from_texts(cls, texts: Iterable[str], most: int, kind: str = WORDS) -> Words:
        """The vocabulary of texts: at most that many words, the commonest ones."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(PATTERNS[kind].findall(text))
        if len(counts) <= most:
            return cls(tuple(sorted(counts)), kind)
        common = sorted(counts, key=lambda word: (-counts[word], word))[: max(1, most - 1)]
        return cls((UNKNOWN, *sorted(common)), kind)

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
        # Both are what they should be, as has just been seen, and by the caller.
        return cls(tuple(words), values["kind"])  # type: ignore[arg-type]

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
        found = [self._places.get(word, unknown) for word in PATTERNS[self.kind].findall(text)]
        tokens = np.array(found, np.int64)
        if unknown < 0 and (tokens < 0).any():
            raise self._stranger(text, name, int(np.argmin(tokens)))
        return tokens

    def _stranger(self, text: str, name: str, number: int) -> DataError:
        spans: Sequence[Any] = list(PATTERNS[self.kind].finditer(text))
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
        return {"kind": self.kind, "words": list(self.words)}
