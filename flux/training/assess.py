"""How well a language model foretells a whole text: each token once, in windows that never change.

The text is cut into windows of the context's length, one after another; the last one reaches back,
so that every model sees whole windows, and only its new tokens count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, log
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError, DomainError
from flux.nn import Decoder
from flux.training.tokenizer import AnyTokenizer, Tokens
from flux.training.words import unknown


class Foretelling(Protocol):
    """What is assessed: a language model, or one that was exported."""

    @property
    def tokenizer(self) -> AnyTokenizer:
        """Its vocabulary."""

    @property
    def context(self) -> int:
        """The length of a window."""

    @property
    def decoder(self) -> Decoder:
        """What gives the logits that follow a text, token after token."""

    def logits(self, tokens: Tokens) -> NDArray[Any]:
        """The logits after each place: (1, T) to (1, T, V)."""


@dataclass(frozen=True)
class Assessment:
    """What was found.

    Attributes:
        loss: the mean of -log p over the tokens, in nats.
        tokens: that were foretold: all but the first.
        characters: that they spell.
        seconds: that it took.
        unknown: tokens that stand for words outside the vocabulary.
    """

    loss: float
    tokens: int
    characters: int
    seconds: float
    unknown: int = 0

    @property
    def perplexity(self) -> float:
        """exp(loss); inf beyond the largest float."""
        return exp(self.loss) if self.loss < 709 else float("inf")

    @property
    def bits_per_character(self) -> float:
        """loss*tokens/(characters log 2); nan where unknown words hide what they spell."""
        if self.unknown:
            return float("nan")
        return self.loss * self.tokens / (self.characters * log(2))

    @property
    def tokens_per_s(self) -> float:
        """Tokens a second."""
        return self.tokens / max(self.seconds, 1e-9)


# Called after each window with the tokens foretold so far, all of them, and the mean loss so far.
Progress = Callable[[int, int, float], None]


def assess(model: Foretelling, text: str, name: str, progress: Progress) -> Assessment:
    """How well a model foretells a text.

    Args:
        model: with its tokenizer.
        text: of at least two tokens.
        name: what errors call the text.
        progress: told after each window.

    Raises:
        DataError: a text of fewer than two tokens, or with a character that is not known.
        DomainError: logits that are not finite.
    """
    tokens = model.tokenizer.encode(text, name)
    if len(tokens) < 2:
        raise DataError(f"{name} has {len(tokens)} tokens; there is nothing to foretell")
    began = perf_counter()
    total, done = 0.0, 0
    for losses in _windows(model, tokens):
        total, done = total + float(losses.sum()), done + len(losses)
        if not np.isfinite(total):
            raise DomainError(f"the loss is {total} among the first {done} tokens of {name}")
        progress(done, len(tokens) - 1, total / done)
    characters = len(text) - len(model.tokenizer.decode(tokens[:1]))
    spent_s = perf_counter() - began
    return Assessment(total / done, done, characters, spent_s, unknown(model.tokenizer, tokens[1:]))


def _windows(model: Foretelling, tokens: Tokens) -> Iterator[NDArray[np.float64]]:
    """The losses of all tokens but the first, in order."""
    context, count = model.context, len(tokens) - 1
    if count < context:
        yield _short(model.decoder, tokens)
        return
    for first in range(0, count, context):
        start = min(first, count - context)
        logits = model.logits(tokens[None, start : start + context])[0]
        losses = cross_entropy(logits, tokens[start + 1 : start + 1 + context])
        yield losses[first - start :]


def _short(decoder: Decoder, tokens: Tokens) -> NDArray[np.float64]:
    """A text shorter than a window, place after place."""
    logits = [decoder.start(tokens[:1]).copy()]
    logits += [decoder.advance(int(token)).copy() for token in tokens[1:-1]]
    return cross_entropy(np.array(logits), tokens[1:])


def cross_entropy(logits: NDArray[Any], targets: Tokens) -> NDArray[np.float64]:
    """-log of each target's probability, in nats: logsumexp[v](logits) - logits[v = target].

    Shapes:
        logits: (T, V); targets, result: (T,).
    """
    wide = logits.astype(np.float64)
    top = wide.max(-1)
    total = np.log(np.exp(wide - top[:, None]).sum(-1)) + top
    return np.asarray(total - wide[np.arange(len(targets)), targets])
