"""Writing on: the tokens and the text that follow a prompt, one after another, without end.

A decoder gives the logits of what follows, a choice draws from them. The random numbers are a pure
function of seed and place, so the same call writes the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, DomainError
from flux.nn import Decoder
from flux.philox import uniform
from flux.training.sample import Choice, probabilities, repeated_less
from flux.training.tokenizer import AnyTokenizer, Tokens

_DRAWN = 256  # random numbers at a time


def write_tokens(
    decoder: Decoder, prompt: Tokens, choice: Choice, size: int | None = None
) -> Iterator[int]:
    """The tokens that follow a prompt, without end.

    Args:
        decoder: of a model.
        prompt: at least one token.
        choice: how a token is chosen.
        size: of the vocabulary, where the model has logits for more; those are never chosen.

    Raises:
        ArgumentError: an empty prompt.
        DomainError: logits that are not finite.
    """
    if len(prompt) == 0:
        raise ArgumentError("a prompt needs at least one token")
    return _write(decoder, prompt, choice, size)


def _write(decoder: Decoder, prompt: Tokens, choice: Choice, size: int | None) -> Iterator[int]:
    logits = decoder.start(prompt)[:size]
    met = np.zeros(len(logits), np.bool_)
    met[prompt] = True
    pick = _likeliest if choice.temperature == 0 else _drawn
    for place, u in enumerate(_uniform(choice)):
        token = pick(logits, choice, met, u)
        if token == len(logits) or not np.isfinite(logits[token]):
            raise DomainError(f"the logits of token {place} are not finite: {logits.max()}")
        yield token
        met[token] = True
        logits = decoder.advance(token)[:size]


def _uniform(choice: Choice) -> Iterator[float]:
    """Uniform numbers on [0, 1), one a place; none are drawn where none are looked at."""
    place = 0
    while True:
        count = _DRAWN if choice.temperature else 0
        drawn = uniform(choice.seed, "text", 0, count, place) if count else np.zeros(_DRAWN)
        yield from drawn.tolist()
        place += _DRAWN


def _likeliest(logits: NDArray[Any], choice: Choice, met: NDArray[np.bool_], _: float) -> int:
    return int(repeated_less(logits, choice, met).argmax())


def _drawn(logits: NDArray[Any], choice: Choice, met: NDArray[np.bool_], u: float) -> int:
    """The first token at which the distribution function passes u; none where it is not finite."""
    reached = probabilities(logits, choice, met).cumsum()
    # Rounding may leave the last sum below 1, and no token without weight may be drawn.
    return int(reached.searchsorted(u * reached[-1], side="right"))


def write_text(
    decoder: Decoder, tokenizer: AnyTokenizer, prompt: str, choice: Choice
) -> Iterator[str]:
    """The text that follows a prompt, token by token, without end.

    Raises:
        DataError: a character of the prompt that the tokenizer does not know.
        ArgumentError: an empty prompt.
    """
    if not prompt:
        raise ArgumentError("a prompt needs at least one character")
    known = tokenizer.encode(prompt, "<prompt>")
    tokens = write_tokens(decoder, known, choice, tokenizer.size)
    decode = tokenizer.decoder()
    return (decode([token]) for token in tokens)


def until(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """Pieces of text up to the first of some strings, which is left out.

    What may be the beginning of such a string is held back until it is known not to be one.
    """
    held = ""
    for piece in pieces:
        held += piece
        ends = [at for at in (held.find(stop) for stop in stops) if at >= 0]
        if ends:
            yield held[: min(ends)]
            return
        kept = _beginning(held, stops)
        yield held[: len(held) - kept]
        held = held[len(held) - kept :]
    yield held


def _beginning(text: str, stops: Sequence[str]) -> int:
    """How many of the last characters may begin one of some strings."""
    longest = max((len(stop) for stop in stops), default=1) - 1
    counts = range(min(longest, len(text)), 0, -1)
    return next((n for n in counts if any(stop.startswith(text[-n:]) for stop in stops)), 0)
