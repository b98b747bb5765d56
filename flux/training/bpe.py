"""Byte pairs as tokens, by the `tokenizers` library (the extra `bpe`).

Byte-level: Radford et al., Language Models are Unsupervised Multitask Learners (2019), section 2.2,
so there is no text that it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from flux.errors import ArgumentError, DataError
from flux.training.tokenizer import Decoder, Tokens

_BYTES = 256
_BROKEN = "\ufffd"


class BytePairs:
    """A trained vocabulary of byte pairs.

    Args:
        text: of the library's JSON.

    Raises:
        DataError: the library is not installed.
        ArgumentError: it does not read the text.
    """

    def __init__(self, text: str) -> None:
        library = _library()
        try:
            self._tokenizer = library.Tokenizer.from_str(text)
        except Exception as error:  # the library raises that class itself
            raise ArgumentError(f"its byte pairs cannot be read: {error}") from None

    @classmethod
    def from_texts(cls, texts: Iterable[str], most: int) -> BytePairs:
        """A vocabulary of at most that many tokens, trained on texts.

        Raises:
            ArgumentError: fewer tokens than there are bytes.
            DataError: the library is not installed.
        """
        if most < _BYTES:
            raise ArgumentError(f"vocabulary is {most}; byte pairs begin with {_BYTES} bytes")
        library = _library()
        made = library.Tokenizer(library.models.BPE())
        made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=most,
            initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        made.train_from_iterator(_plain(texts), trainer)
        return cls(made.to_str())

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> BytePairs:
        """The vocabulary that was saved.

        Raises:
            ArgumentError: the values make none.
            DataError: the library is not installed.
        """
        text = values.get("json")
        if not isinstance(text, str):
            raise ArgumentError("its byte pairs are no text")
        return cls(text)

    @property
    def size(self) -> int:
        """The number of tokens."""
        return int(self._tokenizer.get_vocab_size())

    @property
    def start(self) -> str:
        """A line end."""
        return "\n"

    def encode(self, text: str, name: str = "<text>") -> Tokens:
        """The tokens of a text."""
        plain = text.encode("utf-8", "replace").decode("utf-8")
        return np.array(self._tokenizer.encode(plain).ids, np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""
        return str(self._tokenizer.decode([int(token) for token in tokens]))

    def decoder(self) -> Decoder:
        """Decodes a stream: a character may be spread over several tokens."""
        waiting: list[int] = []

        def decode(tokens: Iterable[int]) -> str:
            waiting.extend(tokens)
            text = self.decode(waiting)
            if text.endswith(_BROKEN) and len(waiting) < 4:  # a character has 4 bytes at most
                return ""
            waiting.clear()
            return text

        return decode

    def saved(self) -> dict[str, Any]:
        """Its kind, and the library's own text."""
        return {"kind": "bpe", "json": self._tokenizer.to_str()}


def _plain(texts: Iterable[str]) -> Iterator[str]:
    return (text.encode("utf-8", "replace").decode("utf-8") for text in texts)


def _library() -> Any:
    try:
        import tokenizers
        from tokenizers import decoders, models, pre_tokenizers, trainers  # noqa: F401  (loads)
    except ImportError:
        raise DataError(
            "byte pairs need the library `tokenizers`", hint="pip install 'fluxparser[bpe]'"
        ) from None
    return tokenizers
