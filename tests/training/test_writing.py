"""Writing on: tokens follow their probabilities, stops cut the text, seeds repeat it."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux.errors import ArgumentError, DomainError
from flux.nn import FullDecoder, Model, decoder_of, window_program
from flux.training.library import graph
from flux.training.sample import GREEDY, Choice, probabilities
from flux.training.writing import until, write_tokens

LOGITS = np.array([1.0, 3.0, 2.0, -1.0, 2.5])
CONTEXT = 8


class Same:
    """A decoder that always gives the same logits."""

    context = CONTEXT

    def __init__(self, logits: np.ndarray = LOGITS) -> None:
        self.logits = logits

    def start(self, tokens: np.ndarray) -> np.ndarray:
        return self.logits

    def advance(self, token: int) -> np.ndarray:
        return self.logits


def written(choice: Choice, count: int, decoder: object = None) -> list[int]:
    return list(islice(write_tokens(decoder or Same(), np.array([0]), choice), count))


CHOICES = [
    Choice(1.0),
    Choice(0.5),
    Choice(1.0, top_k=2),
    Choice(2.0, top_p=0.8),
    Choice(1.0, min_p=0.3),
]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_tokens_are_drawn_with_their_exact_probabilities(choice: Choice) -> None:
    count = 20_000
    seen = np.bincount(written(choice, count), minlength=5)
    expected = probabilities(LOGITS, choice) * count
    assert (seen[expected == 0] == 0).all()
    kept = expected > 0
    chi_square = ((seen - expected)[kept] ** 2 / expected[kept]).sum()
    assert chi_square < 18.5  # the 0.999 quantile of 4 degrees of freedom


@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=12),
    st.floats(0.05, 0.999),
    st.floats(0.2, 3),
)
def test_top_p_keeps_the_smallest_set(logits: list[float], top_p: float, heat: float) -> None:
    everything = probabilities(np.array(logits), Choice(heat))
    kept = probabilities(np.array(logits), Choice(heat, top_p=top_p)) > 0
    total = everything[kept].sum()
    assert total >= top_p * (1 - 1e-12)
    assert total - everything[kept].min() < top_p * (1 + 1e-12)
    assert everything[kept].min() >= everything[~kept].max(initial=0)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=12), st.floats(0, 1))
def test_min_p_keeps_what_is_likely_enough(logits: list[float], share: float) -> None:
    everything = probabilities(np.array(logits), Choice(1.0))
    kept = probabilities(np.array(logits), Choice(1.0, min_p=share)) > 0
    assert kept[everything.argmax()]
    wanted = everything >= share * everything.max()
    near = np.isclose(everything, share * everything.max(), rtol=1e-9)
    np.testing.assert_array_equal(kept[~near], wanted[~near] & (everything[~near] > 0))


@given(
    st.lists(st.floats(-20, 20), min_size=2, max_size=9), st.floats(1, 5), st.integers(0, 1 << 9)
)
def test_a_token_that_was_met_never_becomes_likelier(
    logits: list[float], penalty: float, bits: int
) -> None:
    met = np.array([bool(bits >> n & 1) for n in range(len(logits))])
    before = probabilities(np.array(logits), Choice(1.0), met)
    after = probabilities(np.array(logits), Choice(1.0, repetition=penalty), met)
    odds = [p[:, None] / p[None, :] for p in (before, after)]
    assert (odds[1][met][:, ~met] <= odds[0][met][:, ~met] * (1 + 1e-9)).all()
    np.testing.assert_allclose(odds[1][~met][:, ~met], odds[0][~met][:, ~met])


def test_a_penalty_makes_greedy_writing_take_turns() -> None:
    assert written(GREEDY, 4) == [1, 1, 1, 1]
    assert written(Choice(0.0, repetition=10.0), 4) == [1, 4, 2, 1]


def test_the_same_seed_writes_the_same_tokens_at_any_length() -> None:
    short, long = written(Choice(1.0, seed=5), 40), written(Choice(1.0, seed=5), 700)
    assert long[:40] == short
    assert written(Choice(1.0, seed=6), 700) != long


@pytest.mark.parametrize("heat", [0.0, 1.0])
def test_cached_and_whole_windows_write_the_same_tokens(heat: float) -> None:
    sizes = {"n": CONTEXT, "d": 8, "h": 2, "k": 4, "f": 12, "v": 9}
    model = Model(graph("gpt", layers=2), sizes, seed=1)
    for array in model.parameters.values():
        array *= 8 if array.ndim > 1 else 1
    logits, buffers = model.graph.values["logits"], model.parameters.buffers
    cached = decoder_of(model, logits, "tokens", "t", CONTEXT)
    window = window_program(model, logits, "tokens", "t", CONTEXT)
    whole = FullDecoder(window, buffers, "tokens", CONTEXT)
    choice = Choice(heat, seed=2, repetition=1.1)
    found = written(choice, 200, cached)
    assert found == written(choice, 200, whole)
    assert len(set(found)) > 3


@pytest.mark.parametrize(
    "choice", [GREEDY, Choice(1.0), Choice(1.0, top_k=2), Choice(1.0, top_p=0.5)]
)
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("places", [[0], [4], [0, 1, 2, 3, 4]])
def test_logits_that_are_not_finite_are_an_error(
    choice: Choice, wrong: float, places: list[int]
) -> None:
    logits = LOGITS.copy()
    logits[places] = wrong
    with pytest.raises(DomainError, match="not finite"):
        written(choice, 1, Same(logits))


def test_an_empty_prompt_is_refused_at_once() -> None:
    with pytest.raises(ArgumentError, match="at least one token"):
        write_tokens(Same(), np.array([], np.int64), GREEDY)


@pytest.mark.parametrize(
    "numbers",
    [
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"top_p": float("nan")},
        {"min_p": -0.1},
        {"min_p": 2},
        {"repetition": 0},
        {"repetition": float("inf")},
        {"temperature": "hot"},
        {"top_k": 1.5},
        {"seed": 0.5},
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused_by_name(numbers: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(numbers)).replace("_", "-")):
        Choice(**numbers)


@given(
    st.text("ab", max_size=30),
    st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
    st.integers(1, 5),
)
def test_text_ends_before_the_first_stop(text: str, stops: list[str], size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    found = "".join(until(pieces, stops))
    # One piece may hold two stops: the text ends at the one that stands first.
    expected = text
    for end in range(len(pieces) + 1):
        seen = "".join(pieces[:end])
        places = [seen.find(stop) for stop in stops if stop in seen]
        if places:
            expected = seen[: min(places)]
            break
    assert found == expected


def test_what_may_begin_a_stop_is_held_back() -> None:
    shown = []
    for piece in until(["a", "E", "N", "x", "E", "N", "D", "b"], ["END"]):
        shown.append(piece)
        assert "E" not in piece or "ENx" in "".join(shown)
    assert "".join(shown) == "aENx"
