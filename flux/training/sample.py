"""Writing text with a model: greedy, by temperature, among the k likeliest tokens.

The random numbers are a pure function of (seed, place in the text), so the same call writes the
same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.philox import uniform
from flux.training.tokenizer import Tokens

# Tokens (B, T) to the logits of the tokens that follow, (B, T, V).
Logits = Callable[[Tokens], NDArray[Any]]


@dataclass(frozen=True)
class Choice:
    """How a token is chosen.

    Attributes:
        temperature: logits are divided by it; 0 takes the likeliest token.
        top_k: only the k likeliest tokens are possible; 0 allows all.
        seed: of the random numbers.
    """

    temperature: float = 0.8
    top_k: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ArgumentError(f"the temperature is {self.temperature}; it must be 0 or more")
        if self.top_k < 0:
            raise ArgumentError(f"top-k is {self.top_k}; it must be 0 (all tokens) or more")


GREEDY = Choice(temperature=0.0)


def probabilities(logits: NDArray[Any], choice: Choice) -> NDArray[np.float64]:
    """The probability of each token, along the last axis.

    softmax(logits / temperature) over the top_k largest, and 0 elsewhere.
    """
    scaled = logits.astype(np.float64) / choice.temperature
    if 0 < choice.top_k < scaled.shape[-1]:
        kept = np.argsort(-scaled, axis=-1, kind="stable")[..., : choice.top_k]
        mask = np.full_like(scaled, -np.inf)
        np.put_along_axis(mask, kept, 0.0, axis=-1)
        scaled = scaled + mask
    weights = np.exp(scaled - scaled.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def choose(logits: NDArray[Any], choice: Choice, place: int) -> Tokens:
    """One token for each row of logits (B, V); of equals, the first."""
    if choice.temperature == 0:
        return np.asarray(logits.argmax(-1))
    p = probabilities(logits, choice)
    u = uniform(choice.seed, "sample", place, len(p))
    reached = p.cumsum(-1) > u[:, None] * p.sum(-1, keepdims=True)
    return np.asarray(reached.argmax(-1))


def generate(
    logits: Logits, prompts: Sequence[Tokens], context: int, choice: Choice
) -> Iterator[Tokens]:
    """The tokens that follow prompts, one for each prompt at a time, without end.

    The model sees the last `context` tokens. Prompts may differ in length: a model that does not
    look ahead is not disturbed by what stands after a prompt's end.

    Raises:
        ArgumentError: an empty prompt.
    """
    if any(len(prompt) == 0 for prompt in prompts):
        raise ArgumentError("a prompt needs at least one character")
    tokens = [np.asarray(prompt, np.int64)[-context:] for prompt in prompts]
    window = np.zeros((len(tokens), context), np.int64)
    place = 0
    while True:
        for row, known in zip(window, tokens, strict=True):
            row[: len(known)] = known
        last = np.array([len(known) - 1 for known in tokens])
        found = choose(logits(window)[np.arange(len(tokens)), last], choice, place)
        yield found
        tokens = [
            np.append(known, token)[-context:] for known, token in zip(tokens, found, strict=True)
        ]
        place += 1
