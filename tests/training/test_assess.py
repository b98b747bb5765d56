"""The loss of a whole text: every token once, whatever its length."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from pathlib import Path

import numpy as np
import pytest

from flux.cli.entry import run
from flux.errors import DataError, DomainError
from flux.training.assess import assess
from flux.training.language import LanguageModel
from flux.training.presets import PRESETS
from flux.training.tokenizer import Bytes, Tokenizer

CONTEXT = 8
PRESET = replace(PRESETS["tiny"], width=8, heads=2, feed_forward=12, context=CONTEXT)
TEXT = "abcab cacb bca abbca cabcb acbab"


@pytest.fixture(scope="module")
def language() -> LanguageModel:
    made = LanguageModel(PRESET, Tokenizer.from_text(TEXT), seed=2)
    for array in made.model.parameters.values():
        array *= 10 if array.ndim > 1 else 1
    return made


def found(language: LanguageModel, text: str) -> tuple[float, list[int]]:
    seen: list[int] = []
    result = assess(language, text, "text", lambda done, count, loss: seen.append(done))
    assert result.tokens == seen[-1] == len(text) - 1
    assert result.characters == len(text) - 1
    assert result.perplexity == pytest.approx(exp(result.loss))
    assert result.bits_per_character == pytest.approx(result.loss / log(2))
    return result.loss, seen


def test_the_loss_of_whole_windows_is_the_model_s_own(language: LanguageModel) -> None:
    text = TEXT[: 3 * CONTEXT + 1]
    tokens = language.tokenizer.encode(text)
    windows = {"tokens": tokens[:-1].reshape(3, -1), "targets": tokens[1:].reshape(3, -1)}
    loss, seen = found(language, text)
    assert loss == pytest.approx(language.model.loss(**windows), rel=1e-6)
    assert seen == [8, 16, 24]


def test_a_last_window_reaches_back_and_counts_what_is_new(language: LanguageModel) -> None:
    whole, rest = found(language, TEXT[:17])[0], found(language, TEXT[:20])[0]
    tokens = language.tokenizer.encode(TEXT[:20])
    logits = language.logits(tokens[None, 11:19])[0].astype(float)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    last = -log_p[[5, 6, 7], tokens[17:20]].sum()
    assert rest * 19 == pytest.approx(whole * 16 + last, rel=1e-6)


@pytest.mark.parametrize("count", [2, 3, CONTEXT])
def test_a_text_shorter_than_a_window_is_read_place_by_place(
    language: LanguageModel, count: int
) -> None:
    tokens = language.tokenizer.encode(TEXT[:count])
    loss = language.model.loss(tokens=tokens[None, :-1], targets=tokens[None, 1:])
    assert found(language, TEXT[:count])[0] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(("text", "message"), [("", "0 tokens"), ("a", "1 tokens"), ("ab~", "~")])
def test_texts_without_anything_to_foretell_are_refused(
    language: LanguageModel, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        assess(language, text, "text", lambda *_: None)


def test_parameters_that_are_not_numbers_are_found() -> None:
    language = LanguageModel(PRESET, Tokenizer.from_text(TEXT), seed=2)
    language.model.parameters["head"][0, 0] = np.nan
    with pytest.raises(DomainError, match="the loss is nan"):
        assess(language, TEXT, "text", lambda *_: None)


def test_characters_are_counted_where_a_token_is_a_byte() -> None:
    text = "aß" * 9
    language = LanguageModel(PRESET, Bytes(), seed=2)
    result = assess(language, text, "text", lambda *_: None)
    assert (result.tokens, result.characters) == (3 * 9 - 1, 2 * 9 - 1)


def test_words_outside_the_vocabulary_leave_no_bits_per_character(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text("one two three four five six seven\n" * 60)
    given = ["train", "--preset", "tiny", "--data", str(tmp_path / "text.txt"), "--steps", "2"]
    for most, shown in ((4, False), (100, True)):
        out = str(tmp_path / str(most))
        words = ["--set", "tokenizer=words", "--set", f"vocabulary={most}"]
        assert run([*given, *words, "--out", out]) == 0
        assert ("bits/char" in capfd.readouterr().err) is shown
        assert run(["eval-model", out, "--data", str(tmp_path / "text.txt")]) == 0
        assert ("bits per character  " in capfd.readouterr().out) is shown
