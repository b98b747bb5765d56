from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from flux.errors import ArgumentError
from flux.training.sample import GREEDY, Choice, choose, generate, probabilities
from flux.training.tokenizer import Tokens

LOGITS = np.array([[0.0, 2.0, 1.0, -1.0], [3.0, 3.0, 0.0, 0.0]])


def test_greedy_takes_the_likeliest_and_the_first_of_equals() -> None:
    assert choose(LOGITS, GREEDY, 0).tolist() == [1, 0]


def test_probabilities_are_the_softmax_at_a_temperature() -> None:
    p = probabilities(LOGITS, Choice(temperature=2.0))
    expected = np.exp(LOGITS / 2)
    np.testing.assert_allclose(p, expected / expected.sum(-1, keepdims=True))


def test_top_k_allows_k_tokens_even_among_equals() -> None:
    p = probabilities(LOGITS, Choice(temperature=1.0, top_k=1))
    np.testing.assert_array_equal(p, [[0, 1, 0, 0], [1, 0, 0, 0]])
    assert (probabilities(np.zeros((1, 9)), Choice(top_k=4)) > 0).sum() == 4


def test_tokens_are_drawn_with_their_probabilities() -> None:
    choice = Choice(temperature=1.0, seed=5)
    drawn = choose(np.tile(LOGITS[:1], (20_000, 1)), choice, 3)
    seen = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(seen, probabilities(LOGITS[:1], choice)[0], atol=0.01)


def test_the_same_seed_writes_the_same_tokens() -> None:
    def write(seed: int) -> list[int]:
        choice = Choice(temperature=1.0, seed=seed)
        return [int(choose(LOGITS[:1], choice, place)[0]) for place in range(50)]

    assert write(1) == write(1)
    assert write(1) != write(2)


def _successor(window: Tokens) -> np.ndarray:
    """Logits of a model that counts: the next token is the last one plus one, modulo 10."""
    return np.eye(10)[(window + 1) % 10]


def test_prompts_of_different_lengths_are_continued_together_past_the_context() -> None:
    prompts = [np.array([3]), np.array([5, 6, 7]), np.arange(8)]
    written = np.array(list(islice(generate(_successor, prompts, 4, GREEDY), 8)))
    starts = [4, 8, 8]
    for column, start in enumerate(starts):
        assert written[:, column].tolist() == [(start + i) % 10 for i in range(8)]


@pytest.mark.parametrize(("temperature", "top_k"), [(-1.0, 0), (float("nan"), 0), (1.0, -1)])
def test_bad_choices_are_refused(temperature: float, top_k: int) -> None:
    with pytest.raises(ArgumentError):
        Choice(temperature, top_k)


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(ArgumentError, match="at least one character"):
        next(generate(_successor, [np.array([], np.int64)], 4, GREEDY))
