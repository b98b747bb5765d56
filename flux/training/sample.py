"""Choosing tokens: greedy, by temperature, among the likeliest, with repetition made unlikely.

The random numbers are a pure function of (seed, place in the text), so the same call writes the
same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.philox import uniform
from flux.training.tokenizer import Tokens

# Tokens (B, T) to the logits of the tokens that follow, (B, T, V).
Logits = Callable[[Tokens], NDArray[Any]]
Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """How a token is chosen.

    Attributes:
        temperature: logits are divided by it; 0 takes the likeliest token.
        top_k: only the k likeliest tokens are possible; 0 allows all.
        seed: of the random numbers.
        top_p: only the fewest likeliest tokens that together have this probability are possible;
            1 allows all.
        min_p: only tokens with at least this share of the likeliest one's probability are possible.
        repetition: what the odds of a token that has been met are made smaller by; 1 changes none.
    """

    temperature: float = 0.8
    top_k: int = 0
    seed: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition: float = 1.0

    def __post_init__(self) -> None:
        for name, (possible, text) in _RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real) or not possible(value):
                shown = name.replace("_", "-")
                raise ArgumentError(f"the {shown} is {value!r}; it must be {text}")


# What each number of a choice may be.
_RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "temperature": (lambda x: 0 <= x < float("inf"), "0 or more"),
    "top_k": (lambda x: isinstance(x, Integral) and not x < 0, "0 (all tokens) or a whole number"),
    "seed": (lambda x: isinstance(x, Integral), "a whole number"),
    "top_p": (lambda x: 0 < x <= 1, "above 0, and 1 (all tokens) or less"),
    "min_p": (lambda x: 0 <= x <= 1, "from 0 (all tokens) to 1"),
    "repetition": (lambda x: 0 < x < float("inf"), "above 0; 1 changes nothing"),
}

GREEDY = Choice(temperature=0.0)


def probabilities(
    logits: NDArray[Any], choice: Choice, met: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """The probability of each token, along the last axis.

    softmax(logits / temperature) over the tokens that are possible, and 0 elsewhere. The logits of
    tokens met before are made smaller first; then top-k, top-p and min-p leave tokens out, in this
    order, each by the probabilities that the one before leaves.

    Shapes:
        logits, met: (..., V), with true where a token has been met.

    Source:
        top-p: Holtzman et al., The Curious Case of Neural Text Degeneration (2020),
        arXiv:1904.09751; min-p: Nguyen et al., Turning Up the Heat (2024), arXiv:2407.01082.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # what is infinite gives nan
        scaled = repeated_less(logits.astype(np.float64), choice, met) / choice.temperature
        weights = np.exp(scaled - scaled.max(-1, keepdims=True))
        for leave in (_top_k, _top_p, _min_p):
            weights = leave(weights, choice)
        return np.asarray(weights / weights.sum(-1, keepdims=True))


def repeated_less(
    logits: NDArray[Any], choice: Choice, met: NDArray[np.bool_] | None
) -> NDArray[Any]:
    """The logits, those of tokens met before made smaller.

    logit/repetition where it is positive, logit*repetition where it is not.

    Source:
        Keskar et al., CTRL (2019), section 4.1, arXiv:1909.05858; dividing a negative logit would
        make its token likelier.
    """
    if met is None or choice.repetition == 1:
        return logits
    smaller = np.where(logits > 0, logits / choice.repetition, logits * choice.repetition)
    return np.where(met, smaller, logits)


def _top_k(weights: Weights, choice: Choice) -> Weights:
    if not 0 < choice.top_k < weights.shape[-1]:
        return weights
    kept = _by_weight(weights)[..., : choice.top_k]
    mask = np.zeros_like(weights)
    np.put_along_axis(mask, kept, 1.0, axis=-1)
    return np.asarray(weights * mask)


def _top_p(weights: Weights, choice: Choice) -> Weights:
    """A token stays where those before it, in order of weight, have not reached the share yet."""
    if choice.top_p == 1:
        return weights
    order = _by_weight(weights)
    ordered = np.take_along_axis(weights, order, axis=-1)
    before = ordered.cumsum(-1) - ordered
    missing = before < choice.top_p * weights.sum(-1, keepdims=True)
    mask = np.zeros_like(weights)
    np.put_along_axis(mask, order, missing.astype(weights.dtype), axis=-1)
    return np.asarray(weights * mask)


def _min_p(weights: Weights, choice: Choice) -> Weights:
    if choice.min_p == 0:
        return weights
    return np.asarray(weights * (weights >= choice.min_p * weights.max(-1, keepdims=True)))


def _by_weight(weights: Weights) -> NDArray[np.intp]:
    """Tokens in order of weight, the largest first; of equals, the first."""
    return np.argsort(-weights, axis=-1, kind="stable")


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
