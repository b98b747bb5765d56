"""Words, bytes and byte pairs as tokens; characters are in test_text.py."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux.errors import ArgumentError, DataError
from flux.training.bpe import BytePairs
from flux.training.text import make_tokenizer
from flux.training.tokenizer import AnyTokenizer, Bytes, Tokenizer, tokenizer_of
from flux.training.words import PATTERNS, UNKNOWN, Words, counter

TEXT = "the cat sat on the mat,\n\tand the dog's log: 12 caf\u00e9s \U0001d4b3!\n" * 20
KINDS = ["characters", "bytes", "words", "symbols", "bpe"]


def made(kind: str, most: int = 300) -> AnyTokenizer:
    if kind == "bpe":
        pytest.importorskip("tokenizers")
    return make_tokenizer(kind, most, [TEXT])


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_survives_its_tokens_and_the_tokenizer_its_saving(kind: str) -> None:
    tokenizer = made(kind)
    again = tokenizer_of(json.loads(json.dumps(tokenizer.saved())))
    tokens = tokenizer.encode(TEXT)
    assert tokens.dtype == np.int64
    assert 0 <= tokens.min() <= tokens.max() < tokenizer.size
    assert tokenizer.decode(tokens.tolist()) == TEXT
    assert again.size == tokenizer.size
    np.testing.assert_array_equal(again.encode(TEXT), tokens)
    assert len(tokenizer.encode(tokenizer.start)) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_of_tokens_gives_the_same_text(kind: str) -> None:
    tokenizer = made(kind)
    decode = tokenizer.decoder()
    pieces = [decode([token]) for token in tokenizer.encode(TEXT).tolist()]
    assert "".join(pieces) == TEXT


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_bytes_and_words_lose_nothing(text: str) -> None:
    assert Bytes().decode(Bytes().encode(text).tolist()) == text
    if text:
        for kind in PATTERNS:
            words = Words.from_texts([text], 10_000, kind)
            assert words.decode(words.encode(text).tolist()) == text
            assert counter(kind)(text) == len(words.encode(text))


def test_symbols_are_names_and_single_characters() -> None:
    tokenizer = Words.from_texts(["12*sin(x_1) -> y\n"], 100, "symbols")
    pieces = [tokenizer.decode([n]) for n in tokenizer.encode("sin(x_1)*21 -> y\n")]
    assert pieces == [*("sin", "(", "x", "_", "1", ")", "*", "2", "1"), *" -> y\n"]


def test_the_commonest_words_are_kept_and_the_others_are_one_token() -> None:
    tokenizer = Words.from_texts(["a b a c a b", " d"], 4)
    assert tokenizer.words == (UNKNOWN, " a", " b", " c")
    assert tokenizer.decode(tokenizer.encode(" a b c z").tolist()) == f" a b c{UNKNOWN}"


def test_a_word_that_is_not_known_is_shown_with_its_place() -> None:
    tokenizer = Words.from_texts(["the cat\n"], 100)
    with pytest.raises(DataError) as caught:
        tokenizer.encode("the cat\nthe dog", "notes.txt")
    assert (caught.value.line, caught.value.column) == (2, 4)
    assert "' dog'" in caught.value.text


def test_bytes_that_are_no_character_do_not_stop_a_stream() -> None:
    decode = Bytes().decoder()
    assert "".join(map(decode, ([0xC3], [0xA9], [0xFF], [0x41]))) == "\u00e9\ufffdA"


def test_too_few_byte_pairs_are_refused() -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(ArgumentError, match="begin with 256 bytes"):
        BytePairs.from_texts([TEXT], 100)
    assert 256 < made("bpe", 300).size <= 300


def test_byte_pairs_without_their_library_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(DataError) as caught:
        make_tokenizer("bpe", 300, [TEXT])
    assert "fluxparser[bpe]" in caught.value.hint


HOSTILE: list[dict[str, Any]] = [
    {},
    {"kind": ["words"]},
    {"kind": "characters", "characters": "ba"},
    {"kind": "characters", "characters": ""},
    {"kind": "words", "words": []},
    {"kind": "words", "words": ["a", "a"]},
    {"kind": "words", "words": ["a", {}]},
    {"kind": "words", "words": "ab"},
    {"kind": "symbols", "words": [""] * 2},
    {"kind": "bpe", "json": 3},
]


@pytest.mark.parametrize("values", HOSTILE)
def test_what_makes_no_tokenizer_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        tokenizer_of(values)


@pytest.mark.parametrize("text", ["", "{}", "[" * 10_000, '{"version": "9.0"}'])
def test_byte_pairs_of_another_making_are_refused(text: str) -> None:
    pytest.importorskip("tokenizers")
    with pytest.raises(ArgumentError):
        tokenizer_of({"kind": "bpe", "json": text})


def test_characters_are_the_default_vocabulary() -> None:
    assert make_tokenizer("characters", 1, ["cab", "d"]) == Tokenizer("abcd")
